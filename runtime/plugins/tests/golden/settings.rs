//! Settings of converters as Kafka Connect shows them.

use millstream_plugins::converter_def;
use serde_json::{Value, json};

#[test]
fn keys_are_those_of_kafka_connect() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/jsonconverter/settings.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (converter, keys) in recorded.as_object().unwrap() {
        let def = converter_def(converter).unwrap();
        let ours: Vec<Value> = def
            .keys()
            .map(|key| {
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
        assert_eq!(&Value::Array(ours), keys, "{converter}");
    }
}
