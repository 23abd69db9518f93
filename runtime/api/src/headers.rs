//! Record headers of a batch.

use std::sync::Arc;

use arrow::array::Array;
use bytes::Bytes;

use crate::column::Column;
use crate::schema;

/// One header: its key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Header key; keys may repeat within a record.
    pub key: Arc<str>,
    /// The value.
    pub value: HeaderValue,
}

/// The value of a header: bytes outside of the header converter, a value with its schema inside.
#[derive(Clone, Debug, PartialEq)]
pub enum HeaderValue {
    /// Bytes as they are in Kafka; `None` is a null.
    Raw(Option<Bytes>),
    /// A value with its schema, as connectors and transformations see it.
    Typed(TypedValue),
}

/// One row of a column that many headers may share: a value and its schema. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TypedValue {
    column: Arc<Column>,
    row: usize,
}

impl Header {
    /// A header of bytes as they are in Kafka.
    pub fn raw(key: impl Into<Arc<str>>, value: Option<Bytes>) -> Self {
        Self { key: key.into(), value: HeaderValue::Raw(value) }
    }

    /// A header of a row of a column. A row beyond the end is a null without schema.
    pub fn typed(key: impl Into<Arc<str>>, column: Arc<Column>, row: usize) -> Self {
        Self { key: key.into(), value: HeaderValue::Typed(TypedValue::new(column, row)) }
    }

    /// The bytes, of a header that is as it is in Kafka; `None` of a null, and of a value that a header converter has yet to
    /// write.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.value {
            HeaderValue::Raw(bytes) => bytes.as_ref(),
            HeaderValue::Typed(_) => None,
        }
    }
}

impl TypedValue {
    /// A row of a column. A row beyond the end is a null without schema.
    pub fn new(column: Arc<Column>, row: usize) -> Self {
        match row < column.len() {
            true => Self { column, row },
            false => Self { column: Arc::new(Column::absent(1)), row: 0 },
        }
    }

    /// The column the value stands in.
    pub fn column(&self) -> &Arc<Column> {
        &self.column
    }

    /// The value's row in [`TypedValue::column`].
    pub fn row(&self) -> usize {
        self.row
    }

    /// The value as a column of one row.
    pub fn to_column(&self) -> Column {
        self.column.slice(self.row, 1)
    }
}

impl PartialEq for TypedValue {
    /// True for equal values under one schema, wherever they stand.
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.to_column(), other.to_column());
        ours.is_absent(0) == theirs.is_absent(0)
            && schema::same(ours.field(), theirs.field())
            && ours.array().to_data() == theirs.array().to_data()
    }
}

/// The headers of all rows of a batch, in order. Cheap to clone; a batch without any header holds nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Option<Arc<Rows>>);

#[derive(Debug, PartialEq)]
struct Rows {
    /// `ends[i]` is the end of row i's entries.
    ends: Vec<u32>,
    entries: Vec<Header>,
}

/// Gathers the headers of a batch row by row.
#[derive(Debug, Default)]
pub struct HeadersBuilder {
    ends: Vec<u32>,
    entries: Vec<Header>,
}

impl HeadersBuilder {
    /// With room for this many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self { ends: Vec::with_capacity(rows), entries: Vec::new() }
    }

    /// Adds a header to the row in progress.
    pub fn push(&mut self, header: Header) {
        self.entries.push(header);
    }

    /// Ends the row in progress.
    pub fn end_row(&mut self) {
        self.ends.push(self.entries.len() as u32);
    }

    /// The headers of all ended rows.
    pub fn finish(self) -> Headers {
        if self.entries.is_empty() {
            return Headers(None);
        }
        Headers(Some(Arc::new(Rows { ends: self.ends, entries: self.entries })))
    }
}

impl Headers {
    /// No header on any row.
    pub fn none() -> Self {
        Self(None)
    }

    /// The headers of each row.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<Header>>) -> Self {
        let mut all = HeadersBuilder::default();
        for row in rows {
            all.entries.extend(row);
            all.end_row();
        }
        all.finish()
    }

    /// True when no row has a header.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The headers of one row; empty for a row beyond the end.
    pub fn row(&self, row: usize) -> &[Header] {
        let Some(rows) = &self.0 else { return &[] };
        let Some(&end) = rows.ends.get(row) else { return &[] };
        let start = if row == 0 { 0 } else { rows.ends[row - 1] };
        &rows.entries[start as usize..end as usize]
    }

    /// The headers of these rows, in this order.
    pub fn take(&self, rows: impl IntoIterator<Item = usize>) -> Self {
        if self.0.is_none() {
            return Self(None);
        }
        let mut taken = HeadersBuilder::default();
        for row in rows {
            taken.entries.extend_from_slice(self.row(row));
            taken.end_row();
        }
        taken.finish()
    }

    /// Bytes held by keys and values.
    pub fn byte_size(&self) -> usize {
        let Some(rows) = &self.0 else { return 0 };
        // Neighbours mostly share a few columns, each of which is measured once.
        let mut columns: Vec<(&Arc<Column>, usize)> = Vec::new();
        let mut size = 0;
        for Header { key, value } in &rows.entries {
            size += 48 + key.len();
            size += match value {
                HeaderValue::Raw(bytes) => bytes.as_ref().map_or(0, Bytes::len),
                HeaderValue::Typed(TypedValue { column, .. }) => {
                    let known = columns.iter().rev().take(8).find(|(known, _)| Arc::ptr_eq(known, column));
                    known.map(|(_, size)| *size).unwrap_or_else(|| {
                        let each = column.byte_size() / column.len().max(1);
                        columns.push((column, each));
                        each
                    })
                }
            };
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;
    use arrow::datatypes::{DataType, Field};

    fn column(values: Vec<i32>) -> Arc<Column> {
        let field = Arc::new(Field::new("value", DataType::Int32, false));
        Arc::new(Column::new(field, Arc::new(Int32Array::from(values))).unwrap())
    }

    #[test]
    fn values_are_equal_wherever_they_stand() {
        let (ones, other) = (column(vec![1, 2]), column(vec![2]));
        assert_eq!(Header::typed("a", ones.clone(), 1), Header::typed("a", other.clone(), 0));
        assert_ne!(Header::typed("a", ones.clone(), 0), Header::typed("a", other.clone(), 0));
        assert_ne!(Header::typed("a", other, 0), Header::raw("a", Some(Bytes::from_static(b"2"))));
        assert!(matches!(Header::typed("a", ones, 7).value, HeaderValue::Typed(v) if v.to_column().is_absent(0)));
    }

    #[test]
    fn rows_keep_their_headers() {
        let ones = column(vec![1]);
        let rows = Headers::from_rows([
            vec![Header::raw("a", None), Header::typed("b", ones.clone(), 0)],
            vec![],
            vec![Header::raw("c", Some(Bytes::from_static(b"x")))],
        ]);
        let taken = rows.take([2, 1, 0]);
        assert_eq!((taken.row(0)[0].bytes().map(|b| &b[..]), taken.row(1).len()), (Some(&b"x"[..]), 0));
        assert_eq!(taken.row(2), rows.row(0));
        assert!(taken.row(3).is_empty() && rows.take([1]).is_empty());
        assert_eq!(rows.row(0)[1].bytes(), None);
        assert!(rows.byte_size() > 3 * 48);
    }
}
