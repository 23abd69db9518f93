//! Starting and stopping: what runs here against what should.

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, ConnectorKind, ConnectorPlugin, Error, Result, TaskId};
use millstream_core::cluster::{
    ClusterState, Goal, RestartPlan, RestartRequest, State, StatusKey, TargetState, goal, may_publish_tasks,
    must_publish_tasks,
};
use millstream_core::settings::ConnectorSettings;
use millstream_core::settings::provider::restore_references;
use tokio_util::sync::CancellationToken;

use super::auto_restart::Restarts;
use super::planned::{Waiting, failed_to_start, tell};
use super::run::{CONNECTOR_STOP, Herder};
use super::{Reply, RestartConnector};
use crate::config_provider::Resolved;
use crate::membership::Leader;
use crate::observe::metrics::Listed;
use crate::task::{InstanceEvent, InstanceId, RunningConnector, RunningTask, TaskEnvironment, TaskSpec};

/// A connector as this worker sees it.
#[derive(Default)]
pub(super) struct ConnectorSlot {
    running: Option<RunningConnector>,
    /// Failed or could not be started: waits for a restart or another configuration.
    dead: bool,
    /// To be told when the instance has started, or why it has not.
    on_start: Vec<Reply<()>>,
    /// To be told when its tasks are known.
    on_plan: Vec<Waiting>,
    /// The stop is part of a restart that was asked for with a plan (KIP-745).
    restarting: bool,
    pub(super) restarts: Restarts,
    /// Keeps it in the metrics.
    listed: Option<Listed>,
}

/// A task as this worker sees it.
pub(super) struct TaskSlot {
    running: Option<RunningTask>,
    config: Config,
    connector_config: Config,
    dead: bool,
    /// Its last instance was told to have failed: nothing is told of the end of that one any more, as in Java.
    failure_told: bool,
    restarting: bool,
    pub(super) restarts: Restarts,
    /// Keeps it in the metrics.
    listed: Option<Listed>,
}

impl ConnectorSlot {
    fn is_stopping(&self) -> bool {
        self.running.as_ref().is_some_and(RunningConnector::is_stopping)
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn stop(&self, limit: Duration) {
        if let Some(running) = &self.running {
            running.stop(limit);
        }
    }
}

impl TaskSlot {
    pub(super) fn has_failed(&self) -> bool {
        self.dead
    }

    /// When nothing of it runs any more; `None` when nothing does.
    pub(super) fn end(&self) -> Option<CancellationToken> {
        self.running.as_ref().map(RunningTask::end)
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn stop(&self, limit: Duration) {
        if let Some(running) = &self.running {
            running.stop(limit);
        }
    }
}

impl Herder {
    pub(super) fn instance_event(&mut self, event: InstanceEvent) {
        match event {
            InstanceEvent::State { id, epoch, state, error, retrying } if self.is_current(&id, epoch) => {
                self.note_state(&id, state, error.as_ref());
                if self.state().contains(id.connector()) {
                    let trace = error.map(|error| if retrying { error.trace() } else { self.failed(&id, &error) });
                    self.put_status(&id, state, trace);
                }
            }
            InstanceEvent::TaskConfigs { connector, epoch, configs }
                if self.is_current(&InstanceId::Connector(connector.clone()), epoch)
                    && !self.connectors.get(&connector).is_some_and(ConnectorSlot::is_stopping) =>
            {
                self.publish_tasks(&connector, configs);
            }
            InstanceEvent::Ended { id, epoch } if self.forget_ended(&id, epoch) => self.after_end(&id),
            _ => {}
        }
    }

    pub(super) fn is_current(&self, id: &InstanceId, epoch: u64) -> bool {
        match id {
            InstanceId::Connector(name) => {
                self.connectors.get(name).and_then(|s| s.running.as_ref()).is_some_and(|r| r.epoch == epoch)
            }
            InstanceId::Task(task) => {
                self.tasks.get(task).and_then(|s| s.running.as_ref()).is_some_and(|r| r.epoch == epoch)
            }
        }
    }

    fn note_state(&mut self, id: &InstanceId, state: State, error: Option<&Error>) {
        match id {
            InstanceId::Connector(name) => {
                let Some(slot) = self.connectors.get_mut(name) else { return };
                if slot.is_stopping() {
                    // News of the predecessor; who waits, waits for the successor.
                    return;
                }
                let outcome = || error.map_or(Ok(()), |error| Err(failed_to_start(name, error)));
                for reply in slot.on_start.drain(..) {
                    let _ = reply.send(outcome());
                }
                match state {
                    // Its tasks come next.
                    State::Running => slot.restarts.running(),
                    _ => tell(slot.on_plan.drain(..), outcome),
                }
            }
            InstanceId::Task(task) => {
                if let Some(slot) = self.tasks.get_mut(task) {
                    slot.dead = state == State::Failed;
                    slot.failure_told = slot.dead;
                    if state == State::Running {
                        slot.restarts.running();
                    }
                }
            }
        }
    }

    /// Takes note of an end. True when the instance was current.
    pub(super) fn forget_ended(&mut self, id: &InstanceId, epoch: u64) -> bool {
        if !self.is_current(id, epoch) {
            return false;
        }
        match id {
            InstanceId::Connector(name) => {
                if let Some(slot) = self.connectors.get_mut(name) {
                    // An instance that ends without being told to has failed.
                    slot.dead = slot.running.take().is_some_and(|running| !running.is_stopping());
                }
            }
            InstanceId::Task(task) => {
                if let Some(slot) = self.tasks.get_mut(task) {
                    slot.dead = slot.running.take().is_some_and(|running| !running.is_stopping());
                }
            }
        }
        true
    }

    /// An instance has ended: writes its status and starts its successor, if there is to be one.
    fn after_end(&mut self, id: &InstanceId) {
        let exists = self.exists(id);
        if !exists {
            self.forget_status(id);
            if let InstanceId::Task(task) = id {
                self.tasks.remove(task);
            }
        }
        let (dead, told, restarting) = match id {
            InstanceId::Connector(name) => {
                let slot = self.connectors.get_mut(name);
                slot.map_or((false, false, false), |s| (s.dead, false, std::mem::take(&mut s.restarting)))
            }
            InstanceId::Task(task) => {
                let slot = self.tasks.get_mut(task);
                slot.map_or((false, false, false), |s| (s.dead, s.failure_told, std::mem::take(&mut s.restarting)))
            }
        };
        if exists && !dead {
            if !told {
                self.put_status(id, State::Unassigned, None);
            }
            if restarting {
                self.put_status(id, State::Restarting, None);
            }
        }
        match id {
            // Stopped while its failed instance was still ending.
            InstanceId::Connector(name) if dead => self.target_changed(name),
            InstanceId::Connector(name) => self.reconcile_connector(name),
            InstanceId::Task(task) => self.reconcile_tasks(&task.connector),
        }
    }

    pub(super) fn exists(&self, id: &InstanceId) -> bool {
        match id {
            InstanceId::Connector(name) => self.state().contains(name),
            InstanceId::Task(task) => self.state().task_config(task).is_some(),
        }
    }

    /// Removes the status of something that is no more.
    pub(super) fn forget_status(&self, id: &InstanceId) {
        if self.state().contains(id.connector()) {
            // A task taken away: its end is told before its status goes, as Java does.
            self.put_status(id, State::Unassigned, None);
        }
        self.env.stores.statuses.delete(id.status_key());
    }

    /// A new or changed configuration: the Connector instance is made anew; tasks follow when theirs change.
    pub(super) fn restart_for_new_config(&mut self, name: &Arc<str>) {
        let waiting = self.planned.take(name);
        let slot = self.connectors.entry(name.clone()).or_default();
        slot.dead = false;
        slot.restarts.forget();
        slot.stop(CONNECTOR_STOP);
        slot.on_plan.extend(waiting);
        self.reconcile_connector(name);
    }

    pub(super) fn removed(&mut self, name: &Arc<str>) {
        let keys = self.env.stores.statuses.table().keys(name);
        for key in keys {
            self.env.stores.statuses.delete(key);
        }
        // A connector of this name may be there again already; what runs is not its.
        if let Some(slot) = self.connectors.get_mut(name) {
            slot.dead = false;
            slot.stop(CONNECTOR_STOP);
        }
        let graceful = self.env.worker.task_shutdown_graceful_timeout;
        for (_, slot) in self.tasks.iter_mut().filter(|(id, _)| id.connector == *name) {
            slot.dead = false;
            slot.stop(graceful);
        }
        self.reconcile_connector(name);
        self.reconcile_tasks(name);
    }

    pub(super) fn target_changed(&mut self, name: &Arc<str>) {
        let target = self.target(name);
        let Some(slot) = self.connectors.get_mut(name) else { return };
        if target == TargetState::Stopped {
            slot.restarts.forget();
        }
        match (&slot.running, goal(target, slot.dead)) {
            (Some(running), _) => running.set_target(target),
            // From STOPPED it starts afresh.
            (None, Some(_)) => {
                slot.dead = false;
                self.reconcile_connector(name);
            }
            (None, None) => {}
        }
        for (id, slot) in &self.tasks {
            if id.connector == *name
                && let Some(running) = &slot.running
                && let Some(Goal::Run | Goal::Pause) = goal(target, slot.dead)
            {
                running.set_target(target);
            }
        }
        self.reconcile_tasks(name);
    }

    pub(super) fn reconcile_connector(&mut self, name: &Arc<str>) {
        let state = self.state();
        let wanted = state.contains(name) && self.owns(&InstanceId::Connector(name.clone()));
        let slot = self.connectors.entry(name.clone()).or_default();
        if !wanted {
            let exists = state.contains(name);
            let outcome = || {
                Err(if exists {
                    Error::conflict(format!("Connector {name} has moved to another worker"))
                } else {
                    Error::not_found(format!("Unknown connector: {name}"))
                })
            };
            for reply in slot.on_start.drain(..) {
                let _ = reply.send(outcome());
            }
            tell(slot.on_plan.drain(..), outcome);
            if slot.is_running() {
                slot.stop(CONNECTOR_STOP);
            } else {
                self.connectors.remove(name);
            }
            return;
        }
        if slot.is_running() || slot.dead {
            return;
        }
        if let Err(error) = self.start_connector(name, &state) {
            let error = error.at(format!("connector {name}"));
            tracing::error!(connector = %name, %error, "cannot start the connector");
            if let Some(slot) = self.connectors.get_mut(name) {
                slot.dead = true;
                slot.listed = Some(self.env.metrics.connector(name, None).1);
            }
            let id = InstanceId::Connector(name.clone());
            self.note_state(&id, State::Failed, Some(&error));
            let trace = self.failed(&id, &error);
            self.put_status(&id, State::Failed, Some(trace));
        }
    }

    fn start_connector(&mut self, name: &Arc<str>, state: &ClusterState) -> Result<()> {
        let config = state.config(name).cloned().unwrap_or_default();
        let (plugin, settings, config) = resolve(&self.env, &config)?;
        if !settings.ignored.is_empty() {
            let keys = settings.ignored.join(", ");
            tracing::warn!(connector = %name, keys, "converter settings without their converter class have no effect, as in Kafka Connect");
        }
        let epoch = self.next_epoch();
        let target = self.target(name);
        let mut running = RunningConnector::start(name, config, &settings, plugin, &self.env, epoch, target)?;
        let slot = self.connectors.entry(name.clone()).or_default();
        slot.listed = running.listed.take();
        slot.running = Some(running);
        Ok(())
    }

    pub(super) fn reconcile_tasks(&mut self, name: &Arc<str>) {
        let state = self.state();
        let target = self.target(name);
        let runnable = state.contains(name) && target != TargetState::Stopped && !state.is_inconsistent(name);
        let wanted: Vec<TaskId> = if runnable {
            state.task_ids(name).into_iter().filter(|id| self.owns(&InstanceId::Task(id.clone()))).collect()
        } else {
            Vec::new()
        };
        let graceful = self.env.worker.task_shutdown_graceful_timeout;
        let current: Vec<TaskId> = self.tasks.keys().filter(|id| id.connector == *name).cloned().collect();
        let connector_config = state.applied_config(name).or_else(|| state.config(name)).cloned().unwrap_or_default();
        for id in current {
            let Some(slot) = self.tasks.get_mut(&id) else { continue };
            let config = state.task_config(&id).filter(|_| wanted.contains(&id));
            let same = config.is_some_and(|c| c.same_values(&slot.config))
                && connector_config.same_values(&slot.connector_config);
            match (&slot.running, same) {
                (Some(running), false) => running.stop(graceful),
                (Some(_), true) => {}
                (None, same) if config.is_none() || !same => {
                    self.tasks.remove(&id);
                    if state.task_config(&id).is_none() {
                        self.env.stores.statuses.delete(StatusKey::Task(id));
                    }
                }
                (None, _) => {}
            }
        }
        for id in wanted {
            if self.tasks.get(&id).is_some_and(|slot| slot.is_running() || slot.dead) {
                continue;
            }
            let config = state.task_config(&id).cloned().unwrap_or_default();
            self.start_task(id, config, connector_config.clone(), target);
        }
    }

    fn start_task(&mut self, id: TaskId, config: Config, connector_config: Config, target: TargetState) {
        let epoch = self.next_epoch();
        let mut slot = TaskSlot {
            running: None,
            config: config.clone(),
            connector_config,
            dead: false,
            failure_told: false,
            restarting: false,
            restarts: self.tasks.get_mut(&id).map(|slot| std::mem::take(&mut slot.restarts)).unwrap_or_default(),
            listed: None,
        };
        let resolved = resolve(&self.env, &slot.connector_config).and_then(|(plugin, settings, connector)| {
            let task = self.env.plugins.resolve(&config)?;
            Ok((plugin, settings, task.config, task.hidden.and(&connector.hidden)))
        });
        let error = match resolved {
            Ok((plugin, settings, config, hidden)) => {
                let spec = TaskSpec { id: id.clone(), config, hidden, settings, plugin };
                let mut running = RunningTask::start(spec, self.env.clone(), epoch, target);
                slot.listed = running.listed.take();
                slot.running = Some(running);
                None
            }
            Err(error) => {
                let error = error.at(format!("task {id}"));
                tracing::error!(task = %id, %error, "cannot start the task");
                slot.dead = true;
                slot.listed = Some(self.env.metrics.unbuilt_task(&id));
                Some(error)
            }
        };
        self.tasks.insert(id.clone(), slot);
        if let Some(error) = error {
            let id = InstanceId::Task(id);
            let trace = self.failed(&id, &error);
            self.put_status(&id, State::Failed, Some(trace));
        }
    }

    /// The connector says which tasks there are to be: writes them if they differ from what is there.
    fn publish_tasks(&mut self, name: &Arc<str>, configs: Vec<Config>) {
        let state = self.state();
        let Some(connector_config) = state.config(name) else { return };
        let waiting = self.connectors.get_mut(name).map(|slot| std::mem::take(&mut slot.on_plan)).unwrap_or_default();
        let plugin = match resolve(&self.env, connector_config) {
            Ok((plugin, ..)) => plugin,
            Err(error) => {
                tracing::error!(connector = %name, %error, "its task configurations cannot be written");
                return tell(waiting, || Err(failed_to_start(name, &error)));
            }
        };
        let configs: Vec<Config> = configs
            .into_iter()
            .map(|mut config| {
                restore_references(connector_config, &mut config);
                config.set("task.class", plugin.task_class());
                if plugin.kind() == ConnectorKind::Sink {
                    for key in ["topics", "topics.regex"] {
                        if let Some(value) = connector_config.get(key) {
                            config.set(key, value);
                        }
                    }
                }
                config
            })
            .collect();
        self.reconcile_tasks(name);
        let (stores, writing, view) = (self.env.stores.clone(), self.writing.clone(), self.view.clone());
        let (name, made_from) = (name.clone(), connector_config.clone());
        let running = self.connectors.get(&name).and_then(|s| s.running.as_ref());
        let again = running.map(|running: &RunningConnector| running.publish_failed());
        tokio::spawn(async move {
            let turn = writing.lock().await;
            // Looked at only now: an earlier write may have changed what is there, or another configuration what is wanted. Then
            // the instance of that configuration says which tasks there are to be.
            let state = stores.configs.state();
            if !state.config(&name).is_some_and(|now| now.same_values(&made_from))
                || !must_publish_tasks(&state, &name, &configs)
                || may_publish_tasks(&state, &name, configs.len()).is_err()
            {
                return tell(waiting, || Ok(()));
            }
            drop(state);
            let is_leader = view.borrow().leader == Leader::Me;
            let written = if is_leader {
                stores.configs.put_tasks(&name, &configs).await
            } else {
                Err(Error::conflict("this worker is not the leader"))
            };
            drop(turn);
            tell(waiting, || Ok(()));
            if let Err(error) = written {
                tracing::warn!(connector = %name, %error, "task configurations were not written; tried again");
                if let Some(again) = again {
                    again();
                }
            }
        });
    }

    /// Restarts the Connector instance; `reply` is told when it has started.
    pub(super) fn restart_connector(&mut self, name: &Arc<str>, reply: Option<Reply<()>>) {
        let slot = self.connectors.entry(name.clone()).or_default();
        slot.on_start.extend(reply);
        slot.dead = false;
        slot.stop(CONNECTOR_STOP);
        self.reconcile_connector(name);
    }

    /// Restarts a task.
    pub(super) fn restart_task(&mut self, id: &TaskId) {
        let graceful = self.env.worker.task_shutdown_graceful_timeout;
        if let Some(slot) = self.tasks.get_mut(id) {
            slot.dead = false;
            slot.stop(graceful);
        }
        self.reconcile_tasks(&id.connector);
    }

    /// Applies a restart request of the config topic to what this worker owns.
    pub(super) fn apply_restart(&mut self, request: RestartConnector) {
        let Some(plan) = self.restart_plan(&request) else { return };
        let name = request.name;
        let connector = plan.restart_connector.then_some(InstanceId::Connector(name));
        for id in connector.into_iter().chain(plan.tasks.into_iter().map(InstanceId::Task)) {
            if self.owns(&id) && self.exists(&id) {
                self.forget_failures(&id);
                self.restart_instance(&id, None);
            }
        }
    }

    /// Restarts a connector or task, and shows it as RESTARTING until it runs.
    pub(super) fn restart_instance(&mut self, id: &InstanceId, trace: Option<String>) {
        let ending = match id {
            InstanceId::Connector(name) => {
                let slot = self.connectors.entry(name.clone()).or_default();
                slot.restarting = slot.is_running();
                slot.restarting
            }
            InstanceId::Task(task) => self.tasks.get_mut(task).is_some_and(|slot| {
                slot.restarting = slot.is_running();
                slot.restarting
            }),
        };
        if !ending {
            self.put_status(id, State::Restarting, trace);
        }
        match id {
            InstanceId::Connector(name) => self.restart_connector(name, None),
            InstanceId::Task(task) => self.restart_task(task),
        }
    }

    pub(super) fn restart_plan(&self, request: &RestartConnector) -> Option<RestartPlan> {
        let request = RestartRequest {
            connector: request.name.clone(),
            include_tasks: request.include_tasks,
            only_failed: request.only_failed,
        };
        RestartPlan::new(request, &self.env.stores.statuses.table())
    }
}

/// A connector's plugin, settings and configuration, with the values of config providers as they are now.
pub(super) fn resolve(
    env: &TaskEnvironment,
    config: &Config,
) -> Result<(Arc<dyn ConnectorPlugin>, Arc<ConnectorSettings>, Resolved)> {
    let resolved = env.plugins.resolve(config)?;
    let class = resolved.config.get("connector.class").ok_or_else(|| Error::config("connector.class is missing"))?;
    let plugin = env.plugins.connector(class)?;
    let settings =
        ConnectorSettings::parse(&resolved.config, &env.worker).map_err(|error| resolved.hidden.hide_error(error))?;
    Ok((plugin, Arc::new(settings), resolved))
}
