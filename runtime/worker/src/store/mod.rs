//! What a worker remembers: connector configurations, source offsets and statuses.
//!
//! Three traits, each with two homes: topics in Kafka (distributed mode: [`configs`], [`offsets`], [`statuses`]) and memory or a
//! file (standalone mode: [`memory`], [`file`]). A herder works on the traits and cannot tell the difference.
//!
//! All three are started once, before use, and stopped once. Tables are kept in memory and read without I/O; a *write* returns
//! when the record is acknowledged by Kafka (all in-sync replicas), the file is on disk, or the memory has changed.

pub mod configs;
pub mod file;
mod fold;
pub mod java_map;
mod log;
pub mod memory;
pub mod offsets;
mod open;
pub mod own_topic;
mod session_key;
pub mod statuses;

pub use configs::KafkaConfigStore;
pub use file::FileOffsetStore;
pub use log::LogSettings;
pub use memory::{MemoryConfigStore, MemoryStatusStore};
pub use offsets::KafkaOffsetStore;
pub use session_key::SessionKeeper;
pub use statuses::KafkaStatusStore;

use std::sync::Arc;

use async_trait::async_trait;
use millstream_api::{Config, OffsetMap, OffsetReader, Result, SourceOffset, SourcePartition};
use millstream_core::cluster::{
    Change, ClusterState, SessionKey, Status, StatusKey, StatusTable, TargetState, TopicStatus,
};
use millstream_core::settings::ConnectorSettings;
use parking_lot::RwLockReadGuard;
use tokio::sync::mpsc;

/// Connector configurations, task configurations and target states of the cluster.
///
/// Only the leader may write, target states and logger levels excepted: that rule is the herder's. Writes of a store are kept
/// in order, one after the other. Every write returns after it has been read back, so that [`ConfigStore::state`] shows it, and
/// fails with [`millstream_api::ErrorKind::Timeout`] when that takes more than 30 seconds; it may still take effect later.
#[async_trait]
pub trait ConfigStore: Send + Sync {
    /// Creates or checks what the store needs and reads all there is. Returns when [`ConfigStore::state`] is complete; keeps trying
    /// while the broker is away, and says so in the log. A wrong topic is an error of kind `Config`.
    ///
    /// What is read here sends no [`Change`]: the herder looks at the whole state afterwards. Restart requests and logger levels
    /// found here are old and are dropped.
    async fn start(&self) -> Result<()>;

    /// Stops reading and frees threads and connections. Writes fail afterwards with kind `Stopped`.
    async fn stop(&self);

    /// The state as read so far. A cheap snapshot; do not keep it for long (the next change then copies the state).
    fn state(&self) -> Arc<ClusterState>;

    /// What has changed since [`ConfigStore::start`], in the order of the topic. There is one stream: the first call gets it, later calls
    /// get `None`.
    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Change>>;

    /// Reads to the present end, so that [`ConfigStore::state`] holds everything written before this call, by whatever worker.
    async fn refresh(&self) -> Result<()>;

    /// Writes a connector's configuration, new or changed, after its target state where one is given (a new connector that is to
    /// start paused or stopped must never be seen running).
    async fn put_connector(&self, name: &str, config: &Config, target: Option<TargetState>) -> Result<()>;

    /// Removes a connector and its target state. Its offsets and old task configurations stay behind.
    async fn remove_connector(&self, name: &str) -> Result<()>;

    /// Replaces a connector's tasks: all of them take effect at once, with the commit. No tasks: none run.
    async fn put_tasks(&self, connector: &str, tasks: &[Config]) -> Result<()>;

    /// Sets the state that a connector is to be in.
    async fn put_target_state(&self, connector: &str, target: TargetState) -> Result<()>;

    /// Asks all workers to restart a connector (or its failed part).
    async fn put_restart(&self, connector: &str, include_tasks: bool, only_failed: bool) -> Result<()>;

    /// Gives all workers a new key to sign their internal requests with.
    async fn put_session_key(&self, key: SessionKey) -> Result<()>;

    /// Asks all workers to set a logger's level.
    async fn put_logger_level(&self, logger: &str, level: &str) -> Result<()>;
}

/// Statuses of connectors and tasks, and the topics that connectors have used.
#[async_trait]
pub trait StatusStore: Send + Sync {
    /// As [`ConfigStore::start`].
    async fn start(&self) -> Result<()>;

    /// Stops; what was put is sent first, as long as the broker answers (at most a few seconds).
    async fn stop(&self);

    /// Everything as read so far. A lock: look, copy what you need, drop it (the compiler refuses to hold it over an await).
    fn table(&self) -> RwLockReadGuard<'_, StatusTable>;

    /// Sets a status. Returns at once: the record is sent in the background and tried again while the broker is away, unless a
    /// later status of the same key has taken its place. [`StatusStore::table`] shows it when it has been read back.
    fn put(&self, key: StatusKey, status: Status);

    /// As [`StatusStore::put`], but only if no newer worker has written that status: nothing stored, or stored by the same worker,
    /// or with a generation not above this one. For UNASSIGNED and FAILED.
    fn put_safe(&self, key: StatusKey, status: Status);

    /// Remembers that a connector uses a topic. As [`StatusStore::put`]; does nothing when the table holds it already.
    fn put_topic(&self, topic: TopicStatus);

    /// Removes a status, or a topic of a connector. Sent in the background as in [`StatusStore::put`].
    fn delete(&self, key: StatusKey);

    /// Waits until everything put so far is acknowledged and read back, or `Timeout` after the limit.
    async fn flush(&self, limit: std::time::Duration) -> Result<()>;
}

/// Source offsets of all connectors.
///
/// A source partition is found by content, whatever the order of its map: offsets stored by another worker are updated under
/// the very key bytes they have, or compaction would keep both.
#[async_trait]
pub trait OffsetStore: Send + Sync {
    /// As [`ConfigStore::start`].
    async fn start(&self) -> Result<()>;

    /// Stops reading and writing.
    async fn stop(&self);

    /// Stores offsets of a connector. Returns when all are durable; on an error some may be stored and some not, and the
    /// caller writes them all again. Keeps trying while the broker is away: put a time limit around it, and know that what was
    /// sent may be stored even so.
    async fn write(&self, connector: &str, offsets: Vec<(Arc<SourcePartition>, SourceOffset)>) -> Result<()>;

    /// Reads to the present end, then gives every stored partition of a connector in the order first seen, tombstones left out.
    async fn offsets_of(&self, connector: &str) -> Result<Vec<(SourcePartition, OffsetMap)>>;

    /// Reads the offsets of one connector.
    fn reader(self: Arc<Self>, connector: &str) -> Arc<dyn OffsetReader>;

    /// The store of a connector that keeps its offsets in a topic of its own (`offsets.storage.topic`); `None`: here. Does not connect yet:
    /// the topic is made or checked, and read, at the first use.
    fn own(&self, _connector: &ConnectorSettings) -> Result<Option<Arc<dyn OffsetStore>>> {
        Ok(None)
    }
}

/// The three stores of a worker.
#[derive(Clone)]
pub struct Stores {
    /// Configurations.
    pub configs: Arc<dyn ConfigStore>,
    /// Source offsets.
    pub offsets: Arc<dyn OffsetStore>,
    /// Statuses.
    pub statuses: Arc<dyn StatusStore>,
}

impl Stores {
    /// Where a connector's source offsets are.
    pub fn offsets_of(&self, connector: &ConnectorSettings) -> Result<Arc<dyn OffsetStore>> {
        Ok(self.offsets.own(connector)?.unwrap_or_else(|| self.offsets.clone()))
    }

    /// Starts all three side by side; fails with the first error.
    pub async fn start(&self) -> Result<()> {
        futures::try_join!(self.offsets.start(), self.statuses.start(), self.configs.start())?;
        Ok(())
    }

    /// Stops all three side by side.
    pub async fn stop(&self) {
        futures::join!(self.offsets.stop(), self.statuses.stop(), self.configs.stop());
    }
}
