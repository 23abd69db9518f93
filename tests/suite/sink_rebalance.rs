//! Sink tasks come and go while records flow: the worker is killed, tasks and partitions grow in number. No record is lost.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{Context, Error, Kafka, NewRecord, Result, Topics, Worker, WorkerProperties, unique};
use serde_json::json;
use tokio::sync::OnceCell;

use crate::scenario::{FILE_SINK, LIMIT, STRING};

/// Records that are written at once.
const PAGE: usize = 40;
/// Times that the worker is killed.
const KILLS: usize = 3;

/// A broker that soon forgets a consumer that was killed.
async fn forgetful_kafka() -> Result<&'static Kafka> {
    static FORGETFUL: OnceCell<Kafka> = OnceCell::const_new();
    let start = || Kafka::builder().setting("group.min.session.timeout.ms", 500).start();
    FORGETFUL.get_or_try_init(start).await
}

#[tokio::test]
async fn eager_rebalances_under_load_lose_nothing() -> Result<()> {
    come_and_go("eager", "org.apache.kafka.clients.consumer.RangeAssignor").await
}

#[tokio::test]
async fn cooperative_rebalances_under_load_lose_nothing() -> Result<()> {
    come_and_go("cooperative", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor").await
}

async fn come_and_go(name: &str, strategy: &str) -> Result<()> {
    let kafka = forgetful_kafka().await?;
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique(name));
    topics.create(&topic, 3, &[]).await?;
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique(name))
        .set("key.converter", STRING)
        .set("value.converter", STRING)
        .set("offset.flush.interval.ms", 100);
    let worker = Worker::start(properties).await?;
    let file = worker.folder().path().join("out.txt");
    let sink = |tasks: usize| {
        json!({
            "connector.class": FILE_SINK, "file": file, "topics": topic, "tasks.max": tasks.to_string(),
            "consumer.override.partition.assignment.strategy": strategy,
            "consumer.override.session.timeout.ms": "1500", "consumer.override.heartbeat.interval.ms": "300",
            "consumer.override.metadata.max.age.ms": "500",
        })
    };
    let over = AtomicBool::new(false);
    let change = async {
        worker.rest().create(name, &sink(2)).await?;
        let mut seen = 0;
        for round in 0..KILLS {
            seen = wait_more(&file, seen, &worker).await?;
            let tasks = [4, 1, 3][round % 3];
            worker.rest().put_config(name, &sink(tasks)).await?;
            if round == 1 {
                kafka
                    .tool("org.apache.kafka.tools.TopicCommand", &["--alter", "--topic", &topic, "--partitions", "6"])
                    .await?;
            }
            seen = wait_more(&file, seen, &worker).await?;
            worker.kill9();
            worker.run().await?;
        }
        wait_more(&file, seen, &worker).await?;
        over.store(true, Ordering::Relaxed);
        Ok::<_, Error>(())
    };
    let (written, ()) = tokio::try_join!(produce_until(&topics, &topic, &over), change)?;
    let group = format!("connect-{name}");
    let read = until(format!("{written} records"), LIMIT, || async {
        let lines = lines_of(&file)?;
        let missing: Vec<_> = (0..written).filter(|n| !lines.contains(&n.to_string())).collect();
        let (ends, committed) = (topics.end_offsets(&topic).await?, topics.committed(&group, &topic).await?);
        let done = missing.is_empty() && ends.len() == 6 && ends == committed;
        let state =
            || format!("missing {} of {written}, {:?}; {committed:?} of {ends:?}", missing.len(), missing.first());
        if done { Ok(Some(())) } else { Err(Error::new(state())) }
    });
    read.await.map_err(|error| error.with_log(&worker.log()))?;
    worker.rest().delete(name).await
}

/// Writes numbers, ascending, until it is over; how many there are.
async fn produce_until(topics: &Topics, topic: &str, over: &AtomicBool) -> Result<usize> {
    let mut written = 0;
    while !over.load(Ordering::Relaxed) {
        let page = (written..written + PAGE).map(|n| NewRecord::value(n.to_string()).key(n.to_string()));
        topics.produce(topic, page).await?;
        written += PAGE;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(written)
}

/// The distinct lines of a file.
fn lines_of(file: &Path) -> Result<HashSet<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(error) => Err(error).context(file.display()),
    }
}

/// Waits until there are some pages more than `seen` lines; how many there are.
async fn wait_more(file: &Path, seen: usize, worker: &Worker) -> Result<usize> {
    let more = until("more records", LIMIT, || async {
        let now = lines_of(file)?.len();
        if now >= seen + 5 * PAGE { Ok(Some(now)) } else { Err(Error::new(format!("{now} after {seen}"))) }
    });
    more.await.map_err(|error| error.with_log(&worker.log()))
}
