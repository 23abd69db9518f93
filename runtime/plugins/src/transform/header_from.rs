//! `org.apache.kafka.connect.transforms.HeaderFrom`: fields of the key or value become headers.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use millstream_api::{
    Batch, Column, Config, ConnectorKind, Error, Header, HeadersBuilder, Result, RowFailure, Transform, Transformed,
};

use super::edit::{Input, Step};
use super::json::{Object, ObjectWriter, Texts, is_null};
use super::outcome::{again, all_rows};
use super::part::Part;
use super::plans::Plans;
use super::settings::{HEADER_FROM, REPLACE_NULL, configured};
use super::structs::{Filler, ROOT, StructRows, renamed, with_fields};

/// Adds a header for each field, after those that are there; `move` takes the fields away. A header's values are one column, of
/// which each record has a row.
pub(crate) struct HeaderFrom {
    part: Part,
    /// Fields with the names of their headers.
    fields: Vec<(String, Arc<str>)>,
    moves: bool,
    replace_null: bool,
    plans: Plans<Plan>,
}

struct Plan {
    /// For each of the settings' fields its place in the struct.
    places: Vec<usize>,
    fillers: Vec<Filler>,
    /// The schema that is left, and the places of its fields; `None`: the fields stay.
    left: Option<(arrow::datatypes::FieldRef, Vec<usize>)>,
}

/// What a batch is taken apart into.
struct Parts {
    /// The key or value that is left.
    column: Column,
    /// A column for each of the settings' fields.
    headers: Vec<Arc<Column>>,
    failures: Vec<RowFailure>,
}

impl HeaderFrom {
    /// For this part of records.
    pub fn new(part: Part) -> Self {
        Self { part, fields: Vec::new(), moves: false, replace_null: true, plans: Plans::default() }
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Parts> {
        let rows = StructRows::of(input)?;
        let Self { fields, moves, replace_null, plans, .. } = self;
        let plan = plans.of(input.column.field(), || {
            let place = |name: &String| {
                let found = rows.fields.iter().position(|field| field.name() == name);
                found.ok_or_else(|| Error::data(format!("the {} has no field {name}", input.part.word())))
            };
            let places: Vec<usize> = fields.iter().map(|(field, _)| place(field)).collect::<Result<_>>()?;
            let fillers = rows.fields.iter().map(|field| Filler::of(field, *replace_null)).collect::<Result<_>>()?;
            let left = moves.then(|| {
                let left: Vec<usize> = (0..rows.fields.len()).filter(|place| !places.contains(place)).collect();
                let kept = left.iter().filter_map(|place| rows.fields.get(*place).cloned()).collect();
                Ok::<_, Error>((with_fields(input.column.field(), kept)?, left))
            });
            Ok(Plan { places, fillers, left: left.transpose()? })
        })?;
        let filled = |place: usize| match plan.fillers.get(place) {
            Some(filler) => filler.fill(rows.column(place)?),
            None => Err(Error::internal("a struct lacks a column")),
        };
        let header = |place: &usize| {
            let field = rows.fields.get(*place).ok_or_else(|| Error::internal("a struct lacks a field"))?;
            Ok(Arc::new(Column::new(renamed(field, ROOT), filled(*place)?)?))
        };
        let headers = plan.places.iter().map(header).collect::<Result<_>>()?;
        let column = match &plan.left {
            None => input.column.clone(),
            Some((field, left)) => {
                let columns = left.iter().map(|place| filled(*place)).collect::<Result<_>>()?;
                rows.rebuilt(field, columns)?
            }
        };
        Ok(Parts { column, headers, failures: Vec::new() })
    }

    fn schemaless(&self, input: Input<'_>) -> Result<Parts> {
        let (texts, part) = (input.column.array().as_string::<i32>(), input.part.word());
        let mut headers: Vec<Texts> = self.fields.iter().map(|_| Texts::new(texts.len())).collect();
        let mut left = Texts::new(texts.len());
        let mut object = Object::new();
        let (mut failures, mut out) = (Vec::new(), Vec::new());
        for row in 0..texts.len() {
            let read = match input.column.is_null(row) {
                true => Err(is_null(part)),
                false => object
                    .read_row(input, row, texts.value(row))
                    .and_then(|is| if is { Ok(()) } else { Err(is_null(part)) }),
            };
            if let Err(error) = read {
                failures.push(RowFailure { row, error });
                headers.iter_mut().for_each(Texts::push_null);
                left.push_null();
                continue;
            }
            let mut room = true;
            for ((field, _), header) in self.fields.iter().zip(&mut headers) {
                match object.get(field).filter(|value| *value != "null") {
                    Some(value) => room &= header.push(value.as_bytes()),
                    None => header.push_null(),
                }
            }
            if self.moves {
                out.clear();
                let mut writer = ObjectWriter::new(&mut out);
                let moved = |name: &str| self.fields.iter().any(|(field, _)| field == name);
                for entry in object.entries.iter().filter(|entry| !moved(&entry.name.text())) {
                    writer.entry(*entry);
                }
                writer.end();
                room &= left.push(&out);
            }
            if !room {
                return Err(Error::data(format!("the fields of the {part}s do not fit into a batch of 2 GiB")));
            }
        }
        let headers = headers.into_iter().map(|texts| texts.finish().map(Arc::new)).collect::<Result<_>>()?;
        let column = if self.moves { left.finish()? } else { input.column.clone() };
        Ok(Parts { column, headers, failures })
    }
}

impl Step for HeaderFrom {}

impl Transform for HeaderFrom {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        let values = configured(&HEADER_FROM, config, &[])?;
        let (fields, headers) = (values.list("fields"), values.list("headers"));
        if fields.len() != headers.len() {
            return Err(Error::config(format!(
                "fields names {} fields and headers {} headers; there must be one header for each field",
                fields.len(),
                headers.len()
            )));
        }
        *self = Self {
            part: self.part,
            fields: fields.iter().cloned().zip(headers.iter().map(|name| name.as_str().into())).collect(),
            moves: values.text("operation") == Some("move"),
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
        };
        Ok(())
    }

    fn apply(&mut self, batch: Batch) -> Transformed {
        let part = self.part;
        let column = part.of(&batch).clone();
        let refused = |row| RowFailure { row, error: is_null(part.word()) };
        if column.is_all_absent() {
            let rows = batch.len();
            return all_rows(batch, (0..rows).map(refused).collect());
        }
        let input = Input { part, column: &column, batch: &batch, from: None };
        let parts = if column.is_schemaless() { self.schemaless(input) } else { self.typed(input) };
        let Parts { column: left, headers, mut failures } = match parts {
            Ok(parts) => parts,
            Err(error) => {
                let failed = |row| match column.is_null(row) {
                    true => refused(row),
                    false => RowFailure { row, error: again(&error) },
                };
                let rows = batch.len();
                return all_rows(batch, (0..rows).map(failed).collect());
            }
        };
        failures.extend((0..column.len()).filter(|row| column.is_null(*row)).map(refused));
        let mut all = HeadersBuilder::with_capacity(batch.len());
        for row in 0..batch.len() {
            for header in batch.headers.row(row) {
                all.push(header.clone());
            }
            for ((_, name), values) in self.fields.iter().zip(&headers) {
                all.push(Header::typed(name.clone(), values.clone(), row));
            }
            all.end_row();
        }
        let left = match column.absent_rows() {
            Some(absent) if !left.is_schemaless() => left.with_absent(absent.clone()),
            _ => left,
        };
        let mut batch = part.replaced(batch, left);
        batch.headers = all.finish();
        all_rows(batch, failures)
    }
}
