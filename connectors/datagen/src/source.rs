//! The source connector.

use std::sync::LazyLock;

use async_trait::async_trait;
use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};
use millstream_api::{
    Config, ConfigValues, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Error, OffsetMap, PluginInfo,
    Result, SourcePartition, Task,
};

use crate::schema;
use crate::source_task::{DatagenTask, ROW, Settings};

pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(
            ConfigKey::required("topic", ConfigType::String, Importance::High, "Topic the records go to.").not_empty(),
        )
        .key(ConfigKey::with_default(
            "schema",
            ConfigType::List,
            schema::DEFAULT,
            Importance::High,
            "Fields of the records as name:type, with ? for optional ones. Types: sequence (the row's number), boolean, int8, \
             int16, int32, int64, float32, float64, string(length), bytes(length), decimal(scale), date, time, timestamp.",
        ))
        .key(
            ConfigKey::with_default(
                "schema.name",
                ConfigType::String,
                "datagen",
                Importance::Low,
                "Name of the records' schema.",
            )
            .not_empty(),
        )
        .key(ConfigKey::nullable(
            "key.field",
            ConfigType::String,
            Importance::Medium,
            "Field whose value is the record's key as well; no key without one.",
        ))
        .key(
            ConfigKey::with_default(
                "rate",
                ConfigType::Double,
                "0",
                Importance::Medium,
                "Records per second of each task; as many as it can with 0.",
            )
            .check(not_negative),
        )
        .key(
            ConfigKey::with_default(
                "max.rows",
                ConfigType::Long,
                "-1",
                Importance::Medium,
                "Records that each task makes in all; without end with -1.",
            )
            .at_least(-1),
        )
        .key(ConfigKey::with_default(
            "seed",
            ConfigType::Long,
            "0",
            Importance::Low,
            "What the values come from: the same seed gives the same records.",
        ))
        .key(
            ConfigKey::with_default("batch.size", ConfigType::Int, "1000", Importance::Low, "Most records of one poll.")
                .between(1, 1_000_000),
        )
});

fn not_negative(value: &millstream_api::config::Parsed) -> Result<(), String> {
    match value {
        millstream_api::config::Parsed::Double(rate) if !(*rate >= 0.0 && rate.is_finite()) => {
            Err("Value must be a number of records per second, or 0".to_owned())
        }
        _ => Ok(()),
    }
}

pub(crate) struct DatagenSource;

#[async_trait]
impl ConnectorPlugin for DatagenSource {
    fn info(&self) -> PluginInfo {
        PluginInfo {
            class: "io.millstream.connect.datagen.DatagenSourceConnector",
            aliases: &[],
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn task_class(&self) -> &'static str {
        "io.millstream.connect.datagen.DatagenSourceTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &DEF
    }

    async fn validate(&self, _config: &Config, values: &mut ConfigValues) {
        let made = match schema::read(values.list("schema")) {
            Ok(made) => made,
            Err(reason) => return values.error("schema", reason),
        };
        let unknown = values.text("key.field").filter(|key| made.iter().all(|field| field.name != **key));
        if let Some(key) = unknown.map(str::to_owned) {
            values.error("key.field", format!("{key} is no field of schema"));
        }
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(SourceConnector { config: Config::new() })
    }

    fn task(&self) -> Task {
        Task::Source(Box::new(DatagenTask::new()))
    }

    async fn alter_offsets(&self, _config: &Config, offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        for offset in offsets.iter().filter_map(|(_, offset)| offset.as_ref()) {
            if offset.get(ROW).and_then(serde_json::Value::as_u64).is_none() {
                return Err(Error::fatal(format!("an offset must have the key {ROW}: the number of the next row")));
            }
        }
        Ok(true)
    }
}

struct SourceConnector {
    config: Config,
}

#[async_trait]
impl Connector for SourceConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Config) -> Result<()> {
        Settings::read(config)?;
        self.config = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        // Each task has rows of its own: its number is part of their seed.
        Ok(vec![self.config.clone(); max_tasks])
    }

    async fn stop(&mut self) {}
}
