//! One client: asks for something at random, again and again, and remembers what it was told of its own connectors.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use millstream_testbed::rest::path_of;
use millstream_testbed::{Answer, Error, Result};
use serde_json::{Value, json};

use super::Stage;
use crate::scenario::{FILE_SINK, FILE_SOURCE, Random, STRING, append};

/// What a connector must be.
#[derive(Debug, Clone)]
pub struct Expected {
    pub config: Value,
    pub target: &'static str,
}

pub struct Client {
    stage: Arc<Stage>,
    own: Vec<String>,
    shared: Vec<String>,
    random: Random,
    expected: BTreeMap<String, Option<Expected>>,
    sent: usize,
}

/// The file a connector reads or writes.
pub fn file(stage: &Stage, name: &str) -> PathBuf {
    stage.folder.path().join(format!("{name}.txt"))
}

impl Client {
    pub fn new(stage: Arc<Stage>, own: Vec<String>, shared: Vec<String>, random: Random) -> Client {
        let expected = own.iter().map(|name| (name.clone(), None)).collect();
        Client { stage, own, shared, random, expected, sent: 0 }
    }

    /// Asks until the soak is over: what its own connectors must be, and how many requests that took.
    pub async fn run(mut self) -> Result<(BTreeMap<String, Option<Expected>>, usize)> {
        let outcome = self.ask_on().await;
        if outcome.is_err() {
            self.stage.over.store(true, Ordering::Relaxed);
        }
        outcome.map(|()| (self.expected, self.sent))
    }

    async fn ask_on(&mut self) -> Result<()> {
        for name in self.own.iter().chain(&self.shared) {
            append(&file(&self.stage, name), &["first"])?;
        }
        while !self.stage.over.load(Ordering::Relaxed) {
            match self.random.below(4) {
                0 => self.anything().await?,
                _ => self.step().await?,
            }
        }
        Ok(())
    }

    /// A step on a connector of its own: the answer is known before.
    async fn step(&mut self) -> Result<()> {
        let name = self.random.one_of(&self.own).clone();
        let path = path_of(&name);
        let Some(mut now) = self.expected[&name].clone() else {
            return self.create(name).await;
        };
        match self.random.below(8) {
            0 => {
                now.config = self.config(&name);
                self.ask("PUT", &format!("{path}/config"), Some(&now.config), &[200], &[200]).await?;
            }
            1 => now.target = self.target(&path, "pause", "PAUSED", &[202]).await?,
            2 => now.target = self.target(&path, "stop", "STOPPED", &[204]).await?,
            3 => now.target = self.target(&path, "resume", "RUNNING", &[202]).await?,
            4 => {
                self.ask("DELETE", &path, None, &[204], &[204, 404]).await?;
                self.expected.insert(name, None);
                return Ok(());
            }
            5 => {
                let query = *self.random.one_of(&["", "?includeTasks=true", "?includeTasks=true&onlyFailed=true"]);
                // 404 while it has no status yet; a stopped connector is not restarted.
                let codes: &[u16] = if now.target == "STOPPED" { &[202, 204, 404, 409] } else { &[202, 204, 404] };
                self.ask("POST", &format!("{path}/restart{query}"), None, codes, codes).await?;
            }
            6 => self.offsets(&name, &now).await?,
            _ => {
                let answer = self.ask("GET", &format!("{path}/config"), None, &[200], &[200]).await?;
                if answer.json()? != now.config {
                    return Err(self.told(&format!("{path}/config"), &answer, &now.config.to_string()));
                }
            }
        }
        self.expected.insert(name, Some(now));
        Ok(())
    }

    async fn create(&mut self, name: String) -> Result<()> {
        let config = self.config(&name);
        let target = *self.random.one_of(&["RUNNING", "PAUSED", "STOPPED"]);
        let body = json!({"name": name, "config": config, "initial_state": target});
        // Who asks again because the answer was lost may be told that it exists.
        self.ask("POST", "/connectors", Some(&body), &[201], &[201, 409]).await?;
        self.expected.insert(name, Some(Expected { config, target }));
        Ok(())
    }

    async fn target(&mut self, path: &str, verb: &str, target: &'static str, codes: &[u16]) -> Result<&'static str> {
        self.ask("PUT", &format!("{path}/{verb}"), None, codes, codes).await?;
        Ok(target)
    }

    /// Offsets are read at any time, and changed when the connector is stopped: all its tasks must have ended by then.
    async fn offsets(&mut self, name: &str, now: &Expected) -> Result<()> {
        let path = format!("{}/offsets", path_of(name));
        let changed: &[u16] = match (now.target, is_source(&now.config)) {
            ("STOPPED", true) => &[200, 400],
            // The group of tasks that still leave refuses.
            ("STOPPED", false) => &[200, 400, 500],
            _ => &[400],
        };
        match self.random.below(3) {
            0 => self.ask("GET", &path, None, &[200], &[200]).await?,
            1 => self.ask("DELETE", &path, None, changed, changed).await?,
            _ => {
                let body = match is_source(&now.config) {
                    true => json!({"partition": {"filename": now.config["file"]}, "offset": {"position": 0}}),
                    false => json!({
                        "partition": {"kafka_topic": now.config["topics"], "kafka_partition": 0},
                        "offset": {"kafka_offset": 0},
                    }),
                };
                self.ask("PATCH", &path, Some(&json!({"offsets": [body]})), changed, changed).await?
            }
        };
        Ok(())
    }

    /// Anything on a connector that others use as well: whatever is answered is no fault of the worker's.
    async fn anything(&mut self) -> Result<()> {
        const ANY: &[u16] = &[200, 201, 202, 204, 400, 404, 409];
        let name = self.random.one_of(&self.shared).clone();
        let (path, config) = (path_of(&name), self.config(&name));
        let (method, path, body) = match self.random.below(9) {
            0 | 1 => ("PUT", format!("{path}/config"), Some(config)),
            2 => ("POST", "/connectors".to_owned(), Some(json!({"name": name, "config": config}))),
            3 => ("PUT", format!("{path}/pause"), None),
            4 => ("PUT", format!("{path}/resume"), None),
            5 => ("PUT", format!("{path}/stop"), None),
            6 => ("DELETE", path, None),
            7 => ("POST", format!("{path}/restart?includeTasks=true"), None),
            _ => ("GET", format!("{path}/status"), None),
        };
        self.ask(method, &path, body.as_ref(), ANY, ANY).await?;
        Ok(())
    }

    /// Asks until there is an answer: a request that a kill cut off is asked again. The code must be one of `codes`, or
    /// of `again` after the first time.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        codes: &[u16],
        again: &[u16],
    ) -> Result<Answer> {
        let bytes = body.map(Value::to_string);
        let mut allowed = codes;
        loop {
            self.stage.back().await?;
            let life = self.stage.lives.load(Ordering::SeqCst);
            self.sent += 1;
            match self.stage.worker.rest().request(method, path, &[], bytes.as_ref().map(String::as_bytes)).await {
                Ok(answer) if allowed.contains(&answer.status) => return Ok(answer),
                Ok(answer) => return Err(self.told(&format!("{method} {path}"), &answer, &format!("{allowed:?}"))),
                Err(error) if self.stage.lives.load(Ordering::SeqCst) == life => return Err(error),
                Err(_) => allowed = again,
            }
        }
    }

    fn told(&self, request: &str, answer: &Answer, wanted: &str) -> Error {
        let message = format!("{request}: {} {}; wanted {wanted}", answer.status, answer.body);
        Error::new(message).with_log(&self.stage.worker.log())
    }

    /// A configuration that is never the one before. A name is always a source or always a sink.
    fn config(&mut self, name: &str) -> Value {
        let (file, tasks, marker) =
            (file(&self.stage, name), 1 + self.random.below(3), self.random.below(1_000_000_000));
        let mut config = json!({
            "name": name, "tasks.max": tasks.to_string(), "file": file, "value.converter": STRING,
            "marker": marker.to_string(),
        });
        match name.ends_with('0') {
            true => {
                config["connector.class"] = json!(FILE_SOURCE);
                config["topic"] = json!(name);
            }
            false => {
                config["connector.class"] = json!(FILE_SINK);
                config["topics"] = json!(format!("{}-lines", self.stage.prefix));
            }
        }
        config
    }
}

fn is_source(config: &Value) -> bool {
    config["connector.class"] == FILE_SOURCE
}
