//! Rows of sinks that fail in a converter or a transformation: into the dead letter queue, as they were.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use millstream_api::SinkBatch;
use millstream_core::cluster::State;
use millstream_testbed::{NewRecord, Record, Topics, shared, unique};

use super::{CAST, INTEGER, JSON};
use crate::harness::{Tasks, until};

fn sink<'a>(queue: &'a str, tolerance: &'a str, schemas: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("key.converter", INTEGER),
        ("value.converter", JSON),
        ("value.converter.schemas.enable", schemas),
        ("header.converter", INTEGER),
        ("transforms", "first,number"),
        // Reads and changes nothing.
        ("transforms.first.type", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
        ("transforms.first.exclude", "none"),
        ("transforms.number.type", CAST),
        ("transforms.number.spec", "n:int32"),
        ("errors.tolerance", tolerance),
        ("errors.deadletterqueue.topic.name", queue),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ]
}

fn value(schemas: bool, n: &str) -> String {
    let payload = format!("{{\"n\":\"{n}\"}}");
    let field = r#"{"type":"string","optional":false,"field":"n"}"#;
    match schemas {
        true => format!(r#"{{"schema":{{"type":"struct","fields":[{field}],"optional":false}},"payload":{payload}}}"#),
        false => payload,
    }
}

fn numbers(batch: &SinkBatch, schemas: bool) -> Vec<i64> {
    let values = batch.batch.value.array();
    match schemas {
        true => values.as_struct().column(0).as_primitive::<Int32Type>().values().iter().map(|n| (*n).into()).collect(),
        false => {
            let texts = values.as_string::<i32>().iter().flatten();
            texts.map(|text| serde_json::from_str::<BTreeMap<String, i64>>(text).unwrap()["n"]).collect()
        }
    }
}

fn context<'a>(letter: &'a Record, name: &str) -> &'a str {
    let key = format!("__connect.errors.{name}");
    let found = letter.headers.iter().find(|(header, _)| *header == key);
    std::str::from_utf8(found.unwrap().1.as_deref().unwrap()).unwrap()
}

const FAILED: [(usize, &str, &str); 4] = [
    (1, "KEY_CONVERTER", INTEGER),
    (3, "VALUE_CONVERTER", JSON),
    (4, "HEADER_CONVERTER", INTEGER),
    (6, "TRANSFORMATION", CAST),
];

fn records(schemas: bool) -> Vec<NewRecord> {
    let good =
        |n: usize| NewRecord::value(value(schemas, &n.to_string())).key(*b"\0\0\0\x01").header("h", *b"\0\0\0\x02");
    (0..9)
        .map(|n| match n {
            1 => good(n).key("odd").timestamp(1_700_000_000_001),
            // A second fault behind the first makes no second letter.
            3 => NewRecord::value("no json").key(*b"\0\0\0\x01").header("h", "odd"),
            4 => good(n).header("h", "odd").header("h", *b"\0\0\0\x03"),
            6 => NewRecord::value(value(schemas, "x")).key(*b"\0\0\0\x01").header("h", *b"\0\0\0\x02"),
            _ => good(n),
        })
        .map(|record| record.partition(0))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_goes_on_in_order_and_letters_say_where_each_failed() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    for schemas in [true, false] {
        let (topic, queue) = (unique("failing"), unique("dead"));
        topics.create(&topic, 1, &[]).await.unwrap();
        topics.produce(&topic, records(schemas)).await.unwrap();
        let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
        let running = tasks.sink(0, &topic, &sink(&queue, "all", if schemas { "true" } else { "false" }));
        until("all is committed", async || {
            topics.committed(&format!("connect-{topic}"), &topic).await.unwrap().get(&0) == Some(&9)
        })
        .await;
        let put: Vec<i64> = tasks.book.taken.lock().iter().flat_map(|batch| numbers(batch, schemas)).collect();
        assert_eq!(put, [0, 2, 5, 7, 8]);

        let (letters, originals) = (topics.read_all(&queue).await.unwrap(), topics.read_all(&topic).await.unwrap());
        assert_eq!(letters.len(), FAILED.len());
        for (letter, (offset, stage, class)) in letters.iter().zip(FAILED) {
            let original = &originals[offset];
            assert_eq!((&letter.key, &letter.value), (&original.key, &original.value));
            assert_eq!(letter.timestamp, original.timestamp);
            assert_eq!(letter.headers[..original.headers.len()], original.headers);
            assert_eq!(letter.headers.len(), original.headers.len() + 10);
            assert_eq!(context(letter, "offset"), offset.to_string());
            assert_eq!((context(letter, "topic"), context(letter, "partition")), (topic.as_str(), "0"));
            assert_eq!((context(letter, "stage"), context(letter, "class.name")), (stage, class));
            let exception = context(letter, "exception.class.name");
            assert_eq!(exception, "org.apache.kafka.connect.errors.DataException", "{stage}");
        }
        let metric = |name: &str| tasks.metric(&format!("kafka_connect_task_error_{name}"));
        assert_eq!((metric("total_record_failures"), metric("total_records_skipped")), (Some(4.0), Some(4.0)));
        assert_eq!(metric("deadletterqueue_produce_requests"), Some(4.0));
        tasks.stop(running).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tolerance_the_first_is_kept_and_fails_the_task_after_what_came_before() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let (topic, queue) = (unique("intolerant"), unique("dead"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    let running = tasks.sink(0, &topic, &sink(&queue, "none", "false"));
    let all = records(false);
    topics.produce(&topic, all[..1].to_vec()).await.unwrap();
    until("the first is put", async || tasks.book.taken.lock().len() == 1).await;
    topics.produce(&topic, [all[6].clone(), all[6].clone(), all[3].clone()]).await.unwrap();
    let trace = tasks.until_state(0, State::Failed).await;
    for part in ["transformation number", "stage TRANSFORMATION", "offset 1", topic.as_str()] {
        assert!(trace.contains(part), "{part} is not in {trace}");
    }
    tasks.stop(running).await;
    let letters = topics.read_all(&queue).await.unwrap();
    assert_eq!(letters.iter().map(|letter| context(letter, "offset")).collect::<Vec<_>>(), ["1"]);
    assert_eq!(tasks.book.ends(&topic)[&0], 1, "nothing of its batch is put");
}
