//! Parquet columns for JSON without a schema.
//!
//! The columns of a file are inferred from the file's own rows, so that the same records always give the same file. Rows
//! wait, parsed, until the file ends or [`SAMPLE_BYTES`] of their text have been seen; then the columns are fixed. Rows that
//! come later in a longer file and bring what the columns cannot hold keep it in one more text column, [`UNMAPPED`].
//! `docs/s3-parquet-inference.md` has the rules for users.

mod build;
mod kind;
mod parse;
mod split;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use indexmap::IndexMap;
use millstream_api::{Error, Result};
use sonic_rs::Value;

pub(crate) use parse::{Documents, parse};

use build::Cells;
use kind::{Inferred, Kind};

/// Text of a file after which its columns are fixed.
pub(crate) const SAMPLE_BYTES: usize = 8 * 1024 * 1024;
/// Name of the column for what a fixed schema cannot hold; underscores are added while a field has the name.
pub(crate) const UNMAPPED: &str = "_unmapped";
/// Name of the only column when values are not all objects.
const VALUE: &str = "value";

/// Rows of parsed documents.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    documents: Arc<Documents>,
    range: Range<usize>,
}

impl Rows {
    /// All rows of the documents.
    pub(crate) fn all(documents: Arc<Documents>) -> Self {
        let range = 0..documents.len();
        Self { documents, range }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    /// Some of the rows; what lies outside is left out.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let start = (self.range.start + range.start).min(self.range.end);
        let end = (self.range.start + range.end).clamp(start, self.range.end);
        Self { documents: self.documents.clone(), range: start..end }
    }

    /// Bytes of their text.
    pub(crate) fn text_bytes(&self) -> usize {
        self.documents.text_bytes(self.range.clone())
    }

    /// Rows from the first until `bytes` of text are reached, that row included.
    fn until(&self, bytes: usize) -> usize {
        let rows = self.documents.rows_until(self.range.clone(), bytes);
        rows.min(self.len())
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        self.documents.values(self.range.clone())
    }
}

/// The rows of a file whose columns are not fixed yet.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    inferred: Inferred,
    waiting: Vec<Rows>,
    text_bytes: usize,
}

impl Sample {
    /// Takes rows in while there is room, and gives back those that come after the sample's end.
    pub(crate) fn take(&mut self, rows: &Rows) -> Option<Rows> {
        let fitting = rows.until(SAMPLE_BYTES.saturating_sub(self.text_bytes));
        let taken = rows.slice(0..fitting);
        for value in taken.values() {
            self.inferred.add(value);
        }
        self.text_bytes += taken.text_bytes();
        self.waiting.push(taken);
        (fitting < rows.len()).then(|| rows.slice(fitting..rows.len()))
    }

    /// True when no more rows are taken in.
    pub(crate) fn is_full(&self) -> bool {
        self.text_bytes >= SAMPLE_BYTES
    }

    /// Bytes of memory held, about: a parsed row takes its text once more, and a node of 16 bytes per name and value.
    pub(crate) fn memory(&self) -> usize {
        self.text_bytes * 2
    }

    /// Fixes the columns. `complete`: no row comes after these.
    pub(crate) fn fix(self, complete: bool) -> (Columns, Vec<Rows>) {
        (Columns::new(self.inferred.finish(), complete), self.waiting)
    }
}

/// The columns of a file, fixed.
#[derive(Debug)]
pub(crate) struct Columns {
    schema: SchemaRef,
    kind: Kind,
    /// Whether there is a column for what does not fit.
    unmapped: bool,
}

impl Columns {
    fn new(kind: Kind, complete: bool) -> Self {
        let mut fields: Vec<Field> = match &kind {
            Kind::Object(children) => children.iter().map(|(name, kind)| kind.field(name)).collect(),
            other => vec![other.field(VALUE)],
        };
        if !complete {
            let mut name = UNMAPPED.to_owned();
            while fields.iter().any(|field| *field.name() == name) {
                name.push('_');
            }
            fields.push(Field::new(name, DataType::Utf8, true));
        }
        Self { schema: Arc::new(Schema::new(fields)), kind, unmapped: !complete }
    }

    /// Schema of the batches.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows as columns.
    pub(crate) fn rows(&self, rows: &Rows) -> Result<RecordBatch> {
        let values: Vec<Option<&Value>> = rows.values().map(Some).collect();
        let columns = match &self.kind {
            Kind::Object(children) if self.unmapped => self.split_objects(children, &values)?,
            Kind::Object(children) => build::children(children, &values)?,
            other if self.unmapped => self.split_values(other, &values)?,
            other => vec![build::column(other, &values)?],
        };
        let options = RecordBatchOptions::new().with_row_count(Some(values.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(|error| Error::internal("inferred columns do not fit their schema").caused_by(error))
    }

    /// The columns of objects, and last the one for what they do not hold.
    fn split_objects(&self, children: &IndexMap<String, Kind>, values: &[Option<&Value>]) -> Result<Vec<ArrayRef>> {
        let mut cells = Cells::of(children, values);
        let (mut columns, misfits) = cells.checked()?;
        if !misfits.is_empty() {
            let kept = self.kept(values, &misfits);
            for (row, kept) in misfits.iter().zip(&kept) {
                cells.replace(*row, kept.as_ref());
            }
            columns = cells.finish()?;
        }
        columns.push(self.rests(values, &misfits));
        Ok(columns)
    }

    /// As [`Columns::split_objects`], for values that are no objects.
    fn split_values(&self, kind: &Kind, values: &[Option<&Value>]) -> Result<Vec<ArrayRef>> {
        let unheld = |row: &usize| values.get(*row).copied().flatten().is_some_and(|value| !kind.holds(value));
        let misfits: Vec<usize> = (0..values.len()).filter(unheld).collect();
        let kept = self.kept(values, &misfits);
        let mut fitting = values.to_vec();
        for (row, kept) in misfits.iter().zip(&kept) {
            if let Some(slot) = fitting.get_mut(*row) {
                *slot = kept.as_ref();
            }
        }
        Ok(vec![build::column(kind, &fitting)?, self.rests(values, &misfits)])
    }

    /// What the columns keep of these rows.
    fn kept(&self, values: &[Option<&Value>], rows: &[usize]) -> Vec<Option<Value>> {
        let value = |row: &usize| values.get(*row).copied().flatten();
        rows.iter().map(|row| value(row).and_then(|value| split::kept(&self.kind, value))).collect()
    }

    /// What they do not: text in these rows, null in the others.
    fn rests(&self, values: &[Option<&Value>], misfits: &[usize]) -> ArrayRef {
        let mut texts = StringBuilder::new();
        let mut misfits = misfits.iter().copied().peekable();
        for (row, value) in values.iter().enumerate() {
            match value.filter(|_| misfits.next_if_eq(&row).is_some()) {
                Some(value) => {
                    let mut rest = String::new();
                    split::rest(&self.kind, value, &mut rest);
                    texts.append_value(rest);
                }
                None => texts.append_null(),
            }
        }
        Arc::new(texts.finish())
    }
}
