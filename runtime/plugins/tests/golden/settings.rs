//! The plugins and their settings as Kafka Connect shows them.

use millstream_api::PluginKind;
use millstream_plugins::{converter_def, plugin_list, predicate_def, transform_def};
use serde_json::{Value, json};

fn golden(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn plugins_are_listed_in_the_order_of_kafka_connect() {
    let recorded = golden("rest/connector-plugins.jsonl");
    let all = recorded.iter().find(|exchange| exchange["path"] == "/connector-plugins?connectorsOnly=false").unwrap();
    let is_connector = |plugin: &&Value| plugin["type"] == "sink" || plugin["type"] == "source";
    let theirs: Vec<_> = all["answer"].as_array().unwrap().iter().filter(|plugin| !is_connector(plugin)).collect();
    let ours: Vec<_> = plugin_list()
        .into_iter()
        .map(|(kind, info)| json!({"class": info.class, "type": kind.as_str(), "version": info.version}))
        .collect();
    assert_eq!(ours.iter().collect::<Vec<_>>(), theirs);
}

#[test]
fn keys_are_those_of_kafka_connect() {
    let recorded = golden("plugins/definitions.jsonl");
    for plugin in &recorded {
        let class = plugin["class"].as_str().unwrap();
        let (kind, _) = plugin_list().into_iter().find(|(_, info)| info.class == class).unwrap();
        let def = match kind {
            PluginKind::Transformation => transform_def(class).unwrap(),
            PluginKind::Predicate => predicate_def(class).unwrap(),
            _ => converter_def(class).unwrap(),
        };
        let ours: Vec<Value> = def
            .keys()
            .map(|key| {
                assert!(key.documentation.len() > 20, "{class} {} is not documented", key.name);
                let (required, default) = match &key.default {
                    millstream_api::config::Default::Required => (true, None),
                    millstream_api::config::Default::Null => (false, None),
                    millstream_api::config::Default::Text(text) => (false, Some(text.clone())),
                };
                json!({
                    "name": key.name, "type": key.kind.as_str(), "required": required, "default_value": default,
                    "importance": key.importance.as_str(), "documentation": "", "group": key.group,
                    "order_in_group": key.order_in_group, "width": key.width.as_str(),
                    "display_name": key.display_name, "dependents": key.dependents,
                })
            })
            .collect();
        assert_eq!(Value::Array(ours), plugin["keys"], "{class}");
        // Java offers values of no key of theirs.
        assert!(def.keys().all(|key| key.recommended.is_empty()), "{class}");
    }
    assert_eq!(recorded.len(), 39);
}
