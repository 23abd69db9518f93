//! `org.apache.kafka.connect.transforms.ExtractField`: one field in place of the whole.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, FieldRef};
use millstream_api::{Column, Config, Error, Result};

use super::edit::{Edit, Edited, Input, Nulls};
use super::json::{Object, Row, edit_rows};
use super::path::steps;
use super::plans::Plans;
use super::settings::{EXTRACT_FIELD, REPLACE_NULL, configured};
use super::structs::{Filler, ROOT, masked, not_a_struct, renamed};

/// A field, or with `field.syntax.version=V2` a field of a field. Columns are moved, not copied.
#[derive(Default)]
pub(crate) struct ExtractField {
    steps: Vec<String>,
    replace_null: bool,
    plans: Plans<Plan>,
}

struct Plan {
    field: FieldRef,
    /// The place of the field in each struct on the way.
    way: Vec<(usize, Filler)>,
}

fn plan(input: Input<'_>, steps: &[String], replace_null: bool) -> Result<Plan> {
    let mut field = input.column.field();
    let mut way = Vec::with_capacity(steps.len());
    for step in steps {
        let DataType::Struct(fields) = field.data_type() else {
            return Err(if way.is_empty() {
                not_a_struct(input.part.word(), field)
            } else {
                Error::data(format!("the field {} of the {} is no struct", field.name(), input.part.word()))
            });
        };
        let (index, next) = fields.find(step).ok_or_else(|| unknown(input, steps))?;
        way.push((index, Filler::of(next, replace_null)?));
        field = next;
    }
    if way.is_empty() {
        return Err(unknown(input, steps));
    }
    Ok(Plan { field: renamed(field, ROOT), way })
}

fn unknown(input: Input<'_>, steps: &[String]) -> Error {
    Error::data(format!("the {} has no field {}", input.part.word(), steps.join(".")))
}

impl Edit for ExtractField {
    const NULLS: Nulls = Nulls::Edit;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = configured(&EXTRACT_FIELD, config, &[])?;
        let Some(field) = values.text("field") else {
            return Err(Error::config("Invalid value null for configuration field: it must name a field"));
        };
        let nested = values.text("field.syntax.version").is_some_and(|version| version.eq_ignore_ascii_case("V2"));
        let steps = if nested { steps(field) } else { Ok(vec![field.to_owned()]) };
        *self = Self {
            steps: steps.map_err(|e| Error::config(format!("Invalid value {field} for configuration field: {e}")))?,
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
        };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let (steps, replace_null) = (&self.steps, self.replace_null);
        let plan = self.plans.of(input.column.field(), || plan(input, steps, replace_null))?;
        let mut array = Arc::clone(input.column.array());
        for (index, filler) in &plan.way {
            let rows = array.as_struct();
            let column = rows.columns().get(*index).ok_or_else(|| Error::internal("a struct lacks a column"))?;
            array = masked(&filler.fill(column)?, rows.nulls())?;
        }
        Ok(Column::new(plan.field.clone(), array)?.into())
    }

    fn schemaless(&mut self, input: Input<'_>) -> Result<Edited> {
        let mut object = Object::new();
        edit_rows(input, |row, text, out| {
            if self.steps.is_empty() && text != "null" {
                return Err(unknown(input, &self.steps));
            }
            let mut value = text;
            for (depth, step) in self.steps.iter().enumerate() {
                let is_map = match depth {
                    0 => object.read_row(input, row, value),
                    _ => object.read(value, input.part.word()),
                };
                if !is_map? {
                    return Ok(Row::Null);
                }
                let Some(next) = object.get(step) else { return Ok(Row::Null) };
                value = next;
            }
            if value == "null" {
                return Ok(Row::Null);
            }
            out.extend_from_slice(value.as_bytes());
            Ok(Row::Written)
        })
    }
}
