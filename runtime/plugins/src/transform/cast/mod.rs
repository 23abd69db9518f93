//! `org.apache.kafka.connect.transforms.Cast`: values of another type.

mod columns;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use millstream_api::{Column, Config, Error, Result, RowFailure, schema};

use super::edit::{Edit, Edited, Input, Nulls};
use super::entries::{EntryEdit, Slots};
use super::json::{Row, edit_rows};
use super::plans::Plans;
use super::settings::{CAST, REPLACE_NULL, cast_item, configured};
use super::structs::{Filler, StructRows, struct_column};
use crate::converter::json::defaults::{default_array, default_text};
use columns::cast_column;
use texts::cast_text;

/// A type to cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
}

impl To {
    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float32" => Self::Float32,
            "float64" => Self::Float64,
            "boolean" => Self::Boolean,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Boolean => "boolean",
            Self::String => "string",
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Int8 => DataType::Int8,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::String => DataType::Utf8,
        }
    }
}

/// Casts the whole value, or fields of it, as Java casts: what is too large for its type is cut or becomes the nearest value.
#[derive(Default)]
pub(crate) struct Cast {
    what: What,
    replace_null: bool,
    plans: Plans<Plan>,
}

#[derive(Default)]
enum What {
    #[default]
    Nothing,
    Whole(To),
    /// In the order of the settings.
    Fields(Vec<(String, To)>),
}

struct Plan {
    field: FieldRef,
    /// For each field of a struct; none when the whole value is cast.
    fields: Vec<(Filler, Option<To>)>,
}

/// What fails a row; the value itself stays unsaid.
fn refused(what: &str, to: To) -> Error {
    Error::data(format!("{what} cannot be cast to {}", to.word()))
}

/// The schema of cast values: only what the cast leaves true of it.
fn cast_field(field: &FieldRef, to: To, keep: &[&str]) -> Result<Field> {
    let mut metadata: HashMap<String, String> = HashMap::new();
    if let Some(default) = default_array(field)? {
        let (default, failed) = cast_column(field, &default, to)?;
        if !failed.is_empty() {
            return Err(refused(&format!("the default of the field {}", field.name()), to));
        }
        metadata.insert(schema::DEFAULT.to_owned(), default_text(&plain(field, to), &default)?);
    }
    for key in keep {
        let value = match *key {
            schema::NAME => schema::name(field).map(str::to_owned),
            schema::VERSION => schema::version(field).map(|version| version.to_string()),
            schema::DOC => schema::doc(field).map(str::to_owned),
            _ => Some(schema::parameters(field))
                .filter(|all| !all.is_empty())
                .map(|all| serde_json::Value::Object(all).to_string()),
        };
        metadata.extend(value.map(|value| ((*key).to_owned(), value)));
    }
    Ok(plain(field, to).with_metadata(metadata))
}

fn plain(field: &Field, to: To) -> Field {
    Field::new(field.name(), to.data_type(), field.is_nullable())
}

impl Plan {
    fn whole(field: &FieldRef, to: To) -> Result<Self> {
        // The whole keeps its name, as in Java; a field does not.
        let keep = [schema::NAME, schema::VERSION, schema::DOC, schema::PARAMETERS];
        let logical = [schema::DECIMAL, schema::DATE, schema::TIME, schema::TIMESTAMP];
        if schema::default_json(field).is_some() && schema::name(field).is_some_and(|name| logical.contains(&name)) {
            return Err(Error::data(
                "the default of the schema, which keeps its name, would be no value of it once cast",
            ));
        }
        Ok(Self { field: Arc::new(cast_field(field, to, &keep)?), fields: Vec::new() })
    }

    fn of_fields(input: Input<'_>, casts: &[(String, To)], replace_null: bool) -> Result<Self> {
        let root = input.column.field();
        if schema::default_json(root).is_some() {
            return Err(Error::data(format!(
                "the default of the {}'s schema is a struct, which cannot be cast",
                input.part.word()
            )));
        }
        let (mut cast, mut fields) = (Vec::new(), Vec::new());
        for field in StructRows::of(input)?.fields {
            let to = casts.iter().rev().find(|(name, _)| name == field.name()).map(|(_, to)| *to);
            fields.push((Filler::of(field, replace_null)?, to));
            cast.push(match to {
                Some(to) => Arc::new(cast_field(field, to, &[])?),
                None => field.clone(),
            });
        }
        let data_type = DataType::Struct(Fields::from(cast));
        Ok(Self { field: Arc::new(root.as_ref().clone().with_data_type(data_type)), fields })
    }
}

impl Edit for Cast {
    const NULLS: Nulls = Nulls::Pass;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = configured(&CAST, config, &[])?;
        let mut what = What::Nothing;
        for item in values.list("spec") {
            let (field, kind) = cast_item(item).map_err(Error::config)?;
            let to = To::of_name(&kind).ok_or_else(|| Error::config(format!("spec: {kind} is no type to cast to")))?;
            match (field, &mut what) {
                (None, _) => what = What::Whole(to),
                (Some(field), What::Fields(fields)) => fields.push((field.to_owned(), to)),
                (Some(field), _) => what = What::Fields(vec![(field.to_owned(), to)]),
            }
        }
        // Of two casts of one field the later counts.
        if let What::Fields(fields) = &mut what {
            let mut last: Vec<(String, To)> = Vec::with_capacity(fields.len());
            for (name, to) in fields.drain(..) {
                match last.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = to,
                    None => last.push((name, to)),
                }
            }
            *fields = last;
        }
        *self = Self { what, replace_null: values.bool(REPLACE_NULL).unwrap_or(true), plans: Plans::default() };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let (what, replace_null) = (&self.what, self.replace_null);
        let field = input.column.field();
        let plan = self.plans.of(field, || match what {
            What::Nothing => Err(Error::internal("Cast has no settings")),
            What::Whole(to) => Plan::whole(field, *to),
            What::Fields(casts) => Plan::of_fields(input, casts, replace_null),
        })?;
        let part = input.part.word();
        let mut failures = Vec::new();
        if let What::Whole(to) = what {
            let (array, failed) = cast_column(field, input.column.array(), *to)?;
            failures
                .extend(failed.into_iter().map(|row| RowFailure { row, error: refused(&format!("the {part}"), *to) }));
            return Ok(Edited { column: Column::new(plan.field.clone(), array)?, failures });
        }
        let rows = StructRows::of(input)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(plan.fields.len());
        let mut nulls = rows.nulls().cloned();
        for (((filler, to), field), column) in plan.fields.iter().zip(rows.fields).zip(rows.array.columns()) {
            let column = filler.fill(column)?;
            let Some(to) = to else {
                columns.push(column);
                continue;
            };
            let (cast, failed) = cast_column(field, &column, *to)?;
            if !failed.is_empty() {
                let what = format!("the field {} of the {part}", field.name());
                failures.extend(failed.into_iter().map(|row| RowFailure { row, error: refused(&what, *to) }));
                // A failed value is null, which a required field is not: the row goes, and so may its struct.
                if !field.is_nullable() {
                    nulls = NullBuffer::union(nulls.as_ref(), cast.nulls());
                }
            }
            columns.push(cast);
        }
        Ok(Edited { column: struct_column(&plan.field, columns, nulls, rows.array.len())?, failures })
    }

    fn schemaless(&mut self, input: Input<'_>) -> Result<Edited> {
        let What::Whole(to) = &self.what else { return Ok(input.column.clone().into()) };
        let what = format!("the {}", input.part.word());
        edit_rows(input, |_, text, out| cast_text(text, *to, || what.clone(), out))
    }

    fn entries(&mut self) -> Option<&mut dyn EntryEdit> {
        matches!(self.what, What::Fields(_)).then_some(self)
    }
}

impl EntryEdit for Cast {
    fn plan(&self, _variant: u8, slots: &mut Slots) {
        if let What::Fields(casts) = &self.what {
            slots.make_named(casts.iter().map(|(name, _)| name.as_str()));
        }
    }

    fn make(&mut self, what: usize, value: &str, input: Input<'_>, _row: usize, out: &mut Vec<u8>) -> Result<Row> {
        let What::Fields(casts) = &self.what else { return Ok(Row::Same) };
        let Some((name, to)) = casts.get(what) else { return Ok(Row::Same) };
        cast_text(value, *to, || format!("the field {name} of the {}", input.part.word()), out)
    }
}
