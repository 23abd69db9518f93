//! A small worker: plays the steps of a recorded case on the connector and its tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::Array;
use async_trait::async_trait;
use millstream_api::{
    Config, Connector, ConnectorContext, ConnectorHost, ConnectorPlugin, Error, MemoryBudget, OffsetMap, OffsetReader,
    Result, SourceBatch, SourceOffset, SourcePartition, SourceTask, SourceTaskContext, TaskId,
};
use serde_json::Value;
use tokio::time::Instant;

use super::{Database, json_converter, texts};
use crate::plugin::JdbcSource;
use crate::source::JdbcSourceTask;
use crate::source::testing::ChunkLimits;

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest time that is watched for something that must not happen; queries come every 50 ms.
const WATCH: Duration = Duration::from_millis(400);

/// Stored offsets: by canonical partition, the partition as written and its offset.
#[derive(Clone, Default)]
pub struct Stored(Arc<Mutex<BTreeMap<String, (SourcePartition, OffsetMap)>>>);

#[async_trait]
impl OffsetReader for Stored {
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>> {
        let stored = self.0.lock().unwrap();
        Ok(partitions.iter().map(|one| stored.get(&one.canonical()).map(|(_, offset)| offset.clone())).collect())
    }
}

/// Counts what the connector asks for.
#[derive(Default)]
pub struct Host {
    /// Requests for new tasks.
    pub requests: Mutex<usize>,
    /// Errors raised.
    pub errors: Mutex<Vec<Error>>,
}

impl ConnectorHost for Host {
    fn request_task_reconfiguration(&self) {
        *self.requests.lock().unwrap() += 1;
    }

    fn raise_error(&self, error: Error) {
        self.errors.lock().unwrap().push(error);
    }
}

/// What REST takes is written with its keys in the order of Java's hash map.
fn in_written_order(offset: &OffsetMap) -> OffsetMap {
    let mut entries: Vec<_> = offset.clone().into_iter().collect();
    let order = ["timestamp_nanos", "incrementing", "timestamp"];
    entries.sort_by_key(|(key, _)| order.iter().position(|known| known == key));
    entries.into_iter().collect()
}

/// One connector, its tasks and all they left behind.
pub struct Player<'a> {
    pub database: &'a Database,
    pub config: Config,
    pub stored: Stored,
    pub host: Arc<Host>,
    /// Values by topic, as JSON without schema.
    pub topics: BTreeMap<String, Vec<String>>,
    /// Offsets in the order of batches: partition and offset as text.
    pub trace: Vec<(String, String)>,
    pub failures: Vec<Error>,
    pub task_configs: Vec<Config>,
    pub limits: ChunkLimits,
    connector: Option<Box<dyn Connector>>,
    tasks: Vec<JdbcSourceTask>,
}

impl<'a> Player<'a> {
    pub fn new(database: &'a Database, config: Config) -> Self {
        Self {
            database,
            config,
            stored: Stored::default(),
            host: Arc::new(Host::default()),
            topics: BTreeMap::new(),
            trace: Vec::new(),
            failures: Vec::new(),
            task_configs: Vec::new(),
            // A row per batch, as the recording's offsets are per record.
            limits: ChunkLimits { max_rows: 1, ..ChunkLimits::default() },
            connector: None,
            tasks: Vec::new(),
        }
    }

    /// Starts the connector and its tasks.
    pub async fn start(&mut self) -> Result<()> {
        let plugin = JdbcSource::new();
        let mut values = plugin.config_def().validate(&self.config);
        plugin.validate(&self.config, &mut values).await;
        values.into_valid()?;
        let mut connector = plugin.connector();
        let context = ConnectorContext {
            name: "c".into(),
            host: self.host.clone(),
            offsets: Some(Arc::new(self.stored.clone())),
        };
        connector.start(context, &self.config).await?;
        let max_tasks = self.config.get("tasks.max").map_or(1, |max| max.parse().unwrap());
        self.task_configs = connector.task_configs(max_tasks).await?;
        self.connector = Some(connector);
        for (i, config) in self.task_configs.clone().into_iter().enumerate() {
            let mut task = JdbcSourceTask::with_limits(self.limits);
            let started = task
                .start(SourceTaskContext {
                    id: TaskId::new("c", i as u32),
                    config,
                    offsets: Arc::new(self.stored.clone()),
                    budget: MemoryBudget::new(64 << 20),
                })
                .await;
            self.tasks.push(task);
            started?;
        }
        Ok(())
    }

    pub async fn stop(&mut self) {
        for task in &mut self.tasks {
            task.stop().await;
        }
        self.tasks.clear();
        if let Some(mut connector) = self.connector.take() {
            connector.stop().await;
        }
    }

    /// Polls all tasks for a moment and keeps what comes.
    pub async fn poll(&mut self) -> Result<()> {
        let mut taken = Vec::new();
        for task in &mut self.tasks {
            match tokio::time::timeout(Duration::from_millis(20), task.poll()).await {
                Ok(Ok(batches)) => taken.extend(batches),
                Ok(Err(error)) if error.is_retriable() => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
        }
        if self.tasks.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        taken.into_iter().for_each(|batch| self.keep(batch));
        Ok(())
    }

    fn keep(&mut self, source: SourceBatch) {
        let SourceBatch { batch, partition, offset, failures } = source;
        self.failures.extend(failures);
        let schemas = self.config.get("value.converter.schemas.enable").unwrap_or("false");
        let settings: Config = [("schemas.enable", schemas)].into_iter().collect();
        let encoded = json_converter(&settings).encode(&batch.topic, &batch.value);
        assert!(encoded.failures.is_empty() && batch.key.is_all_absent() || batch.is_empty());
        let values = self.topics.entry(batch.topic.to_string()).or_default();
        let payloads = encoded.payloads;
        values.extend((0..payloads.len()).map(|i| String::from_utf8(payloads.value(i).to_vec()).unwrap()));
        if let Some(SourceOffset::Map(offset)) = offset {
            self.store((*partition).clone(), offset);
        }
    }

    fn store(&mut self, partition: SourcePartition, offset: OffsetMap) {
        let key = format!("[\"CONNECTOR\",{}]", Value::Object(partition.0.clone()));
        self.trace.push((key, Value::Object(offset.clone()).to_string()));
        self.stored.0.lock().unwrap().insert(partition.canonical(), (partition, offset));
    }

    /// Polls until a topic has so many records.
    pub async fn wait_records(&mut self, topic: &str, count: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.count(topic) < count {
            if Instant::now() > deadline {
                return Err(Error::timeout(format!("{topic} has {} records, not {count}", self.count(topic))));
            }
            self.poll().await?;
        }
        Ok(())
    }

    pub fn count(&self, topic: &str) -> usize {
        self.topics.get(topic).map_or(0, Vec::len)
    }

    /// Polls for a while in which nothing need happen.
    pub async fn watch(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time.min(WATCH);
        while Instant::now() < end {
            self.poll().await?;
        }
        Ok(())
    }

    /// Offsets as REST would show them.
    pub fn offsets(&self) -> Vec<(String, Value)> {
        let stored = self.stored.0.lock().unwrap();
        stored.iter().map(|(key, (_, offset))| (key.clone(), Value::Object(offset.clone()))).collect()
    }

    /// Plays one step of a case.
    pub async fn step(&mut self, step: &Value) -> Result<()> {
        let (action, value) = step.as_object().unwrap().iter().next().unwrap();
        match action.as_str() {
            "wait_records" => {
                for (topic, count) in value.as_object().unwrap() {
                    self.wait_records(topic, count.as_u64().unwrap() as usize).await?;
                }
            }
            "sleep_ms" => self.watch(Duration::from_millis(value.as_u64().unwrap())).await?,
            "sql" => self.database.run(&texts(value)).await,
            "create_connector" => {
                if step["initial_state"] != "STOPPED" {
                    self.start().await?;
                }
            }
            "resume" => self.start().await?,
            "stop" | "delete_connector" => self.stop().await,
            "recreate_connector" | "restart_connector" => {
                self.stop().await;
                self.start().await?;
            }
            "put_config" => {
                self.stop().await;
                for (key, value) in value.as_object().unwrap() {
                    match value.as_str() {
                        Some(value) => self.config.set(key.as_str(), value),
                        None => drop(self.config.remove(key)),
                    }
                }
                self.start().await?;
            }
            "patch_offsets" => {
                for change in value.as_array().unwrap() {
                    let partition = SourcePartition(change["partition"].as_object().unwrap().clone());
                    match change["offset"].as_object() {
                        Some(offset) => self.store(partition, in_written_order(offset)),
                        None => drop(self.stored.0.lock().unwrap().remove(&partition.canonical())),
                    }
                }
            }
            "delete_offsets" => self.stored.0.lock().unwrap().clear(),
            other => panic!("unknown step {other}"),
        }
        Ok(())
    }
}
