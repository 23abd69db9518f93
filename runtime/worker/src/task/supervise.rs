//! Supervision: every connector and task runs in a spawned unit with a name, a kind and an end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millstream_api::{Config, ConnectorPlugin, Error, MemoryBudget, Result, Task, TaskId};
use millstream_core::cluster::{State, StatusKey, TargetState};
use millstream_core::settings::{ConnectorSettings, Topics, WorkerConfig};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::panic::panicked;
use super::source::Orders;
use crate::config_provider::Hidden;
use crate::observe::metrics::{Listed, Metrics, StateTracker};
use crate::plugins::PluginTable;
use crate::store::Stores;

/// What every connector and task of a worker shares.
pub struct TaskEnvironment {
    /// Worker settings.
    pub worker: Arc<WorkerConfig>,
    /// Plugins.
    pub plugins: Arc<PluginTable>,
    /// Stores.
    pub stores: Stores,
    /// Memory budget.
    pub budget: MemoryBudget,
    /// Where all of them are measured.
    pub metrics: Arc<Metrics>,
    /// To the herder.
    pub events: mpsc::UnboundedSender<InstanceEvent>,
}

/// A connector or a task of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InstanceId {
    /// The Connector instance of this name.
    Connector(Arc<str>),
    /// A task.
    Task(TaskId),
}

impl InstanceId {
    /// Name of the connector it belongs to.
    pub fn connector(&self) -> &Arc<str> {
        match self {
            Self::Connector(name) => name,
            Self::Task(id) => &id.connector,
        }
    }

    /// How traces name it.
    pub fn place(&self) -> String {
        match self {
            Self::Connector(name) => format!("connector {name}"),
            Self::Task(id) => format!("task {id}"),
        }
    }

    /// Its key in the status topic.
    pub fn status_key(&self) -> StatusKey {
        match self {
            Self::Connector(name) => StatusKey::Connector(name.clone()),
            Self::Task(id) => StatusKey::Task(id.clone()),
        }
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connector(name) => f.write_str(name),
            Self::Task(id) => id.fmt(f),
        }
    }
}

/// What an instance tells the herder. `epoch` tells a restarted instance from its predecessor.
pub enum InstanceEvent {
    /// It is now in this state.
    State {
        /// Who.
        id: InstanceId,
        /// Which incarnation.
        epoch: u64,
        /// RUNNING, PAUSED, STOPPED or FAILED.
        state: State,
        /// Why it failed.
        error: Option<Error>,
        /// It tries again by itself what has failed.
        retrying: bool,
    },
    /// The connector says which tasks there are to be.
    TaskConfigs {
        /// Name of the connector.
        connector: Arc<str>,
        /// Which incarnation.
        epoch: u64,
        /// One configuration per task.
        configs: Vec<Config>,
    },
    /// It has ended; nothing of it runs any more (or it was abandoned).
    Ended {
        /// Who.
        id: InstanceId,
        /// Which incarnation.
        epoch: u64,
    },
}

/// Tells the herder of an instance's states.
#[derive(Clone)]
pub struct Reporter {
    /// Who.
    pub id: InstanceId,
    /// Which incarnation.
    pub epoch: u64,
    /// To the herder.
    pub events: mpsc::UnboundedSender<InstanceEvent>,
    /// What errors must not show.
    pub hidden: Hidden,
    /// Its states, for the metrics.
    pub states: Arc<StateTracker>,
}

impl Reporter {
    /// The instance is in this state.
    pub fn state(&self, state: State) {
        self.tell(state, None, false);
    }

    /// The instance shows as failed while it tries again by itself.
    pub(super) fn retrying(&self, error: Error) {
        self.tell(State::Failed, Some(error), true);
    }

    fn tell(&self, state: State, error: Option<Error>, retrying: bool) {
        let error = error.map(|error| self.hidden.hide_error(self.located(error)));
        self.states.set(state);
        let _ =
            self.events.send(InstanceEvent::State { id: self.id.clone(), epoch: self.epoch, state, error, retrying });
    }

    /// Tells at once that the instance has failed, if it has: ending it may take its time or never come to an end. True when it has.
    pub fn outcome(&self, result: Result<()>) -> bool {
        match result {
            Ok(()) => false,
            Err(error) => {
                self.failed(error);
                true
            }
        }
    }

    /// The instance has failed.
    pub fn failed(&self, error: Error) {
        let error = self.hidden.hide_error(error);
        tracing::error!(instance = %self.id, %error, "failed");
        self.tell(State::Failed, Some(error), false);
    }

    fn located(&self, error: Error) -> Error {
        let place = self.id.place();
        if error.places().contains(&place) { error } else { error.at(place) }
    }

    fn ended(&self) {
        let _ = self.events.send(InstanceEvent::Ended { id: self.id.clone(), epoch: self.epoch });
    }
}

/// Everything that makes one task.
#[derive(Clone)]
pub struct TaskSpec {
    /// Which task.
    pub id: TaskId,
    /// The task's own configuration, references resolved.
    pub config: Config,
    /// What of it came from config providers.
    pub hidden: Hidden,
    /// What the connector's configuration says about converters, errors and clients.
    pub settings: Arc<ConnectorSettings>,
    /// Its plugin.
    pub plugin: Arc<dyn ConnectorPlugin>,
}

impl TaskSpec {
    /// Topics a sink subscribes to.
    pub fn subscription(&self) -> Result<&Topics> {
        self.settings
            .topics
            .as_ref()
            .ok_or_else(|| Error::config(format!("sink task {} has neither topics nor topics.regex", self.id)))
    }
}

/// A task that was started and has not ended.
pub struct RunningTask {
    /// Which incarnation.
    pub epoch: u64,
    /// The configuration it runs with.
    pub config: Config,
    /// Keeps it in the metrics, also after its end: taken by who keeps the task.
    pub listed: Option<Listed>,
    target: watch::Sender<TargetState>,
    stopper: Stopper,
}

impl RunningTask {
    /// Starts a task in its own unit.
    pub fn start(spec: TaskSpec, env: Arc<TaskEnvironment>, epoch: u64, target: TargetState) -> Self {
        let (target, target_receiver) = watch::channel(target);
        let stopper = Stopper::new();
        let orders =
            Orders { target: target_receiver, stop: stopper.stop.clone(), abandoned: stopper.abandoned.clone() };
        let (events, hidden) = (env.events.clone(), spec.hidden.clone());
        let (metrics, listed) = env.metrics.task(&spec.id, &*spec.plugin, &spec.settings);
        let states = metrics.state.clone();
        let reporter = Reporter { id: InstanceId::Task(spec.id.clone()), epoch, events, hidden, states };
        let config = spec.config.clone();
        let span = tracing::info_span!("task", connector = %spec.id.connector, task = spec.id.task);
        let run_reporter = reporter.clone();
        let work = async move {
            match spec.plugin.task() {
                Task::Source(task) => super::source::run(task, spec, env, orders, run_reporter, metrics).await,
                Task::Sink(task) => super::sink::run(task, spec, env, orders, run_reporter, metrics).await,
            }
        };
        stopper.supervise(work.instrument(span), reporter);
        Self { epoch, config, listed: Some(listed), target, stopper }
    }

    /// Tells the task to run or to pause.
    pub fn set_target(&self, target: TargetState) {
        self.target.send_if_modified(|now| std::mem::replace(now, target) != target);
    }

    /// Asks the task to end; after `limit` it is abandoned. [`InstanceEvent::Ended`] says when.
    pub fn stop(&self, limit: Duration) {
        self.stopper.stop(limit);
    }

    /// True once it was asked to end.
    pub fn is_stopping(&self) -> bool {
        self.stopper.stop.is_cancelled()
    }

    /// Cancelled when nothing of it runs any more (or it was abandoned).
    pub fn end(&self) -> CancellationToken {
        self.stopper.ended.clone()
    }
}

/// Ends a unit: first it is asked, then it is dropped.
pub(super) struct Stopper {
    pub(super) stop: CancellationToken,
    abort: CancellationToken,
    ended: CancellationToken,
    pub(super) abandoned: Arc<AtomicBool>,
}

impl Stopper {
    pub(super) fn new() -> Self {
        let new = CancellationToken::new;
        Self { stop: new(), abort: new(), ended: new(), abandoned: Arc::default() }
    }

    /// Runs the work; reports its failure, a panic included, and in any case its end.
    pub(super) fn supervise(&self, work: impl Future<Output = Result<()>> + Send + 'static, reporter: Reporter) {
        let (abort, ended) = (self.abort.clone(), self.ended.clone());
        tokio::spawn(async move {
            let mut unit = tokio::spawn(work);
            let result = tokio::select! {
                result = &mut unit => result,
                () = abort.cancelled() => {
                    unit.abort();
                    tracing::warn!(instance = %reporter.id, "did not stop in time; abandoned");
                    Ok(Ok(()))
                }
            };
            match result {
                Ok(Ok(())) => {}
                Ok(Err(error)) => reporter.failed(error),
                Err(ended) => reporter.failed(match ended.try_into_panic() {
                    Ok(panic) => panicked("the plugin, or the worker around it,", &*panic),
                    Err(ended) => Error::internal("it ended unexpectedly").caused_by(ended),
                }),
            }
            ended.cancel();
            reporter.ended();
        });
    }

    /// Asks the unit to end, and drops it when it has not ended after `limit`.
    pub(super) fn stop(&self, limit: Duration) {
        if self.stop.is_cancelled() {
            return;
        }
        self.stop.cancel();
        let (abort, abandoned) = (self.abort.clone(), self.abandoned.clone());
        tokio::spawn(async move {
            tokio::time::sleep(limit).await;
            abandoned.store(true, Ordering::Relaxed);
            abort.cancel();
        });
    }
}

pub use super::connector::RunningConnector;
