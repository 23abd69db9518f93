//! The worker as its users run it: a process of its own, driven over REST, measured by the kernel.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use millstream_testbed::poll::until;
use millstream_testbed::rest::path_of;
use millstream_testbed::{Context, Error, JavaConnect, Jvm, Result, Usage, Worker, WorkerProperties, unique};
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::plain_loop::Form;
use crate::table::{DATABASE, TABLE};
use crate::topic::Progress;

const LIMIT: Duration = Duration::from_secs(240);
const PAUSE: Duration = Duration::from_millis(50);
const ASK_STATUS: Duration = Duration::from_secs(2);
const BUCKET: &str = "bench";

/// What a load cost.
pub struct Load {
    /// Seconds from the request that created the connector to the last record's arrival.
    pub seconds: f64,
    /// CPU seconds of the worker, its start left out.
    pub cpu_seconds: f64,
    /// The most memory it had, in MB.
    pub peak_mb: f64,
}

/// A worker with no connectors, in a group of its own.
pub fn prepare(bed: &Bed) -> Result<Worker> {
    Worker::builder(properties(bed)).envs(bed.s3.environment()).env("AWS_ENDPOINT_URL_S3", bed.s3.endpoint()).prepare()
}

/// The same of Apache Kafka Connect.
pub fn prepare_java(bed: &Bed) -> Result<Worker> {
    JavaConnect::builder(properties(bed)).jvm(Jvm::Throughput).heap_mb(1024).prepare()
}

fn properties(bed: &Bed) -> WorkerProperties {
    WorkerProperties::distributed(&bed.kafka.bootstrap(), &unique("bench"))
}

/// The settings of a connector's JsonConverter.
pub fn converter(form: Form) -> Vec<(&'static str, Value)> {
    let schemas = form == Form::Envelope;
    let mut settings = vec![
        ("value.converter", json!("org.apache.kafka.connect.json.JsonConverter")),
        ("value.converter.schemas.enable", json!(schemas.to_string())),
    ];
    if form == Form::Plain {
        settings.push(("value.converter.decimal.format", json!("NUMERIC")));
    }
    settings
}

/// A configuration with more settings.
pub fn with(mut config: Value, settings: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    for (key, value) in settings {
        config[key] = value;
    }
    config
}

/// Reads the whole table into the topic `<prefix>bench_orders`.
pub async fn source(bed: &Bed, form: Form, prefix: &str, rows: u64) -> Result<Load> {
    let topic = format!("{prefix}{TABLE}");
    bed.topics.create(&topic, 1, &[]).await?;
    let config = json!({
        "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
        "tasks.max": "1",
        "connection.url": bed.postgres.jdbc_url(DATABASE),
        "connection.user": bed.postgres.user(),
        "connection.password": bed.postgres.password(),
        "mode": "timestamp",
        "timestamp.column.name": "updated_at",
        "table.whitelist": TABLE,
        "topic.prefix": prefix,
        "poll.interval.ms": "1000",
    });
    let progress = Progress::new(&bed.kafka.bootstrap(), "bench-progress")?;
    let worker = prepare(bed)?;
    worker.run().await?;
    let load = Running::create(&worker, "source", &with(config, converter(form))).await?;
    load.done(|| async {
        let records = progress.records(&topic, 1).await?;
        Ok((records, i64::try_from(rows)?))
    })
    .await?;
    let seconds = load.seconds();
    load.end(seconds).await
}

/// What a sink reads, and where its files end.
pub struct SinkLoad<'a> {
    /// The topic.
    pub topic: &'a str,
    /// Its partitions, and the number of tasks.
    pub partitions: i32,
    /// Its records; each partition's a multiple of `flush_size`.
    pub records: u64,
    /// Records of a file.
    pub flush_size: u64,
    /// What the records are.
    pub form: Form,
}

/// Writes a topic into Parquet files.
pub async fn sink(bed: &Bed, of: SinkLoad<'_>) -> Result<Load> {
    // MinIO may answer that it is not initialized for a moment after it has said that it is ready.
    until("the bucket", LIMIT, || async { bed.s3.create_bucket(BUCKET).await.map(Some) }).await?;
    let name = unique("sink");
    let config = json!({
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        "tasks.max": of.partitions.to_string(),
        "topics": of.topic,
        "topics.dir": name,
        "s3.region": bed.s3.region(),
        "s3.bucket.name": BUCKET,
        "s3.part.size": "5242880",
        "flush.size": of.flush_size.to_string(),
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
        "parquet.codec": "snappy",
    });
    let progress = Progress::new(&bed.kafka.bootstrap(), &format!("connect-{name}"))?;
    let files = i64::try_from(of.records / of.flush_size)?;
    let worker = prepare(bed)?;
    worker.run().await?;
    let load = Running::create(&worker, &name, &with(config, converter(of.form))).await?;
    let written = || async { Ok((i64::try_from(bed.s3.list(BUCKET, &name).await?.len())?, files)) };
    load.done(written).await?;
    let seconds = load.seconds();
    // The commit follows on the flush clock and is part of the work, not of the time.
    load.done(|| async { Ok((progress.committed(of.topic, of.partitions).await?, i64::try_from(of.records)?)) })
        .await?;
    load.end(seconds).await
}

/// Reads a file of this many lines into a topic; the worker runs already, and is ended.
pub async fn lines(bed: &Bed, worker: Worker, lines: u64) -> Result<Load> {
    let mut text = String::new();
    for number in 0..lines {
        writeln!(text, "line {number}: the quick brown fox jumps over the lazy dog, again and again, and never tires")?;
    }
    let file = worker.folder().write("lines.txt", text)?;
    let topic = unique("lines");
    bed.topics.create(&topic, 1, &[]).await?;
    let config = json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "1",
        "file": file,
        "topic": topic,
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    });
    let progress = Progress::new(&bed.kafka.bootstrap(), "bench-progress")?;
    let load = Running::create(&worker, "lines", &config).await?;
    load.done(|| async { Ok((progress.records(&topic, 1).await?, i64::try_from(lines)?)) }).await?;
    let seconds = load.seconds();
    load.end(seconds).await
}

/// A worker with one connector at work.
pub struct Running<'a> {
    worker: &'a Worker,
    connector: &'a str,
    before: Usage,
    started: Instant,
}

impl<'a> Running<'a> {
    /// Creates the connector; what the worker uses counts from now on.
    pub async fn create(worker: &'a Worker, connector: &'a str, config: &Value) -> Result<Running<'a>> {
        let before = worker.usage()?;
        let started = Instant::now();
        worker.rest().create(connector, config).await?;
        Ok(Running { worker, connector, before, started })
    }

    /// Waits until `count` answers as much as is wanted; a failed connector ends the wait.
    pub async fn done<F, A>(&self, count: F) -> Result<()>
    where
        F: Fn() -> A,
        A: Future<Output = Result<(i64, i64)>>,
    {
        let mut asked = Instant::now();
        loop {
            self.worker.usage().context("the worker has ended")?;
            let (there, wanted) = count().await?;
            if there >= wanted {
                return Ok(());
            }
            // Seldom: answering is work of the worker that is measured.
            if asked.elapsed() >= ASK_STATUS {
                asked = Instant::now();
                self.check_status().await?;
            }
            if self.started.elapsed() >= LIMIT {
                let reason = format!("{}: {there} of {wanted} after {LIMIT:?}", self.connector);
                return Err(Error::new(format!("{reason}\n{}", self.worker.log_tail())));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn check_status(&self) -> Result<()> {
        let status = self.worker.rest().get(&format!("{}/status", path_of(self.connector))).await?;
        if status.status != 200 || !status.body.contains("\"FAILED\"") {
            return Ok(());
        }
        Err(Error::new(format!("connector {} is FAILED: {}", self.connector, status.body)))
    }

    /// Seconds since it was created.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// What it cost so far; `seconds` is what the caller takes for its time.
    pub fn load(&self, seconds: f64) -> Result<Load> {
        let after = self.worker.usage()?;
        Ok(Load {
            seconds,
            cpu_seconds: after.cpu_seconds - self.before.cpu_seconds,
            peak_mb: after.peak_rss_bytes as f64 / 1e6,
        })
    }

    async fn end(self, seconds: f64) -> Result<Load> {
        let load = self.load(seconds)?;
        let code = self.worker.terminate().await?;
        // A JVM that stopped as it was told ends by the signal's number.
        if code != 0 && code != 143 {
            return Err(Error::new(format!("the worker ended with exit code {code}\n{}", self.worker.log_tail())));
        }
        Ok(load)
    }
}
