//! The converters of one value: Boolean, ByteArray, Double, Float, Integer, Long, Short, String; as header converters too.

use arrow::array::{Array, BinaryArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Converter, ConverterRole};
use millstream_plugins::{converter, header_converter};
use serde_json::Value;

use crate::vectors::{Result, array_of, column_of, config_of, field_of, read_lines};

fn make(name: &str, vector: &Value) -> Result<Box<dyn Converter>> {
    let (made, role) = match vector["as"] == "header" {
        true => (header_converter(name), ConverterRole::Header),
        false => (converter(name), ConverterRole::Value),
    };
    let mut made = made.map_err(|e| e.to_string())?;
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

/// How many vectors were compared; how many have no column here: values that are of another type than their schema, and
/// what JSON text, as which values without schema are kept, has not (bytes, NaN, ...); and how many numbers without schema Java
/// refuses for their width, which such text does not have.
fn check(name: &str) -> (usize, usize, usize) {
    let (mut compared, mut without_column, mut without_width) = (0, 0, 0);
    for vector in read_lines(&format!("converters/{name}.jsonl")) {
        if vector["op"] == "to_connect" {
            let input = bytes_of(&vector);
            let decoded = make(name, &vector).unwrap().decode("t", &BinaryArray::from_opt_vec(vec![input.as_deref()]));
            let column = &decoded.runs[0].column;
            assert!(!column.is_absent(0), "Java reads a null under the schema");
            compared += 1;
            assert_eq!(decoded.failures.len(), usize::from(vector.get("error").is_some()), "{vector}");
            if vector.get("error").is_some() {
                continue;
            }
            let field = field_of(&vector["schema"], "value").unwrap();
            assert_eq!(column.field().as_ref(), &field, "{vector}");
            assert_eq!(column.array().to_data(), array_of(&field, &[&vector["value"]]).unwrap().to_data(), "{vector}");
            continue;
        }
        let kind = vector["value"]["t"].as_str().unwrap_or("null");
        let schemaless = vector["schema"].is_null();
        let is_float = ["float32", "float64"].contains(&kind);
        let not_json = kind == "bytes" || (is_float && !vector["value"]["v"].is_number());
        if (schemaless && not_json) || column_of(&vector["schema"], &vector["value"]).is_err() {
            without_column += 1;
            continue;
        }
        let ours = write(name, &vector);
        let is_number = is_float || kind.starts_with("int");
        if schemaless && is_number && ours.is_ok() && vector.get("error").is_some() {
            without_width += 1;
            continue;
        }
        compared += 1;
        let same = match (&ours, vector.get("error")) {
            (Ok(ours), None) => *ours == bytes_of(&vector) && vector.get("text_pattern").is_none(),
            (Err(_), Some(_)) => true,
            _ => false,
        };
        assert!(same, "{vector} {ours:?}");
    }
    (compared, without_column, without_width)
}

#[test]
fn boolean_converter_as_recorded() {
    assert_eq!(check("BooleanConverter"), (59, 11, 0));
}

#[test]
fn byte_array_converter_as_recorded() {
    assert_eq!(check("ByteArrayConverter"), (58, 14, 0));
}

#[test]
fn float_converters_as_recorded() {
    assert_eq!(check("FloatConverter"), (64, 13, 1));
    assert_eq!(check("DoubleConverter"), (64, 13, 1));
}

#[test]
fn integer_converters_as_recorded() {
    assert_eq!(check("ShortConverter"), (63, 11, 2));
    assert_eq!(check("IntegerConverter"), (63, 11, 2));
    assert_eq!(check("LongConverter"), (63, 11, 2));
}

#[test]
fn string_converter_as_recorded() {
    assert_eq!(check("StringConverter"), (72, 11, 0));
}
