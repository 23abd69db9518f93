//! Plugins for tests: Kafka's FileStream pair as far as its configuration goes.

use std::sync::Arc;

use async_trait::async_trait;
use millstream_api::config::{ConfigType, Importance};
use millstream_api::{
    Config, ConfigDef, ConfigKey, ConfigValues, Connector, ConnectorKind, ConnectorPlugin, MemoryBudget, PluginInfo,
    Task, TaskId,
};
use millstream_core::settings::{ConnectorSettings, WorkerConfig};

use crate::observe::metrics::{Metrics, TaskMetrics};
use crate::plugins::PluginTable;

struct FileStream {
    kind: ConnectorKind,
    def: ConfigDef,
}

/// The FileStream source and sink.
pub(crate) fn plugins() -> Arc<PluginTable> {
    let file = ConfigKey::nullable("file", ConfigType::String, Importance::High, "File.");
    let source = ConfigDef::new()
        .key(file.clone())
        .key(ConfigKey::required("topic", ConfigType::String, Importance::High, "Topic.").not_empty())
        .key(ConfigKey::with_default("batch.size", ConfigType::Int, 2000, Importance::Low, "Records in a batch."));
    Arc::new(PluginTable::new(vec![
        Arc::new(FileStream { kind: ConnectorKind::Source, def: source }),
        Arc::new(FileStream { kind: ConnectorKind::Sink, def: ConfigDef::new().key(file) }),
    ]))
}

/// Settings of a distributed worker with JSON converters, group `probe-connect`.
pub(crate) fn worker() -> Arc<WorkerConfig> {
    worker_with(&[])
}

/// The same with more settings.
pub(crate) fn worker_with(more: &[(&str, &str)]) -> Arc<WorkerConfig> {
    let config: Config = [
        ("bootstrap.servers", "localhost:9092"),
        ("group.id", "probe-connect"),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("config.storage.topic", "configs"),
        ("offset.storage.topic", "offsets"),
        ("status.storage.topic", "status"),
    ]
    .into_iter()
    .chain(more.iter().copied())
    .collect();
    Arc::new(WorkerConfig::parse(&config).unwrap())
}

/// Metrics of a worker that runs nothing.
pub(crate) fn metrics(worker: &WorkerConfig) -> Arc<Metrics> {
    Metrics::new(&worker.metrics, MemoryBudget::new(1 << 30))
}

/// Metrics of a task that does not exist.
pub(crate) fn task_metrics() -> Arc<TaskMetrics> {
    let (worker, plugins) = (worker(), plugins());
    let config: Config = [("name", "a"), ("connector.class", "FileStreamSource"), ("topic", "t")].into_iter().collect();
    let settings = ConnectorSettings::parse(&config, &worker).unwrap();
    metrics(&worker).task(&TaskId::new("a", 0), &*plugins.connectors()[0], &settings).0
}

#[async_trait]
impl ConnectorPlugin for FileStream {
    fn info(&self) -> PluginInfo {
        let class = match self.kind {
            ConnectorKind::Source => "org.apache.kafka.connect.file.FileStreamSourceConnector",
            ConnectorKind::Sink => "org.apache.kafka.connect.file.FileStreamSinkConnector",
        };
        PluginInfo { class, aliases: &[], version: "4.3.1" }
    }

    fn kind(&self) -> ConnectorKind {
        self.kind
    }

    fn task_class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSourceTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &self.def
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {}

    fn connector(&self) -> Box<dyn Connector> {
        unreachable!("no connector is started in these tests")
    }

    fn task(&self) -> Task {
        unreachable!("no task is started in these tests")
    }
}
