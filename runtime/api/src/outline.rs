//! Where the entries of JSON objects stand in their texts.

use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::buffer::ScalarBuffer;

/// An entry of an object, by places in the object's text. Its name's opening quote stands right behind the brace or comma before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// Where the colon is: the name's closing quote stands before it, the value begins after it.
    pub colon: u32,
    /// Where the value has ended.
    pub end: u32,
}

/// For each row of a schemaless column the places of its object's entries, in order; none where the value is no object.
///
/// A column that has one promises that its texts are JSON without blanks outside of strings, and without numbers that JSON has not.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Where the entries of each row begin, and where those of the last row end.
    rows: ScalarBuffer<u32>,
    entries: Arc<Vec<EntryPlace>>,
}

impl Outline {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len().saturating_sub(1)
    }

    /// True without any row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries of a row, none beyond the last row.
    #[inline]
    pub fn row(&self, row: usize) -> &[EntryPlace] {
        let bounds = self.rows.get(row).zip(self.rows.get(row + 1));
        bounds.and_then(|(start, end)| self.entries.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    /// Rows `offset .. offset + len`, without a copy.
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        Self { rows: self.rows.slice(offset, len + 1), entries: self.entries.clone() }
    }

    /// These rows, in this order.
    pub fn take(&self, rows: &UInt32Array) -> Self {
        let mut taken = OutlineBuilder::default();
        for row in rows.values() {
            self.row(*row as usize).iter().for_each(|entry| taken.entry(*entry));
            taken.end_row();
        }
        taken.finish()
    }

    /// Bytes of memory held by the rows.
    pub fn byte_size(&self) -> usize {
        let entries = self.rows.first().zip(self.rows.last()).map_or(0, |(start, end)| (end - start) as usize);
        entries * size_of::<EntryPlace>() + self.rows.len() * size_of::<u32>()
    }
}

/// An outline that is written down row by row.
#[derive(Debug)]
pub struct OutlineBuilder {
    rows: Vec<u32>,
    entries: Vec<EntryPlace>,
}

impl Default for OutlineBuilder {
    fn default() -> Self {
        Self { rows: vec![0], entries: Vec::new() }
    }
}

impl OutlineBuilder {
    /// Makes room for more rows.
    pub fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
    }

    /// The next entry of the row that has not ended.
    #[inline]
    pub fn entry(&mut self, entry: EntryPlace) {
        self.entries.push(entry);
    }

    /// The entries of the row that has not ended.
    pub fn open_row(&mut self) -> &mut [EntryPlace] {
        let start = self.rows.last().map_or(0, |end| *end as usize);
        self.entries.get_mut(start..).unwrap_or_default()
    }

    /// The row has no more entries.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows.push(self.entries.len() as u32);
    }

    /// Forgets the row that has not ended.
    #[inline]
    pub fn drop_row(&mut self) {
        self.entries.truncate(self.rows.last().map_or(0, |end| *end as usize));
    }

    /// Keeps the first `rows` rows, and nothing of a row that has not ended.
    pub fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows + 1);
        self.drop_row();
    }

    /// The outline of all rows that have ended.
    pub fn finish(mut self) -> Outline {
        self.drop_row();
        Outline { rows: self.rows.into(), entries: Arc::new(self.entries) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(end: u32) -> EntryPlace {
        EntryPlace { colon: end - 2, end }
    }

    #[test]
    fn rows_have_their_own_entries() {
        let mut builder = OutlineBuilder::default();
        builder.entry(place(6));
        builder.entry(place(12));
        builder.end_row();
        builder.end_row();
        builder.entry(place(9));
        assert_eq!(builder.open_row(), [place(9)]);
        builder.end_row();
        builder.entry(place(99));
        builder.truncate(3);
        builder.entry(place(98));
        let outline = builder.finish();
        assert_eq!(outline.len(), 3);
        assert_eq!(outline.row(0), [place(6), place(12)]);
        assert!(outline.row(1).is_empty() && outline.row(3).is_empty());
        let part = outline.slice(1, 2);
        assert_eq!((part.len(), part.row(1)), (2, &[place(9)][..]));
        assert!(part.byte_size() < outline.byte_size());
        let taken = outline.take(&UInt32Array::from(vec![2, 0]));
        assert_eq!((taken.row(0).len(), taken.row(1).len(), taken.len()), (1, 2, 2));
    }
}
