//! Values as Java's `toString` shows them: what Kafka's file sink writes.
//!
//! `Struct{a=1,b=x}` without the fields that are null; maps as `{a=1, b=2}`, arrays as `[1, 2]`, null as `null`. Java shows bytes as an
//! address, which helps nobody: here they are written as they are. Java's maps have hash order, here the order of the data. Dates are in
//! UTC, Java's in the zone of its machine.

use std::io::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Time32MillisecondType, TimeUnit,
    TimestampMillisecondType,
};
use arrow::temporal_conversions::timestamp_ms_to_datetime;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use millstream_api::{Column, Error, Result};
use serde_json::Value;

/// Appends the text of every row, each with a newline.
pub(crate) fn append_texts(column: &Column, out: &mut Vec<u8>) -> Result<()> {
    for row in 0..column.len() {
        if column.is_null(row) {
            out.extend_from_slice(b"null");
        } else if column.is_schemaless() {
            let text = column.array().as_string::<i32>().value(row);
            let value: Value = serde_json::from_str(text)
                .map_err(|e| Error::data(format!("row {row} of a batch is not JSON")).caused_by(e))?;
            append_json(&value, out);
        } else {
            append(column.array().as_ref(), row, out)?;
        }
        out.push(b'\n');
    }
    Ok(())
}

fn append(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => out.extend_from_slice(array.as_binary::<i32>().value(row)),
        DataType::Float32 => {
            let value = array.as_primitive::<Float32Type>().value(row);
            append_float(value.into(), format!("{value:?}"), format!("{value:e}"), out);
        }
        DataType::Float64 => append_double(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Decimal128(_, scale) => {
            append_decimal(&array.as_primitive::<Decimal128Type>().value(row).to_string(), *scale, out);
        }
        DataType::Decimal256(_, scale) => {
            append_decimal(&array.as_primitive::<Decimal256Type>().value(row).to_string(), *scale, out);
        }
        DataType::Date32 => {
            append_date(i64::from(array.as_primitive::<Date32Type>().value(row)) * 86_400_000, out);
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            append_date(array.as_primitive::<Time32MillisecondType>().value(row).into(), out);
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            append_date(array.as_primitive::<TimestampMillisecondType>().value(row), out);
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            out.push(b'[');
            for item in 0..items.len() {
                separate(item, b", ", out);
                append(items.as_ref(), item, out)?;
            }
            out.push(b']');
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let [keys, values] = entries.columns() else { return Err(unprintable(array)) };
            out.push(b'{');
            for entry in 0..entries.len() {
                separate(entry, b", ", out);
                append(keys.as_ref(), entry, out)?;
                out.push(b'=');
                append(values.as_ref(), entry, out)?;
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
                append(column.as_ref(), row, out)?;
            }
            out.push(b'}');
        }
        // Integers and booleans.
        _ => {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())
                .map_err(|e| unprintable(array).caused_by(e))?;
            let _ = write!(out, "{}", formatter.value(row));
        }
    }
    Ok(())
}

fn unprintable(array: &dyn Array) -> Error {
    Error::data(format!("a value of type {} has no text", array.data_type()))
}

fn separate(at: usize, separator: &[u8], out: &mut Vec<u8>) {
    if at > 0 {
        out.extend_from_slice(separator);
    }
}

fn append_json(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Number(number) if number.is_f64() => append_double(number.as_f64().unwrap_or(f64::NAN), out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                separate(at, b", ", out);
                append_json(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            out.push(b'{');
            for (at, (key, value)) in map.iter().enumerate() {
                separate(at, b", ", out);
                out.extend_from_slice(key.as_bytes());
                out.push(b'=');
                append_json(value, out);
            }
            out.push(b'}');
        }
        other => out.extend_from_slice(other.to_string().as_bytes()),
    }
}

/// `Double.toString`, and with the digits of a float `Float.toString`: plain from 0.001 to below 10^7, else `d.dddE-n`. `plain` and
/// `scientific` are Rust's shortest digits in both notations.
fn append_float(value: f64, plain: String, scientific: String, out: &mut Vec<u8>) {
    let magnitude = value.abs();
    let text = if value.is_nan() || value == 0.0 || (1e-3..1e7).contains(&magnitude) {
        plain
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        format!("{digits}{point}E{exponent}")
    };
    out.extend_from_slice(text.as_bytes());
}

fn append_double(value: f64, out: &mut Vec<u8>) {
    append_float(value, format!("{value:?}"), format!("{value:e}"), out);
}

/// `BigDecimal.toString`: plain while the scale is not negative and the number not smaller than 10^-6.
fn append_decimal(unscaled: &str, scale: i8, out: &mut Vec<u8>) {
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled), |rest| ("-", rest));
    let scale = i64::from(scale);
    let adjusted = digits.len() as i64 - 1 - scale;
    let text = if scale == 0 {
        format!("{sign}{digits}")
    } else if scale > 0 && adjusted >= -6 {
        let width = scale as usize + 1;
        let padded = format!("{digits:0>width$}");
        let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
        format!("{sign}{whole}.{fraction}")
    } else {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{sign}{first}{point}{rest}E{adjusted:+}")
    };
    out.extend_from_slice(text.as_bytes());
}

/// `java.util.Date.toString` in UTC.
fn append_date(millis: i64, out: &mut Vec<u8>) {
    let text = timestamp_ms_to_datetime(millis).map(|date| date.format("%a %b %d %H:%M:%S UTC %Y").to_string());
    out.extend_from_slice(text.unwrap_or_else(|| millis.to_string()).as_bytes());
}

#[cfg(test)]
mod tests;
