//! Wrong input of every kind: each is answered by an error that names the key, file or record, and changes nothing.

use millstream_testbed::poll::until;
use millstream_testbed::{
    Folder, Kafka, NewRecord, Result, STOP, Topics, Worker, WorkerProperties, free_port, shared, unique,
};
use serde_json::{Value, json};

use crate::journal::Journal;
use crate::scenario::{
    FILE_SINK, FILE_SOURCE, JDBC_SOURCE, JSON, Kind, LIMIT, S3_SINK, STRING, append, millstream, wait_lines,
};

fn jdbc(url: &str) -> Value {
    json!({
        "connector.class": JDBC_SOURCE, "connection.url": url, "connection.user": "nobody", "connection.password": "x",
        "mode": "timestamp", "timestamp.column.name": "updated_at", "topic.prefix": "db.",
        "connection.attempts": "1",
    })
}

fn s3(bucket: &str) -> Value {
    json!({
        "connector.class": S3_SINK, "topics": "orders", "s3.region": "us-east-1", "s3.bucket.name": bucket,
        "flush.size": "10", "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
    })
}

fn with(mut config: Value, key: &str, value: impl Into<Value>) -> Value {
    config[key] = value.into();
    config
}

fn without(mut config: Value, key: &str) -> Value {
    if let Value::Object(map) = &mut config {
        map.shift_remove(key);
    }
    config
}

#[tokio::test]
async fn what_rest_refuses_changes_nothing() -> Result<()> {
    let (kafka, s3_server) = tokio::try_join!(shared().kafka(), shared().s3())?;
    let bucket = unique("there");
    s3_server.create_bucket(&bucket).await?;
    let group = unique("refused");
    let worker = Worker::builder(WorkerProperties::distributed(&kafka.bootstrap(), &group))
        .env("AWS_ENDPOINT_URL_S3", s3_server.endpoint())
        .envs(s3_server.environment())
        .start()
        .await?;
    let journal = Journal::new(&kafka.bootstrap(), &group);
    let before = journal.configs().await?;
    let file = json!({"connector.class": FILE_SOURCE, "file": "in.txt", "topic": "t"});
    let body = |config: Value| json!({"name": "refused", "config": config}).to_string();
    let closed = format!("127.0.0.1:{}", free_port([127, 0, 0, 1].into())?);
    let closed_url = format!("jdbc:postgresql://{closed}/mydb");
    let missing = unique("missing");

    let cases: Vec<(&str, String, Vec<&str>)> = vec![
        ("malformed JSON", r#"{"name": "refused", "config": {"a": }"#.to_owned(), vec!["line 1", "column"]),
        ("not an object", "[1]".to_owned(), vec!["object"]),
        ("an unknown field", r#"{"name": "refused", "konfig": {}}"#.to_owned(), vec!["konfig"]),
        ("a nested value", body(with(file.clone(), "topic", json!({"a": 1}))), vec!["topic"]),
        ("no class", body(without(file.clone(), "connector.class")), vec!["connector.class"]),
        ("an unknown class", body(with(file.clone(), "connector.class", "no.such.Source")), vec!["no.such.Source"]),
        ("a missing key", body(without(file.clone(), "topic")), vec!["topic"]),
        ("another name", body(with(file.clone(), "name", "other")), vec!["other"]),
        ("a wrong type", body(with(file.clone(), "tasks.max", "many")), vec!["tasks.max", "many"]),
        ("too few", body(with(file.clone(), "tasks.max", "0")), vec!["tasks.max"]),
        ("an unknown converter", body(with(file, "value.converter", "no.Converter")), vec!["value.converter"]),
        ("no url", body(without(jdbc("x"), "connection.url")), vec!["connection.url"]),
        ("not a url", body(jdbc("postgres@db")), vec!["connection.url"]),
        ("an unknown mode", body(with(jdbc(&closed_url), "mode", "sometimes")), vec!["mode", "timestamp+incrementing"]),
        ("an unreachable database", body(jdbc(&closed_url)), vec!["connection.url", &closed]),
        ("no bucket name", body(without(s3(&bucket), "s3.bucket.name")), vec!["s3.bucket.name"]),
        ("no flush size", body(without(s3(&bucket), "flush.size")), vec!["flush.size"]),
        ("an unknown codec", body(with(s3(&bucket), "parquet.codec", "zip")), vec!["parquet.codec", "zip"]),
        ("an unknown format", body(with(s3(&bucket), "format.class", "no.Format")), vec!["format.class", "no.Format"]),
        ("a missing bucket", body(s3(&missing)), vec!["s3.bucket.name", &missing]),
    ];
    for (what, body, words) in cases {
        let answer = worker.rest().request("POST", "/connectors", &[], Some(body.as_bytes())).await?;
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
        let error = answer.json()?;
        assert_eq!(error["error_code"], 400, "{what}: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        for word in words {
            assert!(message.contains(word), "{what}: `{word}` is not in: {message}");
        }
    }
    assert!(worker.rest().list().await?.is_empty());
    assert_eq!(journal.configs().await?, before, "nothing is written");

    // Validation says the same, at the key that is wrong.
    for (config, key, word) in
        [(jdbc(&closed_url), "connection.url", &closed), (s3(&missing), "s3.bucket.name", &missing)]
    {
        let config = with(config, "name", "asked");
        let class = config["connector.class"].as_str().unwrap_or_default();
        let path = format!("/connector-plugins/{class}/config/validate");
        let answer = worker.rest().send("PUT", &path, Some(&config)).await?.success("validate")?.json()?;
        assert_eq!(answer["error_count"], 1, "{answer}");
        let entries = answer["configs"].as_array().cloned().unwrap_or_default();
        let value = entries.iter().map(|entry| &entry["value"]).find(|value| value["name"] == key);
        let errors = value.map(|value| value["errors"].to_string()).unwrap_or_default();
        assert!(errors.contains(word.as_str()), "{key}: {errors}");
    }

    // A bad change of a connector that runs leaves it as it was.
    let folder = Folder::new("refused")?;
    let (name, topic) = (unique("kept"), unique("kept"));
    let config = json!({
        "connector.class": FILE_SOURCE, "file": folder.path().join("in.txt"), "topic": topic, "value.converter": STRING,
    });
    worker.rest().create(&name, &config).await?;
    worker.rest().wait_running(&name, 1, LIMIT).await?;
    let kept = worker.rest().config(&name).await?;
    let answer = worker
        .rest()
        .send("PUT", &format!("/connectors/{name}/config"), Some(&with(config, "batch.size", "x")))
        .await?;
    assert_eq!((answer.status, answer.body.contains("batch.size")), (400, true), "{}", answer.body);
    assert_eq!(worker.rest().config(&name).await?, kept);
    append(&folder.path().join("in.txt"), &["still there"])?;
    Topics::new(kafka.bootstrap()).read_at_least(&topic, 1, LIMIT).await?;
    Ok(())
}

#[tokio::test]
async fn a_worker_waits_for_its_broker_and_says_so() -> Result<()> {
    let kafka = Kafka::builder().prepare()?;
    let worker = Worker::builder(WorkerProperties::distributed(&kafka.bootstrap(), "late")).prepare()?;
    worker.spawn()?;
    // Twice, for it keeps trying.
    let address = kafka.bootstrap();
    until("two complaints about the broker in the log", LIMIT, || async {
        let text = worker.log_text()?;
        let complaints = text.lines().filter(|line| line.contains(&address) && line.contains("WARN")).count();
        Ok((complaints >= 2).then_some(()))
    })
    .await
    .map_err(|error| error.with_log(&worker.log()))?;
    kafka.run().await?;
    worker.wait_ready(LIMIT).await?;
    assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
    Ok(())
}

#[tokio::test]
async fn a_record_that_is_not_json_fails_its_task_alone() -> Result<()> {
    let (kafka, s3_server) = tokio::try_join!(shared().kafka(), shared().s3())?;
    let bucket = unique("poison");
    s3_server.create_bucket(&bucket).await?;
    let topics = Topics::new(kafka.bootstrap());
    let (poisoned, clean, topic) = (unique("poisoned"), unique("clean"), unique("events"));
    let other = unique("lines");
    topics.create(&topic, 2, &[]).await?;
    topics.create(&other, 1, &[]).await?;
    topics.produce(&topic, (0..15).map(|n| NewRecord::value(format!("{{\"n\":{n}}}")).partition(1))).await?;
    topics.produce(&topic, [NewRecord::value("{\"n\": oops").partition(1)]).await?;
    let folder = Folder::new("poison")?;
    let worker = Worker::builder(WorkerProperties::distributed(&kafka.bootstrap(), &unique("poison")))
        .env("AWS_ENDPOINT_URL_S3", s3_server.endpoint())
        .envs(s3_server.environment())
        .start()
        .await?;
    let config = json!({
        "connector.class": FILE_SINK, "file": folder.path().join("out.txt"), "topics": other, "value.converter": STRING,
    });
    worker.rest().create(&clean, &config).await?;
    worker.rest().wait_running(&clean, 1, LIMIT).await?;
    let mut config = with(with(s3(&bucket), "value.converter", JSON), "value.converter.schemas.enable", "false");
    config["topics"] = json!(topic);
    worker.rest().create(&poisoned, &config).await?;

    let failed = |status: &Value| status["tasks"][0]["state"] == "FAILED";
    let status = worker.rest().wait_status(&poisoned, LIMIT, failed).await?;
    assert_eq!(status["connector"]["state"], "RUNNING");
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    for word in [topic.as_str(), "partition 1", "offset 15"] {
        assert!(trace.contains(word), "`{word}` is not in the trace: {trace}");
    }
    assert!(!trace.contains("oops"), "a trace holds no data: {trace}");
    // Nothing behind the last good file is committed, and the rest of the worker goes on.
    let committed = topics.committed(&format!("connect-{poisoned}"), &topic).await?;
    assert!(committed.get(&1).is_none_or(|offset| *offset <= 10), "{committed:?}");
    topics.produce(&other, [NewRecord::value("goes on")]).await?;
    wait_lines(&folder.path().join("out.txt"), &["goes on"], &worker).await?;
    worker.rest().wait_running(&clean, 1, LIMIT).await?;
    // A failed task stays so until it is restarted, and then fails for the same reason.
    let path = format!("/connectors/{poisoned}/restart?includeTasks=true&onlyFailed=true");
    let answer = worker.rest().send("POST", &path, None).await?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    worker.rest().wait_status(&poisoned, LIMIT, failed).await?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_properties_file_is_named_with_its_fault() -> Result<()> {
    let folder = Folder::new("properties")?;
    let good = WorkerProperties::distributed("127.0.0.1:1", "g");
    let cases: Vec<(&str, String, Vec<&str>)> = vec![
        ("a broken escape", format!("{}x=\\u12g4\n", good.render()), vec!["line 14"]),
        ("no converter", good.clone().unset("value.converter").render(), vec!["value.converter"]),
        ("no config topic", good.clone().unset("config.storage.topic").render(), vec!["config.storage.topic"]),
        ("neither mode", good.clone().unset("group.id").render(), vec!["group.id", "offset.storage.file.filename"]),
        (
            "no number",
            good.clone().set("offset.flush.interval.ms", "soon").render(),
            vec!["offset.flush.interval.ms", "soon"],
        ),
        ("not a converter", good.clone().set("key.converter", "no.Such").render(), vec!["key.converter", "no.Such"]),
        ("not a listener", good.clone().set("listeners", "nowhere").render(), vec!["listeners", "nowhere"]),
    ];
    for (what, text, words) in cases {
        let file = folder.write("worker.properties", text)?;
        let printed = millstream(&["run", &file.display().to_string()]).await?;
        assert_eq!(printed.code, Some(2), "{what}: {}", printed.text);
        for word in words {
            assert!(printed.text.contains(word), "{what}: `{word}` is not in: {}", printed.text);
        }
    }
    let missing = folder.path().join("missing.properties").display().to_string();
    let printed = millstream(&["run", &missing]).await?;
    assert_eq!((printed.code, printed.text.contains(&missing)), (Some(2), true), "{}", printed.text);
    assert_eq!(millstream(&["run"]).await?.code, Some(1));
    Ok(())
}

#[tokio::test]
async fn a_wrong_connector_file_is_named_with_its_fault() -> Result<()> {
    let folder = Folder::new("connector-files")?;
    let properties = WorkerProperties::standalone("127.0.0.1:1", &folder.path().join("offsets")).render();
    let properties = folder.write("worker.properties", properties)?.display().to_string();
    for (file, text, word) in [
        ("broken.json", "{\"name\": \"a\",\n  \"config\": {]", "line 2"),
        ("list.json", "[]", "object"),
        ("nameless.json", "{\"connector.class\": \"FileStreamSource\"}", "name"),
        ("nameless.properties", "connector.class=FileStreamSource\n", "name"),
    ] {
        let file = folder.write(file, text)?.display().to_string();
        let printed = millstream(&["run", &properties, &file]).await?;
        assert_eq!(printed.code, Some(2), "{file}: {}", printed.text);
        for word in [word, &file] {
            assert!(printed.text.contains(word), "`{word}` is not in: {}", printed.text);
        }
        assert_eq!(millstream(&["validate", &file]).await?.code, Some(1), "{file}");
    }
    Ok(())
}

#[tokio::test]
async fn unfit_internal_topics_are_refused_by_java() -> Result<()> {
    unfit_topics(Kind::Java).await
}

#[tokio::test]
async fn unfit_internal_topics_are_refused() -> Result<()> {
    unfit_topics(Kind::Millstream).await
}

async fn unfit_topics(kind: Kind) -> Result<()> {
    let policy = ["cleanup.policy", "compact"];
    tokio::try_join!(
        unfit_topic(kind, "config", 1, "delete", policy),
        unfit_topic(kind, "offset", 3, "delete", policy),
        unfit_topic(kind, "status", 1, "compact,delete", policy),
        unfit_topic(kind, "config", 2, "compact", ["config.storage.topic", "partition"]),
    )?;
    Ok(())
}

async fn unfit_topic(kind: Kind, storage: &str, partitions: i32, policy: &str, words: [&str; 2]) -> Result<()> {
    let kafka = shared().kafka().await?;
    let topics = Topics::new(kafka.bootstrap());
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique("unfit"));
    let topic = properties.get(&format!("{storage}.storage.topic")).unwrap_or_default().to_owned();
    topics.create(&topic, partitions, &[("cleanup.policy", policy)]).await?;
    let worker = kind.prepare(properties)?;
    worker.spawn()?;
    let code = worker.wait_exit(STOP).await?;
    assert_eq!(code, 1, "{topic}\n{}", worker.log_tail());
    let log = worker.log_text()?;
    for word in words.into_iter().chain([topic.as_str()]) {
        assert!(log.contains(word), "`{word}` is not in the log\n{}", worker.log_tail());
    }
    assert_eq!(topics.describe_config(&topic).await?["cleanup.policy"], policy, "left as it was");
    Ok(())
}
