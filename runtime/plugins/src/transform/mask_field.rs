//! `org.apache.kafka.connect.transforms.MaskField`: fields whose values are not to be seen.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef};
use millstream_api::java_text::{write_decimal, write_double, write_float};
use millstream_api::{Config, Error, Result, RowFailure, schema};

use super::edit::{Edit, Edited, Input, Nulls};
use super::entries::{EntryEdit, Slots};
use super::json::{Json, Row};
use super::outcome::again;
use super::plans::Plans;
use super::settings::{MASK_FIELD, REPLACE_NULL, configured};
use super::structs::{Filler, StructRows, type_word};
use crate::converter::json::defaults::default_array;
use crate::converter::json::escape::write_string;
use crate::java::number::{Decimal, float, with_ascii_digits};

/// Puts the zero or empty value of its type, or a replacement, in place of each value of the fields. Nulls stay.
#[derive(Default)]
pub(crate) struct MaskField {
    fields: Vec<String>,
    mask: Mask,
    replace_null: bool,
    plans: Plans<Vec<Plan>>,
}

/// For each field of a struct.
struct Plan {
    filler: Filler,
    /// What takes the place of its values; `None`: they stay.
    mask: Option<Result<ArrayRef>>,
}

/// What takes the place of values.
#[derive(Default)]
struct Mask {
    replacement: Option<String>,
}

impl Mask {
    /// In place of values of this schema: an array of one row.
    fn array(&self, field: &FieldRef) -> Result<ArrayRef> {
        let name = field.name();
        let text = self.of_type(field).map_err(|e| e.at(format!("field {name}")))?;
        let masked = schema::with_meta(field.as_ref().clone(), [(schema::DEFAULT, text)]);
        let refused = || Error::data(format!("the replacement of MaskField is no value of the field {name}"));
        default_array(&Arc::new(masked)).map_err(|_| refused())?.ok_or_else(refused)
    }

    /// The JSON payload of the masked value.
    fn of_type(&self, field: &Field) -> Result<String> {
        let is_decimal = schema::name(field) == Some(schema::DECIMAL);
        Ok(match (field.data_type(), &self.replacement) {
            (DataType::Utf8, replacement) => quoted(replacement.as_deref().unwrap_or_default()),
            (DataType::Int8, Some(_)) => (self.long()? as i8).to_string(),
            (DataType::Int16, Some(_)) => (self.long()? as i16).to_string(),
            (DataType::Int32, Some(_)) => (self.long()? as i32).to_string(),
            (DataType::Int64, Some(_)) => self.long()?.to_string(),
            (DataType::Float32, Some(_)) => {
                let value = self.double()? as f32;
                written(value.is_finite(), |out| write_float(out, value))
            }
            (DataType::Float64, Some(_)) => {
                let value = self.double()?;
                written(value.is_finite(), |out| write_double(out, value))
            }
            (DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Binary, Some(_)) if is_decimal => {
                let Decimal { unscaled, scale } = self.decimal()?;
                written(true, |out| write_decimal(out, &unscaled.to_string(), scale))
            }
            (
                DataType::Int8
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::Float32
                | DataType::Float64
                | DataType::Date32
                | DataType::Time32(_)
                | DataType::Timestamp(..),
                None,
            ) => "0".to_owned(),
            (DataType::Decimal128(..) | DataType::Decimal256(..) | DataType::Binary, None) if is_decimal => {
                "0".to_owned()
            }
            (DataType::Boolean, None) => "false".to_owned(),
            (DataType::List(_), None) => "[]".to_owned(),
            (DataType::Map(entries, _), None) => match entries.data_type() {
                DataType::Struct(pair) if pair.first().is_some_and(|key| key.data_type() == &DataType::Utf8) => {
                    "{}".to_owned()
                }
                _ => "[]".to_owned(),
            },
            (other, None) => return Err(unmaskable(type_word(other), "")),
            (other, Some(_)) => return Err(unmaskable(type_word(other), " with a replacement")),
        })
    }

    /// Appends the JSON of what takes the place of a value without schema.
    fn of_json(&self, value: &str, what: &str, out: &mut Vec<u8>) -> Result<()> {
        let text = match (Json::read(value, what)?, &self.replacement) {
            (Json::Null, _) => "null".to_owned(),
            (Json::String(_), replacement) => quoted(replacement.as_deref().unwrap_or_default()),
            (Json::Long(_) | Json::Big(_), None) => "0".to_owned(),
            (Json::Long(_) | Json::Big(_), Some(_)) => self.long()?.to_string(),
            (Json::Double(_), None) => "0.0".to_owned(),
            (Json::Double(_), Some(_)) => {
                let value = self.double()?;
                written(value.is_finite(), |out| write_double(out, value))
            }
            (Json::Boolean(_), None) => "false".to_owned(),
            (Json::Array, None) => "[]".to_owned(),
            (Json::Object, None) => "{}".to_owned(),
            (Json::Boolean(_), Some(_)) => return Err(unmaskable("BOOLEAN", " with a replacement")),
            (Json::Array, Some(_)) => return Err(unmaskable("ARRAY", " with a replacement")),
            (Json::Object, Some(_)) => return Err(unmaskable("MAP", " with a replacement")),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn decimal(&self) -> Result<Decimal> {
        let replacement = self.replacement.as_deref().unwrap_or("0");
        Decimal::parse(replacement).ok_or_else(|| Error::data("the replacement of MaskField is no number"))
    }

    fn long(&self) -> Result<i64> {
        Ok(self.decimal()?.long())
    }

    /// By way of a decimal, whose zero has no sign.
    fn double(&self) -> Result<f64> {
        if self.decimal()?.unscaled == 0.into() {
            return Ok(0.0);
        }
        self.replacement
            .as_deref()
            .and_then(|text| float(&with_ascii_digits(text)))
            .ok_or_else(|| Error::data("the replacement of MaskField is no number"))
    }
}

fn unmaskable(what: &str, how: &str) -> Error {
    Error::data(format!("MaskField cannot mask a value of type {what}{how}"))
}

fn quoted(text: &str) -> String {
    written(true, |out| write_string(out, text.as_bytes()))
}

/// JSON text, in quotes where it is a number that JSON has not.
fn written(plain: bool, write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    let text = String::from_utf8_lossy(&out);
    if plain { text.into_owned() } else { format!("\"{text}\"") }
}

impl Edit for MaskField {
    const NULLS: Nulls = Nulls::Refuse;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = configured(&MASK_FIELD, config, &["fields"])?;
        *self = Self {
            fields: values.list("fields").to_vec(),
            mask: Mask { replacement: values.text("replacement").map(str::to_owned) },
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
        };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let rows = StructRows::of(input)?;
        let Self { fields, mask, replace_null, plans } = self;
        let plans = plans.of(input.column.field(), || {
            let plan = |field: &FieldRef| {
                let masked = fields.contains(field.name()).then(|| mask.array(field));
                Ok(Plan { filler: Filler::of(field, *replace_null)?, mask: masked })
            };
            rows.fields.iter().map(plan).collect()
        })?;
        let mut columns = Vec::with_capacity(plans.len());
        let mut failures = Vec::new();
        for (plan, column) in plans.iter().zip(rows.array.columns()) {
            let column = plan.filler.fill(column)?;
            match &plan.mask {
                None => columns.push(column),
                Some(Ok(mask)) => {
                    let first = UInt32Array::new(vec![0; column.len()].into(), column.nulls().cloned());
                    let masked = take(mask, &first, None);
                    columns.push(masked.map_err(|e| Error::internal("a mask is no value").caused_by(e))?);
                }
                Some(Err(error)) => {
                    let values = (0..column.len()).filter(|row| column.is_valid(*row));
                    failures.extend(values.map(|row| RowFailure { row, error: again(error) }));
                    columns.push(column);
                }
            }
        }
        Ok(Edited { column: rows.rebuilt(input.column.field(), columns)?, failures })
    }

    fn entries(&mut self) -> Option<&mut dyn EntryEdit> {
        Some(self)
    }
}

impl EntryEdit for MaskField {
    fn refuses_null(&self) -> bool {
        true
    }

    fn plan(&self, _variant: u8, slots: &mut Slots) {
        slots.make_named(self.fields.iter().map(String::as_str));
    }

    fn make(&mut self, what: usize, value: &str, _: Input<'_>, _row: usize, out: &mut Vec<u8>) -> Result<Row> {
        let Some(field) = self.fields.get(what) else { return Ok(Row::Same) };
        self.mask.of_json(value, field, out).map_err(|e| e.at(format!("field {field}")))?;
        Ok(Row::Written)
    }
}
