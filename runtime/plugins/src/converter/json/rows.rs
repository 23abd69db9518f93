//! A batch of payloads cut into runs of one schema.

use arrow::array::BooleanBufferBuilder;
use arrow::datatypes::FieldRef;
use millstream_api::{Column, Decoded, DecodedRun, Error, Result, RowFailure, schema};

use super::builder::Builder;

/// A schema that payloads come with, ready to take rows.
pub(super) struct Shape {
    /// Bytes of an envelope up to its payload; empty when it cannot be told from the beginning.
    pub prefix: Vec<u8>,
    pub builder: Builder,
}

impl Shape {
    pub fn new(field: &FieldRef, replace_null: bool) -> Result<Self> {
        Ok(Self { prefix: Vec::new(), builder: Builder::new(field, replace_null)? })
    }

    pub fn is_schemaless(&self) -> bool {
        schema::is_schemaless(self.builder.field())
    }
}

/// The rows read so far. Rows go in in order; those without value or schema join the run they stand in.
pub(super) struct Rows {
    rows: usize,
    next: usize,
    start: usize,
    open: Option<usize>,
    absent: BooleanBufferBuilder,
    decoded: Decoded,
}

impl Rows {
    pub fn new(rows: usize) -> Self {
        Self {
            rows,
            next: 0,
            start: 0,
            open: None,
            absent: BooleanBufferBuilder::new(rows),
            decoded: Decoded::default(),
        }
    }

    /// A row without value or schema.
    pub fn push_absent(&mut self, shapes: &mut [Shape]) {
        if let Some(shape) = self.open.and_then(|open| shapes.get_mut(open)) {
            shape.builder.push_null();
        }
        self.absent.append(true);
        self.next += 1;
    }

    /// A row that cannot be read: it has no value.
    pub fn push_failed(&mut self, shapes: &mut [Shape], error: Error) {
        self.decoded.failures.push(RowFailure { row: self.next, error });
        self.push_absent(shapes);
    }

    /// A row of this shape, which `read` appends to its builder. What it leaves there after an error is undone.
    #[inline]
    pub fn push<E>(
        &mut self,
        shapes: &mut [Shape],
        place: usize,
        read: impl FnOnce(&mut Builder) -> Result<(), E>,
        explain: impl FnOnce(E) -> Error,
    ) {
        if let Err(error) = self.try_push(shapes, place, read) {
            self.push_failed(shapes, explain(error));
        }
    }

    /// As [`Rows::push`], but after an error there is no row.
    #[inline]
    pub fn try_push<E>(
        &mut self,
        shapes: &mut [Shape],
        place: usize,
        read: impl FnOnce(&mut Builder) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.open != Some(place) {
            self.open(shapes, place);
        }
        let Some(shape) = shapes.get_mut(place) else { return Ok(()) };
        let len = shape.builder.len();
        let read = read(&mut shape.builder);
        match &read {
            Ok(()) => {
                self.absent.append(false);
                self.next += 1;
            }
            Err(_) => shape.builder.truncate(len),
        }
        read
    }

    fn open(&mut self, shapes: &mut [Shape], place: usize) {
        if self.open.is_some() {
            self.close(shapes);
        }
        self.open = Some(place);
        if let Some(shape) = shapes.get_mut(place) {
            shape.builder.reserve(self.rows - self.start);
            for _ in self.start..self.next {
                shape.builder.push_null();
            }
        }
    }

    fn close(&mut self, shapes: &mut [Shape]) {
        let rows = self.start..self.next;
        if rows.is_empty() {
            return;
        }
        self.start = self.next;
        let absent = self.absent.finish();
        let column = match self.open.take().and_then(|open| shapes.get_mut(open)) {
            None => Ok(Column::absent(rows.len())),
            Some(shape) => shape.builder.finish_column().map(|column| column.with_absent(absent)),
        };
        let column = column.unwrap_or_else(|error| {
            // Only a defect leads here; without the column none of its rows has a value.
            self.decoded.failures.retain(|failure| failure.row < rows.start);
            let failed = |row| RowFailure { row, error: Error::new(error.kind(), error.to_string()) };
            self.decoded.failures.extend(rows.clone().map(failed));
            Column::absent(rows.len())
        });
        self.decoded.runs.push(DecodedRun { rows, column });
    }

    pub fn finish(mut self, shapes: &mut [Shape]) -> Decoded {
        self.close(shapes);
        self.decoded
    }
}
