//! Configurations and statuses of a standalone worker: in memory, gone with it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::{Config, Result, TaskId};
use millstream_core::cluster::{
    Change, ClusterState, ConfigRecord, SessionKey, Status, StatusKey, StatusTable, TargetState, TopicStatus,
};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::mpsc;

use super::fold::Fold;
use super::{ConfigStore, StatusStore};

/// [`ConfigStore`] in memory. Folds the same records as the one in Kafka, so that the same rules hold.
pub struct MemoryConfigStore {
    fold: Fold,
    next: Mutex<i64>,
}

impl Default for MemoryConfigStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryConfigStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { fold: Fold::new(), next: Mutex::new(0) }
    }

    fn write(&self, records: impl IntoIterator<Item = ConfigRecord>) -> Result<()> {
        let mut next = self.next.lock();
        for record in records {
            self.fold.apply(record, *next);
            *next += 1;
        }
        Ok(())
    }
}

#[async_trait]
impl ConfigStore for MemoryConfigStore {
    async fn start(&self) -> Result<()> {
        self.fold.go_live();
        Ok(())
    }

    async fn stop(&self) {}

    fn state(&self) -> Arc<ClusterState> {
        self.fold.state()
    }

    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Change>> {
        self.fold.changes()
    }

    async fn refresh(&self) -> Result<()> {
        Ok(())
    }

    async fn put_connector(&self, name: &str, config: &Config, target: Option<TargetState>) -> Result<()> {
        let target = target.map(|state| ConfigRecord::TargetState { connector: name.into(), state: Some(state) });
        let connector = ConfigRecord::Connector { name: name.into(), config: Some(config.clone()) };
        self.write(target.into_iter().chain([connector]))
    }

    async fn remove_connector(&self, name: &str) -> Result<()> {
        self.write([
            ConfigRecord::Connector { name: name.into(), config: None },
            ConfigRecord::TargetState { connector: name.into(), state: None },
        ])
    }

    async fn put_tasks(&self, connector: &str, tasks: &[Config]) -> Result<()> {
        let commit =
            ConfigRecord::Commit { connector: connector.into(), tasks: u32::try_from(tasks.len()).unwrap_or(u32::MAX) };
        let records = (0..)
            .zip(tasks)
            .map(|(task, config)| ConfigRecord::Task { id: TaskId::new(connector, task), config: config.clone() });
        self.write(records.chain([commit]))
    }

    async fn put_target_state(&self, connector: &str, target: TargetState) -> Result<()> {
        self.write([ConfigRecord::TargetState { connector: connector.into(), state: Some(target) }])
    }

    async fn put_restart(&self, connector: &str, include_tasks: bool, only_failed: bool) -> Result<()> {
        self.write([ConfigRecord::Restart { connector: connector.into(), include_tasks, only_failed }])
    }

    async fn put_session_key(&self, key: SessionKey) -> Result<()> {
        self.write([ConfigRecord::SessionKey(key)])
    }

    async fn put_logger_level(&self, logger: &str, level: &str) -> Result<()> {
        self.write([ConfigRecord::LoggerLevel { logger: logger.to_owned(), level: level.to_owned() }])
    }
}

/// [`StatusStore`] in memory.
#[derive(Default)]
pub struct MemoryStatusStore {
    table: RwLock<StatusTable>,
}

impl MemoryStatusStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl StatusStore for MemoryStatusStore {
    async fn start(&self) -> Result<()> {
        Ok(())
    }

    async fn stop(&self) {}

    fn table(&self) -> RwLockReadGuard<'_, StatusTable> {
        self.table.read()
    }

    fn put(&self, key: StatusKey, status: Status) {
        self.table.write().put(&key, status);
    }

    fn put_safe(&self, key: StatusKey, status: Status) {
        let mut table = self.table.write();
        if table.may_write_safely(&key, &status) {
            table.put(&key, status);
        }
    }

    fn put_topic(&self, topic: TopicStatus) {
        let mut table = self.table.write();
        if !table.has_topic(&topic.connector, &topic.topic) {
            table.put_topic(topic);
        }
    }

    fn delete(&self, key: StatusKey) {
        self.table.write().remove(&key);
    }

    async fn flush(&self, _limit: Duration) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_are_told_after_the_start_and_found_in_the_state() {
        let store = MemoryConfigStore::new();
        let config: Config = [("name", "c")].into_iter().collect();
        store.put_connector("before", &config, None).await.unwrap();
        store.start().await.unwrap();
        let mut changes = store.changes().unwrap();
        assert!(store.changes().is_none());
        store.put_connector("c", &config, Some(TargetState::Paused)).await.unwrap();
        store.put_tasks("c", &[config.clone(), config.clone()]).await.unwrap();
        store.put_restart("c", true, false).await.unwrap();
        assert_eq!(changes.recv().await, Some(Change::Connector("c".into())));
        assert_eq!(store.state().target_state("c"), Some(TargetState::Paused));
        assert_eq!(changes.recv().await, Some(Change::Tasks("c".into())));
        assert_eq!(store.state().task_count("c"), 2);
        assert!(matches!(changes.recv().await, Some(Change::Restart { include_tasks: true, .. })));
        store.remove_connector("c").await.unwrap();
        assert_eq!(changes.recv().await, Some(Change::Removed("c".into())));
        assert!(!store.state().contains("c"));
    }
}
