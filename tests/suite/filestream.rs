//! One life of a FileStream source and sink on both workers: what they answer, write and record must be the same.

use std::collections::BTreeMap;
use std::path::PathBuf;

use millstream_testbed::poll::until;
use millstream_testbed::rest::path_of;
use millstream_testbed::{Folder, Record, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::journal::{Journal, state_of};
use crate::mask::{Mask, differences};
use crate::scenario::{FILE_SINK, FILE_SOURCE, Kind, LIMIT, STRING, append, wait_committed, wait_lines, wait_values};

#[tokio::test]
async fn filestream_is_the_same_on_both_workers() -> Result<()> {
    let (java, ours) = (run(Kind::Java).await?, run(Kind::Millstream).await?);
    let mut all = Vec::new();
    for (name, java, ours) in [
        ("REST answers", &java.answers, &ours.answers),
        ("records of the data topic", &java.values, &ours.values),
        ("records of the config topic", &java.configs, &ours.configs),
        ("records of the offsets topic", &java.offsets, &ours.offsets),
        ("records of the status topic", &java.statuses, &ours.statuses),
    ] {
        let found = differences(("Java", "Millstream"), java, ours);
        if !found.is_empty() {
            all.push(format!("{name}:\n{}", found.join("\n")));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n\n"));
    Ok(())
}

/// All that an outsider could see of one run, as lines.
struct Seen {
    answers: Vec<String>,
    values: Vec<String>,
    configs: Vec<String>,
    offsets: Vec<String>,
    statuses: Vec<String>,
}

async fn run(kind: Kind) -> Result<Seen> {
    let mut stage = Stage::set(kind).await?;
    stage.create().await?;
    stage.pause_and_stop().await?;
    stage.restart().await?;
    stage.change().await?;
    stage.refuse().await?;
    stage.delete().await?;
    stage.seen().await
}

struct Stage {
    kind: Kind,
    worker: Worker,
    journal: Journal,
    topics: Topics,
    folder: Folder,
    source: String,
    sink: String,
    topic: String,
    mask: Mask,
    answers: Vec<String>,
}

impl Stage {
    async fn set(kind: Kind) -> Result<Stage> {
        let kafka = shared().kafka().await?;
        let group = unique("filestream");
        let (source, sink, topic) = (unique("source"), unique("sink"), unique("lines"));
        let topics = Topics::new(kafka.bootstrap());
        topics.create(&topic, 1, &[]).await?;
        let folder = Folder::new("filestream")?;
        append(&folder.path().join("in.txt"), &["one", "two", "three"])?;
        let worker = kind.start(WorkerProperties::distributed(&kafka.bootstrap(), &group)).await?;
        let mut mask = Mask::default();
        for (name, placeholder) in [(&source, "<source>"), (&sink, "<sink>"), (&topic, "<topic>")] {
            mask.add(name, placeholder);
        }
        mask.add(folder.path().display().to_string(), "<folder>");
        mask.add(worker.rest().base(), "<worker>");
        let journal = Journal::new(&kafka.bootstrap(), &group);
        Ok(Stage { kind, worker, journal, topics, folder, source, sink, topic, mask, answers: Vec::new() })
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("in.txt")
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out.txt")
    }

    fn source_config(&self) -> Value {
        json!({
            "connector.class": FILE_SOURCE, "tasks.max": "1", "file": self.input(), "topic": self.topic,
            "value.converter": STRING,
        })
    }

    fn sink_config(&self, tasks: u32) -> Value {
        json!({
            "connector.class": FILE_SINK, "tasks.max": tasks.to_string(), "file": self.output(),
            "topics": self.topic, "value.converter": STRING,
        })
    }

    /// Sends a request and notes the answer.
    async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<()> {
        let answer = self.worker.rest().send(method, path, body).await?;
        let mut line = format!("{method} {} -> {}", self.mask.text(path), answer.status);
        for name in ["content-type", "location"] {
            if let Some(value) = answer.header(name) {
                line.push_str(&format!(" {name}={}", self.mask.text(value)));
            }
        }
        if !answer.body.is_empty() {
            line.push_str(&format!(" {}", sorted(&self.mask.json(&answer.json()?))));
        }
        self.answers.push(line);
        Ok(())
    }

    async fn get_all(&mut self, name: &str) -> Result<()> {
        let path = path_of(name);
        for part in ["", "/config", "/tasks", "/status", "/tasks/0/status", "/topics"] {
            self.call("GET", &format!("{path}{part}"), None).await?;
        }
        Ok(())
    }

    /// Waits until the lines so far have gone all the way and every offset is committed.
    async fn wait_flow(&self, lines: &[&str]) -> Result<()> {
        wait_values(&self.topics, &self.topic, lines, &self.worker).await?;
        wait_lines(&self.output(), lines, &self.worker).await?;
        let position: usize = lines.iter().map(|line| line.len() + 1).sum();
        let reached = |offset: &Value| offset["position"] == position;
        self.journal.wait_offset(&self.source, LIMIT, &self.worker, reached).await?;
        let group = format!("connect-{}", self.sink);
        wait_committed(&self.topics, &group, &self.topic, lines.len() as i64, &self.worker).await?;
        // The topic is noted when the first record has gone through, not before the offset is committed.
        for connector in [&self.source, &self.sink] {
            let path = format!("{}/topics", path_of(connector));
            until(format!("a topic of {connector}"), LIMIT, || async {
                Ok(self.worker.rest().get(&path).await?.body.contains(&self.topic).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn seen_states(&self, instances: &[String]) -> Result<Vec<usize>> {
        let mut counts = Vec::new();
        for instance in instances {
            counts.push(self.journal.states(instance).await?.len());
        }
        Ok(counts)
    }

    /// Sends a request that makes these instances begin anew, and waits until each says RUNNING again.
    async fn call_and_run(&mut self, request: (&str, &str, Option<&Value>), instances: &[String]) -> Result<()> {
        let seen = self.seen_states(instances).await?;
        self.call(request.0, request.1, request.2).await?;
        for (instance, seen) in instances.iter().zip(seen) {
            self.journal.wait_state(instance, seen, "RUNNING", &self.worker).await?;
        }
        Ok(())
    }

    async fn create(&mut self) -> Result<()> {
        self.call("GET", "/connectors", None).await?;
        let (source, sink) = (self.source.clone(), self.sink.clone());
        let body = json!({"name": source, "config": self.source_config()});
        self.call("POST", "/connectors", Some(&body)).await?;
        self.worker.rest().wait_running(&source, 1, LIMIT).await?;
        let body = json!({"name": sink, "config": self.sink_config(2)});
        self.call("POST", "/connectors", Some(&body)).await?;
        self.worker.rest().wait_running(&sink, 2, LIMIT).await?;
        self.wait_flow(&["one", "two", "three"]).await?;
        self.get_all(&source).await?;
        self.get_all(&sink).await?;
        self.call("GET", "/connectors?expand=status&expand=info", None).await
    }

    async fn pause_and_stop(&mut self) -> Result<()> {
        let (source, sink) = (path_of(&self.source), path_of(&self.sink));
        self.call("PUT", &format!("{source}/pause"), None).await?;
        self.worker.rest().wait_state(&self.source, "PAUSED", LIMIT).await?;
        self.call("GET", &format!("{source}/status"), None).await?;
        append(&self.input(), &["four"])?;
        self.call("PUT", &format!("{source}/resume"), None).await?;
        self.worker.rest().wait_running(&self.source, 1, LIMIT).await?;
        self.wait_flow(&["one", "two", "three", "four"]).await?;

        self.call("PUT", &format!("{sink}/pause"), None).await?;
        self.worker.rest().wait_state(&self.sink, "PAUSED", LIMIT).await?;
        self.call("GET", &format!("{sink}/status"), None).await?;
        self.call("PUT", &format!("{sink}/stop"), None).await?;
        let stopped = |status: &Value| status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
        self.worker.rest().wait_status(&self.sink, LIMIT, stopped).await?;
        self.get_all(&self.sink.clone()).await?;
        append(&self.input(), &["five"])?;
        self.call("PUT", &format!("{sink}/resume"), None).await?;
        self.worker.rest().wait_running(&self.sink, 2, LIMIT).await?;
        self.wait_flow(&["one", "two", "three", "four", "five"]).await
    }

    async fn restart(&mut self) -> Result<()> {
        let path = path_of(&self.source);
        let (connector, task) = (self.source.clone(), format!("{}-0", self.source));
        let both = [connector.clone(), task.clone()];
        self.call_and_run(("POST", &format!("{path}/restart"), None), &[connector]).await?;
        self.call_and_run(("POST", &format!("{path}/tasks/0/restart"), None), &[task]).await?;
        self.call_and_run(("POST", &format!("{path}/restart?includeTasks=true"), None), &both).await?;
        // Nothing has failed, so nothing is done.
        self.call("POST", &format!("{path}/restart?includeTasks=true&onlyFailed=true"), None).await?;
        append(&self.input(), &["six"])?;
        self.wait_flow(&["one", "two", "three", "four", "five", "six"]).await
    }

    async fn change(&mut self) -> Result<()> {
        let (source, sink) = (self.source.clone(), self.sink.clone());
        let mut config = self.source_config();
        config["batch.size"] = json!(100);
        let path = format!("{}/config", path_of(&source));
        let both = [source.clone(), format!("{source}-0")];
        self.call_and_run(("PUT", &path, Some(&config)), &both).await?;
        // The same once more: the connector begins anew, its task does not notice.
        self.call_and_run(("PUT", &path, Some(&config)), &[source]).await?;

        let path = format!("{}/config", path_of(&sink));
        let config = self.sink_config(1);
        let both = [sink.clone(), format!("{sink}-0")];
        self.call_and_run(("PUT", &path, Some(&config)), &both).await?;
        let one = |status: &Value| status["tasks"].as_array().is_some_and(|tasks| tasks.len() == 1);
        self.worker.rest().wait_status(&sink, LIMIT, one).await?;
        self.get_all(&sink).await?;
        append(&self.input(), &["seven"])?;
        self.wait_flow(&["one", "two", "three", "four", "five", "six", "seven"]).await
    }

    async fn refuse(&mut self) -> Result<()> {
        let taken = json!({"name": self.source, "config": self.source_config()});
        self.call("POST", "/connectors", Some(&taken)).await?;
        let nameless = json!({"name": "", "config": self.source_config()});
        self.call("POST", "/connectors", Some(&nameless)).await?;
        let no_topic = json!({"name": "no-topic", "config": {"connector.class": FILE_SOURCE}});
        self.call("POST", "/connectors", Some(&no_topic)).await?;
        let no_class = json!({"name": "no-class", "config": {"connector.class": "no.such.Connector"}});
        self.call("POST", "/connectors", Some(&no_class)).await?;
        for (method, part) in [
            ("GET", ""),
            ("GET", "/config"),
            ("GET", "/status"),
            ("GET", "/tasks"),
            ("GET", "/topics"),
            ("PUT", "/pause"),
            ("PUT", "/stop"),
            ("POST", "/restart"),
            ("POST", "/tasks/0/restart"),
            ("DELETE", ""),
        ] {
            self.call(method, &format!("/connectors/nobody{part}"), None).await?;
        }
        self.call("GET", "/nowhere", None).await
    }

    async fn delete(&mut self) -> Result<()> {
        for name in [self.sink.clone(), self.source.clone()] {
            let path = path_of(&name);
            self.call("DELETE", &path, None).await?;
            until(format!("no connector and no status of {name}"), LIMIT, || async {
                let rest = self.worker.rest();
                let gone = rest.get(&path).await?.status == 404;
                Ok((gone && rest.get(&format!("{path}/status")).await?.status == 404).then_some(()))
            })
            .await?;
            self.call("GET", &path, None).await?;
            self.call("GET", &format!("{path}/status"), None).await?;
        }
        self.call("GET", "/connectors", None).await?;
        let code = self.worker.terminate().await?;
        assert_eq!(code, self.kind.stopped(), "exit code\n{}", self.worker.log_tail());
        Ok(())
    }

    async fn seen(self) -> Result<Seen> {
        let line = |record: &Record| {
            let value = record.value.as_ref().map_or("(tombstone)".to_owned(), |_| record.value_text());
            self.mask.text(&format!("{} = {value}", record.key_text()))
        };
        let values = self.topics.read_all(&self.topic).await?;
        let values = values.iter().map(|record| format!("{record:?}")).map(|text| without_time(&self.mask.text(&text)));
        let configs = self.journal.configs().await?;
        // A secret that each leader makes for itself.
        let configs = configs.iter().filter(|record| record.key_text() != "session-key").map(line);
        let offsets = self.journal.offsets().await?;
        Ok(Seen {
            values: values.collect(),
            configs: configs.collect(),
            offsets: offsets.iter().map(line).collect(),
            statuses: statuses(&self.journal.statuses().await?, &self.mask)?,
            answers: self.answers,
        })
    }
}

/// JSON text with sorted names: the order in a Java map is not one to compare.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, String> = fields.iter().map(|(name, field)| (name, sorted(field))).collect();
            let fields: Vec<String> = fields.iter().map(|(name, field)| format!("{name:?}:{field}")).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

fn without_time(record: &str) -> String {
    record.split(", timestamp").next().unwrap_or_default().to_owned()
}

/// What was written about each instance, in order. Left out: repetitions, notes on topics in use (Java writes several
/// of each), and how a deleted instance ends (in Java UNASSIGNED or a tombstone, as it happens).
fn statuses(records: &[Record], mask: &Mask) -> Result<Vec<String>> {
    let mut instances: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        let key = record.key_text();
        if state_of(&key).is_some() {
            let states = instances.entry(mask.text(&key)).or_default();
            let mut state = mask.json(&record.value_json()?);
            if state["state"] == "UNASSIGNED" {
                // In Java the version or null, as it happens.
                state["version"] = Value::Null;
            }
            let state = state.to_string();
            if states.last() != Some(&state) {
                states.push(state);
            }
        }
    }
    for states in instances.values_mut() {
        while states.last().is_some_and(|state| state == "null" || state.contains("UNASSIGNED")) {
            states.pop();
        }
    }
    let lines = instances
        .into_iter()
        .flat_map(|(key, states)| states.into_iter().map(move |state| format!("{key} = {state}")).collect::<Vec<_>>());
    Ok(lines.collect())
}
