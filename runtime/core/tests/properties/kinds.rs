//! Records of every kind.

use std::sync::Arc;

use millstream_api::{Config, OffsetMap, Secret, SourcePartition, TaskId};
use millstream_core::cluster::{
    ConfigRecord, OffsetKey, SessionKey, State, Status, StatusKey, TargetState, TopicStatus,
};
use proptest::prelude::*;
use serde_json::Value;

/// Names as connectors have them, and as they should not.
pub fn names() -> impl Strategy<Value = Arc<str>> {
    let few = prop::sample::select(vec!["a", "b", "a-1", "a-1-2", "-", "0", "connector-a"]);
    prop_oneof![4 => few.prop_map(Arc::from), 1 => "[a-z0-9\\-:{}\"\\\\ü \u{1f600}]{1,8}".prop_map(Arc::from)]
}

pub fn texts() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-z.]{0,6}", 1 => "\\PC{0,8}", 1 => "[\u{0}-\u{1f}\u{7f}\u{2028}]{0,3}"]
}

pub fn configs() -> impl Strategy<Value = Config> {
    prop::collection::vec((texts(), prop::option::of(texts())), 0..14).prop_map(|entries| entries.into_iter().collect())
}

pub fn targets() -> impl Strategy<Value = TargetState> {
    prop::sample::select(vec![TargetState::Started, TargetState::Paused, TargetState::Stopped])
}

pub fn config_records() -> impl Strategy<Value = ConfigRecord> {
    prop_oneof![
        (names(), prop::option::of(configs())).prop_map(|(name, config)| ConfigRecord::Connector { name, config }),
        (names(), any::<u32>(), configs())
            .prop_map(|(name, task, config)| ConfigRecord::Task { id: TaskId::new(name, task), config }),
        (names(), any::<u32>()).prop_map(|(connector, tasks)| ConfigRecord::Commit { connector, tasks }),
        (names(), prop::option::of(targets()))
            .prop_map(|(connector, state)| ConfigRecord::TargetState { connector, state }),
        (names(), any::<u32>()).prop_map(|(connector, tasks)| ConfigRecord::TaskFencing { connector, tasks }),
        (texts(), texts(), any::<i64>()).prop_map(|(key, algorithm, creation_timestamp)| {
            ConfigRecord::SessionKey(SessionKey { key: Secret::new(key), algorithm, creation_timestamp })
        }),
        (names(), any::<bool>(), any::<bool>()).prop_map(|(connector, include_tasks, only_failed)| {
            ConfigRecord::Restart { connector, include_tasks, only_failed }
        }),
        (texts(), texts()).prop_map(|(logger, level)| ConfigRecord::LoggerLevel { logger, level }),
    ]
}

/// Of a connector or task.
pub fn status_keys() -> impl Strategy<Value = StatusKey> {
    prop_oneof![
        names().prop_map(StatusKey::Connector),
        (names(), 0..3u32).prop_map(|(name, task)| StatusKey::Task(TaskId::new(name, task))),
    ]
}

/// Any but DESTROYED, which is a tombstone.
pub fn statuses() -> impl Strategy<Value = Status> {
    let states =
        vec![State::Unassigned, State::Running, State::Paused, State::Stopped, State::Failed, State::Restarting];
    let texts = || prop::option::of(texts());
    (prop::sample::select(states), texts(), "[a-z]:80", any::<i32>(), texts()).prop_map(
        |(state, trace, worker_id, generation, version)| Status { state, trace, worker_id, generation, version },
    )
}

pub fn topic_statuses() -> impl Strategy<Value = TopicStatus> {
    ("[a-z.-]{1,6}", names(), any::<u32>(), any::<i64>()).prop_map(|(topic, connector, task, discover_timestamp)| {
        TopicStatus { topic: topic.into(), connector, task, discover_timestamp }
    })
}

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // What is no number has no JSON.
        any::<f64>().prop_map(Value::from),
        texts().prop_map(Value::from),
    ]
}

pub fn flat_maps() -> impl Strategy<Value = OffsetMap> {
    prop::collection::vec((texts(), scalars()), 0..5).prop_map(|entries| entries.into_iter().collect())
}

pub fn offset_keys() -> impl Strategy<Value = OffsetKey> {
    (names(), prop::option::of(flat_maps().prop_map(SourcePartition)))
        .prop_map(|(connector, partition)| OffsetKey { connector, partition })
}
