//! What a Connect schema looks like in Parquet, worked out once per schema.
//!
//! | Connect | Arrow type handed to the writer | Parquet |
//! |---|---|---|
//! | INT8, INT16 | Int32 | INT32 without annotation |
//! | BYTES with `connect.fixed.size` | FixedSizeBinary | FIXED_LEN_BYTE_ARRAY |
//! | Decimal | Decimal128 or Decimal256, precision from `connect.decimal.precision`, else 38 (76 for scales over 38); text for scales that fit neither | DECIMAL |
//! | Time | Time32(ms) | TIME(MILLIS, UTC) |
//! | MAP with required text keys | Map | MAP |
//! | other MAP | List of Struct(key, value) | LIST |
//! | everything else | as it is | |

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Scalar, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use millstream_api::{Error, Result, schema};

use super::convert::{Misfit, convert};
use super::{decimal, defaults};

/// Root of the Parquet schema when the Connect schema has no name, as the incumbent calls it.
const UNNAMED: &str = "io.confluent.connect.avro.ConnectDefault";
const FIXED_SIZE: &str = "connect.fixed.size";
/// Marks a Time32 field as UTC for the Parquet writer.
const UTC: &str = "adjusted_to_utc";

/// How arrays of a schema become what the writer takes.
#[derive(Clone, Debug)]
pub(super) enum Conversion {
    /// Handed over untouched.
    Keep,
    /// Cast to a wider integer.
    Widen,
    /// Bytes of one length.
    Fixed(i32),
    /// A Decimal of this type.
    Decimal(DataType),
    /// A Decimal of this scale as text.
    DecimalText(i32),
    /// Items.
    List(FieldRef, Box<Conversion>),
    /// Fields.
    Struct(Fields, Vec<Conversion>),
    /// Keys and values, staying a map.
    Map(FieldRef, Box<Conversion>),
    /// Keys and values, as a list of pairs.
    Pairs(FieldRef, Box<Conversion>),
    /// Nulls become this default after the conversion.
    Default(Box<Conversion>, Arc<Scalar<ArrayRef>>),
}

/// The Parquet form of a value schema.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Schema of the batches handed to the writer.
    pub(crate) schema: SchemaRef,
    /// Name of the root.
    pub(crate) root: String,
    columns: Vec<Conversion>,
}

impl Shape {
    /// The form of a value schema, or why values of it cannot be rows.
    pub(crate) fn of(value: &Field, optional_map_keys: bool) -> Result<Self, String> {
        let DataType::Struct(fields) = value.data_type() else {
            return Err(format!(
                "a Parquet file needs a STRUCT (or JSON without a schema), and this is {}",
                word(value)
            ));
        };
        let (fields, columns) = Rules { optional_map_keys }.fields(fields, "")?;
        Ok(Self { schema: Arc::new(Schema::new(fields)), root: root(value), columns })
    }

    /// The rows of a struct array as the writer takes them, and the rows that do not fit (their values in the batch mean
    /// nothing). Rows that are null must be gone already.
    pub(crate) fn rows(&self, values: &StructArray) -> Result<(RecordBatch, Vec<Misfit>)> {
        let mut misfits = Vec::new();
        let columns = values
            .columns()
            .iter()
            .zip(&self.columns)
            .zip(self.schema.fields())
            .map(|((array, conversion), field)| {
                convert(conversion, array, &mut |row, why| {
                    misfits.push(Misfit { row, why: format!("field {}: {why}", field.name()) });
                })
            })
            .collect::<Result<Vec<_>>>()?;
        misfits.sort_by_key(|misfit| misfit.row);
        misfits.dedup_by_key(|misfit| misfit.row);
        let options = RecordBatchOptions::new().with_match_field_names(false).with_row_count(Some(values.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| Error::internal("rows do not fit their schema").caused_by(error))?;
        Ok((batch, misfits))
    }
}

fn root(value: &Field) -> String {
    match schema::name(value).map(|name| name.trim_end_matches('.')) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => UNNAMED.to_owned(),
    }
}

/// Connect's word for a type, for messages.
fn word(field: &Field) -> String {
    match field.data_type() {
        DataType::Utf8 => "STRING".to_owned(),
        DataType::Binary => "BYTES".to_owned(),
        DataType::List(_) => "ARRAY".to_owned(),
        DataType::Map(..) => "MAP".to_owned(),
        other => other.to_string().to_uppercase(),
    }
}

struct Rules {
    optional_map_keys: bool,
}

impl Rules {
    fn fields(&self, fields: &Fields, path: &str) -> Result<(Fields, Vec<Conversion>), String> {
        if fields.is_empty() {
            let whose = if path.is_empty() { "the value".to_owned() } else { format!("field {path}") };
            return Err(format!("{whose} is a STRUCT without fields, which Parquet cannot hold"));
        }
        let mut mapped = Vec::with_capacity(fields.len());
        let mut conversions = Vec::with_capacity(fields.len());
        for field in fields {
            let path = if path.is_empty() { field.name().clone() } else { format!("{path}.{}", field.name()) };
            let (field, conversion) = self.field(field, &path)?;
            mapped.push(field);
            conversions.push(conversion);
        }
        Ok((mapped.into(), conversions))
    }

    fn field(&self, field: &FieldRef, path: &str) -> Result<(FieldRef, Conversion), String> {
        let (data_type, conversion) = self.data_type(field, path)?;
        let conversion = match schema::default_json(field).filter(|_| field.is_nullable()) {
            // A null of an optional field with a default is written as the default, as the incumbent does.
            Some(json) => match defaults::scalar(json, &data_type) {
                Some(default) => Conversion::Default(Box::new(conversion), Arc::new(default)),
                None => conversion,
            },
            None => conversion,
        };
        let metadata = match data_type {
            DataType::Time32(TimeUnit::Millisecond) => HashMap::from([(UTC.to_owned(), String::new())]),
            _ => HashMap::new(),
        };
        let mapped = Field::new(field.name(), data_type, field.is_nullable()).with_metadata(metadata);
        Ok((Arc::new(mapped), conversion))
    }

    fn data_type(&self, field: &FieldRef, path: &str) -> Result<(DataType, Conversion), String> {
        if schema::name(field) == Some(schema::DECIMAL) && is_decimal_storage(field.data_type()) {
            return Ok(decimal::target(field));
        }
        Ok(match field.data_type() {
            DataType::Int8 | DataType::Int16 => (DataType::Int32, Conversion::Widen),
            DataType::Binary => match fixed_size(field) {
                Some(size) => (DataType::FixedSizeBinary(size), Conversion::Fixed(size)),
                None => (DataType::Binary, Conversion::Keep),
            },
            DataType::List(item) => {
                let (item, conversion) = self.field(item, path)?;
                let list = DataType::List(item.clone());
                match conversion {
                    Conversion::Keep => (list, Conversion::Keep),
                    inner => (list, Conversion::List(item, Box::new(inner))),
                }
            }
            DataType::Struct(fields) => {
                let (fields, conversions) = self.fields(fields, path)?;
                let data_type = DataType::Struct(fields.clone());
                match conversions.iter().all(|conversion| matches!(conversion, Conversion::Keep)) {
                    true => (data_type, Conversion::Keep),
                    false => (data_type, Conversion::Struct(fields, conversions)),
                }
            }
            DataType::Map(entries, sorted) => self.map(entries, *sorted, path)?,
            other => (other.clone(), Conversion::Keep),
        })
    }

    fn map(&self, entries: &FieldRef, sorted: bool, path: &str) -> Result<(DataType, Conversion), String> {
        let DataType::Struct(pair) = entries.data_type() else {
            return Err(format!("field {path} is a map without entries"));
        };
        // Keys of an Arrow map are never null; the schema's word on that is in the metadata.
        let optional = |key: &Field| key.metadata().contains_key(schema::OPTIONAL);
        let text_keys = pair
            .first()
            .is_some_and(|key| key.data_type() == &DataType::Utf8 && (self.optional_map_keys || !optional(key)));
        let (mapped, conversions) = self.fields(pair, path)?;
        let plain = conversions.iter().all(|conversion| matches!(conversion, Conversion::Keep));
        let inner = match plain {
            true => Conversion::Keep,
            false => Conversion::Struct(mapped.clone(), conversions),
        };
        if text_keys {
            let entries = Arc::new(Field::new("key_value", DataType::Struct(mapped), false));
            let data_type = DataType::Map(entries.clone(), sorted);
            return Ok((data_type, if plain { Conversion::Keep } else { Conversion::Map(entries, Box::new(inner)) }));
        }
        let element = Arc::new(Field::new("element", DataType::Struct(mapped), false));
        Ok((DataType::List(element.clone()), Conversion::Pairs(element, Box::new(inner))))
    }
}

fn is_decimal_storage(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Binary)
}

fn fixed_size(field: &Field) -> Option<i32> {
    schema::parameter(field, FIXED_SIZE)?.parse().ok().filter(|size| *size > 0)
}
