//! Headers that say why a record is in a dead letter queue (KIP-298).

use millstream_api::{Error, ErrorKind, SourceOffset, SourcePartition, TaskId};
use millstream_core::delivery::Stage;
use serde_json::Value;

use crate::config_provider::Hidden;

/// Why a record was rejected, as its headers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What was being done.
    pub stage: Stage,
    /// Java class of what was doing it.
    pub class: &'static str,
    /// Java class of the exception that Kafka Connect would have met.
    pub exception: &'static str,
    /// The error as a sentence.
    pub message: String,
    /// The error with places and causes.
    pub trace: String,
}

impl Reason {
    /// Of this error.
    pub fn of(stage: Stage, class: &'static str, error: &Error) -> Self {
        let exception = match error.kind() {
            ErrorKind::Data => "org.apache.kafka.connect.errors.DataException",
            ErrorKind::Retriable => "org.apache.kafka.connect.errors.RetriableException",
            _ => "org.apache.kafka.connect.errors.ConnectException",
        };
        Self { stage, class, exception, message: error.to_string(), trace: error.trace() }
    }
}

/// Whose record it was.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Topic it was read from.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Connector that read it.
    pub connector: &'a str,
    /// Number of the task.
    pub task: u32,
}

/// Name and text of each header, in Kafka Connect's order.
pub fn context_headers(whose: &Whose<'_>, reason: &Reason, hidden: &Hidden) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("__connect.errors.topic", whose.topic.to_owned()),
        ("__connect.errors.partition", whose.partition.to_string()),
        ("__connect.errors.offset", whose.offset.to_string()),
    ];
    headers.extend(told(whose.connector, whose.task, reason, hidden));
    headers
}

/// Whose row of a source it was. A row has no place in Kafka yet.
#[derive(Clone, Copy, Debug)]
pub struct Polled<'a> {
    /// Topic it was meant for when it was polled.
    pub topic: &'a str,
    /// Where the task read it.
    pub partition: &'a SourcePartition,
    /// What is stored when all rows polled with it are done with.
    pub offset: Option<&'a SourceOffset>,
    /// Which task polled it.
    pub id: &'a TaskId,
}

/// Name and text of each header of a row of a source, in the order of [`context_headers`]. The two places are Millstream's own: Kafka Connect
/// has no dead letters of sources.
pub fn source_headers(polled: &Polled<'_>, reason: &Reason, hidden: &Hidden) -> Vec<(&'static str, String)> {
    let offset = match polled.offset {
        Some(SourceOffset::Map(map)) => Value::Object(map.clone()).to_string(),
        Some(SourceOffset::Null) | None => "null".to_owned(),
    };
    let mut headers = vec![
        ("__connect.errors.topic", polled.topic.to_owned()),
        ("__millstream.errors.source.partition", Value::Object(polled.partition.0.clone()).to_string()),
        ("__millstream.errors.source.offset", offset),
    ];
    headers.extend(told(&polled.id.connector, polled.id.task, reason, hidden));
    headers
}

fn told(connector: &str, task: u32, reason: &Reason, hidden: &Hidden) -> [(&'static str, String); 7] {
    [
        ("__connect.errors.connector.name", connector.to_owned()),
        ("__connect.errors.task.id", task.to_string()),
        ("__connect.errors.stage", reason.stage.as_str().to_owned()),
        ("__connect.errors.class.name", reason.class.to_owned()),
        ("__connect.errors.exception.class.name", reason.exception.to_owned()),
        ("__connect.errors.exception.message", hidden.hide(&reason.message)),
        ("__connect.errors.exception.stacktrace", hidden.hide(&reason.trace)),
    ]
}
