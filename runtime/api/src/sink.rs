//! Sink tasks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::batch::{RowFailure, SinkBatch};
use crate::budget::MemoryBudget;
use crate::config::Config;
use crate::error::Result;
use crate::ids::{TaskId, TopicPartition};
use crate::offsets::PartitionOffsets;

/// What a sink task may ask of its worker. All calls return at once.
pub trait SinkHost: Send + Sync {
    /// Asks for a commit soon, without waiting for the next `offset.flush.interval.ms`.
    fn request_commit(&self);

    /// Reports records the task cannot write. With `errors.tolerance=all` they go to the log and the dead letter queue and the
    /// answer is `Ok`: the task skips them. Otherwise the answer is the error that `put` must return.
    fn report(&self, batch: &SinkBatch, failures: Vec<RowFailure>) -> Result<()>;

    /// Moves the consumer to these offsets before the next `put`.
    fn rewind(&self, offsets: PartitionOffsets);

    /// Stops delivery of these partitions until [`SinkHost::resume`].
    fn pause(&self, partitions: &[TopicPartition]);

    /// Delivers these partitions again.
    fn resume(&self, partitions: &[TopicPartition]);

    /// How long the worker waits before it repeats a `put` that failed with a retriable error.
    fn retry_after(&self, delay: Duration);
}

/// Given to a sink task when it starts.
#[derive(Clone)]
pub struct SinkTaskContext {
    /// Which task this is.
    pub id: TaskId,
    /// The task's configuration, with secrets resolved.
    pub config: Config,
    /// The worker.
    pub host: Arc<dyn SinkHost>,
    /// The worker's memory budget.
    pub budget: MemoryBudget,
}

/// Writes records to a destination.
///
/// Called by one caller at a time: `start`, `open` for assigned partitions, then `put` and `pre_commit` in any order, `close`
/// for partitions given up, `stop`. Futures are dropped in the middle only when the task is abandoned.
#[async_trait]
pub trait SinkTask: Send {
    /// Prepares to write. An error fails the task.
    async fn start(&mut self, context: SinkTaskContext) -> Result<()>;

    /// These partitions are now this task's; their records start at the committed offset. Only newly assigned ones are named.
    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()>;

    /// Takes records over. Ownership is all: nothing need be durable when it returns. Also called with no batch when no record
    /// arrived, or none may because the connector is paused, so that timers run.
    ///
    /// A retriable error: the worker stops fetching and calls again with the *same* batches, so nothing of them may have been
    /// kept. Any other error fails the task.
    async fn put(&mut self, batches: &[SinkBatch]) -> Result<()>;

    /// What may be committed: for each partition the offset up to which every record is durable at the destination (or was
    /// skipped on purpose). `delivered` holds the positions after everything given to `put`; of partitions without a record yet, where
    /// reading began. Never ahead of `delivered`; partitions left out are not committed, but their place is held once another moves.
    ///
    /// After a retriable error nothing is committed and the worker asks again at the next commit; any other error fails the task.
    async fn pre_commit(&mut self, delivered: &PartitionOffsets) -> Result<PartitionOffsets>;

    /// These partitions are no longer this task's. What is not durable is dropped: their next owner reads it again from the
    /// committed offset. `pre_commit` was called just before, unless the partitions were lost.
    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()>;

    /// Ends the task and frees what it holds. Called once, also after a failed `start`.
    async fn stop(&mut self);
}
