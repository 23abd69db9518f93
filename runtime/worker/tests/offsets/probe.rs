//! A source and a sink that say of offsets what their setting `mode` tells them to.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field};
use async_trait::async_trait;
use millstream_api::{
    Batch, Column, Config, ConfigDef, ConfigValues, Connector, ConnectorContext, ConnectorKind, ConnectorPlugin, Error,
    OffsetMap, PartitionOffsets, PluginInfo, Result, SinkBatch, SinkTask, SinkTaskContext, SourceBatch, SourceOffset,
    SourcePartition, SourceTask, SourceTaskContext, Task, TopicPartition,
};
use serde_json::{Map, Value, json};

pub struct Probe {
    kind: ConnectorKind,
    def: ConfigDef,
}

impl Probe {
    pub fn source() -> Self {
        Self { kind: ConnectorKind::Source, def: ConfigDef::new() }
    }

    pub fn sink() -> Self {
        Self { kind: ConnectorKind::Sink, def: ConfigDef::new() }
    }
}

pub fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

#[async_trait]
impl ConnectorPlugin for Probe {
    fn info(&self) -> PluginInfo {
        let class = match self.kind {
            ConnectorKind::Source => "test.ProbeSource",
            ConnectorKind::Sink => "test.ProbeSink",
        };
        PluginInfo { class, aliases: &[], version: "1" }
    }

    fn kind(&self) -> ConnectorKind {
        self.kind
    }

    fn task_class(&self) -> &'static str {
        "test.ProbeTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &self.def
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {}

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(ProbeConnector::default())
    }

    fn task(&self) -> Task {
        match self.kind {
            ConnectorKind::Source => Task::Source(Box::new(FiveRecords::default())),
            ConnectorKind::Sink => Task::Sink(Box::new(Nowhere)),
        }
    }

    async fn alter_offsets(&self, config: &Config, _offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        match config.get("mode") {
            Some("alter-true") => Ok(true),
            Some("alter-unsupported") => Err(Error::forbidden("not mine to say")),
            Some("alter-fail") => Err(Error::fatal("told to fail")),
            _ => Ok(false),
        }
    }
}

#[derive(Default)]
struct ProbeConnector(Config);

#[async_trait]
impl Connector for ProbeConnector {
    async fn start(&mut self, _context: ConnectorContext, config: &Config) -> Result<()> {
        self.0 = config.clone();
        Ok(())
    }

    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>> {
        Ok((0..max_tasks)
            .map(|_| {
                let mut config = self.0.clone();
                config.remove("name");
                config
            })
            .collect())
    }

    async fn stop(&mut self) {}
}

/// Writes five records, unless it has an offset.
#[derive(Default)]
struct FiveRecords(Option<SourceBatch>);

#[async_trait]
impl SourceTask for FiveRecords {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        let partition = SourcePartition(map(json!({"name": "x", "task": context.id.task})));
        if context.offsets.offsets(std::slice::from_ref(&partition)).await?[0].is_some() {
            return Ok(());
        }
        let values = StringArray::from_iter_values((0..5).map(|n| format!("record {n}")));
        let values = Column::new(Arc::new(Field::new("", DataType::Utf8, true)), Arc::new(values))?;
        let batch = Batch::of_values(context.config.get("topic").unwrap_or_default(), values);
        let offset = SourceOffset::Map(map(json!({"n": 5, "f": 1.5, "b": true, "s": "téxt", "nul": null})));
        self.0 = Some(SourceBatch::new(batch, Arc::new(partition), Some(offset)));
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        match self.0.take() {
            Some(batch) => Ok(vec![batch]),
            None => std::future::pending().await,
        }
    }

    async fn stop(&mut self) {}
}

struct Nowhere;

#[async_trait]
impl SinkTask for Nowhere {
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
