//! Records of the offsets topic, and the table they fold into.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use millstream_api::{Error, OffsetMap, Result, SourcePartition};
use serde_json::Value;

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
        let Ok(Value::Array(parts)) = serde_json::from_slice(key) else {
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
            Value::Object(map) => Some(SourcePartition(map)),
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

/// Reads an offsets record's value; JSON null is the same as no value.
pub fn decode_offset(value: Option<&[u8]>) -> Result<Option<OffsetMap>> {
    let Some(value) = value else { return Ok(None) };
    match serde_json::from_slice(value) {
        Ok(Value::Object(map)) => Ok(Some(map)),
        Ok(Value::Null) => Ok(None),
        _ => Err(Error::data("an offsets record cannot be read: its value is not a JSON object")),
    }
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
#[derive(Clone, Debug)]
struct Slot {
    partition: SourcePartition,
    records: Vec<(Vec<u8>, OffsetMap)>,
}

impl OffsetTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in one record. A record that cannot be read changes nothing; its error is for the log. Null partitions are
    /// skipped, as Java's offsets API does.
    pub fn apply(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let OffsetKey { connector, partition: Some(partition) } = OffsetKey::decode(key)? else { return Ok(()) };
        let offset = decode_offset(value)?;
        let canonical = partition.canonical();
        let Some(offset) = offset else {
            self.forget(&connector, &canonical, key);
            return Ok(());
        };
        let slots = self.connectors.entry(connector).or_default();
        let slot = slots.entry(canonical).or_insert_with(|| Slot { partition: partition.clone(), records: Vec::new() });
        slot.records.retain(|(bytes, _)| bytes != key);
        slot.records.push((key.to_vec(), offset));
        slot.partition = partition;
        Ok(())
    }

    fn forget(&mut self, connector: &str, canonical: &str, key: &[u8]) {
        let Some(slots) = self.connectors.get_mut(connector) else { return };
        let Some(slot) = slots.get_mut(canonical) else { return };
        slot.records.retain(|(bytes, _)| bytes != key);
        match slot.records.last().map(|(bytes, _)| OffsetKey::decode(bytes)) {
            Some(Ok(OffsetKey { partition: Some(partition), .. })) => slot.partition = partition,
            Some(_) => {}
            None => {
                slots.shift_remove(canonical);
            }
        }
        if slots.is_empty() {
            self.connectors.remove(connector);
        }
    }

    /// The stored position of a source partition.
    pub fn get(&self, connector: &str, partition: &SourcePartition) -> Option<&OffsetMap> {
        self.slot(connector, partition)?.records.last().map(|(_, offset)| offset)
    }

    /// All positions of a connector. Partitions are spelled as stored, in the order first seen.
    pub fn offsets(&self, connector: &str) -> impl Iterator<Item = (&SourcePartition, &OffsetMap)> {
        let slots = self.connectors.get(connector).into_iter().flat_map(IndexMap::values);
        slots.filter_map(|slot| slot.records.last().map(|(_, offset)| (&slot.partition, offset)))
    }

    /// Connectors with any position.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<str>> {
        self.connectors.keys()
    }

    /// The key bytes to write a new position under: those in the topic, or the partition as the task spells it.
    pub fn key_bytes(&self, connector: &str, partition: &SourcePartition) -> Vec<u8> {
        match self.slot(connector, partition).and_then(|slot| slot.records.last()) {
            Some((bytes, _)) => bytes.clone(),
            None => OffsetKey { connector: connector.into(), partition: Some(partition.clone()) }.encode(),
        }
    }

    /// The keys of every record of a partition: to reset it, each needs a tombstone.
    pub fn keys_to_reset(&self, connector: &str, partition: &SourcePartition) -> Vec<Vec<u8>> {
        let records = self.slot(connector, partition).map_or(&[][..], |slot| &slot.records);
        records.iter().map(|(bytes, _)| bytes.clone()).collect()
    }

    fn slot(&self, connector: &str, partition: &SourcePartition) -> Option<&Slot> {
        self.connectors.get(connector)?.get(&partition.canonical())
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
        table.apply(stored, Some(br#"{"n":1}"#)).unwrap();
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
        table.apply(first, Some(br#"{"n":1}"#)).unwrap();
        table.apply(second, Some(br#"{"n":2}"#)).unwrap();
        assert_eq!(table.get("c", &asked).unwrap()["n"], 2);
        assert_eq!(table.keys_to_reset("c", &asked), [first.to_vec(), second.to_vec()]);
        assert_eq!(table.offsets("c").count(), 1);
        table.apply(second, None).unwrap();
        assert_eq!(table.get("c", &asked).unwrap()["n"], 1);
        table.apply(first, None).unwrap();
        assert_eq!(table.connectors().count(), 0);
    }

    #[test]
    fn odd_keys() {
        let mut table = OffsetTable::new();
        table.apply(br#"["c",null]"#, Some(br#"{"n":1}"#)).unwrap();
        assert_eq!(table.connectors().count(), 0);
        table.apply(br#"["c",{}]"#, Some(br#"{"n":1}"#)).unwrap();
        assert_eq!(table.offsets("c").count(), 1);
        for key in ["", "[]", r#"["c"]"#, r#"["c",{},1]"#, r#"[1,{}]"#, r#"["c",[]]"#, "{}"] {
            assert!(table.apply(key.as_bytes(), None).is_err(), "{key}");
        }
        assert!(table.apply(br#"["c",{}]"#, Some(b"7")).is_err());
        assert_eq!(table.offsets("c").count(), 1);
    }
}
