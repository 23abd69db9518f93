//! Serving requests: reads from the last snapshot, writes in the background and in order.

use std::sync::Arc;

use millstream_api::{Error, Result, TaskId};
use millstream_core::cluster::{RestartPlan, State, Status, TargetState, may_publish_tasks, must_publish_tasks};
use millstream_core::settings::Mode;

use super::run::Herder;
use super::{PutConnector, PutTaskConfigs, Reply, Request, RestartConnector};
use crate::membership::Leader;
use crate::model::{ConnectorInfo, ConnectorStateInfo, InstanceState, TaskInfo, TaskRef, TaskState};
use crate::plugins::PluginTable;
use crate::store::Stores;
use crate::task::InstanceId;

impl Herder {
    pub(super) fn serve(&mut self, request: Request) {
        match request {
            Request::Ping(reply) => answer(reply, Ok(())),
            Request::Connectors(reply) => answer(reply, Ok(self.state().connectors().cloned().collect())),
            Request::Info(name, reply) => {
                let info = info(&self.env.stores, &self.env.plugins, &name).ok_or_else(|| not_found(&name));
                answer(reply, info);
            }
            Request::Tasks(name, reply) => answer(reply, self.tasks_of(&name)),
            Request::Status(name, reply) => {
                let status = self.status(&name, None);
                let missing = || Error::not_found(format!("No status found for connector {name}"));
                answer(reply, status.ok_or_else(missing));
            }
            Request::TaskStatus(id, reply) => answer(reply, self.task_status(&id)),
            Request::Topics(name, reply) => {
                let table = self.env.stores.statuses.table();
                let topics = table.topics(&name).map(|t| t.topic.to_string()).collect();
                drop(table);
                answer(reply, Ok(topics));
            }
            Request::ResetTopics(name, reply) => {
                let keys: Vec<_> = self.env.stores.statuses.table().topic_keys(&name).collect();
                for key in keys {
                    self.env.stores.statuses.delete(key);
                }
                answer(reply, Ok(()));
            }
            Request::Put(put, reply) => self.put_connector(put, reply),
            Request::Patch(patch, reply) => self.patch_connector(patch, reply),
            Request::Delete(name, reply) => self.delete_connector(name, reply),
            Request::SetTarget(name, target, reply) => self.set_target(name, target, reply),
            Request::RestartConnector(name, reply) => self.serve_restart_connector(&name, reply),
            Request::Restart(restart, reply) => self.serve_restart(restart, reply),
            Request::RestartTask(id, reply) => self.serve_restart_task(&id, reply),
            Request::Offsets(name, reply) => self.list_offsets(name, reply),
            Request::AlterOffsets(request, reply) => self.alter_offsets(request, reply),
            Request::ResetOffsets(name, reply) => self.reset_offsets(name, reply),
            Request::PutTaskConfigs(tasks, reply) => self.put_task_configs(tasks, reply),
            Request::Fence(name, reply) => answer(reply, self.fence(&name)),
            Request::PutLoggerLevel(logger, level, reply) => self.put_logger_level(logger, level, reply),
            Request::SessionKey(reply) => answer(reply, Ok(self.state().session_key().cloned())),
        }
    }

    /// Only the leader may write configurations.
    pub(super) fn check_leader(&self) -> Result<()> {
        match &self.view.borrow().leader {
            Leader::Me => Ok(()),
            Leader::Other(url) => Err(Error::conflict("this worker is not the leader").at(url.clone())),
            Leader::Unknown => Err(Error::conflict(
                "Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.",
            )),
        }
    }

    /// Runs a write after all writes asked for before it; `doing` completes "the worker was ...".
    fn write<T: Send + 'static, F>(
        &self,
        reply: Reply<T>,
        doing: String,
        work: impl FnOnce(Stores) -> F + Send + 'static,
    ) where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        if let Err(error) = self.check_leader() {
            return answer(reply, Err(error));
        }
        let (stores, writing) = (self.env.stores.clone(), self.writing.clone());
        tokio::spawn(async move {
            reply.stage(WAITING);
            let _turn = writing.lock().await;
            reply.stage(doing);
            answer(reply, work(stores).await);
        });
    }

    fn put_connector(&self, put: PutConnector, reply: Reply<(bool, ConnectorInfo)>) {
        if let Err(error) = self.check_leader() {
            return answer(reply, Err(error));
        }
        let (stores, plugins, writing) = (self.env.stores.clone(), self.env.plugins.clone(), self.writing.clone());
        let standalone = matches!(self.env.worker.mode, Mode::Standalone { .. });
        let planned = standalone.then(|| self.planned.clone());
        tokio::spawn(async move {
            let put = async {
                let PutConnector { name, config, initial_state, replace } = put;
                reply.stage(WAITING);
                let turn = writing.lock().await;
                let existed = stores.configs.state().contains(&name);
                if existed && !replace {
                    return Err(Error::conflict(format!("Connector {name} already exists")));
                }
                let initial_state = initial_state.filter(|_| !existed);
                let planned = planned.map(|planned| planned.wait(&name));
                reply.stage(writing_config(&name));
                stores.configs.put_connector(&name, &config, initial_state).await?;
                drop(turn);
                if let Some(planned) = planned {
                    reply.stage("starting the connector");
                    planned.await.map_err(|_| Error::stopped("the worker is shutting down"))??;
                }
                let mut info = info(&stores, &plugins, &name).ok_or_else(|| not_found(&name))?;
                info.config = config;
                Ok((!existed, info))
            };
            let put = put.await;
            answer(reply, put);
        });
    }

    fn delete_connector(&self, name: Arc<str>, reply: Reply<()>) {
        let doing = format!("writing the removal of connector {name} to the config topic");
        self.write(reply, doing, move |stores| async move {
            if !stores.configs.state().contains(&name) {
                return Err(not_found(&name));
            }
            stores.configs.remove_connector(&name).await
        });
    }

    fn set_target(&self, name: Arc<str>, target: TargetState, reply: Reply<()>) {
        let doing = format!("writing the target state of connector {name} to the config topic");
        self.write(reply, doing, move |stores| async move {
            if !stores.configs.state().contains(&name) {
                return Err(Error::not_found(format!("Unknown connector {name}")));
            }
            if target == TargetState::Stopped {
                // No worker may see the target before the tasks are gone: it would stop them and start them again.
                stores.configs.put_tasks(&name, &[]).await?;
            }
            stores.configs.put_target_state(&name, target).await
        });
    }

    /// Takes the tasks that the owner of a connector has made (Java: the leader writes what it is sent, once it may).
    /// Written by any worker: there is nothing to agree on.
    fn put_logger_level(&self, logger: String, level: &'static str, reply: Reply<()>) {
        let stores = self.env.stores.clone();
        tokio::spawn(async move { answer(reply, stores.configs.put_logger_level(&logger, level).await) });
    }

    fn put_task_configs(&self, tasks: PutTaskConfigs, reply: Reply<()>) {
        if let Err(error) = self.between_workers() {
            return answer(reply, Err(error));
        }
        let doing = format!("writing task configurations of connector {} to the config topic", tasks.connector);
        self.write(reply, doing, move |stores| async move {
            let PutTaskConfigs { connector, configs } = tasks;
            let state = stores.configs.state();
            may_publish_tasks(&state, &connector, configs.len())?;
            if !must_publish_tasks(&state, &connector, &configs) {
                return Ok(());
            }
            drop(state);
            stores.configs.put_tasks(&connector, &configs).await
        });
    }

    fn fence(&self, name: &str) -> Result<()> {
        self.between_workers()?;
        if !self.state().contains(name) {
            return Err(not_found(name));
        }
        // Java answers so too where the leader is not set up for it.
        Err(Error::fatal(format!(
            "tasks of connector {name} cannot be fenced: this worker offers no exactly-once support"
        )))
    }

    fn between_workers(&self) -> Result<()> {
        match self.env.worker.mode {
            Mode::Distributed(_) => Ok(()),
            Mode::Standalone { .. } => Err(Error::fatal("a standalone worker does not take requests of other workers")),
        }
    }

    fn serve_restart_connector(&mut self, name: &Arc<str>, reply: Reply<()>) {
        if !self.state().contains(name) {
            return answer(reply, Err(Error::not_found(format!("Unknown connector: {name}"))));
        }
        self.forget_failures(&InstanceId::Connector(name.clone()));
        reply.stage("starting the connector");
        self.restart_connector(name, Some(reply));
    }

    fn serve_restart(&self, restart: RestartConnector, reply: Reply<ConnectorStateInfo>) {
        if !self.state().contains(&restart.name) {
            return answer(reply, Err(Error::not_found(format!("Unknown connector: {}", restart.name))));
        }
        let Some(plan) = self.restart_plan(&restart) else {
            return answer(reply, Err(Error::not_found(format!("Status for connector {} not found", restart.name))));
        };
        let Some(planned) = self.status(&restart.name, Some(&plan)) else {
            return answer(reply, Err(Error::not_found(format!("Status for connector {} not found", restart.name))));
        };
        let doing = format!("writing the restart request of connector {} to the config topic", restart.name);
        self.write(reply, doing, move |stores| async move {
            stores.configs.put_restart(&restart.name, restart.include_tasks, restart.only_failed).await?;
            Ok(planned)
        });
    }

    fn serve_restart_task(&mut self, id: &TaskId, reply: Reply<()>) {
        let state = self.state();
        if !state.contains(&id.connector) {
            return answer(reply, Err(Error::not_found(format!("Unknown connector: {}", id.connector))));
        }
        if state.target_state(&id.connector) == Some(TargetState::Stopped) {
            // Kafka Connect's words and code, though it is no rebalance that would have to be waited for.
            return answer(
                reply,
                Err(Error::conflict(format!(
                    "task {id} cannot be restarted (no known leader URL): its connector is in the STOPPED state and no worker runs it"
                ))
                .hint("resume the connector")),
            );
        }
        if state.task_config(id).is_none() {
            return answer(reply, Err(Error::not_found(format!("Unknown task: {id}"))));
        }
        self.forget_failures(&InstanceId::Task(id.clone()));
        self.restart_task(id);
        answer(reply, Ok(()));
    }

    fn tasks_of(&self, name: &Arc<str>) -> Result<Vec<TaskInfo>> {
        let state = self.state();
        if !state.contains(name) {
            return Err(not_found(name));
        }
        Ok(state
            .task_ids(name)
            .into_iter()
            .map(|id| TaskInfo {
                config: state.task_config(&id).cloned().unwrap_or_default(),
                id: TaskRef { connector: id.connector, task: id.task },
            })
            .collect())
    }

    fn status(&self, name: &Arc<str>, plan: Option<&RestartPlan>) -> Option<ConnectorStateInfo> {
        let kind = kind_of(&self.env.stores, &self.env.plugins, name);
        let table = self.env.stores.statuses.table();
        let connector = table.connector(name)?;
        let connector_state = plan.map_or(connector.state, |p| p.connector_state(connector.state));
        let tasks = table.tasks(name).map(|(task, status)| TaskState {
            id: task,
            instance: instance(status, plan.map_or(status.state, |p| p.task_state(task, status.state))),
        });
        Some(ConnectorStateInfo {
            name: name.clone(),
            connector: instance(connector, connector_state),
            tasks: tasks.collect(),
            kind,
        })
    }

    fn task_status(&self, id: &TaskId) -> Result<TaskState> {
        let table = self.env.stores.statuses.table();
        let status = table.task(id).ok_or_else(|| Error::not_found(format!("No status found for task {id}")))?;
        Ok(TaskState { id: id.task, instance: instance(status, status.state) })
    }
}

fn instance(status: &Status, state: State) -> InstanceState {
    InstanceState {
        state: state.as_str(),
        worker_id: status.worker_id.clone(),
        version: status.version.clone(),
        trace: status.trace.clone().filter(|t| !t.is_empty()),
    }
}

/// What a write does until it is its turn.
pub(super) const WAITING: &str = "waiting for earlier writes to the config topic";

pub(super) fn writing_config(name: &str) -> String {
    format!("writing the configuration of connector {name} to the config topic")
}

pub(super) fn info(stores: &Stores, plugins: &PluginTable, name: &Arc<str>) -> Option<ConnectorInfo> {
    let state = stores.configs.state();
    Some(ConnectorInfo {
        name: name.clone(),
        config: state.config(name)?.clone(),
        tasks: state.task_ids(name).into_iter().map(|id| TaskRef { connector: id.connector, task: id.task }).collect(),
        kind: kind_of(stores, plugins, name),
    })
}

fn kind_of(stores: &Stores, plugins: &PluginTable, name: &str) -> &'static str {
    let state = stores.configs.state();
    let class = state.config(name).and_then(|config| config.get("connector.class"));
    class.and_then(|class| plugins.connector(class).ok()).map_or("unknown", |plugin| plugin.kind().as_str())
}

pub(super) fn not_found(name: &str) -> Error {
    Error::not_found(format!("Connector {name} not found"))
}

pub(super) fn answer<T>(reply: Reply<T>, result: Result<T>) {
    // The caller may have gone: its time limit passed or its client hung up.
    let _ = reply.send(result);
}
