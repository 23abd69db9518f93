//! Batches: runs of records of one topic that share one key schema and one value schema, in order.

use std::sync::Arc;

use arrow::array::{Array, Int32Array, Int64Array, UInt32Array};
use arrow::compute;

use crate::column::Column;
use crate::error::{Error, Result};
use crate::headers::Headers;
use crate::ids::TopicPartition;
use crate::offsets::{SourceOffset, SourcePartition};

/// Records of one topic with one key schema and one value schema, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Topic the records go to or come from (a transformation may change it).
    pub topic: Arc<str>,
    /// Kafka partition of each record; `None`, or null in a row, leaves the choice to the partitioner.
    pub partitions: Option<Int32Array>,
    /// Keys.
    pub key: Column,
    /// Values.
    pub value: Column,
    /// Timestamps in epoch milliseconds; `None`, or null in a row, means no timestamp.
    pub timestamps: Option<Int64Array>,
    /// Headers.
    pub headers: Headers,
}

impl Batch {
    /// A batch with values only: no key, no timestamp, no headers, any partition.
    pub fn of_values(topic: impl Into<Arc<str>>, value: Column) -> Self {
        let key = Column::absent(value.len());
        Self { topic: topic.into(), partitions: None, key, value, timestamps: None, headers: Headers::none() }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// True without any record.
    pub fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    /// Bytes of memory held by the rows.
    pub fn byte_size(&self) -> usize {
        self.key.byte_size() + self.value.byte_size() + self.headers.byte_size() + self.len() * 12
    }

    /// Records `offset .. offset + len`, without copying values.
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        Self {
            topic: self.topic.clone(),
            partitions: self.partitions.as_ref().map(|p| p.slice(offset, len)),
            key: self.key.slice(offset, len),
            value: self.value.slice(offset, len),
            timestamps: self.timestamps.as_ref().map(|t| t.slice(offset, len)),
            headers: self.headers.take(offset..offset + len),
        }
    }

    /// These records, in this order.
    pub fn take(&self, rows: &UInt32Array) -> Result<Self> {
        Ok(Self {
            topic: self.topic.clone(),
            partitions: self.partitions.as_ref().map(|p| take_primitive(p, rows)).transpose()?,
            key: self.key.take(rows)?,
            value: self.value.take(rows)?,
            timestamps: self.timestamps.as_ref().map(|t| take_primitive(t, rows)).transpose()?,
            headers: self.headers.take(rows.values().iter().map(|&row| row as usize)),
        })
    }
}

fn take_primitive<A: Array + Clone + 'static>(array: &A, rows: &UInt32Array) -> Result<A> {
    let taken = compute::take(array, rows, None).map_err(|e| Error::internal("cannot select rows").caused_by(e))?;
    taken.as_any().downcast_ref::<A>().cloned().ok_or_else(|| Error::internal("selecting rows changed their type"))
}

/// Records read from a source, and the position that holds once all of them are durable in Kafka.
#[derive(Debug)]
pub struct SourceBatch {
    /// The records.
    pub batch: Batch,
    /// The part of the source they come from.
    pub partition: Arc<SourcePartition>,
    /// The position to store once this batch and all earlier ones of the partition are acknowledged. `None`: this batch does not
    /// move the position (a group of equal timestamps goes on in the next batch); an earlier one stays valid.
    pub offset: Option<SourceOffset>,
    /// Rows of the source that could not be read into this batch, each with its reason. They are *not* among `batch`'s rows.
    /// `errors.tolerance` decides: `none` fails the task before anything of this batch is sent.
    pub failures: Vec<Error>,
}

impl SourceBatch {
    /// A batch whose rows were all read.
    pub fn new(batch: Batch, partition: Arc<SourcePartition>, offset: Option<SourceOffset>) -> Self {
        Self { batch, partition, offset, failures: Vec::new() }
    }
}

/// Records of one topic partition for a sink task.
#[derive(Debug)]
pub struct SinkBatch {
    /// The records as the transformations left them (their topic may differ from the origin's).
    pub batch: Batch,
    /// Where they were consumed from. Never changed by transformations.
    pub origin: TopicPartition,
    /// The offset of each record in the origin partition, ascending. Never changed by transformations.
    pub offsets: Int64Array,
}

impl SinkBatch {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// True without any record.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Offset of a record.
    pub fn offset(&self, row: usize) -> i64 {
        self.offsets.value(row)
    }

    /// Records `offset .. offset + len`.
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        Self {
            batch: self.batch.slice(offset, len),
            origin: self.origin.clone(),
            offsets: self.offsets.slice(offset, len),
        }
    }
}

/// A row that could not be handled; the rest of its batch goes on.
#[derive(Debug)]
pub struct RowFailure {
    /// Row number within the batch (or the input) the failure is about.
    pub row: usize,
    /// Why.
    pub error: Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringArray;

    #[test]
    fn slice_and_take_keep_all_parts_together() {
        let mut batch = Batch::of_values("t", Column::schemaless(StringArray::from(vec!["1", "2", "3"])));
        batch.timestamps = Some(Int64Array::from(vec![10, 20, 30]));
        batch.partitions = Some(Int32Array::from(vec![Some(0), None, Some(2)]));
        let taken = batch.take(&UInt32Array::from(vec![2, 0])).unwrap();
        assert_eq!(taken.timestamps.as_ref().unwrap().values(), &[30, 10]);
        assert_eq!(taken.partitions.as_ref().unwrap().value(0), 2);
        assert_eq!(batch.slice(1, 2).len(), 2);
        assert!(taken.key.is_all_absent());
    }
}
