//! Connectors: what plans the work of a connector's tasks.

use std::sync::Arc;

use async_trait::async_trait;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::offsets::OffsetReader;

/// What a running connector may ask of its worker. All calls return at once.
pub trait ConnectorHost: Send + Sync {
    /// Asks the worker to call [`Connector::task_configs`] again. Requests may be merged.
    fn request_task_reconfiguration(&self);

    /// Reports that the connector cannot go on: it becomes FAILED. Its tasks are not touched.
    fn raise_error(&self, error: Error);
}

/// Given to a connector when it starts.
#[derive(Clone)]
pub struct ConnectorContext {
    /// Name of the connector.
    pub name: Arc<str>,
    /// The worker.
    pub host: Arc<dyn ConnectorHost>,
    /// Stored source offsets of this connector; `None` for sinks.
    pub offsets: Option<Arc<dyn OffsetReader>>,
}

/// A running connector: watches the outside world and says which tasks there should be.
///
/// Called by one caller at a time, in the order `start`, `task_configs` any number of times, `stop`. Every call may wait
/// on I/O; none may block the thread. A call that takes too long is abandoned by dropping its future, after which only `stop`
/// may be called.
#[async_trait]
pub trait Connector: Send {
    /// Starts the connector. An error makes it FAILED; tasks of an earlier run go on.
    async fn start(&mut self, context: ConnectorContext, config: &Config) -> Result<()>;

    /// The configuration of each task, at most `max_tasks`. The same world gives the same answer: tasks restart only when theirs changed.
    ///
    /// The worker adds `task.class` and, for sinks, `topics`/`topics.regex`.
    async fn task_configs(&mut self, max_tasks: usize) -> Result<Vec<Config>>;

    /// Ends what `start` began. Called once, also after a failed `start`.
    async fn stop(&mut self);
}
