//! The metrics of a worker, as `GET /metrics` shows them.
//!
//! [`table`] is the one list: every metric with its name, kind, unit, help, labels and where its value comes from. What a task measures
//! is in its [`TaskMetrics`], which exists as long as the herder keeps the task: series of what is deleted or stopped vanish with it.

pub mod client;
pub mod java;
mod rebalance;
mod render;
mod sample;
mod stage;
mod state;
pub mod table;
mod task;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use millstream_api::{ConnectorKind, ConnectorPlugin, MemoryBudget, PluginInfo, TaskId};
use millstream_core::cluster::State;
use millstream_core::settings::{ConnectorSettings, MetricsSettings};
use parking_lot::Mutex;
use prometheus::process_collector::ProcessCollector;

use crate::membership::View;
use crate::task::InstanceId;

pub use rebalance::RebalanceMetrics;
pub use render::TEXT_FORMAT;
use sample::{Clock, Outcomes};
pub use stage::Stage;
pub use state::StateTracker;
pub use task::{CommitOutcome, ErrorMetrics, TaskInfo, TaskMetrics};

/// Everything measured of a worker.
pub struct Metrics {
    clock: Clock,
    budget: MemoryBudget,
    connector_startups: Arc<Outcomes>,
    task_startups: Arc<Outcomes>,
    connectors: Mutex<BTreeMap<Arc<str>, Arc<ConnectorMetrics>>>,
    tasks: Mutex<BTreeMap<TaskId, Arc<TaskMetrics>>>,
    /// The group of workers: whose view counts, and who this worker is in it.
    membership: OnceLock<(tokio::sync::watch::Receiver<View>, String)>,
    /// Told by whoever takes part in rebalances.
    pub rebalance: RebalanceMetrics,
    process: ProcessCollector,
}

/// What is told of a connector.
#[derive(Debug)]
pub struct ConnectorMetrics {
    name: Arc<str>,
    /// Its states.
    pub state: Arc<StateTracker>,
    kind: Option<ConnectorKind>,
    info: Option<PluginInfo>,
}

impl Metrics {
    /// Metrics of a worker that runs nothing yet.
    pub fn new(settings: &MetricsSettings, budget: MemoryBudget) -> Arc<Self> {
        let clock = Clock::new(settings.windows);
        let outcomes = || Arc::new(Outcomes::new(clock));
        Arc::new(Self {
            clock,
            budget,
            connector_startups: outcomes(),
            task_startups: outcomes(),
            connectors: Mutex::default(),
            tasks: Mutex::default(),
            membership: OnceLock::new(),
            rebalance: RebalanceMetrics::new(clock),
            process: ProcessCollector::for_self(),
        })
    }

    /// The group this worker is in, and its own name there.
    pub fn set_membership(&self, view: tokio::sync::watch::Receiver<View>, worker_id: &str) {
        let _ = self.membership.set((view, worker_id.to_owned()));
    }

    /// Lists a connector. `plugin` is `None` when its class is not known: it has failed.
    pub fn connector(
        self: &Arc<Self>,
        name: &Arc<str>,
        plugin: Option<&dyn ConnectorPlugin>,
    ) -> (Arc<ConnectorMetrics>, Listed) {
        let metrics = Arc::new(ConnectorMetrics {
            name: name.clone(),
            state: Arc::new(StateTracker::new(self.clock, self.connector_startups.clone())),
            kind: plugin.map(ConnectorPlugin::kind),
            info: plugin.map(ConnectorPlugin::info),
        });
        if plugin.is_none() {
            metrics.state.set(State::Failed);
        }
        self.connectors.lock().insert(name.clone(), metrics.clone());
        (metrics.clone(), Listed { all: self.clone(), what: What::Connector(metrics) })
    }

    /// Lists a task.
    pub fn task(
        self: &Arc<Self>,
        id: &TaskId,
        plugin: &dyn ConnectorPlugin,
        settings: &ConnectorSettings,
    ) -> (Arc<TaskMetrics>, Listed) {
        self.list_task(id, Some(plugin.kind()), task_info(plugin, settings))
    }

    /// Lists a task that could not be made.
    pub fn unbuilt_task(self: &Arc<Self>, id: &TaskId) -> Listed {
        let (metrics, listed) = self.list_task(id, None, TaskInfo::default());
        metrics.state.set(State::Failed);
        listed
    }

    fn list_task(
        self: &Arc<Self>,
        id: &TaskId,
        kind: Option<ConnectorKind>,
        info: TaskInfo,
    ) -> (Arc<TaskMetrics>, Listed) {
        let metrics = Arc::new(TaskMetrics::new(id.clone(), kind, info, self.clock, self.task_startups.clone()));
        self.tasks.lock().insert(id.clone(), metrics.clone());
        (metrics.clone(), Listed { all: self.clone(), what: What::Task(metrics) })
    }

    /// A state that the instance itself does not know of (RESTARTING).
    pub fn note_state(&self, id: &InstanceId, state: State) {
        let tracker = match id {
            InstanceId::Connector(name) => self.connectors.lock().get(name).map(|metrics| metrics.state.clone()),
            InstanceId::Task(task) => self.tasks.lock().get(task).map(|metrics| metrics.state.clone()),
        };
        if let Some(tracker) = tracker {
            tracker.set(state);
        }
    }

    fn all_connectors(&self) -> Vec<Arc<ConnectorMetrics>> {
        self.connectors.lock().values().cloned().collect()
    }

    fn all_tasks(&self) -> Vec<Arc<TaskMetrics>> {
        self.tasks.lock().values().cloned().collect()
    }
}

/// Keeps a connector or task in the metrics. Dropped, its series are gone, unless a successor has taken its place.
pub struct Listed {
    all: Arc<Metrics>,
    what: What,
}

enum What {
    Connector(Arc<ConnectorMetrics>),
    Task(Arc<TaskMetrics>),
}

impl Drop for Listed {
    fn drop(&mut self) {
        match &self.what {
            What::Connector(metrics) => {
                let mut all = self.all.connectors.lock();
                if all.get(&metrics.name).is_some_and(|now| Arc::ptr_eq(now, metrics)) {
                    all.remove(&metrics.name);
                }
            }
            What::Task(metrics) => {
                let mut all = self.all.tasks.lock();
                if all.get(&metrics.id).is_some_and(|now| Arc::ptr_eq(now, metrics)) {
                    all.remove(&metrics.id);
                }
            }
        }
    }
}

fn task_info(plugin: &dyn ConnectorPlugin, settings: &ConnectorSettings) -> TaskInfo {
    let info = plugin.info();
    let mut labels = vec![
        ("connector_class", info.class.to_owned()),
        ("connector_type", plugin.kind().as_str().to_owned()),
        ("connector_version", info.version.to_owned()),
        ("task_class", plugin.task_class().to_owned()),
        ("task_version", info.version.to_owned()),
    ];
    let known = millstream_plugins::plugin_list();
    let converters = [
        ("key_converter_class", "key_converter_version", &settings.key_converter.class),
        ("value_converter_class", "value_converter_version", &settings.value_converter.class),
        ("header_converter_class", "header_converter_version", &settings.header_converter.class),
    ];
    for (class_label, version_label, class) in converters {
        let found = known.iter().map(|(_, info)| info).find(|info| info.is_named(class));
        labels.push((class_label, found.map_or(class.as_str(), |info| info.class).to_owned()));
        labels.push((version_label, found.map_or("", |info| info.version).to_owned()));
    }
    TaskInfo { labels }
}
