//! Eight clients that ask for anything at any time, and a worker that is killed five times meanwhile: what was
//! acknowledged is there, and the config topic, REST, what runs, and Java's reading of the same topics agree.

mod client;
mod fold;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millstream_testbed::poll::until;
use millstream_testbed::rest::path_of;
use millstream_testbed::{Error, Folder, Kafka, Result, Topics, Worker, WorkerProperties, unique};
use serde_json::Value;

use crate::journal::Journal;
use crate::scenario::{Kind, LIMIT, Random, append};
use client::{Client, Expected};

const CLIENTS: u64 = 8;
/// Connectors that only one client touches: it knows what must be there in the end.
const OWN_EACH: u64 = 2;
/// Connectors that all clients touch.
const SHARED: u64 = 3;
const DURATION: Duration = Duration::from_secs(120);
const KILLS: u32 = 5;
/// Everything settles within this time, on a busy machine too.
const SETTLE: Duration = Duration::from_secs(120);

/// The worker all clients talk to, and whether it is there at the moment.
pub struct Stage {
    worker: Worker,
    folder: Folder,
    prefix: String,
    /// Odd while the worker is being killed and started.
    lives: AtomicU64,
    over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_clients_do_and_whenever_the_worker_dies_all_agree() -> Result<()> {
    // A broker of its own: a busy one would make others wait.
    let kafka = Kafka::start().await?;
    let group = unique("soak");
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group);
    let worker = Worker::start(properties.clone()).await?;
    let prefix = unique("soak");
    Topics::new(kafka.bootstrap()).create(&format!("{prefix}-lines"), 2, &[]).await?;
    let folder = Folder::new("soak")?;
    let stage = Stage { worker, folder, prefix, lives: AtomicU64::new(0), over: AtomicBool::new(false) };
    let stage = Arc::new(stage);
    let mut random = Random::seeded("soak");
    let shared: Vec<String> = (0..SHARED).map(|number| format!("{}-shared-{number}", stage.prefix)).collect();
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let own = (0..OWN_EACH).map(|own| format!("{}-own-{number}-{own}", stage.prefix)).collect();
        let client = Client::new(stage.clone(), own, shared.clone(), Random::with(random.below(u64::MAX)));
        clients.push(tokio::spawn(client.run()));
    }
    kill(&stage).await?;
    stage.over.store(true, Ordering::Relaxed);
    let (mut expected, mut requests) = (BTreeMap::new(), 0);
    for client in clients {
        let (known, sent) = client.await??;
        expected.extend(known);
        requests += sent;
    }
    println!("soak: {requests} requests, {KILLS} kills, {} connectors of one client each", expected.len());
    assert!(requests > 500, "only {requests} requests in {DURATION:?}: hardly a soak");

    let folded = agree(&stage, &Journal::new(&kafka.bootstrap(), &group), &expected).await?;
    sources_work(&stage, &kafka, &folded).await?;
    let ours = answers(&stage.worker, &folded).await?;
    assert_eq!(stage.worker.terminate().await?, 0, "{}", stage.worker.log_tail());
    let java = Kind::Java.start(properties).await?;
    settled(&java, &folded).await?;
    assert_eq!(answers(&java, &folded).await?, ours, "what Java reads from the same topics");
    assert_eq!(java.terminate().await?, Kind::Java.stopped());
    Ok(())
}

/// Ends the worker without warning now and then, and starts it again.
async fn kill(stage: &Stage) -> Result<()> {
    for _ in 0..KILLS {
        stage.pause().await;
        if stage.over.load(Ordering::Relaxed) {
            return Ok(());
        }
        stage.lives.fetch_add(1, Ordering::SeqCst);
        stage.worker.kill9();
        stage.worker.run().await?;
        stage.lives.fetch_add(1, Ordering::SeqCst);
    }
    stage.pause().await;
    Ok(())
}

/// The config topic says what the clients were told, and REST says what the config topic does.
async fn agree(
    stage: &Stage,
    journal: &Journal,
    expected: &BTreeMap<String, Option<Expected>>,
) -> Result<fold::Folded> {
    let folded = fold::fold(&journal.configs().await?)?;
    for (name, expected) in expected {
        let there = folded.get(name).map(|connector| (connector.config.clone(), connector.target.clone()));
        let expected = expected.as_ref().map(|expected| (expected.config.clone(), expected.target.to_owned()));
        assert_eq!(there, expected, "{name}: what its client was told last\n{}", stage.worker.log_tail());
    }
    settled(&stage.worker, &folded).await?;
    // Settling may have written task configurations; what was asked for stays.
    let folded = fold::fold(&journal.configs().await?)?;
    for (name, connector) in &folded {
        let config = stage.worker.rest().config(name).await?;
        assert_eq!(config, connector.config, "{name}: configuration of REST and of the topic");
        let tasks = stage.worker.rest().get(&format!("{}/tasks", path_of(name))).await?.json()?;
        let configs: Vec<&Value> = tasks.as_array().into_iter().flatten().map(|task| &task["config"]).collect();
        assert_eq!(configs, connector.tasks.iter().collect::<Vec<_>>(), "{name}: tasks of REST and of the topic");
    }
    Ok(folded)
}

/// Waits until REST shows the connectors of the topic and no others, each in the state it should be in with its tasks.
async fn settled(worker: &Worker, folded: &fold::Folded) -> Result<()> {
    until("all connectors to be what they should", SETTLE, || async {
        let listed = worker.rest().get("/connectors?expand=status").await?.json()?;
        let listed = listed.as_object().ok_or_else(|| Error::new("no list of connectors"))?;
        let mut wrong: Vec<String> =
            listed.keys().filter(|name| !folded.contains_key(*name)).map(|name| format!("{name} is there")).collect();
        for (name, connector) in folded {
            let status = listed.get(name).map(|entry| &entry["status"]).unwrap_or(&Value::Null);
            let tasks = status["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
            // A paused connector is not asked for tasks: it has those of the time before.
            let wanted = match connector.target.as_str() {
                "STOPPED" => 0,
                "PAUSED" => tasks.len(),
                _ => connector.wanted_tasks(),
            };
            let right = status["connector"]["state"] == connector.target.as_str()
                && tasks.len() == wanted
                && tasks.iter().all(|task| task["state"] == connector.target.as_str());
            if !right {
                wrong.push(format!("{name} should be {} with {wanted} tasks: {status}", connector.target));
            }
        }
        if wrong.is_empty() { Ok(Some(())) } else { Err(Error::new(wrong.join("\n"))) }
    })
    .await
    .map_err(|error| error.with_log(&worker.log()))
}

/// Sources that are said to run do: a new line of each arrives.
async fn sources_work(stage: &Stage, kafka: &Kafka, folded: &fold::Folded) -> Result<()> {
    let topics = Topics::new(kafka.bootstrap());
    let line = unique("the last line");
    let running = folded.iter().filter(|(_, connector)| connector.is_source() && connector.target == "RUNNING");
    for (name, _) in running {
        append(&client::file(stage, name), &[&line])?;
        until(format!("a new line of {name}"), LIMIT, || async {
            let records = topics.read_all(name).await?;
            Ok(records.iter().any(|record| record.value_text() == line).then_some(()))
        })
        .await
        .map_err(|error| error.with_log(&stage.worker.log()))?;
    }
    Ok(())
}

/// Configuration, tasks and states of all connectors, without what differs from worker to worker.
async fn answers(worker: &Worker, folded: &fold::Folded) -> Result<BTreeMap<String, Vec<Value>>> {
    let mut answers = BTreeMap::new();
    for name in folded.keys() {
        let mut of = vec![worker.rest().config(name).await?];
        of.push(worker.rest().get(&format!("{}/tasks", path_of(name))).await?.json()?);
        let status = worker.rest().status(name).await?;
        of.push(status["connector"]["state"].clone());
        of.extend(status["tasks"].as_array().into_iter().flatten().map(|task| task["state"].clone()));
        answers.insert(name.clone(), of);
    }
    Ok(answers)
}

impl Stage {
    /// The time between two kills; a client that gave up ends it.
    async fn pause(&self) {
        let until = Instant::now() + DURATION / (KILLS + 1);
        while Instant::now() < until && !self.over.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the worker is there, for a client that lost it.
    async fn back(&self) -> Result<()> {
        let limit = Instant::now() + LIMIT;
        while self.lives.load(Ordering::SeqCst) % 2 == 1 {
            if Instant::now() > limit {
                return Err(Error::new("the worker did not come back").with_log(&self.worker.log()));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}
