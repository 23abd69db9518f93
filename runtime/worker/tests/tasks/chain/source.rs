//! Chains of source tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use millstream_api::{Column, Header, Headers};
use millstream_core::cluster::State;
use millstream_testbed::{Kafka, Record, Topics, shared, unique};
use millstream_worker::store::StatusStore;
use serde_json::json;

use super::{CAST, DROP, HAS_HEADER, HOIST, INSERT, INTEGER, JSON, ROUTER, marked};
use crate::harness::{LIMIT, Tasks, until};

const TIME: i64 = 1_700_000_000_000;

fn used_topics(tasks: &Tasks) -> BTreeSet<String> {
    tasks.statuses.table().topics(&tasks.name).map(|status| status.topic.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_dropped_changed_and_routed_and_offsets_go_past_all_of_them() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("chain"));
    let even = format!("{topic}-even");
    for topic in [&topic, &even] {
        topics.create(topic, 2, &[]).await.unwrap();
    }
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    *tasks.lines.shape.lock() = Some(Box::new(|batch, first| {
        let numbers = || (first..first + batch.len()).map(|n| n as i64);
        let (times, partitions) = (numbers().map(|n| TIME + n), numbers().map(|n| (n % 2) as i32));
        let mut batch = marked(batch.clone(), |row| match first + row {
            n if n % 3 == 0 => vec!["drop"],
            n if n % 2 == 1 => vec!["odd"],
            _ => vec![],
        });
        batch.timestamps = Some(Int64Array::from_iter_values(times));
        batch.partitions = Some(Int32Array::from_iter_values(partitions));
        batch
    }));
    let mut config = vec![
        ("transforms", "drop,hoist,stamp,route"),
        ("transforms.hoist.type", HOIST),
        ("transforms.hoist.field", "line"),
        ("transforms.stamp.type", INSERT),
        ("transforms.stamp.timestamp.field", "at"),
        ("transforms.stamp.static.field", "by"),
        ("transforms.stamp.static.value", "me"),
        ("transforms.route.type", ROUTER),
        ("transforms.route.regex", "(.*)"),
        ("transforms.route.replacement", "$1-even"),
        ("transforms.route.predicate", "odd"),
        ("transforms.route.negate", "true"),
        ("predicates.odd.type", HAS_HEADER),
        ("predicates.odd.name", "odd"),
        ("value.converter", JSON),
        ("value.converter.schemas.enable", "false"),
    ];
    config.extend(DROP);
    config.push(("predicates", "marked,odd"));
    let running = tasks.source(&topic, &config);
    // The last page is one row, which is dropped.
    tasks.lines.add((0..31).map(|n| format!("line-{n}")));
    until("all is stored", async || tasks.stored().await == 31).await;

    let check = |records: Vec<Record>, numbers: Vec<i64>, partition: i32| {
        assert_eq!(records.len(), numbers.len());
        for (record, n) in records.iter().zip(numbers) {
            let value = json!({"line": format!("line-{n}"), "at": TIME + n, "by": "me"});
            assert_eq!(record.value_json().unwrap(), value);
            assert_eq!((record.timestamp, record.partition), (Some(TIME + n), partition));
            let headers: Vec<_> = record.headers.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
            assert_eq!(headers, if n % 2 == 1 { vec![("odd", None)] } else { vec![] });
        }
    };
    let kept = |rest: i64| (0..31).filter(|n| n % 3 != 0 && n % 2 == rest).collect();
    check(topics.read_all(&topic).await.unwrap(), kept(1), 1);
    check(topics.read_all(&even).await.unwrap(), kept(0), 0);
    assert_eq!(used_topics(&tasks), BTreeSet::from([topic.clone(), even]));
    assert_eq!(tasks.metric("kafka_connect_source_task_source_record_poll_total"), Some(31.0));
    assert_eq!(tasks.metric("kafka_connect_source_task_source_record_write_total"), Some(20.0));
    assert_eq!(tasks.metric("kafka_connect_source_task_source_record_active_count"), Some(0.0));
    assert_eq!(tasks.metric("kafka_connect_task_error_total_record_failures"), Some(0.0));
    tasks.stop(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_made_and_remembered_by_their_name_after_the_chain() {
    // Nobody else may make topics here.
    let kafka = Kafka::builder().setting("auto.create.topics.enable", false).start().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("renamed"));
    let routed = format!("{topic}-routed");
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    let running = tasks.source(
        &topic,
        &[
            ("transforms", "route"),
            ("transforms.route.type", ROUTER),
            ("transforms.route.regex", ".*"),
            ("transforms.route.replacement", "$0-routed"),
            ("topic.creation.default.partitions", "3"),
            ("topic.creation.default.replication.factor", "1"),
        ],
    );
    tasks.lines.add(["a".to_owned()]);
    assert_eq!(topics.read_at_least(&routed, 1, LIMIT).await.unwrap()[0].value_text(), "a");
    assert_eq!(topics.partitions(&routed).await.unwrap().unwrap().len(), 3);
    assert_eq!(topics.partitions(&topic).await.unwrap(), None);
    assert_eq!(used_topics(&tasks), BTreeSet::from([routed]));
    tasks.stop(running).await;
}

/// Of a batch that goes to two topics, the part that goes second is refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_offset_waits_for_all_parts_of_its_batch() {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("parts"));
    let first = format!("{topic}-first");
    topics.create(&first, 1, &[]).await.unwrap();
    topics.create(&topic, 1, &[("max.message.bytes", "2000")]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    *tasks.lines.shape.lock() =
        Some(Box::new(|batch, _| marked(batch, |row| if row == 0 { vec!["first"] } else { vec![] })));
    let running = tasks.source(
        &topic,
        &[
            ("transforms", "route"),
            ("transforms.route.type", ROUTER),
            ("transforms.route.regex", "(.*)"),
            ("transforms.route.replacement", "$1-first"),
            ("transforms.route.predicate", "first"),
            ("predicates", "first"),
            ("predicates.first.type", HAS_HEADER),
            ("predicates.first.name", "first"),
        ],
    );
    tasks.lines.add(["small".to_owned(), "x".repeat(5000)]);
    let trace = tasks.until_state(0, State::Failed).await;
    assert!(trace.contains("max.message.bytes"), "{trace}");
    topics.read_at_least(&first, 1, LIMIT).await.unwrap();
    tasks.stop(running).await;
    assert_eq!(tasks.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_fails_is_left_out_or_fails_the_task() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    for tolerance in ["none", "all"] {
        let topic = unique("cast");
        topics.create(&topic, 1, &[]).await.unwrap();
        let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
        // The header converter takes int32 only.
        *tasks.lines.shape.lock() = Some(Box::new(|mut batch, first| {
            let numbers = Column::new(
                Arc::new(Field::new("", DataType::Int32, false)),
                Arc::new(Int32Array::from_iter_values(0..10)),
            );
            let texts = Column::new(
                Arc::new(Field::new("", DataType::Utf8, false)),
                Arc::new(StringArray::from(vec!["a"; 10])),
            );
            let [numbers, texts] = [numbers, texts].map(|column| Arc::new(column.unwrap()));
            let header = |row| Header::typed("h", if first + row == 13 { texts.clone() } else { numbers.clone() }, row);
            batch.headers = Headers::from_rows((0..batch.len()).map(|row| vec![header(row)]));
            batch
        }));
        let running = tasks.source(
            &topic,
            &[
                ("errors.tolerance", tolerance),
                ("transforms", "number"),
                ("transforms.number.type", CAST),
                ("transforms.number.spec", "int32"),
                ("value.converter", INTEGER),
                ("header.converter", INTEGER),
            ],
        );
        tasks.lines.add((0..20).map(|n| if n == 4 || n == 5 { "x".to_owned() } else { n.to_string() }));
        let metric = |name: &str| tasks.metric(&format!("kafka_connect_task_error_total_{name}"));
        if tolerance == "none" {
            let trace = tasks.until_state(0, State::Failed).await;
            let at_topic = format!("topic {topic}");
            for part in ["transformation number", "stage TRANSFORMATION", at_topic.as_str(), "errors.tolerance=all"] {
                assert!(trace.contains(part), "{part} is not in {trace}");
            }
            assert_eq!((metric("record_failures"), metric("records_skipped")), (Some(1.0), Some(0.0)));
            tasks.stop(running).await;
            assert_eq!(tasks.stored().await, 0);
        } else {
            until("all is stored", async || tasks.stored().await == 20).await;
            let records = topics.read_all(&topic).await.unwrap();
            let number = |bytes: &Option<Vec<u8>>| i32::from_be_bytes(bytes.as_deref().unwrap().try_into().unwrap());
            let values: Vec<i32> = records.iter().map(|record| number(&record.value)).collect();
            assert_eq!(values, (0..20).filter(|n| ![4, 5, 13].contains(n)).collect::<Vec<_>>());
            assert!(records.iter().all(|record| number(&record.headers[0].1) == number(&record.value) % 10));
            assert_eq!((metric("record_failures"), metric("records_skipped")), (Some(3.0), Some(3.0)));
            tasks.stop(running).await;
        }
    }
}
