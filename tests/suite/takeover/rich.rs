//! A cluster with a past: Java makes it, Millstream says the same of it and adds to it, Java says the same again.

use std::path::PathBuf;

use millstream_testbed::poll::until;
use millstream_testbed::{Error, Folder, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use super::answers::{answers, wait_answers};
use super::golden::one_partition_for_each_key;
use crate::journal::Journal;
use crate::scenario::{FILE_SINK, FILE_SOURCE, JSON, Kind, LIMIT, STRING, append, wait_committed, wait_values};

#[tokio::test]
async fn a_cluster_with_a_past_is_the_same_to_both() -> Result<()> {
    let kafka = shared().kafka().await?;
    let group = unique("past");
    // As many partitions as Kafka Connect makes by default.
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &group)
        .set("offset.storage.partitions", 25)
        .set("status.storage.partitions", 5);
    let journal = Journal::new(&kafka.bootstrap(), &group);
    let past = Past { folder: Folder::new("past")?, topics: Topics::new(kafka.bootstrap()), journal, mark: group };
    past.topics.create(&past.topic(), 1, &[]).await?;

    let java = Kind::Java.start(properties.clone()).await?;
    past.begin(&java).await?;
    let said = answers(&java).await?;
    assert_eq!(java.terminate().await?, Kind::Java.stopped(), "{}", java.log_tail());

    let ours = Kind::Millstream.start(properties.clone()).await?;
    wait_answers(&ours, &said).await?;
    past.go_on(&ours).await?;
    let said = answers(&ours).await?;
    assert_eq!(ours.terminate().await?, 0, "{}", ours.log_tail());

    let java = Kind::Java.start(properties).await?;
    wait_answers(&java, &said).await?;
    assert_eq!(java.terminate().await?, Kind::Java.stopped(), "{}", java.log_tail());

    one_partition_for_each_key(&past.journal.statuses().await?);
    one_partition_for_each_key(&past.journal.offsets().await?);
    // Each worker took over the key it found: none had expired.
    let configs = past.journal.configs().await?;
    assert_eq!(configs.iter().filter(|record| record.key_text() == "session-key").count(), 1);
    Ok(())
}

struct Past {
    folder: Folder,
    topics: Topics,
    journal: Journal,
    mark: String,
}

impl Past {
    fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.mark)
    }

    fn topic(&self) -> String {
        self.name("lines")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn source(&self, file: &str) -> Value {
        json!({
            "connector.class": FILE_SOURCE, "tasks.max": "1", "value.converter": STRING,
            "file": self.file(file), "topic": self.topic(),
        })
    }

    fn sink(&self, file: &str, tasks: u32) -> Value {
        json!({
            "connector.class": FILE_SINK, "tasks.max": tasks.to_string(), "value.converter": STRING,
            "file": self.file(file), "topics": self.topic(),
        })
    }

    /// Everything that a connector can be, on a worker that has just been started.
    async fn begin(&self, worker: &Worker) -> Result<()> {
        let rest = worker.rest();
        let name = |name: &str| self.name(name);
        append(&self.file("in.txt"), &["one", "two"])?;
        rest.create(&name("running"), &self.source("in.txt")).await?;
        rest.create(&name("sink"), &self.sink("out.txt", 3)).await?;
        rest.wait_running(&name("running"), 1, LIMIT).await?;
        wait_values(&self.topics, &self.topic(), &["one", "two"], worker).await?;

        rest.create(&name("paused"), &self.source("none.txt")).await?;
        rest.wait_running(&name("paused"), 1, LIMIT).await?;
        rest.pause(&name("paused")).await?;
        rest.create(&name("stopped"), &self.source("none.txt")).await?;
        rest.wait_running(&name("stopped"), 1, LIMIT).await?;
        self.stop(worker, "stopped").await?;
        self.alter(worker, "stopped", &[("none.txt", Some(7)), ("other.txt", Some(3)), ("gone.txt", Some(1))]).await?;
        self.alter(worker, "stopped", &[("gone.txt", None)]).await?;

        // No line of the topic is JSON.
        let mut failing = self.sink("bad.txt", 1);
        failing["value.converter"] = json!(JSON);
        rest.create(&name("failed"), &failing).await?;
        rest.wait_status(&name("failed"), LIMIT, |status| status["tasks"][0]["state"] == "FAILED").await?;

        // More tasks, then fewer.
        rest.wait_running(&name("sink"), 3, LIMIT).await?;
        rest.put_config(&name("sink"), &self.sink("out.txt", 4)).await?;
        rest.wait_running(&name("sink"), 4, LIMIT).await?;
        rest.put_config(&name("sink"), &self.sink("out.txt", 2)).await?;
        self.tasks(worker, "sink", 2).await?;

        // A name used again inherits nothing but the offsets.
        rest.create(&name("again"), &self.sink("again.txt", 3)).await?;
        rest.wait_running(&name("again"), 3, LIMIT).await?;
        rest.delete(&name("again")).await?;
        let again = json!({"name": name("again"), "config": self.source("none.txt"), "initial_state": "PAUSED"});
        rest.send("POST", "/connectors", Some(&again)).await?.success("creating it paused")?;
        rest.wait_state(&name("again"), "PAUSED", LIMIT).await?;
        let late = json!({"name": name("late"), "config": self.sink("late.txt", 2), "initial_state": "STOPPED"});
        rest.send("POST", "/connectors", Some(&late)).await?.success("creating it stopped")?;
        rest.wait_state(&name("late"), "STOPPED", LIMIT).await?;
        rest.create(&name("deleted"), &self.source("none.txt")).await?;
        rest.wait_running(&name("deleted"), 1, LIMIT).await?;
        rest.delete(&name("deleted")).await?;

        self.restart(worker, "running").await?;
        self.logger(worker).await?;
        self.reset_topics(worker, "again").await?;
        self.settled(worker).await?;
        self.reset_and_use_topics(worker).await
    }

    /// More of the same, on what another worker left.
    async fn go_on(&self, worker: &Worker) -> Result<()> {
        let rest = worker.rest();
        let name = |name: &str| self.name(name);
        self.reset_and_use_topics(worker).await?;
        rest.resume(&name("paused")).await?;
        rest.wait_running(&name("paused"), 1, LIMIT).await?;
        rest.delete(&name("failed")).await?;
        self.alter(worker, "stopped", &[("none.txt", Some(9)), ("other.txt", None), ("new.txt", Some(2))]).await?;
        rest.resume(&name("late")).await?;
        rest.wait_running(&name("late"), 2, LIMIT).await?;
        self.stop(worker, "late").await?;
        rest.put_config(&name("sink"), &self.sink("out.txt", 3)).await?;
        self.tasks(worker, "sink", 3).await?;
        rest.create(&name("ours"), &self.source("none.txt")).await?;
        rest.wait_running(&name("ours"), 1, LIMIT).await?;
        rest.pause(&name("ours")).await?;
        rest.create(&name("deleted"), &self.sink("deleted.txt", 1)).await?;
        rest.wait_running(&name("deleted"), 1, LIMIT).await?;
        rest.delete(&name("deleted")).await?;
        self.restart(worker, "paused").await?;
        self.logger(worker).await?;
        self.settled(worker).await
    }

    async fn stop(&self, worker: &Worker, name: &str) -> Result<()> {
        worker.rest().stop(&self.name(name)).await?;
        let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
        worker.rest().wait_status(&self.name(name), LIMIT, stopped).await?;
        Ok(())
    }

    async fn tasks(&self, worker: &Worker, name: &str, tasks: usize) -> Result<()> {
        let there = |status: &Value| {
            let tasks = status["tasks"].as_array().filter(|found| found.len() == tasks);
            tasks.is_some_and(|tasks| tasks.iter().all(|task| task["state"] == "RUNNING"))
        };
        worker.rest().wait_status(&self.name(name), LIMIT, there).await?;
        Ok(())
    }

    async fn alter(&self, worker: &Worker, name: &str, positions: &[(&str, Option<i64>)]) -> Result<()> {
        let offset = |(file, position): &(&str, Option<i64>)| {
            json!({
                "partition": {"filename": self.file(file)},
                "offset": position.map(|position| json!({"position": position})),
            })
        };
        let body = json!({"offsets": positions.iter().map(offset).collect::<Vec<_>>()});
        let path = format!("/connectors/{}/offsets", self.name(name));
        worker.rest().send("PATCH", &path, Some(&body)).await?.success("altering offsets")?;
        Ok(())
    }

    async fn restart(&self, worker: &Worker, name: &str) -> Result<()> {
        let path = format!("/connectors/{}/restart?includeTasks=true", self.name(name));
        worker.rest().send("POST", &path, None).await?.success("a restart")?;
        worker.rest().wait_running(&self.name(name), 1, LIMIT).await?;
        Ok(())
    }

    async fn logger(&self, worker: &Worker) -> Result<()> {
        let path = "/admin/loggers/org.apache.kafka.connect.past?scope=cluster";
        worker.rest().send("PUT", path, Some(&json!({"level": "DEBUG"}))).await?.success("a log level")?;
        Ok(())
    }

    /// Topics that running tasks use come back with the next record.
    async fn reset_and_use_topics(&self, worker: &Worker) -> Result<()> {
        for name in ["running", "sink"] {
            self.reset_topics(worker, name).await?;
            self.wait_topics(worker, name, json!([])).await?;
        }
        append(&self.file("in.txt"), &["one more"])?;
        for name in ["running", "sink"] {
            self.wait_topics(worker, name, json!([self.topic()])).await?;
        }
        self.settled(worker).await
    }

    async fn wait_topics(&self, worker: &Worker, name: &str, topics: Value) -> Result<()> {
        let name = self.name(name);
        let found = until(format!("topics {topics} of {name}"), LIMIT, || async {
            let answer = worker.rest().get(&format!("/connectors/{name}/topics")).await?.json()?;
            if answer[&name]["topics"] == topics { Ok(Some(())) } else { Err(Error::new(answer.to_string())) }
        });
        found.await.map_err(|error| error.with_log(&worker.log()))
    }

    async fn reset_topics(&self, worker: &Worker, name: &str) -> Result<()> {
        let path = format!("/connectors/{}/topics/reset", self.name(name));
        worker.rest().send("PUT", &path, None).await?.success("topics forgotten")?;
        Ok(())
    }

    /// Waits until the running pair has told how far it is.
    async fn settled(&self, worker: &Worker) -> Result<()> {
        let text = std::fs::read_to_string(self.file("in.txt"))?;
        let running = self.name("running");
        self.journal.wait_offset(&running, LIMIT, worker, |offset| offset["position"] == text.len()).await?;
        let group = format!("connect-{}", self.name("sink"));
        wait_committed(&self.topics, &group, &self.topic(), text.lines().count() as i64, worker).await
    }
}
