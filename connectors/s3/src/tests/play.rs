//! Plays the worker: gives records to a task, as batches of one partition and schema, and commits what it says.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::Int64Array;
use millstream_api::offsets::PartitionOffsets;
use millstream_api::{
    Batch, Column, Config, Error, MemoryBudget, Result, RowFailure, SinkBatch, SinkHost, SinkTask, SinkTaskContext,
    TaskId, TopicPartition,
};
use object_store::memory::InMemory;
use serde_json::Value;

use super::records::Record;
use super::{envelope, records};
use crate::store::Store;
use crate::task::S3SinkTask;

/// A worker's side of a task.
#[derive(Default)]
pub(super) struct Host {
    /// `errors.tolerance=all`.
    pub(super) tolerant: bool,
    /// Origin and offset of reported records.
    pub(super) reported: Mutex<Vec<(TopicPartition, i64)>>,
    /// How often the task asked to be called again later.
    pub(super) retry_asked: AtomicUsize,
}

impl SinkHost for Host {
    fn request_commit(&self) {}

    fn report(&self, batch: &SinkBatch, failures: Vec<RowFailure>) -> Result<()> {
        let mut reported = self.reported.lock().unwrap();
        reported.extend(failures.iter().map(|failure| (batch.origin.clone(), batch.offset(failure.row))));
        match failures.into_iter().next() {
            Some(failure) if !self.tolerant => Err(failure.error),
            _ => Ok(()),
        }
    }

    fn rewind(&self, _offsets: PartitionOffsets) {}

    fn pause(&self, _partitions: &[TopicPartition]) {}

    fn resume(&self, _partitions: &[TopicPartition]) {}

    fn retry_after(&self, _delay: Duration) {
        self.retry_asked.fetch_add(1, Ordering::Relaxed);
    }
}

/// What became of a case.
pub(super) struct Outcome {
    pub(super) store: Arc<InMemory>,
    pub(super) committed: PartitionOffsets,
    pub(super) reported: Vec<(TopicPartition, i64)>,
    pub(super) failed: Option<Error>,
}

/// The settings all tests share.
pub(super) fn config(changes: &[(&str, &str)]) -> Config {
    let mut config: Config = [
        ("connector.class", "io.confluent.connect.s3.S3SinkConnector"),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        ("format.class", "io.confluent.connect.s3.format.parquet.ParquetFormat"),
        ("s3.bucket.name", "bucket"),
        ("s3.part.size", "5242880"),
        ("flush.size", "3"),
    ]
    .into_iter()
    .collect();
    for (key, value) in changes {
        config.set(*key, *value);
    }
    config
}

/// A task on this store, started.
pub(super) async fn start(
    store: Arc<dyn Store>,
    config: Config,
    host: &Arc<Host>,
    budget: usize,
) -> Result<S3SinkTask> {
    let mut task = S3SinkTask::with_store(Arc::new(move |_| Ok(store.clone())));
    let budget = MemoryBudget::new(budget);
    task.start(SinkTaskContext { id: TaskId::new("s3", 0), config, host: host.clone(), budget }).await?;
    Ok(task)
}

/// Plays a recorded case, with at most `most` records in a batch.
pub(super) async fn play(case: &Value, most: usize) -> Outcome {
    let mut settings = config(&[]);
    for (key, value) in case["config"].as_object().unwrap() {
        if key != "format.class" {
            settings.set(key.clone(), value.as_str().unwrap());
        }
    }
    let tolerant = settings.get("errors.tolerance") == Some("all");
    let host = Arc::new(Host { tolerant, ..Host::default() });
    let store = Arc::new(InMemory::new());
    let mut outcome = Outcome { store: store.clone(), committed: BTreeMap::new(), reported: Vec::new(), failed: None };
    let all = records::records(case);
    match start(store, settings.clone(), &host, 256 << 20).await {
        Ok(mut task) => {
            outcome.failed = deliver(&mut task, &settings, &all, most, &mut outcome.committed).await.err();
            task.stop().await;
        }
        Err(error) => outcome.failed = Some(error),
    }
    outcome.reported = std::mem::take(&mut *host.reported.lock().unwrap());
    outcome
}

async fn deliver(
    task: &mut S3SinkTask,
    config: &Config,
    records: &[Record],
    most: usize,
    committed: &mut PartitionOffsets,
) -> Result<()> {
    let mut by_partition: BTreeMap<TopicPartition, Vec<&Record>> = BTreeMap::new();
    for record in records {
        let origin = TopicPartition::new(record.topic.as_str(), record.partition);
        by_partition.entry(origin).or_default().push(record);
    }
    let partitions: Vec<_> = by_partition.keys().cloned().collect();
    task.open(&partitions).await?;
    let mut delivered = PartitionOffsets::new();
    for (origin, records) in by_partition {
        // What a Filter transformation drops is delivered all the same.
        let filter = config.get("predicates.h.name");
        let kept = records.iter().filter(|record| !record.headers.iter().any(|name| Some(name.as_str()) == filter));
        let kept: Vec<&Record> = kept.copied().collect();
        for batch in batches(&origin, config, &kept, most) {
            task.put(&[batch]).await?;
        }
        delivered.insert(origin, records.len() as i64);
    }
    *committed = task.pre_commit(&delivered).await?;
    Ok(())
}

/// Batches as a worker makes them: of one schema, at most `most` records.
fn batches(origin: &TopicPartition, config: &Config, records: &[&Record], most: usize) -> Vec<SinkBatch> {
    let enveloped = config.get("value.converter.schemas.enable") == Some("true");
    let json = config.get("value.converter") != Some("StringConverter");
    let parsed: Vec<(Option<Value>, Option<Value>)> = records
        .iter()
        .map(|record| match &record.value {
            None => (None, None),
            Some(text) if !json => {
                (Some(serde_json::json!({"type": "string", "optional": true})), Some(Value::from(text.as_str())))
            }
            Some(text) if enveloped => {
                let mut envelope: Value = serde_json::from_str(text).unwrap();
                let schema = Some(envelope["schema"].take()).filter(|schema| !schema.is_null());
                (schema, Some(envelope["payload"].take()))
            }
            Some(text) => (None, Some(serde_json::from_str(text).unwrap())),
        })
        .collect();
    let mut batches = Vec::new();
    let mut start = 0;
    while start < records.len() {
        let schema = &parsed[start].0;
        let end = (start..records.len()).find(|row| parsed[*row].0 != *schema).unwrap_or(records.len());
        let end = end.min(start.saturating_add(most));
        let rows = &parsed[start..end];
        let column = match schema {
            Some(schema) => envelope::column(schema, &rows.iter().map(|row| row.1.clone()).collect::<Vec<_>>()),
            None => envelope::schemaless(rows.iter().map(|row| row.1.as_ref().map(Value::to_string)).collect()),
        };
        let offsets = records[start..end].iter().map(|record| record.offset).collect();
        batches.push(batch(origin, column, offsets));
        start = end;
    }
    batches
}

/// A batch of a partition.
pub(super) fn batch(origin: &TopicPartition, values: Column, offsets: Vec<i64>) -> SinkBatch {
    SinkBatch {
        batch: Batch::of_values(origin.topic.clone(), values),
        origin: origin.clone(),
        offsets: Int64Array::from(offsets),
    }
}
