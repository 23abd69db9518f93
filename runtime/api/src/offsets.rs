//! Positions: of a source in what it reads, of a sink in the topics it consumes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::ids::TopicPartition;

/// The map that names a part of a source (a file, a table), as stored in the offsets topic.
///
/// Compared by content, whatever the order of its keys; written in the order the task gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePartition(pub Map<String, Value>);

/// The map that holds a position within a source partition, in the order the task gave.
pub type OffsetMap = Map<String, Value>;

/// What is stored for a source partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceOffset {
    /// A position.
    Map(OffsetMap),
    /// A tombstone: no position is kept (Confluent's bulk mode writes this).
    Null,
}

impl SourcePartition {
    /// A text that is equal for equal partitions: keys sorted, compact JSON.
    pub fn canonical(&self) -> String {
        canonical(&Value::Object(self.0.clone()))
    }
}

/// JSON text of a value with the keys of all maps sorted: equal maps give equal text whatever their key order.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let body: Vec<_> =
                entries.into_iter().map(|(k, v)| format!("{}:{}", Value::from(k.as_str()), canonical(v))).collect();
            format!("{{{}}}", body.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

impl std::hash::Hash for SourcePartition {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

/// Next offset to consume of each topic partition.
pub type PartitionOffsets = BTreeMap<TopicPartition, i64>;

/// Reads a connector's stored source offsets.
#[async_trait]
pub trait OffsetReader: Send + Sync {
    /// The stored position of each given partition, in the same order; `None` where nothing is stored.
    ///
    /// Reads to the current end of the offsets topic first. Partitions match by content, not by the order of their keys.
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_ignores_key_order() {
        let a: Value = serde_json::from_str(r#"{"b":1,"a":{"y":[1,{"d":1,"c":2}],"x":null}}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":{"x":null,"y":[1,{"c":2,"d":1}]},"b":1}"#).unwrap();
        assert_eq!(canonical(&a), canonical(&b));
    }
}
