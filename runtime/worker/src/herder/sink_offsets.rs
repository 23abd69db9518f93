//! Offsets of sink connectors: those of their consumer groups.

use std::collections::BTreeMap;

use millstream_api::{Error, OffsetMap, PartitionOffsets, Result, SourcePartition, TopicPartition};
use rdkafka::types::RDKafkaErrorCode as Code;
use serde_json::{Map, Value, json};

use super::offsets::{Subject, Wanted};
use crate::kafka::client_config::{offsets_admin, sink_group};
use crate::kafka::error;
use crate::kafka::group_offsets::GroupOffsets;
use crate::model::ConnectorOffset;

const TOPIC: &str = "kafka_topic";
const PARTITION: &str = "kafka_partition";
const OFFSET: &str = "kafka_offset";

/// What is to become of partitions: another offset, or none.
pub(super) type Parsed = BTreeMap<TopicPartition, Option<i64>>;

/// Reads what a client wants. Numbers may be text; further keys are ignored; of entries for one partition the last counts.
pub(super) fn parse(offsets: Vec<ConnectorOffset>) -> Result<Parsed> {
    let mut parsed = Parsed::new();
    for ConnectorOffset { partition, offset } in offsets {
        let partition = partition.ok_or_else(|| {
            Error::config("the partition of an offset of a sink connector must not be null or missing")
        })?;
        let (Some(topic), Some(number)) = (partition.get(TOPIC), partition.get(PARTITION)) else {
            return Err(Error::config(format!(
                "the partition of a sink connector needs the keys {TOPIC} and {PARTITION}"
            )));
        };
        let topic = text(topic).ok_or_else(|| Error::config(format!("{TOPIC} must not be null")))?;
        let at = TopicPartition::new(topic, integer(PARTITION, number)?);
        let offset = match offset {
            None => None,
            Some(offset) => {
                let value = offset.get(OFFSET).ok_or_else(|| {
                    Error::config(format!("the offset of a sink connector must be null or have the key {OFFSET}"))
                })?;
                Some(integer(OFFSET, value)?)
            }
        };
        parsed.insert(at, offset);
    }
    Ok(parsed)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn integer<T: std::str::FromStr>(key: &str, value: &Value) -> Result<T> {
    text(value).and_then(|text| text.parse().ok()).ok_or_else(|| {
        Error::config(format!("{key} of a sink connector must be an integer of {} bits", 8 * size_of::<T>()))
    })
}

fn partition(at: &TopicPartition) -> SourcePartition {
    // The order in which Kafka Connect lists them.
    SourcePartition(Map::from_iter([
        (PARTITION.to_owned(), json!(at.partition)),
        (TOPIC.to_owned(), json!(&*at.topic)),
    ]))
}

fn offset(offset: i64) -> OffsetMap {
    Map::from_iter([(OFFSET.to_owned(), json!(offset))])
}

/// The same as it is told to the connector.
pub(super) fn wanted(parsed: &Parsed) -> Wanted {
    parsed.iter().map(|(at, number)| (partition(at), number.map(offset))).collect()
}

fn group(subject: &Subject) -> Result<GroupOffsets> {
    let settings = offsets_admin(&subject.env.worker, &subject.settings)?;
    settings.warn_unknown();
    Ok(GroupOffsets::new(sink_group(&subject.env.worker, &subject.settings), &settings))
}

/// All offsets of the group, by topic and partition.
pub(super) async fn list(subject: &Subject) -> Result<Vec<(SourcePartition, OffsetMap)>> {
    let offsets = group(subject)?.list().await.map_err(|error| failed(subject, "list", error))?;
    Ok(offsets.iter().map(|(at, number)| (partition(at), offset(*number))).collect())
}

/// Sets and deletes offsets. Both are tried, whatever comes of the other (as in Kafka Connect).
pub(super) async fn alter(subject: &Subject, parsed: Parsed) -> Result<()> {
    let group = group(subject)?;
    let deleted: Vec<_> = parsed.iter().filter(|(_, offset)| offset.is_none()).map(|(at, _)| at.clone()).collect();
    let altered: PartitionOffsets = parsed.into_iter().filter_map(|(at, offset)| Some((at, offset?))).collect();
    // One after the other: a group that is not there yet is made by the first.
    let altering = group.alter(&altered).await;
    let deleting = group.delete(&deleted).await;
    altering.and(deleting).map_err(|error| failed(subject, "alter", error))
}

/// Deletes the group.
pub(super) async fn reset(subject: &Subject) -> Result<()> {
    group(subject)?.delete_group().await.map(drop).map_err(|error| failed(subject, "reset", error))
}

/// An error of the brokers is nothing the client could mend (500), whatever it is about.
fn failed(subject: &Subject, verb: &str, error: Error) -> Error {
    let what = format!("Failed to {verb} consumer group offsets for connector {}", subject.name);
    let has_members = matches!(
        error::code_of(&error),
        Some(Code::UnknownMemberId | Code::GroupSubscribedToTopic | Code::NonEmptyGroup)
    );
    let failed = if has_members {
        Error::fatal(format!(
            "{what}: its tasks have not stopped completely yet, or it was resumed before the request was carried out"
        ))
        .hint("if the connector is stopped, try again: a member that did not leave the group is dropped after its session timeout")
    } else {
        Error::fatal(what)
    };
    failed.caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_one(partition: Value, offset: Value) -> Result<Parsed> {
        let map = |value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        };
        parse(vec![ConnectorOffset { partition: map(partition), offset: map(offset) }])
    }

    #[test]
    fn numbers_may_be_text_and_further_keys_are_ignored() {
        let at = |topic: &str, partition, offset| Parsed::from([(TopicPartition::new(topic, partition), offset)]);
        let good = json!({TOPIC: "t", PARTITION: 0});
        for (partition, offset, expected) in [
            (good.clone(), json!({OFFSET: 4}), at("t", 0, Some(4))),
            (json!({TOPIC: "t", PARTITION: "1", "x": 1}), json!({OFFSET: "5", "y": 2}), at("t", 1, Some(5))),
            (good.clone(), Value::Null, at("t", 0, None)),
            (json!({TOPIC: 5, PARTITION: -1}), json!({OFFSET: -1}), at("5", -1, Some(-1))),
        ] {
            assert_eq!(parse_one(partition, offset).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_missing_or_no_integer_names_the_key() {
        let good = json!({TOPIC: "t", PARTITION: 0});
        let any = json!({OFFSET: 1});
        for (partition, offset, key) in [
            (Value::Null, any.clone(), "partition"),
            (json!({}), any.clone(), TOPIC),
            (json!({TOPIC: "t"}), any.clone(), PARTITION),
            (json!({PARTITION: 0}), any.clone(), TOPIC),
            (json!({TOPIC: null, PARTITION: 0}), any.clone(), TOPIC),
            (json!({TOPIC: "t", PARTITION: null}), any.clone(), PARTITION),
            (json!({TOPIC: "t", PARTITION: "x"}), any.clone(), PARTITION),
            (json!({TOPIC: "t", PARTITION: 1.5}), any.clone(), PARTITION),
            (json!({TOPIC: "t", PARTITION: {"a": 1}}), any.clone(), PARTITION),
            (json!({TOPIC: "t", PARTITION: 3_000_000_000_u64}), any, PARTITION),
            (good.clone(), json!({}), OFFSET),
            (good.clone(), json!({"offset": 1}), OFFSET),
            (good.clone(), json!({OFFSET: null}), OFFSET),
            (good, json!({OFFSET: 1.5}), OFFSET),
        ] {
            let error = parse_one(partition.clone(), offset.clone()).unwrap_err();
            let named = error.kind() == millstream_api::ErrorKind::Config && error.to_string().contains(key);
            assert!(named, "{partition} {offset}: {error}");
        }
    }
}
