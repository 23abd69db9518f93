//! The source connector.

use std::sync::LazyLock;

use async_trait::async_trait;
use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use millstream_api::{
    Config, ConfigValues, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Error, OffsetMap, PluginInfo,
    Result, SourcePartition, Task,
};
use serde_json::Value;

use crate::file_of;
use crate::source_task::FileStreamSourceTask;

/// Key of a source partition: the file.
pub(crate) const FILENAME: &str = "filename";
/// Key of a source offset: bytes from the start of the file.
pub(crate) const POSITION: &str = "position";

pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(ConfigKey::nullable(
            "file",
            ConfigType::String,
            Importance::High,
            "File to read; the standard input without one.",
        ))
        .key(ConfigKey::required("topic", ConfigType::String, Importance::High, "Topic the lines go to.").not_empty())
        .key(
            ConfigKey::with_default("batch.size", ConfigType::Int, 2000, Importance::Low, "Most lines of one poll.")
                .at_least(1),
        )
});

pub(crate) struct FileStreamSource;

impl FileStreamSource {
    pub(crate) fn new() -> Self {
        Self
    }
}

#[async_trait]
impl ConnectorPlugin for FileStreamSource {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            class: "org.apache.kafka.connect.file.FileStreamSourceConnector",
            aliases: &[],
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn task_class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSourceTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &DEF
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {
        // A missing file is waited for, so there is nothing to look at.
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SourceConnector { config: Config::new() })
    }

    fn task(&self) -> Task {
        Task::Source(Box::new(FileStreamSourceTask::new()))
    }

    async fn alter_offsets(&self, config: &Config, offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        check_offsets(config, offsets)?;
        Ok(true)
    }
}

/// Kafka's checks, in its order. Whether the position lies in the file is seen when the task starts; a reset is always allowed, so
/// that garbage can be removed.
fn check_offsets(config: &Config, offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<()> {
    if file_of(config).is_none() {
        return Err(Error::fatal(
            "offsets cannot be changed while the key file is not set: the standard input has none",
        ));
    }
    for (partition, offset) in offsets {
        let Some(offset) = offset else { continue };
        match offset.get(POSITION) {
            None => return Err(Error::fatal(format!("an offset must be null or have the key {POSITION}"))),
            Some(position) if position.as_i64().is_none() => {
                return Err(Error::fatal(format!("the {POSITION} of an offset must be a 64-bit integer")));
            }
            Some(position) if position.as_i64().is_some_and(|n| n < 0) => {
                return Err(Error::fatal(format!("the {POSITION} of an offset must not be negative")));
            }
            Some(_) => {}
        }
        if !partition.0.contains_key(FILENAME) {
            return Err(Error::fatal(format!("a partition must have the key {FILENAME}")));
        }
    }
    Ok(())
}

struct SourceConnector {
    config: Config,
}

#[async_trait]
impl Connector for SourceConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Config) -> Result<()> {
        DEF.validate(config).into_valid()?;
        self.config = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Config>> {
        // A stream of lines cannot be shared among tasks.
        Ok(vec![self.config.clone()])
    }

    async fn stop(&mut self) {}
}

/// The source partition of a file; the standard input is `null`.
pub(crate) fn partition_of(file: Option<&str>) -> SourcePartition {
    SourcePartition([(FILENAME.to_owned(), file.map_or(Value::Null, Value::from))].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(file: Option<&str>, partition: Value, offset: Value) -> bool {
        let mut config: Config = [("topic", "t")].into_iter().collect();
        if let Some(file) = file {
            config.set("file", file);
        }
        let partition = SourcePartition(partition.as_object().unwrap().clone());
        check_offsets(&config, &[(partition, offset.as_object().cloned())]).is_ok()
    }

    #[test]
    fn offsets_are_checked_as_kafka_does() {
        let file = json!({"filename": "in.txt"});
        let good = json!({"position": 3});
        assert!(check(Some("in.txt"), file.clone(), good.clone()));
        assert!(check(Some("in.txt"), json!({"filename": 5}), good.clone()));
        assert!(check(Some("in.txt"), json!({"x": 5}), Value::Null), "anything may be reset");
        assert!(!check(None, file.clone(), good.clone()));
        assert!(!check(Some(""), file.clone(), Value::Null));
        assert!(!check(Some("in.txt"), json!({}), good.clone()));
        assert!(!check(Some("in.txt"), json!({"f": "x"}), good));
        for bad in [json!({}), json!({"pos": 1})] {
            assert!(!check(Some("in.txt"), file.clone(), bad));
        }
        for bad in [json!("x"), json!("6"), json!(-1), json!(1.5), json!({"a": 1}), json!(null)] {
            assert!(!check(Some("in.txt"), file.clone(), json!({"position": bad})));
        }
    }

    #[test]
    fn definitions() {
        let values = DEF.validate(&[("topic", ""), ("batch.size", "abc")].into_iter().collect());
        let wrong: Vec<_> = values.iter().filter(|v| !v.errors.is_empty()).map(|v| v.key.name.as_str()).collect();
        assert_eq!(wrong, ["topic", "batch.size"]);
    }
}
