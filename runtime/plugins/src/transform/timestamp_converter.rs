//! `org.apache.kafka.connect.transforms.TimestampConverter`: points in time between texts, numbers and Connect's logical types.

mod columns;

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use millstream_api::{Column, Config, Error, Result, RowFailure, schema};

use super::edit::{Edit, Edited, Input, Nulls};
use super::entries::{EntryEdit, Slots};
use super::json::{Json, Row, edit_rows};
use super::outcome::again;
use super::plans::Plans;
use super::settings::{REPLACE_NULL, TIMESTAMP_CONVERTER, configured};
use super::structs::{Filler, StructRows, masked, struct_column, type_word};
use crate::converter::json::escape::write_string;
use crate::java::date_pattern::DatePattern;

/// What a point in time is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Precision {
    Seconds,
    #[default]
    Millis,
    Micros,
    Nanos,
}

impl Precision {
    fn of_name(name: &str) -> Self {
        match name {
            "seconds" => Self::Seconds,
            "microseconds" => Self::Micros,
            "nanoseconds" => Self::Nanos,
            _ => Self::Millis,
        }
    }

    /// Epoch milliseconds of a number. As Java's `TimeUnit`: what is too large is the largest, fractions are cut off.
    fn to_millis(self, value: i64) -> i64 {
        match self {
            Self::Seconds => value.saturating_mul(1_000),
            Self::Millis => value,
            Self::Micros => value / 1_000,
            Self::Nanos => value / 1_000_000,
        }
    }

    fn of_millis(self, millis: i64) -> i64 {
        match self {
            Self::Seconds => millis / 1_000,
            Self::Millis => millis,
            Self::Micros => millis.saturating_mul(1_000),
            Self::Nanos => millis.saturating_mul(1_000_000),
        }
    }
}

/// The form that a schema's values have.
fn form_of(field: &Field) -> Result<Form> {
    Ok(match field.data_type() {
        DataType::Date32 => Form::Date,
        DataType::Time32(TimeUnit::Millisecond) => Form::Time,
        DataType::Timestamp(TimeUnit::Millisecond, _) => Form::Timestamp,
        DataType::Utf8 => Form::Text,
        DataType::Int64 => Form::Unix,
        other => {
            return Err(Error::data(format!(
                "TimestampConverter reads no timestamps of the schema {}",
                type_word(other)
            ))
            .hint("only STRING, INT64, Date, Time and Timestamp are read"));
        }
    })
}

/// How to read and write points in time.
struct Conversion {
    target: Form,
    precision: Precision,
    pattern: Option<DatePattern>,
}

impl Conversion {
    /// Epoch milliseconds of a text.
    fn parse(&self, text: &str) -> Result<i64> {
        let pattern = self.pattern.as_ref().ok_or_else(|| {
            Error::data("TimestampConverter reads a text as a timestamp, but has no format").hint("set format")
        })?;
        pattern.parse(text).map_err(|e| Error::data(format!("a text is no timestamp of the configured format: {e}")))
    }

    fn format(&self, millis: i64, out: &mut String) {
        if let Some(pattern) = &self.pattern {
            pattern.format(millis, out);
        }
    }

    fn data_type(&self) -> DataType {
        match self.target {
            Form::Text => DataType::Utf8,
            Form::Unix => DataType::Int64,
            Form::Date => DataType::Date32,
            Form::Time => schema::time_type(),
            Form::Timestamp => schema::timestamp_type(),
        }
    }

    /// A converted schema: nothing is left of the old one but its name as a field, and whether it is optional.
    fn field(&self, field: &Field) -> Field {
        Field::new(field.name(), self.data_type(), field.is_nullable())
    }

    /// The text of a JSON value in its new form. False: it is null, and stays so.
    fn json(&self, value: &str, what: &str, text: &mut String, out: &mut Vec<u8>) -> Result<bool> {
        let millis = match Json::read(value, what)? {
            Json::Null => return Ok(false),
            Json::Long(value) => self.precision.to_millis(value),
            Json::String(text) => self.parse(&text)?,
            _ => {
                return Err(Error::data(format!(
                    "the {what} is no timestamp: without schema a text or a whole number"
                )));
            }
        };
        match self.target {
            Form::Text => {
                text.clear();
                self.format(millis, text);
                write_string(out, text.as_bytes());
            }
            Form::Unix => {
                let number = self.precision.of_millis(millis);
                out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
            Form::Date | Form::Time | Form::Timestamp => {
                return Err(Error::data("without schema there are no dates, times and timestamps")
                    .hint("set target.type to string or unix, or schemas.enable of the converter to true"));
            }
        }
        Ok(true)
    }
}

/// Converts the whole, or one field of a struct or map.
#[derive(Default)]
pub(crate) struct TimestampConverter {
    field: String,
    conversion: Option<Conversion>,
    replace_null: bool,
    plans: Plans<Plan>,
    /// A text that is being written.
    shown: String,
}

struct Plan {
    field: FieldRef,
    /// For each field of a struct whether it is the one; none when the whole is converted.
    fields: Vec<(Filler, bool)>,
}

impl Plan {
    fn whole(input: Input<'_>, conversion: &Conversion) -> Result<Self> {
        form_of(input.column.field())?;
        Ok(Self { field: Arc::new(conversion.field(input.column.field())), fields: Vec::new() })
    }

    fn of_field(input: Input<'_>, name: &str, conversion: &Conversion, replace_null: bool) -> Result<Self> {
        let root = input.column.field();
        let (mut all, mut fields) = (Vec::new(), Vec::new());
        for field in StructRows::of(input)?.fields {
            let is_it = field.name() == name;
            fields.push((Filler::of(field, replace_null)?, is_it));
            if is_it {
                all.push(Arc::new(conversion.field(field)));
            } else {
                all.push(field.clone());
            }
        }
        if schema::default_json(root).is_some() && fields.iter().any(|(_, is_it)| *is_it) {
            return Err(Error::data(format!(
                "the default of the {}'s schema is a struct, which cannot be converted",
                input.part.word()
            )));
        }
        let data_type = DataType::Struct(Fields::from(all));
        Ok(Self { field: Arc::new(root.as_ref().clone().with_data_type(data_type)), fields })
    }
}

impl Edit for TimestampConverter {
    const NULLS: Nulls = Nulls::Edit;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = configured(&TIMESTAMP_CONVERTER, config, &[])?;
        let target = match values.text("target.type") {
            Some("unix") => Form::Unix,
            Some("Date") => Form::Date,
            Some("Time") => Form::Time,
            Some("Timestamp") => Form::Timestamp,
            _ => Form::Text,
        };
        let format = values.text("format").unwrap_or_default();
        if target == Form::Text && format.is_empty() {
            return Err(Error::config("format is missing, which target.type=string needs")
                .hint("set format to a pattern of Java's SimpleDateFormat"));
        }
        let pattern = (!format.is_empty()).then(|| DatePattern::new(format)).transpose();
        let pattern =
            pattern.map_err(|e| Error::config(format!("Invalid value {format} for configuration format: {e}")))?;
        let precision = Precision::of_name(values.text("unix.precision").unwrap_or_default());
        *self = Self {
            field: values.text("field").unwrap_or_default().to_owned(),
            conversion: Some(Conversion { target, precision, pattern }),
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
            shown: String::new(),
        };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let Self { field: name, conversion, replace_null, plans, .. } = self;
        let conversion = conversion.as_ref().ok_or_else(not_configured)?;
        let field = input.column.field();
        let plan = plans.of(field, || match name.as_str() {
            "" => Plan::whole(input, conversion),
            name => Plan::of_field(input, name, conversion, *replace_null),
        })?;
        if name.is_empty() {
            let (array, failures) = conversion.column(field, input.column.array())?;
            return Ok(Edited { column: Column::new(plan.field.clone(), array)?, failures });
        }
        let rows = StructRows::of(input)?;
        let mut columns = Vec::with_capacity(plan.fields.len());
        let mut failures: Vec<RowFailure> = Vec::new();
        for (place, (filler, is_it)) in plan.fields.iter().enumerate() {
            let column = filler.fill(rows.column(place)?)?;
            if !is_it {
                columns.push(column);
                continue;
            }
            let of = rows.fields.get(place).ok_or_else(|| Error::internal("a struct lacks a field"))?;
            let (converted, failed) = match form_of(of) {
                Ok(_) => conversion.column(of, &masked(&column, rows.nulls())?)?,
                // A null struct takes the new schema, whatever its field was.
                Err(error) => {
                    let error = error.at(format!("field {name}"));
                    let valid = (0..column.len()).filter(|row| rows.nulls().is_none_or(|nulls| nulls.is_valid(*row)));
                    let failed = valid.map(|row| RowFailure { row, error: again(&error) }).collect();
                    (conversion.anything(column.len())?, failed)
                }
            };
            failures.extend(failed);
            columns.push(converted);
        }
        let column = struct_column(&plan.field, columns, rows.nulls().cloned(), rows.array.len())?;
        Ok(Edited { column, failures })
    }

    fn schemaless(&mut self, input: Input<'_>) -> Result<Edited> {
        let conversion = self.conversion.as_ref().ok_or_else(not_configured)?;
        let mut shown = String::new();
        edit_rows(input, |_, text, out| {
            let written = conversion.json(text, input.part.word(), &mut shown, out)?;
            Ok(if written { Row::Written } else { Row::Same })
        })
    }

    fn entries(&mut self) -> Option<&mut dyn EntryEdit> {
        (!self.field.is_empty()).then_some(self)
    }
}

impl EntryEdit for TimestampConverter {
    fn plan(&self, _variant: u8, slots: &mut Slots) {
        slots.make_named(std::iter::once(self.field.as_str()));
    }

    fn make(&mut self, _what: usize, value: &str, _: Input<'_>, _row: usize, out: &mut Vec<u8>) -> Result<Row> {
        let Self { field, conversion, shown, .. } = self;
        let conversion = conversion.as_ref().ok_or_else(not_configured)?;
        let written = conversion.json(value, field, shown, out).map_err(|e| e.at(format!("field {field}")))?;
        // A null stays.
        Ok(if written { Row::Written } else { Row::Same })
    }
}

fn not_configured() -> Error {
    Error::internal("TimestampConverter has no settings")
}
