//! Columns into payload bytes, row by row.

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowNativeType, DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMillisecondType, i256,
};
use base64::Engine;
use millstream_api::{Error, Result, schema};
use num_bigint::BigInt;

use super::builder::{Builder, decimal_scale};
use super::cursor::Cursor;
use super::decimal::{BASE64, shortest};
use super::escape::write_string;
use millstream_api::java_text::{write_decimal, write_double, write_float};
use millstream_api::json_scan::plain_length;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// `decimal.format=NUMERIC`: decimals as numbers instead of base64.
    pub numeric: bool,
    /// `replace.null.with.default`.
    pub replace_null: bool,
}

impl Style {
    /// The form in which a schema keeps its default.
    pub const CANONICAL: Self = Self { numeric: false, replace_null: true };
}

/// Why a value cannot be written; the place is the way to it from the inside out.
#[derive(Debug)]
pub(super) struct Unwritable {
    reason: &'static str,
    path: Vec<String>,
}

impl Unwritable {
    fn because(reason: &'static str) -> Box<Self> {
        Box::new(Self { reason, path: Vec::new() })
    }

    fn within(mut self: Box<Self>, place: String) -> Box<Self> {
        self.path.push(place);
        self
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        write!(f, "payload{path} {}", self.reason)
    }
}

type Written = Result<(), Box<Unwritable>>;

/// Writes the values of one column; everything about its type is settled once, here.
pub(super) struct Encoder<'a> {
    nulls: Option<&'a NullBuffer>,
    on_null: OnNull,
    values: Values<'a>,
}

enum OnNull {
    Write(Box<[u8]>),
    Refuse,
}

enum Values<'a> {
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Boolean(&'a arrow::array::BooleanArray),
    String(Slices<'a>),
    Bytes(Slices<'a>),
    Decimal128 { values: &'a [i128], scale: i32, numeric: bool },
    Decimal256 { values: &'a [i256], scale: i32, numeric: bool },
    DecimalBytes { values: Slices<'a>, scale: i32, numeric: bool },
    List { offsets: &'a OffsetBuffer<i32>, items: Box<Encoder<'a>> },
    Map { offsets: &'a OffsetBuffer<i32>, keys: Box<Encoder<'a>>, values: Box<Encoder<'a>>, as_object: bool },
    Struct(Vec<Member<'a>>),
    Json(Slices<'a>),
}

struct Member<'a> {
    name: &'a str,
    /// What stands before the value: brace or comma, name, colon.
    lead: Box<[u8]>,
    encoder: Encoder<'a>,
}

/// Values of a text or byte column.
struct Slices<'a> {
    offsets: &'a [i32],
    data: &'a [u8],
}

impl<'a> Slices<'a> {
    #[inline]
    fn value(&self, row: usize) -> &'a [u8] {
        let bounds = self.offsets.get(row).zip(self.offsets.get(row + 1));
        bounds.and_then(|(start, end)| self.data.get(start.as_usize()..end.as_usize())).unwrap_or_default()
    }
}

impl<'a> Encoder<'a> {
    /// For the values of an array under this schema.
    pub fn new(field: &'a Field, array: &'a ArrayRef, style: Style) -> Result<Self> {
        let default = schema::default_json(field).filter(|_| style.replace_null);
        let on_null = match default {
            Some(_) => OnNull::Write(default_payload(field, style)?.unwrap_or_default()),
            None if field.is_nullable() => OnNull::Write((*b"null").into()),
            None => OnNull::Refuse,
        };
        Ok(Self {
            nulls: array.nulls().filter(|nulls| nulls.null_count() > 0),
            on_null,
            values: Values::of(field, array, style)?,
        })
    }

    /// Appends the payload of a row. After an error rests of it may be there.
    #[inline]
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Written {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return match &self.on_null {
                OnNull::Write(text) => {
                    out.extend_from_slice(text);
                    Ok(())
                }
                OnNull::Refuse => Err(Unwritable::because("is null, but its schema is required")),
            };
        }
        self.values.write(row, out)
    }
}

/// The schema's default as a payload in this style.
pub(super) fn default_payload(field: &Field, style: Style) -> Result<Option<Box<[u8]>>> {
    let Some(text) = schema::default_json(field) else { return Ok(None) };
    if !style.numeric {
        return Ok(Some(text.as_bytes().into()));
    }
    let unusable =
        |why: String| Error::data(format!("the default of the schema {} is no value of it: {why}", field.name()));
    let mut builder = Builder::new(&std::sync::Arc::new(field.clone()), true)?;
    builder.read(&mut Cursor::new(text)).map_err(|misfit| unusable(misfit.into_error("default", 0).to_string()))?;
    let (built, array) = builder.finish()?;
    let mut payload = Vec::new();
    // A default inside a default is not looked for: the value is there.
    let values = Values::of(&built, &array, style)?;
    values.write(0, &mut payload).map_err(|unwritable| unusable(unwritable.to_string()))?;
    Ok(Some(payload.into()))
}

impl<'a> Values<'a> {
    fn of(field: &'a Field, array: &'a ArrayRef, style: Style) -> Result<Self> {
        let unsupported = || {
            Error::internal(format!(
                "the column {} has the type {}, which is no type of Connect",
                field.name(),
                array.data_type()
            ))
        };
        let numeric = style.numeric;
        Ok(match array.data_type() {
            DataType::Int8 => Self::Int8(array.as_primitive::<Int8Type>().values()),
            DataType::Int16 => Self::Int16(array.as_primitive::<Int16Type>().values()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Float32 => Self::Float32(array.as_primitive::<Float32Type>().values()),
            DataType::Float64 => Self::Float64(array.as_primitive::<Float64Type>().values()),
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Date32 => Self::Int32(array.as_primitive::<Date32Type>().values()),
            DataType::Time32(TimeUnit::Millisecond) => {
                Self::Int32(array.as_primitive::<Time32MillisecondType>().values())
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                Self::Int64(array.as_primitive::<TimestampMillisecondType>().values())
            }
            DataType::Utf8 => {
                let strings = array.as_string::<i32>();
                let slices = Slices { offsets: strings.value_offsets(), data: strings.value_data() };
                if schema::is_schemaless(field) { Self::Json(slices) } else { Self::String(slices) }
            }
            DataType::Binary => {
                let bytes = array.as_binary::<i32>();
                let values = Slices { offsets: bytes.value_offsets(), data: bytes.value_data() };
                if schema::name(field) == Some(schema::DECIMAL) {
                    Self::DecimalBytes { values, scale: decimal_scale(field)?, numeric }
                } else {
                    Self::Bytes(values)
                }
            }
            DataType::Decimal128(_, scale) => {
                let values = array.as_primitive::<Decimal128Type>().values();
                Self::Decimal128 { values, scale: (*scale).into(), numeric }
            }
            DataType::Decimal256(_, scale) => {
                let values = array.as_primitive::<Decimal256Type>().values();
                Self::Decimal256 { values, scale: (*scale).into(), numeric }
            }
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                Self::List { offsets: list.offsets(), items: Box::new(Encoder::new(item, list.values(), style)?) }
            }
            DataType::Map(entries, _) => {
                let map = array.as_map();
                let DataType::Struct(pair) = entries.data_type() else { return Err(unsupported()) };
                let (Some(key), Some(value)) = (pair.first(), pair.get(1)) else { return Err(unsupported()) };
                Self::Map {
                    offsets: map.offsets(),
                    keys: Box::new(Encoder::new(key, map.keys(), style)?),
                    values: Box::new(Encoder::new(value, map.values(), style)?),
                    as_object: key.data_type() == &DataType::Utf8,
                }
            }
            DataType::Struct(fields) => {
                let mut members = Vec::with_capacity(fields.len());
                for (index, (field, array)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                    let mut lead = vec![if index == 0 { b'{' } else { b',' }];
                    write_string(&mut lead, field.name().as_bytes());
                    lead.push(b':');
                    members.push(Member {
                        name: field.name(),
                        lead: lead.into(),
                        encoder: Encoder::new(field, array, style)?,
                    });
                }
                Self::Struct(members)
            }
            _ => return Err(unsupported()),
        })
    }

    fn write(&self, row: usize, out: &mut Vec<u8>) -> Written {
        match self {
            Self::Int8(v) => write_integer(out, v.get(row).copied().unwrap_or_default()),
            Self::Int16(v) => write_integer(out, v.get(row).copied().unwrap_or_default()),
            Self::Int32(v) => write_integer(out, v.get(row).copied().unwrap_or_default()),
            Self::Int64(v) => write_integer(out, v.get(row).copied().unwrap_or_default()),
            Self::Float32(v) => {
                let value = v.get(row).copied().unwrap_or_default();
                quoted_if(!value.is_finite(), out, |out| write_float(out, value));
            }
            Self::Float64(v) => {
                let value = v.get(row).copied().unwrap_or_default();
                quoted_if(!value.is_finite(), out, |out| write_double(out, value));
            }
            Self::Boolean(v) => out.extend_from_slice(if v.value(row) { b"true" } else { b"false" }),
            Self::String(v) => write_string(out, v.value(row)),
            Self::Bytes(v) => write_base64(out, v.value(row)),
            Self::Decimal128 { values, scale, numeric } => {
                let value = values.get(row).copied().unwrap_or_default();
                if *numeric {
                    write_decimal(out, itoa::Buffer::new().format(value), (*scale).into());
                } else {
                    write_base64(out, shortest(&value.to_be_bytes()));
                }
            }
            Self::Decimal256 { values, scale, numeric } => {
                let value = values.get(row).copied().unwrap_or_default();
                if *numeric {
                    write_decimal(out, &value.to_string(), (*scale).into());
                } else {
                    write_base64(out, shortest(&value.to_be_bytes()));
                }
            }
            Self::DecimalBytes { values, scale, numeric } => {
                let value = values.value(row);
                if *numeric {
                    write_decimal(out, &BigInt::from_signed_bytes_be(value).to_string(), (*scale).into());
                } else {
                    write_base64(out, value);
                }
            }
            Self::List { offsets, items } => {
                out.push(b'[');
                for (index, item) in span(offsets, row).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    items.write(item, out).map_err(|e| e.within(format!("[{index}]")))?;
                }
                out.push(b']');
            }
            Self::Map { offsets, keys, values, as_object } => {
                let [open, close] = if *as_object { *b"{}" } else { *b"[]" };
                out.push(open);
                for (index, entry) in span(offsets, row).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    if !as_object {
                        out.push(b'[');
                    }
                    keys.write(entry, out).map_err(|e| e.within(format!("[{index}]")))?;
                    out.push(if *as_object { b':' } else { b',' });
                    values.write(entry, out).map_err(|e| e.within(format!("[{index}]")))?;
                    if !as_object {
                        out.push(b']');
                    }
                }
                out.push(close);
            }
            Self::Struct(members) => {
                for member in members {
                    out.extend_from_slice(&member.lead);
                    member.encoder.write(row, out).map_err(|e| e.within(format!(".{}", member.name)))?;
                }
                out.extend_from_slice(if members.is_empty() { b"{}" } else { b"}" });
            }
            Self::Json(v) => write_compact(out, v.value(row)),
        }
        Ok(())
    }
}

fn span<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, row: usize) -> std::ops::Range<usize> {
    offsets.get(row).zip(offsets.get(row + 1)).map_or(0..0, |(start, end)| start.as_usize()..end.as_usize())
}

#[inline]
fn write_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Jackson puts numbers that JSON has not between quotes.
fn quoted_if(quoted: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if quoted {
        out.push(b'"');
    }
    write(out);
    if quoted {
        out.push(b'"');
    }
}

fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = out.get_mut(start..).and_then(|place| BASE64.encode_slice(bytes, place).ok()).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
}

/// Copies JSON text without the blanks between its tokens.
pub(super) fn write_compact(out: &mut Vec<u8>, json: &[u8]) {
    // What is to be copied from `start` on, and what has been looked at.
    let (mut start, mut pos) = (0, 0);
    while let Some(&byte) = json.get(pos) {
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' => {
                out.extend_from_slice(json.get(start..pos).unwrap_or_default());
                pos += 1;
                start = pos;
            }
            b'"' => pos += string_length(json.get(pos..).unwrap_or_default()),
            _ => pos += 1,
        }
    }
    out.extend_from_slice(json.get(start..).unwrap_or_default());
}

/// Bytes of the string that begins a text, its quotes with it.
fn string_length(text: &[u8]) -> usize {
    let mut length = 1;
    loop {
        length += plain_length::<false>(text.get(length..).unwrap_or_default());
        length += match text.get(length) {
            Some(b'"') => return length + 1,
            Some(b'\\') => 2,
            Some(_) => 1,
            None => return text.len(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_text_keeps_its_strings() {
        let mut out = Vec::new();
        write_compact(&mut out, b" { \"a \\\" b\" :\n[ 1 , \" \" ] , \"c\":\"\\\\\" } ");
        assert_eq!(out, b"{\"a \\\" b\":[1,\" \"],\"c\":\"\\\\\"}");
    }
}
