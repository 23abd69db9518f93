//! Stored offsets: how partitions are spelled, what an offset holds, and what is refused.

use millstream_api::{Error, OffsetMap, Result, SourceOffset, SourcePartition};
use serde_json::Value;

use crate::instant::Instant;
use crate::tables::TableId;

const TIMESTAMP: &str = "timestamp";
const NANOS: &str = "timestamp_nanos";
const INCREMENTING: &str = "incrementing";

fn partition(entries: &[(&str, &str)]) -> SourcePartition {
    SourcePartition(entries.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect())
}

/// The partition under which a table's offset is written (protocol 1).
pub fn written_partition(table: &TableId) -> SourcePartition {
    partition(&[("protocol", "1"), ("table", &table.full_name())])
}

/// All spellings under which connectors of the past wrote a table's offset; the first that holds one counts.
pub fn known_partitions(table: &TableId, database: Option<&str>) -> Vec<SourcePartition> {
    let mut all = vec![written_partition(table)];
    // One release of 2025 put the database first.
    all.extend(
        database
            .map(|database| partition(&[("protocol", "1"), ("table", &format!("{database}.{}", table.full_name()))])),
    );
    all.push(partition(&[("table", &table.name)]));
    all
}

/// The timestamp that an offset holds; `None` without one (`{}` is written before the first complete group).
///
/// A value of the wrong type, or nanoseconds outside 0 to 999999999, is an error of kind `Config` that names partition and key:
/// starting over in silence would be worse.
pub fn timestamp_of(partition: &SourcePartition, offset: &OffsetMap) -> Result<Option<Instant>> {
    let place = |error: Error| error.at(format!("source partition {}", Value::Object(partition.0.clone())));
    let millis = integer(offset, TIMESTAMP).map_err(place)?;
    let nanos = integer(offset, NANOS).map_err(place)?;
    if let Some(nanos) = nanos
        && !(0..=999_999_999).contains(&nanos)
    {
        return Err(place(
            Error::config(format!("the stored offset's {NANOS} is {nanos}"))
                .hint("it must be from 0 to 999999999; set it with PATCH /connectors/<name>/offsets"),
        ));
    }
    let Some(millis) = millis else { return Ok(None) };
    Ok(Some(match nanos {
        None => Instant::of_millis(millis),
        // The nanoseconds replace the milliseconds; they are rounded as the driver binds them.
        Some(nanos) => {
            let micros = (nanos + 500) / 1000;
            Instant { seconds: millis.div_euclid(1000) + micros / 1_000_000, micros: (micros % 1_000_000) as u32 }
        }
    }))
}

fn integer(offset: &OffsetMap, key: &str) -> Result<Option<i64>> {
    match offset.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| {
            Error::config(format!("the stored offset's {key} is not a 64-bit integer"))
                .hint("set it with PATCH /connectors/<name>/offsets")
        }),
    }
}

/// Checks an offset that a user wants to store: integers, nanoseconds in range. Reset (`None`) is always fine, and so is any
/// partition: one that is spelled as no table is never read.
pub fn check_altered(partition: &SourcePartition, offset: Option<&OffsetMap>) -> Result<()> {
    let Some(offset) = offset else { return Ok(()) };
    timestamp_of(partition, offset)?;
    integer(offset, INCREMENTING)
        .map_err(|e| e.at(format!("source partition {}", Value::Object(partition.0.clone()))))?;
    Ok(())
}

/// The offset to emit for a position; `{}` before the first complete group of equal timestamps.
pub fn offset_of(position: Option<Instant>) -> SourceOffset {
    SourceOffset::Map(position.map(Instant::to_offset).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Option<Instant>> {
        let offset = serde_json::from_str(json).unwrap();
        timestamp_of(&partition(&[("protocol", "1"), ("table", "public.users")]), &offset)
    }

    #[test]
    fn forms_of_an_offset() {
        let at = |seconds, micros| Some(Instant { seconds, micros });
        for (json, expected) in [
            ("{}", None),
            (r#"{"incrementing":4}"#, None),
            (r#"{"timestamp_nanos":5000}"#, None),
            (r#"{"timestamp":null}"#, None),
            (r#"{"timestamp":1704067200123}"#, at(1_704_067_200, 123_000)),
            (r#"{"timestamp":1704067200123,"timestamp_nanos":null}"#, at(1_704_067_200, 123_000)),
            (r#"{"timestamp":1704067200123,"timestamp_nanos":0}"#, at(1_704_067_200, 0)),
            (r#"{"timestamp":1704067200123,"timestamp_nanos":123455500}"#, at(1_704_067_200, 123_456)),
            (r#"{"timestamp":1704067200123,"timestamp_nanos":999999999}"#, at(1_704_067_201, 0)),
            (r#"{"timestamp":-500,"timestamp_nanos":500000000}"#, at(-1, 500_000)),
            (r#"{"timestamp":-1}"#, at(-1, 999_000)),
        ] {
            assert_eq!(read(json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn wrong_offsets_are_named() {
        for json in [
            r#"{"timestamp":"1704067200000"}"#,
            r#"{"timestamp":1.5}"#,
            r#"{"timestamp":true}"#,
            r#"{"timestamp":1,"timestamp_nanos":1000000000}"#,
            r#"{"timestamp":1,"timestamp_nanos":-1}"#,
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains("public.users") && error.contains("timestamp"), "{error}");
        }
    }

    #[test]
    fn spellings_of_a_partition() {
        let table = TableId::new("public", "users");
        let all: Vec<_> = known_partitions(&table, Some("db")).iter().map(SourcePartition::canonical).collect();
        assert_eq!(
            all,
            [
                r#"{"protocol":"1","table":"public.users"}"#,
                r#"{"protocol":"1","table":"db.public.users"}"#,
                r#"{"table":"users"}"#
            ]
        );
        assert_eq!(
            serde_json::to_string(&written_partition(&table).0).unwrap(),
            r#"{"protocol":"1","table":"public.users"}"#
        );
    }

    #[test]
    fn altered_offsets_are_checked() {
        let offset = |json: &str| serde_json::from_str::<OffsetMap>(json).unwrap();
        let good = partition(&[("protocol", "1"), ("table", "public.users")]);
        check_altered(&good, Some(&offset(r#"{"timestamp":1,"incrementing":4}"#))).unwrap();
        check_altered(&partition(&[("table", "users")]), Some(&offset("{}"))).unwrap();
        assert!(check_altered(&good, Some(&offset(r#"{"incrementing":"4"}"#))).is_err());
        assert!(check_altered(&good, Some(&offset(r#"{"timestamp":"4"}"#))).is_err());
        check_altered(&good, None).unwrap();
    }
}
