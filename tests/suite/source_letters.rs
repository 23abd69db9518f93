//! Dead letter queues of source connectors: what is skipped is kept, and no offset passes it by.

use millstream_testbed::{Record, Result, Topics, shared, unique};
use serde_json::{Value, json};

use crate::metrics::scrape;
use crate::scenario::{FILE_SOURCE, LIMIT, append, wait_values};
use crate::source_side::{text_worker, with};

const CAST: &str = "org.apache.kafka.connect.transforms.Cast$Value";
const FORM: &str = "__millstream.errors.converter";

fn header<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    let found = record.headers.iter().find(|(key, _)| key == name)?;
    std::str::from_utf8(found.1.as_deref()?).ok()
}

fn queue(name: &str) -> Value {
    json!({
        "errors.tolerance": "all", "errors.deadletterqueue.topic.name": name,
        "errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
    })
}

#[tokio::test]
async fn rows_that_fail_are_kept_as_they_were_polled() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (topics, topic, dead) = (Topics::new(kafka.bootstrap()), unique("good"), unique("dead"));
    topics.create(&topic, 1, &[]).await?;
    let worker = text_worker(kafka, "letters").await?;
    let input = worker.folder().path().join("lines.txt");
    append(&input, &["1", "two", "3", "4 four", "5"])?;
    // `two` and `4 four` are no numbers.
    let config = json!({
        "connector.class": FILE_SOURCE, "file": input, "topic": topic, "transforms": "number",
        "transforms.number.type": CAST, "transforms.number.spec": "int32",
    });
    worker.rest().create("letters", &with(config, queue(&dead))).await?;
    wait_values(&topics, &topic, &["1", "3", "5"], &worker).await?;
    let letters = topics.read_at_least(&dead, 2, LIMIT).await?;
    let values: Vec<_> = letters.iter().map(|letter| letter.value.as_deref()).collect();
    assert_eq!(values, [Some(&b"two"[..]), Some(b"4 four")]);
    for letter in &letters {
        let told = |name: &str| header(letter, &format!("__connect.errors.{name}")).unwrap_or("none");
        assert_eq!((told("topic"), told("stage"), told("class.name")), (topic.as_str(), "TRANSFORMATION", CAST));
        assert_eq!((told("connector.name"), told("task.id")), ("letters", "0"));
        assert_eq!(told("exception.class.name"), "org.apache.kafka.connect.errors.DataException");
        let place = header(letter, "__millstream.errors.source.partition").unwrap_or_default();
        assert_eq!(serde_json::from_str::<Value>(place).unwrap(), json!({"filename": input}));
        let offset = header(letter, "__millstream.errors.source.offset").unwrap_or_default();
        assert!(serde_json::from_str::<Value>(offset).unwrap()["position"].is_number(), "{offset}");
        assert_eq!(header(letter, FORM), None);
    }
    let counted = scrape(&worker).await?;
    let counted: Vec<_> =
        counted.iter().filter(|(series, _)| series.contains("deadletterqueue_produce_requests")).collect();
    assert!(matches!(counted.as_slice(), [(_, 2.0)]), "{counted:?}");
    Ok(())
}

#[tokio::test]
async fn what_the_connectors_converter_cannot_write_is_kept_as_json() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (topics, topic, dead) = (Topics::new(kafka.bootstrap()), unique("good"), unique("dead"));
    let worker = text_worker(kafka, "unwritten").await?;
    let input = worker.folder().path().join("lines.txt");
    append(&input, &["no bytes"])?;
    let config = json!({
        "connector.class": FILE_SOURCE, "file": input, "topic": topic,
        "value.converter": "org.apache.kafka.connect.converters.IntegerConverter",
    });
    worker.rest().create("unwritten", &with(config, queue(&dead))).await?;
    let letters = topics.read_at_least(&dead, 1, LIMIT).await?;
    let value: Value = serde_json::from_slice(letters[0].value.as_deref().unwrap_or_default()).unwrap();
    assert_eq!(value, json!({"schema": {"type": "string", "optional": false}, "payload": "no bytes"}));
    assert_eq!(header(&letters[0], FORM), Some("org.apache.kafka.connect.json.JsonConverter"));
    assert_eq!(header(&letters[0], "__connect.errors.stage"), Some("VALUE_CONVERTER"));
    Ok(())
}

#[tokio::test]
async fn no_offset_passes_a_letter_that_is_not_written() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("good"));
    let (small, dead) = (unique("small"), unique("dead"));
    topics.create(&topic, 1, &[]).await?;
    topics.create(&small, 1, &[("max.message.bytes", "200")]).await?;
    let worker = text_worker(kafka, "unsent").await?;
    let input = worker.folder().path().join("lines.txt");
    let long = "x".repeat(1000);
    append(&input, &["1", &long, "3"])?;
    let config = json!({
        "connector.class": FILE_SOURCE, "file": input, "topic": topic, "transforms": "number",
        "transforms.number.type": CAST, "transforms.number.spec": "int32",
    });
    worker.rest().create("unsent", &with(config.clone(), queue(&small))).await?;
    let failed = |status: &Value| status["tasks"][0]["state"] == "FAILED";
    let status = worker.rest().wait_status("unsent", LIMIT, failed).await?;
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains("dead letter queue") && trace.contains(&small), "{trace}");

    // With room for it, the row is read again.
    worker.rest().put_config("unsent", &with(config, queue(&dead))).await?;
    let letters = topics.read_at_least(&dead, 1, LIMIT).await?;
    assert_eq!(letters[0].value.as_deref(), Some(long.as_bytes()));
    Ok(())
}
