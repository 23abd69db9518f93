//! The fold of the config topic: which connectors there are, what they should be, which tasks they have.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use millstream_api::{Config, TaskId};

use super::{ConfigRecord, SessionKey, TargetState};

/// What a record changed, for whoever acts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A connector was created, or its configuration written again (even an equal one: Java restarts it then too).
    Connector(Arc<str>),
    /// A connector was deleted.
    Removed(Arc<str>),
    /// A task set was committed; the set may be the same as before, or incomplete ([`ClusterState::is_inconsistent`]).
    Tasks(Arc<str>),
    /// An existing connector's target state changed.
    Target(Arc<str>),
    /// A restart was asked for. Not to be acted on for records read during start-up.
    Restart {
        /// Connector.
        connector: Arc<str>,
        /// Tasks too.
        include_tasks: bool,
        /// Only what has failed.
        only_failed: bool,
    },
    /// There is a new session key.
    SessionKey,
    /// A log level for all workers. Not to be acted on for records read during start-up.
    LoggerLevel {
        /// Logger.
        logger: String,
        /// Level word as given.
        level: String,
    },
}

/// The cluster as the config topic has it up to some offset. Cloned to make a snapshot.
///
/// Holds against compaction: task sets count only when complete, records of connectors without a configuration are
/// forgotten (so a connector that is created again does not inherit tasks, KAFKA-16838), and only the largest offset matters.
#[derive(Clone, Debug, Default)]
pub struct ClusterState {
    connectors: BTreeMap<Arc<str>, Entry>,
    /// Kept apart from the connectors: the record is written before the connector's when it is created in a given state.
    targets: HashMap<Arc<str>, TargetState>,
    /// Task configs that wait for their commit.
    staged: HashMap<Arc<str>, BTreeMap<u32, Config>>,
    fencing: HashMap<Arc<str>, u32>,
    session_key: Option<SessionKey>,
    offset: i64,
}

#[derive(Clone, Debug)]
struct Entry {
    config: Config,
    tasks: Vec<Config>,
    task_count: u32,
    inconsistent: bool,
    applied: Option<Config>,
}

impl ClusterState {
    /// Without any record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the record at `offset` of the config topic and says what it changed.
    pub fn apply(&mut self, record: ConfigRecord, offset: i64) -> Vec<Change> {
        self.skip(offset);
        match record {
            ConfigRecord::Connector { name, config: Some(config) } => {
                match self.connectors.get_mut(&name) {
                    Some(entry) => entry.config = config,
                    None => {
                        let entry =
                            Entry { config, tasks: Vec::new(), task_count: 0, inconsistent: false, applied: None };
                        self.connectors.insert(name.clone(), entry);
                    }
                }
                vec![Change::Connector(name)]
            }
            ConfigRecord::Connector { name, config: None } => {
                self.staged.remove(&name);
                if self.connectors.remove(&name).is_some() { vec![Change::Removed(name)] } else { Vec::new() }
            }
            ConfigRecord::Task { id, config } => {
                self.staged.entry(id.connector).or_default().insert(id.task, config);
                Vec::new()
            }
            ConfigRecord::Commit { connector, tasks } => self.commit(connector, tasks),
            ConfigRecord::TargetState { connector, state } => self.target(connector, state),
            ConfigRecord::TaskFencing { connector, tasks } => {
                self.fencing.insert(connector, tasks);
                Vec::new()
            }
            ConfigRecord::SessionKey(key) => {
                self.session_key = Some(key);
                vec![Change::SessionKey]
            }
            ConfigRecord::Restart { connector, include_tasks, only_failed } => {
                vec![Change::Restart { connector, include_tasks, only_failed }]
            }
            ConfigRecord::LoggerLevel { logger, level } => vec![Change::LoggerLevel { logger, level }],
            ConfigRecord::Unknown { .. } => Vec::new(),
        }
    }

    /// Counts a record that is ignored as seen ([`super::offset_counts`]).
    pub fn skip(&mut self, offset: i64) {
        self.offset = self.offset.max(offset.saturating_add(1));
    }

    fn commit(&mut self, connector: Arc<str>, count: u32) -> Vec<Change> {
        // Staged configs are used up whatever comes of it: after an incomplete set only a completely fresh one counts.
        let staged = self.staged.remove(&connector).unwrap_or_default();
        let Some(entry) = self.connectors.get_mut(&connector) else { return Vec::new() };
        // More staged configs than the count are remains of a larger set that compaction left; the set is complete all the same.
        let tasks: Vec<Config> =
            staged.into_iter().zip(0..count).filter(|((t, _), n)| t == n).map(|((_, c), _)| c).collect();
        entry.inconsistent = tasks.len() as u64 != u64::from(count);
        if !entry.inconsistent {
            entry.tasks = tasks;
            entry.applied = Some(entry.config.clone());
        }
        entry.task_count = count;
        vec![Change::Tasks(connector)]
    }

    fn target(&mut self, connector: Arc<str>, state: Option<TargetState>) -> Vec<Change> {
        let before = self.target_state(&connector);
        match state {
            Some(state) => self.targets.insert(connector.clone(), state),
            None => self.targets.remove(&connector),
        };
        // A tombstone belongs to a deletion, which is told by the connector's own tombstone.
        if before.is_some() && state.is_some() && before != state {
            vec![Change::Target(connector)]
        } else {
            Vec::new()
        }
    }

    /// Names of all connectors, sorted.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.connectors.keys()
    }

    /// True when the connector exists.
    pub fn contains(&self, connector: &str) -> bool {
        self.connectors.contains_key(connector)
    }

    /// A connector's raw configuration.
    pub fn config(&self, connector: &str) -> Option<&Config> {
        Some(&self.connectors.get(connector)?.config)
    }

    /// What a connector should be; `None` when there is no such connector.
    pub fn target_state(&self, connector: &str) -> Option<TargetState> {
        self.connectors.get(connector)?;
        Some(self.targets.get(connector).copied().unwrap_or(TargetState::Started))
    }

    /// Number of tasks last committed, also of an incomplete set.
    pub fn task_count(&self, connector: &str) -> usize {
        self.connectors.get(connector).map_or(0, |entry| entry.task_count as usize)
    }

    /// Ids of the tasks that can run; none while the set is inconsistent.
    pub fn task_ids(&self, connector: &str) -> Vec<TaskId> {
        let Some((name, entry)) = self.connectors.get_key_value(connector) else { return Vec::new() };
        let count = if entry.inconsistent { 0 } else { entry.task_count };
        (0..count).map(|task| TaskId::new(name.clone(), task)).collect()
    }

    /// A task's raw configuration; `None` while the set is inconsistent.
    pub fn task_config(&self, id: &TaskId) -> Option<&Config> {
        let entry = self.connectors.get(&id.connector).filter(|entry| !entry.inconsistent)?;
        entry.tasks.get(id.task as usize)
    }

    /// Raw configurations of all tasks in order; empty while the set is inconsistent.
    pub fn task_configs(&self, connector: &str) -> &[Config] {
        self.connectors.get(connector).filter(|entry| !entry.inconsistent).map_or(&[], |entry| &entry.tasks)
    }

    /// The connector configuration in force when its tasks were last committed. When it differs from [`ClusterState::config`]
    /// the tasks need to be written again: settings of the worker's own (converters, transformations) may have changed (KAFKA-9228).
    pub fn applied_config(&self, connector: &str) -> Option<&Config> {
        self.connectors.get(connector)?.applied.as_ref()
    }

    /// True when the last committed task set is incomplete: its tasks must not run, and the connector makes them afresh.
    pub fn is_inconsistent(&self, connector: &str) -> bool {
        self.connectors.get(connector).is_some_and(|entry| entry.inconsistent)
    }

    /// How many transactional producers the connector's last generation of tasks had.
    pub fn fenced_tasks(&self, connector: &str) -> Option<u32> {
        self.fencing.get(connector).copied()
    }

    /// The newest session key.
    pub fn session_key(&self) -> Option<&SessionKey> {
        self.session_key.as_ref()
    }

    /// The offset after the last record taken in; 0 before any.
    pub fn offset(&self) -> i64 {
        self.offset
    }
}

#[cfg(test)]
mod tests;
