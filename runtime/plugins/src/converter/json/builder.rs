//! Typed columns under construction: rows can be undone, and a finished builder starts anew with its shape kept.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::NullBufferBuilder;
use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, BooleanBufferBuilder, ListArray, MapArray, PrimitiveArray, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Field, FieldRef, Fields, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, TimeUnit, TimestampMillisecondType,
};
use arrow::error::ArrowError;
use millstream_api::{Column, Error, Result, schema};

use super::decimal::Decimals;
use super::escape::write_string;
use super::json_texts::JsonTexts;
use super::text::Bytes;

/// A column of one schema that takes values row by row.
pub(super) struct Builder {
    field: FieldRef,
    pub(super) nulls: NullBufferBuilder,
    pub(super) values: Values,
    /// JSON text that stands in for null.
    pub(super) default: Option<Arc<str>>,
}

/// The values, by type. Every variant holds as many as the builder has rows.
pub(super) enum Values {
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Boolean(BooleanBufferBuilder),
    String(Bytes),
    Bytes(Bytes),
    Decimal(Decimals),
    Date(Vec<i32>),
    Time(Vec<i32>),
    Timestamp(Vec<i64>),
    List {
        offsets: Vec<i32>,
        items: Box<Builder>,
    },
    Map {
        offsets: Vec<i32>,
        entries: FieldRef,
        keys: Box<Builder>,
        values: Box<Builder>,
    },
    Struct(Members),
    /// JSON text, checked and kept.
    Json(JsonTexts),
}

/// The fields of a struct.
pub(super) struct Members {
    pub list: Vec<Member>,
    pub by_name: HashMap<Arc<str>, usize>,
}

/// One field of a struct.
pub(super) struct Member {
    pub name: Arc<str>,
    /// The name as JSON string, quotes included.
    pub key: Box<[u8]>,
    pub builder: Builder,
}

impl Builder {
    /// A builder for values of this schema. `replace_null`: a null becomes the schema's default where it has one.
    pub fn new(field: &FieldRef, replace_null: bool) -> Result<Self> {
        let values = if schema::is_schemaless(field) {
            Values::Json(JsonTexts::default())
        } else if schema::name(field) == Some(schema::DECIMAL) && is_decimal_storage(field.data_type()) {
            Values::Decimal(Decimals::new(field, decimal_scale(field)?))
        } else {
            Values::of(field, replace_null)?
        };
        let default = schema::default_json(field).filter(|_| replace_null).map(Arc::from);
        Ok(Self { field: field.clone(), nulls: NullBufferBuilder::new(0), values, default })
    }

    /// The schema.
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.nulls.len()
    }

    /// True when the schema takes null.
    #[inline]
    pub fn is_optional(&self) -> bool {
        self.field.is_nullable()
    }

    /// Makes room for more rows, where their size is known.
    pub fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Int8(v) => v.reserve(rows),
            Values::Int16(v) => v.reserve(rows),
            Values::Int32(v) | Values::Date(v) | Values::Time(v) => v.reserve(rows),
            Values::Int64(v) | Values::Timestamp(v) => v.reserve(rows),
            Values::Float32(v) => v.reserve(rows),
            Values::Float64(v) => v.reserve(rows),
            Values::Boolean(v) => v.reserve(rows),
            Values::String(v) | Values::Bytes(v) => v.reserve(rows),
            Values::Json(v) => v.reserve(rows),
            Values::Decimal(v) => v.reserve(rows),
            Values::List { offsets, .. } | Values::Map { offsets, .. } => offsets.reserve(rows),
            Values::Struct(members) => members.list.iter_mut().for_each(|member| member.builder.reserve(rows)),
        }
    }

    /// Appends a null, whether or not the schema takes it.
    pub fn push_null(&mut self) {
        match &mut self.values {
            Values::Int8(v) => v.push(0),
            Values::Int16(v) => v.push(0),
            Values::Int32(v) | Values::Date(v) | Values::Time(v) => v.push(0),
            Values::Int64(v) | Values::Timestamp(v) => v.push(0),
            Values::Float32(v) => v.push(0.0),
            Values::Float64(v) => v.push(0.0),
            Values::Boolean(v) => v.append(false),
            Values::String(v) | Values::Bytes(v) => v.push_empty(),
            Values::Json(v) => v.push_empty(),
            Values::Decimal(v) => v.push_placeholder(),
            Values::List { offsets, .. } | Values::Map { offsets, .. } => {
                offsets.push(offsets.last().copied().unwrap_or(0));
            }
            Values::Struct(members) => members.list.iter_mut().for_each(|member| member.builder.push_null()),
        }
        self.nulls.append_null();
    }

    /// Keeps the first `len` rows, and nothing of a row that was left half done.
    pub fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Int8(v) => v.truncate(len),
            Values::Int16(v) => v.truncate(len),
            Values::Int32(v) | Values::Date(v) | Values::Time(v) => v.truncate(len),
            Values::Int64(v) | Values::Timestamp(v) => v.truncate(len),
            Values::Float32(v) => v.truncate(len),
            Values::Float64(v) => v.truncate(len),
            Values::Boolean(v) => v.truncate(len),
            Values::String(v) | Values::Bytes(v) => v.truncate(len),
            Values::Json(v) => v.truncate(len),
            Values::Decimal(v) => v.truncate(len),
            Values::List { offsets, items } => items.truncate(cut(offsets, len)),
            Values::Map { offsets, keys, values, .. } => {
                let entries = cut(offsets, len);
                keys.truncate(entries);
                values.truncate(entries);
            }
            Values::Struct(members) => members.list.iter_mut().for_each(|member| member.builder.truncate(len)),
        }
        self.nulls.truncate(len);
    }

    /// Gives the column away and starts anew, as [`Builder::finish`] does.
    pub fn finish_column(&mut self) -> Result<Column> {
        let Values::Json(texts) = &mut self.values else {
            let (field, array) = self.finish()?;
            return Column::new(field, array);
        };
        let (offsets, data, outline) = std::mem::take(texts).finish();
        let nulls = std::mem::replace(&mut self.nulls, NullBufferBuilder::new(0)).build();
        let array = StringArray::try_new(offsets, data, nulls)
            .map_err(|e| Error::internal("JSON texts do not line up").caused_by(e))?;
        Ok(Column::schemaless(array).with_outline(outline))
    }

    /// Gives the values away and starts anew. The field is the schema itself unless decimals needed a wider type.
    pub fn finish(&mut self) -> Result<(FieldRef, ArrayRef)> {
        self.finish_arrow().map_err(|e| {
            Error::internal(format!("the column {} does not fit its own schema", self.field.name())).caused_by(e)
        })
    }

    fn finish_arrow(&mut self) -> Result<(FieldRef, ArrayRef), ArrowError> {
        let len = self.nulls.len();
        let nulls = std::mem::replace(&mut self.nulls, NullBufferBuilder::new(0)).build();
        let field = self.field.clone();
        let array: ArrayRef = match &mut self.values {
            Values::Int8(v) => primitive::<Int8Type>(v, nulls)?,
            Values::Int16(v) => primitive::<Int16Type>(v, nulls)?,
            Values::Int32(v) => primitive::<Int32Type>(v, nulls)?,
            Values::Int64(v) => primitive::<Int64Type>(v, nulls)?,
            Values::Float32(v) => primitive::<Float32Type>(v, nulls)?,
            Values::Float64(v) => primitive::<Float64Type>(v, nulls)?,
            Values::Date(v) => primitive::<Date32Type>(v, nulls)?,
            Values::Time(v) => primitive::<Time32MillisecondType>(v, nulls)?,
            Values::Timestamp(v) => {
                let array = PrimitiveArray::<TimestampMillisecondType>::try_new(std::mem::take(v).into(), nulls)?;
                Arc::new(array.with_data_type(field.data_type().clone()))
            }
            Values::Boolean(v) => Arc::new(BooleanArray::new(v.finish(), nulls)),
            Values::String(v) => {
                let (offsets, data) = std::mem::take(v).into_parts();
                Arc::new(StringArray::try_new(offsets, data, nulls)?)
            }
            Values::Json(v) => {
                let (offsets, data, _) = std::mem::take(v).finish();
                Arc::new(StringArray::try_new(offsets, data, nulls)?)
            }
            Values::Bytes(v) => {
                let (offsets, data) = std::mem::take(v).into_parts();
                Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
            }
            Values::Decimal(v) => return v.finish(&field, nulls),
            Values::List { offsets, items } => {
                let (item, values) = items.finish_arrow()?;
                let array = ListArray::try_new(item, take_offsets(offsets), values, nulls)?;
                return Ok((retyped(field, array.data_type()), Arc::new(array)));
            }
            Values::Map { offsets, entries, keys, values } => {
                let (key, keys) = keys.finish_arrow()?;
                let (value, values) = values.finish_arrow()?;
                let pairs = StructArray::try_new(Fields::from(vec![key, value]), vec![keys, values], None)?;
                let entries = retyped(entries.clone(), pairs.data_type());
                let array = MapArray::try_new(entries, take_offsets(offsets), pairs, nulls, false)?;
                return Ok((retyped(field, array.data_type()), Arc::new(array)));
            }
            Values::Struct(members) => {
                let mut fields = Vec::with_capacity(members.list.len());
                let mut arrays = Vec::with_capacity(members.list.len());
                for member in &mut members.list {
                    let (field, array) = member.builder.finish_arrow()?;
                    fields.push(field);
                    arrays.push(array);
                }
                let DataType::Struct(declared) = field.data_type() else {
                    return Err(ArrowError::SchemaError("a struct is declared as something else".to_owned()));
                };
                let unchanged = declared.iter().zip(&fields).all(|(a, b)| Arc::ptr_eq(a, b));
                let fields = if unchanged { declared.clone() } else { fields.into() };
                let array = StructArray::try_new_with_length(fields, arrays, nulls, len)?;
                return Ok((retyped(field, array.data_type()), Arc::new(array)));
            }
        };
        Ok((field, array))
    }
}

impl Values {
    fn of(field: &Field, replace_null: bool) -> Result<Self> {
        Ok(match field.data_type() {
            DataType::Int8 => Self::Int8(Vec::new()),
            DataType::Int16 => Self::Int16(Vec::new()),
            DataType::Int32 => Self::Int32(Vec::new()),
            DataType::Int64 => Self::Int64(Vec::new()),
            DataType::Float32 => Self::Float32(Vec::new()),
            DataType::Float64 => Self::Float64(Vec::new()),
            DataType::Boolean => Self::Boolean(BooleanBufferBuilder::new(0)),
            DataType::Utf8 => Self::String(Bytes::default()),
            DataType::Binary => Self::Bytes(Bytes::default()),
            DataType::Date32 => Self::Date(Vec::new()),
            DataType::Time32(TimeUnit::Millisecond) => Self::Time(Vec::new()),
            DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => Self::Timestamp(Vec::new()),
            DataType::List(item) => Self::List { offsets: vec![0], items: Box::new(Builder::new(item, replace_null)?) },
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => Self::Map {
                    offsets: vec![0],
                    entries: entries.clone(),
                    keys: Box::new(Builder::new(&pair[0], replace_null)?),
                    values: Box::new(Builder::new(&pair[1], replace_null)?),
                },
                _ => return Err(unsupported(field)),
            },
            DataType::Struct(fields) => Self::Struct(Members::of(fields, replace_null)?),
            _ => return Err(unsupported(field)),
        })
    }
}

impl Values {
    /// What tells the value of a row from others, where it is a number or a boolean.
    pub fn key_bits(&self, row: usize) -> Option<u64> {
        Some(match self {
            Self::Int8(v) => *v.get(row)? as u64,
            Self::Int16(v) => *v.get(row)? as u64,
            Self::Int32(v) | Self::Date(v) | Self::Time(v) => *v.get(row)? as u64,
            Self::Int64(v) | Self::Timestamp(v) => *v.get(row)? as u64,
            Self::Float32(v) => v.get(row)?.to_bits().into(),
            Self::Float64(v) => v.get(row)?.to_bits(),
            Self::Boolean(v) => (row < v.len() && v.get_bit(row)).into(),
            _ => return None,
        })
    }
}

impl Members {
    fn of(fields: &Fields, replace_null: bool) -> Result<Self> {
        let mut list = Vec::with_capacity(fields.len());
        for field in fields {
            let mut key = Vec::with_capacity(field.name().len() + 2);
            write_string(&mut key, field.name().as_bytes());
            let builder = Builder::new(field, replace_null)?;
            list.push(Member { name: field.name().as_str().into(), key: key.into(), builder });
        }
        let by_name = list.iter().enumerate().map(|(place, member)| (member.name.clone(), place)).collect();
        Ok(Self { list, by_name })
    }
}

fn unsupported(field: &Field) -> Error {
    Error::internal(format!(
        "the column {} has the type {}, which is no type of Connect",
        field.name(),
        field.data_type()
    ))
}

fn is_decimal_storage(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Binary)
}

/// The scale of a Decimal schema.
pub(super) fn decimal_scale(field: &Field) -> Result<i32> {
    if let DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) = field.data_type() {
        return Ok((*scale).into());
    }
    let scale = schema::parameter(field, schema::SCALE).and_then(|text| text.parse().ok());
    scale.ok_or_else(|| Error::data("a Decimal needs its parameter scale, a whole number"))
}

/// The field with the type its values turned out to have; the same object when that is no other type.
fn retyped(field: FieldRef, data_type: &DataType) -> FieldRef {
    if field.data_type() == data_type {
        return field;
    }
    Arc::new(field.as_ref().clone().with_data_type(data_type.clone()))
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(std::mem::take(values).into(), nulls)?))
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])))
}

/// Keeps the offsets of `len` rows; how many items those have.
fn cut(offsets: &mut Vec<i32>, len: usize) -> usize {
    offsets.truncate(len + 1);
    offsets.last().map_or(0, |end| *end as usize)
}
