//! StringConverter and ByteArrayConverter.

use arrow::array::{Array, BinaryArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Converter, ConverterRole};
use millstream_plugins::converter;
use serde_json::Value;

use crate::vectors::{Result, array_of, column_of, config_of, field_of, read};

fn make(name: &str, vector: &Value) -> Result<Box<dyn Converter>> {
    let role = if vector["as"] == "header" { ConverterRole::Header } else { ConverterRole::Value };
    let mut made = converter(name).map_err(|e| e.to_string())?;
    made.configure(&config_of(vector), role).map_err(|e| e.to_string())?;
    Ok(made)
}

fn bytes_of(vector: &Value) -> Option<Vec<u8>> {
    vector["bytes_base64"].as_str().map(|text| STANDARD.decode(text).unwrap())
}

fn write(name: &str, vector: &Value) -> Result<Option<Vec<u8>>> {
    let mut made = make(name, vector)?;
    let encoded = made.encode("t", &column_of(&vector["schema"], &vector["value"])?);
    match encoded.failures.first() {
        Some(failure) => Err(failure.error.to_string()),
        None => Ok((!encoded.payloads.is_null(0)).then(|| encoded.payloads.value(0).to_vec())),
    }
}

/// How many vectors were compared, and how many have no column here: values that are of another type than their schema, and
/// bytes without schema (a value without schema is JSON text, which has none).
fn check(name: &str) -> (usize, usize) {
    let (mut compared, mut without_column) = (0, 0);
    for vector in read(&format!("{name}.json")) {
        if vector["op"] == "to_connect" {
            let input = bytes_of(&vector);
            let decoded = make(name, &vector).unwrap().decode("t", &BinaryArray::from_opt_vec(vec![input.as_deref()]));
            let field = field_of(&vector["schema"], "value").unwrap();
            let column = &decoded.runs[0].column;
            assert_eq!(column.field().as_ref(), &field, "{vector}");
            assert_eq!(column.array().to_data(), array_of(&field, &[&vector["value"]]).unwrap().to_data(), "{vector}");
            assert!(!column.is_absent(0), "Java reads a null under the schema");
            compared += 1;
            continue;
        }
        let kind = vector["value"]["t"].as_str().unwrap_or("null");
        let bytes_without_schema = kind == "bytes" && vector["schema"].is_null();
        if bytes_without_schema || column_of(&vector["schema"], &vector["value"]).is_err() {
            without_column += 1;
            continue;
        }
        compared += 1;
        let ours = write(name, &vector);
        let same = match (&ours, vector.get("error")) {
            (Ok(ours), None) => *ours == bytes_of(&vector) && vector.get("text_pattern").is_none(),
            (Err(_), Some(_)) => true,
            _ => false,
        };
        assert!(same, "{vector} {ours:?}");
    }
    (compared, without_column)
}

#[test]
fn string_converter_as_recorded() {
    assert_eq!(check("StringConverter"), (72, 11));
}

#[test]
fn byte_array_converter_as_recorded() {
    assert_eq!(check("ByteArrayConverter"), (58, 14));
}
