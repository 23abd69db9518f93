//! Rows as single values, for forms of transformations that are written to be plain, not fast.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Column, schema};
use num_bigint::BigInt;
use serde_json::Value;

/// One value. Floats are their bits, so that a NaN equals itself.
#[derive(Clone, Debug, PartialEq)]
pub enum V {
    Null,
    Whole(i64),
    Float(u32),
    Double(u64),
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    Decimal(BigInt, i64),
    /// Days.
    Date(i64),
    /// Milliseconds of a day.
    Time(i64),
    /// Milliseconds.
    Timestamp(i64),
    List(Vec<V>),
    Map(Vec<(V, V)>),
    Struct(Vec<V>),
}

/// A key or value with its schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Neither schema nor value.
    Nothing,
    Json(Value),
    Typed(FieldRef, V),
}

impl Part {
    pub fn of(column: &Column, row: usize) -> Self {
        if column.is_absent(row) || column.is_all_absent() {
            return Self::Nothing;
        }
        if column.is_schemaless() {
            return Self::Json(serde_json::from_str(column.array().as_string::<i32>().value(row)).unwrap());
        }
        Self::Typed(column.field().clone(), value(column.field(), column.array(), row))
    }
}

pub fn value(field: &Field, array: &ArrayRef, row: usize) -> V {
    if array.is_null(row) {
        return V::Null;
    }
    let scale = || schema::parameter(field, schema::SCALE).unwrap().parse().unwrap();
    match array.data_type() {
        DataType::Int8 => V::Whole(array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => V::Whole(array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => V::Whole(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => V::Whole(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => V::Float(array.as_primitive::<Float32Type>().value(row).to_bits()),
        DataType::Float64 => V::Double(array.as_primitive::<Float64Type>().value(row).to_bits()),
        DataType::Boolean => V::Boolean(array.as_boolean().value(row)),
        DataType::Utf8 => V::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Decimal128(..) => V::Decimal(array.as_primitive::<Decimal128Type>().value(row).into(), scale()),
        DataType::Decimal256(..) => {
            let digits = array.as_primitive::<Decimal256Type>().value(row).to_string();
            V::Decimal(digits.parse().unwrap(), scale())
        }
        DataType::Binary if schema::name(field) == Some(schema::DECIMAL) => {
            V::Decimal(BigInt::from_signed_bytes_be(array.as_binary::<i32>().value(row)), scale())
        }
        DataType::Binary => V::Bytes(array.as_binary::<i32>().value(row).to_vec()),
        DataType::Date32 => V::Date(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Time32(_) => V::Time(array.as_primitive::<Time32MillisecondType>().value(row).into()),
        DataType::Timestamp(..) => V::Timestamp(array.as_primitive::<TimestampMillisecondType>().value(row)),
        DataType::List(item) => {
            let items = array.as_list::<i32>().value(row);
            V::List((0..items.len()).map(|index| value(item, &items, index)).collect())
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { unreachable!() };
            let entries = array.as_map().value(row);
            let part = |place: usize, index| value(&pair[place], entries.column(place), index);
            V::Map((0..entries.len()).map(|index| (part(0, index), part(1, index))).collect())
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            V::Struct(fields.iter().zip(columns).map(|(field, column)| value(field, column, row)).collect())
        }
        other => unreachable!("{other}"),
    }
}

/// The default of a schema. Only of types that the tests give one.
pub fn default(field: &Field) -> Option<V> {
    let json: Value = serde_json::from_str(schema::default_json(field)?).unwrap();
    Some(match field.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => V::Whole(json.as_i64().unwrap()),
        DataType::Date32 => V::Date(json.as_i64().unwrap()),
        DataType::Float64 => V::Double(json.as_f64().unwrap().to_bits()),
        DataType::Utf8 => V::Text(json.as_str().unwrap().to_owned()),
        DataType::Decimal128(_, scale) => {
            let bytes = STANDARD.decode(json.as_str().unwrap()).unwrap();
            V::Decimal(BigInt::from_signed_bytes_be(&bytes), (*scale).into())
        }
        DataType::List(_) => V::List(Vec::new()),
        other => unreachable!("{other}"),
    })
}
