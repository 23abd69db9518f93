//! Where offsets end up: keys that are there, topics of connectors, groups of another name, a standalone worker's file.

use std::time::Instant;

use millstream_testbed::{NewRecord, Record, Topics, shared, unique};
use serde_json::{Value, json};

use crate::worker::{LIMIT, Worker};

/// Keys and values of a connector's records, in order.
async fn records(topics: &Topics, topic: &str, connector: &str) -> Vec<(String, Option<String>)> {
    let mine = |record: &Record| record.key_text().starts_with(&format!("[\"{connector}\","));
    let all = topics.read_all(topic).await.unwrap();
    let text = |record: Record| (record.key_text(), record.value.is_some().then(|| record.value_text()));
    all.into_iter().filter(mine).map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_keeps_the_key_it_has_whatever_the_order_it_is_named_in() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let worker = Worker::distributed(kafka).await;
    let topic = format!("{}-offset", worker.group);
    let stored = [r#"["o9",{}]"#, r#"["o9",{"z":"q","x":1.5,"y":null}]"#, r#"["o9",{"b":1,"a":2}]"#];
    let seeds = stored.iter().enumerate().map(|(n, key)| NewRecord::value(format!("{{\"n\":{n}}}")).key(*key));
    topics.produce(&topic, seeds).await.unwrap();
    topics.produce(&topic, [NewRecord::value(r#"{"n":9}"#).key(r#"["o9",null]"#)]).await.unwrap();
    let body = json!({"name": "o9", "config": {"connector.class": "ProbeSource", "mode": "alter-true"},
        "initial_state": "STOPPED"});
    assert_eq!(worker.ask("POST", "/connectors", Some(&body.to_string())).await.0, 201);

    // Kafka Connect shows null for the last two, and neither alters nor deletes what it is asked to.
    let listed = worker.offsets_until("o9", |offsets| offsets.as_array().unwrap().len() == 3).await;
    for (partition, n) in [(json!({}), 0), (json!({"x": 1.5, "y": null, "z": "q"}), 1), (json!({"a": 2, "b": 1}), 2)] {
        let entry = json!({"partition": partition, "offset": {"n": n}});
        assert!(listed.as_array().unwrap().contains(&entry), "{entry}: {listed}");
    }
    let (status, message) =
        worker.alter("o9", json!([{"partition": {"a": 2, "b": 1}, "offset": {"n": 5, "m": 6}}])).await;
    assert_eq!((status, message.as_str()), (200, "The offsets for this connector have been altered successfully"));
    worker.alter("o9", json!([{"partition": {"name": "x", "task": 0}, "offset": {"n": 7}}])).await;
    let written = records(&topics, &topic, "o9").await;
    let has = |key: &str, value: &str| written.contains(&(key.to_owned(), Some(value.to_owned())));
    assert!(has(stored[2], r#"{"m":6,"n":5}"#), "{written:?}");
    assert!(has(r#"["o9",{"task":0,"name":"x"}]"#, r#"{"n":7}"#), "spelled as Kafka Connect spells it: {written:?}");
    assert_eq!(worker.reset("o9").await.0, 200);
    worker.offsets_until("o9", |offsets| *offsets == json!([])).await;
    let written = records(&topics, &topic, "o9").await;
    for key in stored {
        assert!(written.contains(&(key.to_owned(), None)), "{key}: {written:?}");
    }
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_with_a_topic_of_its_own() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let worker = Worker::distributed(kafka).await;
    let (data, own, shared) = (unique("data"), unique("own"), format!("{}-offset", worker.group));
    topics.create(&data, 1, &[]).await.unwrap();
    let config = json!({"topic": data, "offsets.storage.topic": own, "mode": "alter-true"});
    assert_eq!(worker.create("c", "ProbeSource", config).await.0, 201);
    let listed = worker.offsets_until("c", |offsets| offsets.as_array().unwrap().len() == 1).await;
    assert_eq!(listed[0]["offset"]["n"], 5);
    let policy = topics.describe_config(&own).await.unwrap();
    assert_eq!(policy["cleanup.policy"], "compact");
    let in_own = records(&topics, &own, "c").await;
    assert_eq!(in_own.len(), 1);
    // A copy goes to the worker's topic, a moment later.
    let start = Instant::now();
    while records(&topics, &shared, "c").await != in_own {
        assert!(start.elapsed() < LIMIT, "no copy");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    assert_eq!(worker.ask("PUT", "/connectors/c/stop", None).await.0, 204);
    let (status, _) = worker.alter("c", json!([{"partition": {"task": 0, "name": "x"}, "offset": {"n": 2}}])).await;
    assert_eq!(status, 200);
    let listed = worker.offsets_until("c", |offsets| offsets[0]["offset"]["n"] == 2).await;
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(records(&topics, &own, "c").await.last().unwrap().1.as_deref(), Some(r#"{"n":2}"#));
    assert_eq!(worker.reset("c").await.0, 200);
    assert_eq!(worker.offsets_until("c", |_| true).await, json!([]));
    for topic in [&own, &shared] {
        assert_eq!(records(&topics, topic, "c").await.last().unwrap().1, None, "{topic}");
    }
    // It starts over.
    assert_eq!(worker.ask("PUT", "/connectors/c/resume", None).await.0, 202);
    assert_eq!(topics.read_at_least(&data, 10, LIMIT).await.unwrap().len(), 10);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_with_a_group_of_another_name() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let worker = Worker::distributed(kafka).await;
    let (topic, group, name) = (unique("read"), unique("group"), unique("sink"));
    topics.create(&topic, 2, &[]).await.unwrap();
    topics.produce(&topic, (0..6).map(|n| NewRecord::value("x").partition(n % 2))).await.unwrap();
    let config = json!({"topics": topic, "consumer.override.group.id": group});
    assert_eq!(worker.create(&name, "ProbeSink", config).await.0, 201);
    let entry = |partition: i32, offset: Value| json!({"partition": {"kafka_partition": partition, "kafka_topic": topic}, "offset": offset});
    let at = |partition: i32, offset: i64| entry(partition, json!({"kafka_offset": offset}));
    worker.offsets_until(&name, |offsets| *offsets == json!([at(0, 3), at(1, 3)])).await;
    assert_eq!(topics.committed(&group, &topic).await.unwrap()[&1], 3);

    let (status, message) = worker.alter(&name, json!([at(0, 1)])).await;
    assert!(status == 400 && message.contains("must be in the STOPPED state"), "{message}");
    assert_eq!(worker.ask("PUT", &format!("/connectors/{name}/stop"), None).await.0, 204);
    // At once: the worker waits for its tasks to leave the group.
    let (status, message) = worker.alter(&name, json!([at(0, 1), entry(1, Value::Null)])).await;
    assert_eq!(status, 200, "{message}");
    assert_eq!(worker.offsets_until(&name, |_| true).await, json!([at(0, 1)]));
    // The good part of a mixed request may be carried out, as in Kafka Connect.
    let (status, message) = worker.alter(&name, json!([at(0, 2), at(7, 1)])).await;
    assert!(status == 500 && message.contains("Failed to alter consumer group offsets"), "{message}");
    assert_eq!(worker.reset(&name).await.0, 200);
    assert_eq!(worker.offsets_until(&name, |_| true).await, json!([]));
    assert_eq!(worker.reset(&name).await.0, 200, "no group left");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_worker() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::standalone(kafka, folder.path().join("offsets").to_str().unwrap()).await;
    let topic = unique("data");
    topics.create(&topic, 1, &[]).await.unwrap();
    let (status, created) = worker.create("c", "ProbeSource", json!({"topic": topic, "tasks.max": "2"})).await;
    assert_eq!(status, 201);
    assert_eq!(created["tasks"], json!([{"connector": "c", "task": 0}, {"connector": "c", "task": 1}]));
    worker.offsets_until("c", |offsets| offsets.as_array().unwrap().len() == 2).await;
    assert_eq!(worker.ask("PUT", "/connectors/c/stop", None).await.0, 204);
    let (status, message) = worker.alter("c", json!([{"partition": {"name": "x", "task": 0}}])).await;
    assert!(status == 200 && message.starts_with("The Connect framework-managed offsets"), "{message}");
    assert_eq!(worker.offsets_until("c", |_| true).await.as_array().unwrap().len(), 1);
    assert_eq!(worker.reset("c").await.0, 200);
    assert_eq!(worker.offsets_until("c", |_| true).await, json!([]));
    assert_eq!(worker.ask("PUT", "/connectors/c/fence", None).await.0, 500);
    worker.end().await;
}
