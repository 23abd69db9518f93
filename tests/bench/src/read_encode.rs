//! The source without Kafka: the connector's task reads and the converter encodes, as in the worker's pipeline, and the
//! bytes are dropped.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use millstream_api::{
    Config, ConnectorContext, ConnectorHost, ConverterRole, MemoryBudget, OffsetMap, OffsetReader, SourceBatch,
    SourcePartition, SourceTask, SourceTaskContext, Task, TaskId,
};
use millstream_testbed::{Context, Error, Postgres, Result, Usage};
use tokio::sync::mpsc;

use crate::made_records::converter_config;
use crate::plain_loop::Form;
use crate::table::{DATABASE, TABLE};

/// Answers of `poll` that wait to be encoded.
const READ_AHEAD: usize = 4;
const BUDGET: usize = 256 << 20;

/// What it took.
pub struct Used {
    /// Seconds from the task's start to the last row's bytes.
    pub seconds: f64,
    /// CPU seconds of this process.
    pub cpu_seconds: f64,
    /// Bytes of all payloads.
    pub bytes: u64,
}

/// Reads and encodes all rows of the table.
pub async fn run(postgres: &Postgres, form: Form, rows: u64) -> Result<Used> {
    let plugin = millstream_jdbc::source();
    let config: Config = [
        ("name", "bench".to_owned()),
        ("connector.class", plugin.info().class.to_owned()),
        ("connection.url", postgres.jdbc_url(DATABASE)),
        ("connection.user", postgres.user().to_owned()),
        ("connection.password", postgres.password().to_owned()),
        ("mode", "timestamp".to_owned()),
        ("timestamp.column.name", "updated_at".to_owned()),
        ("table.whitelist", TABLE.to_owned()),
        ("topic.prefix", "bench.".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Some(value)))
    .collect();
    let mut connector = plugin.connector();
    let context = ConnectorContext { name: "bench".into(), host: Arc::new(Nobody), offsets: Some(Arc::new(Nobody)) };
    connector.start(context, &config).await.context("starting the connector")?;
    let task_config = connector.task_configs(1).await?.pop().ok_or_else(|| Error::new("the connector has no task"))?;
    let Task::Source(task) = plugin.task() else { return Err(Error::new("the connector is no source")) };
    let context = SourceTaskContext {
        id: TaskId::new("bench", 0),
        config: task_config,
        offsets: Arc::new(Nobody),
        budget: MemoryBudget::new(BUDGET),
    };
    let used = measure(task, context, form, rows).await;
    connector.stop().await;
    used
}

async fn measure(mut task: Box<dyn SourceTask>, context: SourceTaskContext, form: Form, rows: u64) -> Result<Used> {
    let (before, started) = (Usage::of(std::process::id())?, Instant::now());
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let encoder = tokio::task::spawn_blocking(move || encode(receiver, form));
    task.start(context).await.context("starting the task")?;
    let mut read = 0;
    while read < rows {
        let batches = task.poll().await.context("reading")?;
        read += batches.iter().map(|batch| batch.batch.len() as u64).sum::<u64>();
        if sender.send(batches).await.is_err() {
            break;
        }
    }
    drop(sender);
    let bytes = encoder.await??;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = Usage::of(std::process::id())?.cpu_seconds - before.cpu_seconds;
    task.stop().await;
    Ok(Used { seconds, cpu_seconds, bytes })
}

fn encode(mut batches: mpsc::Receiver<Vec<SourceBatch>>, form: Form) -> Result<u64> {
    let mut converter = millstream_plugins::converter("org.apache.kafka.connect.json.JsonConverter")?;
    converter.configure(&converter_config(form), ConverterRole::Value)?;
    let mut bytes = 0;
    while let Some(answer) = batches.blocking_recv() {
        for batch in answer {
            let encoded = converter.encode(&batch.batch.topic, &batch.batch.value);
            if let Some(failure) = encoded.failures.first() {
                return Err(Error::new(format!("row {} was not encoded: {}", failure.row, failure.error)));
            }
            bytes += encoded.payloads.value_data().len() as u64;
        }
    }
    Ok(bytes)
}

/// The worker's side of a connector that has no worker: nothing is stored, nothing is answered.
pub struct Nobody;

impl ConnectorHost for Nobody {
    fn request_task_reconfiguration(&self) {}

    fn raise_error(&self, error: millstream_api::Error) {
        eprintln!("bench: the connector failed: {error}");
    }
}

#[async_trait]
impl OffsetReader for Nobody {
    async fn offsets(&self, partitions: &[SourcePartition]) -> millstream_api::Result<Vec<Option<OffsetMap>>> {
        Ok(vec![None; partitions.len()])
    }
}
