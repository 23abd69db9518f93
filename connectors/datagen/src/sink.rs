//! A sink that forgets: everything it is given counts as delivered.

use std::sync::LazyLock;

use async_trait::async_trait;
use millstream_api::config::ConfigDef;
use millstream_api::{
    Config, ConfigValues, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, OffsetMap, PartitionOffsets,
    PluginInfo, Result, SinkBatch, SinkTask, SinkTaskContext, SourcePartition, Task, TopicPartition,
};

static DEF: LazyLock<ConfigDef> = LazyLock::new(ConfigDef::new);

pub(crate) struct NullSink;

#[async_trait]
impl ConnectorPlugin for NullSink {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            class: "io.millstream.connect.datagen.NullSinkConnector",
            aliases: &[],
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn task_class(&self) -> &'static str {
        "io.millstream.connect.datagen.NullSinkTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &DEF
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {}

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SinkConnector { config: Config::new() })
    }

    fn task(&self) -> Task {
        Task::Sink(Box::new(NullSinkTask))
    }

    async fn alter_offsets(&self, _config: &Config, _offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        Ok(true)
    }
}

struct SinkConnector {
    config: Config,
}

#[async_trait]
impl Connector for SinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Config) -> Result<()> {
        self.config = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone(); max_tasks])
    }

    async fn stop(&mut self) {}
}

struct NullSinkTask;

#[async_trait]
impl SinkTask for NullSinkTask {
    async fn start(&mut self, _context: SinkTaskContext) -> Result<()> {
        Ok(())
    }

    async fn open(&mut self, _partitions: &[TopicPartition]) -> Result<()> {
        Ok(())
    }

    async fn put(&mut self, _batches: &[SinkBatch]) -> Result<()> {
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
