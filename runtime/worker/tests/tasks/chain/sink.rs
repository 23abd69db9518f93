//! Chains of sink tasks.

use std::time::Duration;

use arrow::array::AsArray;
use millstream_api::TopicPartition;
use millstream_testbed::{NewRecord, Topics, shared, unique};

use super::{DROP, INSERT, JSON, ROUTER};
use crate::harness::{Book, Tasks, until};

/// Offset and new topic of what was put, in order, from this batch on.
fn taken(book: &Book, from: usize) -> Vec<(i64, String)> {
    let all = book.taken.lock();
    let rows = |batch: &millstream_api::SinkBatch| {
        let topic = batch.batch.topic.to_string();
        batch.offsets.values().iter().map(move |offset| (*offset, topic.clone())).collect::<Vec<_>>()
    };
    all.iter().skip(from).flat_map(rows).collect()
}

async fn committed(topics: &Topics, topic: &str) -> i64 {
    topics.committed(&format!("connect-{topic}"), topic).await.unwrap().get(&0).copied().unwrap_or(-1)
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_those_of_the_origin_and_go_past_dropped_records() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("sinkchain"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let is_kept = |n: i64| n % 3 != 2;
    let record = |n: i64| {
        let record = NewRecord::value(format!("{{\"n\":{n}}}")).partition(0);
        if is_kept(n) { record } else { record.header("drop", "yes") }
    };
    topics.produce(&topic, (0..90).map(record)).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    let mut config = vec![
        ("transforms", "drop,route,where"),
        ("transforms.route.type", ROUTER),
        ("transforms.route.regex", "(.*)"),
        ("transforms.route.replacement", "table"),
        ("transforms.where.type", INSERT),
        ("transforms.where.offset.field", "offset"),
        ("transforms.where.partition.field", "partition"),
        ("transforms.where.topic.field", "topic"),
        ("value.converter", JSON),
        ("value.converter.schemas.enable", "false"),
    ];
    config.extend(DROP);
    *tasks.book.durable.lock() = Some(31);
    let running = tasks.sink(0, &topic, &config);
    until("what is durable is committed", async || committed(&topics, &topic).await == 31).await;
    until("all is put", async || taken(&tasks.book, 0).len() == 60).await;
    let expected = |from: i64| (from..90).filter(|n| is_kept(*n)).map(|n| (n, "table".to_owned())).collect::<Vec<_>>();
    assert_eq!(taken(&tasks.book, 0), expected(0));
    let origin = TopicPartition::new(topic.as_str(), 0);
    for batch in tasks.book.taken.lock().iter() {
        assert_eq!(batch.origin, origin);
        let values = batch.batch.value.array().as_string::<i32>();
        for (value, offset) in values.iter().zip(batch.offsets.values()) {
            let value: serde_json::Value = serde_json::from_str(value.unwrap()).unwrap();
            // Where it was read, but for the topic, which was changed before.
            let expected = serde_json::json!({"n": offset, "offset": offset, "partition": 0, "topic": "table"});
            assert_eq!(value, expected);
        }
    }
    // Gone in the middle; what was not committed comes again. The last record is a dropped one.
    running.stop(Duration::ZERO);
    running.end().cancelled().await;
    let before = tasks.book.taken.lock().len();
    *tasks.book.durable.lock() = None;
    let running = tasks.sink(0, &topic, &config);
    until("all is committed", async || committed(&topics, &topic).await == 90).await;
    assert_eq!(taken(&tasks.book, before), expected(31));
    assert_eq!(tasks.metric("kafka_connect_sink_task_sink_record_active_count"), Some(0.0));
    tasks.stop(running).await;

    // Records that are all dropped are behind the task too.
    topics.produce(&topic, (0..5).map(|_| record(2))).await.unwrap();
    let before = tasks.book.taken.lock().len();
    let running = tasks.sink(0, &topic, &config);
    until("all is committed", async || committed(&topics, &topic).await == 95).await;
    assert_eq!(taken(&tasks.book, before), []);
    tasks.stop(running).await;
}
