//! Source tasks.

use std::sync::Arc;

use async_trait::async_trait;

use crate::batch::SourceBatch;
use crate::budget::MemoryBudget;
use crate::config::Config;
use crate::error::Result;
use crate::ids::TaskId;
use crate::offsets::OffsetReader;

/// Given to a source task when it starts.
#[derive(Clone)]
pub struct SourceTaskContext {
    /// Which task this is.
    pub id: TaskId,
    /// The task's configuration, as the connector's `task_configs` made it, with secrets resolved.
    pub config: Config,
    /// Stored offsets of this connector.
    pub offsets: Arc<dyn OffsetReader>,
    /// The worker's memory budget.
    pub budget: MemoryBudget,
}

/// Reads records from a source, batch by batch.
///
/// Called by one caller at a time: `start`, then `poll` and `committed` in any order, then `stop`. The worker reads ahead: a
/// batch returned by `poll` may be encoded and sent while the next `poll` runs.
#[async_trait]
pub trait SourceTask: Send {
    /// Prepares to read from the stored offsets on. An error fails the task.
    async fn start(&mut self, context: SourceTaskContext) -> Result<()>;

    /// The next records, in order. Waits for them where there are none, but comes back (with an empty answer, if need be) at
    /// least every few seconds. An answer should hold a few megabytes at most.
    ///
    /// Batches of one source partition are acknowledged in the order they were returned. A retriable error is followed by
    /// another `poll`, which must neither skip nor repeat rows already returned; any other error fails the task. The future is
    /// dropped in the middle only when the task is to stop; `stop` is then the next call.
    async fn poll(&mut self) -> Result<Vec<SourceBatch>>;

    /// Called after offsets were stored: everything up to the last stored position is durable in Kafka *and* remembered. May be
    /// called with nothing new. The default does nothing.
    async fn committed(&mut self) -> Result<()> {
        Ok(())
    }

    /// Ends the task and frees what it holds. Called once, also after a failed `start` or `poll`.
    async fn stop(&mut self);
}
