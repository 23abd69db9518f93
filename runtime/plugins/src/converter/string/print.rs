//! Values as Java's `toString` prints them.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMillisecondType,
};
use millstream_api::{Error, Result, schema};
use num_bigint::BigInt;

use crate::converter::json::tree::{Tree, write_number};
use crate::listed::listed;
use millstream_api::java_text::{write_date, write_decimal, write_double, write_float};

const DAY: i64 = 86_400_000;

/// Prints the values of one column.
pub(super) struct Printer<'a> {
    field: &'a Field,
    array: &'a ArrayRef,
}

impl<'a> Printer<'a> {
    pub fn new(field: &'a Field, array: &'a ArrayRef) -> Self {
        Self { field, array }
    }

    /// Appends the text of a row; `null` for a null (inside of structs and collections).
    pub fn print(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        print(self.field, self.array, row, out)
    }
}

fn print(field: &Field, array: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<()> {
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let scale = || schema::parameter(field, schema::SCALE).and_then(|scale| scale.parse().ok()).unwrap_or(0);
    match array.data_type() {
        DataType::Int8 => print_integer(out, array.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => print_integer(out, array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => print_integer(out, array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => print_integer(out, array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => write_float(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_double(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => {
            out.extend_from_slice(if array.as_boolean().value(row) { b"true" } else { b"false" });
        }
        DataType::Date32 => write_date(out, i64::from(array.as_primitive::<Date32Type>().value(row)) * DAY),
        DataType::Time32(TimeUnit::Millisecond) => {
            write_date(out, array.as_primitive::<Time32MillisecondType>().value(row).into());
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            write_date(out, array.as_primitive::<TimestampMillisecondType>().value(row));
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
            write_decimal(out, &value.to_string(), scale());
        }
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            if !schema::is_schemaless(field) {
                out.extend_from_slice(text.as_bytes());
            } else {
                let value = Tree::parse(text)
                    .ok_or_else(|| Error::data("a schemaless value is not JSON that can be printed as text"))?;
                print_json(out, &value);
            }
        }
        DataType::List(item) => {
            let values = array.as_list::<i32>().value(row);
            listed(out, *b"[]", b", ", values.len(), |out, index| print(item, &values, index, out))?;
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { return Err(no_text(array)) };
            let values = array.as_map().value(row);
            listed(out, *b"{}", b", ", values.len(), |out, index| {
                print(&pair[0], values.column(0), index, out)?;
                out.push(b'=');
                print(&pair[1], values.column(1), index, out)
            })?;
        }
        DataType::Struct(fields) => {
            out.extend_from_slice(b"Struct{");
            let mut first = true;
            for (field, values) in fields.iter().zip(array.as_struct().columns()) {
                if values.is_null(row) {
                    continue;
                }
                if !first {
                    out.push(b',');
                }
                first = false;
                out.extend_from_slice(field.name().as_bytes());
                out.push(b'=');
                print(field, values, row, out)?;
            }
            out.push(b'}');
        }
        _ => return Err(no_text(array)),
    }
    Ok(())
}

fn no_text(array: &ArrayRef) -> Error {
    Error::data(format!("a value of type {} has no text", array.data_type()))
        .hint("use ByteArrayConverter or JsonConverter for bytes")
}

fn print_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn print_json(out: &mut Vec<u8>, value: &Tree<'_>) {
    match value {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Tree::Number(number) => write_number(out, number),
        Tree::String(text) => out.extend_from_slice(text.as_bytes()),
        Tree::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                out.extend_from_slice(if index > 0 { b", " } else { b"" });
                print_json(out, item);
            }
            out.push(b']');
        }
        Tree::Object(entries) => {
            out.push(b'{');
            for (index, (key, value)) in entries.iter().enumerate() {
                out.extend_from_slice(if index > 0 { b", " } else { b"" });
                out.extend_from_slice(key.as_bytes());
                out.push(b'=');
                print_json(out, value);
            }
            out.push(b'}');
        }
    }
}
