//! A herder that answers from memory, as a distributed Java worker with one busy task per connector would.

use std::sync::Arc;

use indexmap::IndexMap;
use millstream_api::{Config, Error, Result};
use millstream_core::cluster::{SessionKey, TargetState};
use tokio::sync::mpsc;

use crate::herder::{AlterOffsets, PatchConnector, PutConnector, Request};
use crate::model::{ConnectorInfo, ConnectorOffsets, ConnectorStateInfo, InstanceState, TaskInfo, TaskRef, TaskState};
use crate::testing;
use crate::validate::ConfigValidator;

#[derive(Default)]
pub(super) struct FakeHerder {
    pub(super) connectors: IndexMap<Arc<str>, Known>,
    /// Takes no requests of other workers.
    pub(super) standalone: bool,
    /// What other workers sign with.
    pub(super) session_key: Option<SessionKey>,
}

pub(super) struct Known {
    config: Config,
    target: TargetState,
    tasks: u32,
    resets: u32,
    just_reset: bool,
}

impl FakeHerder {
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = requests.recv().await {
            match request {
                Request::Patch(patch, reply) => drop(reply.send(self.patch(&patch).await)),
                request => self.answer(request),
            }
        }
    }

    async fn patch(&mut self, patch: &PatchConnector) -> Result<ConnectorInfo> {
        let config = patch.apply(&self.info(&patch.name)?.config)?;
        let validator = ConfigValidator::new(testing::plugins(), testing::worker());
        validator.validate(None, &config).await?.require_valid()?;
        let put = PutConnector { name: patch.name.clone(), config, initial_state: None, replace: true };
        self.put(put).map(|(_, info)| info)
    }

    fn answer(&mut self, request: Request) {
        // Whoever asked may have gone: a reply nobody takes is no failure.
        match request {
            Request::Connectors(reply) => drop(reply.send(Ok(self.connectors.keys().cloned().collect()))),
            Request::Info(name, reply) => drop(reply.send(self.info(&name))),
            Request::Tasks(name, reply) => drop(reply.send(self.tasks(&name))),
            Request::Status(name, reply) => drop(reply.send(self.status(&name, None))),
            Request::TaskStatus(id, reply) => {
                let status = self.status(&id.connector, None);
                let missing = || Error::not_found(format!("No status found for task {id}"));
                drop(
                    reply.send(status.and_then(|s| s.tasks.into_iter().find(|t| t.id == id.task).ok_or_else(missing))),
                );
            }
            Request::Topics(name, reply) => {
                let shown = self.connectors.get_mut(&name).is_some_and(|known| !std::mem::take(&mut known.just_reset));
                drop(reply.send(Ok(if shown { vec!["probe-t1".to_owned()] } else { Vec::new() })));
            }
            Request::ResetTopics(name, reply) => {
                if let Some(known) = self.connectors.get_mut(&name) {
                    // The recording shows the first reset alone: another record came before the second was seen.
                    known.just_reset = known.resets == 0;
                    known.resets += 1;
                }
                drop(reply.send(Ok(())));
            }
            Request::Put(put, reply) => drop(reply.send(self.put(put))),
            Request::Delete(name, reply) => {
                let gone = self.connectors.shift_remove(&name).map(|_| ());
                drop(reply.send(gone.ok_or_else(|| Error::not_found(format!("Connector {name} not found")))));
            }
            Request::SetTarget(name, target, reply) => {
                let known = self.connectors.get_mut(&name).map(|known| {
                    known.tasks = match (target, known.target) {
                        (TargetState::Stopped, _) => 0,
                        (TargetState::Paused, _) => known.tasks,
                        (TargetState::Started, _) => 1,
                    };
                    known.target = target;
                });
                drop(reply.send(known.ok_or_else(|| Error::not_found(format!("Unknown connector {name}")))));
            }
            Request::RestartConnector(name, reply) => drop(reply.send(self.known(&name, "Unknown connector:"))),
            Request::Restart(restart, reply) => {
                let state = if restart.only_failed { None } else { Some("RESTARTING") };
                drop(reply.send(self.status(&restart.name, state)));
            }
            Request::RestartTask(id, reply) => {
                let known = self.known(&id.connector, "Unknown connector:");
                drop(reply.send(known.and_then(|()| match self.connectors.get(&id.connector) {
                    Some(known) if known.target == TargetState::Stopped => Err(Error::conflict("no known leader URL")),
                    Some(known) if id.task < known.tasks => Ok(()),
                    _ => Err(Error::not_found(format!("Unknown task: {id}"))),
                })));
            }
            Request::PutTaskConfigs(_, reply) | Request::Fence(_, reply) if self.standalone => {
                drop(reply.send(Err(Error::fatal("a standalone worker does not take requests of other workers"))));
            }
            Request::PutTaskConfigs(tasks, reply) => {
                let count = u32::try_from(tasks.configs.len()).unwrap();
                let known = self.connectors.get_mut(&tasks.connector).map(|known| known.tasks = count);
                drop(reply.send(known.ok_or_else(|| Error::not_found("Unknown connector"))));
            }
            Request::Offsets(name, reply) => {
                drop(reply.send(self.info(&name).map(|_| ConnectorOffsets::default())));
            }
            Request::AlterOffsets(AlterOffsets { name, .. }, reply) | Request::ResetOffsets(name, reply) => {
                drop(reply.send(self.info(&name).map(|_| "done".to_owned())));
            }
            Request::SessionKey(reply) => drop(reply.send(Ok(self.session_key.clone()))),
            Request::PutLoggerLevel(_, _, reply) | Request::Ping(reply) => drop(reply.send(Ok(()))),
            #[allow(unreachable_patterns)]
            _ => {}
        }
    }

    fn known(&self, name: &Arc<str>, phrase: &str) -> Result<()> {
        match self.connectors.contains_key(name) {
            true => Ok(()),
            false => Err(Error::not_found(format!("{phrase} {name}"))),
        }
    }

    fn put(&mut self, put: PutConnector) -> Result<(bool, ConnectorInfo)> {
        let old = self.connectors.get(&put.name);
        if old.is_some() && !put.replace {
            return Err(Error::conflict(format!("Connector {} already exists", put.name)));
        }
        let created = old.is_none();
        let target = old.map(|known| known.target).or(put.initial_state).unwrap_or(TargetState::Started);
        // Task configs come after the answer.
        let tasks = old.map_or(0, |known| known.tasks);
        let known = Known { config: put.config, target, tasks, resets: 0, just_reset: false };
        self.connectors.insert(put.name.clone(), known);
        let answer = self.info(&put.name);
        if target == TargetState::Started
            && let Some(known) = self.connectors.get_mut(&put.name)
        {
            known.tasks = 1;
        }
        answer.map(|info| (created, info))
    }

    fn info(&self, name: &Arc<str>) -> Result<ConnectorInfo> {
        let known = self.connectors.get(name).ok_or_else(|| Error::not_found(format!("Connector {name} not found")))?;
        Ok(ConnectorInfo {
            name: name.clone(),
            config: known.config.clone(),
            tasks: (0..known.tasks).map(|task| TaskRef { connector: name.clone(), task }).collect(),
            kind: kind(&known.config),
        })
    }

    fn tasks(&self, name: &Arc<str>) -> Result<Vec<TaskInfo>> {
        let info = self.info(name)?;
        let mut config = info.config;
        config.set("task.class", "org.apache.kafka.connect.file.FileStreamSourceTask");
        Ok(info.tasks.into_iter().map(|id| TaskInfo { id, config: config.clone() }).collect())
    }

    fn status(&self, name: &Arc<str>, state: Option<&'static str>) -> Result<ConnectorStateInfo> {
        let known = self
            .connectors
            .get(name)
            .ok_or_else(|| Error::not_found(format!("No status found for connector {name}")))?;
        let state = state.unwrap_or(match known.target {
            TargetState::Started => "RUNNING",
            TargetState::Paused => "PAUSED",
            TargetState::Stopped => "STOPPED",
        });
        let instance = || InstanceState {
            state,
            worker_id: "<worker>".to_owned(),
            version: Some("4.3.1".to_owned()),
            trace: None,
        };
        Ok(ConnectorStateInfo {
            name: name.clone(),
            connector: instance(),
            tasks: (0..known.tasks).map(|id| TaskState { id, instance: instance() }).collect(),
            kind: kind(&known.config),
        })
    }
}

fn kind(config: &Config) -> &'static str {
    match config.get("connector.class") {
        Some(class) if class.contains("Sink") => "sink",
        _ => "source",
    }
}
