//! JsonConverter.

use arrow::array::{Array, AsArray, BinaryArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Column, Converter, ConverterRole, schema};
use millstream_plugins::converter;
use serde_json::Value;

use crate::vectors::{Result, array_of, column_of, config_of, field_of, json_of, read};

/// Vectors whose outcome differs from Java's: direction and name, the end of the JSON text (empty: any), and why.
///
/// A row that no longer differs, or names no vector, fails the test.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("write struct fields with defaults unset", ",\"b\":\"x\",\"c\":null}}", NO_NULL_IN_REQUIRED),
    ("write struct fields with defaults unset", "{\"a\":5,\"b\":\"x\",\"c\":null}", NO_NULL_IN_REQUIRED),
    ("write struct fields with defaults set null", ",\"b\":\"x\",\"c\":null}}", NO_NULL_IN_REQUIRED),
    ("write struct fields with defaults set null", "{\"a\":5,\"b\":\"x\",\"c\":null}", NO_NULL_IN_REQUIRED),
    (
        "write map optional string keys with null",
        "",
        "Arrow's map keys are never null; Java writes the text \"null\" for one",
    ),
    ("write decimal wrong scale", "1.234}", "a decimal column has one scale, its schema's"),
    ("write decimal wrong scale", "1.234", "a decimal column has one scale, its schema's"),
    ("read envelope shape", "trailing", TRAILING),
    ("read schemaless", "1 2", TRAILING),
    ("read primitive int8", ":128}", OUT_OF_RANGE),
    ("read primitive int8", ":300}", OUT_OF_RANGE),
    ("read primitive int8", ":-129}", OUT_OF_RANGE),
    ("read primitive int8", ":1.9}", "Java cuts the fraction off"),
    ("read primitive int8", ":\"1\"}", MADE_UP),
    ("read primitive int8", ":true}", MADE_UP),
    ("read primitive int16", ":70000}", OUT_OF_RANGE),
    ("read primitive int32", ":3000000000}", OUT_OF_RANGE),
    ("read primitive int32", ":1.5}", "Java cuts the fraction off"),
    ("read primitive int32", ":\"12\"}", MADE_UP),
    ("read primitive int32", ":{}}", MADE_UP),
    ("read primitive int32", ":[1]}", MADE_UP),
    ("read primitive int64", ":9223372036854775808}", OUT_OF_RANGE),
    ("read primitive float", ":1e300}", TO_INFINITY),
    ("read primitive float", ":\"NaN\"}", OWN_NAN),
    ("read primitive float", ":\"1.5\"}", MADE_UP),
    ("read primitive double", ":1e400}", TO_INFINITY),
    ("read primitive double", ":\"Infinity\"}", OWN_NAN),
    ("read primitive boolean", ":\"true\"}", MADE_UP),
    ("read primitive boolean", ":1}", MADE_UP),
    ("read primitive string", ":1}", MADE_UP),
    ("read primitive string", ":true}", MADE_UP),
    ("read primitive string", ":{}}", MADE_UP),
    ("read primitive bytes", ":5}", MADE_UP),
    ("read array not array", "", MADE_UP),
    ("read default of wrong type", "", "Java's default is 0 then; a schema that contradicts itself fails the record"),
    ("read struct default", "", "Java cannot read the default of a struct, although it writes them"),
    ("read decimal", ":1.5}", OWN_SCALE),
    ("read decimal", ":156}", OWN_SCALE),
    ("read decimal", ":1e2}", OWN_SCALE),
    ("read decimal", ":1.567}", "the schema's scale would lose digits; Java keeps a value that it then cannot write"),
    ("read Date on wrong base type", "", "the schema says int64; the name alone makes no Date of it"),
    ("read Timestamp on wrong base type", "", "the schema says int32; the name alone makes no Timestamp of it"),
    ("read schemaless", "9223372036854775808", TEXT_STAYS),
    ("read schemaless", "123456789012345678901234567890", TEXT_STAYS),
    ("read schemaless", "1e400", TEXT_STAYS),
    ("read schema.content", "{\"a\":\"x\"}", MADE_UP),
];

const NO_NULL_IN_REQUIRED: &str = "Arrow holds no null in a required field: a source fills in the default itself";
const TRAILING: &str = "Java ignores what follows the value: half of a record could be lost";
const OUT_OF_RANGE: &str = "Java keeps the low bits: another number";
const TO_INFINITY: &str = "Java makes an infinity of it: another number";
const MADE_UP: &str = "a value of another type than the schema's: Java makes up 0, false, null or an empty value";
const OWN_NAN: &str = "what the converter itself writes for these floats is read back as them; Java reads 0";
const OWN_SCALE: &str =
    "a decimal column has one scale: equal in value, with the schema's scale instead of the number's";
const TEXT_STAYS: &str = "a value without schema stays the text it came as: nothing is rounded or wrapped";

fn json_converter(vector: &Value) -> Result<Box<dyn Converter>> {
    let mut json = converter("org.apache.kafka.connect.json.JsonConverter").map_err(|e| e.to_string())?;
    json.configure(&config_of(vector), ConverterRole::Value).map_err(|e| e.to_string())?;
    Ok(json)
}

/// The payload of a one-row column.
fn write(vector: &Value) -> Result<Option<String>> {
    let mut json = json_converter(vector)?;
    let column = column_of(&vector["schema"], &vector["value"])?;
    let encoded = json.encode("t", &column);
    if let Some(failure) = encoded.failures.first() {
        return Err(failure.error.to_string());
    }
    let payload = (!encoded.payloads.is_null(0)).then(|| encoded.payloads.value(0).to_vec());
    Ok(payload.map(|bytes| String::from_utf8(bytes).unwrap()))
}

fn input_of(vector: &Value) -> Option<Vec<u8>> {
    if let Some(text) = vector["json_base64"].as_str() {
        return Some(STANDARD.decode(text).unwrap());
    }
    if let Some(depth) = vector["json_repeat"].as_str() {
        let depth = if depth.contains("1001") { 1001 } else { 1000 };
        return Some(("[".repeat(depth) + &"]".repeat(depth)).into_bytes());
    }
    vector["json"].as_str().map(|text| text.as_bytes().to_vec())
}

/// The column of one payload.
fn read_one(vector: &Value) -> Result<Column> {
    let mut json = json_converter(vector)?;
    let input = input_of(vector);
    let decoded = json.decode("t", &BinaryArray::from_opt_vec(vec![input.as_deref()]));
    assert_eq!(decoded.runs.len(), 1);
    match decoded.failures.first() {
        Some(failure) => Err(failure.error.to_string()),
        None => Ok(decoded.runs.into_iter().next().unwrap().column),
    }
}

/// Why a column is not what was recorded.
fn mismatch(vector: &Value, column: &Column) -> Option<String> {
    if vector["ok"] == true {
        return None;
    }
    let (declared, value) = (&vector["schema"], &vector["value"]);
    if declared.is_null() && value.is_null() {
        return (!column.is_absent(0)).then(|| format!("{column:?} instead of nothing"));
    }
    if declared.is_null() {
        if !column.is_schemaless() {
            return Some(format!("{column:?} has a schema"));
        }
        let text = column.array().as_string::<i32>().value(0);
        let Ok(ours) = serde_json::from_str::<Value>(text) else { return Some(format!("{text} instead of {value}")) };
        let theirs = json_of(value).unwrap();
        return (ours != theirs).then(|| format!("{ours} instead of {theirs}"));
    }
    let field = field_of(declared, "value").unwrap();
    if &field != column.field().as_ref() {
        return Some(format!("{:?} instead of {field:?}", column.field()));
    }
    match array_of(&field, &[value]) {
        Ok(array) if array.to_data() == column.array().to_data() => None,
        Ok(array) => Some(format!("{:?} instead of {array:?}", column.array())),
        Err(e) => Some(e),
    }
}

fn compare(direction: &str, file: &str, differs: impl Fn(&Value) -> Option<String>) {
    let mut wrong = Vec::new();
    let mut used = vec![false; DIFFERENCES.len()];
    let vectors = read(file);
    for (index, vector) in vectors.iter().enumerate() {
        let name = format!("{direction} {}", vector["name"].as_str().unwrap());
        let text = vector["json"].as_str().unwrap_or_default();
        let listed = DIFFERENCES.iter().position(|(n, end, _)| *n == name && text.ends_with(end));
        let outcome = differs(vector);
        match (listed, &outcome) {
            (None, Some(difference)) => wrong.push(format!("{index} {name} {}: {difference}", vector["json"])),
            (Some(listed), None) => {
                wrong.push(format!("{index} {name} is listed as {:?} but equal", DIFFERENCES[listed]))
            }
            (Some(listed), Some(_)) => used[listed] = true,
            (None, None) => {}
        }
    }
    for (difference, used) in DIFFERENCES.iter().zip(used) {
        if difference.0.starts_with(direction) && !used {
            wrong.push(format!("{difference:?} is no vector"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

#[test]
fn writes_the_bytes_that_java_writes() {
    compare("write", "from-connect.json", |vector| match (write(vector), vector.get("error")) {
        (Ok(ours), None) if ours.as_deref() == vector["json"].as_str() => None,
        (Err(_), Some(_)) => None,
        (ours, _) => Some(format!("{ours:?}")),
    });
}

#[test]
fn reads_what_java_reads() {
    compare("read", "to-connect.json", |vector| match (read_one(vector), vector.get("error")) {
        (Ok(column), None) => mismatch(vector, &column),
        (Err(_), Some(_)) => None,
        (Ok(column), Some(error)) => Some(format!("{column:?} instead of {error}")),
        (Err(e), None) => Some(format!("{e} instead of a value")),
    });
}

#[test]
fn errors_say_what_and_where_but_no_value() {
    let schema = r#"{"type":"struct","fields":[{"field":"a","type":"array","items":{"type":"struct","fields":[{"field":"z","type":"int32"}]}}]}"#;
    let mut json = converter("Json").unwrap();
    let payloads = [
        (
            format!(r#"{{"schema":{schema},"payload":{{"a":[{{"z":1}},{{"z":"secret"}}]}}}}"#),
            "expected int32 at payload.a[1].z",
        ),
        (format!(r#"{{"schema":{schema},"payload":{{"a":[secret]}}}}"#), "expected a value at byte"),
        (r#"{"secret":1}"#.to_owned(), "value.converter.schemas.enable=false"),
        (
            r#"{"schema":{"type":"struct","fields":[{"field":"b","type":"secret"}]},"payload":1}"#.to_owned(),
            "schema.fields[0]",
        ),
    ];
    for (payload, part) in &payloads {
        let decoded = json.decode("t", &BinaryArray::from_vec(vec![payload.as_bytes()]));
        let text = decoded.failures[0].error.to_string();
        assert!(text.contains(part) && !text.contains("secret"), "{text}");
    }
    assert_eq!(schema::name(&schema::schemaless_field()), None);
}
