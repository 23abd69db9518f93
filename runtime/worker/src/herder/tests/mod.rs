//! The herder over stores in memory, with a connector that follows a script. Time is paused: nothing depends on the machine.

mod auto_restart;
mod lifecycle;
mod metrics;
mod offsets;
mod patch;
mod publish;
mod restart;
mod scripted;
mod standalone;
mod stuck;

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, ConfigDef, MemoryBudget, Result};
use millstream_core::cluster::TargetState;
use millstream_core::settings::WorkerConfig;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::scripted::{Act, GatedConfigs, RecordedStatuses, Script, ScriptedPlugin};
use super::{Herder, HerderHandle, Inputs, PutConnector, Request, RestartConnector};
use crate::membership::Solo;
use crate::model::{ConnectorStateInfo, Health};
use crate::observe::metrics::Metrics;
use crate::plugins::PluginTable;
use crate::store::{FileOffsetStore, Stores};
use crate::task::TaskEnvironment;
use crate::validate::ConfigValidator;

struct World {
    script: Arc<Script>,
    configs: Arc<GatedConfigs>,
    statuses: Arc<RecordedStatuses>,
    metrics: Arc<Metrics>,
    herder: HerderHandle,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let script = Arc::new(Script::default());
        script.tasks(&["a", "b"]);
        Self::over(script, Arc::default(), Arc::default()).await
    }

    /// A worker that finds these stores.
    async fn over(script: Arc<Script>, configs: Arc<GatedConfigs>, statuses: Arc<RecordedStatuses>) -> Self {
        Self::with(crate::testing::worker(), script, configs, statuses).await
    }

    async fn with(
        worker: Arc<WorkerConfig>,
        script: Arc<Script>,
        configs: Arc<GatedConfigs>,
        statuses: Arc<RecordedStatuses>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = Stores {
            configs: configs.clone(),
            offsets: Arc::new(FileOffsetStore::new(folder.path().join("offsets"))),
            statuses: statuses.clone(),
        };
        stores.start().await.unwrap();
        let plugin = ScriptedPlugin { script: script.clone(), def: ConfigDef::new() };
        let plugins = Arc::new(PluginTable::new(vec![Arc::new(plugin)]));
        let (events, received) = mpsc::unbounded_channel();
        let metrics = crate::testing::metrics(&worker);
        let env = TaskEnvironment {
            worker: worker.clone(),
            plugins: plugins.clone(),
            stores: stores.clone(),
            budget: MemoryBudget::new(1 << 30),
            metrics: metrics.clone(),
            events,
        };
        let (requests, queue) = mpsc::channel(16);
        let health = watch::Sender::new(Health::Healthy);
        let handle = HerderHandle::new(requests, Arc::new(ConfigValidator::new(plugins, worker)), health.subscribe());
        let changes = stores.configs.changes().unwrap();
        let herder = Herder::new(Arc::new(env), "me:8083".to_owned(), Solo::new(0));
        let stop = CancellationToken::new();
        let inputs = Inputs { requests: queue, changes, events: received };
        let ended = tokio::spawn(herder.run(inputs, stop.clone()));
        Self { script, configs, statuses, metrics, herder: handle, stop, ended, _folder: folder }
    }

    async fn put(&self, name: &str, more: &[(&str, &str)], initial_state: Option<TargetState>) -> Result<bool> {
        let mut config: Config =
            [("name", name), ("connector.class", "test.Scripted"), ("tasks.max", "2")].into_iter().collect();
        for (key, value) in more {
            config.set(*key, *value);
        }
        let put = PutConnector { name: name.into(), config, initial_state, replace: true };
        Ok(self.herder.ask(|reply| Request::Put(put, reply)).await?.0)
    }

    /// Creates a connector and waits until it and its tasks run.
    async fn running(&self, name: &str) {
        assert!(self.put(name, &[], None).await.unwrap());
        self.until(name, "RUNNING: RUNNING RUNNING").await;
    }

    async fn delete(&self, name: &str) {
        self.herder.ask(|reply| Request::Delete(name.into(), reply)).await.unwrap();
    }

    async fn target(&self, name: &str, target: TargetState) {
        self.herder.ask(|reply| Request::SetTarget(name.into(), target, reply)).await.unwrap();
    }

    async fn restart(&self, name: &str, include_tasks: bool, only_failed: bool) -> Result<ConnectorStateInfo> {
        let restart = RestartConnector { name: name.into(), include_tasks, only_failed };
        self.herder.ask(|reply| Request::Restart(restart, reply)).await
    }

    async fn status(&self, name: &str) -> Option<ConnectorStateInfo> {
        self.herder.ask(|reply| Request::Status(name.into(), reply)).await.ok()
    }

    /// State of the connector and its tasks, as in `RUNNING: RUNNING FAILED`; empty without status.
    async fn shape(&self, name: &str) -> String {
        let Some(status) = self.status(name).await else { return String::new() };
        let tasks: Vec<_> = status.tasks.iter().map(|task| task.instance.state).collect();
        format!("{}: {}", status.connector.state, tasks.join(" ")).trim_end_matches(": ").to_owned()
    }

    /// Waits for this shape.
    async fn until(&self, name: &str, shape: &str) {
        let mut last = String::new();
        for _ in 0..10_000 {
            last = self.shape(name).await;
            if last == shape {
                return;
            }
            moment().await;
        }
        panic!("{name} is {last:?}, not {shape:?}");
    }

    /// Waits until a call to the plugin has been made so often.
    async fn called(&self, call: &str, times: usize) {
        for _ in 0..10_000 {
            if self.script.count(call) >= times {
                return;
            }
            moment().await;
        }
        panic!("{call} was called {} times, not {times}", self.script.count(call));
    }

    /// Lets everything that is under way come to rest: longer than any limit.
    async fn rest(&self) {
        tokio::time::sleep(Duration::from_secs(20)).await;
        moment().await;
    }

    async fn end(self) -> (Arc<Script>, Arc<GatedConfigs>, Arc<RecordedStatuses>) {
        self.stop.cancel();
        self.ended.await.unwrap();
        (self.script, self.configs, self.statuses)
    }
}

/// Time stands still while anything can be done.
async fn moment() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}
