//! `org.apache.kafka.connect.transforms.ValueToKey`: fields of the value as key.

use arrow::datatypes::{DataType, Field, FieldRef};
use millstream_api::{Batch, Config, ConnectorKind, Error, Result, RowFailure, Transform, Transformed};

use super::edit::{Edited, Input, Step};
use super::json::{Object, ObjectWriter, Row, edit_rows, is_null};
use super::outcome::{again, all_rows};
use super::part::Part;
use super::plans::Plans;
use super::settings::{REPLACE_NULL, VALUE_TO_KEY, configured};
use super::structs::{Filler, ROOT, StructRows, with_fields};

/// Makes the key a struct or map of fields of the value. Columns are shared, not copied.
#[derive(Default)]
pub(crate) struct ValueToKey {
    fields: Vec<String>,
    replace_null: bool,
    plans: Plans<Plan>,
}

struct Plan {
    key: FieldRef,
    parts: Vec<(usize, Filler)>,
}

impl ValueToKey {
    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let rows = StructRows::of(input)?;
        let (names, replace_null) = (&self.fields, self.replace_null);
        let plan = self.plans.of(input.column.field(), || {
            let (mut fields, mut parts) = (Vec::new(), Vec::new());
            for name in names {
                let found = rows.fields.find(name);
                let (index, field) = found.ok_or_else(|| Error::data(format!("the value has no field {name}")))?;
                fields.push(field.clone());
                parts.push((index, Filler::of(field, replace_null)?));
            }
            Ok(Plan { key: with_fields(&Field::new(ROOT, DataType::Null, false), fields)?, parts })
        })?;
        let columns: Result<Vec<_>> =
            plan.parts.iter().map(|(index, filler)| filler.fill(rows.column(*index)?)).collect();
        Ok(rows.rebuilt(&plan.key, columns?)?.into())
    }

    fn schemaless(&self, input: Input<'_>) -> Result<Edited> {
        let mut object = Object::new();
        edit_rows(input, |row, text, out| {
            if !object.read_row(input, row, text)? {
                return Err(is_null("value"));
            }
            let mut writer = ObjectWriter::new(out);
            for name in &self.fields {
                writer.name(name).extend_from_slice(object.get(name).unwrap_or("null").as_bytes());
            }
            writer.end();
            Ok(Row::Written)
        })
    }
}

impl Step for ValueToKey {}

impl Transform for ValueToKey {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        let values = configured(&VALUE_TO_KEY, config, &["fields"])?;
        *self = Self {
            fields: values.list("fields").to_vec(),
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
        };
        Ok(())
    }

    fn apply(&mut self, batch: Batch) -> Transformed {
        let value = batch.value.clone();
        let nulls = (0..value.len()).filter(|row| value.is_null(*row));
        let mut failures: Vec<_> = nulls.map(|row| RowFailure { row, error: is_null("value") }).collect();
        if failures.len() == value.len() {
            return all_rows(batch, failures);
        }
        let input = Input { part: Part::Value, column: &value, batch: &batch, from: None };
        let key = if value.is_schemaless() { self.schemaless(input) } else { self.typed(input) };
        match key {
            Ok(key) => {
                failures.extend(key.failures);
                all_rows(Part::Key.replaced(batch, key.column), failures)
            }
            Err(error) => {
                failures.extend((0..value.len()).map(|row| RowFailure { row, error: again(&error) }));
                all_rows(batch, failures)
            }
        }
    }
}
