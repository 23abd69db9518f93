//! The four connectors: the two of `configs/connectors`, as they are, and a pair whose values carry their schemas.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use millstream_testbed::poll::until;
use millstream_testbed::{ConnectRest, Context, Error, Result};
use serde_json::{Value, json};

use crate::screen::Screen;
use crate::services::{BUCKET, Services};

/// Prefix of the topics whose values carry schemas.
pub const TYPED: &str = "typed.";
/// The sink of the event topics, as its file names it.
pub const EVENT_SINK: &str = "s3-sink-connector";
/// The sink of the typed topics.
pub const TYPED_SINK: &str = "typed-s3-sink";

const RUNNING: Duration = Duration::from_secs(40);

/// Creates the connectors over REST and waits until all their tasks run.
pub async fn submit(services: &Services, rest: &ConnectRest, screen: &Screen) -> Result<()> {
    for (file, tasks) in [("postgres-source.json", 1), ("s3-sink.json", 4)] {
        let given = config_file(file)?;
        let text = services.as_this_machine_names_it(&given);
        let name = created(rest, &text, tasks).await?;
        let how = if text == given { "unchanged" } else { "with another host name" };
        screen.step(&format!("configs/connectors/{file} submitted {how}: {name} is running"));
    }
    let name = created(rest, &services.as_this_machine_names_it(&typed_source().to_string()), 2).await?;
    screen.step(&format!("a second pair, with schemas and true types: {name} is running"));
    // A consumer that starts before its topics are there would find them only some time later.
    for topic in ["typed.orders", "typed.users"] {
        until(format!("topic {topic} to exist"), RUNNING, || services.topics.partitions(topic)).await?;
    }
    let name = created(rest, &typed_sink().to_string(), 2).await?;
    screen.step(&format!("{name} is running"));
    Ok(())
}

async fn created(rest: &ConnectRest, text: &str, tasks: usize) -> Result<String> {
    let body: Value = serde_json::from_str(text).context("a connector's JSON")?;
    let name = body["name"].as_str().ok_or_else(|| Error::new("a connector's JSON has no name"))?.to_owned();
    let doing = format!("creating connector {name}");
    rest.request("POST", "/connectors", &[], Some(text.as_bytes())).await?.success(&doing)?;
    rest.wait_running(&name, tasks, RUNNING).await?;
    Ok(name)
}

fn config_file(name: &str) -> Result<String> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/connectors").join(name);
    std::fs::read_to_string(&path).context(path.display())
}

fn typed_source() -> Value {
    json!({"name": "typed-postgres-source", "config": {
        "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
        "tasks.max": "2",
        "connection.url": "jdbc:postgresql://db:5432/mydb",
        "connection.user": "kafkauser",
        "connection.password": "secret",
        "mode": "timestamp",
        "timestamp.column.name": "updated_at",
        "table.whitelist": "orders,users",
        "topic.prefix": TYPED,
        "poll.interval.ms": "1000",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true",
        "value.converter.decimal.format": "NUMERIC",
    }})
}

fn typed_sink() -> Value {
    json!({"name": TYPED_SINK, "config": {
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        "tasks.max": "2",
        "topics": "typed.orders,typed.users",
        "s3.region": "ap-south-1",
        "s3.bucket.name": BUCKET,
        "s3.part.size": "5242880",
        "flush.size": "1000",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
        "parquet.codec": "snappy",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "true",
    }})
}

impl Services {
    /// A connector's JSON with Postgres' address in place of the name `db`, where the worker cannot resolve it.
    fn as_this_machine_names_it(&self, text: &str) -> String {
        if self.db_resolves.load(Ordering::Relaxed) {
            return text.to_owned();
        }
        text.replace("//db:5432/", &format!("//{}:5432/", self.postgres.address()))
    }
}
