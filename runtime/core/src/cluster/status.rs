//! Records of the status topic, and the table they fold into.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_api::{Result, TaskId};
use serde_json::{Value, json};

use super::State;
use super::json::{object, wrong};
use crate::java_json;

/// What a status record is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StatusKey {
    /// A connector: `status-connector-<name>`.
    Connector(Arc<str>),
    /// A task: `status-task-<name>-<n>`.
    Task(TaskId),
    /// A topic a connector used: `status-topic-<topic>:connector-<name>`.
    Topic {
        /// Topic.
        topic: Arc<str>,
        /// Connector.
        connector: Arc<str>,
    },
}

impl StatusKey {
    /// Reads a key; an error shows it. Empty names are refused, as Java does.
    pub fn decode(key: &[u8]) -> Result<Self> {
        let shown = String::from_utf8_lossy(key);
        let unknown = || wrong(&shown, "it is no key of a status record");
        let text = std::str::from_utf8(key).map_err(|_| unknown())?;
        if let Some(name) = text.strip_prefix("status-connector-").filter(|name| !name.is_empty()) {
            return Ok(Self::Connector(name.into()));
        }
        if let Some(id) = text.strip_prefix("status-task-") {
            return TaskId::parse(id).map(Self::Task).ok_or_else(unknown);
        }
        let (topic, rest) = text.strip_prefix("status-topic-").and_then(|t| t.split_once(':')).ok_or_else(unknown)?;
        let connector = rest.strip_prefix("connector-").ok_or_else(unknown)?;
        if topic.is_empty() || connector.is_empty() {
            return Err(unknown());
        }
        Ok(Self::Topic { topic: topic.into(), connector: connector.into() })
    }

    /// The key's text.
    pub fn encode(&self) -> String {
        match self {
            Self::Connector(name) => format!("status-connector-{name}"),
            Self::Task(id) => format!("status-task-{id}"),
            Self::Topic { topic, connector } => format!("status-topic-{topic}:connector-{connector}"),
        }
    }
}

/// Status of a connector or task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// State.
    pub state: State,
    /// Why it failed; ends with a newline.
    pub trace: Option<String>,
    /// `host:port` of the worker that wrote it.
    pub worker_id: String,
    /// Generation of the group when it was written.
    pub generation: i32,
    /// Version of the plugin; null while unknown, and in records of workers before 4.1.
    pub version: Option<String>,
}

impl Status {
    /// Reads the value stored under `key`.
    pub fn decode(key: &StatusKey, value: &[u8]) -> Result<Self> {
        let key = key.encode();
        let fields = object(&key, Some(value))?.ok_or_else(|| wrong(&key, "its value is null"))?;
        let missing = |field: &str| fields.wrong(&format!("field {field} is missing"));
        let word = fields.text("state")?.ok_or_else(|| missing("state"))?;
        Ok(Self {
            state: State::parse(word)
                .ok_or_else(|| fields.wrong("its state is none that a connector or task can have"))?,
            trace: fields.text("trace")?.map(str::to_owned),
            // Java takes a record without it, too.
            worker_id: fields.text("worker_id")?.unwrap_or_default().to_owned(),
            generation: i32::try_from(fields.int("generation")?)
                .map_err(|_| fields.wrong("field generation is out of range"))?,
            version: fields.text("version")?.map(str::to_owned),
        })
    }

    /// The value to write, byte for byte as Java writes it; `None` (a tombstone) for [`State::Destroyed`].
    pub fn encode(&self) -> Option<Vec<u8>> {
        (self.state != State::Destroyed).then(|| {
            java_json::to_vec(&json!({
                "state": self.state.as_str(),
                "trace": self.trace,
                "worker_id": self.worker_id,
                "generation": self.generation,
                "version": self.version,
            }))
        })
    }
}

/// A topic that a connector has used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicStatus {
    /// Topic.
    pub topic: Arc<str>,
    /// Connector.
    pub connector: Arc<str>,
    /// Task that used it first.
    pub task: u32,
    /// When, in epoch milliseconds.
    pub discover_timestamp: i64,
}

impl TopicStatus {
    /// Where it is stored.
    pub fn key(&self) -> StatusKey {
        StatusKey::Topic { topic: self.topic.clone(), connector: self.connector.clone() }
    }

    /// Reads the value stored under `key`.
    pub fn decode(key: &StatusKey, value: &[u8]) -> Result<Self> {
        let key = key.encode();
        let mut fields = object(&key, Some(value))?.ok_or_else(|| wrong(&key, "its value is null"))?;
        let Some(Value::Object(topic)) = fields.map.shift_remove("topic") else {
            return Err(fields.wrong("field topic is not a map"));
        };
        fields.map = topic;
        let text = |field: &str| fields.text(field)?.ok_or_else(|| fields.wrong(&format!("field {field} is missing")));
        Ok(Self {
            topic: text("name")?.into(),
            connector: text("connector")?.into(),
            // Of interest to nobody: a number out of range is no reason to forget the topic.
            task: u32::try_from(fields.int("task")?).unwrap_or_default(),
            discover_timestamp: fields.int("discoverTimestamp")?,
        })
    }

    /// The value to write, byte for byte as Java writes it.
    pub fn encode(&self) -> Vec<u8> {
        java_json::to_vec(&json!({"topic": {
            "name": &*self.topic,
            "connector": &*self.connector,
            "task": self.task,
            "discoverTimestamp": self.discover_timestamp,
        }}))
    }
}

/// The fold of the status topic: the newest status of everything.
#[derive(Clone, Debug, Default)]
pub struct StatusTable {
    entries: BTreeMap<Arc<str>, Entry>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    connector: Option<Status>,
    tasks: BTreeMap<u32, Status>,
    topics: BTreeMap<Arc<str>, TopicStatus>,
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.connector.is_none() && self.tasks.is_empty() && self.topics.is_empty()
    }
}

impl StatusTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one record. A record that cannot be read changes nothing; its error is for the log.
    pub fn apply(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let key = StatusKey::decode(key)?;
        match (&key, value) {
            (_, None) => self.remove(&key),
            (StatusKey::Topic { .. }, Some(value)) => {
                let status = TopicStatus::decode(&key, value)?;
                self.put_topic_under(&key, status);
            }
            (_, Some(value)) => {
                let status = Status::decode(&key, value)?;
                self.put(&key, status);
            }
        }
        Ok(())
    }

    /// Takes in the status of a connector or task; ignored for a topic key.
    ///
    /// An UNASSIGNED that another worker wrote does not replace a RUNNING of the same or a newer generation: during
    /// rebalances in quick succession the old owner's farewell may arrive after the new owner's start.
    pub fn put(&mut self, key: &StatusKey, status: Status) {
        let stale = self.get(key).is_some_and(|held| {
            status.state == State::Unassigned
                && held.state == State::Running
                && held.worker_id != status.worker_id
                && held.generation >= status.generation
        });
        if stale {
            return;
        }
        if status.state == State::Destroyed {
            return self.remove(key);
        }
        match key {
            StatusKey::Connector(name) => self.entry(name).connector = Some(status),
            StatusKey::Task(id) => {
                self.entry(&id.connector).tasks.insert(id.task, status);
            }
            StatusKey::Topic { .. } => {}
        }
    }

    /// Takes in a used topic.
    pub fn put_topic(&mut self, status: TopicStatus) {
        self.put_topic_under(&status.key(), status);
    }

    /// The key says whose topic it is and is what a tombstone will have, whatever names the value holds.
    fn put_topic_under(&mut self, key: &StatusKey, status: TopicStatus) {
        if let StatusKey::Topic { topic, connector } = key {
            self.entry(connector).topics.insert(topic.clone(), status);
        }
    }

    /// Takes in a tombstone.
    pub fn remove(&mut self, key: &StatusKey) {
        let (StatusKey::Connector(name) | StatusKey::Topic { connector: name, .. }) = key else {
            let StatusKey::Task(id) = key else { return };
            return self.edit(&id.connector, |entry| {
                entry.tasks.remove(&id.task);
            });
        };
        self.edit(name, |entry| match key {
            StatusKey::Topic { topic, .. } => {
                entry.topics.remove(topic);
            }
            _ => entry.connector = None,
        });
    }

    /// Whether a status may be written where an older writer must not overwrite a newer owner's (used for UNASSIGNED and
    /// FAILED): nothing is held, it is this worker's own, or it is not newer.
    pub fn may_write_safely(&self, key: &StatusKey, status: &Status) -> bool {
        self.get(key).is_none_or(|held| held.worker_id == status.worker_id || held.generation <= status.generation)
    }

    /// The status of a connector or task; `None` for a topic key.
    pub fn get(&self, key: &StatusKey) -> Option<&Status> {
        match key {
            StatusKey::Connector(name) => self.connector(name),
            StatusKey::Task(id) => self.task(id),
            StatusKey::Topic { .. } => None,
        }
    }

    /// A connector's status.
    pub fn connector(&self, name: &str) -> Option<&Status> {
        self.entries.get(name)?.connector.as_ref()
    }

    /// A task's status.
    pub fn task(&self, id: &TaskId) -> Option<&Status> {
        self.entries.get(&id.connector)?.tasks.get(&id.task)
    }

    /// The status of each task of a connector, by number.
    pub fn tasks(&self, connector: &str) -> impl Iterator<Item = (u32, &Status)> {
        self.entries.get(connector).into_iter().flat_map(|entry| entry.tasks.iter().map(|(task, s)| (*task, s)))
    }

    /// The topics of a connector, by name.
    pub fn topics(&self, connector: &str) -> impl Iterator<Item = &TopicStatus> {
        self.entries.get(connector).into_iter().flat_map(|entry| entry.topics.values())
    }

    /// The keys under which the topics of a connector are stored.
    pub fn topic_keys(&self, connector: &str) -> impl Iterator<Item = StatusKey> {
        self.entries.get_key_value(connector).into_iter().flat_map(|(name, entry)| {
            entry.topics.keys().map(|topic| StatusKey::Topic { topic: topic.clone(), connector: name.clone() })
        })
    }

    /// True when the connector is known to use the topic.
    pub fn has_topic(&self, connector: &str, topic: &str) -> bool {
        self.entries.get(connector).is_some_and(|entry| entry.topics.contains_key(topic))
    }

    /// Every connector anything is held of, by name. The leader writes tombstones for those that no longer exist.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.entries.keys()
    }

    /// Keys of everything held of a connector.
    pub fn keys(&self, connector: &str) -> Vec<StatusKey> {
        let Some((name, entry)) = self.entries.get_key_value(connector) else { return Vec::new() };
        let own = entry.connector.iter().map(|_| StatusKey::Connector(name.clone()));
        let tasks = entry.tasks.keys().map(|task| StatusKey::Task(TaskId::new(name.clone(), *task)));
        own.chain(tasks).chain(self.topic_keys(connector)).collect()
    }

    fn entry(&mut self, name: &Arc<str>) -> &mut Entry {
        self.entries.entry(name.clone()).or_default()
    }

    fn edit(&mut self, name: &Arc<str>, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        change(entry);
        if entry.is_empty() {
            self.entries.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(state: State, worker: &str, generation: i32) -> Status {
        Status { state, trace: None, worker_id: worker.to_owned(), generation, version: None }
    }

    #[test]
    fn keys_read_back() {
        for key in ["status-connector-a-1", "status-task-a-1-2", "status-topic-t:connector-a:b"] {
            assert_eq!(StatusKey::decode(key.as_bytes()).unwrap().encode(), key);
        }
        for key in [
            "status-task-a",
            "status-task--0",
            "status-connector-",
            "status-topic-t",
            "status-topic-t:a",
            "status-topic-:connector-a",
            "status-topic-t:connector-",
            "x",
            "",
        ] {
            assert!(StatusKey::decode(key.as_bytes()).is_err(), "{key}");
        }
    }

    #[test]
    fn a_record_without_version_is_read() {
        let key = StatusKey::Connector("a".into());
        let value = br#"{"state":"FAILED","trace":"x\n","worker_id":"h:1","generation":7}"#;
        let status = Status::decode(&key, value).unwrap();
        assert_eq!((status.state, status.version), (State::Failed, None));
    }

    #[test]
    fn a_record_that_cannot_be_read_leaves_what_is_there() {
        let mut table = StatusTable::new();
        let key = b"status-connector-a";
        table.apply(key, Some(br#"{"state":"RUNNING","worker_id":"h:1","generation":7} and more"#)).unwrap();
        for value in [
            "",
            "null",
            "{",
            "[]",
            r#"{"state":"paused","worker_id":"h:1","generation":7}"#,
            r#"{"state":"PAUSED","worker_id":7,"generation":7}"#,
            r#"{"state":"PAUSED","worker_id":"h:1","generation":"7"}"#,
            r#"{"state":"PAUSED","worker_id":"h:1","generation":7,"trace":7}"#,
        ] {
            assert!(table.apply(key, Some(value.as_bytes())).is_err(), "{value}");
            assert_eq!(table.connector("a").unwrap().state, State::Running);
        }
    }

    #[test]
    fn a_topic_belongs_to_whom_its_key_says() {
        let mut table = StatusTable::new();
        let value = br#"{"topic":{"name":"u","connector":"b","task":-1,"discoverTimestamp":1}}"#;
        table.apply(b"status-topic-t:connector-a", Some(value)).unwrap();
        assert_eq!(table.topics("a").map(|status| &*status.topic).collect::<Vec<_>>(), ["u"]);
        assert_eq!(table.topics("b").count(), 0);
        for key in table.topic_keys("a").collect::<Vec<_>>() {
            table.apply(key.encode().as_bytes(), None).unwrap();
        }
        assert_eq!(table.connectors().count(), 0);
    }

    #[test]
    fn a_stale_farewell_does_not_hide_the_new_owner() {
        let key = StatusKey::Task(TaskId::new("a", 0));
        let mut table = StatusTable::new();
        table.put(&key, status(State::Running, "new", 5));
        table.put(&key, status(State::Unassigned, "old", 5));
        assert_eq!(table.get(&key).unwrap().state, State::Running);
        table.put(&key, status(State::Unassigned, "new", 5));
        assert_eq!(table.get(&key).unwrap().state, State::Unassigned);
        table.put(&key, status(State::Running, "new", 5));
        table.put(&key, status(State::Unassigned, "old", 6));
        assert_eq!(table.get(&key).unwrap().state, State::Unassigned);
        table.put(&key, status(State::Running, "new", 6));
        table.put(&key, status(State::Failed, "old", 5));
        assert_eq!(table.get(&key).unwrap().state, State::Failed);
    }

    #[test]
    fn safe_writes() {
        let key = StatusKey::Connector("a".into());
        let mut table = StatusTable::new();
        let mine = status(State::Failed, "me", 4);
        assert!(table.may_write_safely(&key, &mine));
        table.put(&key, status(State::Running, "other", 4));
        assert!(table.may_write_safely(&key, &mine));
        table.put(&key, status(State::Running, "other", 5));
        assert!(!table.may_write_safely(&key, &mine));
        table.put(&key, status(State::Running, "me", 6));
        assert!(table.may_write_safely(&key, &mine));
    }

    #[test]
    fn tombstones_leave_nothing_behind() {
        let mut table = StatusTable::new();
        table.put(&StatusKey::Connector("a".into()), status(State::Running, "w", 1));
        table.put(&StatusKey::Task(TaskId::new("a", 3)), status(State::Running, "w", 1));
        let topic = TopicStatus { topic: "t".into(), connector: "a".into(), task: 3, discover_timestamp: 1 };
        table.put_topic(topic);
        assert!(table.has_topic("a", "t"));
        assert_eq!(table.keys("a").len(), 3);
        for key in table.keys("a") {
            table.apply(key.encode().as_bytes(), None).unwrap();
        }
        assert_eq!(table.connectors().count(), 0);
    }
}
