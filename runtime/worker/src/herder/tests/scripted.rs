//! A connector that does what a test tells it, and stores that remember what was written to them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::{
    Config, ConfigDef, ConfigValues, Connector, ConnectorContext, ConnectorHost, ConnectorKind, ConnectorPlugin, Error,
    OffsetMap, PluginInfo, Result, SourceBatch, SourcePartition, SourceTask, SourceTaskContext, Task,
};
use millstream_core::cluster::{Change, ClusterState, State, Status, StatusKey, StatusTable, TargetState, TopicStatus};
use parking_lot::{Mutex, RwLockReadGuard};
use tokio::sync::{Semaphore, mpsc};

use crate::store::{ConfigStore, MemoryConfigStore, MemoryStatusStore, StatusStore};

/// What a call to the plugin does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Act {
    #[default]
    Succeed,
    Fail,
    Hang,
}

/// What the scripted connector and its tasks do; a call is named `<connector>.start`, `<connector>-<task>.poll` and so on.
#[derive(Default)]
pub(super) struct Script {
    acts: Mutex<HashMap<String, Act>>,
    /// Values that `task_configs` puts into its answer, a task each.
    tasks: Mutex<Vec<String>>,
    calls: Mutex<Vec<String>>,
    hosts: Mutex<HashMap<String, Arc<dyn ConnectorHost>>>,
    /// What connectors were told of offsets.
    pub(super) altered: Mutex<Vec<(SourcePartition, Option<OffsetMap>)>>,
    told: tokio::sync::Notify,
}

impl Script {
    pub(super) fn act(&self, call: &str, act: Act) {
        self.acts.lock().insert(call.to_owned(), act);
        self.told.notify_waiters();
    }

    pub(super) fn tasks(&self, values: &[&str]) {
        *self.tasks.lock() = values.iter().map(|v| (*v).to_owned()).collect();
    }

    pub(super) fn count(&self, call: &str) -> usize {
        self.calls.lock().iter().filter(|made| *made == call).count()
    }

    pub(super) fn host(&self, connector: &str) -> Arc<dyn ConnectorHost> {
        self.hosts.lock()[connector].clone()
    }

    async fn call(&self, call: String) -> Result<()> {
        self.calls.lock().push(call.clone());
        match self.acts.lock().get(&call).copied().unwrap_or_default() {
            Act::Succeed => return Ok(()),
            Act::Fail => return Err(Error::fatal(format!("{call} failed"))),
            Act::Hang => {}
        }
        std::future::pending().await
    }

    /// Waits until the task is to fail.
    async fn poll(&self, call: String) -> Error {
        loop {
            let told = self.told.notified();
            match self.acts.lock().get(&call) {
                Some(Act::Fail) => return Error::fatal(format!("{call} failed")),
                Some(Act::Hang | Act::Succeed) | None => {}
            }
            told.await;
        }
    }
}

pub(super) struct ScriptedPlugin {
    pub(super) script: Arc<Script>,
    pub(super) def: ConfigDef,
}

#[async_trait]
impl ConnectorPlugin for ScriptedPlugin {
    fn info(&self) -> PluginInfo {
        PluginInfo { class: "test.Scripted", aliases: &[], version: "7" }
    }

    fn kind(&self) -> ConnectorKind {
        ConnectorKind::Source
    }

    fn task_class(&self) -> &'static str {
        "test.ScriptedTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &self.def
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {
        // Whoever wants to be faster has his chance.
        tokio::task::yield_now().await;
    }

    async fn alter_offsets(&self, config: &Config, offsets: &[(SourcePartition, Option<OffsetMap>)]) -> Result<bool> {
        let name = config.get("name").unwrap_or_default();
        self.script.call(format!("{name}.alter_offsets")).await?;
        self.script.altered.lock().extend_from_slice(offsets);
        Ok(config.get("knows.offsets").is_some())
    }

    fn connector(&self) -> Box<dyn Connector> {
        Box::new(ScriptedConnector { script: self.script.clone(), name: String::new() })
    }

    fn task(&self) -> Task {
        Task::Source(Box::new(ScriptedTask { script: self.script.clone(), id: String::new() }))
    }
}

struct ScriptedConnector {
    script: Arc<Script>,
    name: String,
}

#[async_trait]
impl Connector for ScriptedConnector {
    async fn start(&mut self, context: ConnectorContext, _config: &Config) -> Result<()> {
        self.name = context.name.to_string();
        self.script.hosts.lock().insert(self.name.clone(), context.host);
        self.script.call(format!("{}.start", self.name)).await
    }

    async fn task_configs(&mut self, _max_tasks: usize) -> Result<Vec<Config>> {
        self.script.call(format!("{}.task_configs", self.name)).await?;
        Ok(self.script.tasks.lock().iter().map(|value| [("value", value.as_str())].into_iter().collect()).collect())
    }

    async fn stop(&mut self) {
        let _ = self.script.call(format!("{}.stop", self.name)).await;
    }
}

struct ScriptedTask {
    script: Arc<Script>,
    id: String,
}

#[async_trait]
impl SourceTask for ScriptedTask {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        self.id = context.id.to_string();
        self.script.call(format!("{}.start", self.id)).await
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        Err(self.script.poll(format!("{}.poll", self.id)).await)
    }

    async fn stop(&mut self) {
        let _ = self.script.call(format!("{}.stop", self.id)).await;
    }
}

/// Statuses in memory, and everything ever written.
#[derive(Default)]
pub(super) struct RecordedStatuses {
    table: MemoryStatusStore,
    written: Mutex<Vec<(String, String)>>,
}

impl RecordedStatuses {
    /// The states written for a connector or task so far, `-` for a removal; forgets them.
    pub(super) fn take(&self, who: &str) -> Vec<String> {
        let mut written = self.written.lock();
        let (taken, left) = std::mem::take(&mut *written).into_iter().partition(|(key, _)| key == who);
        *written = left;
        (taken as Vec<(String, String)>).into_iter().map(|(_, state)| state).collect()
    }

    fn record(&self, key: &StatusKey, state: &str) {
        let who = match key {
            StatusKey::Connector(name) => name.to_string(),
            StatusKey::Task(id) => id.to_string(),
            StatusKey::Topic { .. } => return,
        };
        self.written.lock().push((who, state.to_owned()));
    }
}

#[async_trait]
impl StatusStore for RecordedStatuses {
    async fn start(&self) -> Result<()> {
        Ok(())
    }

    async fn stop(&self) {}

    fn table(&self) -> RwLockReadGuard<'_, StatusTable> {
        self.table.table()
    }

    fn put(&self, key: StatusKey, status: Status) {
        self.record(&key, status.state.as_str());
        self.table.put(key, status);
    }

    fn put_safe(&self, key: StatusKey, status: Status) {
        assert!(status.state != State::Failed || status.trace.is_some(), "a failure has a trace");
        self.record(&key, status.state.as_str());
        self.table.put_safe(key, status);
    }

    fn put_topic(&self, topic: TopicStatus) {
        self.table.put_topic(topic);
    }

    fn delete(&self, key: StatusKey) {
        self.record(&key, "-");
        self.table.delete(key);
    }

    async fn flush(&self, _limit: Duration) -> Result<()> {
        Ok(())
    }
}

/// Configurations in memory whose task sets are written only as far as the test allows.
pub(super) struct GatedConfigs {
    store: MemoryConfigStore,
    /// A permit per task set that may be written now.
    pub(super) gate: Semaphore,
    /// Task sets whose writing fails before one succeeds.
    pub(super) failures: Mutex<usize>,
    pub(super) task_writes: Mutex<usize>,
}

impl Default for GatedConfigs {
    fn default() -> Self {
        Self {
            store: MemoryConfigStore::new(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            failures: Mutex::default(),
            task_writes: Mutex::default(),
        }
    }
}

#[async_trait]
impl ConfigStore for GatedConfigs {
    async fn start(&self) -> Result<()> {
        self.store.start().await
    }

    async fn stop(&self) {}

    fn state(&self) -> Arc<ClusterState> {
        self.store.state()
    }

    fn changes(&self) -> Option<mpsc::UnboundedReceiver<Change>> {
        self.store.changes()
    }

    async fn refresh(&self) -> Result<()> {
        Ok(())
    }

    async fn put_connector(&self, name: &str, config: &Config, target: Option<TargetState>) -> Result<()> {
        self.store.put_connector(name, config, target).await
    }

    async fn remove_connector(&self, name: &str) -> Result<()> {
        self.store.remove_connector(name).await
    }

    async fn put_tasks(&self, connector: &str, tasks: &[Config]) -> Result<()> {
        self.gate.acquire().await.unwrap().forget();
        {
            let mut failures = self.failures.lock();
            if *failures > 0 {
                *failures -= 1;
                return Err(Error::retriable("no brokers"));
            }
        }
        *self.task_writes.lock() += 1;
        self.store.put_tasks(connector, tasks).await
    }

    async fn put_target_state(&self, connector: &str, target: TargetState) -> Result<()> {
        self.store.put_target_state(connector, target).await
    }

    async fn put_restart(&self, connector: &str, include_tasks: bool, only_failed: bool) -> Result<()> {
        self.store.put_restart(connector, include_tasks, only_failed).await
    }

    async fn put_session_key(&self, key: millstream_core::cluster::SessionKey) -> Result<()> {
        self.store.put_session_key(key).await
    }

    async fn put_logger_level(&self, logger: &str, level: &str) -> Result<()> {
        self.store.put_logger_level(logger, level).await
    }
}
