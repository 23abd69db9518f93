//! Restart requests for a connector and its tasks (KIP-745).

use std::sync::Arc;

use millstream_api::TaskId;

use super::{State, Status, StatusTable};

/// A request to restart a connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RestartRequest {
    /// Connector.
    pub connector: Arc<str>,
    /// Tasks too.
    pub include_tasks: bool,
    /// Only what has failed.
    pub only_failed: bool,
}

impl RestartRequest {
    /// Of two pending requests for one connector, the one with the larger impact. All instances weigh more than failed
    /// ones, then tasks weigh more than none.
    pub fn merge(self, other: Self) -> Self {
        if other.impact() > self.impact() { other } else { self }
    }

    fn impact(&self) -> (bool, bool) {
        (!self.only_failed, self.include_tasks)
    }

    fn covers(&self, status: &Status) -> bool {
        !self.only_failed || status.state == State::Failed
    }
}

/// What a restart request means with the statuses as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartPlan {
    /// The request.
    pub request: RestartRequest,
    /// The Connector instance restarts.
    pub restart_connector: bool,
    /// These tasks restart.
    pub tasks: Vec<TaskId>,
}

impl RestartPlan {
    /// The plan; `None` when the connector has no status yet (404 for the client).
    pub fn new(request: RestartRequest, statuses: &StatusTable) -> Option<Self> {
        let connector = statuses.connector(&request.connector)?;
        let tasks = statuses
            .tasks(&request.connector)
            .filter(|(_, status)| request.include_tasks && request.covers(status))
            .map(|(task, _)| TaskId::new(request.connector.clone(), task))
            .collect();
        Some(Self { restart_connector: request.covers(connector), tasks, request })
    }

    /// True when nothing restarts: the request is answered with the states as they are.
    pub fn is_empty(&self) -> bool {
        !self.restart_connector && self.tasks.is_empty()
    }

    /// The connector's state in the answer to the request.
    pub fn connector_state(&self, current: State) -> State {
        if self.restart_connector { State::Restarting } else { current }
    }

    /// A task's state in the answer to the request.
    pub fn task_state(&self, task: u32, current: State) -> State {
        if self.tasks.iter().any(|id| id.task == task) { State::Restarting } else { current }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::StatusKey;

    fn request(include_tasks: bool, only_failed: bool) -> RestartRequest {
        RestartRequest { connector: "a".into(), include_tasks, only_failed }
    }

    fn table(connector: State, tasks: &[State]) -> StatusTable {
        let status = |state| Status { state, trace: None, worker_id: "w".to_owned(), generation: 1, version: None };
        let mut table = StatusTable::new();
        table.put(&StatusKey::Connector("a".into()), status(connector));
        for (task, state) in tasks.iter().enumerate() {
            table.put(&StatusKey::Task(TaskId::new("a", task as u32)), status(*state));
        }
        table
    }

    #[test]
    fn plans() {
        let statuses = table(State::Running, &[State::Failed, State::Running]);
        let plan = |tasks, failed| RestartPlan::new(request(tasks, failed), &statuses).unwrap();
        let shape = |plan: RestartPlan| (plan.restart_connector, plan.tasks.iter().map(|t| t.task).collect::<Vec<_>>());
        assert_eq!(shape(plan(false, false)), (true, vec![]));
        assert_eq!(shape(plan(true, false)), (true, vec![0, 1]));
        assert_eq!(shape(plan(true, true)), (false, vec![0]));
        assert!(plan(false, true).is_empty());
        let plan = plan(true, true);
        assert_eq!(plan.task_state(0, State::Failed), State::Restarting);
        assert_eq!(plan.task_state(1, State::Running), State::Running);
        assert_eq!(plan.connector_state(State::Running), State::Running);
        assert!(RestartPlan::new(request(true, true), &StatusTable::new()).is_none());
    }

    #[test]
    fn the_larger_request_wins() {
        let ranked = [request(false, true), request(true, true), request(false, false), request(true, false)];
        for (i, low) in ranked.iter().enumerate() {
            for high in &ranked[i..] {
                assert_eq!(&low.clone().merge(high.clone()), high);
                assert_eq!(&high.clone().merge(low.clone()), high);
            }
        }
    }
}
