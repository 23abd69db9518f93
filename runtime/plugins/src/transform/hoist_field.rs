//! `org.apache.kafka.connect.transforms.HoistField`: the whole as the one field of a struct or map.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field};
use millstream_api::{Batch, Column, Config, ConnectorKind, Error, Result, RowFailure, Transform, Transformed};

use super::edit::Step;
use super::json::{ObjectWriter, Texts};
use super::outcome::{again, all_failed, all_rows, by_column};
use super::part::Part;
use super::settings::HOIST_FIELD;
use super::structs::{Filler, ROOT, renamed, struct_column, with_fields};

/// Wraps values, null ones too. The column itself is the field's column.
pub(crate) struct HoistField {
    part: Part,
    field: String,
}

impl HoistField {
    /// Wraps this part of every record.
    pub fn new(part: Part) -> Self {
        Self { part, field: String::new() }
    }

    fn wrap(&self, batch: Batch) -> Result<Transformed> {
        let column = self.part.of(&batch).clone();
        // What has neither value nor schema becomes a map without schema.
        if column.is_all_absent() || column.is_schemaless() {
            let texts = column.is_schemaless().then(|| column.array().as_string::<i32>());
            let text = |row| texts.filter(|_| !column.is_null(row)).map_or("null", |texts| texts.value(row));
            return Ok(all_rows(self.part.replaced(batch, self.maps(column.len(), text)?), Vec::new()));
        }
        let (out, failures) = self.typed(&column);
        if column.absent_rows().is_none() {
            return Ok(all_rows(self.part.replaced(batch, out), failures));
        }
        let nothing = self.maps(column.len(), |_| "null")?;
        let choose = |row| Some(usize::from(column.is_absent(row)));
        Ok(by_column(&batch, self.part, &[&out, &nothing], failures, choose))
    }

    /// A map of the field with this text, for every row.
    fn maps<'t>(&self, rows: usize, text: impl Fn(usize) -> &'t str) -> Result<Column> {
        let mut map = Vec::new();
        let mut maps = Texts::new(rows);
        for row in 0..rows {
            map.clear();
            let mut writer = ObjectWriter::new(&mut map);
            writer.name(&self.field).extend_from_slice(text(row).as_bytes());
            writer.end();
            if !maps.push(&map) {
                return Err(Error::data(format!("the {}s do not fit into a batch of 2 GiB", self.part.word())));
            }
        }
        maps.finish()
    }

    /// Rows under a schema in a struct, and those that do not fit into it.
    fn typed(&self, column: &Column) -> (Column, Vec<RowFailure>) {
        self.structs(column).unwrap_or_else(|error| {
            let rows = (0..column.len()).filter(|row| !column.is_absent(*row));
            (column.clone(), rows.map(|row| RowFailure { row, error: again(&error) }).collect())
        })
    }

    fn structs(&self, column: &Column) -> Result<(Column, Vec<RowFailure>)> {
        let field = column.field();
        let root = Field::new(ROOT, DataType::Null, false);
        let root = with_fields(&root, vec![renamed(field, &self.field)])?;
        let array: ArrayRef = Arc::clone(column.array());
        if field.is_nullable() || array.null_count() == 0 {
            return Ok((struct_column(&root, vec![array], None, column.len())?, Vec::new()));
        }
        // A null that the schema does not take: its default, if it has one.
        let array = Filler::of(field, true)?.fill(&array)?;
        let refused = (0..array.len()).filter(|row| array.is_null(*row) && !column.is_absent(*row));
        let refused = refused
            .map(|row| {
                let part = self.part.word();
                RowFailure { row, error: Error::data(format!("the {part} is null, but its schema is required")) }
            })
            .collect();
        let nulls = array.nulls().cloned();
        Ok((struct_column(&root, vec![array], nulls, column.len())?, refused))
    }
}

impl Step for HoistField {}

impl Transform for HoistField {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        let values = HOIST_FIELD.validate(config).into_valid()?;
        self.field = values.text("field").unwrap_or_default().to_owned();
        Ok(())
    }

    fn apply(&mut self, batch: Batch) -> Transformed {
        let rows = batch.len();
        self.wrap(batch).unwrap_or_else(|error| all_failed(rows, &error))
    }
}
