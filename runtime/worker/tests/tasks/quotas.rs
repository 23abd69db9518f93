//! Tasks whose brokers hold them to a quota.

use millstream_core::cluster::State;
use millstream_testbed::{Kafka, Topics, unique};

use crate::harness::{Tasks, until};

const COUNT: usize = 600;

fn lines() -> impl Iterator<Item = String> {
    (0..COUNT).map(|n| format!("{n} {}", "x".repeat(1000)))
}

/// Back-pressure that shows in the metrics, and never an error.
#[tokio::test(flavor = "multi_thread")]
async fn quotas_slow_tasks_down_and_show_in_metrics() {
    let builder = Kafka::builder().setting("quota.window.num", 2).setting("quota.window.size.seconds", 1);
    let kafka = builder.start().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("quota"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let quota = "producer_byte_rate=100000,consumer_byte_rate=100000";
    let whose = ["--entity-type", "clients", "--entity-default"];
    let alter = [&["--alter", "--add-config", quota][..], &whose].concat();
    kafka.tool("kafka.admin.ConfigCommand", &alter).await.unwrap();

    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    // Requests of a size that the quota soon allows again.
    let source = [
        ("producer.override.metrics.recording.level", "DEBUG"),
        ("producer.override.batch.size", "50000"),
        ("producer.override.linger.ms", "0"),
    ];
    let running = tasks.source(&topic, &source);
    tasks.lines.add(lines());
    let throttle = |side: &str, client: &str, which: &str| {
        let labels = format!(",clientid=\"connector-{client}-{topic}-0\"");
        tasks.metric_of(&format!("kafka_{side}_throttle_time_{which}"), &labels)
    };
    until("the source is slowed down", async || {
        throttle("producer_produce", "producer", "max").is_some_and(|ms| ms > 0.0)
    })
    .await;
    assert!(throttle("producer_produce", "producer", "avg").is_some_and(|ms| ms > 0.0));
    until("all is stored", async || tasks.stored().await == COUNT as u64).await;
    assert_eq!(tasks.metric("kafka_connect_source_task_source_record_write_total"), Some(COUNT as f64));
    // Panics where the task has failed.
    tasks.stop(running).await;

    let sink = [("consumer.override.metrics.recording.level", "DEBUG"), ("consumer.override.fetch.max.bytes", "50000")];
    let running = tasks.sink(0, &topic, &sink);
    tasks.until_state(0, State::Running).await;
    until("the sink is slowed down", async || {
        throttle("consumer_fetch_manager_fetch", "consumer", "max").is_some_and(|ms| ms > 0.0)
    })
    .await;
    assert!(throttle("consumer_fetch_manager_fetch", "consumer", "avg").is_some_and(|ms| ms > 0.0));
    until("all is put", async || tasks.book.ends(&topic).get(&0) == Some(&(COUNT as i64))).await;
    tasks.stop(running).await;
}
