//! Connectors for first steps and measurements: a source that makes up records, and a sink that forgets them.
//!
//! The source's rows are a function of seed, task and row number alone: the same configuration gives the same records on any
//! machine, and a task that starts again goes on with the row after the last stored one.

mod generate;
mod schema;
mod sink;
mod source;
mod source_task;

use std::sync::Arc;

use millstream_api::ConnectorPlugin;

/// The source: `io.millstream.connect.datagen.DatagenSourceConnector`.
pub fn source() -> Arc<dyn ConnectorPlugin> {
    Arc::new(source::DatagenSource)
}

/// The sink: `io.millstream.connect.datagen.NullSinkConnector`.
pub fn sink() -> Arc<dyn ConnectorPlugin> {
    Arc::new(sink::NullSink)
}
