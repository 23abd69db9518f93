//! When a source task's offsets are stored: on the flush clock and at the end, nothing else writes them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use millstream_api::{Error, Result, SourceOffset, SourcePartition, TaskId};
use millstream_core::delivery::Submitted;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::used_topics::UsedTopics;
use crate::kafka::Throttle;
use crate::kafka::producer::{Answered, DeliverySink};
use crate::observe::metrics::TaskMetrics;
use crate::store::OffsetStore;

/// What a source task has sent and what of it is acknowledged. Shared between the sending stage, librdkafka's callbacks and
/// the flush.
pub struct Deliveries {
    submitted: Mutex<Submitted>,
    failure: Mutex<Option<Error>>,
    failed: Notify,
    metrics: Arc<TaskMetrics>,
    topics: Option<UsedTopics>,
}

impl Deliveries {
    /// Nothing sent yet. `topics` remembers where records were written.
    pub fn new(metrics: Arc<TaskMetrics>, topics: Option<UsedTopics>) -> Arc<Self> {
        let (submitted, failure) = (Mutex::new(Submitted::new()), Mutex::new(None));
        Arc::new(Self { submitted, failure, failed: Notify::new(), metrics, topics })
    }

    /// A batch is about to be sent; the id is what the producer acknowledges.
    pub fn submit(&self, partition: &Arc<SourcePartition>, offset: Option<SourceOffset>) -> u64 {
        self.submitted.lock().submit(partition, offset)
    }

    /// Waits for the first delivery that failed for good.
    pub async fn failure(&self) -> Error {
        loop {
            let failed = self.failed.notified();
            if let Some(error) = self.failure.lock().take() {
                return error;
            }
            failed.await;
        }
    }

    /// Batches not acknowledged yet.
    pub fn outstanding(&self) -> usize {
        self.submitted.lock().outstanding()
    }

    fn committable(&self) -> Vec<(Arc<SourcePartition>, SourceOffset)> {
        self.submitted.lock().committable()
    }
}

impl DeliverySink for Deliveries {
    fn answered(&self, batch: &Answered<'_>) {
        let written = batch.records.saturating_sub(batch.failed + batch.skipped);
        self.metrics.answered(batch.records, written);
        if written > 0 {
            self.metrics.client.moved(batch.topic, written, batch.bytes);
            // As in Java, a topic that takes no record is none that is used.
            if let Some(topics) = &self.topics {
                topics.used(batch.topic);
            }
        }
        if batch.failed > 0 {
            self.metrics.client.refused(batch.topic, batch.failed);
        }
    }

    fn throttled(&self, throttle: Throttle) {
        self.metrics.client.throttled(throttle);
    }

    fn acked(&self, batch: u64) {
        self.submitted.lock().ack(batch);
    }

    fn failed(&self, _batch: u64, error: Error) {
        self.failure.lock().get_or_insert(error);
        self.failed.notify_one();
    }
}

/// Writes the newest committable offset of each source partition.
pub struct OffsetFlush {
    id: TaskId,
    deliveries: Arc<Deliveries>,
    store: Arc<dyn OffsetStore>,
    timeout: Duration,
    /// Taken from the acknowledged prefix but not stored yet: the write failed or timed out.
    unwritten: IndexMap<Arc<SourcePartition>, SourceOffset>,
}

impl OffsetFlush {
    /// A flush for one task, with `offset.flush.timeout.ms`.
    pub fn new(id: TaskId, deliveries: Arc<Deliveries>, store: Arc<dyn OffsetStore>, timeout: Duration) -> Self {
        Self { id, deliveries, store, timeout, unwritten: IndexMap::new() }
    }

    /// Stores what is committable now: an offset moves only after Kafka acknowledged every record up to it, and counts as stored
    /// only after the offsets topic acknowledged it. A failed write is tried again by the next flush. True when all is stored.
    pub async fn flush(&mut self) -> bool {
        let start = Instant::now();
        let stored = self.store_committable().await;
        self.deliveries.metrics.flushed(start.elapsed(), stored);
        stored
    }

    async fn store_committable(&mut self) -> bool {
        for (partition, offset) in self.deliveries.committable() {
            self.unwritten.insert(partition, offset);
        }
        if self.unwritten.is_empty() {
            return true;
        }
        let offsets: Vec<_> = self.unwritten.iter().map(|(p, o)| (p.clone(), o.clone())).collect();
        match self.write(offsets).await {
            Ok(()) => {
                self.unwritten.clear();
                true
            }
            Err(error) => {
                tracing::warn!(task = %self.id, %error, "offsets were not stored; the next flush tries again");
                false
            }
        }
    }

    async fn write(&self, offsets: Vec<(Arc<SourcePartition>, SourceOffset)>) -> Result<()> {
        let write = self.store.write(&self.id.connector, offsets);
        tokio::time::timeout(self.timeout, write).await.map_err(|_| {
            Error::timeout(format!(
                "storing offsets took longer than offset.flush.timeout.ms ({} ms)",
                self.timeout.as_millis()
            ))
        })?
    }
}
