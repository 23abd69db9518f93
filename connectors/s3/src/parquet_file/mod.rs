//! Parquet files: from Connect schemas to Parquet's, and the file being written.

mod convert;
mod decimal;
mod defaults;
mod file;
mod shape;

pub(crate) use file::{FileSettings, ParquetFile};
pub(crate) use shape::Shape;
