//! The headers of a record in a dead letter queue, in the order in which Kafka Connect adds them.

use millstream_testbed::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// `failed` of an expected record: what its last ten headers say. Without a dead letter queue's context there is none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    stage: Value,
    class: Value,
    offset: i64,
    #[serde(default)]
    partition: i32,
    topic: Option<String>,
    connector: Option<String>,
    exception: Option<Value>,
}

/// An expected record with `failed` as headers, after those given.
pub fn as_headers(record: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut record = record.clone();
    let Some(failed) = record.remove("failed") else { return Ok(record) };
    let failed: Failed = serde_json::from_value(failed)?;
    let data_exception = || json!("org.apache.kafka.connect.errors.DataException");
    let context = [
        ("topic", json!(failed.topic.as_deref().unwrap_or("{name}-t"))),
        ("partition", json!(failed.partition.to_string())),
        ("offset", json!(failed.offset.to_string())),
        ("connector.name", json!(failed.connector.as_deref().unwrap_or("{name}"))),
        ("task.id", json!("0")),
        ("stage", failed.stage),
        ("class.name", failed.class),
        ("exception.class.name", failed.exception.unwrap_or_else(data_exception)),
        ("exception.message", json!("<text>")),
        ("exception.stacktrace", json!("<text>")),
    ];
    let own = record.entry("headers").or_insert_with(|| json!([]));
    let headers = own.as_array_mut().ok_or_else(|| Error::new("`failed` needs `headers` as a list"))?;
    headers.extend(context.into_iter().map(|(name, value)| json!([format!("__connect.errors.{name}"), value])));
    Ok(record)
}

#[test]
fn a_failure_stands_for_ten_headers() -> Result<()> {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
    let record = as_headers(&read(r#"{"headers":[["h","1"]],"failed":{"stage":"S","class":"C","offset":7}}"#)?)?;
    let headers = record["headers"].as_array().cloned().unwrap_or_default();
    assert_eq!(record.len(), 1);
    assert_eq!(headers.len(), 11);
    assert_eq!(headers[..4].iter().map(|pair| pair[1].clone()).collect::<Vec<_>>(), ["1", "{name}-t", "0", "7"]);
    assert!(as_headers(&read(r#"{"failed":{"stage":"S"}}"#)?).is_err());
    assert!(as_headers(&read(r#"{"headers":{},"failed":{"stage":"S","class":"C","offset":7}}"#)?).is_err());
    Ok(())
}
