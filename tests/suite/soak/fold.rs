//! What a config topic says, read by the rules of Kafka Connect's documentation alone.

use std::collections::BTreeMap;

use millstream_testbed::{Record, Result};
use serde_json::Value;

use crate::scenario::FILE_SOURCE;

/// Connectors by name.
pub type Folded = BTreeMap<String, Connector>;

/// One connector as the topic has it.
#[derive(Debug)]
pub struct Connector {
    pub config: Value,
    /// `RUNNING`, `PAUSED` or `STOPPED`.
    pub target: String,
    pub tasks: Vec<Value>,
}

impl Connector {
    pub fn is_source(&self) -> bool {
        self.config["connector.class"] == FILE_SOURCE
    }

    /// A file source has one task whatever it may have; a file sink as many as it may.
    pub fn wanted_tasks(&self) -> usize {
        let max = self.config["tasks.max"].as_str().and_then(|text| text.parse().ok()).unwrap_or(1);
        if self.is_source() { 1 } else { max }
    }
}

/// The state after all records, in order.
pub fn fold(records: &[Record]) -> Result<Folded> {
    let (mut configs, mut targets) = (BTreeMap::new(), BTreeMap::new());
    let (mut pending, mut tasks) = (BTreeMap::new(), BTreeMap::<String, Vec<Value>>::new());
    for record in records {
        let key = record.key_text();
        let value = record.value.as_ref().map(|_| record.value_json()).transpose()?.unwrap_or(Value::Null);
        if let Some(name) = key.strip_prefix("connector-") {
            match value.is_null() {
                // A name that is used again inherits neither state nor tasks.
                true => drop((configs.remove(name), targets.remove(name), tasks.remove(name))),
                false => drop(configs.insert(name.to_owned(), value["properties"].clone())),
            }
        } else if let Some(name) = key.strip_prefix("target-state-") {
            // The older field says less: it has no word for stopped.
            let state = value["state.v2"].as_str().or(value["state"].as_str()).unwrap_or("STARTED");
            let state = if state == "STARTED" { "RUNNING" } else { state };
            targets.insert(name.to_owned(), state.to_owned());
        } else if let Some(task) = key.strip_prefix("task-") {
            pending.insert(task.to_owned(), value["properties"].clone());
        } else if let Some(name) = key.strip_prefix("commit-") {
            let count = value["tasks"].as_u64().unwrap_or(0);
            let of = (0..count).filter_map(|number| pending.get(&format!("{name}-{number}")).cloned());
            tasks.insert(name.to_owned(), of.collect());
        }
    }
    let folded = configs.into_iter().map(|(name, config): (String, Value)| {
        let target = targets.remove(&name).unwrap_or_else(|| "RUNNING".to_owned());
        let tasks = tasks.remove(&name).unwrap_or_default();
        (name, Connector { config, target, tasks })
    });
    Ok(folded.collect())
}
