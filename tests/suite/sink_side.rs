//! What a sink connector's consumer reads: by name or by pattern, there already or made later.

use millstream_testbed::{NewRecord, Result, Topics, unique};
use serde_json::json;

use crate::scenario::{FILE_SINK, append, wait_committed, wait_lines};
use crate::source_side::{strict_kafka, text_worker, with};

#[tokio::test]
async fn topics_that_appear_later_are_read() -> Result<()> {
    let kafka = strict_kafka().await?;
    let (topics, prefix) = (Topics::new(kafka.bootstrap()), unique("seen"));
    let topic = |name: &str| format!("{prefix}-{name}");
    let produce = async |name: &str, value: &str| topics.produce(&topic(name), [NewRecord::value(value)]).await;
    for name in ["first", "skipped"] {
        topics.create(&topic(name), 1, &[]).await?;
    }
    produce("first", "1").await?;
    produce("skipped", "no").await?;
    let worker = text_worker(kafka, "later").await?;
    let files = ["pattern.txt", "names.txt"].map(|name| worker.folder().path().join(name));
    for file in &files {
        append(file, &[])?;
    }
    let sink = |file| json!({"connector.class": FILE_SINK, "file": file});
    // Java's notation. Kafka's own topics would match; the topic of the group's offsets is not empty.
    let pattern = json!({
        "topics.regex": format!("{prefix}-(?!skip)\\w+|__.*"), "consumer.override.metadata.max.age.ms": "500",
    });
    worker.rest().create("pattern", &with(sink(&files[0]), pattern)).await?;
    let names = json!({"topics": format!("{},{}", topic("first"), topic("late"))});
    worker.rest().create("names", &with(sink(&files[1]), names)).await?;
    for file in &files {
        wait_lines(file, &["1"], &worker).await?;
    }
    wait_committed(&topics, "connect-pattern", &topic("first"), 1, &worker).await?;
    worker.wait_log("there are no such topics", crate::scenario::LIMIT).await?;

    topics.create(&topic("late"), 1, &[]).await?;
    produce("late", "2").await?;
    for file in &files {
        wait_lines(file, &["1", "2"], &worker).await?;
    }
    let log = worker.log_text()?;
    let told = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!((told("there are no such topics"), told("trouble")), (1, 0), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_topic_that_is_deleted_and_made_again_is_read_from_its_beginning() -> Result<()> {
    let kafka = strict_kafka().await?;
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("again"));
    let worker = text_worker(kafka, "again").await?;
    let files = ["by-name", "by-pattern"].map(|name| worker.folder().path().join(name));
    topics.create(&topic, 1, &[]).await?;
    topics.produce(&topic, ["1", "2", "3"].map(NewRecord::value)).await?;
    for (file, key) in files.iter().zip(["topics", "topics.regex"]) {
        let sink = json!({
            "connector.class": FILE_SINK, "file": file, key: topic, "consumer.override.metadata.max.age.ms": "300",
        });
        worker.rest().create(&format!("again-{key}"), &sink).await?;
        append(file, &[])?;
        wait_lines(file, &["1", "2", "3"], &worker).await?;
        wait_committed(&topics, &format!("connect-again-{key}"), &topic, 3, &worker).await?;
    }
    topics.delete(&topic).await?;
    worker.wait_log("partitions revoked", crate::scenario::LIMIT).await?;
    topics.create(&topic, 1, &[]).await?;
    topics.produce(&topic, ["4", "5"].map(NewRecord::value)).await?;
    for (file, key) in files.iter().zip(["topics", "topics.regex"]) {
        wait_lines(file, &["1", "2", "3", "4", "5"], &worker).await?;
        wait_committed(&topics, &format!("connect-again-{key}"), &topic, 2, &worker).await?;
        worker.rest().wait_running(&format!("again-{key}"), 1, crate::scenario::LIMIT).await?;
    }
    Ok(())
}
