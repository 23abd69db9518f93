//! Our answers to the cases, and how they differ from Java's.

use arrow::array::{Array, BinaryArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Column, Converter, ConverterRole, Decoded};
use millstream_plugins::{converter, header_converter};
use serde_json::Value;

use super::described::{row_of, same, same_but_scale, same_texts, their_schema};
use crate::vectors::{column_of, config_of};

/// What we make of a case.
pub enum Ours {
    Read {
        schema: Value,
        value: Value,
    },
    Written(Option<Vec<u8>>),
    Failed(String),
    /// The value has no column: it is none of its schema, in Arrow's eyes.
    NoColumn(String),
}

fn make(case: &Value) -> Result<Box<dyn Converter>, String> {
    let name = case["converter"].as_str().unwrap();
    let (made, role) = match case["as"].as_str().unwrap() {
        "header" => (header_converter(name), ConverterRole::Header),
        "key" => (converter(name), ConverterRole::Key),
        _ => (converter(name), ConverterRole::Value),
    };
    let mut made = made.map_err(|e| e.to_string())?;
    made.configure(&config_of(case), role).map_err(|e| e.to_string())?;
    Ok(made)
}

fn input_of(case: &Value) -> Option<Vec<u8>> {
    case["bytes_base64"].as_str().map(|text| STANDARD.decode(text).unwrap())
}

/// Our answers to cases of one converter with one configuration, whose input stands in one batch.
pub fn answers(cases: &[&Value]) -> Vec<Ours> {
    let case = cases[0];
    let mut made = match make(case) {
        Ok(made) => made,
        Err(error) => return cases.iter().map(|_| Ours::Failed(error.clone())).collect(),
    };
    if case["op"] == "from_connect" {
        let columns = || cases.iter().map(|case| column_of(&case["schema"], &case["value"]));
        return match columns().collect::<Result<Vec<_>, _>>() {
            Ok(columns) if case["schema"].is_object() => write_together(made.as_mut(), &columns),
            _ => columns().map(|column| write(made.as_mut(), column)).collect(),
        };
    }
    let inputs: Vec<Option<Vec<u8>>> = cases.iter().map(|case| input_of(case)).collect();
    let payloads = BinaryArray::from_opt_vec(inputs.iter().map(Option::as_deref).collect());
    let decoded = made.decode("t", &payloads);
    let rows = (0..cases.len()).map(|row| row_in(&decoded, row));
    let again = case["op"] == "again";
    let one = |row: Result<Column, String>| match row {
        Err(error) => Ours::Failed(error),
        Ok(column) if again => write(make(case.get("then").unwrap_or(case)).unwrap().as_mut(), Ok(column)),
        Ok(column) => {
            let (schema, value) = row_of(&column, 0);
            Ours::Read { schema, value }
        }
    };
    rows.map(one).collect()
}

fn row_in(decoded: &Decoded, row: usize) -> Result<Column, String> {
    if let Some(failure) = decoded.failures.iter().find(|failure| failure.row == row) {
        return Err(failure.error.to_string());
    }
    let run = decoded.runs.iter().find(|run| run.rows.contains(&row)).unwrap();
    Ok(run.column.slice(row - run.rows.start, 1))
}

/// The rows of one schema as one column.
fn write_together(made: &mut dyn Converter, columns: &[Column]) -> Vec<Ours> {
    let arrays: Vec<&dyn Array> = columns.iter().map(|column| column.array().as_ref()).collect();
    let array = arrow::compute::concat(&arrays).unwrap();
    let encoded = made.encode("t", &Column::new(columns[0].field().clone(), array).unwrap());
    let row = |row: usize| match encoded.failures.iter().find(|failure| failure.row == row) {
        Some(failure) => Ours::Failed(failure.error.to_string()),
        None => Ours::Written((!encoded.payloads.is_null(row)).then(|| encoded.payloads.value(row).to_vec())),
    };
    (0..columns.len()).map(row).collect()
}

fn write(made: &mut dyn Converter, column: Result<Column, String>) -> Ours {
    let column = match column {
        Ok(column) => column,
        Err(error) => return Ours::NoColumn(error),
    };
    let encoded = made.encode("t", &column);
    match encoded.failures.first() {
        Some(failure) => Ours::Failed(failure.error.to_string()),
        None => Ours::Written((!encoded.payloads.is_null(0)).then(|| encoded.payloads.value(0).to_vec())),
    }
}

/// How our answer differs from Java's, if it does.
pub fn difference(case: &Value, ours: &Ours, theirs: &Value) -> Option<String> {
    let failed = theirs.get("error").is_some();
    match ours {
        Ours::Failed(error) | Ours::NoColumn(error) => (!failed).then(|| format!("ours fails: {error}")),
        Ours::Written(_) | Ours::Read { .. } if failed => Some("theirs fails".to_owned()),
        Ours::Written(ours) => {
            let theirs = theirs["bytes_base64"].as_str().map(|text| STANDARD.decode(text).unwrap());
            let text =
                |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            let text_of =
                |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            // The order of Java's maps is that of a hash table.
            let sorted = |text: &str| {
                let mut characters: Vec<char> = text.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
                characters.sort_unstable();
                characters
            };
            if let (Some(_), Some(ours), Some(theirs)) = (case.get("then"), text_of(ours), text_of(&theirs)) {
                let same = sorted(&ours) == sorted(&theirs);
                return (!same).then(|| format!("bytes: ours {ours}\n      theirs {theirs}"));
            }
            // Text without schema is spelled as it came.
            if let (true, Some(ours), Some(theirs)) = (case["op"] == "again", text_of(ours), text_of(&theirs))
                && same_texts(&ours, &theirs)
            {
                return None;
            }
            (*ours != theirs).then(|| format!("bytes: ours {:?}\n      theirs {:?}", text(ours), text(&theirs)))
        }
        Ours::Read { .. } if theirs["ok"] == true => None,
        Ours::Read { schema, value } => {
            let theirs_schema = their_schema(&theirs["schema"]);
            if theirs_schema != *schema {
                return Some(format!("schema: ours {schema}\n      theirs {theirs_schema}"));
            }
            let differs = !same(value, &theirs["value"]);
            differs.then(|| format!("value: ours {value}\n      theirs {}", theirs["value"]))
        }
    }
}

/// Why our answer may be another, as the table of known differences has it.
pub fn known(case: &Value, ours: &Ours, theirs: &Value) -> Option<&'static str> {
    let mut input = String::from_utf8_lossy(&input_of(case).unwrap_or_default()).into_owned();
    if !is_header(case) {
        input = input.replace('\0', "");
    }
    let all = format!("{} {input}", case["config"]).to_lowercase();
    let all: String = all.split_whitespace().collect();
    let mentions = |words: &[&str]| words.iter().any(|word| all.contains(word));
    let content = case["config"]["schema.content"].is_string();
    let their_error = theirs["error"]["message"].as_str().unwrap_or_default();
    let halves = mentions(&["\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf"]);
    let reasons: Vec<(bool, &'static str)> = match ours {
        Ours::NoColumn(error) => vec![(error.contains("on-nullable"), "a required field that is null")],
        Ours::Failed(error) => {
            let says = |words: &str| error.contains(words);
            vec![
                (says("has no text; use ByteArrayConverter"), "bytes as text"),
                (says("expected the end of the text"), "text after the value"),
                (says("expected the end of the envelope"), "text after the value"),
                (says(".default: the default"), "a default that is no value of its schema"),
                (says("whole Unicode characters"), "half a surrogate pair"),
                (says("names each attribute once"), "an attribute given twice"),
                (says("a Decimal needs the parameter scale"), "a Decimal without scale"),
                (says("does not fit its schema: expected "), "a value that is none of its schema"),
                (content && says("expected a value at byte"), "a value that is none of its schema"),
                (says("expected Unicode text"), "text that is no Unicode"),
                (says("printed as text") && input.len() > 200, "more than 200 levels as text"),
                (says("printed as text") && input.contains("21474836"), "lists and maps of different types"),
            ]
        }
        _ if !their_error.is_empty() => {
            let base =
                their_error.starts_with("Invalid type for ") && their_error.contains("underlying representation");
            vec![
                (
                    base || their_error == "Invalid bytes for Decimal field"
                        || their_error.starts_with("Time values must")
                        || their_error.starts_with("Invalid Java object for schema \"org.apache"),
                    "a logical name on another type",
                ),
                (mentions(&["\"default\":{", "\\\"default\\\":{"]) && mentions(&["struct"]), "the default of a struct"),
                (their_error == "Invalid default value" && mentions(&["struct"]), "the default of a struct"),
                (halves, "half a surrogate pair"),
            ]
        }
        Ours::Read { schema, value } if !is_header(case) => {
            let same_schema = *schema == their_schema(&theirs["schema"]);
            vec![
                (
                    !same_schema && mentions(&["decimal", "nan", "infinity"]),
                    "a default of another scale, or that is NaN",
                ),
                (same_schema && same_but_scale(value, &theirs["value"]), "scale of a Decimal; NaN, -0.0"),
                (same_schema && halves, "half a surrogate pair"),
                (is_other_base(schema), "a logical name on another type"),
                (
                    same_schema && mentions(&["infinity", "nan", "-0"]) && mentions(&["\"map\"", "\"map\\\""]),
                    "scale of a Decimal; NaN, -0.0",
                ),
                (has_deep_keys(schema), "keys that are no single values given twice"),
            ]
        }
        Ours::Written(_) if !is_header(case) => {
            vec![(halves, "half a surrogate pair"), (has_wide_number(&input), "numbers beyond 64 bits without schema")]
        }
        _ => {
            let blank_first = input.starts_with(|c: char| c <= ' ');
            let whole = match ours {
                Ours::Written(Some(bytes)) => bytes == input.as_bytes(),
                Ours::Read { value, .. } => value["v"] == *input,
                _ => false,
            };
            let mixed = matches!(ours, Ours::Read { schema, value }
                if same(value, &theirs["value"]) && moments(schema) == moments(&their_schema(&theirs["schema"])));
            vec![
                (mixed, "times among dates are timestamps"),
                (blank_first && whole, "text after blanks that begins like a list or map"),
                (input.contains(|c: char| c.is_numeric() && !c.is_ascii_digit()), "digits of other scripts"),
                (has_mixed_collection(case), "lists and maps of different types"),
                (whole && input.contains("[["), "lists and maps of different types"),
                (is_wider(ours, theirs), "lists and maps of different types"),
            ]
        }
    };
    reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
}

/// A whole number of more than 64 bits, or a float that no double holds.
fn has_wide_number(input: &str) -> bool {
    let parts = input.split(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c)));
    parts.filter(|part| part.contains(|c: char| c.is_ascii_digit())).any(|part| {
        if part.contains(['.', 'e', 'E']) {
            part.parse::<f64>().is_ok_and(f64::is_infinite)
        } else {
            part.parse::<i64>().is_err()
        }
    })
}

/// A map somewhere in it whose keys are no single values.
fn has_deep_keys(schema: &Value) -> bool {
    ["BYTES", "ARRAY", "MAP", "STRUCT"].iter().any(|kind| schema["keys"]["type"] == *kind)
        || ["items", "keys", "values"].iter().any(|part| schema.get(part).is_some_and(has_deep_keys))
        || schema["fields"].as_array().is_some_and(|fields| fields.iter().any(|field| has_deep_keys(&field["schema"])))
}

/// The name of a logical type on a schema of another type, anywhere in it.
fn is_other_base(schema: &Value) -> bool {
    let base = match schema["name"].as_str().and_then(|name| name.strip_prefix("org.apache.kafka.connect.data.")) {
        Some("Decimal") => "BYTES",
        Some("Date" | "Time") => "INT32",
        Some("Timestamp") => "INT64",
        _ => schema["type"].as_str().unwrap_or_default(),
    };
    schema["type"] != *base
        || ["items", "keys", "values"].iter().any(|part| schema.get(part).is_some_and(is_other_base))
        || schema["fields"].as_array().is_some_and(|fields| fields.iter().any(|field| is_other_base(&field["schema"])))
}

/// A schema with dates, times and timestamps alike.
fn moments(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let name = schema["name"].as_str().and_then(|name| name.strip_prefix("org.apache.kafka.connect.data."));
    if matches!(name, Some("Date" | "Time" | "Timestamp")) {
        return "moment".into();
    }
    for part in ["items", "keys", "values"] {
        if let Some(part) = schema.get_mut(part) {
            *part = moments(part);
        }
    }
    schema
}

/// Numbers of a wider type, in collections within collections.
fn is_wider(ours: &Ours, theirs: &Value) -> bool {
    fn plain(value: &Value) -> Value {
        if value["t"].as_str().is_some_and(|kind| kind.starts_with("int") || kind.starts_with("float")) {
            let bits = value["bits"].as_str().and_then(|bits| u64::from_str_radix(bits, 16).ok());
            let float = bits.map(|bits| {
                if value["t"] == "float32" { f32::from_bits(bits as u32).into() } else { f64::from_bits(bits) }
            });
            return float.or(value["v"].as_f64()).into();
        }
        match value["v"].as_array() {
            Some(items) => {
                let mut items: Vec<Value> = items
                    .iter()
                    .map(|item| item.as_array().map_or_else(|| plain(item), |pair| pair.iter().map(plain).collect()))
                    .collect();
                if value["t"] == "map" {
                    items.sort_by_key(Value::to_string);
                }
                items.into()
            }
            None => value.clone(),
        }
    }
    matches!(ours, Ours::Read { value, .. } if plain(value) == plain(&theirs["value"]))
}

/// A list or map somewhere in the header that has no common type here, or holds decimals, which have one scale here.
fn has_mixed_collection(case: &Value) -> bool {
    let mut read = case.clone();
    read["op"] = "to_connect".into();
    let Some(Ours::Read { schema, .. }) = answers(&[&read]).pop() else { return false };
    fn is_mixed(schema: &Value) -> bool {
        let part = |part: &str| {
            schema
                .get(part)
                .is_some_and(|part| part.is_null() || part["parameters"]["scale"].is_string() || is_mixed(part))
        };
        part("items") || part("keys") || part("values")
    }
    is_mixed(&schema)
}

fn is_header(case: &Value) -> bool {
    case["converter"].as_str().is_some_and(|name| name.ends_with("SimpleHeaderConverter"))
}
