//! A column: the values of one part (key or value) of a run of records, and their schema.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, BooleanArray, NullArray, StringArray, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute;
use arrow::datatypes::{DataType, Field, FieldRef};

use crate::error::{Error, Result};
use crate::outline::Outline;
use crate::schema;

/// Values of one schema, one per record, with a mark on the rows that have neither value nor schema.
///
/// Java tells a *tombstone* (no schema, no value) from a null under an optional schema; converters, transformations and file
/// rotation treat the two differently. The first is a set bit of [`Column::is_absent`], the second a plain Arrow null. An
/// absent row is null in the array too.
#[derive(Clone, Debug)]
pub struct Column {
    field: FieldRef,
    array: ArrayRef,
    absent: Option<BooleanBuffer>,
    outline: Option<Outline>,
}

static ABSENT: LazyLock<FieldRef> = LazyLock::new(|| Arc::new(Field::new("absent", DataType::Null, true)));
static SCHEMALESS: LazyLock<FieldRef> = LazyLock::new(schema::schemaless_field);

impl Column {
    /// A column with a value or a null under the schema in every row.
    ///
    /// The array's type must be the field's; a mismatch is a bug of the caller and comes back as [`crate::ErrorKind::Internal`].
    pub fn new(field: FieldRef, array: ArrayRef) -> Result<Self> {
        if field.data_type() != array.data_type() {
            return Err(Error::internal(format!(
                "column {} is declared {} but holds {}",
                field.name(),
                field.data_type(),
                array.data_type()
            )));
        }
        Ok(Self { field, array, absent: None, outline: None })
    }

    /// Marks rows as having neither value nor schema. A bitmap without a set bit is dropped.
    pub fn with_absent(mut self, absent: BooleanBuffer) -> Self {
        debug_assert_eq!(absent.len(), self.array.len());
        self.absent = (absent.count_set_bits() > 0).then_some(absent);
        self
    }

    /// A column of `rows` rows without value or schema (no key, or tombstones only).
    pub fn absent(rows: usize) -> Self {
        Self {
            field: ABSENT.clone(),
            array: Arc::new(NullArray::new(rows)),
            absent: (rows > 0).then(|| BooleanBuffer::new_set(rows)),
            outline: None,
        }
    }

    /// A column of schemaless values: JSON text per row.
    pub fn schemaless(json: StringArray) -> Self {
        Self { field: SCHEMALESS.clone(), array: Arc::new(json), absent: None, outline: None }
    }

    /// Says where the entries stand in the texts of a schemaless column, and with it that the texts are what [`Outline`] promises: whoever
    /// needs a field or writes the texts need not read them again.
    pub fn with_outline(mut self, outline: Outline) -> Self {
        debug_assert_eq!(outline.len(), self.array.len());
        self.outline = Some(outline);
        self
    }

    /// Where the entries stand in the texts of a schemaless column, if somebody has looked.
    pub fn outline(&self) -> Option<&Outline> {
        self.outline.as_ref()
    }

    /// The schema.
    pub fn field(&self) -> &FieldRef {
        &self.field
    }

    /// The values.
    pub fn array(&self) -> &ArrayRef {
        &self.array
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.array.len()
    }

    /// True without any row.
    pub fn is_empty(&self) -> bool {
        self.array.is_empty()
    }

    /// True when the row has neither value nor schema.
    pub fn is_absent(&self, row: usize) -> bool {
        self.absent.as_ref().is_some_and(|bits| bits.value(row))
    }

    /// The bitmap of absent rows, if there is any.
    pub fn absent_rows(&self) -> Option<&BooleanBuffer> {
        self.absent.as_ref()
    }

    /// True when no row has a schema.
    pub fn is_all_absent(&self) -> bool {
        self.field.data_type() == &DataType::Null
            || self.absent.as_ref().is_some_and(|bits| !bits.is_empty() && bits.count_set_bits() == bits.len())
    }

    /// True when the value is null: absent, or null under the schema.
    pub fn is_null(&self, row: usize) -> bool {
        self.is_absent(row) || self.array.is_null(row) || self.field.data_type() == &DataType::Null
    }

    /// True for schemaless values (JSON text).
    pub fn is_schemaless(&self) -> bool {
        schema::is_schemaless(&self.field)
    }

    /// Rows `offset .. offset + len`, without a copy.
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        Self {
            field: self.field.clone(),
            array: self.array.slice(offset, len),
            absent: self.absent.as_ref().map(|b| b.slice(offset, len)).filter(|b| b.count_set_bits() > 0),
            outline: self.outline.as_ref().map(|outline| outline.slice(offset, len)),
        }
    }

    /// These rows, in this order.
    pub fn take(&self, rows: &UInt32Array) -> Result<Self> {
        let array =
            compute::take(&self.array, rows, None).map_err(|e| Error::internal("cannot select rows").caused_by(e))?;
        let absent = self
            .absent
            .as_ref()
            .map(|bits| BooleanBuffer::collect_bool(rows.len(), |i| bits.value(rows.value(i) as usize)))
            .filter(|bits| bits.count_set_bits() > 0);
        let outline = self.outline.as_ref().map(|outline| outline.take(rows));
        Ok(Self { field: self.field.clone(), array, absent, outline })
    }

    /// The rows whose bit is set.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Self> {
        let rows = UInt32Array::from_iter_values((0..keep.len()).filter(|&i| keep.value(i)).map(|i| i as u32));
        self.take(&rows)
    }

    /// Bytes of memory held by the rows of this column (a slice counts its own rows only).
    pub fn byte_size(&self) -> usize {
        let outline = self.outline.as_ref().map_or(0, Outline::byte_size);
        outline + self.array.to_data().get_slice_memory_size().unwrap_or_else(|_| self.array.get_array_memory_size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;

    #[test]
    fn absent_survives_slice_take_and_filter() {
        let field = Arc::new(Field::new("v", DataType::Int32, true));
        let column = Column::new(field, Arc::new(Int32Array::from(vec![Some(1), None, None, Some(4)])))
            .unwrap()
            .with_absent(BooleanBuffer::from(vec![false, true, false, false]));
        assert!(column.is_absent(1) && column.is_null(1) && column.is_null(2) && !column.is_absent(2));
        let slice = column.slice(1, 2);
        assert!(slice.is_absent(0) && !slice.is_absent(1) && slice.is_null(1));
        let taken = column.take(&UInt32Array::from(vec![3, 1])).unwrap();
        assert!(!taken.is_absent(0) && taken.is_absent(1));
        let kept = column.filter(&BooleanArray::from(vec![true, false, true, true])).unwrap();
        assert_eq!(kept.len(), 3);
        assert!(kept.absent_rows().is_none());
    }

    #[test]
    fn a_wrong_type_is_refused() {
        let field = Arc::new(Field::new("v", DataType::Int64, true));
        assert!(Column::new(field, Arc::new(Int32Array::from(vec![1]))).is_err());
    }

    #[test]
    fn all_absent() {
        assert!(Column::absent(2).is_all_absent());
        assert!(Column::absent(2).slice(1, 1).is_absent(0));
        assert!(Column::absent(0).is_empty());
    }
}
