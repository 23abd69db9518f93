//! Columns in the form of the golden vectors, so that they can be compared with what Java answers.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use millstream_api::{Column, schema};
use num_bigint::BigInt;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The schema of a field, whichever Arrow type holds it.
pub fn schema_of(field: &Field) -> Value {
    if schema::is_schemaless(field) {
        return Value::Null;
    }
    let mut all = Map::new();
    let of = match field.data_type() {
        DataType::Int8 => "INT8",
        DataType::Int16 => "INT16",
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => "INT32",
        DataType::Int64 | DataType::Timestamp(..) => "INT64",
        DataType::Float32 => "FLOAT32",
        DataType::Float64 => "FLOAT64",
        DataType::Boolean => "BOOLEAN",
        DataType::Utf8 => "STRING",
        DataType::Binary | DataType::Decimal128(..) | DataType::Decimal256(..) => "BYTES",
        DataType::List(item) => {
            all.insert("items".to_owned(), schema_of(item));
            "ARRAY"
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { panic!("{entries}") };
            all.insert("keys".to_owned(), schema_of(&pair[0]));
            all.insert("values".to_owned(), schema_of(&pair[1]));
            "MAP"
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| json!({"field": field.name(), "schema": schema_of(field)}));
            all.insert("fields".to_owned(), fields.collect());
            "STRUCT"
        }
        other => panic!("{other}"),
    };
    all.insert("type".to_owned(), of.into());
    let optional = field.is_nullable() || field.metadata().contains_key(schema::OPTIONAL);
    all.insert("optional".to_owned(), optional.into());
    all.insert("name".to_owned(), schema::name(field).into());
    all.insert("version".to_owned(), schema::version(field).into());
    all.insert("doc".to_owned(), schema::doc(field).into());
    all.insert("parameters".to_owned(), schema::parameters(field).into());
    let default = schema::default_json(field).and_then(|text| serde_json::from_str(text).ok());
    all.insert("default".to_owned(), default.map_or(Value::Null, plain_numbers));
    all.into()
}

/// Java's schema in the same form.
pub fn their_schema(declared: &Value) -> Value {
    if declared.is_null() {
        return Value::Null;
    }
    let mut all = Map::new();
    for part in ["items", "keys", "values"] {
        if let Some(of) = declared.get(part) {
            all.insert(part.to_owned(), their_schema(of));
        }
    }
    if let Some(fields) = declared["fields"].as_array() {
        let fields =
            fields.iter().map(|field| json!({"field": field["field"], "schema": their_schema(&field["schema"])}));
        all.insert("fields".to_owned(), fields.collect());
    }
    for part in ["type", "optional", "name", "version", "doc"] {
        all.insert(part.to_owned(), declared[part].clone());
    }
    all.insert("parameters".to_owned(), declared.get("parameters").cloned().unwrap_or(json!({})));
    let default = declared.get("default").map_or(Value::Null, |default| plain_numbers(payload_of(declared, default)));
    all.insert("default".to_owned(), default);
    all.into()
}

/// Whole and other numbers alike, of a precision that all have.
fn plain_numbers(payload: Value) -> Value {
    match payload {
        Value::Number(number) => number.as_f64().map(|number| f64::from(number as f32)).into(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(plain_numbers).collect();
            // Entries of a map have no order.
            if items.iter().all(|item| item.as_array().is_some_and(|pair| pair.len() == 2)) {
                items.sort_by_key(Value::to_string);
            }
            items.into()
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, plain_numbers(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().collect())
        }
        other => other,
    }
}

/// A default as the payload JsonConverter writes for it.
fn payload_of(declared: &Value, value: &Value) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    match value["t"].as_str().unwrap_or_default() {
        "decimal" => {
            let unscaled: BigInt = value["unscaled"].as_str().unwrap().parse().unwrap();
            STANDARD.encode(unscaled.to_signed_bytes_be()).into()
        }
        "date" if declared["name"] == schema::DATE => (value["ms"].as_i64().unwrap().div_euclid(86_400_000)).into(),
        "date" => value["ms"].clone(),
        "float32" | "float64" => {
            let bits = bits_of(value).unwrap();
            let float = if value["t"] == "float32" { f32::from_bits(bits as u32).into() } else { f64::from_bits(bits) };
            let special = if float.is_nan() {
                "NaN"
            } else if float > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            if float.is_finite() { float.into() } else { special.into() }
        }
        "array" => items(value).iter().map(|item| payload_of(&declared["items"], item)).collect(),
        "map" => {
            let part =
                |entry: &Value| (payload_of(&declared["keys"], &entry[0]), payload_of(&declared["values"], &entry[1]));
            let entries: Vec<(Value, Value)> = items(value).iter().map(part).collect();
            if declared["keys"]["type"] == "STRING" {
                let key = |key: &Value| key.as_str().unwrap_or("null").to_owned();
                Value::Object(entries.iter().map(|(name, value)| (key(name), value.clone())).collect())
            } else {
                entries.into_iter().map(|(key, value)| json!([key, value])).collect()
            }
        }
        "struct" => {
            let fields = declared["fields"].as_array().unwrap().iter();
            let field = |field: &Value| {
                let name = field["field"].as_str().unwrap();
                (name.to_owned(), payload_of(&field["schema"], &value["v"][name]))
            };
            Value::Object(fields.map(field).collect())
        }
        _ => value["v"].clone(),
    }
}

/// A row's value.
pub fn value_of(field: &Field, array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let decimal = |unscaled: String, scale: i64| json!({"t": "decimal", "unscaled": unscaled, "scale": scale});
    let date = |millis: i64| json!({"t": "date", "ms": millis});
    match field.data_type() {
        DataType::Int8 => json!({"t": "int8", "v": array.as_primitive::<Int8Type>().value(row)}),
        DataType::Int16 => json!({"t": "int16", "v": array.as_primitive::<Int16Type>().value(row)}),
        DataType::Int32 => json!({"t": "int32", "v": array.as_primitive::<Int32Type>().value(row)}),
        DataType::Int64 => json!({"t": "int64", "v": array.as_primitive::<Int64Type>().value(row)}),
        DataType::Float32 => float32(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => float64(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!({"t": "boolean", "v": array.as_boolean().value(row)}),
        DataType::Date32 => date(i64::from(array.as_primitive::<Date32Type>().value(row)) * 86_400_000),
        DataType::Time32(_) => date(array.as_primitive::<Time32MillisecondType>().value(row).into()),
        DataType::Timestamp(..) => date(array.as_primitive::<TimestampMillisecondType>().value(row)),
        DataType::Utf8 if schema::is_schemaless(field) => json!({"json": array.as_string::<i32>().value(row)}),
        DataType::Utf8 => json!({"t": "string", "v": array.as_string::<i32>().value(row)}),
        DataType::Decimal128(_, scale) => {
            decimal(array.as_primitive::<Decimal128Type>().value(row).to_string(), (*scale).into())
        }
        DataType::Decimal256(_, scale) => {
            decimal(array.as_primitive::<Decimal256Type>().value(row).to_string(), (*scale).into())
        }
        DataType::Binary if schema::name(field) == Some(schema::DECIMAL) => {
            let scale = schema::parameter(field, schema::SCALE).unwrap().parse().unwrap();
            decimal(BigInt::from_signed_bytes_be(array.as_binary::<i32>().value(row)).to_string(), scale)
        }
        DataType::Binary => json!({"t": "bytes", "v": STANDARD.encode(array.as_binary::<i32>().value(row))}),
        DataType::List(item) => {
            let items = array.as_list::<i32>().value(row);
            json!({"t": "array", "v": (0..items.len()).map(|row| value_of(item, &items, row)).collect::<Vec<_>>()})
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { panic!("{entries}") };
            let entries = array.as_map().value(row);
            let part = |index: usize, row| value_of(&pair[index], entries.column(index), row);
            json!({"t": "map", "v": (0..entries.len()).map(|row| json!([part(0, row), part(1, row)])).collect::<Vec<_>>()})
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let fields = fields.iter().zip(columns);
            let fields = fields.map(|(field, column)| (field.name().clone(), value_of(field, column, row)));
            json!({"t": "struct", "v": fields.collect::<Map<_, _>>()})
        }
        other => panic!("{other}"),
    }
}

fn float32(value: f32) -> Value {
    json!({"t": "float32", "bits": format!("{:08x}", if value.is_nan() { f32::NAN } else { value }.to_bits())})
}

fn float64(value: f64) -> Value {
    json!({"t": "float64", "bits": format!("{:016x}", if value.is_nan() { f64::NAN } else { value }.to_bits())})
}

/// The row of a column of its own: schema and value; nulls without schema have neither.
pub fn row_of(column: &Column, row: usize) -> (Value, Value) {
    match column.is_absent(row) {
        true => (Value::Null, Value::Null),
        false => (schema_of(column.field()), value_of(column.field(), column.array(), row)),
    }
}

/// As [`same`], but for the scale of decimals, and for floats that JSON has as texts only.
pub fn same_but_scale(ours: &Value, theirs: &Value) -> bool {
    compare(ours, theirs, true)
}

/// True for equal values. Ours without schema are JSON text; theirs maps are in any order.
pub fn same(ours: &Value, theirs: &Value) -> bool {
    compare(ours, theirs, false)
}

fn compare(ours: &Value, theirs: &Value, but_scale: bool) -> bool {
    let same = |ours: &Value, theirs: &Value| compare(ours, theirs, but_scale);
    if let Some(text) = ours["json"].as_str() {
        return serde_json::from_str::<&RawValue>(text).is_ok_and(|text| same_json(text.get(), theirs));
    }
    let (Value::Object(_), Value::Object(_)) = (ours, theirs) else { return ours == theirs };
    if ours["t"] != theirs["t"] {
        return false;
    }
    match ours["t"].as_str().unwrap_or_default() {
        "float32" | "float64" => {
            let bits = bits_of(ours);
            let special = if ours["t"] == "float32" {
                bits.is_none_or(|bits| !f32::from_bits(bits as u32).is_normal())
            } else {
                bits.is_none_or(|bits| !f64::from_bits(bits).is_normal())
            };
            bits == bits_of(theirs) || (but_scale && special && bits_of(theirs) == Some(0))
        }
        "array" => {
            let (ours, theirs) = (items(ours), items(theirs));
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        "map" => {
            let (ours, theirs) = (items(ours), items(theirs));
            let found =
                |entry: &Value| theirs.iter().any(|other| same(&entry[0], &other[0]) && same(&entry[1], &other[1]));
            ours.len() == theirs.len() && ours.iter().all(found)
        }
        "struct" => {
            let (Some(ours), Some(theirs)) = (ours["v"].as_object(), theirs["v"].as_object()) else { return false };
            let null = Value::Null;
            ours.iter().all(|(name, value)| same(value, theirs.get(name).unwrap_or(&null)))
                && theirs.keys().all(|name| ours.contains_key(name))
        }
        "decimal" if but_scale => {
            let parts =
                |value: &Value| Some((value["unscaled"].as_str()?.parse::<BigInt>().ok()?, value["scale"].as_i64()?));
            let (Some((a, a_scale)), Some((b, b_scale))) = (parts(ours), parts(theirs)) else { return false };
            let ten = |power: i64| BigInt::from(10).pow(u32::try_from(power).unwrap_or(0).min(20_000));
            a * ten(b_scale - a_scale) == b * ten(a_scale - b_scale)
        }
        "decimal" => ours["unscaled"] == theirs["unscaled"] && ours["scale"] == theirs["scale"],
        "date" => ours["ms"] == theirs["ms"],
        _ => ours["v"] == theirs["v"],
    }
}

fn items(value: &Value) -> &[Value] {
    value["v"].as_array().map_or(&[], Vec::as_slice)
}

/// A float by its bits, or its text where there are none; every NaN is one.
fn bits_of(value: &Value) -> Option<u64> {
    let bits = value["bits"].as_str().and_then(|bits| u64::from_str_radix(bits, 16).ok());
    let text = || value["v"].as_f64().or_else(|| value["v"].as_str()?.parse().ok());
    if value["t"] == "float32" {
        let float = bits.map(|bits| f32::from_bits(bits as u32)).or_else(|| text().map(|text| text as f32))?;
        return Some(if float.is_nan() { f32::NAN } else { float }.to_bits().into());
    }
    let float = bits.map(f64::from_bits).or_else(text)?;
    Some(if float.is_nan() { f64::NAN } else { float }.to_bits())
}

/// JSON texts of one meaning.
pub fn same_texts(ours: &str, theirs: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).map(plain_numbers);
    ours == theirs || matches!((read(ours), read(theirs)), (Ok(ours), Ok(theirs)) if ours == theirs)
}

/// JSON text and what Java read of it: whole numbers beyond 64 bits have wrapped there, and zero has no sign; in headers,
/// numbers have widths, and dates are no texts.
fn same_json(text: &str, theirs: &Value) -> bool {
    let kind = theirs["t"].as_str().unwrap_or_default();
    match text.as_bytes().first() {
        Some(b'[') => {
            let Ok(ours) = serde_json::from_str::<Vec<&RawValue>>(text) else { return false };
            let same = |texts: &[&RawValue], values: &[&Value]| {
                texts.len() == values.len() && texts.iter().zip(values).all(|(a, b)| same_json(a.get(), b))
            };
            match kind {
                "array" => same(&ours, &items(theirs).iter().collect::<Vec<_>>()),
                // Of other keys than texts.
                "map" => items(theirs).iter().all(|entry| {
                    let pairs = ours.iter().map(|pair| serde_json::from_str::<Vec<&RawValue>>(pair.get()));
                    pairs.flatten().any(|pair| same(&pair, &[&entry[0], &entry[1]]))
                }),
                _ => false,
            }
        }
        Some(b'{') => {
            let Ok(ours) = serde_json::from_str::<HashMap<String, &RawValue>>(text) else { return false };
            let entry = |entry: &Value| ours.get(entry[0]["v"].as_str()?).map(|text| same_json(text.get(), &entry[1]));
            let theirs = items(theirs);
            kind == "map" && ours.len() == theirs.len() && theirs.iter().all(|theirs| entry(theirs) == Some(true))
        }
        Some(b'"') => {
            let ours = serde_json::from_str::<String>(text).unwrap_or_default();
            kind == "date" || (kind == "string" && theirs["v"] == *ours)
        }
        Some(b't' | b'f') => kind == "boolean" && theirs["v"] == (text == "true"),
        Some(b'n') => theirs.is_null(),
        _ if kind == "float32" => text.parse::<f32>().is_ok_and(|ours| bits_of(theirs) == Some(ours.to_bits().into())),
        _ if kind == "decimal" => {
            let (Some(unscaled), Some(scale)) = (theirs["unscaled"].as_str(), theirs["scale"].as_i64()) else {
                return false;
            };
            let mut theirs = Vec::new();
            millstream_api::java_text::write_decimal(&mut theirs, unscaled, scale);
            theirs == text.as_bytes()
        }
        _ if text.contains(['.', 'e', 'E']) => {
            let ours = text.parse::<f64>().map(|ours| if ours == 0.0 { 0.0 } else { ours });
            ours.is_ok_and(|ours| bits_of(theirs).map(f64::from_bits).is_some_and(|theirs| theirs == ours))
        }
        _ => {
            let modulus = BigInt::from(1) << 64;
            let low = text.parse::<BigInt>().map(|ours| ((ours % &modulus) + &modulus) % &modulus);
            let low = low.ok().and_then(|low| u64::try_from(low).ok()).map(|low| low as i64);
            kind.starts_with("int") && theirs["v"].as_i64() == low
        }
    }
}
