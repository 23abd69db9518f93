//! Source tasks whose records, or requests, are too large for the producer or the topic.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use millstream_api::{Batch, Column, Header, Headers};
use millstream_core::cluster::State;
use millstream_testbed::{Topics, shared, unique};

use crate::harness::{LIMIT, Tasks, until};

const TIME: i64 = 1_790_000_000_000;

fn lines(range: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    range.map(|n| format!("line-{n}"))
}

async fn values(topics: &Topics, topic: &str, count: usize) -> Vec<String> {
    let records = topics.read_at_least(topic, count, LIMIT).await.unwrap();
    records.iter().map(|record| record.value_text()).collect()
}

/// A line of so many bytes that begins with its number, and that hardly compresses.
fn line(n: usize, bytes: usize) -> String {
    let mut state = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    };
    let mut text = format!("{n} ");
    text.extend(std::iter::from_fn(|| Some(next())).take(bytes.saturating_sub(text.len())));
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_too_large_fails_the_task_or_is_skipped() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    for tolerance in ["none", "all"] {
        let topic = unique("large");
        topics.create(&topic, 1, &[]).await.unwrap();
        let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
        let running = tasks.source(&topic, &[("errors.tolerance", tolerance)]);
        tasks.lines.add(lines(0..15).chain(["x".repeat(3 << 20)]).chain(lines(16..30)));
        if tolerance == "none" {
            let trace = tasks.until_state(0, State::Failed).await;
            assert!(
                trace.contains(&topic) && trace.contains("too large") && trace.contains("max.request.size"),
                "{trace}"
            );
            tasks.stop(running).await;
            assert!(tasks.stored().await <= 10, "nothing of its batch or later");
        } else {
            until("all else is stored", async || tasks.stored().await == 30).await;
            assert_eq!(values(&topics, &topic, 29).await, lines(0..15).chain(lines(16..30)).collect::<Vec<_>>());
            assert_eq!(tasks.metric("kafka_connect_source_task_source_record_poll_total"), Some(30.0));
            assert_eq!(tasks.metric("kafka_connect_source_task_source_record_write_total"), Some(29.0));
            assert_eq!(tasks.metric("kafka_connect_source_task_source_record_active_count"), Some(0.0));
            tasks.stop(running).await;
        }
    }
}

/// Java's producer cuts what a topic does not take. What is behind it waits, though the topic would take it.
#[tokio::test(flavor = "multi_thread")]
async fn requests_too_large_for_the_topic_are_cut() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let small = |_| 200;
    let mixed = |n: usize| if n % 1000 < 5 { 190_000 } else { 200 };
    let gzip = [("producer.override.compression.type", "gzip")];
    type Bytes = fn(usize) -> usize;
    let acks = [("producer.override.acks", "1")];
    let cases: [(_, _, _, Bytes, &[_]); 5] = [
        ("plain", "3000", 1000, small, &[]),
        ("gzip", "3000", 1000, small, &gzip),
        ("one-ack", "3000", 1000, small, &acks),
        ("few", "300000", 30, |_| 200_000, &[]),
        ("mixed", "300000", 3000, mixed, &[]),
    ];
    for (name, limit, count, bytes, config) in cases {
        let topic = unique(name);
        topics.create(&topic, 1, &[("max.message.bytes", limit)]).await.unwrap();
        let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
        let running = tasks.source(&topic, config);
        tasks.lines.add((0..count).map(|n| line(n, bytes(n))));
        until("all is stored", async || tasks.stored().await == count as u64).await;
        let expected: Vec<_> = (0..count).map(|n| line(n, bytes(n))).collect();
        assert!(values(&topics, &topic, count).await == expected, "{name}: in order, once");
        // What comes later goes the same way.
        tasks.lines.add((count..count + 50).map(|n| line(n, 200)));
        until("the rest is stored", async || tasks.stored().await == count as u64 + 50).await;
        let end = topics.end_offsets(&topic).await.unwrap()[&0];
        assert_eq!(end, count as i64 + 50, "{name}: once");
        assert_eq!(tasks.metric("kafka_connect_source_task_source_record_write_total"), Some(count as f64 + 50.0));
        assert_eq!(tasks.metric("kafka_connect_source_task_source_record_active_count"), Some(0.0));
        tasks.stop(running).await;
    }
}

/// Partitions, timestamps and headers are those of the first attempt; other topics of the task go on.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_is_as_it_was() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("again"));
    topics.create(&topic, 3, &[("max.message.bytes", "1500")]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    *tasks.lines.shape.lock() = Some(Box::new(|mut batch: Batch, first| {
        let rows = batch.len();
        let number = |row| (first + row) as i64;
        let keys = StringArray::from_iter_values((0..rows).map(|row| format!("k{}", (first + row) % 7)));
        batch.key = Column::new(Arc::new(Field::new("", DataType::Utf8, true)), Arc::new(keys)).unwrap();
        batch.timestamps = Some(Int64Array::from_iter_values((0..rows).map(|row| TIME + number(row))));
        let header = |row: usize| Header::raw("n", Some(number(row).to_string().into()));
        batch.headers =
            Headers::from_rows((0..rows).map(|row| if row.is_multiple_of(2) { vec![header(row)] } else { vec![] }));
        batch
    }));
    let running = tasks.source(&topic, &[]);
    tasks.lines.add((0..1000).map(|n| line(n, 100)));
    until("all is stored", async || tasks.stored().await == 1000).await;
    let records = topics.read_all(&topic).await.unwrap();
    assert_eq!(records.len(), 1000);
    let mut last: std::collections::BTreeMap<i32, usize> = Default::default();
    let mut partition_of: std::collections::BTreeMap<usize, i32> = Default::default();
    for record in &records {
        let n: usize = record.value_text().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(record.value_text(), line(n, 100));
        assert!(last.insert(record.partition, n).is_none_or(|before| before < n), "{n} is behind a later one");
        assert_eq!(*partition_of.entry(n % 7).or_insert(record.partition), record.partition, "a key has one partition");
        assert_eq!(record.timestamp, Some(TIME + n as i64));
        let expected =
            if n.is_multiple_of(2) { vec![("n".to_owned(), Some(n.to_string().into_bytes()))] } else { vec![] };
        assert_eq!(record.headers, expected);
    }
    assert!(last.len() > 1, "several partitions");
    tasks.stop(running).await;
}

/// A record that its topic does not take even alone is treated as one that no request can hold.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_topic_never_takes_fails_the_task_or_is_skipped() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    for tolerance in ["none", "all"] {
        let topic = unique("refused");
        topics.create(&topic, 1, &[("max.message.bytes", "2000")]).await.unwrap();
        let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
        let running = tasks.source(&topic, &[("errors.tolerance", tolerance)]);
        let bytes = |n| if n % 40 == 13 { 5000 } else { 150 };
        tasks.lines.add((0..200).map(|n| line(n, bytes(n))));
        if tolerance == "none" {
            let trace = tasks.until_state(0, State::Failed).await;
            assert!(trace.contains(&topic) && trace.contains("max.message.bytes"), "{trace}");
            tasks.stop(running).await;
            assert!(tasks.stored().await <= 10, "nothing of its batch or later");
        } else {
            until("all else is stored", async || tasks.stored().await == 200).await;
            let expected: Vec<_> = (0..200).filter(|&n| bytes(n) < 2000).map(|n| line(n, 150)).collect();
            assert!(values(&topics, &topic, 195).await == expected, "in order, once");
            assert_eq!(tasks.metric("kafka_connect_task_error_total_records_skipped"), Some(5.0));
            assert_eq!(tasks.metric("kafka_connect_source_task_source_record_write_total"), Some(195.0));
            tasks.stop(running).await;
        }
    }
}
