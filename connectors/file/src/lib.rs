//! The FileStream connectors: a source that reads the lines of a file, and a sink that appends to one.
//!
//! They are Apache Kafka's reference pair, with its class names, keys, source partitions and offsets, so that a scenario runs on
//! either worker and each goes on where the other stopped. Differences:
//!
//! - the position counts bytes, where Kafka's counts characters (equal for ASCII; Kafka's repeats or garbles other text after a
//!   restart);
//! - lines beyond `batch.size` come with the next poll, where Kafka's wait until the file grows;
//! - what is committed by the sink is on the disk (`fsync`), where Kafka's only left the process.

mod json_text;
mod lines;
mod sink;
mod sink_task;
mod source;
mod source_task;
mod value_text;

use std::sync::Arc;

use millstream_api::ConnectorPlugin;

/// The source: `org.apache.kafka.connect.file.FileStreamSourceConnector`.
pub fn source() -> Arc<dyn ConnectorPlugin> {
    Arc::new(source::FileStreamSource::new())
}

/// The sink: `org.apache.kafka.connect.file.FileStreamSinkConnector`.
pub fn sink() -> Arc<dyn ConnectorPlugin> {
    Arc::new(sink::FileStreamSink::new())
}

/// The file that a config names; `None` means the standard streams.
fn file_of(config: &millstream_api::Config) -> Option<String> {
    config.get("file").map(str::trim).filter(|file| !file.is_empty()).map(str::to_owned)
}
