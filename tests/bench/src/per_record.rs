//! What the data plane is measured against: the same work on one record after another, each a `serde_json::Value`.
//!
//! It is what a straightforward program does: parse the record, check each field against its schema, change the map of fields (and the
//! schema) with every transformation, write the record. It knows the transformations of [`crate::made_records::CHAIN`] and nothing else,
//! and leaves logical values (decimals in Base64) as they stand, which spares it work that a converter has to do.

use std::collections::HashMap;
use std::sync::Arc;

use millstream_testbed::{Error, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// What happens to the schemas of envelopes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Schemas {
    /// Each record's is parsed, changed and written.
    OfEachRecord,
    /// Parsed, changed and written once: a record whose schema has the bytes of the last one's shares what was made of them.
    Kept,
    /// There are none.
    None,
}

/// One record.
pub struct Record {
    schema: Option<Arc<Value>>,
    value: Value,
}

/// The program; it keeps what [`Schemas::Kept`] needs.
pub struct PerRecord {
    schemas: Schemas,
    /// The bytes from an envelope's begin to its payload, and the schema in them.
    last: Option<(Vec<u8>, Arc<Value>)>,
    changed: HashMap<(*const Value, Step), Arc<Value>>,
    written: Option<(Arc<Value>, Vec<u8>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Replace,
    Cast,
    Insert,
}

#[derive(Serialize)]
struct Envelope<'a> {
    schema: &'a Value,
    payload: &'a Value,
}

const BEFORE_PAYLOAD: &[u8] = b",\"payload\":";

impl PerRecord {
    /// A program that has seen no record.
    pub fn new(schemas: Schemas) -> PerRecord {
        PerRecord { schemas, last: None, changed: HashMap::new(), written: None }
    }

    /// Bytes to a record.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Record> {
        if self.schemas == Schemas::None {
            return Ok(Record { schema: None, value: serde_json::from_slice(bytes)? });
        }
        if let Some((head, schema)) = &self.last
            && let Some(payload) = bytes.strip_prefix(head.as_slice()).and_then(|rest| rest.strip_suffix(b"}"))
        {
            let value = serde_json::from_slice(payload)?;
            check(schema, &value)?;
            return Ok(Record { schema: Some(schema.clone()), value });
        }
        let mut envelope: Map<String, Value> = serde_json::from_slice(bytes)?;
        let value = envelope.remove("payload").ok_or_else(|| Error::new("an envelope without payload"))?;
        let schema = envelope.remove("schema").ok_or_else(|| Error::new("an envelope without schema"))?;
        check(&schema, &value)?;
        let schema = Arc::new(schema);
        if self.schemas == Schemas::Kept {
            let end = bytes.windows(BEFORE_PAYLOAD.len()).position(|window| window == BEFORE_PAYLOAD);
            let end = end.ok_or_else(|| Error::new("an envelope whose payload does not come last"))?;
            self.last = Some((bytes[..end + BEFORE_PAYLOAD.len()].to_vec(), schema.clone()));
        }
        Ok(Record { schema: Some(schema), value })
    }

    /// The three transformations.
    pub fn transform(&mut self, mut record: Record) -> Result<Record> {
        for (step, change_schema, change_value) in [
            (Step::Replace, replace_in_schema as fn(&mut Vec<Value>), replace as fn(Map<String, Value>) -> Map<_, _>),
            (Step::Cast, cast_in_schema, cast),
            (Step::Insert, insert_in_schema, insert),
        ] {
            if let Some(schema) = record.schema.take() {
                record.schema = Some(self.schema(schema, step, change_schema)?);
            }
            let Value::Object(fields) = record.value else { return Err(Error::new("a record that is no object")) };
            record.value = Value::Object(change_value(fields));
        }
        Ok(record)
    }

    fn schema(&mut self, mut schema: Arc<Value>, step: Step, change: fn(&mut Vec<Value>)) -> Result<Arc<Value>> {
        let known = (Arc::as_ptr(&schema), step);
        if let Some(changed) = self.changed.get(&known) {
            return Ok(changed.clone());
        }
        // A schema that nobody else has is changed where it stands.
        let fields = Arc::make_mut(&mut schema).get_mut("fields").and_then(Value::as_array_mut);
        change(fields.ok_or_else(|| Error::new("a schema without fields"))?);
        if self.schemas == Schemas::Kept {
            self.changed.insert(known, schema.clone());
        }
        Ok(schema)
    }

    /// A record to bytes.
    pub fn encode(&mut self, record: Record) -> Result<Vec<u8>> {
        let Some(schema) = record.schema else { return Ok(serde_json::to_vec(&record.value)?) };
        if self.schemas != Schemas::Kept {
            return Ok(serde_json::to_vec(&Envelope { schema: &schema, payload: &record.value })?);
        }
        if self.written.as_ref().is_none_or(|(last, _)| !Arc::ptr_eq(last, &schema)) {
            let mut head = b"{\"schema\":".to_vec();
            serde_json::to_writer(&mut head, &*schema)?;
            head.extend_from_slice(BEFORE_PAYLOAD);
            self.written = Some((schema, head));
        }
        let head = self.written.as_ref().map_or(&[][..], |(_, head)| head);
        let mut bytes = Vec::with_capacity(head.len() + 512);
        bytes.extend_from_slice(head);
        serde_json::to_writer(&mut bytes, &record.value)?;
        bytes.push(b'}');
        Ok(bytes)
    }
}

/// Refuses a field that is not of its type.
fn check(schema: &Value, value: &Value) -> Result<()> {
    let fields = schema.get("fields").and_then(Value::as_array).context_none("a schema without fields")?;
    let object = value.as_object().context_none("a payload that is no object")?;
    for field in fields {
        let name = field.get("field").and_then(Value::as_str).context_none("a field without name")?;
        let kind = field.get("type").and_then(Value::as_str).context_none("a field without type")?;
        let fits = match object.get(name) {
            None | Some(Value::Null) => field.get("optional").and_then(Value::as_bool) == Some(true),
            Some(value) => match kind {
                "int32" => value.as_i64().is_some_and(|value| i32::try_from(value).is_ok()),
                "int64" => value.is_i64(),
                "double" => value.is_number(),
                "boolean" => value.is_boolean(),
                "string" | "bytes" => value.is_string(),
                other => return Err(Error::new(format!("a type that no made record has: {other}"))),
            },
        };
        if !fits {
            return Err(Error::new(format!("field {name} is no {kind}")));
        }
    }
    Ok(())
}

trait ContextNone<T> {
    fn context_none(self, what: &str) -> Result<T>;
}

impl<T> ContextNone<T> for Option<T> {
    fn context_none(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Error::new(what))
    }
}

fn replace(fields: Map<String, Value>) -> Map<String, Value> {
    let mut replaced = Map::with_capacity(fields.len());
    for (name, value) in fields {
        match name.as_str() {
            "birthday" => {}
            "account" => drop(replaced.insert("account_id".to_owned(), value)),
            _ => drop(replaced.insert(name, value)),
        }
    }
    replaced
}

fn replace_in_schema(fields: &mut Vec<Value>) {
    fields.retain(|field| field["field"] != "birthday");
    for field in fields.iter_mut().filter(|field| field["field"] == "account") {
        field["field"] = "account_id".into();
    }
}

fn cast(mut fields: Map<String, Value>) -> Map<String, Value> {
    // An int32 and an int64 are the same number of JSON.
    if let Some(account) = fields.get_mut("account_id") {
        *account = Value::String(account.to_string());
    }
    fields
}

fn cast_in_schema(fields: &mut Vec<Value>) {
    for field in fields {
        match field["field"].as_str() {
            Some("quantity") => field["type"] = "int64".into(),
            Some("account_id") => field["type"] = "string".into(),
            _ => {}
        }
    }
}

fn insert(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.insert("origin".to_owned(), "bench".into());
    fields
}

fn insert_in_schema(fields: &mut Vec<Value>) {
    fields.push(serde_json::json!({"type": "string", "optional": true, "field": "origin"}));
}
