//! The S3 sink: topics become Parquet files in a bucket.
//!
//! Keys, object names and file boundaries are those of Confluent's S3 sink 12.1.9, so that a bucket goes on as it was. Arrays
//! of a batch go to the Parquet writer as they are. Files grow in memory by row groups, leave it in parts, and are uploaded
//! in the background; offsets are committed once the objects exist.
//!
//! Boundaries and names depend on offsets, record counts and schemas alone: after a crash the same records give the same
//! objects again, over the old ones.
//!
//! JSON without a schema gets columns that are inferred file by file: whole numbers are 64-bit integers, fractions doubles,
//! objects structs, arrays lists, all of them optional. A column that meets values of several kinds widens to doubles or to
//! text, and never fails a record. In a file of more than 8 MiB of text the columns are fixed by the first 8 MiB, and what later rows
//! bring beyond them is kept as JSON in the column `_unmapped`. `docs/s3-parquet-inference.md` tells it in full.

mod config;
mod connector;
mod inference;
mod object_key;
mod open_file;
mod parquet_file;
mod partition;
mod rotation;
mod store;
mod task;
mod upload;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use millstream_api::ConnectorPlugin;

/// The sink, for the worker's table of connectors: class `io.confluent.connect.s3.S3SinkConnector`.
pub fn sink() -> Arc<dyn ConnectorPlugin> {
    Arc::new(connector::S3Sink)
}
