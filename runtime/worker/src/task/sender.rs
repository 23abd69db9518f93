//! The encode and send stage of a source task: columns to bytes to librdkafka, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::failures::FailurePolicy;
use arrow::array::{BinaryArray, UInt32Array};
use millstream_api::{Batch, Converter, Error, Result, RowFailure, SourceBatch, TaskId};
use millstream_core::cluster::TopicStatus;
use millstream_core::delivery::Stage;

use super::byte_queue::ByteReceiver;
use super::offset_flush::Deliveries;
use super::panic::caught;
use super::topic_creation::TopicCreator;
use crate::kafka::producer::SourceProducer;
use crate::observe::metrics;
use crate::store::StatusStore;

/// Everything the stage owns.
pub struct Sender {
    /// Which task this is.
    pub id: TaskId,
    /// Key converter.
    pub keys: Box<dyn Converter>,
    /// Value converter.
    pub values: Box<dyn Converter>,
    /// Where the bytes go.
    pub producer: SourceProducer,
    /// What is on its way.
    pub deliveries: Arc<Deliveries>,
    /// What a row that cannot be sent does.
    pub failures: FailurePolicy,
    /// Makes missing topics; `None` where the broker alone does, or nobody.
    pub creator: Option<TopicCreator>,
    /// Where used topics are remembered; `None` when `topic.tracking.enable` is off.
    pub topics: Option<Arc<dyn StatusStore>>,
    /// Set when the rest of the work is to be dropped.
    pub abandoned: Arc<AtomicBool>,
}

impl Sender {
    /// Takes batches until the queue is closed and empty. Blocks its thread. The first error ends it.
    ///
    /// Gives itself back so that what was sent can be flushed.
    pub fn run(mut self, mut batches: ByteReceiver<SourceBatch>) -> (Self, Result<()>) {
        while let Some(held) = batches.blocking_recv() {
            if self.abandoned.load(Ordering::Relaxed) {
                break;
            }
            let topic = held.item.batch.topic.clone();
            let sent = caught(
                || format!("encoding or sending records for topic {topic}"),
                || self.send(held.item),
            );
            if let Err(error) = sent {
                return (self, Err(error));
            }
        }
        (self, Ok(()))
    }

    fn send(&mut self, source: SourceBatch) -> Result<()> {
        let SourceBatch { batch, partition, offset, failures } = source;
        self.failures.source_failures(&self.id, Stage::TaskPoll, failures)?;
        let metrics = self.failures.metrics.clone();
        metrics.sending(batch.len());
        let (keys, values) = metrics.timed(metrics::Stage::Encode, || {
            (self.keys.encode(&batch.topic, &batch.key), self.values.encode(&batch.topic, &batch.value))
        });
        let polled = batch.len();
        let (batch, keys, values) =
            self.drop_failed(batch, keys.payloads, values.payloads, keys.failures, values.failures)?;
        if batch.len() < polled {
            metrics.left_out(polled - batch.len());
        }
        if let Some(creator) = &mut self.creator
            && !batch.is_empty()
        {
            creator.prepare(&batch.topic, &self.abandoned)?;
        }
        // For each batch: the topics may have been reset since the last one. The store knows what it has.
        if let Some(statuses) = &self.topics
            && !batch.is_empty()
        {
            statuses.put_topic(TopicStatus {
                topic: batch.topic.clone(),
                connector: self.id.connector.clone(),
                task: self.id.task,
                discover_timestamp: crate::now_millis(),
            });
        }
        let id = self.deliveries.submit(&partition, offset);
        let (abandoned, failures, task) = (&self.abandoned, &self.failures, &self.id);
        let tolerate = |error| failures.source_failures(task, Stage::KafkaProduce, vec![error]);
        let producer = &mut self.producer;
        metrics.timed(metrics::Stage::Send, || {
            producer.send(id, &batch, &keys, &values, tolerate, || abandoned.load(Ordering::Relaxed))
        })
    }

    /// Takes the rows that could not be encoded out of the batch, if the tolerance allows it.
    fn drop_failed(
        &self,
        batch: Batch,
        keys: BinaryArray,
        values: BinaryArray,
        key_failures: Vec<RowFailure>,
        value_failures: Vec<RowFailure>,
    ) -> Result<(Batch, BinaryArray, BinaryArray)> {
        if key_failures.is_empty() && value_failures.is_empty() {
            return Ok((batch, keys, values));
        }
        let mut failed = vec![false; batch.len()];
        for (stage, failures) in [(Stage::KeyConverter, key_failures), (Stage::ValueConverter, value_failures)] {
            for failure in &failures {
                if let Some(slot) = failed.get_mut(failure.row) {
                    *slot = true;
                }
            }
            let errors = failures.into_iter().map(|f| f.error.at(format!("topic {}", batch.topic))).collect();
            self.failures.source_failures(&self.id, stage, errors)?;
        }
        let rows = UInt32Array::from_iter_values((0..failed.len()).filter(|&i| !failed[i]).map(|i| i as u32));
        let take = |array: &BinaryArray| -> Result<BinaryArray> {
            let taken = arrow::compute::take(array, &rows, None)
                .map_err(|e| Error::internal("cannot select rows").caused_by(e))?;
            Ok(arrow::array::AsArray::as_binary::<i32>(taken.as_ref()).clone())
        };
        Ok((batch.take(&rows)?, take(&keys)?, take(&values)?))
    }
}
