//! One worker goes on where the other stopped, on the topics the other wrote.

mod answers;
mod golden;
mod odd;
mod rich;
mod session_key;

use std::path::Path;

use millstream_testbed::{Folder, Kafka, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::journal::Journal;
use crate::scenario::{FILE_SINK, FILE_SOURCE, Kind, LIMIT, STRING, append, wait_committed, wait_lines, wait_values};

#[tokio::test]
async fn each_worker_goes_on_where_the_other_stopped() -> Result<()> {
    let relay = Relay::new(shared().kafka().await?, "takeover").await?;

    // Java begins, ours takes over.
    let java = relay.start(Kind::Java).await?;
    relay.create(&java, "first", 1).await?;
    relay.flow(&java, "first", &["one", "two", "three"]).await?;
    relay.end(java, Kind::Java).await?;
    let ours = relay.start(Kind::Millstream).await?;
    relay.running(&ours, "first", 1).await?;
    relay.flow(&ours, "first", &["four", "five"]).await?;

    // Ours makes a second pair and changes the first one, Java takes over.
    relay.create(&ours, "second", 2).await?;
    relay.flow(&ours, "second", &["uno", "dos"]).await?;
    let (_, sink) = relay.connectors("first");
    ours.rest().put_config(&sink, &relay.sink_config("first", 3)).await?;
    relay.running(&ours, "first", 3).await?;
    ours.rest().pause(&relay.connectors("second").0).await?;
    ours.rest().wait_state(&relay.connectors("second").0, "PAUSED", LIMIT).await?;
    relay.end(ours, Kind::Millstream).await?;
    let java = relay.start(Kind::Java).await?;
    relay.running(&java, "first", 3).await?;
    relay.flow(&java, "first", &["six"]).await?;
    // Paused by ours, resumed by Java.
    java.rest().wait_state(&relay.connectors("second").0, "PAUSED", LIMIT).await?;
    java.rest().resume(&relay.connectors("second").0).await?;
    relay.running(&java, "second", 2).await?;
    relay.flow(&java, "second", &["tres"]).await?;
    java.rest().stop(&relay.connectors("second").1).await?;
    java.rest().delete(&relay.connectors("first").0).await?;
    relay.end(java, Kind::Java).await?;

    // And ours once more: stopped and deleted by Java is stopped and gone.
    let ours = relay.start(Kind::Millstream).await?;
    let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
    ours.rest().wait_status(&relay.connectors("second").1, LIMIT, stopped).await?;
    let (gone, _) = relay.connectors("first");
    assert_eq!(ours.rest().get(&format!("/connectors/{gone}")).await?.status, 404);
    ours.rest().resume(&relay.connectors("second").1).await?;
    relay.running(&ours, "second", 2).await?;
    relay.flow(&ours, "second", &["cuatro"]).await?;
    relay.end(ours, Kind::Millstream).await
}

#[tokio::test]
async fn a_standalone_offsets_file_of_java_is_read_and_written() -> Result<()> {
    let kafka = shared().kafka().await?;
    let folder = Folder::new("standalone-takeover")?;
    let (input, offsets) = (folder.path().join("in.txt"), folder.path().join("connect.offsets"));
    let (name, topic) = (unique("lines"), unique("lines"));
    let topics = Topics::new(kafka.bootstrap());
    topics.create(&topic, 1, &[]).await?;
    let properties = WorkerProperties::standalone(&kafka.bootstrap(), &offsets);
    let config = json!({
        "connector.class": FILE_SOURCE, "tasks.max": "1", "file": input, "topic": topic, "value.converter": STRING,
    });
    let mut all = Vec::new();
    for (kind, line) in [(Kind::Java, "one"), (Kind::Millstream, "two"), (Kind::Java, "three")] {
        let worker = kind.start(properties.clone()).await?;
        append(&input, &[line])?;
        all.push(line);
        worker.rest().create(&name, &config).await?;
        worker.rest().wait_running(&name, 1, LIMIT).await?;
        wait_values(&topics, &topic, &all, &worker).await?;
        assert_eq!(worker.terminate().await?, kind.stopped(), "{}", worker.log_tail());
    }
    Ok(())
}

/// Pairs of a FileStream source and sink that go from worker to worker.
struct Relay {
    properties: WorkerProperties,
    topics: Topics,
    journal: Journal,
    folder: Folder,
    mark: String,
}

impl Relay {
    async fn new(kafka: &Kafka, name: &str) -> Result<Relay> {
        let group = unique(name);
        Ok(Relay {
            properties: WorkerProperties::distributed(&kafka.bootstrap(), &group),
            topics: Topics::new(kafka.bootstrap()),
            journal: Journal::new(&kafka.bootstrap(), &group),
            folder: Folder::new(name)?,
            mark: group,
        })
    }

    async fn start(&self, kind: Kind) -> Result<Worker> {
        kind.start(self.properties.clone()).await
    }

    async fn end(&self, worker: Worker, kind: Kind) -> Result<()> {
        let code = worker.terminate().await?;
        assert_eq!(code, kind.stopped(), "exit code\n{}", worker.log_tail());
        Ok(())
    }

    fn connectors(&self, pair: &str) -> (String, String) {
        (format!("{pair}-source-{}", self.mark), format!("{pair}-sink-{}", self.mark))
    }

    fn topic(&self, pair: &str) -> String {
        format!("{pair}-{}", self.mark)
    }

    fn sink_config(&self, pair: &str, tasks: u32) -> Value {
        json!({
            "connector.class": FILE_SINK, "tasks.max": tasks.to_string(), "value.converter": STRING,
            "topics": self.topic(pair), "file": self.folder.path().join(format!("{pair}-out.txt")),
        })
    }

    async fn create(&self, worker: &Worker, pair: &str, sink_tasks: u32) -> Result<()> {
        self.topics.create(&self.topic(pair), 1, &[]).await?;
        let (source, sink) = self.connectors(pair);
        let config = json!({
            "connector.class": FILE_SOURCE, "tasks.max": "1", "value.converter": STRING,
            "topic": self.topic(pair), "file": self.folder.path().join(format!("{pair}-in.txt")),
        });
        worker.rest().create(&source, &config).await?;
        worker.rest().create(&sink, &self.sink_config(pair, sink_tasks)).await?;
        self.running(worker, pair, sink_tasks as usize).await
    }

    async fn running(&self, worker: &Worker, pair: &str, sink_tasks: usize) -> Result<()> {
        let (source, sink) = self.connectors(pair);
        // What the worker before left behind says RUNNING (or UNASSIGNED) too: only a status of this worker counts.
        let id = worker.rest().base().trim_start_matches("http://").to_owned();
        for (name, tasks) in [(source, 1), (sink, sink_tasks)] {
            let here = |status: &Value| {
                let parts = status["tasks"].as_array().cloned().unwrap_or_default();
                parts.len() == tasks
                    && parts
                        .iter()
                        .chain([&status["connector"]])
                        .all(|part| part["state"] == "RUNNING" && part["worker_id"] == id.as_str())
            };
            worker.rest().wait_status(&name, LIMIT, here).await?;
        }
        Ok(())
    }

    /// Adds lines to the source's file and waits until they, and nothing else, have gone all the way.
    async fn flow(&self, worker: &Worker, pair: &str, lines: &[&str]) -> Result<()> {
        let input = self.folder.path().join(format!("{pair}-in.txt"));
        append(&input, lines)?;
        let all = text(&input)?;
        let all: Vec<&str> = all.lines().collect();
        wait_values(&self.topics, &self.topic(pair), &all, worker).await?;
        wait_lines(&self.folder.path().join(format!("{pair}-out.txt")), &all, worker).await?;
        let position: usize = all.iter().map(|line| line.len() + 1).sum();
        let (source, sink) = self.connectors(pair);
        self.journal.wait_offset(&source, LIMIT, worker, |offset| offset["position"] == position).await?;
        let group = format!("connect-{sink}");
        wait_committed(&self.topics, &group, &self.topic(pair), all.len() as i64, worker).await
    }
}

fn text(path: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(path)?)
}
