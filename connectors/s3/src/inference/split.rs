//! What a fixed column keeps of a value, and the rest.

use sonic_rs::{JsonContainerTrait as _, Object, Value};

use super::kind::{Kind, child};

/// The part that a column of this kind holds, and the part that it does not. Objects are taken apart field by field; anything
/// else is kept whole or not at all. Both parts together are the value.
pub(super) fn split(kind: &Kind, value: &Value) -> (Option<Value>, Option<Value>) {
    if kind.holds(value) {
        return (Some(value.clone()), None);
    }
    let (Kind::Object(children), Some(object)) = (kind, value.as_object()) else {
        return (None, Some(value.clone()));
    };
    let (mut kept, mut rest) = (Object::new(), Object::new());
    for (position, (name, value)) in object.iter().enumerate() {
        let (fitting, left) = match child(children, position, name) {
            Some((_, kind)) => split(kind, value),
            None => (None, Some(value.clone())),
        };
        if let Some(fitting) = fitting {
            kept.insert(name, fitting);
        }
        if let Some(left) = left {
            rest.insert(name, left);
        }
    }
    (Some(Value::from(kept)), Some(Value::from(rest)))
}
