//! Values of one type as a column.

use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, ListArray, MapArray, StringArray, StructArray,
    Time32MillisecondArray, TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, i256};
use millstream_api::{Column, Error, Result, schema};
use num_bigint::BigInt;

use super::print::json_text;
use super::value::{Entries, Kind, Typed, Value};
use crate::java::date_pattern::DAY;

/// A column of values that are of one type or null; nulls have no schema.
pub(super) fn column_of(values: &[Option<Typed>]) -> Result<Column> {
    let Some(kind) = values.iter().flatten().map(|value| &value.kind).next() else {
        return Ok(Column::absent(values.len()));
    };
    let plain: Vec<Option<&Value>> = values.iter().map(|value| value.as_ref().map(|v| &v.value)).collect();
    let (field, array) = array_of("value", kind, &plain)?;
    let absent = BooleanBuffer::collect_bool(values.len(), |row| plain.get(row).is_none_or(Option::is_none));
    Ok(Column::new(Arc::new(field), array)?.with_absent(absent))
}

/// Values of the type; what is of another type is null, which only a defect can bring about.
fn array_of<'a>(name: &str, kind: &Kind, values: &[Option<&'a Value>]) -> Result<(Field, ArrayRef)> {
    macro_rules! plain {
        ($array:ty, $data_type:expr, $pattern:pat => $value:expr) => {{
            let read = |value: &Option<&Value>| match value {
                Some($pattern) => $value,
                _ => None,
            };
            let array: $array = values.iter().map(read).collect();
            ($data_type, Arc::new(array) as ArrayRef)
        }};
    }
    let (data_type, array): (DataType, ArrayRef) = match kind {
        Kind::Boolean => plain!(BooleanArray, DataType::Boolean, Value::Boolean(v) => Some(*v)),
        Kind::Int8 => plain!(Int8Array, DataType::Int8, Value::Integer(v) => i8::try_from(*v).ok()),
        Kind::Int16 => plain!(Int16Array, DataType::Int16, Value::Integer(v) => i16::try_from(*v).ok()),
        Kind::Int32 => plain!(Int32Array, DataType::Int32, Value::Integer(v) => i32::try_from(*v).ok()),
        Kind::Int64 => plain!(Int64Array, DataType::Int64, Value::Integer(v) => Some(*v)),
        Kind::Float32 => plain!(Float32Array, DataType::Float32, Value::Float32(v) => Some(*v)),
        Kind::Float64 => plain!(Float64Array, DataType::Float64, Value::Float64(v) => Some(*v)),
        Kind::String => {
            let text = |value: &Option<&'a Value>| match value {
                Some(Value::String(text)) => Some(text.as_str()),
                _ => None,
            };
            (DataType::Utf8, Arc::new(values.iter().map(text).collect::<StringArray>()))
        }
        Kind::Date => {
            plain!(Date32Array, DataType::Date32, Value::Millis(v) => i32::try_from(v.div_euclid(DAY)).ok())
        }
        Kind::Time => {
            plain!(Time32MillisecondArray, schema::time_type(), Value::Millis(v) => i32::try_from(*v).ok())
        }
        Kind::Timestamp | Kind::Mixed(_) => {
            let millis = |value: &Option<&Value>| match value {
                Some(Value::Millis(v)) => Some(*v),
                _ => None,
            };
            let array: TimestampMillisecondArray = values.iter().map(millis).collect();
            (schema::timestamp_type(), Arc::new(array.with_data_type(schema::timestamp_type())))
        }
        Kind::Decimal(scale) => return decimals(name, *scale, values),
        Kind::Array(item) => lists(item.as_deref(), values)?,
        Kind::Map(keys, of) => maps(keys.as_deref(), of.as_deref(), values)?,
    };
    Ok((Field::new(name, data_type, false), array))
}

fn decimals(name: &str, scale: i64, values: &[Option<&Value>]) -> Result<(Field, ArrayRef)> {
    let scale = i32::try_from(scale).map_err(|_| Error::data("the scale of a decimal is beyond 32 bits"))?;
    let unscaled: Vec<Option<&BigInt>> = values
        .iter()
        .map(|value| match value {
            Some(Value::Decimal(unscaled)) => Some(unscaled),
            _ => None,
        })
        .collect();
    let digits = |value: &BigInt| value.magnitude().to_string().len();
    let most = unscaled.iter().flatten().map(|value| digits(value)).max().unwrap_or(0);
    let field = schema::decimal_field(name, scale, false);
    Ok(match field.data_type() {
        DataType::Decimal128(precision, scale) if most <= usize::from(*precision) => {
            let array: Decimal128Array = unscaled.iter().map(|v| i128::try_from((*v)?).ok()).collect();
            let array = array.with_precision_and_scale(*precision, *scale).map_err(misfit)?;
            (field.clone(), Arc::new(array) as ArrayRef)
        }
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) if most <= 76 => {
            let array: Decimal256Array = unscaled.iter().map(|v| i256::from_str(&(*v)?.to_string()).ok()).collect();
            let array = array.with_precision_and_scale(76, *scale).map_err(misfit)?;
            (field.clone().with_data_type(DataType::Decimal256(76, *scale)), Arc::new(array))
        }
        _ => {
            let array: BinaryArray = unscaled.iter().map(|v| Some((*v)?.to_signed_bytes_be())).collect();
            (schema::binary_decimal_field(name, scale, false), Arc::new(array))
        }
    })
}

fn misfit(error: arrow::error::ArrowError) -> Error {
    Error::internal("values of a header do not fit together").caused_by(error)
}

/// What is in a collection, of one type or as JSON text.
fn inner(name: &str, kind: Option<&Kind>, values: &[Option<&Typed>], nullable: bool) -> Result<(Field, ArrayRef)> {
    match kind {
        Some(kind) => array_of(name, kind, &values.iter().map(|value| value.map(|v| &v.value)).collect::<Vec<_>>()),
        None => {
            let texts: StringArray = values.iter().map(|value| value.map(json_text)).collect();
            let field = schema::schemaless_field().as_ref().clone().with_name(name).with_nullable(nullable);
            Ok((field, Arc::new(texts)))
        }
    }
}

fn lists(kind: Option<&Kind>, values: &[Option<&Value>]) -> Result<(DataType, ArrayRef)> {
    let rows: Vec<Option<&Vec<Option<Typed>>>> = values
        .iter()
        .map(|value| match value {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        })
        .collect();
    let items: Vec<Option<&Typed>> = rows.iter().flatten().flat_map(|items| items.iter().map(Option::as_ref)).collect();
    let (field, array) = inner("item", kind, &items, true)?;
    let field = Arc::new(field);
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.map_or(0, Vec::len)));
    let list = ListArray::try_new(field.clone(), offsets, array, nulls(&rows)).map_err(misfit)?;
    Ok((DataType::List(field), Arc::new(list)))
}

fn maps(keys: Option<&Kind>, kind: Option<&Kind>, values: &[Option<&Value>]) -> Result<(DataType, ArrayRef)> {
    let rows: Vec<Option<&Entries>> = values
        .iter()
        .map(|value| match value {
            Some(Value::Map(entries)) => Some(entries),
            _ => None,
        })
        .collect();
    let entries = || rows.iter().flatten().flat_map(|entries| entries.iter());
    let key_values: Vec<Option<&Typed>> = entries().map(|(key, _)| Some(key)).collect();
    let values: Vec<Option<&Typed>> = entries().map(|(_, value)| value.as_ref()).collect();
    let (key_field, key_array) = inner("key", keys, &key_values, false)?;
    let (value_field, value_array) = inner("value", kind, &values, true)?;
    let fields = Fields::from(vec![key_field, value_field]);
    let pairs = StructArray::try_new(fields.clone(), vec![key_array, value_array], None).map_err(misfit)?;
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.map_or(0, Vec::len)));
    let map = MapArray::try_new(field.clone(), offsets, pairs, nulls(&rows), false).map_err(misfit)?;
    Ok((DataType::Map(field, false), Arc::new(map)))
}

fn nulls<T>(rows: &[Option<T>]) -> Option<NullBuffer> {
    let nulls = NullBuffer::from_iter(rows.iter().map(Option::is_some));
    (nulls.null_count() > 0).then_some(nulls)
}
