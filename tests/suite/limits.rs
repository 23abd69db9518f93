//! What bounds a task: the memory of its worker, whatever the size of records, and the quotas of the broker.

use std::time::{Duration, Instant};

use millstream_testbed::{Kafka, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::metrics::scrape;
use crate::scenario::{LIMIT, wait_committed};
use crate::source_side::with;

const TRANSFORMS: &str = "org.apache.kafka.connect.transforms";
const MIB: u64 = 1 << 20;
/// `memory.budget.bytes` when nothing is said.
const BUDGET: u64 = 256 * MIB;

/// A source of `rows` records whose value is one field of this type, bare.
fn datagen(topic: &str, field: &str, rows: u64, converter: &str) -> Value {
    json!({
        "connector.class": "io.millstream.connect.datagen.DatagenSourceConnector", "topic": topic,
        "schema": format!("f:{field}"), "max.rows": rows.to_string(), "transforms": "bare",
        "transforms.bare.type": format!("{TRANSFORMS}.ExtractField$Value"), "transforms.bare.field": "f",
        "value.converter": format!("org.apache.kafka.connect.converters.{converter}"),
    })
}

fn null_sink(topic: &str, converter: &str) -> Value {
    json!({
        "connector.class": "io.millstream.connect.datagen.NullSinkConnector", "topics": topic,
        "value.converter": format!("org.apache.kafka.connect.converters.{converter}"),
    })
}

/// Moves `rows` records into a topic and out of it; the most memory the worker had.
async fn through(kafka: &Kafka, name: &str, source: Value, sink: Value, rows: i64) -> Result<u64> {
    let (topics, topic) = (Topics::new(kafka.bootstrap()), source["topic"].as_str().unwrap_or_default().to_owned());
    let worker = Worker::start(WorkerProperties::distributed(&kafka.bootstrap(), &unique(name))).await?;
    let before = worker.usage()?.rss_bytes;
    let started = Instant::now();
    // One after the other: what is read comes as fast as the broker gives it.
    let source_name = format!("{name}-source");
    worker.rest().create(&source_name, &source).await?;
    millstream_testbed::poll::until(format!("{rows} records in {topic}"), 3 * LIMIT, || async {
        Ok((topics.end_offsets(&topic).await?.get(&0) == Some(&rows)).then_some(()))
    })
    .await
    .map_err(|error| error.with_log(&worker.log()))?;
    let written = worker.usage()?;
    let sink_name = unique(name);
    worker.rest().create(&sink_name, &sink).await?;
    let group = format!("connect-{sink_name}");
    wait_committed(&topics, &group, &topic, rows, &worker).await?;
    let read = worker.usage()?;
    let mib = |bytes: u64| bytes / MIB;
    println!(
        "{name}: {rows} records in {:?}; MiB at start {}, peak of writing {}, of both {}; CPU {:.1} s and {:.1} s",
        started.elapsed(),
        mib(before),
        mib(written.peak_rss_bytes),
        mib(read.peak_rss_bytes),
        written.cpu_seconds,
        read.cpu_seconds - written.cpu_seconds,
    );
    Ok(read.peak_rss_bytes - before)
}

#[tokio::test]
async fn records_of_50_mb_stay_within_the_budget() -> Result<()> {
    const SIZE: u64 = 50_000_000;
    let kafka = Kafka::builder()
        .heap_mb(1024)
        .setting("message.max.bytes", 60_000_000)
        .setting("socket.request.max.bytes", 104_857_600)
        .start()
        .await?;
    let topic = unique("large");
    Topics::new(kafka.bootstrap()).create(&topic, 1, &[("max.message.bytes", "60000000")]).await?;
    let source = datagen(&topic, &format!("bytes({SIZE})"), 4, "ByteArrayConverter");
    let source = with(source, json!({"producer.override.max.request.size": "60000000", "batch.size": "1"}));
    let sink = null_sink(&topic, "ByteArrayConverter");
    let fetch = json!({
        "consumer.override.max.partition.fetch.bytes": "60000000", "consumer.override.fetch.max.bytes": "60000000",
    });
    let used = through(&kafka, "large", source, with(sink, fetch), 4).await?;
    assert!(used < BUDGET, "{} MiB", used / MIB);
    Ok(())
}

/// `MILLSTREAM_TEST_TINY_RECORDS` says how many instead of 2,000,000.
#[tokio::test]
async fn tiny_records_stay_within_the_budget() -> Result<()> {
    let rows =
        std::env::var("MILLSTREAM_TEST_TINY_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000_000);
    let kafka = shared().kafka().await?;
    let topic = unique("tiny");
    Topics::new(kafka.bootstrap()).create(&topic, 1, &[]).await?;
    let source = with(datagen(&topic, "bytes(1)", rows, "ByteArrayConverter"), json!({"batch.size": "10000"}));
    let used = through(kafka, "tiny", source, null_sink(&topic, "ByteArrayConverter"), i64::try_from(rows)?).await?;
    assert!(used < BUDGET, "{} MiB", used / MIB);
    Ok(())
}

#[tokio::test]
async fn a_quota_slows_tasks_down_and_nothing_else() -> Result<()> {
    const ROWS: u64 = 100;
    let kafka = Kafka::builder().setting("quota.window.num", 2).start().await?;
    let (topics, topic, client) = (Topics::new(kafka.bootstrap()), unique("quota"), "slowed");
    topics.create(&topic, 1, &[]).await?;
    let quota = ["--alter", "--add-config", "producer_byte_rate=300000,consumer_byte_rate=300000"];
    let of = ["--entity-type", "clients", "--entity-name", client];
    kafka.tool("kafka.admin.ConfigCommand", &[quota.as_slice(), &of].concat()).await?;
    let worker = Worker::start(WorkerProperties::distributed(&kafka.bootstrap(), &unique("quota"))).await?;
    let started = Instant::now();
    let source = datagen(&topic, "bytes(10000)", ROWS, "ByteArrayConverter");
    let small = json!({
        "producer.override.client.id": client, "producer.override.batch.size": "50000",
        "producer.override.buffer.memory": "100000", "producer.override.max.request.size": "50000",
    });
    let source = with(source, small);
    worker.rest().create("quota-source", &source).await?;
    topics.read_at_least(&topic, ROWS as usize, LIMIT).await?;
    let wrote = started.elapsed();
    let sink = with(
        null_sink(&topic, "ByteArrayConverter"),
        json!({"consumer.override.client.id": client, "consumer.override.max.partition.fetch.bytes": "50000"}),
    );
    let started = Instant::now();
    worker.rest().create("quota-sink", &sink).await?;
    wait_committed(&topics, "connect-quota-sink", &topic, ROWS as i64, &worker).await?;
    let read = started.elapsed();
    println!("quota: {wrote:?} to write, {read:?} to read");
    let slow = Duration::from_millis(1500);
    assert!(wrote > slow && read > slow, "{wrote:?} to write, {read:?} to read");
    for name in ["quota-source", "quota-sink"] {
        worker.rest().wait_running(name, 1, Duration::ZERO).await?;
    }
    let log = worker.log_text()?;
    let while_slow = log.split_once("worker ready").map_or("", |(_, after)| after);
    assert!(!while_slow.contains(" WARN ") && !while_slow.contains(" ERROR "), "{log}");
    // Where the time went is in the metrics: the source waited for room in its producer's queue.
    let waited = "millstream_task_stage_seconds_sum{connector=\"quota-source\",task=\"0\",stage=\"send\"}";
    let waited = scrape(&worker).await?.get(waited).copied().unwrap_or_default();
    assert!(waited > slow.as_secs_f64() / 2.0, "{waited} s");
    Ok(())
}
