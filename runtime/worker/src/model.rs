//! What the herder answers: the shapes of the REST API, in the field order Kafka Connect writes them.

use std::sync::Arc;

use millstream_api::{Config, OffsetMap};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use crate::validate::Validation;

/// A connector: its configuration as stored and the tasks it has.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectorInfo {
    /// Name.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub name: Arc<str>,
    /// Raw configuration, `${..}` unresolved.
    #[schema(value_type = HashMap<String, Option<String>>)]
    pub config: Config,
    /// Tasks it has now; empty right after create in distributed mode.
    pub tasks: Vec<TaskRef>,
    /// `source`, `sink` or `unknown`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// A task's id as REST writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TaskRef {
    /// Connector name.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub connector: Arc<str>,
    /// Task number.
    pub task: u32,
}

/// A task's id and configuration.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaskInfo {
    /// Id.
    pub id: TaskRef,
    /// Raw configuration.
    #[schema(value_type = HashMap<String, Option<String>>)]
    pub config: Config,
}

fn as_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// The status of a connector and its tasks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConnectorStateInfo {
    /// Name.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub name: Arc<str>,
    /// The Connector instance.
    pub connector: InstanceState,
    /// Its tasks, by number.
    pub tasks: Vec<TaskState>,
    /// `source`, `sink` or `unknown`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// State of a Connector instance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InstanceState {
    /// State word, upper case.
    pub state: &'static str,
    /// `host:port` of the worker that owns it.
    pub worker_id: String,
    /// Plugin version; written as null when unknown.
    pub version: Option<String>,
    /// Why it failed; left out when there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

/// State of a task.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaskState {
    /// Task number.
    pub id: u32,
    /// State and owner.
    #[serde(flatten)]
    pub instance: InstanceState,
}

/// Topics that a connector has used (KIP-558).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActiveTopics {
    /// Names.
    pub topics: Vec<String>,
}

/// Offsets of a connector (KIP-875).
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct ConnectorOffsets {
    /// One for each partition.
    pub offsets: Vec<ConnectorOffset>,
}

/// The offset of one partition. A sink's are `kafka_topic`, `kafka_partition` and `kafka_offset`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConnectorOffset {
    /// Names the partition; null is possible in requests alone.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub partition: Option<Map<String, Value>>,
    /// The position; null: none, or none any more.
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub offset: Option<OffsetMap>,
}

/// How the herder is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Up, and its loop answers.
    Healthy,
    /// Not yet up: the stage and since when.
    Starting(String),
    /// Its loop does not answer within the limit.
    Unhealthy(String),
}
