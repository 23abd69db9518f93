//! Transformations and predicates: arrays to arrays.

use arrow::array::{BooleanArray, Int64Array, UInt32Array};

use crate::batch::{Batch, RowFailure};
use crate::config::Config;
use crate::error::Result;
use crate::ids::ConnectorKind;

/// What a transformation made of a batch.
#[derive(Debug, Default)]
pub struct Transformed {
    /// Resulting batches, each with the input row every output row came from (ascending over all parts that share a topic). Rows
    /// in no part were dropped on purpose.
    pub parts: Vec<(Batch, UInt32Array)>,
    /// Rows that could not be transformed, ascending; they are in no part.
    pub failures: Vec<RowFailure>,
}

/// Where the rows of a sink's batch were consumed from. Transformations may look at it, and never change it.
#[derive(Clone, Copy, Debug)]
pub struct Consumed<'a> {
    /// Partition of the origin topic.
    pub partition: i32,
    /// Offset of each row; as long as the batch.
    pub offsets: &'a Int64Array,
}

/// A single message transformation, applied to a whole batch.
///
/// One instance serves one task. It keeps the order of rows, never adds rows, and changes neither origin nor offsets. Works on
/// typed columns and on schemaless JSON text. No I/O.
pub trait Transform: Send {
    /// Takes the transformation's settings (prefix removed) before first use.
    fn configure(&mut self, config: &Config, kind: ConnectorKind) -> Result<()>;

    /// Transforms the rows of one batch.
    fn apply(&mut self, batch: Batch) -> Transformed;

    /// Transforms the rows of one batch that a sink consumed. The worker calls this in place of [`Transform::apply`] for sinks; by
    /// default it makes no difference where rows come from.
    fn apply_consumed(&mut self, batch: Batch, _from: Consumed<'_>) -> Transformed {
        self.apply(batch)
    }
}

/// A condition on records, evaluated for a whole batch.
pub trait Predicate: Send {
    /// Takes the predicate's settings (prefix removed) before first use.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// True for each row the predicate holds for; as long as the batch, without nulls.
    fn test(&mut self, batch: &Batch) -> BooleanArray;
}
