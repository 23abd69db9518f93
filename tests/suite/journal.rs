//! The three topics of a distributed worker, read as an outsider.

use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{Error, Record, Result, Topics, Worker};
use serde_json::Value;

use crate::scenario::LIMIT;

/// Config, offset and status topic of one worker group, named as `WorkerProperties::distributed` names them.
pub struct Journal {
    topics: Topics,
    group: String,
}

impl Journal {
    pub fn new(bootstrap: &str, group: &str) -> Journal {
        Journal { topics: Topics::new(bootstrap), group: group.to_owned() }
    }

    pub fn configs_topic(&self) -> String {
        format!("{}-configs", self.group)
    }

    pub fn offsets_topic(&self) -> String {
        format!("{}-offsets", self.group)
    }

    pub fn status_topic(&self) -> String {
        format!("{}-status", self.group)
    }

    /// All records of the config topic.
    pub async fn configs(&self) -> Result<Vec<Record>> {
        self.topics.read_all(&self.configs_topic()).await
    }

    /// All records of the offsets topic.
    pub async fn offsets(&self) -> Result<Vec<Record>> {
        self.topics.read_all(&self.offsets_topic()).await
    }

    /// All records of the status topic.
    pub async fn statuses(&self) -> Result<Vec<Record>> {
        self.topics.read_all(&self.status_topic()).await
    }

    /// The states written for a connector (`source`) or task (`source-0`), in order; a tombstone is empty text.
    pub async fn states(&self, instance: &str) -> Result<Vec<String>> {
        let mut states = Vec::new();
        for record in self.statuses().await? {
            if state_of(&record.key_text()) == Some(instance) {
                states.push(record.value_json()?["state"].as_str().unwrap_or_default().to_owned());
            }
        }
        Ok(states)
    }

    /// Waits until more than `seen` states of an instance are there, and the last one is `state`.
    pub async fn wait_state(&self, instance: &str, seen: usize, state: &str, worker: &Worker) -> Result<()> {
        let found = until(format!("a new status {state:?} of {instance}"), LIMIT, || async {
            let states = self.states(instance).await?;
            let there = states.len() > seen && states.last().is_some_and(|last| last == state);
            if there { Ok(Some(())) } else { Err(Error::new(format!("{seen} seen before, now {states:?}"))) }
        });
        found.await.map_err(|error| error.with_log(&worker.log()))
    }

    /// Waits until the newest source offset of a connector meets `wanted`, and returns it.
    pub async fn wait_offset(
        &self,
        connector: &str,
        limit: Duration,
        worker: &Worker,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let begin = format!("[\"{connector}\",");
        let found = until(format!("the wanted source offset of {connector}"), limit, || async {
            let records = self.offsets().await?;
            let newest = records.iter().rfind(|record| record.key_text().starts_with(&begin));
            let offset = newest.map_or(Ok(Value::Null), Record::value_json)?;
            if wanted(&offset) { Ok(Some(offset)) } else { Err(Error::new(offset.to_string())) }
        });
        found.await.map_err(|error| error.with_log(&worker.log()))
    }
}

/// `source-0` of `status-task-source-0`, `source` of `status-connector-source`.
pub fn state_of(key: &str) -> Option<&str> {
    key.strip_prefix("status-task-").or_else(|| key.strip_prefix("status-connector-"))
}
