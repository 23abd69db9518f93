//! Record headers of a batch.

use std::sync::Arc;

use bytes::Bytes;

/// One header: its key and its raw value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Header key; keys may repeat within a record.
    pub key: Arc<str>,
    /// Value bytes as they are in Kafka; `None` is a null value.
    pub value: Option<Bytes>,
}

/// The headers of all rows of a batch, in order. Cheap to clone; a batch without any header holds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Option<Arc<Rows>>);

#[derive(Debug, PartialEq, Eq)]
struct Rows {
    /// `ends[i]` is the end of row i's entries.
    ends: Vec<u32>,
    entries: Vec<Header>,
}

impl Headers {
    /// No header on any row.
    pub fn none() -> Self {
        Self(None)
    }

    /// The headers of each row.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<Header>>) -> Self {
        let (mut ends, mut entries) = (Vec::new(), Vec::new());
        for row in rows {
            entries.extend(row);
            ends.push(entries.len() as u32);
        }
        if entries.is_empty() { Self(None) } else { Self(Some(Arc::new(Rows { ends, entries }))) }
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
        Self::from_rows(rows.into_iter().map(|row| self.row(row).to_vec()))
    }

    /// Bytes held by keys and values.
    pub fn byte_size(&self) -> usize {
        let Some(rows) = &self.0 else { return 0 };
        rows.entries.iter().map(|h| 32 + h.key.len() + h.value.as_ref().map_or(0, Bytes::len)).sum()
    }
}
