//! Objects of the store, read back: rows in the notation of the recordings.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int32Type, Int64Type,
    Time32MillisecondType, TimeUnit, TimestampMillisecondType,
};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value, json};

/// All objects, by name.
pub(super) async fn objects(store: &InMemory) -> BTreeMap<String, Bytes> {
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut objects = BTreeMap::new();
    for meta in listed {
        let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
        objects.insert(meta.location.to_string(), bytes);
    }
    objects
}

/// A Parquet object's rows, and its metadata.
pub(super) fn parquet(bytes: &Bytes) -> (Vec<Value>, ParquetMetaData) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let metadata = builder.metadata().as_ref().clone();
    let mut rows = Vec::new();
    for batch in builder.build().unwrap() {
        let batch = batch.unwrap();
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(batch.columns());
            rows.push(Value::Object(cells.map(|(f, column)| (f.name().clone(), cell(column, row))).collect()));
        }
    }
    (rows, metadata)
}

/// An entry of the footer.
pub(super) fn footer<'a>(metadata: &'a ParquetMetaData, key: &str) -> Option<&'a str> {
    let entries = metadata.file_metadata().key_value_metadata()?;
    entries.iter().find(|entry| entry.key == key)?.value.as_deref()
}

fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Binary => json!(hex(array.as_binary::<i32>().value(row))),
        DataType::FixedSizeBinary(_) => json!(hex(array.as_fixed_size_binary().value(row))),
        DataType::Decimal128(_, scale) => {
            json!(decimal(&array.as_primitive::<Decimal128Type>().value(row).to_string(), *scale))
        }
        DataType::Decimal256(_, scale) => {
            json!(decimal(&array.as_primitive::<Decimal256Type>().value(row).to_string(), *scale))
        }
        DataType::Date32 => json!(format!("date:{}", array.as_primitive::<Date32Type>().value_as_date(row).unwrap())),
        DataType::Time32(TimeUnit::Millisecond) => {
            let time = array.as_primitive::<Time32MillisecondType>().value_as_time(row).unwrap();
            json!(format!("time:{}", whole_seconds(time.format("%H:%M:%S%.6f").to_string())))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let time = array.as_primitive::<TimestampMillisecondType>().value_as_datetime(row).unwrap();
            let text = whole_seconds(time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string());
            json!(format!("datetime:{text}+00:00"))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|item| cell(&items, item)).collect())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            Value::Array((0..entries.len()).map(|item| json!([cell(keys, item), cell(values, item)])).collect())
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let cells = fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), cell(column, row)));
            Value::Object(cells.collect::<Map<_, _>>())
        }
        other => panic!("no notation for {other}"),
    }
}

fn whole_seconds(text: String) -> String {
    text.strip_suffix(".000000").map(str::to_owned).unwrap_or(text)
}

fn float(value: f64) -> Value {
    match value {
        v if v.is_nan() => json!("float:NaN"),
        f64::INFINITY => json!("float:Infinity"),
        f64::NEG_INFINITY => json!("float:-Infinity"),
        v => json!(v),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::from("hex:");
    for byte in bytes.iter().take(1000) {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn decimal(unscaled: &str, scale: i8) -> String {
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled), |digits| ("-", digits));
    let scale = usize::try_from(scale).unwrap();
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("decimal:{sign}{whole}{point}{fraction}")
}
