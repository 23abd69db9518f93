//! The herder: takes requests, decides with the cluster's state, and starts and stops what this worker runs.
//!
//! [`HerderHandle`] is what REST and the command line see; both herders (standalone and distributed) serve the same requests.

mod auto_restart;
mod instances;
mod offsets;
mod patch;
mod planned;
mod reply;
mod requests;
mod run;
mod sink_offsets;
#[cfg(test)]
mod tests;

pub use reply::{Reply, Stage};
pub use run::{Herder, Inputs};

use millstream_api::{Config, Error, Result, TaskId};
use millstream_core::cluster::{SessionKey, TargetState};
use std::sync::Arc;
use tokio::sync::mpsc;

use crate::model::{ConnectorInfo, ConnectorOffset, ConnectorOffsets, ConnectorStateInfo, Health};
use crate::model::{TaskInfo, TaskState, Validation};

/// A request to the herder's loop.
pub enum Request {
    /// Names of all connectors.
    Connectors(Reply<Vec<Arc<str>>>),
    /// One connector.
    Info(Arc<str>, Reply<ConnectorInfo>),
    /// The tasks of a connector with their configs.
    Tasks(Arc<str>, Reply<Vec<TaskInfo>>),
    /// Status of a connector.
    Status(Arc<str>, Reply<ConnectorStateInfo>),
    /// Status of a task.
    TaskStatus(TaskId, Reply<TaskState>),
    /// Topics a connector has used.
    Topics(Arc<str>, Reply<Vec<String>>),
    /// Forget the topics a connector has used.
    ResetTopics(Arc<str>, Reply<()>),
    /// Create a connector or change its config.
    Put(PutConnector, Reply<(bool, ConnectorInfo)>),
    /// Change some settings of a connector, checked and written as one step: no change in between is lost.
    Patch(PatchConnector, Reply<ConnectorInfo>),
    /// Delete a connector.
    Delete(Arc<str>, Reply<()>),
    /// Pause, resume or stop.
    SetTarget(Arc<str>, TargetState, Reply<()>),
    /// Restart the Connector instance only.
    RestartConnector(Arc<str>, Reply<()>),
    /// Restart with a plan.
    Restart(RestartConnector, Reply<ConnectorStateInfo>),
    /// Restart one task.
    RestartTask(TaskId, Reply<()>),
    /// The offsets of a connector: stored ones of a source, those of a sink's consumer group.
    Offsets(Arc<str>, Reply<ConnectorOffsets>),
    /// Change offsets of a stopped connector. The answer is the message for the user.
    AlterOffsets(AlterOffsets, Reply<String>),
    /// Forget all offsets of a stopped connector. The answer is the message for the user.
    ResetOffsets(Arc<str>, Reply<String>),
    /// The tasks of a connector as the worker that owns it made them (between workers, signed). Only the leader takes them
    /// (`Conflict` at another's URL otherwise); a standalone worker never does.
    PutTaskConfigs(PutTaskConfigs, Reply<()>),
    /// Fence the tasks of a source connector's earlier generation (between workers, signed). Refused while exactly-once support is not
    /// offered.
    Fence(Arc<str>, Reply<()>),
    /// The key that requests between workers are signed with; `None` until one was read.
    SessionKey(Reply<Option<SessionKey>>),
    /// Set the level of a logger (Java's name and word) on all workers. Any worker takes it.
    PutLoggerLevel(String, &'static str, Reply<()>),
    /// Does the loop turn?
    Ping(Reply<()>),
}

/// Create a connector or change its config.
pub struct PutConnector {
    /// Name of the connector.
    pub name: Arc<str>,
    /// Its raw configuration, with `name` in it.
    pub config: Config,
    /// State to start in; only for new connectors.
    pub initial_state: Option<TargetState>,
    /// False: an existing connector is a conflict (POST). True: it is changed (PUT).
    pub replace: bool,
}

/// Change some settings of a connector (KIP-477).
pub struct PatchConnector {
    /// Name of the connector.
    pub name: Arc<str>,
    /// Settings to set; null removes a key.
    pub patch: Config,
}

/// Change offsets of a connector (KIP-875); partitions that are not named keep theirs.
pub struct AlterOffsets {
    /// Name of the connector.
    pub name: Arc<str>,
    /// What is to be; of entries for one partition the last counts. At least one.
    pub offsets: Vec<ConnectorOffset>,
}

/// The tasks of a connector.
pub struct PutTaskConfigs {
    /// Name of the connector.
    pub connector: Arc<str>,
    /// One raw configuration per task, by task number.
    pub configs: Vec<Config>,
}

/// Restart a connector and, if asked, its tasks (KIP-745).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartConnector {
    /// Name of the connector.
    pub name: Arc<str>,
    /// Tasks too.
    pub include_tasks: bool,
    /// Only what has failed.
    pub only_failed: bool,
}

/// Talks to the herder's loop. Cheap to clone.
#[derive(Clone)]
pub struct HerderHandle {
    requests: mpsc::Sender<Request>,
    validator: Arc<crate::validate::ConfigValidator>,
    health: tokio::sync::watch::Receiver<Health>,
}

impl HerderHandle {
    /// A handle over the loop's request queue.
    pub fn new(
        requests: mpsc::Sender<Request>,
        validator: Arc<crate::validate::ConfigValidator>,
        health: tokio::sync::watch::Receiver<Health>,
    ) -> Self {
        Self { requests, validator, health }
    }

    /// Sends a request and waits for its answer. The REST server puts its own time limit around it.
    pub async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T> {
        let (reply, answer) = Reply::new();
        let gone = || Error::stopped("the worker is shutting down");
        self.requests.send(request(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Validates a config as `PUT /connector-plugins/{plugin}/config/validate` does. `plugin`, if given, must name the class of the config.
    pub async fn validate(&self, plugin: Option<&str>, config: &Config) -> Result<Validation> {
        self.validator.validate(plugin, config).await
    }

    /// Healthy when the loop answers within `limit`.
    pub async fn health(&self, limit: std::time::Duration) -> Health {
        let last = self.health.borrow().clone();
        if last != Health::Healthy {
            return last;
        }
        match tokio::time::timeout(limit, self.ask(Request::Ping)).await {
            Ok(Ok(())) => Health::Healthy,
            Ok(Err(error)) => Health::Unhealthy(error.to_string()),
            Err(_) => Health::Unhealthy(format!("the herder did not answer within {} ms", limit.as_millis())),
        }
    }
}
