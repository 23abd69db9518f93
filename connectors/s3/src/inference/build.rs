//! Columns from parsed values: all rows of a column at a time.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringBuilder, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use indexmap::IndexMap;
use millstream_api::{Error, Result};
use sonic_rs::{JsonContainerTrait as _, JsonValueTrait as _, Value};

use super::kind::{Kind, child};

/// A column of a kind. What it does not hold (see [`Kind::holds`]) becomes null.
pub(super) fn column(kind: &Kind, values: &[Option<&Value>]) -> Result<ArrayRef> {
    Ok(match kind {
        Kind::Bool => Arc::new(values.iter().map(|value| value.and_then(|v| v.as_bool())).collect::<BooleanArray>()),
        Kind::Int { .. } => Arc::new(values.iter().map(|value| value.and_then(|v| v.as_i64())).collect::<Int64Array>()),
        Kind::Double => Arc::new(values.iter().map(|value| value.and_then(|v| v.as_f64())).collect::<Float64Array>()),
        Kind::Null | Kind::Text => {
            let mut text = StringBuilder::with_capacity(values.len(), values.len() * 16);
            for value in values {
                text.append_option(value.and_then(|value| value.as_str()));
            }
            Arc::new(text.finish())
        }
        Kind::Json => {
            let mut text = StringBuilder::with_capacity(values.len(), values.len() * 32);
            for value in values {
                match value.filter(|value| !value.is_null()) {
                    None => text.append_null(),
                    Some(value) => match value.as_str() {
                        Some(plain) => text.append_value(plain),
                        None => text.append_value(sonic_rs::to_string(value).map_err(|error| {
                            Error::internal("cannot write a parsed JSON value as text").caused_by(error)
                        })?),
                    },
                }
            }
            Arc::new(text.finish())
        }
        Kind::List(items) => list(items, values)?,
        Kind::Object(fields) => {
            let nulls = NullBuffer::from_iter(values.iter().map(|value| value.is_some_and(|v| v.is_object())));
            let columns = children(fields, values)?;
            let arrow_fields = fields.iter().map(|(name, kind)| kind.field(name)).collect::<Vec<_>>();
            Arc::new(
                StructArray::try_new_with_length(arrow_fields.into(), columns, Some(nulls), values.len())
                    .map_err(mismatch)?,
            )
        }
    })
}

/// As [`column`]; rows that it does not hold are added to `misfits`. Scalars are looked at once for both.
fn checked_column(kind: &Kind, cells: &[Option<&Value>], misfits: &mut Vec<usize>) -> Result<ArrayRef> {
    let mut check = |row: usize, value: &Value, fits: bool| {
        if !fits && !value.is_null() {
            misfits.push(row);
        }
    };
    Ok(match kind {
        Kind::Bool => {
            let values = cells.iter().enumerate().map(|(row, cell)| {
                let held = (*cell)?.as_bool();
                check(row, (*cell)?, held.is_some());
                held
            });
            Arc::new(values.collect::<BooleanArray>())
        }
        Kind::Int { .. } => {
            let values = cells.iter().enumerate().map(|(row, cell)| {
                let held = (*cell)?.as_i64();
                check(row, (*cell)?, held.is_some());
                held
            });
            Arc::new(values.collect::<Int64Array>())
        }
        Kind::Null | Kind::Text => {
            let mut text = StringBuilder::with_capacity(cells.len(), cells.len() * 16);
            for (row, cell) in cells.iter().enumerate() {
                let held = cell.and_then(|value| value.as_str());
                if let Some(value) = cell {
                    check(row, value, held.is_some());
                }
                text.append_option(held);
            }
            Arc::new(text.finish())
        }
        Kind::Double | Kind::Json | Kind::List(_) | Kind::Object(_) => {
            for (row, cell) in cells.iter().enumerate() {
                if let Some(value) = cell {
                    check(row, value, kind.holds(value));
                }
            }
            column(kind, cells)?
        }
    })
}

/// The columns of an object's fields.
pub(super) fn children(fields: &IndexMap<String, Kind>, values: &[Option<&Value>]) -> Result<Vec<ArrayRef>> {
    Cells::of(fields, values).finish()
}

/// The fields of objects, laid out by column: each name is looked up once.
pub(super) struct Cells<'a> {
    fields: &'a IndexMap<String, Kind>,
    columns: Vec<Vec<Option<&'a Value>>>,
    /// Rows that are no object, or hold a field that has no column; ascending.
    strange: Vec<usize>,
}

impl<'a> Cells<'a> {
    /// Lays out rows; `None` is a row of nulls.
    pub(super) fn of(fields: &'a IndexMap<String, Kind>, values: &[Option<&'a Value>]) -> Self {
        let columns = fields.iter().map(|_| vec![None; values.len()]).collect();
        let mut cells = Self { fields, columns, strange: Vec::new() };
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = value
                && !cells.place(row, value)
            {
                cells.strange.push(row);
            }
        }
        cells
    }

    /// Lays out one row; false when something of it has no column.
    fn place(&mut self, row: usize, value: &'a Value) -> bool {
        let Some(object) = value.as_object() else { return value.is_null() };
        let mut all = true;
        for (position, (name, value)) in object.iter().enumerate() {
            // A name that comes twice: the last one counts, as for most JSON readers.
            match child(self.fields, position, name)
                .and_then(|(place, _)| self.columns.get_mut(place))
                .and_then(|column| column.get_mut(row))
            {
                Some(cell) => *cell = Some(value),
                None => all = false,
            }
        }
        all
    }

    /// The columns, and the rows that they do not hold as they are, ascending.
    pub(super) fn checked(&self) -> Result<(Vec<ArrayRef>, Vec<usize>)> {
        let (mut columns, mut misfits) = (Vec::with_capacity(self.columns.len()), self.strange.clone());
        for (kind, cells) in self.fields.values().zip(&self.columns) {
            columns.push(checked_column(kind, cells, &mut misfits)?);
        }
        misfits.sort_unstable();
        misfits.dedup();
        Ok((columns, misfits))
    }

    /// Lays a row out anew.
    pub(super) fn replace(&mut self, row: usize, value: Option<&'a Value>) {
        for column in &mut self.columns {
            if let Some(cell) = column.get_mut(row) {
                *cell = None;
            }
        }
        if let Some(value) = value {
            self.place(row, value);
        }
    }

    /// The columns.
    pub(super) fn finish(self) -> Result<Vec<ArrayRef>> {
        self.fields.values().zip(self.columns).map(|(kind, cells)| column(kind, &cells)).collect()
    }
}

fn list(items: &Kind, values: &[Option<&Value>]) -> Result<ArrayRef> {
    let (mut flat, mut lengths, mut given) = (Vec::new(), Vec::with_capacity(values.len()), Vec::new());
    for value in values {
        let array = value.and_then(|value| value.as_array());
        given.push(array.is_some());
        let before = flat.len();
        flat.extend(array.into_iter().flatten().map(Some));
        lengths.push(flat.len() - before);
    }
    if i32::try_from(flat.len()).is_err() {
        return Err(Error::data("a batch holds more list items than a column can"));
    }
    let values = column(items, &flat)?;
    let field = Arc::new(items.field("element"));
    let nulls = NullBuffer::from(given);
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, Some(nulls)).map_err(mismatch)?))
}

fn mismatch(error: arrow::error::ArrowError) -> Error {
    Error::internal("inferred columns do not fit together").caused_by(error)
}
