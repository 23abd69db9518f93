//! The sink connector.

use std::sync::LazyLock;

use async_trait::async_trait;
use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use millstream_api::{
    Config, ConfigValues, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, OffsetMap, PluginInfo, Result,
    SourcePartition, Task,
};

use crate::sink_task::FileStreamSinkTask;

pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new().key(ConfigKey::nullable(
        "file",
        ConfigType::String,
        Importance::High,
        "File to append to; the standard output without one.",
    ))
});

pub(crate) struct FileStreamSink;

impl FileStreamSink {
    pub(crate) fn new() -> Self {
        Self
    }
}

#[async_trait]
impl ConnectorPlugin for FileStreamSink {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            class: "org.apache.kafka.connect.file.FileStreamSinkConnector",
            aliases: &[],
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn task_class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSinkTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &DEF
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {}

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SinkConnector { config: Config::new() })
    }

    fn task(&self) -> Task {
        Task::Sink(Box::new(FileStreamSinkTask::new()))
    }

    async fn alter_offsets(&self, _config: &Config, _offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        // Nothing is kept beside the consumer group's offsets.
        Ok(true)
    }
}

struct SinkConnector {
    config: Config,
}

#[async_trait]
impl Connector for SinkConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Config) -> Result<()> {
        DEF.validate(config).into_valid()?;
        self.config = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        // All tasks append to the same file; a put is one write, so their lines do not mix.
        Ok(vec![self.config.clone(); max_tasks])
    }

    async fn stop(&mut self) {}
}
