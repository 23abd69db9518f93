//! Values as Java's `Values.convertToString` prints them.

use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Field, FieldRef, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMillisecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::java_text::{write_decimal, write_double, write_float};
use millstream_api::{Error, Result, schema};
use num_bigint::BigInt;
use serde_json::Value as Json;

use super::value::{Kind, Typed, Value};
use crate::converter::json;
use crate::converter::json::tree::{Tree, write_number};
use crate::java::date_pattern::{DAY, DatePattern};
use crate::listed::listed;

/// Appends the text of a row that is not null.
pub(super) fn print(field: &Field, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    match array.data_type() {
        DataType::Utf8 if !schema::is_schemaless(field) => {
            out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes());
        }
        DataType::Binary if schema::name(field) != Some(schema::DECIMAL) => {
            out.extend_from_slice(STANDARD.encode(array.as_binary::<i32>().value(row)).as_bytes());
        }
        DataType::Utf8 => match parsed(array, row)? {
            Tree::String(text) => out.extend_from_slice(text.as_bytes()),
            value => print_json(&value, out),
        },
        _ => embedded(field, array, row, out)?,
    }
    Ok(())
}

fn parsed(array: &ArrayRef, row: usize) -> Result<Tree<'_>> {
    Tree::parse(array.as_string::<i32>().value(row))
        .ok_or_else(|| Error::data("a value without schema is not JSON that can be printed as text"))
}

/// As part of a collection: texts and bytes stand in quotes.
fn embedded(field: &Field, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let integer = |out: &mut Vec<u8>, value: i64| out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    match array.data_type() {
        DataType::Boolean => out.extend_from_slice(if array.as_boolean().value(row) { b"true" } else { b"false" }),
        DataType::Int8 => integer(out, array.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => integer(out, array.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => integer(out, array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => integer(out, array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => write_float(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_double(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => print_date(out, i64::from(array.as_primitive::<Date32Type>().value(row)) * DAY),
        DataType::Time32(TimeUnit::Millisecond) => {
            print_date(out, array.as_primitive::<Time32MillisecondType>().value(row).into());
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            print_date(out, array.as_primitive::<TimestampMillisecondType>().value(row));
        }
        DataType::Decimal128(_, scale) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            write_decimal(out, itoa::Buffer::new().format(value), (*scale).into());
        }
        DataType::Decimal256(_, scale) => {
            write_decimal(out, &array.as_primitive::<Decimal256Type>().value(row).to_string(), (*scale).into());
        }
        DataType::Binary if schema::name(field) == Some(schema::DECIMAL) => {
            let value = BigInt::from_signed_bytes_be(array.as_binary::<i32>().value(row));
            let scale = schema::parameter(field, schema::SCALE).and_then(|scale| scale.parse().ok()).unwrap_or(0);
            write_decimal(out, &value.to_string(), scale);
        }
        DataType::Binary => quote(&STANDARD.encode(array.as_binary::<i32>().value(row)), out),
        DataType::Utf8 if schema::is_schemaless(field) => print_json(&parsed(array, row)?, out),
        DataType::Utf8 => quote(array.as_string::<i32>().value(row), out),
        DataType::List(item) => {
            let values = array.as_list::<i32>().value(row);
            listed(out, *b"[]", b",", values.len(), |out, index| embedded(item, &values, index, out))?;
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { return Err(no_text(array)) };
            let [key, value] = pair.as_ref() else { return Err(no_text(array)) };
            let values = array.as_map().value(row);
            listed(out, *b"{}", b",", values.len(), |out, index| {
                embedded(key, values.column(0), index, out)?;
                out.push(b':');
                embedded(value, values.column(1), index, out)
            })?;
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let parts: Vec<_> = fields.iter().zip(columns).collect();
            listed(out, *b"{}", b",", parts.len(), |out, index| match parts.get(index) {
                Some((field, column)) => {
                    quote(field.name(), out);
                    out.push(b':');
                    // A field that is null has its default, as `Struct.get` gives it.
                    match column.is_null(row).then(|| default_array(field)).flatten() {
                        Some(default) => embedded(field, &default, 0, out),
                        None => embedded(field, column, row, out),
                    }
                }
                None => Ok(()),
            })?;
        }
        _ => return Err(no_text(array)),
    }
    Ok(())
}

fn default_array(field: &FieldRef) -> Option<ArrayRef> {
    schema::default_json(field).and_then(|_| json::defaults::default_array(field).ok().flatten())
}

fn no_text(array: &ArrayRef) -> Error {
    Error::data(format!("a header value of type {} has no text", array.data_type()))
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// The first day, and all before it, as times; whole days as dates; the rest as timestamps.
fn print_date(out: &mut Vec<u8>, millis: i64) {
    static PATTERNS: LazyLock<[Option<DatePattern>; 3]> = LazyLock::new(|| {
        ["HH:mm:ss.SSS'Z'", "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"].map(|pattern| DatePattern::new(pattern).ok())
    });
    let [time, date, timestamp] = &*PATTERNS;
    let pattern = match millis {
        ..DAY => time,
        _ if millis % DAY == 0 => date,
        _ => timestamp,
    };
    let mut text = String::new();
    if let Some(pattern) = pattern {
        pattern.format(millis, &mut text);
    }
    out.extend_from_slice(text.as_bytes());
}

fn print_json(value: &Tree<'_>, out: &mut Vec<u8>) {
    match value {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Tree::Number(number) => write_number(out, number),
        Tree::String(text) => quote(text, out),
        Tree::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separated(index, out);
                print_json(item, out);
            }
            out.push(b']');
        }
        Tree::Object(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                separated(index, out);
                quote(key, out);
                out.push(b':');
                print_json(value, out);
            }
            out.push(b'}');
        }
    }
}

/// A value of a collection without a common type as JSON, which has no dates: they are their text there.
pub(super) fn json_text(value: &Typed) -> String {
    let mut out = Vec::new();
    write_json(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn write_json(typed: &Typed, out: &mut Vec<u8>) {
    match &typed.value {
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Integer(value) => out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
        Value::Float32(value) => write_float(out, *value),
        Value::Float64(value) => write_double(out, *value),
        Value::Decimal(unscaled) => {
            let Kind::Decimal(scale) = typed.kind else { return };
            write_decimal(out, &unscaled.to_string(), scale);
        }
        Value::Millis(millis) => {
            out.push(b'"');
            print_date(out, *millis);
            out.push(b'"');
        }
        Value::String(text) => out.extend_from_slice(Json::from(text.as_str()).to_string().as_bytes()),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separated(index, out);
                nullable(item.as_ref(), out);
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            let texts = entries.iter().all(|(key, _)| matches!(key.value, Value::String(_)));
            out.push(if texts { b'{' } else { b'[' });
            for (index, (key, value)) in entries.iter().enumerate() {
                separated(index, out);
                out.extend_from_slice(if texts { b"" } else { b"[" });
                write_json(key, out);
                out.push(if texts { b':' } else { b',' });
                nullable(value.as_ref(), out);
                out.extend_from_slice(if texts { b"" } else { b"]" });
            }
            out.push(if texts { b'}' } else { b']' });
        }
    }
}

fn separated(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

fn nullable(value: Option<&Typed>, out: &mut Vec<u8>) {
    match value {
        Some(value) => write_json(value, out),
        None => out.extend_from_slice(b"null"),
    }
}
