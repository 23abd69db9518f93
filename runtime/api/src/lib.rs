//! The contracts between the Millstream worker and its plugins.
//!
//! Data moves as [`Batch`]es of Arrow columns, never record by record. An Arrow field *is* the Connect schema of a
//! column ([`schema`] says how they map). Connectors implement [`Connector`] and [`SourceTask`] or [`SinkTask`] and are
//! offered to the worker as a [`ConnectorPlugin`]; converters, transformations and predicates have traits of their own.
//! Nothing here does I/O, and nothing here knows Kafka, HTTP or an async runtime.

pub mod batch;
pub mod budget;
pub mod calendar;
pub mod column;
pub mod config;
pub mod conformance;
pub mod connector;
pub mod convert;
pub mod error;
pub mod headers;
pub mod ids;
pub mod java_regex;
pub mod java_text;
pub mod json_scan;
pub mod offsets;
pub mod outline;
pub mod plugin;
pub mod schema;
pub mod sink;
pub mod source;
pub mod transform;

pub use batch::{Batch, RowFailure, SinkBatch, SourceBatch};
pub use budget::{MemoryBudget, Reservation};
pub use column::Column;
pub use config::{Config, ConfigDef, ConfigKey, ConfigValue, ConfigValues, Secret};
pub use connector::{Connector, ConnectorContext, ConnectorHost};
pub use convert::{Converter, ConverterRole, Decoded, DecodedRun, Encoded};
pub use error::{Error, ErrorKind, Result};
pub use headers::{Header, HeaderValue, Headers, HeadersBuilder, TypedValue};
pub use ids::{ConnectorKind, TaskId, TopicPartition};
pub use offsets::{OffsetMap, OffsetReader, PartitionOffsets, SourceOffset, SourcePartition};
pub use outline::{EntryPlace, Outline, OutlineBuilder};
pub use plugin::{ConnectorPlugin, PluginInfo, PluginKind, Task};
pub use sink::{SinkHost, SinkTask, SinkTaskContext};
pub use source::{SourceTask, SourceTaskContext};
pub use transform::{Consumed, Predicate, Transform, Transformed};
