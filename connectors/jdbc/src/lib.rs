//! The JDBC source connector: reads tables of a Postgres database by a timestamp column.
//!
//! Pages are streamed with `COPY ... TO STDOUT (FORMAT binary)` and decoded straight into Arrow arrays. What is decided without
//! a database (bounds, SQL, offsets, grouping, types) stands in modules that do no I/O.

mod calendar;
mod catalog;
mod config;
mod connect;
mod connector;
mod cursor;
mod horizon;
mod instant;
mod offsets;
mod plugin;
mod query;
mod source;
mod sqlstate;
mod tables;
mod types;
mod url;
mod zone;

#[cfg(test)]
mod golden;

use std::sync::Arc;

use millstream_api::ConnectorPlugin;

/// The connector, for the worker's table of plugins.
pub fn source() -> Arc<dyn ConnectorPlugin> {
    Arc::new(plugin::JdbcSource::new())
}
