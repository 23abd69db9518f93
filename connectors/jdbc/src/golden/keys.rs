//! The definition of the keys.

use millstream_api::config::Default;
use serde_json::{Value, json};

use super::lines;

#[test]
fn keys_are_defined_as_recorded() {
    let def = crate::config::config_def();
    let recorded = lines(include_str!("../../../../tests/golden/jdbc/keys.jsonl"));
    let ours: Vec<Value> = def
        .keys()
        .filter(|key| !key.internal)
        .map(|key| {
            json!({
                "name": key.name,
                "type": key.kind.as_str(),
                "required": key.default == Default::Required,
                "default_value": match &key.default {
                    Default::Text(_) if key.kind.as_str() == "PASSWORD" => Value::from("[hidden]"),
                    Default::Text(text) => Value::from(text.as_str()),
                    _ => Value::Null,
                },
                "importance": key.importance.as_str(),
                "group": key.group.as_deref().unwrap_or_default(),
                "width": key.width.as_str(),
                "order_in_group": key.order_in_group,
                "dependents": key.dependents,
                "recommended": key.recommended,
            })
        })
        .collect();
    for (ours, recorded) in ours.iter().zip(&recorded) {
        for (field, recorded_as) in [
            ("name", "name"),
            ("type", "type"),
            ("required", "required"),
            ("default_value", "default_value"),
            ("importance", "importance"),
            ("group", "group"),
            ("width", "width"),
            ("order_in_group", "order_in_group"),
            ("dependents", "dependents"),
            ("recommended", "recommended_values"),
        ] {
            let recorded = match &recorded[recorded_as] {
                Value::Null if field == "group" => &json!(""),
                other => other,
            };
            assert_eq!(&ours[field], recorded, "{} {field}", ours["name"]);
        }
    }
    assert_eq!(ours.len(), recorded.len());
    let internal: Vec<_> = def.keys().filter(|key| key.internal).map(|key| key.name.as_str()).collect();
    assert_eq!(internal, ["tables", "tables.fetched", "engine.shutdown.timeout"]);
}
