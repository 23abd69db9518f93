//! The herder's loop: requests, config changes, news of instances and of the membership go in; starts, stops and writes come out.
//!
//! It never waits for a plugin, the disk or Kafka: connectors and tasks run in their own units, writes in theirs.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use millstream_api::TaskId;
use millstream_core::cluster::{Change, ClusterState, State, Status, StatusKey, TargetState};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::Request;
use super::instances::{ConnectorSlot, TaskSlot};
use super::planned::Planned;
use crate::membership::{Leader, Membership, View};
use crate::observe::loggers::Loggers;
use crate::task::{InstanceEvent, InstanceId, TaskEnvironment};
use crate::validate::ConfigValidator;

/// How long a Connector instance may take to stop before it is abandoned.
pub(super) const CONNECTOR_STOP: Duration = crate::task::connector::STOP_LIMIT;

/// The herder of one worker.
pub struct Herder {
    pub(super) env: Arc<TaskEnvironment>,
    pub(super) worker_id: String,
    pub(super) membership: Arc<dyn Membership>,
    pub(super) view: watch::Receiver<View>,
    pub(super) connectors: HashMap<Arc<str>, ConnectorSlot>,
    pub(super) tasks: HashMap<TaskId, TaskSlot>,
    /// Taken by every write to the config topic, so that they happen in the order they were asked for.
    pub(super) writing: Arc<tokio::sync::Mutex<()>>,
    /// Checks configurations that requests make of stored ones.
    pub(super) validator: Arc<ConfigValidator>,
    /// Failures whose restart is due, and where they are told.
    pub(super) due: (mpsc::UnboundedSender<Failure>, mpsc::UnboundedReceiver<Failure>),
    pub(super) planned: Planned,
    last_epoch: u64,
}

/// Who has failed, and which failure of it.
type Failure = (InstanceId, u64);

/// What the loop listens to.
pub struct Inputs {
    /// From REST and the command line.
    pub requests: mpsc::Receiver<Request>,
    /// From the config store.
    pub changes: mpsc::UnboundedReceiver<Change>,
    /// From connectors and tasks.
    pub events: mpsc::UnboundedReceiver<InstanceEvent>,
}

impl Herder {
    /// A herder over started stores.
    pub fn new(env: Arc<TaskEnvironment>, worker_id: String, membership: Arc<dyn Membership>) -> Self {
        let validator = Arc::new(ConfigValidator::new(env.plugins.clone(), env.worker.clone()));
        Self {
            env,
            worker_id,
            validator,
            view: membership.view(),
            membership,
            connectors: HashMap::new(),
            tasks: HashMap::new(),
            writing: Arc::default(),
            due: mpsc::unbounded_channel(),
            planned: Planned::default(),
            last_epoch: 0,
        }
    }

    /// Runs until told to stop, then stops everything this worker runs within the graceful limits.
    pub async fn run(mut self, mut inputs: Inputs, stop: CancellationToken) {
        self.forget_vanished();
        self.reconcile_all();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(event) = inputs.events.recv() => self.instance_event(event),
                Some(change) = inputs.changes.recv() => self.change(change),
                changed = self.view.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    self.forget_vanished();
                    self.reconcile_all();
                }
                Some((id, failure)) = self.due.1.recv() => self.restart_due(&id, failure),
                Some(request) = inputs.requests.recv() => self.serve(request),
                else => break,
            }
        }
        inputs.requests.close();
        self.stop_all(inputs.events).await;
    }

    pub(super) fn state(&self) -> Arc<ClusterState> {
        self.env.stores.configs.state()
    }

    pub(super) fn next_epoch(&mut self) -> u64 {
        self.last_epoch += 1;
        self.last_epoch
    }

    pub(super) fn owns(&self, id: &InstanceId) -> bool {
        self.view.borrow().owns(id)
    }

    /// Writes a status of something this worker runs.
    pub(super) fn put_status(&self, id: &InstanceId, state: State, trace: Option<String>) {
        let status = Status {
            state,
            trace,
            worker_id: self.worker_id.clone(),
            generation: self.view.borrow().generation,
            version: if state == State::Restarting { None } else { self.version_of(id.connector()) },
        };
        if state == State::Restarting {
            self.env.metrics.note_state(id, state);
        }
        let statuses = &self.env.stores.statuses;
        match state {
            State::Unassigned | State::Failed => statuses.put_safe(id.status_key(), status),
            _ => statuses.put(id.status_key(), status),
        }
    }

    fn version_of(&self, connector: &str) -> Option<String> {
        let state = self.state();
        let class = state.config(connector)?.get("connector.class")?;
        Some(self.env.plugins.connector(class).ok()?.info().version.to_owned())
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Connector(name) => {
                self.membership.rebalance_needed();
                self.restart_for_new_config(&name);
            }
            Change::Removed(name) => {
                self.membership.rebalance_needed();
                self.removed(&name);
            }
            Change::Tasks(name) => {
                self.membership.rebalance_needed();
                self.reconcile_tasks(&name);
            }
            Change::Target(name) => self.target_changed(&name),
            Change::Restart { connector, include_tasks, only_failed } => {
                self.apply_restart(super::RestartConnector { name: connector, include_tasks, only_failed });
            }
            Change::LoggerLevel { logger, level } => Loggers::of_process().set_for_all(&logger, &level),
            Change::SessionKey => {}
        }
    }

    fn reconcile_all(&mut self) {
        let state = self.state();
        let mut names: Vec<Arc<str>> = state.connectors().cloned().collect();
        names.extend(self.connectors.keys().filter(|name| !state.contains(name)).cloned());
        for name in names {
            self.reconcile_connector(&name);
            self.reconcile_tasks(&name);
        }
    }

    /// Statuses of connectors and tasks that are no more, left by a worker that ended before it could remove them.
    fn forget_vanished(&self) {
        if self.view.borrow().leader != Leader::Me {
            return;
        }
        let state = self.state();
        let vanished = |key: &StatusKey| match key {
            // What an inconsistent set of tasks will be is not known yet.
            StatusKey::Task(id) => state.task_config(id).is_none() && !state.is_inconsistent(&id.connector),
            _ => false,
        };
        let keys: Vec<_> = {
            let table = self.env.stores.statuses.table();
            let all = table.connectors().flat_map(|name| {
                let gone = !state.contains(name);
                table.keys(name).into_iter().filter(move |key| gone || vanished(key))
            });
            all.collect()
        };
        for key in keys {
            self.env.stores.statuses.delete(key);
        }
    }

    /// Stops all instances and writes what became of them.
    async fn stop_all(&mut self, mut events: mpsc::UnboundedReceiver<InstanceEvent>) {
        let graceful = self.env.worker.task_shutdown_graceful_timeout;
        for slot in self.tasks.values() {
            slot.stop(graceful);
        }
        for slot in self.connectors.values() {
            slot.stop(CONNECTOR_STOP);
        }
        let limit = graceful.max(CONNECTOR_STOP) + Duration::from_secs(2);
        let mut failed: HashSet<_> = self
            .tasks
            .iter()
            .filter(|(_, slot)| slot.has_failed())
            .map(|(id, _)| InstanceId::Task(id.clone()))
            .collect();
        let all_ended = async {
            while self.connectors.values().any(ConnectorSlot::is_running)
                || self.tasks.values().any(TaskSlot::is_running)
            {
                match events.recv().await {
                    Some(InstanceEvent::Ended { id, epoch }) if self.forget_ended(&id, epoch) => {
                        if !self.exists(&id) {
                            self.forget_status(&id);
                        } else if !failed.contains(&id) {
                            self.put_status(&id, State::Unassigned, None);
                        }
                    }
                    // The last news of it: why it failed is worth more than that it is gone.
                    Some(InstanceEvent::State { id, epoch, error: Some(error), .. })
                        if self.is_current(&id, epoch) && self.exists(&id) =>
                    {
                        self.put_status(&id, State::Failed, Some(error.trace()));
                        failed.insert(id);
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        };
        if tokio::time::timeout(limit, all_ended).await.is_err() {
            tracing::warn!("stopped without waiting any longer for tasks that do not end");
        }
        if let Err(error) = self.membership.leave().await {
            tracing::warn!(%error, "could not leave the group");
        }
        if let Err(error) = self.env.stores.statuses.flush(Duration::from_secs(5)).await {
            tracing::warn!(%error, "the last statuses may not be stored");
        }
    }

    /// The state a connector's instances are to be in.
    pub(super) fn target(&self, connector: &str) -> TargetState {
        self.state().target_state(connector).unwrap_or(TargetState::Started)
    }
}
