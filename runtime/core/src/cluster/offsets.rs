//! Records of the offsets topic, and the table they fold into.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use millstream_api::{Error, OffsetMap, Result, SourcePartition};
use serde_json::Value;

use super::json::json;
use crate::java_json;

/// Key of an offsets record: `["connector",{partition}]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetKey {
    /// Connector.
    pub connector: Arc<str>,
    /// Source partition; null is legal but no position can be read back by it.
    pub partition: Option<SourcePartition>,
}

impl OffsetKey {
    /// Reads a key. An error (kind data) shows no more than its length: the key may hold anything.
    pub fn decode(key: &[u8]) -> Result<Self> {
        let wrong = |reason: &str| {
            Error::data(format!("an offsets record with a key of {} bytes cannot be read: {reason}", key.len()))
        };
        let Ok(Value::Array(parts)) = json(Some(key)) else {
            return Err(wrong("the key is not a JSON array"));
        };
        let Ok([connector, partition]) = <[Value; 2]>::try_from(parts) else {
            return Err(wrong("the key does not have two elements"));
        };
        let Value::String(connector) = connector else {
            return Err(wrong("the key does not begin with a connector's name"));
        };
        let partition = match partition {
            Value::Null => None,
            Value::Object(map) if is_flat(&map) => Some(SourcePartition(map)),
            Value::Object(_) => return Err(wrong("the source partition holds a list or a map")),
            _ => return Err(wrong("the source partition is not a map")),
        };
        Ok(Self { connector: connector.into(), partition })
    }

    /// The key's bytes, with the partition's map in the order given.
    pub fn encode(&self) -> Vec<u8> {
        let partition = self.partition.as_ref().map_or(Value::Null, |p| Value::Object(p.0.clone()));
        java_json::to_vec(&Value::Array(vec![Value::from(&*self.connector), partition]))
    }
}

/// Reads an offsets record's value; JSON null and no bytes are the same as no value.
pub fn decode_offset(value: Option<&[u8]>) -> Result<Option<OffsetMap>> {
    let wrong = |reason: &str| Error::data(format!("an offsets record cannot be read: {reason}"));
    match json(value) {
        Ok(Value::Object(map)) if is_flat(&map) => Ok(Some(map)),
        Ok(Value::Null) => Ok(None),
        Ok(Value::Object(_)) => Err(wrong("its value holds a list or a map")),
        _ => Err(wrong("its value is not a JSON object")),
    }
}

/// True for a map of texts, numbers, booleans and nulls: Kafka Connect writes and reads no other in the offsets topic.
pub fn is_flat(map: &OffsetMap) -> bool {
    !map.values().any(|value| matches!(value, Value::Array(_) | Value::Object(_)))
}

/// The bytes of an offset: compact JSON, in the order given.
pub fn encode_offset(offset: &OffsetMap) -> Vec<u8> {
    java_json::to_vec(&Value::Object(offset.clone()))
}

/// The fold of the offsets topic.
///
/// Partitions are found by content, but Java tells them apart by key bytes: the order of a partition's map matters there. So the
/// bytes that are in the topic are kept, and a new position goes back under them.
#[derive(Clone, Debug, Default)]
pub struct OffsetTable {
    connectors: BTreeMap<Arc<str>, IndexMap<String, Slot>>,
}

/// Everything stored of one source partition: a record per spelling of its key, oldest first; the last one counts.
#[derive(Clone, Debug, Default)]
struct Slot {
    records: Vec<Stored>,
}

#[derive(Clone, Debug)]
struct Stored {
    key: Vec<u8>,
    partition: SourcePartition,
    offset: OffsetMap,
    timestamp: i64,
}

impl OffsetTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one record; an error is for the log. A record whose key cannot be read changes nothing. A value that cannot be read
    /// still takes the place of the one before, which compaction may have removed already. Null partitions are skipped, as
    /// Java's offsets API does.
    ///
    /// `timestamp` (epoch milliseconds; without one the record is the newest) tells which spelling of a partition was written last:
    /// they may lie in different partitions of the topic, between which a reader knows no order.
    pub fn apply(&mut self, key: &[u8], value: Option<&[u8]>, timestamp: Option<i64>) -> Result<()> {
        let OffsetKey { connector, partition: Some(partition) } = OffsetKey::decode(key)? else { return Ok(()) };
        let offset = decode_offset(value);
        let canonical = partition.canonical();
        let slots = self.connectors.entry(connector.clone()).or_default();
        let slot = slots.entry(canonical.clone()).or_default();
        let newest = slot.records.last().map_or(i64::MIN, |held| held.timestamp);
        slot.records.retain(|held| held.key != key);
        let Ok(Some(offset)) = offset else {
            if slot.records.is_empty() {
                slots.shift_remove(&canonical);
            }
            if slots.is_empty() {
                self.connectors.remove(&connector);
            }
            return offset.map(drop).map_err(|error| error.at(format!("connector {connector}")));
        };
        let stored = Stored { key: key.to_vec(), partition, offset, timestamp: timestamp.unwrap_or(newest) };
        let at = slot.records.partition_point(|held| held.timestamp <= stored.timestamp);
        slot.records.insert(at, stored);
        Ok(())
    }

    /// The stored position of a source partition.
    pub fn get(&self, connector: &str, partition: &SourcePartition) -> Option<&OffsetMap> {
        Some(&self.records(connector, partition).last()?.offset)
    }

    /// All positions of a connector. Partitions are spelled as stored, in the order first seen.
    pub fn offsets(&self, connector: &str) -> impl Iterator<Item = (&SourcePartition, &OffsetMap)> {
        let slots = self.connectors.get(connector).into_iter().flat_map(IndexMap::values);
        slots.filter_map(|slot| slot.records.last()).map(|stored| (&stored.partition, &stored.offset))
    }

    /// Connectors with any position.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.connectors.keys()
    }

    /// The key bytes to write a new position under: those in the topic, or the partition as the task spells it.
    pub fn key_bytes(&self, connector: &str, partition: &SourcePartition) -> Vec<u8> {
        match self.records(connector, partition).last() {
            Some(stored) => stored.key.clone(),
            None => OffsetKey { connector: connector.into(), partition: Some(partition.clone()) }.encode(),
        }
    }

    /// The keys of every record of a partition: to reset it, each needs a tombstone.
    pub fn keys_to_reset(&self, connector: &str, partition: &SourcePartition) -> Vec<Vec<u8>> {
        self.records(connector, partition).iter().map(|stored| stored.key.clone()).collect()
    }

    fn records(&self, connector: &str, partition: &SourcePartition) -> &[Stored] {
        let slot = self.connectors.get(connector).and_then(|slots| slots.get(&partition.canonical()));
        slot.map_or(&[], |slot| &slot.records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn partition(value: Value) -> SourcePartition {
        let Value::Object(map) = value else { panic!() };
        SourcePartition(map)
    }

    #[test]
    fn a_position_goes_back_under_the_bytes_that_are_there() {
        let mut table = OffsetTable::new();
        let stored = br#"["c",{"b":1,"a":"x"}]"#;
        table.apply(stored, Some(br#"{"n":1}"#), None).unwrap();
        let asked = partition(json!({"a": "x", "b": 1}));
        assert_eq!(table.get("c", &asked).unwrap()["n"], 1);
        assert_eq!(table.key_bytes("c", &asked), stored);
        let other = partition(json!({"a": "y", "b": 1}));
        assert_eq!(table.key_bytes("c", &other), br#"["c",{"a":"y","b":1}]"#);
    }

    #[test]
    fn two_spellings_of_a_partition() {
        let (first, second) = (br#"["c",{"b":1,"a":2}]"#, br#"["c",{"a":2,"b":1}]"#);
        let asked = partition(json!({"a": 2, "b": 1}));
        let mut table = OffsetTable::new();
        table.apply(first, Some(br#"{"n":0}"#), Some(6)).unwrap();
        table.apply(second, Some(br#"{"n":2}"#), Some(9)).unwrap();
        table.apply(first, Some(br#"{"n":1}"#), Some(8)).unwrap();
        assert_eq!(table.get("c", &asked).unwrap()["n"], 2);
        assert_eq!(table.keys_to_reset("c", &asked), [first.to_vec(), second.to_vec()]);
        assert_eq!(table.offsets("c").count(), 1);
        table.apply(second, None, Some(10)).unwrap();
        assert_eq!(table.get("c", &asked).unwrap()["n"], 1);
        table.apply(first, None, Some(11)).unwrap();
        assert_eq!(table.connectors().count(), 0);
    }

    #[test]
    fn odd_keys() {
        let mut table = OffsetTable::new();
        table.apply(br#"["c",null]"#, Some(br#"{"n":1}"#), None).unwrap();
        assert_eq!(table.connectors().count(), 0);
        table.apply(br#"["c",{}]"#, Some(br#"{"n":1}"#), None).unwrap();
        assert_eq!(table.offsets("c").count(), 1);
        for key in ["", "[]", r#"["c"]"#, r#"["c",{},1]"#, r#"[1,{}]"#, r#"["c",[]]"#, "{}"] {
            assert!(table.apply(key.as_bytes(), None, None).is_err(), "{key}");
        }
        assert!(table.apply(br#"["c",{}]"#, Some(b"7"), None).is_err());
        assert_eq!(table.offsets("c").count(), 0, "what was there before is gone with compaction");
        table.apply(br#"["c",{"a":1}] more"#, Some(br#"{"n":1} more"#), None).unwrap();
        assert_eq!(table.offsets("c").count(), 1, "Java looks at the first value alone");
    }
}
