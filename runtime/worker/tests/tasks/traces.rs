//! What the status of a failed task says: what failed and where, why, and what to do; and what the metrics count of it.

use millstream_api::Error;
use millstream_core::cluster::State;
use millstream_testbed::{NewRecord, Topics, shared, unique};

use crate::harness::{Tasks, until};

const LONG: &str = "org.apache.kafka.connect.converters.LongConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

async fn tasks(name: &str, topic: bool) -> (Tasks, String) {
    let kafka = shared().kafka().await.unwrap();
    let name = unique(name);
    if topic {
        let topics = Topics::new(kafka.bootstrap());
        topics.create(&name, 1, &[]).await.unwrap();
        topics.produce(&name, (0..3).map(|n| NewRecord::value(format!("{{hush{n}")))).await.unwrap();
    }
    (Tasks::new(&kafka.bootstrap(), &name).await, name)
}

/// Each line as it must be; a sentence that others word is only looked at for some of its words.
fn assert_trace(trace: &str, kind: &str, parts: &[&str]) {
    let lines: Vec<_> = trace.lines().collect();
    assert!(lines[0].starts_with(&format!("{kind}: ")), "{trace}");
    for part in parts {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in\n{trace}");
    }
    let advice = lines.iter().filter(|line| line.starts_with("What to do: ")).count();
    assert!(advice == 1 && lines.last().unwrap().starts_with("What to do: "), "{trace}");
    assert!(!trace.contains("hush") && trace.ends_with('\n'), "{trace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_source_task() {
    let (tasks, name) = tasks("poll-fails", true).await;
    let here = format!("\tat task {name}-0");
    let running = tasks.source(&name, &[]);
    let gone = Error::fatal("the table is gone").at("table t").caused_by(std::io::Error::other("no such thing"));
    tasks.lines.errors.lock().extend([Error::retriable("wait"), gone]);
    tasks.lines.more.notify_one();
    let trace = tasks.until_state(0, State::Failed).await;
    assert_trace(
        &trace,
        "fatal",
        &["the table is gone", "\tat table t", "\tat poll", &here, "Caused by: no such thing"],
    );
    assert_eq!(tasks.metric("kafka_connect_task_error_total_retries"), Some(1.0));
    drop(running);
    assert_eq!(tasks.metric("kafka_connect_task_error_total_retries"), None, "nobody keeps it");

    let (tasks, name) = self::tasks("encode-fails", true).await;
    let here = format!("\tat task {name}-0");
    let _running = tasks.source(&name, &[("value.converter", LONG)]);
    tasks.lines.add(["hush".to_owned()]);
    let trace = tasks.until_state(0, State::Failed).await;
    let at_topic = format!("\tat topic {name}");
    assert_trace(&trace, "data", &[&at_topic, "\tat stage VALUE_CONVERTER", &here, "StringConverter"]);
    assert_eq!(tasks.metric("kafka_connect_task_error_total_record_failures"), Some(1.0));

    let (tasks, name) = self::tasks("creation-fails", false).await;
    let creation = [("topic.creation.default.replication.factor", "7"), ("topic.creation.default.partitions", "1")];
    let _running = tasks.source(&name, &creation);
    tasks.lines.add(["one".to_owned()]);
    let trace = tasks.until_state(0, State::Failed).await;
    let sentence = format!("Unable to create topic(s): {name}");
    assert_trace(&trace, "fatal", &[&sentence, "replication factor 7", "Caused by: ", "topic.creation.*"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_sink_task() {
    let (tasks, name) = tasks("put-fails", true).await;
    let here = format!("\tat task {name}-0");
    let put = format!("\tat put of topic {name}, partition 0, offsets 0 to 2");
    tasks.book.on_put(0, |_, batches| if batches.is_empty() { Ok(()) } else { Err(Error::fatal("the disk is full")) });
    let _running = tasks.sink(0, &name, &[]);
    let trace = tasks.until_state(0, State::Failed).await;
    assert_trace(&trace, "fatal", &["the disk is full", &put, &here, "restart"]);

    let (tasks, name) = self::tasks("put-panics", true).await;
    let here = format!("\tat task {name}-0");
    tasks.book.on_put(0, |_, batches| if batches.is_empty() { Ok(()) } else { panic!("index 7") });
    let _running = tasks.sink(0, &name, &[]);
    let trace = tasks.until_state(0, State::Failed).await;
    assert_trace(&trace, "internal", &["panicked", "Caused by: index 7", &here, "report this"]);

    let (tasks, name) = self::tasks("decode-fails", true).await;
    let at = format!("\tat topic {name}, partition 0, offset 0");
    let _running = tasks.sink(0, &name, &[("value.converter", JSON)]);
    let trace = tasks.until_state(0, State::Failed).await;
    assert_trace(&trace, "data", &[&at, "\tat stage VALUE_CONVERTER"]);

    let (tasks, name) = self::tasks("letters-fail", true).await;
    let queue = [("errors.tolerance", "all"), ("errors.deadletterqueue.topic.name", "letters-of-nobody")];
    let _running = tasks.sink(0, &name, &queue);
    let trace = tasks.until_state(0, State::Failed).await;
    assert_trace(
        &trace,
        "fatal",
        &["Could not initialize dead letter queue", "Unable to create topic(s)", "replication"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_and_repeated_records_are_counted() {
    let (tasks, name) = tasks("skips", true).await;
    let mut refuse = 2;
    tasks.book.on_put(0, move |host, batches| {
        let Some(batch) = batches.first() else { return Ok(()) };
        if refuse > 0 {
            refuse -= 1;
            host.retry_after(std::time::Duration::from_millis(1));
            return Err(Error::retriable("not now"));
        }
        host.report(batch, vec![millstream_api::RowFailure { row: 1, error: Error::data("odd") }])
    });
    let running = tasks.sink(0, &name, &[("errors.tolerance", "all"), ("errors.log.enable", "true")]);
    tasks.until_state(0, State::Running).await;
    let wanted = [
        ("kafka_connect_task_error_total_retries", 2.0),
        ("kafka_connect_task_error_total_records_skipped", 1.0),
        ("kafka_connect_task_error_total_errors_logged", 1.0),
        ("kafka_connect_sink_task_sink_record_send_total", 3.0),
        ("kafka_connect_sink_task_sink_record_active_count", 0.0),
    ];
    until("all is counted", async || wanted.iter().all(|(metric, value)| tasks.metric(metric) == Some(*value))).await;
    assert!(tasks.metric("kafka_connect_task_error_last_error_timestamp").unwrap() > 1.7e12);
    tasks.stop(running).await;
}
