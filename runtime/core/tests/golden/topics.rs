use std::collections::{BTreeMap, HashSet};

use millstream_api::{Config, TaskId};
use millstream_core::cluster::{
    Change, ClusterState, ConfigRecord, OffsetKey, OffsetTable, RestartPlan, RestartRequest, State, Status, StatusKey,
    StatusTable, TopicStatus, decode_offset, encode_offset,
};
use serde_json::{Value, json};

use crate::{Record, lines, records, up_to};

fn bytes(value: &Option<String>) -> Option<&[u8]> {
    value.as_deref().map(str::as_bytes)
}

#[test]
fn config_records_write_back_byte_for_byte() {
    let mut seen = HashSet::new();
    for file in ["topics/configs.jsonl", "topics/eos-configs.jsonl"] {
        for Record { key, value, .. } in records(file) {
            let record = ConfigRecord::decode(key.as_bytes(), bytes(&value)).unwrap();
            assert!(!matches!(record, ConfigRecord::Unknown { .. }), "{key}");
            seen.insert(std::mem::discriminant(&record));
            let (written_key, written) = record.encode();
            assert_eq!(written_key, key);
            let written = written.map(text);
            if matches!(record, ConfigRecord::Task { .. }) && written != value {
                // The order depends on how the connector built its map; that of Kafka's own connectors is known.
                assert!(file.contains("eos"), "{key}");
                let parsed = |text: Option<String>| text.map(|text| serde_json::from_str::<Value>(&text).unwrap());
                assert_eq!(parsed(written), parsed(value));
                continue;
            }
            assert_eq!(written, value);
        }
    }
    assert_eq!(seen.len(), 8, "every kind of record is among them");
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn status_records_write_back_byte_for_byte() {
    let mut count = 0;
    for file in ["topics/status.jsonl", "topics/eos-status.jsonl"] {
        for Record { key, value, .. } in records(file) {
            let decoded = StatusKey::decode(key.as_bytes()).unwrap();
            assert_eq!(decoded.encode(), key);
            let Some(value) = value else { continue };
            let written = match &decoded {
                StatusKey::Topic { .. } => TopicStatus::decode(&decoded, value.as_bytes()).unwrap().encode(),
                _ => Status::decode(&decoded, value.as_bytes()).unwrap().encode().unwrap(),
            };
            assert_eq!(text(written), value);
            count += 1;
        }
    }
    assert!(count > 200);
}

#[test]
fn offset_records_write_back_byte_for_byte() {
    for file in ["topics/offsets.jsonl", "topics/eos-offsets.jsonl"] {
        for Record { key, value, .. } in records(file) {
            assert_eq!(text(OffsetKey::decode(key.as_bytes()).unwrap().encode()), key);
            let offset = decode_offset(bytes(&value)).unwrap();
            assert_eq!(offset.as_ref().map(encode_offset).map(text), value);
        }
    }
}

/// Plays the scenario step by step and compares what the tables hold with what REST answered.
#[test]
fn the_fold_is_what_rest_answered() {
    let configs = records("topics/configs.jsonl");
    let statuses = records("topics/status.jsonl");
    let offsets = records("topics/offsets.jsonl");
    let mut done = [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()];
    let (mut state, mut table, mut stored) = (ClusterState::new(), StatusTable::new(), OffsetTable::new());
    let mut answers_seen = 0;
    for step in lines("topics/steps.jsonl") {
        let name = step["step"].as_str().unwrap().to_owned();
        for answer in step["answers"].as_array().unwrap() {
            let body = &answer["body"];
            let path = answer["path"].as_str().unwrap();
            if path.contains("/restart?") {
                // Answered from the statuses before anything was restarted.
                assert_eq!(&restart_answer(path, &table), body, "{name}");
                answers_seen += 1;
            } else if answer["status"] == 200 && body["tasks"].is_array() {
                // An update answers with the tasks as they still are.
                assert_eq!(json!(task_numbers(&state, path)), json!(numbers(&body["tasks"])), "{name}");
                answers_seen += 1;
            }
        }
        let ends = &step["end_offsets"];
        let mut changes = Vec::new();
        for record in up_to(&configs, &mut done[0], &ends["configs"]) {
            let decoded = ConfigRecord::decode(record.key.as_bytes(), bytes(&record.value)).unwrap();
            changes.extend(state.apply(decoded, record.offset));
        }
        assert_eq!(state.offset(), ends["configs"]["0"].as_i64().unwrap(), "{name}");
        for record in up_to(&statuses, &mut done[1], &ends["status"]) {
            table.apply(record.key.as_bytes(), bytes(&record.value)).unwrap();
        }
        for record in up_to(&offsets, &mut done[2], &ends["offsets"]) {
            stored.apply(record.key.as_bytes(), bytes(&record.value), None).unwrap();
        }
        for answer in step["answers"].as_array().unwrap() {
            let body = &answer["body"];
            if let Some(expected) = body["config"].as_object() {
                let config = state.config(body["name"].as_str().unwrap()).unwrap();
                assert!(same(config, expected), "{name}");
                assert!(changes.iter().any(|c| matches!(c, Change::Connector(_))), "{name}");
                answers_seen += 1;
            }
        }
        after_step(&name, &state, &table, &stored, &changes);
    }
    assert!(answers_seen > 15, "{answers_seen}");
}

fn after_step(name: &str, state: &ClusterState, table: &StatusTable, stored: &OffsetTable, changes: &[Change]) {
    let counts = |connector: &str| (state.task_count(connector), state.task_ids(connector).len());
    let position = || -> Vec<_> {
        stored.offsets("gsrc").map(|(p, o)| (p.0["filename"].clone(), o["position"].clone())).collect()
    };
    match name {
        "create sink" => assert_eq!(counts("gsnk"), (3, 3)),
        "stop sink" => {
            assert_eq!(state.target_state("gsnk").unwrap().as_str(), "STOPPED");
            assert_eq!(counts("gsnk"), (0, 0));
            assert_eq!(table.connector("gsnk").unwrap().state, State::Stopped);
            assert_eq!(table.tasks("gsnk").count(), 0);
        }
        "update config, identical" => assert_eq!(changes, [Change::Connector("gsrc".into())]),
        "scale sink down" => assert_eq!(counts("gsnk"), (2, 2)),
        "scale sink up" => {
            assert_eq!(counts("gsnk"), (4, 4));
            assert_eq!(state.applied_config("gsnk"), state.config("gsnk"));
        }
        "alter offsets, two partitions" => assert_eq!(position().len(), 2),
        "alter offsets, null" => assert_eq!(position(), [(json!("gin.txt"), json!(0))]),
        "reset offsets" => assert!(position().is_empty()),
        "create paused" => {
            assert_eq!(state.target_state("gpaused").unwrap().as_str(), "PAUSED");
            assert_eq!(table.connector("gpaused").unwrap().state, State::Paused);
        }
        "delete sink" => {
            assert!(!state.contains("gsnk") && state.task_ids("gsnk").is_empty());
            assert_eq!(table.tasks("gsnk").count(), 0);
        }
        "recreate sink, one task" => {
            assert_eq!(counts("gsnk"), (1, 1), "the old connector's four tasks are forgotten");
            assert_eq!(state.target_state("gsnk").unwrap().as_str(), "STARTED");
        }
        "stop worker" => {
            let names: Vec<_> = state.connectors().map(|name| &**name).collect();
            assert_eq!(names, ["g-run-2", "gsnk", "gsrc"]);
            assert!(state.session_key().is_some());
            let topics: Vec<_> = table.topics("gsrc").map(|status| &*status.topic).collect();
            assert_eq!(topics, ["golden-t"]);
        }
        _ => {}
    }
}

fn same(config: &Config, expected: &serde_json::Map<String, Value>) -> bool {
    let held: BTreeMap<_, _> = config.iter().collect();
    let expected: BTreeMap<_, _> = expected.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    held == expected
}

fn numbers(tasks: &Value) -> Vec<u64> {
    tasks.as_array().unwrap().iter().map(|task| task["task"].as_u64().unwrap()).collect()
}

fn task_numbers(state: &ClusterState, path: &str) -> Vec<u32> {
    state.task_ids(path.split('/').nth(2).unwrap()).iter().map(|id| id.task).collect()
}

fn restart_answer(path: &str, table: &StatusTable) -> Value {
    let name = path.split('/').nth(2).unwrap();
    let request = RestartRequest {
        connector: name.into(),
        include_tasks: path.contains("includeTasks=true"),
        only_failed: path.contains("onlyFailed=true"),
    };
    let plan = RestartPlan::new(request, table).unwrap();
    let shown = |state: State, status: &Status| {
        let mut shown = json!({"state": state.as_str(), "worker_id": status.worker_id, "version": status.version});
        if let Some(trace) = &status.trace {
            shown["trace"] = json!(trace);
        }
        shown
    };
    let connector = table.connector(name).unwrap();
    let tasks: Vec<_> = table
        .tasks(name)
        .map(|(task, status)| {
            let mut shown = shown(plan.task_state(task, status.state), status);
            shown["id"] = json!(task);
            shown
        })
        .collect();
    let kind = if name == "gsrc" { "source" } else { "sink" };
    json!({
        "name": name,
        "connector": shown(plan.connector_state(connector.state), connector),
        "tasks": tasks,
        "type": kind,
    })
}

#[test]
fn a_topic_of_an_exactly_once_worker_folds_too() {
    let mut state = ClusterState::new();
    for record in records("topics/eos-configs.jsonl") {
        let decoded = ConfigRecord::decode(record.key.as_bytes(), bytes(&record.value)).unwrap();
        state.apply(decoded, record.offset);
        for name in state.connectors() {
            let ids = state.task_ids(name);
            assert!(ids.iter().all(|id| state.task_config(id).is_some()));
            assert!(!state.is_inconsistent(name));
        }
    }
    assert!(state.fenced_tasks("c1").is_some());
    assert_eq!(state.task_config(&TaskId::new("nobody", 0)), None);
}
