use millstream_api::config::{ConfigKey, ConfigValues, Default};
use millstream_api::{Config, ConnectorKind, PluginInfo};
use millstream_core::settings::{Offered, WorkerConfig, check_settings, offer, plugin_def, sink_def, source_def};
use serde_json::{Value, json};

use crate::lines;

const JSON: PluginInfo =
    PluginInfo { class: "org.apache.kafka.connect.json.JsonConverter", aliases: &[], version: "4.3.1" };
const HEADER: PluginInfo =
    PluginInfo { class: "org.apache.kafka.connect.storage.SimpleHeaderConverter", aliases: &[], version: "4.3.1" };

fn shown(key: &ConfigKey) -> Value {
    let default = match &key.default {
        Default::Text(text) => json!(text),
        Default::Required | Default::Null => Value::Null,
    };
    json!({
        "name": key.name,
        "type": key.kind.as_str(),
        "required": key.default == Default::Required,
        "default_value": default,
        "importance": key.importance.as_str(),
        "group": key.group,
        "order_in_group": key.order_in_group,
        "width": key.width.as_str(),
        "display_name": key.display_name,
        "dependents": key.dependents,
    })
}

fn offered() -> Offered<'static> {
    Offered { version: "4.3.1", converters: &[JSON], header_converters: &[HEADER] }
}

fn worker() -> WorkerConfig {
    let raw: Config = [
        ("bootstrap.servers", "localhost:9092"),
        ("group.id", "probe-connect"),
        ("config.storage.topic", "configs"),
        ("offset.storage.topic", "offsets"),
        ("status.storage.topic", "status"),
        ("key.converter", JSON.class),
        ("value.converter", JSON.class),
    ]
    .into_iter()
    .collect();
    WorkerConfig::parse(&raw).unwrap()
}

fn kind(name: &str) -> ConnectorKind {
    if name.to_lowercase().contains("source") { ConnectorKind::Source } else { ConnectorKind::Sink }
}

/// The connector's own keys are not the core's.
fn of_every_connector(name: &Value) -> bool {
    !["file", "topic", "batch.size"].contains(&name.as_str().unwrap())
}

/// Automatic restarts and dead letters of sources are Millstream's own: their keys stand in groups of their own.
fn of_kafka_connect(key: &ConfigKey) -> bool {
    let ours = matches!(key.group.as_deref(), Some("Automatic Restart" | "Dead Letter Queue"));
    assert!(!ours || key.name.starts_with("errors."), "{}", key.name);
    assert!(ours || !key.name.starts_with("errors.task.restart."), "{}", key.name);
    !ours
}

#[test]
fn definitions_without_a_worker() {
    for line in lines("settings/plugin-config.jsonl") {
        let def = offer(plugin_def(kind(line["plugin"].as_str().unwrap())), &offered());
        let expected: Vec<_> =
            line["configs"].as_array().unwrap().iter().filter(|key| of_every_connector(&key["name"])).collect();
        let ours: Vec<_> = def.keys().filter(|key| of_kafka_connect(key)).map(shown).collect();
        assert_eq!(ours.iter().collect::<Vec<_>>(), expected);
    }
}

fn verdict(case: &Value) -> ConfigValues {
    let kind = kind(case["case"].as_str().unwrap());
    let mut config = Config::new();
    for (key, value) in case["config"].as_object().unwrap() {
        config.set_nullable(key.as_str(), value.as_str().map(str::to_owned));
    }
    let worker = worker();
    let def = if kind == ConnectorKind::Source { source_def(&worker) } else { sink_def(&worker) };
    let mut values = offer(def, &offered()).validate(&config);
    check_settings(kind, &config, &worker, &mut values);
    values
}

#[test]
fn definitions_on_a_worker() {
    for case in lines("settings/validate.jsonl").iter().take(2) {
        let values = verdict(case);
        let expected: Vec<_> = case["configs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["definition"])
            .filter(|definition| of_every_connector(&definition["name"]))
            .collect();
        let keys = values.iter().map(|value| &value.key);
        let ours: Vec<_> = keys.filter(|key| of_kafka_connect(key)).map(shown).collect();
        assert_eq!(ours.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn verdicts() {
    let (mut values, mut errors) = (0, 0);
    for case in lines("settings/validate.jsonl").iter().skip(2) {
        let name = case["case"].as_str().unwrap();
        // What a null is, and which classes there are, is told by the worker's validation.
        if matches!(name, "source-null-values" | "source-empty-values") {
            continue;
        }
        let verdict = verdict(case);
        for expected in case["configs"].as_array().unwrap().iter().filter(|entry| of_every_connector(&entry["name"])) {
            let key = expected["name"].as_str().unwrap();
            // Java has two entries of this key: the setting, and the one that carries the conflict.
            if key == "consumer.override.group.id" && expected["errors"] == 0 {
                continue;
            }
            let ours = verdict.get(key).unwrap_or_else(|| panic!("{name}: {key} is missing"));
            let expected_errors = expected["errors"].as_u64().unwrap();
            assert_eq!(ours.errors.len() as u64, expected_errors, "{name}: {key}: {:?}", ours.errors);
            if key != "consumer.override.group.id" {
                assert_eq!(json!(ours.text()), expected["value"], "{name}: {key}");
            }
            values += 1;
            errors += expected_errors;
        }
        assert_eq!(verdict.error_count() as u64, errors, "{name}");
        errors = 0;
    }
    assert!(values > 300);
}
