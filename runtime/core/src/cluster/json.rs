//! Reading fields of a record's JSON value, with errors that name the record.

use millstream_api::{Config, Error, Result};
use serde_json::{Map, Value};

/// A JSON object read from a record, and the record's key for errors.
pub(super) struct Fields<'a> {
    pub(super) key: &'a str,
    pub(super) map: Map<String, Value>,
}

/// The record's value as JSON, as Kafka Connect's converter reads it: what follows the first value is not looked at, and nothing at all
/// is null.
pub(super) fn json(value: Option<&[u8]>) -> serde_json::Result<Value> {
    let value = value.unwrap_or_default();
    serde_json::Deserializer::from_slice(value).into_iter().next().unwrap_or(Ok(Value::Null))
}

/// Whether the offset of a record counts even though the record is ignored.
///
/// Workers compare how far they have read the config topic. Kafka Connect passes over a value that is not JSON without counting it;
/// a worker that did count it would seem ahead of the others for ever.
pub fn offset_counts(value: Option<&[u8]>) -> bool {
    json(value).is_ok()
}

/// The record's value as a JSON object; `None` for a tombstone, JSON's null and no bytes at all, which all mean the same.
pub(super) fn object<'a>(key: &'a str, value: Option<&[u8]>) -> Result<Option<Fields<'a>>> {
    match json(value) {
        Ok(Value::Object(map)) => Ok(Some(Fields { key, map })),
        Ok(Value::Null) => Ok(None),
        Ok(_) => Err(wrong(key, "its value is not a JSON object")),
        // serde_json's message may quote a part of the value, which may be a secret: only its place is told.
        Err(e) => Err(wrong(key, &format!("its value is not JSON (line {}, column {})", e.line(), e.column()))),
    }
}

/// The error of a record that does not have its form.
pub(super) fn wrong(key: &str, reason: &str) -> Error {
    Error::data(format!("the record with key {key} cannot be read: {reason}"))
}

impl Fields<'_> {
    pub(super) fn text(&self, field: &str) -> Result<Option<&str>> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(&format!("field {field} is not a text"))),
        }
    }

    pub(super) fn int(&self, field: &str) -> Result<i64> {
        self.map
            .get(field)
            .and_then(Value::as_i64)
            .ok_or_else(|| self.wrong(&format!("field {field} is not an integer")))
    }

    pub(super) fn count(&self, field: &str) -> Result<u32> {
        u32::try_from(self.int(field)?).map_err(|_| self.wrong(&format!("field {field} is out of range")))
    }

    /// False when it is missing or anything else than true.
    pub(super) fn flag(&self, field: &str) -> bool {
        self.map.get(field) == Some(&Value::Bool(true))
    }

    /// The flat map of settings in `properties`.
    pub(super) fn properties(&self) -> Result<Config> {
        let Some(Value::Object(map)) = self.map.get("properties") else {
            return Err(self.wrong("field properties is not a map"));
        };
        let mut config = Config::new();
        for (name, value) in map {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
                Value::Array(_) | Value::Object(_) => {
                    return Err(self.wrong(&format!("property {name} is not a text")));
                }
            };
            config.set_nullable(name.as_str(), text);
        }
        Ok(config)
    }

    pub(super) fn wrong(&self, reason: &str) -> Error {
        wrong(self.key, reason)
    }
}
