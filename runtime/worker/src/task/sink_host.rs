//! What a sink task may ask of its loop.

use std::sync::Arc;
use std::time::Duration;

use super::dead_letter::DeadLetters;
use super::failures::FailurePolicy;
use millstream_api::{PartitionOffsets, Result, RowFailure, SinkBatch, SinkHost, TaskId, TopicPartition};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Collects the task's wishes; the loop takes them between two calls.
pub struct Wishes {
    id: TaskId,
    failures: FailurePolicy,
    letters: Option<Arc<DeadLetters>>,
    state: Mutex<State>,
    /// Told when a commit is asked for.
    pub commit_requested: Notify,
}

#[derive(Default)]
struct State {
    rewind: PartitionOffsets,
    /// Partitions to pause (true) or resume, in order.
    pauses: Vec<(Vec<TopicPartition>, bool)>,
    retry_after: Option<Duration>,
}

impl Wishes {
    /// No wishes yet.
    pub fn new(id: TaskId, failures: FailurePolicy, letters: Option<Arc<DeadLetters>>) -> Arc<Self> {
        Arc::new(Self { id, failures, letters, state: Mutex::default(), commit_requested: Notify::new() })
    }

    /// Where to go back to, if the task asked for it.
    pub fn take_rewind(&self) -> PartitionOffsets {
        std::mem::take(&mut self.state.lock().rewind)
    }

    /// What to pause and resume.
    pub fn take_pauses(&self) -> Vec<(Vec<TopicPartition>, bool)> {
        std::mem::take(&mut self.state.lock().pauses)
    }

    /// How long to wait before the next try, if the task said so.
    pub fn take_retry_after(&self) -> Option<Duration> {
        self.state.lock().retry_after.take()
    }
}

impl SinkHost for Wishes {
    fn request_commit(&self) {
        self.commit_requested.notify_one();
    }

    fn report(&self, batch: &SinkBatch, failures: Vec<RowFailure>) -> Result<()> {
        // Before the tolerance is asked: what fails the task is in the queue too.
        if let Some(letters) = &self.letters {
            letters.report(batch, &failures)?;
        }
        let last = batch.len().saturating_sub(1);
        self.failures.reported(&self.id, &batch.origin, |row| batch.offset(row.min(last)), failures)
    }

    fn rewind(&self, offsets: PartitionOffsets) {
        self.state.lock().rewind.extend(offsets);
    }

    fn pause(&self, partitions: &[TopicPartition]) {
        self.state.lock().pauses.push((partitions.to_vec(), true));
    }

    fn resume(&self, partitions: &[TopicPartition]) {
        self.state.lock().pauses.push((partitions.to_vec(), false));
    }

    fn retry_after(&self, delay: Duration) {
        self.state.lock().retry_after = Some(delay);
    }
}
