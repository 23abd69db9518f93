//! The recorded cases. Where we differ on purpose, [`DIFFERENT`] says so and why.

use std::collections::BTreeMap;
use std::path::Path;

use millstream_api::TopicPartition;
use serde_json::Value;

use super::play::{Outcome, play};
use super::{read, records};

/// What we do in place of what was recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ours {
    /// All records are written; the recording failed or reported some.
    Written,
    /// The records that cannot be written are reported; the recording failed.
    Reported,
    /// The same records in the same objects, with other values or columns.
    OtherValues,
    /// The task fails, where the recording ran.
    Fails,
}

/// Cases by the start of their name, what we do, and why.
const DIFFERENT: &[(&str, Ours, &str)] = &[
    ("parquet-schemaless-", Ours::Written, "JSON without a schema gets inferred columns"),
    ("parquet-all-schemaless", Ours::Written, "JSON without a schema gets inferred columns"),
    ("parquet-string-no-dlq", Ours::Fails, "as recorded"),
    ("parquet-string-", Ours::Reported, "a record error, not the end of the task"),
    ("parquet-array-no-dlq", Ours::Fails, "as recorded"),
    ("parquet-array-", Ours::Reported, "a record error, not the end of the task"),
    ("parquet-map-no-dlq", Ours::Fails, "as recorded"),
    ("parquet-map-", Ours::Reported, "a record error, not the end of the task"),
    ("parquet-fixed-wrong-no-dlq", Ours::Fails, "as recorded"),
    ("parquet-fixed-wrong-", Ours::Reported, "a record error, not the end of the task"),
    ("parquet-name-invalid-", Ours::Written, "Parquet takes names that Avro refuses"),
    ("parquet-optional-struct-", Ours::Written, "nothing in Parquet forbids an optional value schema"),
    ("struct-to-primitive-value-NONE", Ours::Fails, "recorded with JSON files; Parquet cannot hold the INT32"),
    ("decimal-value-exceeds-precision", Ours::Fails, "a value wider than its Decimal is a record error"),
    ("decimal-scale-over-precision", Ours::OtherValues, "a precision below the scale counts as none"),
    ("decimal-scale-negative", Ours::OtherValues, "a scale that Parquet has no Decimal for: text"),
    ("decimal-scale-over-64", Ours::OtherValues, "scales up to 76 are Decimals"),
    ("decimal-precision-negative", Ours::OtherValues, "a precision that is none counts as none"),
    ("decimal-precision-", Ours::Written, "a precision that is none counts as none"),
    ("map-int-keys-two-maps-different-types", Ours::Written, "nothing in Parquet forbids it"),
    ("nested-same-name-different", Ours::Written, "nothing in Parquet forbids it"),
    (
        "top-optional-default",
        Ours::Fails,
        "the default of a whole value is filled in by the converter, which is not here",
    ),
    ("top-optional", Ours::Written, "nothing in Parquet forbids an optional value schema"),
    ("top-name-", Ours::Written, "Parquet takes names that Avro refuses"),
    ("field-name-", Ours::Written, "Parquet takes names that Avro refuses"),
    ("enum-generic-enhanced-true", Ours::Written, "any parameters are fine"),
    ("enum-", Ours::OtherValues, "text, annotated as text and not as ENUM"),
    ("union-struct", Ours::OtherValues, "no Avro unions: fields keep their names"),
    ("codec-brotli", Ours::Written, "brotli works"),
];

fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/s3").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(file: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut wrong = Vec::new();
    for case in cases(file) {
        let name = case["name"].as_str().unwrap();
        // However records are cut into batches, the files are the same. Cases of thousands take too long one by one.
        let few = records::records(&case).len() < 100;
        for most in [usize::MAX, 1, 2].into_iter().filter(|most| few || *most == usize::MAX) {
            let outcome = runtime.block_on(play(&case, most));
            if let Err(why) = runtime.block_on(compare(&case, &outcome)) {
                wrong.push(format!("{name} (batches of {most}): {why}"));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn names_and_boundaries() {
    run("names_and_boundaries.jsonl");
}

#[test]
fn schemas() {
    run("schemas.jsonl");
}

#[test]
fn parquet_types() {
    run("parquet_types.jsonl");
}

#[test]
fn nulls_and_errors() {
    run("nulls_and_errors.jsonl");
}

fn difference(name: &str) -> Option<Ours> {
    DIFFERENT.iter().find(|(start, _, _)| name.starts_with(start)).map(|(_, ours, _)| *ours)
}

async fn compare(case: &Value, outcome: &Outcome) -> Result<(), String> {
    let failed = outcome.failed.as_ref().map(|error| error.to_string());
    let recorded_all = case["status"] == "RUNNING" && case["dlq"].as_array().is_none_or(Vec::is_empty);
    let ours = difference(case["name"].as_str().unwrap()).filter(|ours| *ours != Ours::Written || !recorded_all);
    let expected_failure = match ours {
        Some(Ours::Fails) => true,
        Some(Ours::Written | Ours::Reported) => false,
        Some(Ours::OtherValues) | None => case["status"] != "RUNNING",
    };
    match (&failed, expected_failure) {
        (Some(_), true) => return Ok(()),
        (None, false) => {}
        (Some(error), false) => return Err(format!("failed: {error}")),
        (None, true) => return Err("did not fail".to_owned()),
    }
    match ours {
        Some(Ours::Written) => {
            return match outcome.reported.as_slice() {
                [] => Ok(()),
                reported => Err(format!("reported {reported:?}")),
            };
        }
        Some(Ours::Reported) if outcome.reported.is_empty() => return Err("reported nothing".to_owned()),
        Some(Ours::Reported) => return Ok(()),
        _ => {}
    }
    reports(case, outcome)?;
    objects(case, outcome, ours == Some(Ours::OtherValues)).await?;
    committed(case, outcome)
}

fn reports(case: &Value, outcome: &Outcome) -> Result<(), String> {
    let Some(keys) = case["dlq"].as_array() else { return Ok(()) };
    let all = records::records(case);
    let ours: Vec<Value> = outcome
        .reported
        .iter()
        .map(|(origin, offset)| {
            let of = |r: &&records::Record| {
                *r.topic == *origin.topic && r.partition == origin.partition && r.offset == *offset
            };
            all.iter().find(of).unwrap().key.clone().map_or(Value::Null, Value::from)
        })
        .collect();
    if ours == *keys { Ok(()) } else { Err(format!("reported {ours:?}, recorded {keys:?}")) }
}

async fn objects(case: &Value, outcome: &Outcome, other_values: bool) -> Result<(), String> {
    let mut found = read::objects(&outcome.store).await;
    for object in case["objects"].as_array().into_iter().flatten() {
        let key = object["key"].as_str().unwrap();
        let key = key.strip_suffix(".json").map_or(key.to_owned(), |stem| format!("{stem}.snappy.parquet"));
        let Some(bytes) = found.remove(&key) else {
            return Err(format!("{key} is missing; there is {:?}", found.keys().collect::<Vec<_>>()));
        };
        let (rows, metadata) = read::parquet(&bytes);
        if let Some(expected) = object["records"].as_u64()
            && rows.len() as u64 != expected
        {
            return Err(format!("{key} has {} records, recorded {expected}", rows.len()));
        }
        let span =
            [read::footer(&metadata, "millstream-start-offset"), read::footer(&metadata, "millstream-end-offset")];
        if let Some(offsets) = object["offsets"].as_array() {
            let offsets: Vec<_> = offsets.iter().map(Value::to_string).collect();
            if span.map(Option::unwrap_or_default) != *offsets {
                return Err(format!("{key} holds offsets {span:?}, recorded {offsets:?}"));
            }
        }
        if other_values {
            continue;
        }
        if let Some(values) = object["values"].as_array()
            && let Some((ours, theirs)) = rows.iter().zip(values).find(|(ours, theirs)| !same(ours, theirs))
        {
            return Err(format!("{key}: row {ours}, recorded {theirs}"));
        }
        columns(&key, object, &metadata)?;
    }
    if found.is_empty() { Ok(()) } else { Err(format!("more objects: {:?}", found.keys().collect::<Vec<_>>())) }
}

/// Lists (three levels with us), maps and Decimals (38 digits with us) look different on purpose: they are left out here.
fn columns(key: &str, object: &Value, metadata: &parquet::file::metadata::ParquetMetaData) -> Result<(), String> {
    let schema = metadata.file_metadata().schema_descr();
    if let Some(root) = object["root"].as_str()
        && schema.root_schema().name() != root
    {
        return Err(format!("{key}: root {}, recorded {root}", schema.root_schema().name()));
    }
    let Some(recorded) = object["columns"].as_array() else { return Ok(()) };
    let ours: BTreeMap<String, _> =
        schema.columns().iter().map(|column| (column.path().string(), column.clone())).collect();
    for column in recorded {
        let path = column[0].as_str().unwrap();
        if path.contains("array")
            || path.contains("list")
            || path.contains("key_value")
            || column[2].as_str().unwrap().starts_with("Decimal")
        {
            continue;
        }
        let Some(column_of_ours) = ours.get(path) else { return Err(format!("{key}: column {path} is missing")) };
        let levels = [column_of_ours.max_def_level().into(), column_of_ours.max_rep_level().into()];
        let physical = column_of_ours.physical_type().to_string();
        if [column[3].as_i64(), column[4].as_i64()] != levels.map(|level: i64| Some(level)) || column[1] != physical {
            return Err(format!("{key}: column {path} is {physical} {levels:?}, recorded {column}"));
        }
    }
    Ok(())
}

/// Equal values; numbers and Decimals by what they mean.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        // The reader of the recordings is off by one in the last place, here and there.
        (Value::Number(a), Value::Number(b)) => {
            let near = |a: f64, b: f64| (a - b).abs() <= a.abs() * f64::EPSILON;
            a == b || (a.is_f64() || b.is_f64()) && a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| near(a, b))
        }
        (Value::String(a), Value::String(b)) => match (a.strip_prefix("decimal:"), b.strip_prefix("decimal:")) {
            (Some(a), Some(b)) => plain(a) == plain(b),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => {
            let (a, b) = (in_key_order(a), in_key_order(b));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// The pairs of a map by key: they are recorded in the order of a hash map. Other lists stay.
fn in_key_order(list: &[Value]) -> Vec<&Value> {
    let mut list: Vec<&Value> = list.iter().collect();
    if list.iter().all(|item| item.as_array().is_some_and(|pair| pair.len() == 2 && pair[0].is_string())) {
        list.sort_by_key(|pair| pair[0].as_str().map(str::to_owned));
    }
    list
}

/// `5E-3` and `0.005` as the same digits and scale.
fn plain(number: &str) -> (String, i64) {
    let (mantissa, exponent) = number.split_once('E').unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let digits = digits.trim_start_matches('0');
    (format!("{sign}{digits}"), fraction.len() as i64 - exponent.parse::<i64>().unwrap())
}

/// Offsets go at least as far as recorded; further only over records that were skipped (they hold nothing back here).
fn committed(case: &Value, outcome: &Outcome) -> Result<(), String> {
    let several = case["config"]["topics"].as_str().is_some_and(|topics| topics.contains(','));
    let mut recorded = BTreeMap::new();
    for (partition, offset) in case["committed"].as_object().into_iter().flatten() {
        let (topic, number) = match partition.rsplit_once('-') {
            Some((topic, number)) if several || partition.contains('-') => (topic.to_owned(), number),
            _ => (case["config"]["topics"].as_str().unwrap_or_default().to_owned(), partition.as_str()),
        };
        recorded.insert(TopicPartition::new(topic, number.parse().unwrap()), offset.as_i64().unwrap());
    }
    let written = spans(case);
    for (origin, ours) in &outcome.committed {
        let theirs = recorded.get(origin).copied().unwrap_or(0);
        let end = written
            .iter()
            .filter(|(of, _)| *of == origin.to_string())
            .map(|(_, last)| last + 1)
            .max()
            .unwrap_or(0)
            .max(theirs);
        let skipped = |offset: &i64| is_skipped(case, outcome, origin, *offset);
        if *ours < theirs || !(end.min(*ours)..*ours).all(|offset| skipped(&offset)) {
            return Err(format!("{origin} committed at {ours}, recorded {theirs}"));
        }
    }
    Ok(())
}

/// Origin and last offset of the recorded objects.
fn spans(case: &Value) -> Vec<(String, i64)> {
    let mut spans = Vec::new();
    for object in case["objects"].as_array().into_iter().flatten() {
        let Some(offsets) = object["offsets"].as_array() else { continue };
        let name = object["key"].as_str().unwrap().rsplit('/').next().unwrap();
        let mut parts = name.split('+');
        let origin = format!("{}-{}", parts.next().unwrap(), parts.next().unwrap_or("0"));
        spans.push((origin, offsets[1].as_i64().unwrap()));
    }
    spans
}

fn is_skipped(case: &Value, outcome: &Outcome, origin: &TopicPartition, offset: i64) -> bool {
    if outcome.reported.contains(&(origin.clone(), offset)) {
        return true;
    }
    let filter = case["config"]["predicates.h.name"].as_str();
    records::records(case).iter().any(|record| {
        *record.topic == *origin.topic
            && record.partition == origin.partition
            && record.offset == offset
            && (record.headers.iter().any(|name| Some(name.as_str()) == filter)
                || record.value.as_deref().is_none_or(|text| text == "null" || text.ends_with("\"payload\":null}")))
    })
}
