//! Converters: between the bytes of records and columns.

use std::ops::Range;

use arrow::array::BinaryArray;

use crate::batch::RowFailure;
use crate::column::Column;
use crate::config::Config;
use crate::error::Result;

/// Which part of a record a converter instance serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConverterRole {
    /// Record keys.
    Key,
    /// Record values.
    Value,
    /// Header values.
    Header,
}

/// A run of rows that share one schema.
#[derive(Debug)]
pub struct DecodedRun {
    /// The input rows of the run.
    pub rows: Range<usize>,
    /// Their values; as long as `rows`. Failed rows are null.
    pub column: Column,
}

/// What a decode made of its input.
#[derive(Debug, Default)]
pub struct Decoded {
    /// Runs that cover the input without gap, in order. Two neighbours differ in schema.
    pub runs: Vec<DecodedRun>,
    /// Rows that could not be decoded, ascending; numbered as in the input.
    pub failures: Vec<RowFailure>,
}

/// What an encode made of its input.
#[derive(Debug)]
pub struct Encoded {
    /// One payload per row in one arena; null is a null payload. Failed rows are null.
    pub payloads: BinaryArray,
    /// Rows that could not be encoded, ascending.
    pub failures: Vec<RowFailure>,
}

/// Turns bytes into columns and columns into bytes, a batch at a time.
///
/// One instance serves one role of one task, so it may keep state between calls (the last schema's bytes, the rendered
/// schema of an envelope). Calls take CPU time and no I/O; the worker makes them off its reactor. One row never spoils the
/// others: what cannot be converted is a [`RowFailure`] and the rest goes on. Neither direction panics on any input.
pub trait Converter: Send {
    /// Takes the converter's own settings (prefix removed) before first use. Unknown keys are ignored, as in Kafka Connect.
    fn configure(&mut self, config: &Config, role: ConverterRole) -> Result<()>;

    /// Bytes to columns. A null entry of `payloads` is a null key or value (a tombstone).
    ///
    /// A null payload joins the run it stands in as an absent row; an input of nulls only is one run of absent rows. A converter
    /// that reads everything under one schema of its own (StringConverter, ByteArrayConverter) gives nulls under that schema
    /// instead, as Java does. An empty input has no run.
    fn decode(&mut self, topic: &str, payloads: &BinaryArray) -> Decoded;

    /// Columns to bytes, the exact bytes Kafka Connect's converter of the same class would write.
    fn encode(&mut self, topic: &str, column: &Column) -> Encoded;
}
