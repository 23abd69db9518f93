//! Chunks: rows collected column by column until they are worth handing on.

use std::sync::Arc;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use millstream_api::{Column, Error, Result, schema};

use super::copy::RowFields;
use crate::cursor::{CursorColumns, GroupTracker};
use crate::instant::{Clock, Instant, PgTimestamp, TimestampKind};
use crate::tables::TableId;
use crate::types::{CatalogColumn, ColumnReader, TypeSettings, plan};

/// When a chunk is handed on.
#[derive(Clone, Copy, Debug)]
pub struct ChunkLimits {
    /// From this many bytes on, at the next change of the timestamp.
    pub bytes: usize,
    /// From this many bytes on even within a group of equal timestamps.
    pub max_bytes: usize,
    /// From this many rows on, likewise.
    pub max_rows: usize,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self { bytes: 2 << 20, max_bytes: 8 << 20, max_rows: 1 << 20 }
    }
}

/// Rows to hand on, and how far they carry the cursor.
#[derive(Debug)]
pub struct Chunk {
    /// The rows.
    pub value: Column,
    /// Rows that could not be converted.
    pub failures: Vec<Error>,
    /// The last completed group of equal timestamps in the page so far.
    pub completed: Option<PgTimestamp>,
    /// What may be stored once the rows are durable.
    pub stored: Option<Instant>,
    /// True when the last row's group goes on in the next chunk.
    pub within_group: bool,
    /// Bytes that came over the wire for it.
    pub bytes: usize,
}

/// Which columns of a table are read, and as what.
#[derive(Debug)]
pub struct TableShape {
    /// Index in the table's columns of each that is read.
    pub read: Vec<usize>,
    /// The schema of the records.
    pub field: FieldRef,
    readers: Vec<ColumnReader>,
    names: Vec<String>,
    /// Columns whose type is left out: name and type.
    pub dropped: Vec<(String, String)>,
}

impl TableShape {
    /// Plans a table's columns. An equal schema keeps the object of `known`, so that others see at once that nothing changed.
    pub fn new(table: &TableId, columns: &[CatalogColumn], settings: TypeSettings, known: Option<&FieldRef>) -> Self {
        let (mut read, mut fields, mut readers, mut names, mut dropped) = (vec![], vec![], vec![], vec![], vec![]);
        for (i, column) in columns.iter().enumerate() {
            match plan(column, settings) {
                Some(plan) => {
                    read.push(i);
                    fields.push(plan.field);
                    readers.push(plan.reader);
                    names.push(column.name.clone());
                }
                None => dropped.push((column.name.clone(), column.type_name.clone())),
            }
        }
        let field = Field::new("value", DataType::Struct(Fields::from(fields)), false);
        let field = schema::with_meta(field, [(schema::NAME, table.name.clone())]);
        let field = match known {
            Some(known) if known.as_ref() == &field => known.clone(),
            _ => Arc::new(field),
        };
        Self { read, field, readers, names, dropped }
    }
}

/// The cursor of the rows that a builder takes; `None` reads a table without one.
pub struct CursorPlan {
    columns: CursorColumns,
    clock: Clock,
}

impl CursorPlan {
    /// `columns` index the table's columns; here they index the row's fields.
    pub fn new(columns: &CursorColumns, read: &[usize], clock: Clock) -> Result<Self> {
        let columns_read = columns
            .columns
            .iter()
            .map(|(index, kind)| Some((read.iter().position(|read| read == index)?, *kind)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("a cursor column is not read"))?;
        Ok(Self { columns: CursorColumns { columns: columns_read, kind: columns.kind }, clock })
    }

    fn kind(&self) -> TimestampKind {
        self.columns.kind
    }
}

/// Collects rows into chunks.
pub struct ChunkBuilder {
    table: TableId,
    shape: TableShape,
    cursor: Option<CursorPlan>,
    limits: ChunkLimits,
    tracker: GroupTracker,
    check_text: bool,
    rows: usize,
    bytes: usize,
    failures: Vec<Error>,
    /// Rows, bytes and failures before the group of equal timestamps that is being read.
    group: (usize, usize, usize),
    /// Rows of the page so far, for errors to name.
    row_of_page: u64,
}

impl ChunkBuilder {
    /// For one page. `stored` is the offset that holds before it.
    pub fn new(
        table: TableId,
        shape: TableShape,
        cursor: Option<CursorPlan>,
        clock: Clock,
        stored: Option<Instant>,
        limits: ChunkLimits,
        check_text: bool,
    ) -> Self {
        let kind = cursor.as_ref().map_or(TimestampKind::WithoutZone, CursorPlan::kind);
        let tracker = GroupTracker::new(kind, clock, stored);
        Self {
            table,
            shape,
            cursor,
            limits,
            tracker,
            check_text,
            rows: 0,
            bytes: 0,
            failures: Vec::new(),
            group: (0, 0, 0),
            row_of_page: 0,
        }
    }

    /// Number of fields of each row.
    pub fn fields(&self) -> usize {
        self.shape.readers.len()
    }

    /// Rows taken since the page began.
    pub fn rows_of_page(&self) -> u64 {
        self.row_of_page
    }

    /// Takes a row. Comes back with the chunk before it when that is full.
    pub fn push(&mut self, row: RowFields<'_>, bytes: usize) -> Result<Option<Chunk>> {
        let mut new_group = false;
        if let Some(plan) = &self.cursor {
            let value = plan.columns.value(plan.clock, |i| row.get(i)).ok_or_else(|| {
                Error::internal(format!("a row of table {} came without the timestamp it was found by", self.table))
            })?;
            new_group = self.tracker.begin_row(value);
        }
        let at_boundary = new_group || self.cursor.is_none();
        let full = self.rows > 0
            && (self.bytes >= self.limits.max_bytes
                || self.rows >= self.limits.max_rows
                || (at_boundary && self.bytes >= self.limits.bytes));
        let chunk = if full { Some(self.take(!at_boundary)?) } else { None };
        if new_group {
            self.group = (self.rows, self.bytes, self.failures.len());
        }
        self.row_of_page += 1;
        self.append(row);
        self.bytes += bytes;
        Ok(chunk)
    }

    fn append(&mut self, row: RowFields<'_>) {
        for (i, reader) in self.shape.readers.iter_mut().enumerate() {
            let done = match reader.append(row.get(i)) {
                Ok(()) if self.check_text && reader.is_not_utf8(self.rows) => Err(crate::types::ValueError::NotUtf8),
                done => done,
            };
            let Err(reason) = done else { continue };
            let column = self.shape.names.get(i).map_or("", String::as_str);
            self.failures.push(
                Error::data(format!("column {column} of table {} cannot be converted: {reason}", self.table))
                    .at(format!("row {} of the page", self.row_of_page))
                    .hint(reason.hint()),
            );
            for reader in &mut self.shape.readers {
                reader.truncate(self.rows);
            }
            return;
        }
        self.rows += 1;
    }

    /// Forgets the rows of the last group, as far as they have not been handed on; tells its timestamp.
    pub fn forget_last_group(&mut self) -> Option<PgTimestamp> {
        let (rows, bytes, failures) = self.group;
        for reader in &mut self.shape.readers {
            reader.truncate(rows);
        }
        (self.rows, self.bytes) = (rows, bytes);
        self.failures.truncate(failures);
        self.tracker.forget_current()
    }

    /// The rest, when the page is at its end. `None` when nothing is left.
    pub fn finish(&mut self) -> Result<Option<Chunk>> {
        self.tracker.end_page();
        if self.rows == 0 && self.failures.is_empty() {
            return Ok(None);
        }
        self.take(false).map(Some)
    }

    fn take(&mut self, within_group: bool) -> Result<Chunk> {
        let rows = std::mem::take(&mut self.rows);
        let bytes = std::mem::take(&mut self.bytes);
        self.group = (0, 0, 0);
        let arrays = self.shape.readers.iter_mut().map(ColumnReader::finish).collect::<Result<Vec<ArrayRef>>>()?;
        let DataType::Struct(fields) = self.shape.field.data_type() else {
            return Err(Error::internal("a table's schema is not a struct"));
        };
        let array = match arrays.is_empty() {
            true => StructArray::new_empty_fields(rows, None),
            false => StructArray::try_new(fields.clone(), arrays, None).map_err(|e| {
                Error::internal(format!("cannot put the columns of {} together", self.table)).caused_by(e)
            })?,
        };
        Ok(Chunk {
            value: Column::new(self.shape.field.clone(), Arc::new(array))?,
            failures: std::mem::take(&mut self.failures),
            completed: self.tracker.completed(),
            stored: self.tracker.stored(),
            within_group,
            bytes,
        })
    }
}
