//! Passwords appear nowhere: not in logs, not in what validation and errors say, not in statuses.

use millstream_testbed::{Folder, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::{Value, json};

use crate::scenario::{FILE_SOURCE, JDBC_SOURCE, LIMIT, S3_SINK, STRING, append, millstream};

/// One secret for each place that may hold one; a leak tells where it came from.
const SECRETS: [&str; 8] = [
    "hush-of-sasl",
    "hush-of-key-store",
    "hush-of-producer",
    "hush-of-database",
    "hush-of-url",
    "hush-of-aws",
    "hush-of-override",
    "hush-of-environment",
];

fn jaas(password: &str) -> String {
    format!("org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"{password}\";")
}

fn assert_hushed(place: &str, text: &str) {
    for secret in SECRETS {
        if let Some(at) = text.find(secret) {
            let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
            let line = text[start..].lines().next().unwrap_or_default();
            panic!("{secret} is in {place}: {line}");
        }
    }
}

#[tokio::test]
async fn secrets_appear_nowhere() -> Result<()> {
    let (kafka, postgres, s3) = shared().all().await?;
    let database = unique("secrets");
    let role = unique("role");
    postgres.create_role(&role, "hush-of-database").await?;
    postgres.create_database(&database, Some(&role)).await?;
    let table = "create table t (id int, updated_at timestamptz not null); insert into t values (1, now())";
    postgres.execute(&database, table).await?;
    postgres.execute(&database, format!("alter table t owner to \"{role}\"")).await?;
    let topics = Topics::new(kafka.bootstrap());
    let sink_topic = unique("events");
    topics.create(&sink_topic, 1, &[]).await?;
    topics.produce(&sink_topic, [millstream_testbed::NewRecord::value("{\"n\":1}")]).await?;

    // The broker asks for no password, so that all of these are only carried along.
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique("secrets"))
        .set("value.converter.schemas.enable", false)
        .set("sasl.mechanism", "PLAIN")
        .set("sasl.jaas.config", jaas("hush-of-sasl"))
        .set("ssl.key.password", "hush-of-key-store")
        .set("producer.sasl.jaas.config", jaas("hush-of-producer"));
    let worker = Worker::builder(properties)
        .env("MILLSTREAM_LOG_LEVEL", "debug")
        .env("CONNECT_CONSUMER_SASL_JAAS_CONFIG", jaas("hush-of-environment"))
        .env("AWS_ENDPOINT_URL_S3", s3.endpoint())
        .start()
        .await?;

    let source = json!({
        "connector.class": JDBC_SOURCE, "connection.user": role, "connection.password": "hush-of-database",
        "connection.url": postgres.jdbc_url(&database), "mode": "timestamp", "timestamp.column.name": "updated_at",
        "table.whitelist": "t", "topic.prefix": format!("{}.", unique("secrets")), "poll.interval.ms": "100", "connection.attempts": "1",
        "producer.override.sasl.jaas.config": jaas("hush-of-override"),
    });
    let sink = json!({
        "connector.class": S3_SINK, "topics": sink_topic, "s3.bucket.name": unique("nowhere"), "flush.size": "1",
        "s3.region": "us-east-1", "aws.access.key.id": "millstream", "aws.secret.access.key": "hush-of-aws",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
    });
    let mut in_url = source.clone();
    in_url["connection.url"] = json!(format!("{}?user={role}&password=hush-of-url", postgres.jdbc_url(&database)));
    let mut wrong = source.clone();
    wrong["connection.password"] = json!("hush-of-database-is-not-this");
    let mut unreadable = source.clone();
    unreadable["connection.url"] = json!("jdbc:postgresql://u:hush-of-url@[::1/x?password=hush-of-url");
    let mut not_a_number = sink.clone();
    not_a_number["flush.size"] = json!("hush-no-number");
    // A key whose value is secret, given a value that is wrong.
    let mut bad_override = source.clone();
    bad_override["producer.override.sasl.jaas.config"] = json!("hush-of-override");

    let name = unique("refused");
    for config in [&source, &sink, &in_url, &wrong, &unreadable, &not_a_number, &bad_override] {
        let class = config["connector.class"].as_str().unwrap_or_default();
        let path = format!("/connector-plugins/{class}/config/validate");
        let mut named = config.clone();
        named["name"] = json!(name);
        let answer = worker.rest().send("PUT", &path, Some(&named)).await?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_hushed("what validation says", &answer.body);
        let answer = worker.rest().send("POST", "/connectors", Some(&json!({"name": name, "config": config}))).await?;
        match answer.status {
            // Java shows a connector's settings as they are; only errors are looked at.
            201 => {
                let settled = |status: &Value| status["tasks"][0]["state"].is_string();
                let status = worker.rest().wait_status(&name, LIMIT, settled).await?;
                assert_hushed("a status", &status.to_string());
                worker.rest().delete(&name).await?;
            }
            _ => assert_hushed("an error", &answer.body),
        }
    }
    let body = format!("{{\"name\": \"x\", \"config\": {{\"connection.password\": \"{}\" oops", "hush-of-database");
    let answer = worker.rest().request("POST", "/connectors", &[], Some(body.as_bytes())).await?;
    assert_hushed("what is said of a malformed body", &answer.body);

    // A task that fails when its password no longer does.
    let name = unique("failing");
    worker.rest().create(&name, &source).await?;
    worker.rest().wait_running(&name, 1, LIMIT).await?;
    postgres.execute(&database, format!("alter role \"{role}\" password 'other'")).await?;
    postgres
        .execute(&database, format!("select pg_terminate_backend(pid) from pg_stat_activity where usename = '{role}'"))
        .await?;
    let answer = worker.rest().send("POST", &format!("/connectors/{name}/restart?includeTasks=true"), None).await?;
    assert_hushed("a restart", &answer.body);
    worker.wait_log("password authentication failed", LIMIT).await?;
    assert_hushed("a status", &worker.rest().status(&name).await?.to_string());

    // And a plain connector, that the log may tell about itself.
    let folder = Folder::new("secrets")?;
    append(&folder.path().join("in.txt"), &["hush-of-sasl is a row"])?;
    let (name, topic) = (unique("rows"), unique("rows"));
    let config = json!({
        "connector.class": FILE_SOURCE, "file": folder.path().join("in.txt"), "topic": topic, "value.converter": STRING,
    });
    worker.rest().create(&name, &config).await?;
    topics.read_at_least(&topic, 1, LIMIT).await?;
    assert_eq!(worker.terminate().await?, 0, "{}", worker.log_tail());
    let log = worker.log_text()?;
    assert!(log.contains("DEBUG"), "the log is at debug level");
    assert_hushed("the log", &log);

    // The command that validates without a worker.
    for (index, config) in [&source, &sink, &wrong, &unreadable, &bad_override].into_iter().enumerate() {
        let file = folder.write(&format!("{index}.json"), json!({"name": "x", "config": config}).to_string())?;
        let printed = millstream(&["validate", &file.display().to_string()]).await?;
        assert_hushed("what `validate` prints", &printed.text);
    }
    let wrong: Value = json!({"name": "x", "config": {"connection.password": {"hush-of-database": 1}}});
    let file = folder.write("nested.json", wrong.to_string())?;
    let printed = millstream(&["validate", &file.display().to_string()]).await?;
    assert_eq!(printed.code, Some(1), "{}", printed.text);
    Ok(())
}

#[tokio::test]
async fn a_refused_worker_file_tells_no_secret() -> Result<()> {
    let folder = Folder::new("secret-properties")?;
    let good = WorkerProperties::distributed("127.0.0.1:1", "g").set("sasl.jaas.config", jaas("hush-of-sasl"));
    for properties in [
        good.clone().set("security.protocol", "PIGEON").set("ssl.keystore.password", "hush-of-key-store"),
        good.clone()
            .set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanism", "PLAIN")
            .set("sasl.jaas.config", "hush-of-sasl"),
        good.unset("group.id"),
    ] {
        let file = folder.write("worker.properties", properties.render())?.display().to_string();
        let printed = millstream(&["run", "--log-level", "debug", &file]).await?;
        assert_ne!(printed.code, Some(0), "{}", printed.text);
        assert_hushed("what a refused worker prints", &printed.text);
    }
    Ok(())
}
