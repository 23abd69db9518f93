//! What a source connector's producer does with records: where they go, how large they may be, what it waits for.

use std::collections::BTreeMap;
use std::time::Duration;

use millstream_testbed::{Kafka, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::scenario::{FILE_SOURCE, LIMIT, STRING, append, wait_values};

const TRANSFORMS: &str = "org.apache.kafka.connect.transforms";

/// A broker on which nobody's question makes a topic.
pub async fn strict_kafka() -> Result<&'static Kafka> {
    static STRICT: OnceCell<Kafka> = OnceCell::const_new();
    STRICT.get_or_try_init(|| Kafka::builder().setting("auto.create.topics.enable", false).start()).await
}

/// A worker of its own group whose connectors move text.
pub async fn text_worker(kafka: &Kafka, group: &str) -> Result<Worker> {
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique(group))
        .set("key.converter", STRING)
        .set("value.converter", STRING);
    Worker::start(properties).await
}

/// `config` with `more` on top.
pub fn with(mut config: Value, more: Value) -> Value {
    if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
        config.extend(more);
    }
    config
}

/// Partition and key of each record, as Kafka's own producer chose it.
fn recorded() -> Vec<(i32, &'static str)> {
    let lines = include_str!("../golden/partitions/keys.tsv").lines();
    lines.filter_map(|line| line.split_once('\t')).filter_map(|(p, key)| Some((p.parse().ok()?, key))).collect()
}

#[tokio::test]
async fn keys_go_where_javas_producer_puts_them() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("keys"));
    topics.create(&topic, 7, &[]).await?;
    let worker = text_worker(kafka, "keys").await?;
    let input = worker.folder().path().join("keys.txt");
    let wanted = recorded();
    assert_eq!(wanted.len(), 89);
    // Twice, so that each key has an order.
    for _ in 0..2 {
        append(&input, &wanted.iter().map(|(_, key)| *key).collect::<Vec<_>>())?;
    }
    let config = json!({
        "connector.class": FILE_SOURCE, "file": input, "topic": topic, "transforms": "hoist,key,text,line",
        "transforms.hoist.type": format!("{TRANSFORMS}.HoistField$Value"), "transforms.hoist.field": "line",
        "transforms.key.type": format!("{TRANSFORMS}.ValueToKey"), "transforms.key.fields": "line",
        "transforms.text.type": format!("{TRANSFORMS}.ExtractField$Key"), "transforms.text.field": "line",
        "transforms.line.type": format!("{TRANSFORMS}.ExtractField$Value"), "transforms.line.field": "line",
    });
    worker.rest().create("keys", &config).await?;
    let records = topics.read_at_least(&topic, 2 * wanted.len(), LIMIT).await?;
    let mut placed = BTreeMap::<String, Vec<i32>>::new();
    for record in &records {
        let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or(b"no key")).into_owned();
        placed.entry(key).or_default().push(record.partition);
    }
    let wanted: BTreeMap<_, _> =
        wanted.iter().map(|(partition, key)| ((*key).to_owned(), vec![*partition; 2])).collect();
    assert_eq!(placed, wanted);
    Ok(())
}

#[tokio::test]
async fn records_without_a_key_are_spread() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("spread"));
    topics.create(&topic, 3, &[]).await?;
    let worker = text_worker(kafka, "spread").await?;
    let config = json!({
        "connector.class": "io.millstream.connect.datagen.DatagenSourceConnector", "topic": topic, "schema": "id:sequence",
        "rate": "1000", "max.rows": "600", "batch.size": "10",
    });
    worker.rest().create("spread", &config).await?;
    let records = topics.read_at_least(&topic, 600, LIMIT).await?;
    for partition in 0..3 {
        assert!(records.iter().any(|record| record.partition == partition), "none in partition {partition}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_connector_overrides_reaches_its_producer() -> Result<()> {
    let kafka = shared().kafka().await?;
    let topics = Topics::new(kafka.bootstrap());
    let worker = text_worker(kafka, "overrides").await?;
    let input = worker.folder().path().join("lines.txt");
    // The most Kafka's producer takes when nothing is said is 1 MiB, of which batch and record take some.
    let (short, line, long) = ("x".repeat(400), "x".repeat(600_000), "x".repeat(1_048_400));
    append(&input, &[&short, &line, &long])?;
    let by_default = unique("by-default");
    topics.create(&by_default, 1, &[]).await?;
    let config = json!({"connector.class": FILE_SOURCE, "file": input, "topic": by_default});
    worker.rest().create("by-default", &config).await?;
    wait_values(&topics, &by_default, &[&short, &line, &long], &worker).await?;

    let limited = unique("limited");
    topics.create(&limited, 1, &[]).await?;
    let name = unique("named");
    let more = json!({
        "topic": limited, "errors.tolerance": "all", "producer.override.max.request.size": "500000",
        "producer.override.client.id": name, "producer.override.compression.type": "gzip",
    });
    worker.rest().create("limited", &with(config, more)).await?;
    wait_values(&topics, &limited, &[&short], &worker).await?;
    let metrics = worker.rest().send("GET", "/metrics", None).await?.body;
    assert!(metrics.contains(&format!("clientid=\"{name}\"")), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn records_wait_for_a_topic_that_is_not_there() -> Result<()> {
    let kafka = strict_kafka().await?;
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("later"));
    let worker = text_worker(kafka, "later").await?;
    let input = worker.folder().path().join("lines.txt");
    append(&input, &["one", "two"])?;
    let config = json!({"connector.class": FILE_SOURCE, "file": input, "topic": topic});
    worker.rest().create("later", &config).await?;
    worker.wait_log("there are no such topics", LIMIT).await?;
    worker.rest().wait_running("later", 1, Duration::ZERO).await?;
    topics.create(&topic, 1, &[]).await?;
    wait_values(&topics, &topic, &["one", "two"], &worker).await?;
    Ok(())
}
