//! `org.apache.kafka.connect.converters.{Boolean,Short,Integer,Long,Float,Double}Converter`: one value of fixed width,
//! big-endian.

use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanBuilder, PrimitiveBuilder};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
};
use millstream_api::{
    Column, Config, ConfigDef, Converter, ConverterRole, Decoded, Encoded, Error, Result, RowFailure,
};

use super::arena::{Arena, all_failed};
use super::bytes::one_run;
use super::{converter_type, with_role};

static DEF: LazyLock<ConfigDef> = LazyLock::new(|| ConfigDef::new().key(converter_type()));

/// The settings of all of them, as REST shows them.
pub(crate) fn config_def() -> &'static ConfigDef {
    &DEF
}

/// What a converter of this family reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    /// One byte, 0 or 1.
    Boolean,
    /// Two bytes.
    Short,
    /// Four bytes.
    Integer,
    /// Eight bytes.
    Long,
    /// Four bytes, IEEE 754.
    Float,
    /// Eight bytes, IEEE 754.
    Double,
}

impl Primitive {
    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Short => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
        }
    }

    /// The converter's simple class name.
    fn class(self) -> &'static str {
        match self {
            Self::Boolean => "BooleanConverter",
            Self::Short => "ShortConverter",
            Self::Integer => "IntegerConverter",
            Self::Long => "LongConverter",
            Self::Float => "FloatConverter",
            Self::Double => "DoubleConverter",
        }
    }
}

/// Reads payloads as optional values of one type; writes values of that type, whatever their schema is called.
pub(crate) struct PrimitiveConverter {
    kind: Primitive,
    field: FieldRef,
}

impl PrimitiveConverter {
    /// For values of this kind.
    pub fn new(kind: Primitive) -> Self {
        Self { kind, field: Arc::new(Field::new("value", kind.data_type(), true)) }
    }

    fn read<T: ArrowPrimitiveType, const N: usize>(
        &self,
        payloads: &BinaryArray,
        value: fn([u8; N]) -> T::Native,
    ) -> (ArrayRef, Vec<RowFailure>) {
        let mut values = PrimitiveBuilder::<T>::with_capacity(payloads.len());
        let mut failures = Vec::new();
        for (row, payload) in payloads.iter().enumerate() {
            match payload.map(<[u8; N]>::try_from) {
                Some(Ok(bytes)) => values.append_value(value(bytes)),
                Some(Err(_)) => {
                    values.append_null();
                    failures.push(RowFailure { row, error: self.wrong_length(N, payloads.value(row).len()) });
                }
                None => values.append_null(),
            }
        }
        (Arc::new(values.finish()), failures)
    }

    fn read_booleans(&self, payloads: &BinaryArray) -> (ArrayRef, Vec<RowFailure>) {
        let mut values = BooleanBuilder::with_capacity(payloads.len());
        let mut failures = Vec::new();
        for (row, payload) in payloads.iter().enumerate() {
            let value = match payload {
                None => None,
                Some([0]) => Some(false),
                Some([1]) => Some(true),
                Some([_]) => {
                    let error = Error::data(format!("{} reads a byte 0 or 1, and this is another", self.kind.class()));
                    failures.push(RowFailure { row, error });
                    None
                }
                Some(other) => {
                    failures.push(RowFailure { row, error: self.wrong_length(1, other.len()) });
                    None
                }
            };
            values.append_option(value);
        }
        (Arc::new(values.finish()), failures)
    }

    fn wrong_length(&self, expected: usize, found: usize) -> Error {
        Error::data(format!("{} reads {expected} bytes, and the payload has {found}", self.kind.class()))
    }

    fn wrong_type(&self, what: &str) -> Error {
        Error::data(format!("{} writes {} only, and the value is {what}", self.kind.class(), self.kind.data_type()))
            .hint("use JsonConverter or StringConverter for other types")
    }

    fn write<T: ArrowPrimitiveType, const N: usize>(
        &self,
        column: &Column,
        bytes: fn(T::Native) -> [u8; N],
    ) -> Result<Encoded> {
        let values = column.array().as_primitive::<T>();
        let mut arena = Arena::new(values.len(), values.len() * N);
        for row in 0..values.len() {
            match column.is_null(row) {
                true => arena.push_null(),
                false => arena.push(row, |out| {
                    out.extend_from_slice(&bytes(values.value(row)));
                    Ok(())
                }),
            }
        }
        arena.finish()
    }

    fn write_booleans(column: &Column) -> Result<Encoded> {
        let values = column.array().as_boolean();
        let mut arena = Arena::new(values.len(), values.len());
        for row in 0..values.len() {
            match column.is_null(row) {
                true => arena.push_null(),
                false => arena.push(row, |out| {
                    out.push(values.value(row).into());
                    Ok(())
                }),
            }
        }
        arena.finish()
    }

    /// JSON text says whether a number has a fraction, but not how wide it is: what fits is written.
    fn write_json(&self, column: &Column) -> Result<Encoded> {
        let texts = column.array().as_string::<i32>();
        let mut arena = Arena::new(texts.len(), texts.len() * 8);
        for row in 0..texts.len() {
            if column.is_null(row) || texts.value(row).trim() == "null" {
                arena.push_null();
                continue;
            }
            arena.push(row, |out| self.write_token(texts.value(row).trim(), out));
        }
        arena.finish()
    }

    fn write_token(&self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        fn put<T: FromStr, const N: usize>(out: &mut Vec<u8>, text: &str, bytes: fn(T) -> [u8; N]) -> bool {
            text.parse().map(|value| out.extend_from_slice(&bytes(value))).is_ok()
        }
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let has_fraction = is_number && text.contains(['.', 'e', 'E']);
        let written = match (self.kind, text) {
            (Primitive::Boolean, "true" | "false") => {
                out.push((text == "true").into());
                true
            }
            (Primitive::Short, _) => is_number && put(out, text, i16::to_be_bytes),
            (Primitive::Integer, _) => is_number && put(out, text, i32::to_be_bytes),
            (Primitive::Long, _) => is_number && put(out, text, i64::to_be_bytes),
            (Primitive::Float, _) => has_fraction && put(out, text, f32::to_be_bytes),
            (Primitive::Double, _) => has_fraction && put(out, text, f64::to_be_bytes),
            _ => false,
        };
        if written { Ok(()) } else { Err(self.wrong_type("another, without schema")) }
    }

    fn write_column(&self, column: &Column) -> Result<Encoded> {
        if column.is_all_absent() {
            return Ok(Arena::new(0, 0).nulls(column.len()));
        }
        if column.is_schemaless() {
            return self.write_json(column);
        }
        match (self.kind, column.array().data_type()) {
            (Primitive::Boolean, DataType::Boolean) => Self::write_booleans(column),
            (Primitive::Short, DataType::Int16) => self.write::<Int16Type, 2>(column, i16::to_be_bytes),
            (Primitive::Integer, DataType::Int32) => self.write::<Int32Type, 4>(column, i32::to_be_bytes),
            (Primitive::Long, DataType::Int64) => self.write::<Int64Type, 8>(column, i64::to_be_bytes),
            (Primitive::Float, DataType::Float32) => self.write::<Float32Type, 4>(column, f32::to_be_bytes),
            (Primitive::Double, DataType::Float64) => self.write::<Float64Type, 8>(column, f64_bytes),
            (_, other) => Ok(self.refuse(column, other)),
        }
    }

    /// Of a column of another type, nulls pass as nulls, but for BooleanConverter, which looks at the schema first.
    fn refuse(&self, column: &Column, other: &DataType) -> Encoded {
        let passes = |row: usize| match self.kind {
            Primitive::Boolean => column.is_absent(row),
            _ => column.is_null(row),
        };
        let rows = (0..column.len()).filter(|row| !passes(*row));
        let failures = rows.map(|row| RowFailure { row, error: self.wrong_type(&other.to_string()) }).collect();
        Encoded { payloads: BinaryArray::new_null(column.len()), failures }
    }
}

/// Java writes every NaN of this width as the same one; of floats it keeps the bits.
fn f64_bytes(value: f64) -> [u8; 8] {
    if value.is_nan() { 0x7ff8_0000_0000_0000_u64.to_be_bytes() } else { value.to_be_bytes() }
}

impl Converter for PrimitiveConverter {
    fn configure(&mut self, config: &Config, role: ConverterRole) -> Result<()> {
        DEF.validate(&with_role(config, role)).into_valid().map(drop)
    }

    fn decode(&mut self, _topic: &str, payloads: &BinaryArray) -> Decoded {
        let (array, failures) = match self.kind {
            Primitive::Boolean => self.read_booleans(payloads),
            Primitive::Short => self.read::<Int16Type, 2>(payloads, i16::from_be_bytes),
            Primitive::Integer => self.read::<Int32Type, 4>(payloads, i32::from_be_bytes),
            Primitive::Long => self.read::<Int64Type, 8>(payloads, i64::from_be_bytes),
            Primitive::Float => self.read::<Float32Type, 4>(payloads, f32::from_be_bytes),
            Primitive::Double => self.read::<Float64Type, 8>(payloads, f64::from_be_bytes),
        };
        Decoded { failures, ..one_run(self.field.clone(), array) }
    }

    fn encode(&mut self, _topic: &str, column: &Column) -> Encoded {
        self.write_column(column).unwrap_or_else(|error| all_failed(column, &error))
    }
}
