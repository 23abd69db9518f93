//! Source tasks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use millstream_api::{ConnectorKind, Error};
use millstream_core::cluster::{State, TargetState};
use millstream_testbed::{Kafka, Topics, shared, unique};

use crate::harness::{LIMIT, Tasks, until};

fn lines(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| format!("line-{n}"))
}

async fn values(topics: &Topics, topic: &str, count: usize) -> Vec<String> {
    let records = topics.read_at_least(topic, count, LIMIT).await.unwrap();
    records.iter().map(|record| record.value_text()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_loses_nothing_and_offsets_never_run_ahead() {
    let kafka = Kafka::start().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("outage"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    let running = tasks.source(&topic, &[]);
    tasks.lines.add(lines(0..500));
    until("the first lines are stored", async || {
        let stored = tasks.stored().await;
        let there = topics.end_offsets(&topic).await.unwrap()[&0];
        assert!(stored as i64 <= there, "{stored} stored, {there} in the topic");
        stored == 500
    })
    .await;
    kafka.pause().unwrap();
    let polls = tasks.lines.polls.load(Ordering::Relaxed);
    tasks.lines.add(lines(500..1000));
    until("all was polled", async || tasks.lines.polls.load(Ordering::Relaxed) >= polls + 50).await;
    // Several flushes later nothing of what Kafka cannot have acknowledged is stored.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(tasks.stored().await, 500);
    kafka.kill();
    kafka.run().await.unwrap();
    until("all is stored", async || tasks.stored().await == 1000).await;
    assert_eq!(values(&topics, &topic, 1000).await, lines(0..1000).collect::<Vec<_>>(), "in order, once");
    tasks.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_stores_what_was_sent_and_the_next_start_goes_on() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("restart"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    let mut stored = 0;
    for round in 0..3 {
        let running = tasks.source(&topic, &[]);
        tasks.lines.add(lines(round * 200..(round + 1) * 200));
        values(&topics, &topic, round * 200 + 50).await;
        tasks.stop(running).await;
        let now = tasks.stored().await;
        assert!(now > stored, "{now} after {stored}");
        stored = now;
    }
    let running = tasks.source(&topic, &[]);
    let all = values(&topics, &topic, 600).await;
    assert_eq!(all, lines(0..600).collect::<Vec<_>>(), "clean stops repeat nothing");
    tasks.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_task_sends_nothing() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("pause"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    let running = tasks.start(ConnectorKind::Source, 0, TargetState::Paused, &[("to", &topic)]);
    tasks.until_state(0, State::Paused).await;
    assert_eq!(tasks.lines.starts.load(Ordering::Relaxed), 0);
    running.set_target(TargetState::Started);
    tasks.until_state(0, State::Running).await;
    until("started", async || tasks.lines.starts.load(Ordering::Relaxed) == 1).await;
    tasks.lines.add(lines(0..1));
    values(&topics, &topic, 1).await;
    running.set_target(TargetState::Paused);
    tasks.until_state(0, State::Paused).await;
    // The poll that was under way comes back with these; they wait.
    tasks.lines.add(lines(1..30));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(topics.end_offsets(&topic).await.unwrap()[&0], 1);
    assert!(tasks.lines.polls.load(Ordering::Relaxed) <= 2);
    running.set_target(TargetState::Started);
    assert_eq!(values(&topics, &topic, 30).await, lines(0..30).collect::<Vec<_>>());
    tasks.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retriable_poll_is_repeated() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("retry"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    tasks.lines.errors.lock().push_back(Error::retriable("the server is restarting"));
    let running = tasks.source(&topic, &[]);
    tasks.lines.add(lines(0..3));
    assert_eq!(values(&topics, &topic, 3).await, lines(0..3).collect::<Vec<_>>());
    tasks.lines.errors.lock().push_back(Error::fatal("the table is gone"));
    tasks.lines.add(lines(3..4));
    let trace = tasks.until_state(0, State::Failed).await;
    assert!(trace.contains("the table is gone"), "{trace}");
    tasks.stop(running).await;
    assert_eq!(tasks.stored().await, 3, "what was acknowledged before the failure is stored");
}
