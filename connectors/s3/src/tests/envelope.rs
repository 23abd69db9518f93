//! Columns from JSON envelopes, plainly and slowly: what a converter would hand to the sink.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
    Time32MillisecondArray, TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, i256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Column, schema};
use serde_json::{Map, Value};

type Cells<'a> = Vec<Option<&'a Value>>;

/// The column of values under one Connect schema.
pub(super) fn column(connect: &Value, payloads: &[Option<Value>]) -> Column {
    let cells = payloads.iter().map(|payload| payload.as_ref().filter(|value| !value.is_null())).collect();
    let (field, array) = build("value", connect, &cells);
    Column::new(Arc::new(field), array).unwrap()
}

/// A column of tombstones, or of JSON text.
pub(super) fn schemaless(texts: Vec<Option<String>>) -> Column {
    let absent: Vec<bool> = texts.iter().map(Option::is_none).collect();
    if absent.iter().all(|absent| *absent) {
        return Column::absent(texts.len());
    }
    Column::schemaless(StringArray::from(texts)).with_absent(BooleanBuffer::from(absent))
}

fn build(name: &str, connect: &Value, cells: &Cells<'_>) -> (Field, ArrayRef) {
    let optional = connect["optional"].as_bool().unwrap_or(false);
    let default = connect.get("default");
    let filled: Cells<'_> = if optional { cells.clone() } else { cells.iter().map(|cell| cell.or(default)).collect() };
    let (data_type, array) = array(connect, &filled);
    let mut field = Field::new(name, data_type, optional);
    let logical =
        matches!(connect["name"].as_str(), Some(schema::DECIMAL | schema::DATE | schema::TIME | schema::TIMESTAMP));
    let mut meta = Vec::new();
    if let Some(name) = connect["name"].as_str().filter(|_| !logical || field.data_type() == &DataType::Binary) {
        meta.push((schema::NAME, name.to_owned()));
    }
    if let Some(version) = connect["version"].as_i64().filter(|_| !logical || field.data_type() == &DataType::Binary) {
        meta.push((schema::VERSION, version.to_string()));
    }
    if let Some(doc) = connect["doc"].as_str() {
        meta.push((schema::DOC, doc.to_owned()));
    }
    if let Some(parameters) = connect["parameters"].as_object() {
        meta.push((schema::PARAMETERS, Value::Object(parameters.clone()).to_string()));
    }
    if let Some(default) = default {
        meta.push((schema::DEFAULT, default.to_string()));
    }
    field = schema::with_meta(field, meta);
    (field, array)
}

fn array(connect: &Value, cells: &Cells<'_>) -> (DataType, ArrayRef) {
    let ints = || cells.iter().map(|cell| cell.and_then(Value::as_i64));
    let array: ArrayRef = match (connect["type"].as_str().unwrap(), connect["name"].as_str()) {
        ("bytes", Some(schema::DECIMAL)) => decimals(connect, cells),
        ("int32", Some(schema::DATE)) => Arc::new(ints().map(|v| v.map(|v| v as i32)).collect::<Date32Array>()),
        ("int32", Some(schema::TIME)) => {
            Arc::new(ints().map(|v| v.map(|v| v as i32)).collect::<Time32MillisecondArray>())
        }
        ("int64", Some(schema::TIMESTAMP)) => {
            Arc::new(ints().collect::<TimestampMillisecondArray>().with_timezone("UTC"))
        }
        ("int8", _) => Arc::new(ints().map(|v| v.map(|v| v as i8)).collect::<Int8Array>()),
        ("int16", _) => Arc::new(ints().map(|v| v.map(|v| v as i16)).collect::<Int16Array>()),
        ("int32", _) => Arc::new(ints().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        ("int64", _) => Arc::new(ints().collect::<Int64Array>()),
        ("float", _) => Arc::new(floats(cells).map(|v| v.map(|v| v as f32)).collect::<Float32Array>()),
        ("double", _) => Arc::new(floats(cells).collect::<Float64Array>()),
        ("boolean", _) => Arc::new(cells.iter().map(|cell| cell.and_then(Value::as_bool)).collect::<BooleanArray>()),
        ("string", _) => Arc::new(cells.iter().map(|cell| cell.and_then(Value::as_str)).collect::<StringArray>()),
        ("bytes", _) => Arc::new(BinaryArray::from_iter(cells.iter().map(|cell| cell.map(bytes)))),
        ("array", _) => list(connect, cells),
        ("map", _) => map(connect, cells),
        ("struct", _) => structs(connect, cells),
        (other, _) => panic!("type {other}"),
    };
    (array.data_type().clone(), array)
}

/// Jackson takes `"NaN"` and `"Infinity"` as texts.
fn floats(cells: &Cells<'_>) -> impl Iterator<Item = Option<f64>> {
    cells.iter().map(|cell| cell.and_then(|v| v.as_f64().or_else(|| v.as_str().and_then(|text| text.parse().ok()))))
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn decimals(connect: &Value, cells: &Cells<'_>) -> ArrayRef {
    let raw: Vec<Option<Vec<u8>>> = cells.iter().map(|cell| cell.map(bytes)).collect();
    let wide = |bytes: &Vec<u8>| {
        let sign = if bytes.first().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
        let mut all = [sign; 32];
        let start = 32usize.checked_sub(bytes.len())?;
        all[start..].copy_from_slice(bytes);
        Some(i256::from_be_bytes(all))
    };
    let scale: i32 = connect["parameters"]["scale"].as_str().unwrap().parse().unwrap();
    let values: Option<Vec<Option<i256>>> =
        raw.iter().map(|bytes| bytes.as_ref().map_or(Some(None), |bytes| wide(bytes).map(Some))).collect();
    match (i8::try_from(scale), values) {
        (Ok(scale @ 0..=38), Some(values)) if values.iter().flatten().all(|v| v.to_string().len() <= 38) => Arc::new(
            Decimal128Array::from_iter(values.into_iter().map(|v| v.and_then(i256::to_i128)))
                .with_precision_and_scale(38, scale)
                .unwrap(),
        ),
        (Ok(scale @ 0..=76), Some(values)) if values.iter().flatten().all(|v| v.to_string().len() <= 76) => {
            Arc::new(Decimal256Array::from_iter(values).with_precision_and_scale(76, scale).unwrap())
        }
        _ => Arc::new(BinaryArray::from_iter(raw)),
    }
}

fn list(connect: &Value, cells: &Cells<'_>) -> ArrayRef {
    let items: Cells<'_> = cells
        .iter()
        .flatten()
        .flat_map(|cell| cell.as_array().unwrap())
        .map(|v| Some(v).filter(|v| !v.is_null()))
        .collect();
    let lengths = cells.iter().map(|cell| cell.map_or(0, |cell| cell.as_array().unwrap().len()));
    let (item, values) = build("item", &connect["items"], &items);
    let nulls = NullBuffer::from_iter(cells.iter().map(Option::is_some));
    Arc::new(ListArray::new(Arc::new(item), OffsetBuffer::from_lengths(lengths), values, Some(nulls)))
}

/// Maps are objects when their keys are required texts, else lists of pairs.
fn map(connect: &Value, cells: &Cells<'_>) -> ArrayRef {
    let pairs: Vec<Vec<(Value, Value)>> = cells
        .iter()
        .map(|cell| match cell {
            None => Vec::new(),
            Some(Value::Object(entries)) => {
                entries.iter().map(|(key, value)| (Value::from(key.as_str()), value.clone())).collect()
            }
            Some(list) => list.as_array().unwrap().iter().map(|pair| (pair[0].clone(), pair[1].clone())).collect(),
        })
        .collect();
    let not_null = |value| Some(value).filter(|value: &&Value| !value.is_null());
    let keys: Cells<'_> = pairs.iter().flatten().map(|(key, _)| not_null(key)).collect();
    let values: Cells<'_> = pairs.iter().flatten().map(|(_, value)| not_null(value)).collect();
    let (key, keys) = build("key", &connect["keys"], &keys);
    let key = match key.is_nullable() {
        true => schema::with_meta(key.with_nullable(false), [(schema::OPTIONAL, "true".to_owned())]),
        false => key,
    };
    let (value, values) = build("value", &connect["values"], &values);
    let entries = StructArray::new(Fields::from(vec![key, value]), vec![keys, values], None);
    let field = Field::new("entries", arrow::array::Array::data_type(&entries).clone(), false);
    let nulls = NullBuffer::from_iter(cells.iter().map(Option::is_some));
    let offsets = OffsetBuffer::from_lengths(pairs.iter().map(Vec::len));
    Arc::new(MapArray::new(Arc::new(field), offsets, entries, Some(nulls), false))
}

fn structs(connect: &Value, cells: &Cells<'_>) -> ArrayRef {
    let nothing = Map::new();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for child in connect["fields"].as_array().unwrap() {
        let name = child["field"].as_str().unwrap();
        let values: Cells<'_> = cells
            .iter()
            .map(|cell| cell.and_then(Value::as_object).unwrap_or(&nothing).get(name).filter(|v| !v.is_null()))
            .collect();
        let (field, column) = build(name, child, &values);
        fields.push(field);
        columns.push(column);
    }
    let nulls = NullBuffer::from_iter(cells.iter().map(Option::is_some));
    Arc::new(StructArray::try_new_with_length(fields.into(), columns, Some(nulls), cells.len()).unwrap())
}
