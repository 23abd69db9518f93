//! Restarts of a connector and its tasks: those asked for (KIP-745), and those that happen by themselves after a failure.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, TaskId};

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

/// When a connector or task that failed is restarted without being asked for (`errors.task.restart.*`). Off unless configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// How often before it stays FAILED; 0: never.
    pub max: u32,
    /// Wait before the first restart; doubled for each further one.
    pub delay: Duration,
    /// Longest wait.
    pub delay_max: Duration,
    /// After running for so long the count starts anew.
    pub reset: Duration,
}

impl RestartPolicy {
    /// `errors.task.restart.max.attempts`
    pub const MAX: &'static str = "errors.task.restart.max.attempts";
    /// `errors.task.restart.delay.ms`
    pub const DELAY: &'static str = "errors.task.restart.delay.ms";
    /// `errors.task.restart.delay.max.ms`
    pub const DELAY_MAX: &'static str = "errors.task.restart.delay.max.ms";
    /// `errors.task.restart.reset.ms`
    pub const RESET: &'static str = "errors.task.restart.reset.ms";

    /// As a connector's configuration says. Values that cannot be read count as not given: they are the business of validation.
    pub fn of(config: &Config) -> Self {
        let number = |key: &str| config.get(key).and_then(|text| text.trim().parse::<u64>().ok());
        let millis = |key: &str, default: Duration| number(key).map_or(default, Duration::from_millis);
        let default = Self::default();
        Self {
            max: number(Self::MAX).map_or(default.max, |max| u32::try_from(max).unwrap_or(u32::MAX)),
            delay: millis(Self::DELAY, default.delay),
            delay_max: millis(Self::DELAY_MAX, default.delay_max),
            reset: millis(Self::RESET, default.reset),
        }
    }
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            max: 0,
            delay: Duration::from_secs(10),
            delay_max: Duration::from_secs(300),
            reset: Duration::from_secs(600),
        }
    }
}

/// How often one connector or task was restarted by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartCount(u32);

/// What comes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextRestart {
    /// It stays FAILED: nothing of the kind is configured.
    Off,
    /// It is restarted after a wait.
    After {
        /// Which restart, from 1.
        number: u32,
        /// How many there may be.
        of: u32,
        /// The wait.
        delay: Duration,
    },
    /// It stays FAILED: it was restarted so often already.
    Exhausted(u32),
}

impl RestartCount {
    /// Takes note of a failure after `ran` in good health.
    pub fn failed(&mut self, ran: Duration, policy: &RestartPolicy) -> NextRestart {
        if policy.max == 0 {
            return NextRestart::Off;
        }
        if ran >= policy.reset && !ran.is_zero() {
            self.0 = 0;
        }
        if self.0 >= policy.max {
            return NextRestart::Exhausted(self.0);
        }
        let doubled = 2u32.saturating_pow(self.0);
        self.0 += 1;
        let delay = policy.delay.saturating_mul(doubled).min(policy.delay_max);
        NextRestart::After { number: self.0, of: policy.max, delay }
    }
}

/// The line that a status says it with; empty when there is nothing to say.
impl fmt::Display for NextRestart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::After { number, of, delay } if delay.subsec_millis() == 0 => {
                write!(f, "restart {number} of {of} in {} s", delay.as_secs())
            }
            Self::After { number, of, delay } => write!(f, "restart {number} of {of} in {} ms", delay.as_millis()),
            Self::Exhausted(times) => write!(f, "not restarted again: {times} of {times} restarts did not help"),
        }
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
    fn restarts_are_bounded_and_further_and_further_apart() {
        let config = [
            (RestartPolicy::MAX, "3"),
            (RestartPolicy::DELAY, "1500"),
            (RestartPolicy::DELAY_MAX, "4000"),
            (RestartPolicy::RESET, "60000"),
        ];
        let policy = RestartPolicy::of(&config.into_iter().collect());
        let mut count = RestartCount::default();
        let mut fail = |seconds| count.failed(Duration::from_secs(seconds), &policy).to_string();
        assert_eq!(fail(0), "restart 1 of 3 in 1500 ms");
        assert_eq!(fail(59), "restart 2 of 3 in 3 s");
        assert_eq!(fail(0), "restart 3 of 3 in 4 s");
        assert_eq!(fail(59), "not restarted again: 3 of 3 restarts did not help");
        assert_eq!(fail(60), "restart 1 of 3 in 1500 ms");
    }

    #[test]
    fn off_by_default_and_never_beyond_any_number() {
        let policy = RestartPolicy::of(&[(RestartPolicy::MAX, "x")].into_iter().collect());
        assert_eq!(policy, RestartPolicy::default());
        assert_eq!(RestartCount::default().failed(Duration::ZERO, &policy).to_string(), "");
        let policy = RestartPolicy { max: u32::MAX, ..policy };
        let mut count = RestartCount(90);
        let NextRestart::After { number, delay, .. } = count.failed(Duration::ZERO, &policy) else { panic!() };
        assert_eq!((number, delay), (91, policy.delay_max));
        // Without a time of good health that is long enough, none is.
        let policy = RestartPolicy { max: 1, reset: Duration::ZERO, ..policy };
        let mut count = RestartCount::default();
        count.failed(Duration::ZERO, &policy);
        assert_eq!(count.failed(Duration::ZERO, &policy), NextRestart::Exhausted(1));
    }
}
