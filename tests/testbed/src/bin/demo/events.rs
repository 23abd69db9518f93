//! Plain JSON events, as any application produces them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use millstream_testbed::{Context, NewRecord, Result, Topics};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The topics with events.
pub const TOPICS: [&str; 2] = ["orders", "user-events"];
const PARTITIONS: i32 = 2;
/// `flush.size` of the sinks: a partition's file is complete with this many records.
pub const FLUSH_SIZE: u64 = 1_000;

const TICK: Duration = Duration::from_millis(500);
const EVENTS_PER_TICK: u64 = 150;

/// Produces events until it is stopped.
pub struct Events {
    shared: Arc<Shared>,
    running: Mutex<Option<JoinHandle<Result<()>>>>,
}

struct Shared {
    topics: Topics,
    ended: AtomicBool,
    // Per topic and partition.
    produced: [[AtomicU64; PARTITIONS as usize]; TOPICS.len()],
}

impl Events {
    /// Makes the topics where they are missing, and goes on behind the events that are there.
    pub async fn start(topics: &Topics) -> Result<Events> {
        let shared = Shared { topics: topics.clone(), ended: AtomicBool::new(false), produced: Default::default() };
        for (topic, counters) in TOPICS.iter().zip(&shared.produced) {
            if topics.partitions(topic).await?.is_none() {
                topics.create(topic, PARTITIONS, &[]).await?;
            }
            for ((_, end), counter) in topics.end_offsets(topic).await?.into_iter().zip(counters) {
                counter.store(end.unsigned_abs(), Ordering::Relaxed);
            }
        }
        let shared = Arc::new(shared);
        let running = tokio::spawn(produce_on(shared.clone()));
        Ok(Events { shared, running: Mutex::new(Some(running)) })
    }

    /// Events produced, both topics together.
    pub fn produced(&self) -> u64 {
        self.shared.produced.iter().flatten().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    /// Events produced to one of [`TOPICS`].
    pub fn produced_to(&self, topic: usize) -> u64 {
        self.shared.produced[topic].iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    /// An error when producing has failed.
    pub async fn check(&self) -> Result<()> {
        let mut running = self.running.lock().await;
        match running.take_if(|task| task.is_finished()) {
            Some(task) => task.await?.context("producing events"),
            None => Ok(()),
        }
    }

    /// Ends, with every partition filled up to a multiple of [`FLUSH_SIZE`]; returns how many events there are.
    pub async fn stop(&self) -> Result<u64> {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(task) = self.running.lock().await.take() {
            task.await?.context("producing events")?;
        }
        for topic in 0..TOPICS.len() {
            for partition in 0..PARTITIONS {
                let there = self.shared.produced[topic][partition as usize].load(Ordering::Relaxed);
                produce(&self.shared, topic, partition, there.next_multiple_of(FLUSH_SIZE) - there).await?;
            }
        }
        Ok(self.produced())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

async fn produce_on(shared: Arc<Shared>) -> Result<()> {
    let mut ticks = tokio::time::interval(TICK);
    while !shared.ended.load(Ordering::Relaxed) {
        ticks.tick().await;
        for topic in 0..TOPICS.len() {
            for partition in 0..PARTITIONS {
                produce(&shared, topic, partition, EVENTS_PER_TICK).await?;
            }
        }
    }
    Ok(())
}

async fn produce(shared: &Shared, topic: usize, partition: i32, count: u64) -> Result<()> {
    if count == 0 {
        return Ok(());
    }
    let counter = &shared.produced[topic][partition as usize];
    let first = counter.load(Ordering::Relaxed);
    let records = (first..first + count).map(|number| event(topic, partition, number));
    shared.topics.produce(TOPICS[topic], records).await.context(format!("producing to {}", TOPICS[topic]))?;
    counter.fetch_add(count, Ordering::Relaxed);
    Ok(())
}

// Event `number` of a partition; the event_id tells both.
fn event(topic: usize, partition: i32, number: u64) -> NewRecord {
    let user = (number * 7 + partition.unsigned_abs() as u64) % 500;
    let id = number * PARTITIONS.unsigned_abs() as u64 + partition.unsigned_abs() as u64;
    let value = if topic == 0 {
        let mut value = json!({
            "event_id": id,
            "type": "order_placed",
            "user_id": user,
            "total": (number % 900) as f64 + 0.25,
            "express": number.is_multiple_of(3),
            "address": {"city": "Pune", "zip": format!("{:06}", 411_000 + number % 60)},
        });
        // Schemaless values need not all have the same fields.
        if number.is_multiple_of(4) {
            value["coupon"] = json!(format!("SAVE{}", number % 30));
        }
        value
    } else {
        json!({
            "event_id": id,
            "type": (["login", "page_view", "search", "logout"][(number % 4) as usize]),
            "user_id": user,
            "tags": ["web", "beta"],
            "duration_ms": number % 1000,
        })
    };
    NewRecord::value(value.to_string()).key(format!("user-{user}")).partition(partition)
}
