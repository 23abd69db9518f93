//! The connector: its entry in the worker's table, its validation and the plan of its tasks.

use async_trait::async_trait;
use millstream_api::config::{Config, ConfigDef, ConfigValues};
use millstream_api::{Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, PluginInfo, Result, Task};

use crate::config::{self, S3Config, StoreConfig};
use crate::store;
use crate::task::S3SinkTask;

/// The sink's plugin.
pub(crate) struct S3Sink;

#[async_trait]
impl ConnectorPlugin for S3Sink {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            class: "io.confluent.connect.s3.S3SinkConnector",
            aliases: &[],
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Sink
    }

    fn task_class(&self) -> &'static str {
        "io.confluent.connect.s3.S3SinkTask"
    }

    fn config_def(&self) -> &ConfigDef {
        config::config_def()
    }

    async fn validate(&self, _config: &Config, values: &mut ConfigValues) {
        config::check(values);
        if !values.is_valid() {
            return;
        }
        if let Err((key, error)) = store::probe_for_validation(&StoreConfig::from_values(values)).await {
            values.error(key, error);
        }
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(S3SinkConnector { config: Config::new() })
    }

    fn task(&self) -> Task {
        Task::Sink(Box::new(S3SinkTask::new()))
    }
}

/// A running connector. It watches nothing: the group of its tasks shares the partitions out.
struct S3SinkConnector {
    config: Config,
}

#[async_trait]
impl Connector for S3SinkConnector {
    async fn start(&mut self, context: ConnectorContext, config: &Config) -> Result<()> {
        S3Config::parse(config)?;
        for warning in config::warnings(&config::validate(config)) {
            tracing::warn!(connector = %context.name, "{warning}");
        }
        self.config = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone(); max_tasks])
    }

    async fn stop(&mut self) {}
}
