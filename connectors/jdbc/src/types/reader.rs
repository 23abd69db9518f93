//! Readers: the binary values of one column, collected into an Arrow array.

use std::mem::take;
use std::sync::Arc;

use arrow::array::types::{Date32Type, Time32MillisecondType, TimestampMillisecondType};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Decimal128Array, Decimal256Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, NullBufferBuilder, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::i256;
use millstream_api::{Error, Result};
use num_bigint::BigInt;

use super::numeric::{Numeric, Parsed};
use super::scalar::fixed;
use super::{Granularity, ValueError, scalar, temporal};
use crate::calendar::CalendarSystem;
use crate::instant::{Clock, TimestampKind};

/// Where booleans come from.
#[derive(Clone, Copy, Debug)]
pub enum BoolFrom {
    /// `boolean`.
    Bool,
    /// `bit(1)`.
    Bit,
}

/// Where INT8s come from.
#[derive(Clone, Copy, Debug)]
pub enum I8From {
    /// `bit(2..8)`.
    Bits,
    /// `numeric`.
    Numeric,
}

/// Where INT16s come from.
#[derive(Clone, Copy, Debug)]
pub enum I16From {
    /// `smallint`.
    Int2,
    /// `numeric`.
    Numeric,
}

/// Where INT32s come from.
#[derive(Clone, Copy, Debug)]
pub enum I32From {
    /// `integer`.
    Int4,
    /// `numeric`.
    Numeric,
    /// `date`.
    Date(CalendarSystem),
    /// `time`, in a zone this many seconds east of UTC.
    Time(i32),
    /// `timetz`.
    TimeWithZone,
}

/// Where INT64s come from.
#[derive(Clone, Copy, Debug)]
pub enum I64From {
    /// `bigint`.
    Int8,
    /// `oid`.
    Oid,
    /// `numeric`.
    Numeric,
    /// Timestamps as Connect's Timestamp.
    TimestampMillis(TimestampKind, Clock),
    /// Timestamps as microseconds (factor 1) or nanoseconds (1000).
    TimestampLong(TimestampKind, Clock, i128),
}

/// Where FLOAT64s come from.
#[derive(Clone, Copy, Debug)]
pub enum F64From {
    /// `double precision`.
    Float8,
    /// `numeric`.
    Numeric,
    /// `money`, with this many digits after the point.
    Money(u32),
}

/// Where texts and bytes come from.
#[derive(Clone, Copy, Debug)]
pub enum VarFrom {
    /// All types whose binary form is their text.
    Text,
    /// `jsonb`.
    Jsonb,
    /// `"char"`.
    Char,
    /// `uuid`.
    Uuid,
    /// Timestamps as text.
    Timestamp(TimestampKind, Clock, Granularity),
    /// `bytea`.
    Bytes,
    /// `bit(n)`.
    Bits,
    /// `numeric` at a scale no Arrow decimal has.
    Decimal(i32),
}

impl VarFrom {
    fn is_text(self) -> bool {
        !matches!(self, Self::Bytes | Self::Bits | Self::Decimal(_))
    }
}

/// The values collected so far.
#[derive(Debug)]
pub enum Values {
    /// BOOLEAN.
    Bool(Vec<bool>, BoolFrom),
    /// INT8.
    I8(Vec<i8>, I8From),
    /// INT16.
    I16(Vec<i16>, I16From),
    /// INT32, Date, Time.
    I32(Vec<i32>, I32From),
    /// INT64, Timestamp.
    I64(Vec<i64>, I64From),
    /// FLOAT32.
    F32(Vec<f32>),
    /// FLOAT64.
    F64(Vec<f64>, F64From),
    /// Decimal of this scale.
    I128(Vec<i128>, i8),
    /// Wide Decimal of this scale.
    I256(Vec<i256>, i8),
    /// STRING, BYTES, widest Decimal: ends of the values, and their bytes.
    Var(Vec<i32>, Vec<u8>, VarFrom),
}

impl Values {
    /// No booleans yet.
    pub fn bool(from: BoolFrom) -> Self {
        Self::Bool(Vec::new(), from)
    }

    /// No texts or bytes yet.
    pub fn var(from: VarFrom) -> Self {
        Self::Var(vec![0], Vec::new(), from)
    }
}

fn number(bytes: &[u8]) -> Result<Numeric<'_>, ValueError> {
    match Numeric::parse(bytes)? {
        Parsed::Number(number) => Ok(number),
        Parsed::NotANumber => Err(ValueError::NotANumber),
        Parsed::Infinite => Err(ValueError::Infinite),
    }
}

fn integer<T: TryFrom<i128>>(bytes: &[u8]) -> Result<T, ValueError> {
    number(bytes)?.integer()?.try_into().map_err(|_| ValueError::OutOfRange)
}

fn float(bytes: &[u8], from: F64From) -> Result<f64, ValueError> {
    Ok(match from {
        F64From::Float8 => f64::from_be_bytes(fixed(bytes)?),
        F64From::Money(digits) => i64::from_be_bytes(fixed(bytes)?) as f64 / 10f64.powi(digits.min(22) as i32),
        F64From::Numeric => match Numeric::parse(bytes)? {
            Parsed::Number(number) => number.float(),
            Parsed::NotANumber => f64::NAN,
            Parsed::Infinite => return Err(ValueError::Infinite),
        },
    })
}

fn append_var(out: &mut Vec<u8>, bytes: &[u8], from: VarFrom) -> Result<(), ValueError> {
    match from {
        VarFrom::Text | VarFrom::Bytes => out.extend_from_slice(bytes),
        VarFrom::Jsonb => out.extend_from_slice(scalar::jsonb(bytes)?),
        VarFrom::Char => scalar::char(bytes, out)?,
        VarFrom::Uuid => scalar::uuid(bytes, out)?,
        VarFrom::Timestamp(kind, clock, form) => temporal::text(bytes, kind, clock, form, out)?,
        VarFrom::Bits => scalar::bits_as_text(bytes, out)?,
        VarFrom::Decimal(scale) => {
            out.extend_from_slice(&number(bytes)?.unscaled::<BigInt>(scale)?.to_signed_bytes_be());
        }
    }
    Ok(())
}

/// Collects the values of one column.
#[derive(Debug)]
pub struct ColumnReader {
    values: Values,
    nullable: bool,
    nulls: NullBufferBuilder,
}

impl ColumnReader {
    /// Without values.
    pub fn new(values: Values, nullable: bool) -> Self {
        Self { values, nullable, nulls: NullBufferBuilder::new(0) }
    }

    /// Adds a value in its binary form, or null. After an error the column must be truncated to the rows before.
    pub fn append(&mut self, value: Option<&[u8]>) -> Result<(), ValueError> {
        let Some(bytes) = value else { return self.append_null() };
        match &mut self.values {
            Values::Bool(all, BoolFrom::Bool) => all.push(fixed::<1>(bytes)?[0] != 0),
            Values::Bool(all, BoolFrom::Bit) => all.push(scalar::bit_as_bool(bytes)?),
            Values::I8(all, I8From::Bits) => all.push(scalar::bits_as_decimal_digits(bytes)?),
            Values::I8(all, I8From::Numeric) => all.push(integer(bytes)?),
            Values::I16(all, I16From::Int2) => all.push(i16::from_be_bytes(fixed(bytes)?)),
            Values::I16(all, I16From::Numeric) => all.push(integer(bytes)?),
            Values::I32(all, from) => all.push(match *from {
                I32From::Int4 => i32::from_be_bytes(fixed(bytes)?),
                I32From::Numeric => integer(bytes)?,
                I32From::Date(calendar) => temporal::date(bytes, calendar)?,
                I32From::Time(east) => temporal::time(bytes, east)?,
                I32From::TimeWithZone => temporal::time_with_zone(bytes)?,
            }),
            Values::I64(all, from) => all.push(match *from {
                I64From::Int8 => i64::from_be_bytes(fixed(bytes)?),
                I64From::Oid => i64::from(u32::from_be_bytes(fixed(bytes)?)),
                I64From::Numeric => integer(bytes)?,
                I64From::TimestampMillis(kind, clock) => temporal::millis(bytes, kind, clock)?,
                I64From::TimestampLong(kind, clock, factor) => temporal::long(bytes, kind, clock, factor)?,
            }),
            Values::F32(all) => all.push(f32::from_be_bytes(fixed(bytes)?)),
            Values::F64(all, from) => all.push(float(bytes, *from)?),
            Values::I128(all, scale) => all.push(number(bytes)?.unscaled(i32::from(*scale))?),
            Values::I256(all, scale) => all.push(number(bytes)?.unscaled(i32::from(*scale))?),
            Values::Var(ends, all, from) => {
                append_var(all, bytes, *from)?;
                ends.push(i32::try_from(all.len()).map_err(|_| ValueError::OutOfRange)?);
            }
        }
        self.nulls.append_non_null();
        Ok(())
    }

    fn append_null(&mut self) -> Result<(), ValueError> {
        if !self.nullable {
            return Err(ValueError::Null);
        }
        match &mut self.values {
            Values::Bool(all, _) => all.push(false),
            Values::I8(all, _) => all.push(0),
            Values::I16(all, _) => all.push(0),
            Values::I32(all, _) => all.push(0),
            Values::I64(all, _) => all.push(0),
            Values::F32(all) => all.push(0.0),
            Values::F64(all, _) => all.push(0.0),
            Values::I128(all, _) => all.push(0),
            Values::I256(all, _) => all.push(i256::ZERO),
            Values::Var(ends, all, _) => ends.push(i32::try_from(all.len()).map_err(|_| ValueError::OutOfRange)?),
        }
        self.nulls.append_null();
        Ok(())
    }

    /// Forgets all rows after the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Bool(all, _) => all.truncate(rows),
            Values::I8(all, _) => all.truncate(rows),
            Values::I16(all, _) => all.truncate(rows),
            Values::I32(all, _) => all.truncate(rows),
            Values::I64(all, _) => all.truncate(rows),
            Values::F32(all) => all.truncate(rows),
            Values::F64(all, _) => all.truncate(rows),
            Values::I128(all, _) => all.truncate(rows),
            Values::I256(all, _) => all.truncate(rows),
            Values::Var(ends, all, _) => {
                ends.truncate(rows + 1);
                all.truncate(ends.last().map_or(0, |end| *end as usize));
            }
        }
        if self.nulls.len() > rows {
            self.nulls.truncate(rows);
        }
    }

    /// True when the texts collected from row `from` on are not all UTF-8. The server checks its texts itself unless its
    /// encoding is SQL_ASCII; then this must be asked after each row.
    pub fn is_not_utf8(&self, from: usize) -> bool {
        match &self.values {
            Values::Var(ends, all, VarFrom::Text | VarFrom::Jsonb) => {
                let start = ends.get(from).map_or(0, |end| *end as usize);
                all.get(start..).is_some_and(|new| std::str::from_utf8(new).is_err())
            }
            _ => false,
        }
    }

    /// The values as an array; the reader begins anew.
    pub fn finish(&mut self) -> Result<ArrayRef> {
        let nulls = self.nulls.finish();
        Ok(match &mut self.values {
            Values::Bool(all, _) => Arc::new(BooleanArray::new(BooleanBuffer::from(take(all)), nulls)),
            Values::I8(all, _) => Arc::new(Int8Array::new(refill(all), nulls)),
            Values::I16(all, _) => Arc::new(Int16Array::new(refill(all), nulls)),
            Values::I32(all, I32From::Int4 | I32From::Numeric) => Arc::new(Int32Array::new(refill(all), nulls)),
            Values::I32(all, I32From::Date(_)) => Arc::new(PrimitiveArray::<Date32Type>::new(refill(all), nulls)),
            Values::I32(all, I32From::Time(_) | I32From::TimeWithZone) => {
                Arc::new(PrimitiveArray::<Time32MillisecondType>::new(refill(all), nulls))
            }
            Values::I64(all, I64From::TimestampMillis(..)) => {
                Arc::new(PrimitiveArray::<TimestampMillisecondType>::new(refill(all), nulls).with_timezone("UTC"))
            }
            Values::I64(all, _) => Arc::new(Int64Array::new(refill(all), nulls)),
            Values::F32(all) => Arc::new(Float32Array::new(refill(all), nulls)),
            Values::F64(all, _) => Arc::new(Float64Array::new(refill(all), nulls)),
            Values::I128(all, scale) => {
                let array = Decimal128Array::new(refill(all), nulls).with_precision_and_scale(38, *scale);
                Arc::new(array.map_err(|e| Error::internal("a decimal's scale is out of range").caused_by(e))?)
            }
            Values::I256(all, scale) => {
                let array = Decimal256Array::new(refill(all), nulls).with_precision_and_scale(76, *scale);
                Arc::new(array.map_err(|e| Error::internal("a decimal's scale is out of range").caused_by(e))?)
            }
            Values::Var(ends, all, from) => {
                let next = Vec::with_capacity(ends.len());
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, next)));
                ends.push(0);
                let bytes = Vec::with_capacity(all.len());
                let bytes = std::mem::replace(all, bytes).into();
                var_array(offsets, bytes, nulls, from.is_text())?
            }
        })
    }
}

/// The collected values; the next array is expected to be about as long.
fn refill<T: arrow::datatypes::ArrowNativeType>(all: &mut Vec<T>) -> ScalarBuffer<T> {
    let next = Vec::with_capacity(all.len());
    std::mem::replace(all, next).into()
}

fn var_array(
    offsets: OffsetBuffer<i32>,
    bytes: arrow::buffer::Buffer,
    nulls: Option<NullBuffer>,
    text: bool,
) -> Result<ArrayRef> {
    let wrong = |e| Error::fatal("the database sent text that is not UTF-8").caused_by(e);
    Ok(if text {
        Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(wrong)?)
    } else {
        Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(wrong)?)
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    #[test]
    fn a_refused_row_leaves_no_trace() {
        let mut text = ColumnReader::new(Values::var(VarFrom::Jsonb), true);
        let mut number = ColumnReader::new(Values::I32(Vec::new(), I32From::Int4), false);
        for (json, int) in
            [(Some(&b"\x01{}"[..]), Some(&[0, 0, 0, 7][..])), (Some(b"\x02x"), Some(&[0; 4])), (None, None)]
        {
            let before = 1;
            if text.append(json).is_err() || number.append(int).is_err() {
                text.truncate(before);
                number.truncate(before);
            }
        }
        text.append(None).unwrap();
        number.append(Some(&[255; 4])).unwrap();
        let (text, number) = (text.finish().unwrap(), number.finish().unwrap());
        assert_eq!((text.len(), number.len()), (2, 2));
        assert_eq!(text.as_string::<i32>().value(0), "{}");
        assert!(text.is_null(1));
        assert_eq!(number.as_primitive::<arrow::datatypes::Int32Type>().values(), &[7, -1]);
    }

    #[test]
    fn a_reader_begins_anew() {
        let mut reader = ColumnReader::new(Values::var(VarFrom::Text), true);
        reader.append(Some(b"a")).unwrap();
        assert_eq!(reader.finish().unwrap().len(), 1);
        reader.append(None).unwrap();
        reader.append(Some(b"b")).unwrap();
        let array = reader.finish().unwrap();
        assert!(array.is_null(0));
        assert_eq!(array.as_string::<i32>().value(1), "b");
    }
}
