//! Transformations against what Kafka Connect 4.3.1 computed.
//!
//! A vector is one record, settings, and what became of the record. Each is tried as a batch of its own against what was recorded,
//! and then, with all records of its file that have the same schemas, as one batch and as the same batch cut in two: what
//! becomes of a row must not depend on its neighbours.
//!
//! Values without schema are JSON text here, which does not have all that Java's maps may hold. Entries of a map that JSON has no
//! value for (dates, decimals, bytes, ...) are left out of the record and of the result, unless the settings name them.

mod differential;
mod predicates;
mod records;
mod values;

use arrow::array::{Array, AsArray, Int32Array, Int64Array, UInt32Array};
use arrow::compute::concat;
use millstream_api::{Batch, Column, ConnectorKind, Consumed, Header, HeaderValue, Headers, Transform, Transformed};
use millstream_plugins::transform;
use serde_json::{Value, json};

use crate::vectors::{Result, array_of, column_of, config_of, field_of, json_of};

/// A vector whose outcome differs from Java's: file, name, a part of its settings, and why.
///
/// A row that no longer differs, or names no vector, fails the test.
pub type Difference = (&'static str, &'static str, &'static str, &'static str);

/// What became of one record.
#[derive(Debug, PartialEq)]
enum Fate {
    Kept(Box<Kept>),
    Dropped,
    Failed(String),
}

/// A record of a result, in a form that compares.
#[derive(Debug, Default, PartialEq)]
struct Kept {
    topic: String,
    partition: Option<i32>,
    timestamp: Option<i64>,
    key: Cell,
    value: Cell,
    headers: Vec<(String, Cell)>,
}

/// A value and its schema.
#[derive(Debug, Default, PartialEq)]
enum Cell {
    #[default]
    Nothing,
    Json(Value),
    Typed(arrow::datatypes::FieldRef, arrow::array::ArrayData),
}

impl Cell {
    fn of(column: &Column, row: usize) -> Self {
        let one = column.slice(row, 1);
        if one.is_all_absent() || (one.is_schemaless() && one.is_null(0)) {
            return Self::Nothing;
        }
        if one.is_schemaless() {
            let text = one.array().as_string::<i32>().value(0);
            return match serde_json::from_str(text).unwrap_or_else(|e| panic!("{text} is no JSON: {e}")) {
                Value::Null => Self::Nothing,
                value => Self::Json(value),
            };
        }
        Self::Typed(one.field().clone(), concat(&[one.array()]).unwrap().to_data())
    }
}

/// The vectors of a file, with shared parts in their places and each output complete.
pub fn read(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/golden/transforms/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let all: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("a golden file")).expect("JSON");
    let mut vectors = all["vectors"].as_array().unwrap().clone();
    let whole = |record: &mut Value| {
        for part in ["key", "key_schema", "value", "value_schema"] {
            if let Some(place) = record.get(part).and_then(|part| part["shared"].as_u64()) {
                record[part] = all["shared"][place as usize].clone();
            }
        }
    };
    for vector in &mut vectors {
        whole(&mut vector["input"]);
        if vector["output"].is_object() {
            let mut output = vector["input"].clone();
            for (key, value) in vector["output"].as_object().unwrap() {
                output[key] = value.clone();
            }
            whole(&mut output);
            vector["output"] = output;
        }
    }
    vectors
}

/// The transformation of a vector, ready. An error is of its settings.
fn made(vector: &Value) -> Result<Box<dyn Transform>> {
    let mut made = transform(vector["transform"].as_str().unwrap()).expect("a transformation");
    made.configure(&config_of(vector), kind(&vector["input"])).map_err(|e| e.to_string())?;
    Ok(made)
}

fn kind(record: &Value) -> ConnectorKind {
    if record["kind"] == "sink" { ConnectorKind::Sink } else { ConnectorKind::Source }
}

/// A record as a batch of one row.
fn batch_of(record: &Value) -> Result<Batch> {
    let column = |part: &str| column_of(&record[format!("{part}_schema")], &record[part]);
    let mut batch = Batch::of_values(record["topic"].as_str().unwrap(), column("value")?);
    batch.key = column("key")?;
    batch.timestamps = record["timestamp"].as_i64().map(|time| Int64Array::from(vec![time]));
    batch.headers = Headers::from_rows([headers_of(record)?]);
    if kind(record) == ConnectorKind::Source {
        batch.partitions = record["partition"].as_i64().map(|partition| Int32Array::from(vec![partition as i32]));
    }
    Ok(batch)
}

fn headers_of(record: &Value) -> Result<Vec<Header>> {
    let header = |header: &Value| {
        let column = column_of(&header["schema"], &header["value"])?;
        Ok(Header::typed(header["key"].as_str().unwrap(), std::sync::Arc::new(column), 0))
    };
    record["headers"].as_array().into_iter().flatten().map(header).collect()
}

fn header_cell(header: &Header) -> (String, Cell) {
    let cell = match &header.value {
        HeaderValue::Typed(value) => Cell::of(value.column(), value.row()),
        HeaderValue::Raw(_) => panic!("a header of bytes"),
    };
    (header.key.to_string(), cell)
}

fn apply(transform: &mut dyn Transform, batch: Batch, record: &Value) -> Transformed {
    match kind(record) {
        ConnectorKind::Source => transform.apply(batch),
        ConnectorKind::Sink => {
            let offsets = Int64Array::from(vec![record["offset"].as_i64().unwrap(); batch.len()]);
            let partition = record["partition"].as_i64().unwrap() as i32;
            transform.apply_consumed(batch, Consumed { partition, offsets: &offsets })
        }
    }
}

/// What became of each row. Checks what any result must hold to.
fn fates(transformed: Transformed, rows: usize) -> Vec<Fate> {
    let mut fates: Vec<Fate> = (0..rows).map(|_| Fate::Dropped).collect();
    let mut last: Option<(String, u32)> = None;
    for (batch, origins) in &transformed.parts {
        assert_eq!(batch.len(), origins.len());
        assert!(!batch.is_empty(), "an empty part");
        assert_eq!(batch.key.len(), batch.len());
        for (row, origin) in origins.values().iter().enumerate() {
            if let Some((topic, last)) = &last {
                assert!(*topic != *batch.topic || last < origin, "rows out of order");
            }
            last = Some((batch.topic.to_string(), *origin));
            fates[*origin as usize] = Fate::Kept(Box::new(Kept {
                topic: batch.topic.to_string(),
                partition: batch.partitions.as_ref().filter(|all| all.is_valid(row)).map(|all| all.value(row)),
                timestamp: batch.timestamps.as_ref().filter(|all| all.is_valid(row)).map(|all| all.value(row)),
                key: Cell::of(&batch.key, row),
                value: Cell::of(&batch.value, row),
                headers: batch.headers.row(row).iter().map(header_cell).collect(),
            }));
        }
    }
    assert!(transformed.failures.is_sorted_by(|a, b| a.row < b.row), "failures out of order");
    for failure in transformed.failures {
        assert_eq!(fates[failure.row], Fate::Dropped, "a failed row is in a part");
        fates[failure.row] = Fate::Failed(failure.error.to_string());
    }
    fates
}

/// The recorded fate of a vector.
fn recorded(vector: &Value) -> Result<Fate> {
    if let Some(error) = vector["error"].as_str() {
        return Ok(Fate::Failed(error.to_owned()));
    }
    if vector["output"].is_null() {
        return Ok(Fate::Dropped);
    }
    let batch = batch_of(&vector["output"])?;
    let whole = UInt32Array::from(vec![0]);
    Ok(fates(Transformed { parts: vec![(batch, whole)], failures: Vec::new() }, 1).remove(0))
}

fn same(a: &Fate, b: &Fate) -> bool {
    match (a, b) {
        (Fate::Failed(_), Fate::Failed(_)) => true,
        (a, b) => a == b,
    }
}

/// Leaves out of schemaless maps what JSON has no value for. An error names what cannot be left out.
fn without_foreign(vector: &mut Value) -> Result<()> {
    let named: Vec<String> = vector["config"]
        .as_object()
        .map(|config| {
            config
                .values()
                .filter_map(Value::as_str)
                .flat_map(|list| list.split([',', ':']))
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    let failed = vector["stage"] == "apply";
    for record in ["input", "output"] {
        for part in ["key", "value"] {
            let schemaless = vector[record][format!("{part}_schema")].is_null();
            let Some(value) = vector.get_mut(record).and_then(|record| record.get_mut(part)).filter(|_| schemaless)
            else {
                continue;
            };
            if value["t"] != "map" {
                if !is_json(value) {
                    return Err(format!("a {} without schema", value["t"]));
                }
                continue;
            }
            let Some(entries) = value["v"].as_array_mut() else { continue };
            if let Some(foreign) =
                entries.iter().find(|entry| !is_json(&entry[1]) && named.iter().any(|name| entry[0]["v"] == *name))
            {
                return Err(format!("a {} without schema", foreign[1]["t"]));
            }
            let all = entries.len();
            entries.retain(|entry| is_json(&entry[1]));
            let touched = entries.iter().any(|entry| named.iter().any(|name| entry[0]["v"] == *name));
            if failed && entries.len() < all && !touched {
                return Err("an entry that JSON has no value for".to_owned());
            }
        }
    }
    Ok(())
}

/// True for what JsonConverter can read without schema.
fn is_json(value: &Value) -> bool {
    match value["t"].as_str() {
        Some("array") => value["v"].as_array().unwrap().iter().all(is_json),
        Some("map") => {
            value["v"].as_array().unwrap().iter().all(|entry| entry[0]["t"] == "string" && is_json(&entry[1]))
        }
        Some("float32" | "float64") => value["v"].is_number(),
        Some(kind) => ["int8", "int16", "int32", "int64", "boolean", "string"].contains(&kind),
        None => true,
    }
}

/// Tries all vectors of a file. `foreign`: how many of them have no form here (see above), or hold what no column can.
pub fn check(file: &str, differences: &[Difference], foreign: usize) {
    let vectors = read(file);
    let mut wrong = Vec::new();
    let mut used = vec![false; differences.len()];
    let mut left_out = Vec::new();
    let mut records: Vec<Value> = Vec::new();
    for (index, vector) in vectors.iter().enumerate() {
        let (name, config) = (vector["name"].as_str().unwrap(), vector["config"].to_string());
        let mut vector = vector.clone();
        // What was recorded of Java may show what JSON cannot, of a record that it can.
        let output = vector["output"].clone();
        vector["output"] = Value::Null;
        if let Err(e) = without_foreign(&mut vector).and_then(|()| batch_of(&vector["input"]).map(drop)) {
            left_out.push(format!("{index} {name}: {e}"));
            continue;
        }
        vector["output"] = output;
        records.push(vector["input"].clone());
        let listed = differences.iter().position(|(f, n, part, _)| *f == file && *n == name && config.contains(part));
        let ours = match made(&vector) {
            Ok(mut transform) => {
                if vector["stage"] == "configure" {
                    Fate::Kept(Box::default())
                } else {
                    let batch = batch_of(&vector["input"]).unwrap();
                    fates(apply(transform.as_mut(), batch, &vector["input"]), 1).remove(0)
                }
            }
            Err(e) if vector["stage"] == "configure" => Fate::Failed(e),
            Err(_) if listed.is_some() => {
                used[listed.unwrap()] = true;
                continue;
            }
            Err(e) => {
                wrong.push(format!("{index} {name} {config}: settings refused: {e}"));
                continue;
            }
        };
        let theirs = match json_output(&vector) {
            Some(fate) => Ok(fate),
            None => without_foreign(&mut vector).and_then(|()| recorded(&vector)),
        };
        let equal = theirs.as_ref().is_ok_and(|theirs| same(&ours, theirs));
        match (listed, equal) {
            (None, false) => wrong.push(format!("{index} {name} {config}: {ours:?} instead of {theirs:?}")),
            (Some(listed), true) => {
                wrong.push(format!("{index} {name} is listed as {:?} but equal", differences[listed]))
            }
            (Some(listed), false) => used[listed] = true,
            (None, true) => {}
        }
    }
    for (difference, used) in differences.iter().zip(used) {
        if difference.0 == file && !used {
            wrong.push(format!("{difference:?} is no vector"));
        }
    }
    assert!(wrong.is_empty(), "{file}: {} of {}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
    assert_eq!(left_out.len(), foreign, "{file}:\n{}", left_out.join("\n"));
    together(file, &vectors, &records);
}

/// A recorded value without schema that is a float JSON has no number for: a text, as JsonConverter writes it.
fn json_output(vector: &Value) -> Option<Fate> {
    let output = &vector["output"];
    let value = output.get("value").filter(|_| output["value_schema"].is_null())?;
    if !matches!(value["t"].as_str(), Some("float32" | "float64")) || value["v"].is_number() {
        return None;
    }
    let mut text = vector.clone();
    text["output"]["value"] = json!({"t": "string", "v": value["v"]});
    recorded(&text).ok()
}

/// Rows in one batch fare as each alone, wherever the batch is cut.
fn together(file: &str, vectors: &[Value], records: &[Value]) {
    for group in groups(records) {
        let batch = stacked(&group);
        for vector in
            vectors.iter().filter(|vector| vector["stage"] != "configure" && kind(&vector["input"]) == kind(group[0]))
        {
            let Ok(mut transform) = made(vector) else { continue };
            let apply = |transform: &mut dyn Transform, batch: Batch| {
                let rows = batch.len();
                fates(apply(transform, batch, group[0]), rows)
            };
            let alone: Vec<Fate> =
                (0..batch.len()).map(|row| apply(transform.as_mut(), batch.slice(row, 1)).remove(0)).collect();
            for cut in 0..batch.len() {
                let mut parts = if cut == 0 { Vec::new() } else { apply(transform.as_mut(), batch.slice(0, cut)) };
                parts.extend(apply(transform.as_mut(), batch.slice(cut, batch.len() - cut)));
                assert_eq!(alone, parts, "{file} {} {} cut at {cut}", vector["name"], vector["config"]);
            }
        }
    }
}

/// Records that may stand in one batch: of one kind, topic and place, and of one key schema and one value schema where they have
/// any.
fn groups(records: &[Value]) -> Vec<Vec<&Value>> {
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    let fits = |a: &Value, b: &Value| {
        let same = |part: &str| a[part] == b[part];
        let schema = |part: &str| {
            let nothing = |record: &Value| record[part].is_null() && record[format!("{part}_schema")].is_null();
            same(&format!("{part}_schema")) || nothing(a) || nothing(b)
        };
        ["kind", "topic", "partition", "offset"].iter().all(|part| same(part)) && schema("key") && schema("value")
    };
    for record in records {
        match groups.iter_mut().find(|group| group.iter().all(|other| fits(record, other))) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

/// The records one after the other.
fn stacked(records: &[&Value]) -> Batch {
    let column = |part: &str| {
        let name = format!("{part}_schema");
        let nothing = |record: &Value| record[&name].is_null() && record[part].is_null();
        let absent = records.iter().map(|record| nothing(record)).collect();
        let values: Vec<&Value> = records.iter().map(|record| &record[part]).collect();
        if records.iter().all(|record| nothing(record)) {
            return Column::absent(records.len());
        }
        let declared = records.iter().map(|record| &record[&name]).find(|schema| !schema.is_null());
        let column = match declared {
            None => Column::schemaless(
                values.iter().map(|value| (!value.is_null()).then(|| json_of(value).unwrap().to_string())).collect(),
            ),
            Some(declared) => {
                let field = std::sync::Arc::new(field_of(declared, "value").unwrap());
                let array = array_of(&field, &values).unwrap();
                Column::new(field, array).unwrap()
            }
        };
        column.with_absent(absent)
    };
    let mut batch = Batch::of_values(records[0]["topic"].as_str().unwrap(), column("value"));
    batch.key = column("key");
    batch.timestamps = Some(records.iter().map(|record| record["timestamp"].as_i64()).collect());
    batch.headers = Headers::from_rows(records.iter().map(|record| headers_of(record).unwrap()));
    if kind(records[0]) == ConnectorKind::Source {
        batch.partitions = Some(records.iter().map(|record| record["partition"].as_i64().map(|p| p as i32)).collect());
    }
    batch
}
