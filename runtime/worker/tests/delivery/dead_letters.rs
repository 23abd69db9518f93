//! Dead letter queues of sink connectors.

use std::collections::BTreeMap;

use millstream_testbed::poll::until;
use millstream_testbed::{Kafka, NewRecord, Record, Topics, shared, unique};

use crate::scripted::{JSON, LIMIT, SINK, TestWorker};

const NAME: &str = "__connect.errors.";

/// A sink that reads JSON without schema from `topic`, with a dead letter queue `queue` of one replica.
fn sink<'a>(topic: &'a str, queue: &'a str, tolerance: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("topics", topic),
        ("key.converter", JSON),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", JSON),
        ("value.converter.schemas.enable", "false"),
        ("errors.tolerance", tolerance),
        ("errors.deadletterqueue.topic.name", queue),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
    ]
}

fn context(record: &Record) -> BTreeMap<String, String> {
    let text = |value: &Option<Vec<u8>>| String::from_utf8(value.clone().unwrap()).unwrap();
    let ours = record.headers.iter().filter_map(|(key, value)| Some((key.strip_prefix(NAME)?.to_owned(), text(value))));
    ours.collect()
}

async fn wait_committed(topics: &Topics, connector: &str, topic: &str, offset: i64) {
    until(format!("offset {offset} of {topic}"), LIMIT, || async {
        let committed = topics.committed(&format!("connect-{connector}"), topic).await?.get(&0).copied();
        Ok((committed == Some(offset)).then_some(()))
    })
    .await
    .unwrap();
}

async fn nothing_committed(topics: &Topics, connector: &str, topic: &str) {
    let committed = topics.committed(&format!("connect-{connector}"), topic).await.unwrap();
    assert!(committed.is_empty(), "{committed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_are_kept_as_they_were() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let (name, topic, queue) = (unique("tolerant"), unique("in"), unique("dead"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let records = [
        NewRecord::value("{\"n\":1}").key("\"a\""),
        NewRecord::value("no json").key("\"b\"").timestamp(1_700_000_000_001).header("h", [0, 255]).header("h", "2"),
        NewRecord::value("\"bad\"").key("\"c\"").timestamp(1_700_000_000_002),
        NewRecord::value("nor this").key("broken {"),
        NewRecord::value("{\"n\":2}"),
        NewRecord::value("{\"n\":\"bad\"}"),
    ];
    topics.produce(&topic, records).await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[]).await;
    let mut config = sink(&topic, &queue, "all");
    config.push(("errors.deadletterqueue.context.headers.enable", "true"));
    worker.create(&name, SINK, &config).await;
    wait_committed(&topics, &name, &topic, 6).await;

    // All offsets are committed, so every letter is there.
    let letters = topics.read_all(&queue).await.unwrap();
    assert_eq!(topics.partitions(&queue).await.unwrap().unwrap(), [0]);
    assert_eq!(*worker.taken.lock(), ["{\"n\":1}", "{\"n\":2}"]);
    let originals = topics.read_all(&topic).await.unwrap();
    let letter = |offset: usize| {
        let found = letters.iter().find(|letter| context(letter)["offset"] == offset.to_string());
        found.unwrap_or_else(|| panic!("no letter of offset {offset}"))
    };
    let told = [
        (1, "VALUE_CONVERTER", "org.apache.kafka.connect.json.JsonConverter"),
        (2, "TASK_PUT", "org.apache.kafka.connect.sink.SinkTask"),
        (3, "KEY_CONVERTER", "org.apache.kafka.connect.json.JsonConverter"),
        (5, "TASK_PUT", "org.apache.kafka.connect.sink.SinkTask"),
    ];
    assert_eq!(letters.len(), told.len(), "one letter a record, also where key and value are bad");
    for (offset, stage, class) in told {
        let (letter, original) = (letter(offset), &originals[offset]);
        assert_eq!((&letter.key, &letter.value), (&original.key, &original.value));
        assert_eq!(letter.timestamp, original.timestamp);
        assert_eq!(letter.headers[..original.headers.len()], original.headers);
        let context = context(letter);
        assert_eq!(context.len(), 10);
        assert_eq!((&*context["stage"], &*context["class.name"]), (stage, class));
        assert_eq!((&*context["topic"], &*context["partition"]), (topic.as_str(), "0"));
        assert_eq!((&*context["connector.name"], &*context["task.id"]), (name.as_str(), "0"));
        assert_eq!(context["exception.class.name"], "org.apache.kafka.connect.errors.DataException");
    }
    assert_eq!(context(letter(2))["exception.message"], "probe: bad record");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_there_stays_and_context_is_told_only_when_asked_for() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let (name, topic, queue) = (unique("plain"), unique("in"), unique("dead"));
    topics.create(&topic, 1, &[]).await.unwrap();
    topics.create(&queue, 3, &[]).await.unwrap();
    topics.produce(&topic, [NewRecord::value("no json").header("own", "1")]).await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[]).await;
    worker.create(&name, SINK, &sink(&topic, &queue, "all")).await;
    let letters = topics.read_at_least(&queue, 1, LIMIT).await.unwrap();
    assert_eq!(letters[0].headers, [("own".to_owned(), Some(b"1".to_vec()))]);
    assert_eq!(letters[0].key, None);
    assert_eq!(topics.partitions(&queue).await.unwrap().unwrap().len(), 3);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tolerance_the_record_is_kept_and_fails_the_task() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let worker = TestWorker::start(&kafka.bootstrap(), &[]).await;
    let (reported, unread) = (unique("reported"), unique("unread"));
    for (name, value, kept) in [(&reported, "\"bad\"", 1), (&unread, "no json", 1)] {
        let (topic, queue) = (unique("in"), unique("dead"));
        topics.create(&topic, 1, &[]).await.unwrap();
        topics.produce(&topic, [NewRecord::value(value)]).await.unwrap();
        worker.create(name, SINK, &sink(&topic, &queue, "none")).await;
        let trace = worker.task_failure(name).await;
        assert!(trace.contains("offset 0"), "{trace}");
        let letters = topics.read_at_least(&queue, kept, LIMIT).await.unwrap();
        assert_eq!(letters.len(), kept, "{name}");
        nothing_committed(&topics, name, &topic).await;
    }
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_cannot_be_delivered_fails_the_task() {
    let kafka = shared().kafka().await.unwrap();
    let topics = Topics::new(kafka.bootstrap());
    let (name, topic, queue) = (unique("large"), unique("in"), unique("dead"));
    topics.create(&topic, 1, &[]).await.unwrap();
    topics.create(&queue, 1, &[("max.message.bytes", "1000")]).await.unwrap();
    topics.produce(&topic, [NewRecord::value("x".repeat(5000))]).await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[]).await;
    worker.create(&name, SINK, &sink(&topic, &queue, "all")).await;
    let trace = worker.task_failure(&name).await;
    for part in ["dead letter queue", &queue, &topic, "offset 0"] {
        assert!(trace.contains(part), "{trace}");
    }
    nothing_committed(&topics, &name, &topic).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_cannot_be_made_fails_the_task_at_its_start() {
    let kafka = shared().kafka().await.unwrap();
    let (name, queue) = (unique("replicas"), unique("dead"));
    let worker = TestWorker::start(&kafka.bootstrap(), &[]).await;
    let mut config = sink("any", &queue, "all");
    config.pop();
    worker.create(&name, SINK, &config).await;
    let trace = worker.task_failure(&name).await;
    assert!(trace.contains(&format!("Could not initialize dead letter queue with topic={queue}")), "{trace}");
    assert!(trace.contains("errors.deadletterqueue.topic.replication.factor"), "{trace}");
    worker.end().await;
}

/// The queue lies on a cluster of its own, which is away for a while.
#[tokio::test(flavor = "multi_thread")]
async fn offsets_wait_for_the_letters_before_them() {
    let kafka = shared().kafka().await.unwrap();
    let other = Kafka::start().await.unwrap();
    let (topics, elsewhere) = (Topics::new(kafka.bootstrap()), Topics::new(other.bootstrap()));
    let (name, topic, queue) = (unique("waits"), unique("in"), unique("dead"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let worker = TestWorker::start(&kafka.bootstrap(), &[("offset.flush.timeout.ms", "300")]).await;
    let bootstrap = other.bootstrap();
    let mut config = sink(&topic, &queue, "all");
    config.extend([
        ("producer.override.bootstrap.servers", bootstrap.as_str()),
        ("admin.override.bootstrap.servers", bootstrap.as_str()),
    ]);
    worker.create(&name, SINK, &config).await;
    topics.produce(&topic, [NewRecord::value("no json")]).await.unwrap();
    wait_committed(&topics, &name, &topic, 1).await;

    other.pause().unwrap();
    topics.produce(&topic, [NewRecord::value("\"bad\"")]).await.unwrap();
    for n in 0..8 {
        // Records go on, one after the other; commits fall between them.
        topics.produce(&topic, [NewRecord::value(n.to_string())]).await.unwrap();
        until("the record", LIMIT, || async { Ok((worker.taken.lock().len() > n).then_some(())) }).await.unwrap();
        let committed = topics.committed(&format!("connect-{name}"), &topic).await.unwrap();
        assert_eq!(committed[&0], 1, "a letter is not acknowledged");
    }
    other.resume().unwrap();
    wait_committed(&topics, &name, &topic, 10).await;
    assert_eq!(elsewhere.read_all(&queue).await.unwrap().len(), 2);
    worker.end().await;
}
