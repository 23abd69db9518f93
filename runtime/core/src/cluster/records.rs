//! Records of the config topic.

use std::sync::Arc;

use millstream_api::{Config, Error, Result, Secret, TaskId};
use serde_json::{Map, Value, json};

use super::TargetState;
use super::hash_order::in_hash_order;
use super::json::{Fields, object, wrong};
use crate::java_json;

/// The key workers sign their internal requests with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// Base64 of the raw key bytes.
    pub key: Secret,
    /// Java's name of the algorithm, `HmacSHA256` by default.
    pub algorithm: String,
    /// When it was made, in epoch milliseconds.
    pub creation_timestamp: i64,
}

/// One record of the config topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigRecord {
    /// `connector-<name>`: a connector's raw configuration; `None` deletes it.
    Connector {
        /// Name.
        name: Arc<str>,
        /// Raw configuration.
        config: Option<Config>,
    },
    /// `task-<name>-<n>`: a task's configuration, staged until the next commit of its connector.
    Task {
        /// Which task.
        id: TaskId,
        /// Raw configuration.
        config: Config,
    },
    /// `commit-<name>`: tasks 0 to `tasks` - 1 count from now on.
    Commit {
        /// Connector.
        connector: Arc<str>,
        /// Number of tasks.
        tasks: u32,
    },
    /// `target-state-<name>`: what the connector should be; `None` means started.
    TargetState {
        /// Connector.
        connector: Arc<str>,
        /// Wanted state.
        state: Option<TargetState>,
    },
    /// `tasks-fencing-<name>`: how many transactional producers of the connector there may be.
    TaskFencing {
        /// Connector.
        connector: Arc<str>,
        /// Number of tasks.
        tasks: u32,
    },
    /// `session-key`.
    SessionKey(SessionKey),
    /// `restart-connector-<name>`: a request, acted on only when read after start-up.
    Restart {
        /// Connector.
        connector: Arc<str>,
        /// Tasks too.
        include_tasks: bool,
        /// Only what has failed.
        only_failed: bool,
    },
    /// `logger-cluster-<logger>`: a log level for all workers, acted on only when read after start-up.
    LoggerLevel {
        /// Logger name.
        logger: String,
        /// Level word as given.
        level: String,
    },
    /// Any other key; ignored with a log line.
    Unknown {
        /// The key.
        key: String,
    },
}

const CONNECTOR: &str = "connector-";
const TASK: &str = "task-";
const COMMIT: &str = "commit-";
const TARGET: &str = "target-state-";
const FENCING: &str = "tasks-fencing-";
const SESSION: &str = "session-key";
const RESTART: &str = "restart-connector-";
const LOGGER: &str = "logger-cluster-";

impl ConfigRecord {
    /// Reads a record. An error (kind [`millstream_api::ErrorKind::Data`]) names the key and no value; such a record is ignored, as Java does
    /// (where Java's worker does not end: a count that is no number, a record without key). [`super::offset_counts`] says whether it was seen.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Self> {
        let Ok(key) = std::str::from_utf8(key) else {
            return Ok(Self::Unknown { key: String::from_utf8_lossy(key).into_owned() });
        };
        let fields = || object(key, value);
        let needed = || fields()?.ok_or_else(|| wrong(key, "it has no value"));
        if let Some(name) = key.strip_prefix(CONNECTOR) {
            let config = fields()?.map(|fields| fields.properties()).transpose()?;
            return Ok(Self::Connector { name: name.into(), config });
        }
        if let Some(rest) = key.strip_prefix(TASK) {
            let id = TaskId::parse(rest).ok_or_else(|| wrong(key, "the key does not end with a task number"))?;
            return Ok(Self::Task { id, config: needed()?.properties()? });
        }
        if let Some(name) = key.strip_prefix(COMMIT) {
            return Ok(Self::Commit { connector: name.into(), tasks: needed()?.count("tasks")? });
        }
        if let Some(name) = key.strip_prefix(TARGET) {
            let state = fields()?.map(|fields| target_state(&fields)).transpose()?;
            return Ok(Self::TargetState { connector: name.into(), state });
        }
        if let Some(name) = key.strip_prefix(FENCING) {
            return Ok(Self::TaskFencing { connector: name.into(), tasks: needed()?.count("task-count")? });
        }
        if let Some(name) = key.strip_prefix(RESTART) {
            let fields = needed()?;
            return Ok(Self::Restart {
                connector: name.into(),
                include_tasks: fields.flag("include-tasks"),
                only_failed: fields.flag("only-failed"),
            });
        }
        if key == SESSION {
            let fields = needed()?;
            let text = |field| fields.text(field)?.ok_or_else(|| fields.wrong(&format!("field {field} is missing")));
            return Ok(Self::SessionKey(SessionKey {
                key: Secret::new(text("key")?),
                algorithm: text("algorithm")?.to_owned(),
                creation_timestamp: fields.int("creation-timestamp")?,
            }));
        }
        if let Some(logger) = key.strip_prefix(LOGGER) {
            let fields = needed()?;
            let level = fields.text("level")?.ok_or_else(|| fields.wrong("field level is missing"))?;
            return Ok(Self::LoggerLevel { logger: logger.to_owned(), level: level.to_owned() });
        }
        Ok(Self::Unknown { key: key.to_owned() })
    }

    /// The record's key and value, byte for byte as Java writes them: a connector's settings in the order given, a task's in that of a
    /// `HashMap`. [`ConfigRecord::Unknown`] has no value.
    pub fn encode(&self) -> (String, Option<Vec<u8>>) {
        let (key, value) = match self {
            Self::Connector { name, config } => {
                (format!("{CONNECTOR}{name}"), config.as_ref().map(|config| properties(config.iter())))
            }
            Self::Task { id, config } => (format!("{TASK}{id}"), Some(properties(in_hash_order(config)))),
            Self::Commit { connector, tasks } => (format!("{COMMIT}{connector}"), Some(json!({"tasks": tasks}))),
            Self::TargetState { connector, state } => (format!("{TARGET}{connector}"), state.map(target_state_value)),
            Self::TaskFencing { connector, tasks } => {
                (format!("{FENCING}{connector}"), Some(json!({"task-count": tasks})))
            }
            Self::SessionKey(key) => {
                let value = json!({
                    "key": key.key.expose(),
                    "algorithm": key.algorithm,
                    "creation-timestamp": key.creation_timestamp,
                });
                (SESSION.to_owned(), Some(value))
            }
            Self::Restart { connector, include_tasks, only_failed } => {
                let value = json!({"include-tasks": include_tasks, "only-failed": only_failed});
                (format!("{RESTART}{connector}"), Some(value))
            }
            Self::LoggerLevel { logger, level } => (format!("{LOGGER}{logger}"), Some(json!({"level": level}))),
            Self::Unknown { key } => (key.clone(), None),
        };
        (key, value.as_ref().map(java_json::to_vec))
    }
}

fn properties<'a>(entries: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Value {
    let map: Map<String, Value> =
        entries.into_iter().map(|(name, value)| (name.to_owned(), value.map_or(Value::Null, Value::from))).collect();
    json!({"properties": map})
}

/// Workers older than the stopped state read `state` alone and must see such a connector as paused.
fn target_state_value(state: TargetState) -> Value {
    let old = if state == TargetState::Stopped { TargetState::Paused } else { state };
    json!({"state": old.as_str(), "state.v2": state.as_str()})
}

fn target_state(fields: &Fields<'_>) -> Result<TargetState, Error> {
    let word = match fields.map.get("state.v2") {
        Some(Value::String(word)) => Some(word.as_str()),
        _ => fields.text("state")?,
    };
    let word = word.ok_or_else(|| fields.wrong("field state is missing"))?;
    TargetState::parse(word).ok_or_else(|| fields.wrong("its state is not STARTED, PAUSED or STOPPED"))
}

#[cfg(test)]
mod tests {
    use super::super::offset_counts;
    use super::*;

    fn decode(key: &str, value: &str) -> Result<ConfigRecord> {
        ConfigRecord::decode(key.as_bytes(), Some(value.as_bytes()))
    }

    #[test]
    fn target_states_of_old_and_new_workers() {
        let state = |value: &str| match decode("target-state-a", value).unwrap() {
            ConfigRecord::TargetState { state, .. } => state.unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(state(r#"{"state":"PAUSED"}"#), TargetState::Paused);
        assert_eq!(state(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#), TargetState::Stopped);
        assert_eq!(state(r#"{"state":"STARTED","state.v2":7}"#), TargetState::Started);
        let record = ConfigRecord::TargetState { connector: "a".into(), state: Some(TargetState::Stopped) };
        assert_eq!(record.encode().1.unwrap(), br#"{"state":"PAUSED","state.v2":"STOPPED"}"#);
    }

    #[test]
    fn wrong_records_name_their_key_and_no_value() {
        for (key, value) in [
            ("connector-a", r#"{"properties":7}"#),
            ("connector-a", "hunter2"),
            ("task-a", r#"{"properties":{}}"#),
            ("commit-a", r#"{"tasks":-1}"#),
            ("commit-a", r#"{"tasks":"hunter2"}"#),
            ("session-key", r#"{"key":"hunter2","algorithm":"x","creation-timestamp":"1"}"#),
            ("target-state-a", r#"{"state":"hunter2"}"#),
        ] {
            let error = decode(key, value).unwrap_err().to_string();
            assert!(error.contains(key) && !error.contains("hunter2"), "{error}");
        }
        for key in ["commit-a", "task-a-0", "tasks-fencing-a", "session-key", "restart-connector-a", "logger-cluster-a"]
        {
            assert!(ConfigRecord::decode(key.as_bytes(), None).is_err(), "{key} has no tombstones");
        }
    }

    #[test]
    fn values_are_read_as_leniently_as_java_does() {
        let config = |value: &str| match decode("connector-a", value).unwrap() {
            ConfigRecord::Connector { config, .. } => config,
            other => panic!("{other:?}"),
        };
        assert_eq!(config(r#"{"properties":{"a":"1","b":null},"more":[]} and more"#).unwrap().get("a"), Some("1"));
        for nothing in ["null", "", " "] {
            assert_eq!(config(nothing), None, "{nothing:?} deletes");
        }
        let restart = |value: &str| match decode("restart-connector-a", value).unwrap() {
            ConfigRecord::Restart { include_tasks, only_failed, .. } => (include_tasks, only_failed),
            other => panic!("{other:?}"),
        };
        assert_eq!(restart("{}"), (false, false));
        assert_eq!(restart(r#"{"include-tasks":"true","only-failed":true}"#), (false, true));
        assert!(offset_counts(None) && offset_counts(Some(b"7")) && !offset_counts(Some(b"{")));
    }

    #[test]
    fn the_session_key_is_not_printed() {
        let record =
            decode("session-key", r#"{"key":"aHVudGVyMg==","algorithm":"HmacSHA256","creation-timestamp":1}"#).unwrap();
        assert!(!format!("{record:?}").contains("aHVudGVyMg"));
    }

    #[test]
    fn unknown_keys_are_no_error() {
        assert_eq!(decode("x", "?").unwrap(), ConfigRecord::Unknown { key: "x".to_owned() });
        assert!(matches!(ConfigRecord::decode(&[0xff], None), Ok(ConfigRecord::Unknown { .. })));
    }
}
