//! Recorded values and schemas as columns.
//!
//! A vector's value is null or `{"t": type, "v": value}`; its schema has Kafka Connect's attributes. What an Arrow column
//! cannot hold (a value of another type than its schema, for one) is an `Err`: no such column exists.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::java_text::{write_double, write_float};
use millstream_api::{Column, schema};
use num_bigint::BigInt;
use serde_json::{Map, Value, json};

pub type Result<T> = std::result::Result<T, String>;

/// The vectors of a file of the golden folder.
pub fn read(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/golden/jsonconverter/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).expect("a golden file")).expect("JSON")
}

/// The vectors of a file of one a line.
pub fn read_lines(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/golden/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a golden file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The settings of a vector.
pub fn config_of(vector: &Value) -> millstream_api::Config {
    let entries = vector["config"].as_object().cloned().unwrap_or_default();
    entries.into_iter().map(|(key, value)| (key, value.as_str().map(str::to_owned))).collect()
}

/// A column of one row.
pub fn column_of(declared: &Value, value: &Value) -> Result<Column> {
    if declared.is_null() {
        if value.is_null() {
            return Ok(Column::absent(1));
        }
        return Ok(Column::schemaless(StringArray::from(vec![json_of(value)?.to_string()])));
    }
    let field = Arc::new(field_of(declared, "value")?);
    let array = array_of(&field, &[value])?;
    Column::new(field, array).map_err(|e| e.to_string())
}

/// The Arrow field of a schema.
pub fn field_of(declared: &Value, name: &str) -> Result<Field> {
    if declared.is_null() {
        // Of a collection without a schema for what it holds.
        let field = schema::schemaless_field().as_ref().clone().with_name(name);
        return Ok(field.with_nullable(name != "key"));
    }
    let optional = declared["optional"] == true;
    let child = |part: &str, name: &str| field_of(&declared[part], name);
    let parameters = declared["parameters"].as_object().cloned().unwrap_or_default();
    let mut metadata = Vec::new();
    let logical = declared["name"].as_str().filter(|_| declared["version"] == 1);
    let data_type = match (declared["type"].as_str().unwrap(), logical) {
        ("BYTES", Some(schema::DECIMAL)) => {
            let scale = parameters["scale"].as_str().unwrap().parse().unwrap();
            let field = schema::decimal_field(name, scale, optional);
            metadata.extend(field.metadata().iter().map(|(key, value)| (key.clone(), value.clone())));
            field.data_type().clone()
        }
        ("INT32", Some(schema::DATE)) => DataType::Date32,
        ("INT32", Some(schema::TIME)) => schema::time_type(),
        ("INT64", Some(schema::TIMESTAMP)) => schema::timestamp_type(),
        ("INT8", _) => DataType::Int8,
        ("INT16", _) => DataType::Int16,
        ("INT32", _) => DataType::Int32,
        ("INT64", _) => DataType::Int64,
        ("FLOAT32", _) => DataType::Float32,
        ("FLOAT64", _) => DataType::Float64,
        ("BOOLEAN", _) => DataType::Boolean,
        ("STRING", _) => DataType::Utf8,
        ("BYTES", _) => DataType::Binary,
        ("ARRAY", _) => DataType::List(Arc::new(child("items", "item")?)),
        ("MAP", _) => {
            let mut key = child("keys", "key")?;
            if key.is_nullable() {
                key = schema::with_meta(key.with_nullable(false), [(schema::OPTIONAL, "true".to_owned())]);
            }
            let pair = Fields::from(vec![key, child("values", "value")?]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        }
        ("STRUCT", _) => {
            let fields = declared["fields"].as_array().unwrap().iter();
            let fields: Result<Vec<Field>> =
                fields.map(|field| field_of(&field["schema"], field["field"].as_str().unwrap())).collect();
            DataType::Struct(fields?.into())
        }
        (other, _) => return Err(format!("type {other}")),
    };
    let implied = matches!(
        data_type,
        DataType::Decimal128(..)
            | DataType::Decimal256(..)
            | DataType::Date32
            | DataType::Time32(_)
            | DataType::Timestamp(..)
    );
    if !implied {
        metadata.extend(declared["name"].as_str().map(|name| (schema::NAME.to_owned(), name.to_owned())));
        metadata.extend(declared["version"].as_i64().map(|v| (schema::VERSION.to_owned(), v.to_string())));
    }
    metadata.extend(declared["doc"].as_str().map(|doc| (schema::DOC.to_owned(), doc.to_owned())));
    // What the Arrow type says is not said again.
    let said = implied && parameters.len() == 1 && parameters.contains_key(schema::SCALE);
    if !parameters.is_empty() && !said {
        metadata.push((schema::PARAMETERS.to_owned(), Value::Object(parameters).to_string()));
    }
    if !declared["default"].is_null() {
        metadata.push((schema::DEFAULT.to_owned(), payload_of(&data_type, &declared["default"])?));
    }
    Ok(Field::new(name, data_type, optional)
        .with_metadata(metadata.into_iter().collect::<std::collections::HashMap<_, _>>()))
}

/// A default as the payload JsonConverter writes.
fn payload_of(data_type: &DataType, value: &Value) -> Result<String> {
    let items = || value["v"].as_array().into_iter().flatten();
    let quoted = |text: &str| format!("\"{}\"", text.chars().map(escaped).collect::<String>());
    let listed = |open: &str, parts: Vec<String>, close: &str| format!("{open}{}{close}", parts.join(","));
    Ok(match (value["t"].as_str(), data_type) {
        (Some("decimal"), _) => quoted(&STANDARD.encode(unscaled(value).to_signed_bytes_be())),
        (Some("date"), DataType::Date32) => value["ms"].as_i64().unwrap().div_euclid(86_400_000).to_string(),
        (Some("date"), _) => value["ms"].to_string(),
        (Some("float32"), _) => float_text(value, |bits, out| write_float(out, f32::from_bits(bits as u32))),
        (Some("float64"), _) => float_text(value, |bits, out| write_double(out, f64::from_bits(bits))),
        (Some("array"), DataType::List(item)) => {
            let items = items().map(|value| payload_of(item.data_type(), value)).collect::<Result<_>>()?;
            listed("[", items, "]")
        }
        (Some("map"), DataType::Map(entries, _)) => {
            let DataType::Struct(pair) = entries.data_type() else { unreachable!() };
            let as_object = pair[0].data_type() == &DataType::Utf8;
            let entry = |entry: &Value| {
                let key = payload_of(pair[0].data_type(), &entry[0])?;
                let value = payload_of(pair[1].data_type(), &entry[1])?;
                Ok(if as_object { format!("{key}:{value}") } else { format!("[{key},{value}]") })
            };
            let entries = items().map(entry).collect::<Result<_>>()?;
            if as_object { listed("{", entries, "}") } else { listed("[", entries, "]") }
        }
        (Some("struct"), DataType::Struct(fields)) => {
            let field = |field: &Arc<Field>| {
                let value = payload_of(field.data_type(), &value["v"][field.name().as_str()])?;
                Ok(format!("{}:{value}", quoted(field.name())))
            };
            listed("{", fields.iter().map(field).collect::<Result<_>>()?, "}")
        }
        (Some("string"), _) => quoted(value["v"].as_str().unwrap()),
        _ => json_of(value)?.to_string(),
    })
}

/// A character of a string as Java writes it.
fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\0'..' ' | '\u{10000}'.. => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect(),
        _ => c.to_string(),
    }
}

/// A float as Java writes it; of one that JSON has not, its name as a string.
fn float_text(value: &Value, write: impl Fn(u64, &mut Vec<u8>)) -> String {
    let bits = value["bits"].as_str().map(|bits| u64::from_str_radix(bits, 16).unwrap());
    let mut text = Vec::new();
    match bits {
        Some(bits) => write(bits, &mut text),
        None => return value["v"].to_string(),
    }
    let text = String::from_utf8(text).unwrap();
    if text.ends_with(|last: char| last.is_ascii_digit()) { text } else { Value::from(text).to_string() }
}

/// A value without schema as JSON.
pub fn json_of(value: &Value) -> Result<Value> {
    let items = || value["v"].as_array().unwrap();
    Ok(match value["t"].as_str() {
        None => Value::Null,
        Some("array") => Value::Array(items().iter().map(json_of).collect::<Result<_>>()?),
        Some("map") => {
            let entries: Vec<(Value, Value)> =
                items().iter().map(|e| Ok((json_of(&e[0])?, json_of(&e[1])?))).collect::<Result<_>>()?;
            if entries.iter().all(|(key, _)| key.is_string()) {
                let entries = entries.into_iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), value));
                Value::Object(entries.collect::<Map<_, _>>())
            } else {
                entries.into_iter().map(|(key, value)| json!([key, value])).collect()
            }
        }
        Some("int8" | "int16" | "int32" | "int64" | "float32" | "float64" | "boolean" | "string" | "bytes") => {
            value["v"].clone()
        }
        Some(other) => return Err(format!("JSON has no {other}")),
    })
}

fn unscaled(value: &Value) -> BigInt {
    value["unscaled"].as_str().unwrap().parse().unwrap()
}

/// The values as an array of the field's type.
pub fn array_of(field: &Field, values: &[&Value]) -> Result<ArrayRef> {
    let nulls = NullBuffer::from_iter(values.iter().map(|value| !value.is_null()));
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    Ok(match field.data_type() {
        DataType::Int8 => primitives::<Int8Type>(values, |v| i8::try_from(typed(v, "int8")?.as_i64()?).ok())?,
        DataType::Int16 => primitives::<Int16Type>(values, |v| i16::try_from(typed(v, "int16")?.as_i64()?).ok())?,
        DataType::Int32 => primitives::<Int32Type>(values, |v| i32::try_from(typed(v, "int32")?.as_i64()?).ok())?,
        DataType::Int64 => primitives::<Int64Type>(values, |v| typed(v, "int64")?.as_i64())?,
        DataType::Float32 => primitives::<Float32Type>(values, |v| {
            let bits = || Some(f32::from_bits(u32::from_str_radix(v["bits"].as_str()?, 16).ok()?));
            typed(v, "float32").and_then(|v| bits().or_else(|| v.as_str()?.parse().ok()))
        })?,
        DataType::Float64 => primitives::<Float64Type>(values, |v| {
            let bits = || Some(f64::from_bits(u64::from_str_radix(v["bits"].as_str()?, 16).ok()?));
            typed(v, "float64").and_then(|v| bits().or_else(|| v.as_str()?.parse().ok()))
        })?,
        DataType::Date32 => primitives::<Date32Type>(values, |v| {
            let millis = date(v)?;
            (millis % 86_400_000 == 0).then_some(i32::try_from(millis / 86_400_000).ok()?)
        })?,
        DataType::Time32(_) => primitives::<Time32MillisecondType>(values, |v| i32::try_from(date(v)?).ok())?,
        DataType::Timestamp(..) => {
            let array = primitives::<TimestampMillisecondType>(values, date)?;
            let array = array.as_primitive::<TimestampMillisecondType>().clone();
            Arc::new(array.with_data_type(field.data_type().clone()))
        }
        DataType::Decimal128(_, scale) => {
            let array = primitives::<Decimal128Type>(values, |v| {
                let same_scale = v["scale"].as_i64()? == i64::from(*scale);
                (typed_as(v, "decimal") && same_scale).then_some(i128::try_from(unscaled(v)).ok()?)
            })?;
            let array = array.as_primitive::<Decimal128Type>().clone();
            Arc::new(array.with_precision_and_scale(38, *scale).map_err(|e| e.to_string())?)
        }
        DataType::Decimal256(_, scale) => {
            let array: Decimal256Array = each(values, |v| {
                let same_scale = v["scale"].as_i64()? == i64::from(*scale);
                (typed_as(v, "decimal") && same_scale).then_some(i256::from_string(&unscaled(v).to_string())?)
            })?
            .into_iter()
            .collect();
            Arc::new(array.with_precision_and_scale(76, *scale).map_err(|e| e.to_string())?)
        }
        DataType::Boolean => Arc::new(BooleanArray::from(each(values, |v| typed(v, "boolean")?.as_bool())?)),
        DataType::Utf8 if schema::is_schemaless(field) => {
            let text = |value: &&Value| if value.is_null() { Ok(None) } else { Ok(Some(json_of(value)?.to_string())) };
            Arc::new(StringArray::from(values.iter().map(text).collect::<Result<Vec<_>>>()?))
        }
        DataType::Utf8 => {
            Arc::new(StringArray::from(each(values, |v| typed(v, "string")?.as_str().map(str::to_owned))?))
        }
        DataType::Binary => Arc::new(BinaryArray::from_iter(each(values, |v| match v["t"].as_str()? {
            "bytes" => STANDARD.decode(v["v"].as_str()?).ok(),
            "decimal" if schema::name(field) == Some(schema::DECIMAL) => Some(unscaled(v).to_signed_bytes_be()),
            _ => None,
        })?)),
        DataType::List(item) => {
            let rows = each(values, |v| typed(v, "array")?.as_array().cloned())?;
            let items: Vec<&Value> = rows.iter().flatten().flatten().collect();
            let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
            let list = ListArray::try_new(item.clone(), offsets, array_of(item, &items)?, nulls);
            Arc::new(list.map_err(|e| e.to_string())?)
        }
        DataType::Map(entries, _) => {
            let rows = each(values, |v| typed(v, "map")?.as_array().cloned())?;
            let DataType::Struct(pair) = entries.data_type() else { unreachable!() };
            let part = |index: usize| -> Vec<&Value> { rows.iter().flatten().flatten().map(|e| &e[index]).collect() };
            let columns = vec![array_of(&pair[0], &part(0))?, array_of(&pair[1], &part(1))?];
            let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.as_ref().map_or(0, Vec::len)));
            let pairs = StructArray::try_new(pair.clone(), columns, None).map_err(|e| e.to_string())?;
            let map = MapArray::try_new(entries.clone(), offsets, pairs, nulls, false);
            Arc::new(map.map_err(|e| e.to_string())?)
        }
        DataType::Struct(fields) => {
            let rows = each(values, |v| typed(v, "struct")?.as_object().cloned())?;
            if rows.iter().flatten().any(|row| row.keys().any(|key| fields.find(key).is_none())) {
                return Err("a struct of another schema".to_owned());
            }
            let columns: Result<Vec<ArrayRef>> = fields
                .iter()
                .map(|field| {
                    let part = |row: &Option<Map<String, Value>>| {
                        row.as_ref().and_then(|row| row.get(field.name())).cloned().unwrap_or(Value::Null)
                    };
                    let part: Vec<Value> = rows.iter().map(part).collect();
                    array_of(field, &part.iter().collect::<Vec<_>>())
                })
                .collect();
            let array = StructArray::try_new_with_length(fields.clone(), columns?, nulls, values.len());
            Arc::new(array.map_err(|e| e.to_string())?)
        }
        other => return Err(format!("type {other}")),
    })
}

fn typed_as(value: &Value, name: &str) -> bool {
    value["t"] == name
}

fn typed<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    typed_as(value, name).then(|| &value["v"])
}

fn date(value: &Value) -> Option<i64> {
    typed_as(value, "date").then(|| value["ms"].as_i64())?
}

fn each<T>(values: &[&Value], read: impl Fn(&Value) -> Option<T>) -> Result<Vec<Option<T>>> {
    let one = |value: &&Value| match value {
        Value::Null => Ok(None),
        value => read(value).map(Some).ok_or_else(|| format!("{value} is of another type")),
    };
    values.iter().map(one).collect()
}

fn primitives<T: ArrowPrimitiveType>(
    values: &[&Value],
    read: impl Fn(&Value) -> Option<T::Native>,
) -> Result<ArrayRef> {
    Ok(Arc::new(PrimitiveArray::<T>::from_iter(each(values, read)?)))
}
