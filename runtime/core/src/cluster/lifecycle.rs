//! What a worker should run, and when a connector's tasks must be written anew.

use millstream_api::{Config, Error, Result};

use super::{ClusterState, State, TargetState};

/// What an assigned connector or task should be doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Started. Only then a Connector is asked for task configs: one created paused, or paused after it was stopped, has no tasks until
    /// it is resumed.
    Run,
    /// Assigned and shown as PAUSED, but doing no work: a Connector is stopped, a source task does not poll, a sink task keeps its
    /// place in the consumer group with all partitions paused.
    Pause,
    /// Not running. A connector is shown as STOPPED; tasks do not exist.
    Stop,
}

impl Goal {
    /// The state its status shows once reached.
    pub fn state(self) -> State {
        match self {
            Self::Run => State::Running,
            Self::Pause => State::Paused,
            Self::Stop => State::Stopped,
        }
    }
}

impl From<TargetState> for Goal {
    fn from(target: TargetState) -> Self {
        match target {
            TargetState::Started => Self::Run,
            TargetState::Paused => Self::Pause,
            TargetState::Stopped => Self::Stop,
        }
    }
}

/// What an assigned connector or task should be doing; `None`: it stays as it is. One that has FAILED does not heed pause and resume, only
/// stop (and restart, which is not a target state).
pub fn goal(target: TargetState, failed: bool) -> Option<Goal> {
    match Goal::from(target) {
        Goal::Run | Goal::Pause if failed => None,
        goal => Some(goal),
    }
}

/// Whether these task configs may be committed: not for a connector that does not exist, and none for a stopped one.
pub fn may_publish_tasks(state: &ClusterState, connector: &str, tasks: usize) -> Result<()> {
    match state.target_state(connector) {
        None => Err(Error::not_found(format!("Connector {connector} not found"))),
        Some(TargetState::Stopped) if tasks > 0 => Err(Error::config(format!(
            "cannot write {tasks} task config(s) of connector {connector}: it is in the STOPPED state"
        ))
        .hint("resume the connector first")),
        Some(_) => Ok(()),
    }
}

/// True when the number or the content of the task configs differs; the order of keys does not matter.
pub fn task_configs_changed(current: &[Config], new: &[Config]) -> bool {
    current.len() != new.len() || current.iter().zip(new).any(|(old, new)| !old.same_values(new))
}

/// Whether newly made task configs have to be written: the set changed or is inconsistent, or the connector's own configuration is not
/// the one its tasks were committed under (converters and the like are not part of task configs, KAFKA-9228).
pub fn must_publish_tasks(state: &ClusterState, connector: &str, new: &[Config]) -> bool {
    let Some(config) = state.config(connector) else { return false };
    state.is_inconsistent(connector)
        || task_configs_changed(state.task_configs(connector), new)
        || !state.applied_config(connector).is_some_and(|applied| applied.same_values(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ConfigRecord;
    use millstream_api::TaskId;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().copied().collect()
    }

    #[test]
    fn what_has_failed_heeds_stop_only() {
        assert_eq!(goal(TargetState::Started, true), None);
        assert_eq!(goal(TargetState::Paused, true), None);
        assert_eq!(goal(TargetState::Stopped, true), Some(Goal::Stop));
        assert_eq!(goal(TargetState::Paused, false), Some(Goal::Pause));
    }

    #[test]
    fn tasks_are_written_when_anything_they_run_under_changed() {
        let mut state = ClusterState::new();
        let tasks = [config(&[("f", "1"), ("g", "2")])];
        assert!(!must_publish_tasks(&state, "a", &tasks), "no such connector");
        let put = |state: &mut ClusterState, record| state.apply(record, state.offset());
        put(&mut state, ConfigRecord::Connector { name: "a".into(), config: Some(config(&[("k", "1")])) });
        assert!(must_publish_tasks(&state, "a", &tasks));
        assert!(must_publish_tasks(&state, "a", &[]), "an empty set is committed once too");
        put(&mut state, ConfigRecord::Task { id: TaskId::new("a", 0), config: tasks[0].clone() });
        put(&mut state, ConfigRecord::Commit { connector: "a".into(), tasks: 1 });
        assert!(!must_publish_tasks(&state, "a", &tasks));
        assert!(!must_publish_tasks(&state, "a", &[config(&[("g", "2"), ("f", "1")])]), "key order is no change");
        assert!(must_publish_tasks(&state, "a", &[config(&[("f", "1"), ("g", "3")])]));
        put(&mut state, ConfigRecord::Connector { name: "a".into(), config: Some(config(&[("k", "2")])) });
        assert!(must_publish_tasks(&state, "a", &tasks));
        put(&mut state, ConfigRecord::Connector { name: "a".into(), config: Some(config(&[("k", "1")])) });
        put(&mut state, ConfigRecord::Commit { connector: "a".into(), tasks: 1 });
        assert!(must_publish_tasks(&state, "a", &tasks), "the last commit came without its task");
        assert!(must_publish_tasks(&state, "a", &[]), "and so it must be replaced, by an empty set too");
    }

    #[test]
    fn a_stopped_connector_takes_no_tasks() {
        let mut state = ClusterState::new();
        assert_eq!(may_publish_tasks(&state, "a", 0).unwrap_err().kind(), millstream_api::ErrorKind::NotFound);
        state.apply(ConfigRecord::Connector { name: "a".into(), config: Some(Config::new()) }, 0);
        assert!(may_publish_tasks(&state, "a", 2).is_ok());
        state.apply(ConfigRecord::TargetState { connector: "a".into(), state: Some(TargetState::Stopped) }, 1);
        assert!(may_publish_tasks(&state, "a", 2).is_err() && may_publish_tasks(&state, "a", 0).is_ok());
    }
}
