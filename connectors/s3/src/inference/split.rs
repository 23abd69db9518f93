//! What a fixed column keeps of a value, and the rest. Both together are the value.
//!
//! Objects are taken apart field by field; anything else is kept whole or not at all.

use serde::Serialize;
use sonic_rs::{JsonContainerTrait as _, Object, Value};

use super::kind::{Kind, child};

/// The part that a column of this kind holds.
pub(super) fn kept(kind: &Kind, value: &Value) -> Option<Value> {
    if kind.holds(value) {
        return Some(value.clone());
    }
    let (Kind::Object(children), Some(object)) = (kind, value.as_object()) else { return None };
    let mut kept_fields = Object::new();
    for (position, (name, value)) in object.iter().enumerate() {
        if let Some(fitting) = child(children, position, name).and_then(|(_, kind)| kept(kind, value)) {
            kept_fields.insert(name, fitting);
        }
    }
    Some(Value::from(kept_fields))
}

/// Appends the part that a column of this kind does not hold, as JSON text; there must be one. The order is that of the
/// record: the same record always gives the same bytes.
pub(super) fn rest(kind: &Kind, value: &Value, text: &mut String) {
    let (Kind::Object(children), Some(object)) = (kind, value.as_object()) else { return append(value, text) };
    let mut separator = '{';
    for (position, (name, value)) in object.iter().enumerate() {
        let known = child(children, position, name).map(|(_, kind)| kind);
        if known.is_some_and(|kind| kind.holds(value)) {
            continue;
        }
        text.push(separator);
        separator = ',';
        append(name, text);
        text.push(':');
        match known {
            Some(kind) => rest(kind, value, text),
            None => append(value, text),
        }
    }
    text.push('}');
}

fn append(value: &(impl Serialize + ?Sized), text: &mut String) {
    text.push_str(&sonic_rs::to_string(value).unwrap_or_default());
}
