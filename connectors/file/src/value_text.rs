//! Values as Java's `toString` shows them: what Kafka's file sink writes.
//!
//! `Struct{a=1,b=x}` without the fields that are null; maps as `{a=1, b=2}`, arrays as `[1, 2]`, null as `null`. Java shows bytes as an
//! address, which helps nobody: here they are written as they are. Java's maps have hash order, here the order of the data. Dates are in
//! UTC, Java's in the zone of its machine.

use std::io::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMillisecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream_api::java_text::{write_date, write_decimal, write_double, write_float};
use millstream_api::{Column, Error, Result, schema};
use num_bigint::BigInt;

use crate::json_text::{Work, append_json};

/// Appends the text of every row, each with a newline.
pub(crate) fn append_texts(column: &Column, out: &mut Vec<u8>) -> Result<()> {
    let mut work = Work::default();
    for row in 0..column.len() {
        if column.is_null(row) {
            out.extend_from_slice(b"null");
        } else if column.is_schemaless() {
            let text = column.array().as_string::<i32>().value(row);
            append_json(text, out, &mut work)
                .ok_or_else(|| Error::data(format!("row {row} of a batch is not JSON")))?;
        } else {
            append(column.field(), column.array().as_ref(), row, out)?;
        }
        out.push(b'\n');
    }
    Ok(())
}

fn append(field: &Field, array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            match bytes_scale(field) {
                Some(scale) => write_decimal(out, &BigInt::from_signed_bytes_be(bytes).to_string(), scale),
                None => out.extend_from_slice(bytes),
            }
        }
        DataType::Float32 => write_float(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_double(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            write_decimal(out, &array.as_primitive::<Decimal128Type>().value(row).to_string(), (*scale).into());
        }
        DataType::Decimal256(_, scale) => {
            write_decimal(out, &array.as_primitive::<Decimal256Type>().value(row).to_string(), (*scale).into());
        }
        DataType::Date32 => {
            write_date(out, i64::from(array.as_primitive::<Date32Type>().value(row)) * 86_400_000);
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            write_date(out, array.as_primitive::<Time32MillisecondType>().value(row).into());
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            write_date(out, array.as_primitive::<TimestampMillisecondType>().value(row));
        }
        DataType::List(of) => {
            let items = array.as_list::<i32>().value(row);
            out.push(b'[');
            for item in 0..items.len() {
                separate(item, b", ", out);
                append(of, items.as_ref(), item, out)?;
            }
            out.push(b']');
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let ([key, value], [keys, values]) = (entries.fields().as_ref(), entries.columns()) else {
                return Err(unprintable(array));
            };
            out.push(b'{');
            for entry in 0..entries.len() {
                separate(entry, b", ", out);
                append(key, keys.as_ref(), entry, out)?;
                out.push(b'=');
                append(value, values.as_ref(), entry, out)?;
            }
            out.push(b'}');
        }
        DataType::Struct(fields) => {
            out.extend_from_slice(b"Struct{");
            let given = fields.iter().zip(array.as_struct().columns()).filter(|(_, column)| !column.is_null(row));
            for (at, (field, column)) in given.enumerate() {
                separate(at, b",", out);
                out.extend_from_slice(field.name().as_bytes());
                out.push(b'=');
                append(field, column.as_ref(), row, out)?;
            }
            out.push(b'}');
        }
        DataType::Boolean => out.extend_from_slice(if array.as_boolean().value(row) { b"true" } else { b"false" }),
        DataType::Int8 => number(array.as_primitive::<Int8Type>().value(row), out),
        DataType::Int16 => number(array.as_primitive::<Int16Type>().value(row), out),
        DataType::Int32 => number(array.as_primitive::<Int32Type>().value(row), out),
        DataType::Int64 => number(array.as_primitive::<Int64Type>().value(row), out),
        _ => {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())
                .map_err(|e| unprintable(array).caused_by(e))?;
            let _ = write!(out, "{}", formatter.value(row));
        }
    }
    Ok(())
}

/// The scale of a Decimal that is kept as bytes, since Arrow's own cannot hold it.
fn bytes_scale(field: &Field) -> Option<i64> {
    let decimal = schema::name(field) == Some(schema::DECIMAL);
    decimal.then(|| schema::parameter(field, schema::SCALE)?.parse().ok()).flatten()
}

fn number(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    let _ = write!(out, "{value}");
}

fn unprintable(array: &dyn Array) -> Error {
    Error::data(format!("a value of type {} has no text", array.data_type()))
}

fn separate(at: usize, separator: &[u8], out: &mut Vec<u8>) {
    if at > 0 {
        out.extend_from_slice(separator);
    }
}

#[cfg(test)]
mod tests;
