//! The transform, encode and send stage of a source task: columns to bytes to librdkafka, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{BinaryArray, UInt32Array};
use millstream_api::{Batch, Error, Result, SourceBatch, SourceOffset, SourcePartition, TaskId};
use millstream_core::delivery::Stage;

use super::byte_queue::ByteReceiver;
use super::chain::{Part, Plugins, Written};
use super::failures::{FailurePolicy, StageFailure};
use super::offset_flush::Deliveries;
use super::panic::caught;
use super::source_letters::{Origin, Rejected, SourceLetters};
use super::topic_creation::TopicCreator;
use crate::kafka::producer::{DeliverySink, SourceProducer};
use crate::observe::metrics;

/// Everything the stage owns.
pub struct Sender {
    /// Which task this is.
    pub id: TaskId,
    /// Transformations and converters.
    pub plugins: Plugins,
    /// Where the bytes go.
    pub producer: SourceProducer,
    /// What is on its way.
    pub deliveries: Arc<Deliveries>,
    /// What a row that cannot be sent does.
    pub failures: FailurePolicy,
    /// Where rows go that are skipped; `None` without a dead letter queue.
    pub letters: Option<SourceLetters>,
    /// Makes missing topics; `None` where the broker alone does, or nobody.
    pub creator: Option<TopicCreator>,
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
            let sent = caught(|| format!("encoding or sending records for topic {topic}"), || self.send(held.item));
            if let Err(error) = sent {
                return (self, Err(error));
            }
        }
        (self, Ok(()))
    }

    fn send(&mut self, source: SourceBatch) -> Result<()> {
        let SourceBatch { batch, partition, mut offset, failures } = source;
        self.failures.source_failures(&self.id, Stage::TaskPoll, failures)?;
        let metrics = self.failures.metrics.clone();
        let (topic, polled) = (batch.topic.clone(), batch.len());
        metrics.sending(polled);
        let origin = self.letters.is_some().then(|| Origin::of(&batch, &partition, offset.as_ref()));
        let (parts, failed) = self.plugins.transform(batch)?;
        self.skip(&topic, failed, origin.as_ref(), None)?;
        let kept: usize = parts.iter().map(|(part, _)| part.len()).sum();
        if kept < polled {
            metrics.left_out(polled.saturating_sub(kept));
        }
        if parts.is_empty() {
            // Nothing of it is to be sent: its offset holds once all before it is acknowledged.
            let id = self.deliveries.submit(&partition, offset);
            self.deliveries.acked(id);
            return Ok(());
        }
        let last = parts.len() - 1;
        for (number, part) in parts.into_iter().enumerate() {
            // Batches of a source partition count in their order, so the offset holds once all parts are acknowledged.
            self.send_part(part, &partition, if number == last { offset.take() } else { None }, origin.as_ref())?;
        }
        Ok(())
    }

    /// Skips failed rows for a topic, if the tolerance allows it. `rows` are what they were in the origin.
    fn skip(
        &mut self,
        topic: &str,
        failed: Vec<StageFailure>,
        origin: Option<&Origin>,
        rows: Option<&UInt32Array>,
    ) -> Result<()> {
        let rejected = origin.map(|origin| (origin, Rejected::of(&failed, rows)));
        self.failures.not_sent(&self.id, topic, failed)?;
        match (&mut self.letters, rejected) {
            (Some(letters), Some((origin, rejected))) => {
                letters.send(&mut self.plugins, origin, rejected, &self.abandoned)
            }
            _ => Ok(()),
        }
    }

    fn send_part(
        &mut self,
        (batch, rows): Part,
        partition: &Arc<SourcePartition>,
        offset: Option<SourceOffset>,
        origin: Option<&Origin>,
    ) -> Result<()> {
        let metrics = self.failures.metrics.clone();
        let (written, failed) = self.plugins.encode(&batch)?;
        let (batch, written) = self.drop_failed(placed(batch)?, written, failed, origin, rows.as_ref())?;
        if let Some(creator) = &mut self.creator
            && !batch.is_empty()
        {
            creator.prepare(&batch.topic, &self.abandoned)?;
        }
        let id = self.deliveries.submit(partition, offset);
        let abandoned = &self.abandoned;
        let producer = &mut self.producer;
        let batch = Batch { headers: written.headers, ..batch };
        metrics.timed(metrics::Stage::Send, || {
            producer.send(id, &batch, &written.keys, &written.values, || abandoned.load(Ordering::Relaxed))
        })
    }

    /// Takes the rows that could not be encoded out of the batch, if the tolerance allows it.
    fn drop_failed(
        &mut self,
        batch: Batch,
        written: Written,
        failed: Vec<StageFailure>,
        origin: Option<&Origin>,
        origin_rows: Option<&UInt32Array>,
    ) -> Result<(Batch, Written)> {
        if failed.is_empty() {
            return Ok((batch, written));
        }
        let mut keep = vec![true; batch.len()];
        for failure in &failed {
            if let Some(slot) = keep.get_mut(failure.row) {
                *slot = false;
            }
        }
        self.skip(&batch.topic, failed, origin, origin_rows)?;
        let rows = UInt32Array::from_iter_values((0..).zip(&keep).filter(|(_, keep)| **keep).map(|(row, _)| row));
        self.failures.metrics.left_out(batch.len() - rows.len());
        let take = |array: &BinaryArray| -> Result<BinaryArray> {
            let taken = arrow::compute::take(array, &rows, None)
                .map_err(|e| Error::internal("cannot select rows").caused_by(e))?;
            Ok(arrow::array::AsArray::as_binary::<i32>(taken.as_ref()).clone())
        };
        let written = Written {
            keys: take(&written.keys)?,
            values: take(&written.values)?,
            headers: written.headers.take(rows.values().iter().map(|&row| row as usize)),
        };
        Ok((batch.take(&rows)?, written))
    }
}

impl Sender {
    /// Waits until all that was sent is answered, at most `limit`; true when it is. Gives up the rest.
    pub fn finish(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let producers = std::iter::once(&self.producer).chain(self.letters.as_ref().map(SourceLetters::producer));
        producers.fold(true, |all, producer| {
            let flushed = producer.flush(until.saturating_duration_since(Instant::now()));
            if !flushed {
                producer.purge();
            }
            all && flushed
        })
    }
}

/// The batch as Kafka's producer takes it: a timestamp of -1 is none. What no record can have is the connector's or a transformation's
/// fault, which no tolerance covers.
fn placed(mut batch: Batch) -> Result<Batch> {
    let place = |batch: &Batch| format!("topic {}", batch.topic);
    if let Some(partition) = batch.partitions.as_ref().and_then(arrow::compute::min).filter(|least| *least < 0) {
        let text = format!("Invalid partition: {partition}. Partition number should always be non-negative or null.");
        return Err(Error::fatal(text).at(place(&batch)));
    }
    let Some(timestamps) = &batch.timestamps else { return Ok(batch) };
    match arrow::compute::min(timestamps) {
        Some(least) if least < -1 => Err(Error::fatal(format!("Invalid record timestamp {least}")).at(place(&batch))),
        Some(-1) => {
            batch.timestamps = Some(timestamps.iter().map(|timestamp| timestamp.filter(|t| *t != -1)).collect());
            Ok(batch)
        }
        _ => Ok(batch),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Int32Array, Int64Array, StringArray};
    use millstream_api::{Column, ErrorKind};

    use super::*;

    fn batch(timestamps: Vec<Option<i64>>, partitions: Vec<Option<i32>>) -> Batch {
        let mut batch = Batch::of_values("t", Column::schemaless(StringArray::from(vec!["1"; 3])));
        batch.timestamps = Some(Int64Array::from(timestamps));
        batch.partitions = Some(Int32Array::from(partitions));
        batch
    }

    #[test]
    fn minus_one_is_no_timestamp_and_what_no_record_has_is_refused() {
        let good = placed(batch(vec![Some(0), Some(-1), None], vec![Some(0), None, Some(9)])).unwrap();
        assert_eq!(good.timestamps.unwrap().iter().collect::<Vec<_>>(), [Some(0), None, None]);
        assert_eq!(good.partitions.unwrap().null_count(), 1);
        for (timestamp, partition, message) in
            [(-2, 0, "Invalid record timestamp -2"), (5, -1, "Invalid partition: -1.")]
        {
            let error = placed(batch(vec![None, Some(timestamp), Some(-1)], vec![Some(partition), None, None]));
            let error = error.unwrap_err();
            assert!(error.to_string().starts_with(message) && error.to_string().contains("topic t"), "{error}");
            assert_eq!(error.kind(), ErrorKind::Fatal, "no tolerance covers it");
        }
    }
}
