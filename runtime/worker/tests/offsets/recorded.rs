//! What Kafka Connect answered about offsets of connectors that have an opinion of them, asked again.

use millstream_testbed::{Topics, shared, unique};
use serde::Deserialize;
use serde_json::Value;

use crate::worker::Worker;

#[derive(Deserialize)]
struct Exchange {
    method: String,
    path: String,
    raw: Option<String>,
    status: u16,
    #[serde(default)]
    answer: Value,
}

/// The text with the topic of this run.
fn exchanges(topic: &str) -> Vec<Exchange> {
    let path = format!("{}/../../tests/golden/rest/offsets-other-connector.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap().replace("probe-x-t", topic);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_with_an_opinion_of_offsets() {
    let kafka = shared().kafka().await.unwrap();
    let topic = unique("probe");
    Topics::new(kafka.bootstrap()).create(&topic, 1, &[]).await.unwrap();
    let worker = Worker::distributed(kafka).await;
    let mut listed = 0;
    for Exchange { method, path, raw, status, answer } in exchanges(&topic) {
        let shown = format!("{method} {path} {}", raw.as_deref().unwrap_or_default());
        if method == "GET" {
            let name = path.split('/').nth(2).unwrap();
            let wanted = &answer["offsets"];
            // How many records a sink has read by now depends on when it was asked.
            worker.offsets_until(name, |ours| same(wanted, ours)).await;
            listed += 1;
            continue;
        }
        if path == "/connectors/k1/stop" {
            // Not before it has read something.
            worker.offsets_until("k1", |ours| *ours != serde_json::json!([])).await;
        }
        let (ours, body) = worker.ask(&method, &path, raw.as_deref()).await;
        assert_eq!(ours, status, "{shown}: {body}");
        match answer.get("message").and_then(Value::as_str) {
            Some("<message>") => assert!(!body["message"].as_str().unwrap().is_empty(), "{shown}"),
            Some(message) => assert_eq!(body["message"], message, "{shown}"),
            None => {}
        }
    }
    assert!(listed > 10);
    worker.end().await;
}

/// Equal, whatever the order of keys and partitions and the number of records a sink has read.
fn same(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().all(|theirs| ours.iter().any(|ours| same(theirs, ours)))
        }
        (Value::Object(theirs), Value::Object(ours)) => {
            theirs.len() == ours.len()
                && theirs.iter().all(|(key, value)| match ours.get(key) {
                    Some(number) if key == "kafka_offset" => number.as_i64().is_some_and(|n| n > 0),
                    Some(ours) => same(value, ours),
                    None => false,
                })
        }
        _ => theirs == ours,
    }
}
