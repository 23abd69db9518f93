//! A worker in this process, and a source and a sink that do what a test tells them.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{DataType, Field};
use async_trait::async_trait;
use millstream_api::{
    Batch, Column, Config, ConfigDef, ConfigValues, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Error,
    PartitionOffsets, PluginInfo, Result, RowFailure, SinkBatch, SinkTask, SinkTaskContext, SourceBatch,
    SourcePartition, SourceTask, SourceTaskContext, Task, TopicPartition,
};
use millstream_core::settings::WorkerConfig;
use millstream_testbed::{ConnectRest, WorkerProperties, free_port, unique};
use millstream_worker::plugins::PluginTable;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub const LIMIT: Duration = Duration::from_secs(60);
pub const SOURCE: &str = "ScriptedSource";
pub const SINK: &str = "ScriptedSink";
pub const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
pub const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// A worker that runs until this is dropped.
pub struct TestWorker {
    pub rest: ConnectRest,
    /// Values the sink has taken, in order.
    pub taken: Taken,
    /// Lets sources with `waits=true` go on.
    pub gate: Arc<Notify>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<Result<()>>,
}

pub type Taken = Arc<Mutex<Vec<String>>>;

impl TestWorker {
    /// Starts a worker of its own group with these settings on top.
    pub async fn start(bootstrap: &str, more: &[(&str, &str)]) -> Self {
        let port = free_port(std::net::Ipv4Addr::LOCALHOST.into()).unwrap();
        let mut properties = WorkerProperties::distributed(bootstrap, &unique("delivery"))
            .set("listeners", format!("http://127.0.0.1:{port}"))
            .set("offset.flush.interval.ms", 200);
        for (key, value) in more {
            properties = properties.set(*key, value);
        }
        let config = millstream_core::properties::parse(properties.render().as_bytes(), "worker").unwrap();
        let config = WorkerConfig::parse(&config).unwrap();
        let (taken, gate) = (Taken::default(), Arc::new(Notify::new()));
        let plugin = |kind| -> Arc<dyn ConnectorPlugin> {
            Arc::new(Scripted { kind, def: ConfigDef::new(), taken: taken.clone(), gate: gate.clone() })
        };
        let plugins = Arc::new(PluginTable::new(vec![plugin(ConnectorKind::Source), plugin(ConnectorKind::Sink)]));
        let stop = CancellationToken::new();
        let ended = tokio::spawn(millstream_worker::worker::run(config, plugins, Vec::new(), stop.clone()));
        let rest = ConnectRest::new(format!("http://127.0.0.1:{port}")).unwrap();
        rest.wait_ready(LIMIT).await.unwrap();
        Self { rest, taken, gate, stop, ended }
    }

    /// Creates a connector with one task.
    pub async fn create(&self, name: &str, class: &str, config: &[(&str, &str)]) {
        let mut all = serde_json::Map::new();
        for (key, value) in [("connector.class", class), ("tasks.max", "1")].iter().chain(config) {
            all.insert((*key).to_owned(), Value::from(*value));
        }
        self.rest.create(name, &Value::Object(all)).await.unwrap();
    }

    /// Waits until the connector's task has failed; its trace.
    pub async fn task_failure(&self, name: &str) -> String {
        let failed = |status: &Value| status["tasks"][0]["state"] == "FAILED";
        let status = self.rest.wait_status(name, LIMIT, failed).await.unwrap();
        status["tasks"][0]["trace"].as_str().unwrap().to_owned()
    }

    /// Ends the worker in good order.
    pub async fn end(self) {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

struct Scripted {
    kind: ConnectorKind,
    def: ConfigDef,
    taken: Taken,
    gate: Arc<Notify>,
}

#[async_trait]
impl ConnectorPlugin for Scripted {
    fn info(&self) -> PluginInfo {
        let class = match self.kind {
            ConnectorKind::Source => "test.ScriptedSourceConnector",
            ConnectorKind::Sink => "test.ScriptedSinkConnector",
        };
        PluginInfo { class, aliases: &[], version: "1" }
    }

    fn kind(&self) -> ConnectorKind {
        self.kind
    }

    fn task_class(&self) -> &'static str {
        "test.ScriptedTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &self.def
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {}

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(OneTask(Config::new()))
    }

    fn task(&self) -> Task {
        match self.kind {
            ConnectorKind::Source => {
                Task::Source(Box::new(Once { topics: Vec::new(), waits: false, gate: self.gate.clone() }))
            }
            ConnectorKind::Sink => Task::Sink(Box::new(Picky { context: None, taken: self.taken.clone() })),
        }
    }
}

struct OneTask(Config);

#[async_trait]
impl Connector for OneTask {
    async fn start(&mut self, _context: ConnectorContext, config: &Config) -> Result<()> {
        self.0 = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Config>> {
        Ok(vec![self.0.clone()])
    }

    async fn stop(&mut self) {}
}

/// Sends one record, its key and value the topic's name, to each topic of `to`, then no more.
struct Once {
    topics: Vec<String>,
    waits: bool,
    gate: Arc<Notify>,
}

#[async_trait]
impl SourceTask for Once {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        self.topics = context.config.get("to").unwrap_or_default().split(',').map(str::to_owned).collect();
        self.waits = context.config.get("waits") == Some("true");
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        if self.topics.is_empty() {
            std::future::pending::<()>().await;
        }
        if self.waits {
            self.gate.notified().await;
        }
        let batches = std::mem::take(&mut self.topics).into_iter().map(|topic| {
            let array = Arc::new(StringArray::from(vec![topic.clone()]));
            let column = Column::new(Arc::new(Field::new("", DataType::Utf8, true)), array)?;
            let partition = Arc::new(SourcePartition(serde_json::Map::new()));
            let batch = Batch { key: column.clone(), ..Batch::of_values(topic, column) };
            Ok(SourceBatch::new(batch, partition, None))
        });
        batches.collect()
    }

    async fn stop(&mut self) {}
}

/// Takes values; reports those that hold `bad`.
struct Picky {
    context: Option<SinkTaskContext>,
    taken: Taken,
}

#[async_trait]
impl SinkTask for Picky {
    async fn start(&mut self, context: SinkTaskContext) -> Result<()> {
        self.context = Some(context);
        Ok(())
    }

    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, batches: &[SinkBatch]) -> Result<()> {
        let context = self.context.as_ref().unwrap();
        for batch in batches {
            let values = batch.batch.value.array().as_string::<i32>();
            let (bad, good): (Vec<usize>, Vec<usize>) =
                (0..values.len()).partition(|&row| values.is_valid(row) && values.value(row).contains("bad"));
            self.taken.lock().extend(good.into_iter().map(|row| values.value(row).to_owned()));
            if !bad.is_empty() {
                let failure = |row| RowFailure { row, error: Error::data("probe: bad record") };
                context.host.report(batch, bad.into_iter().map(failure).collect())?;
            }
        }
        Ok(())
    }

    async fn pre_commit(&mut self, delivered: &PartitionOffsets) -> Result<PartitionOffsets> {
        Ok(delivered.clone())
    }

    async fn close(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn stop(&mut self) {}
}
