//! SimpleHeaderConverter.

use arrow::array::{Array, BinaryArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Column, Converter};
use millstream_plugins::header_converter;
use serde_json::Value;

use crate::vectors::{Result, column_of, read_lines};

/// Vectors whose outcome differs from Java's, and why.
const DIFFERENCES: &[(&str, &str)] = &[(
    "[[1],[\"a\"]]",
    "lists of numbers and of texts have no common type here; Java takes the type of the last, which the others do not have",
)];

fn simple() -> Box<dyn Converter> {
    header_converter("SimpleHeaderConverter").unwrap()
}

fn read(vector: &Value) -> Column {
    let bytes = vector["bytes_base64"].as_str().map(|text| STANDARD.decode(text).unwrap());
    let bytes = bytes.or_else(|| vector["text"].as_str().map(|text| text.as_bytes().to_vec()));
    let decoded = simple().decode("t", &BinaryArray::from_opt_vec(vec![bytes.as_deref()]));
    assert!(decoded.failures.is_empty(), "{vector}");
    decoded.runs.into_iter().next().unwrap().column
}

fn print(column: &Column) -> Result<Option<String>> {
    let encoded = simple().encode("t", column);
    match encoded.failures.first() {
        Some(failure) => Err(failure.error.to_string()),
        None => {
            let bytes = (!encoded.payloads.is_null(0)).then(|| encoded.payloads.value(0).to_vec());
            Ok(bytes.map(|bytes| String::from_utf8(bytes).unwrap()))
        }
    }
}

fn report(wrong: &[String], used: &[&str]) {
    let unused: Vec<_> = DIFFERENCES.iter().filter(|(text, _)| !used.contains(text)).collect();
    assert!(wrong.is_empty() && unused.is_empty(), "{}\nnot different: {unused:?}", wrong.join("\n"));
}

#[test]
fn texts_are_read_as_java_reads_them() {
    let (mut wrong, mut used) = (Vec::new(), Vec::new());
    for vector in read_lines("headers/parse.jsonl") {
        let ours = read(&vector);
        let theirs = column_of(&vector["schema"], &vector["value"]);
        let same = theirs.as_ref().is_ok_and(|theirs| {
            let both = (ours.is_absent(0), theirs.is_absent(0));
            let equal = ours.field() == theirs.field() && ours.array().to_data() == theirs.array().to_data();
            both == (true, true) || (both == (false, false) && equal)
        });
        let text = vector["text"].as_str().unwrap_or_default();
        let listed = DIFFERENCES.iter().find(|(listed, _)| *listed == text);
        match listed {
            Some((listed, _)) if !same => used.push(*listed),
            None if !same => wrong.push(format!("{text}: {ours:?} instead of {theirs:?}")),
            _ => {}
        }
        if let Some(printed) = vector["printed_again"].as_str()
            && listed.is_none()
        {
            assert_eq!(print(&ours).unwrap().as_deref(), Some(printed), "{vector}");
        }
    }
    report(&wrong, &used);
}

#[test]
fn values_are_printed_as_java_prints_them() {
    let mut without_column = Vec::new();
    for vector in read_lines("headers/print.jsonl") {
        let Ok(column) = column_of(&vector["schema"], &vector["value"]) else {
            without_column.push(vector.to_string());
            continue;
        };
        let ours = print(&column);
        let same = match (&ours, vector.get("error")) {
            (Ok(ours), None) => ours.as_deref() == vector["text"].as_str(),
            (Err(_), Some(_)) => true,
            _ => false,
        };
        assert!(same, "{vector}: {ours:?}");
    }
    // Decimals and dates without schema, and what is of another type than its schema.
    assert_eq!(without_column.len(), 9, "{}", without_column.join("\n"));
}
