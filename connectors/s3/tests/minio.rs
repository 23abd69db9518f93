//! The connector against a real S3 server: through the public entry, as a worker uses it.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use millstream_api::offsets::PartitionOffsets;
use millstream_api::{
    Batch, Column, Config, ConfigValues, ErrorKind, MemoryBudget, Result, RowFailure, SinkBatch, SinkHost, SinkTask,
    SinkTaskContext, Task, TaskId, TopicPartition,
};
use millstream_testbed::{S3, S3Server};
use object_store::{Attribute, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

struct Host;

impl SinkHost for Host {
    fn request_commit(&self) {}

    fn report(&self, _batch: &SinkBatch, failures: Vec<RowFailure>) -> Result<()> {
        failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.error))
    }

    fn rewind(&self, _offsets: PartitionOffsets) {}

    fn pause(&self, _partitions: &[TopicPartition]) {}

    fn resume(&self, _partitions: &[TopicPartition]) {}

    fn retry_after(&self, _delay: Duration) {}
}

fn config(s3: &S3, changes: &[(&str, &str)]) -> Config {
    let endpoint = s3.endpoint();
    let mut config: Config = [
        ("connector.class", "io.confluent.connect.s3.S3SinkConnector"),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        ("format.class", "io.confluent.connect.s3.format.parquet.ParquetFormat"),
        ("store.url", endpoint.as_str()),
        ("s3.region", s3.region()),
        ("s3.bucket.name", "archive"),
        ("aws.access.key.id", s3.access_key()),
        ("aws.secret.access.key", s3.secret_key()),
        ("s3.part.size", "5242880"),
        ("flush.size", "3"),
    ]
    .into_iter()
    .collect();
    for (key, value) in changes {
        config.set(*key, *value);
    }
    config
}

async fn validate(config: &Config) -> ConfigValues {
    let plugin = millstream_s3::sink();
    let mut values = plugin.config_def().validate(config);
    plugin.validate(config, &mut values).await;
    values
}

fn task() -> Box<dyn SinkTask> {
    match millstream_s3::sink().task() {
        Task::Sink(task) => task,
        Task::Source(_) => panic!("a sink has sink tasks"),
    }
}

async fn start(config: Config) -> Result<Box<dyn SinkTask>> {
    let mut task = task();
    let budget = MemoryBudget::new(256 << 20);
    task.start(SinkTaskContext { id: TaskId::new("s3", 0), config, host: Arc::new(Host), budget }).await?;
    Ok(task)
}

fn batch(values: Column, first: i64) -> SinkBatch {
    let offsets = Int64Array::from_iter_values((first..).take(values.len()));
    SinkBatch { batch: Batch::of_values("orders", values), origin: TopicPartition::new("orders", 0), offsets }
}

fn json(first: i64, rows: usize) -> SinkBatch {
    let texts = (first..).take(rows).map(|n| Some(format!(r#"{{"id":{n}}}"#)));
    batch(Column::schemaless(texts.collect::<StringArray>()), first)
}

/// Rows of 64 KiB that do not compress.
fn large(first: i64, rows: usize) -> SinkBatch {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ first as u64;
    let mut noise = || {
        let mut bytes = Vec::with_capacity(65_536);
        while bytes.len() < 65_536 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        bytes
    };
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((first..).take(rows)));
    let noise: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(|_| noise())));
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("noise", DataType::Binary, false)];
    let values = StructArray::new(fields.into(), vec![ids, noise], None);
    let field = Field::new("value", DataType::Struct(values.fields().clone()), false);
    batch(Column::new(Arc::new(field), Arc::new(values)).unwrap(), first)
}

async fn committable(task: &mut Box<dyn SinkTask>, delivered: i64) -> i64 {
    let partition = TopicPartition::new("orders", 0);
    task.pre_commit(&PartitionOffsets::from([(partition.clone(), delivered)])).await.unwrap()[&partition]
}

#[tokio::test(flavor = "multi_thread")]
async fn files_small_and_large_reach_the_bucket() {
    let s3 = S3::start().await.unwrap();
    s3.create_bucket("archive").await.unwrap();
    let config = config(&s3, &[("flush.size", "400")]);
    assert!(validate(&config).await.is_valid());
    let mut task = start(config).await.unwrap();
    task.put(&[json(0, 1000)]).await.unwrap();
    assert_eq!(committable(&mut task, 1000).await, 800);
    // The change of schema ends the open file; 25 MiB go in parts.
    task.put(&[large(1000, 250), large(1250, 150)]).await.unwrap();
    assert_eq!(committable(&mut task, 1400).await, 1400);
    task.stop().await;
    let keys = s3.keys("archive", "").await.unwrap();
    let key = |start: i64| format!("topics/orders/partition=0/orders+0+{start:010}.snappy.parquet");
    assert_eq!(keys, [0, 400, 800, 1000].map(key));
    for (start, rows) in [(0, 400), (400, 400), (800, 200), (1000, 400)] {
        let bytes = s3.get("archive", &key(start)).await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), rows, "{start}");
    }
    let client = s3.client("archive").unwrap();
    let meta = client.list(None);
    let meta: Vec<_> = futures::TryStreamExt::try_collect(meta).await.unwrap();
    let etag =
        |suffix: &str| meta.iter().find(|m| m.location.as_ref().ends_with(suffix)).unwrap().e_tag.clone().unwrap();
    assert!(etag("0000001000.snappy.parquet").contains("-6"), "in parts: {}", etag("0000001000.snappy.parquet"));
    assert!(!etag("0000000000.snappy.parquet").contains('-'), "in one request");
    let small = client.get(&key(0).as_str().into()).await.unwrap();
    let mark = |name: &'static str| small.attributes.get(&Attribute::Metadata(name.into())).map(|v| v.to_string());
    assert_eq!(mark("millstream-start-offset").as_deref(), Some("0"));
    assert_eq!(mark("millstream-end-offset").as_deref(), Some("399"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_named() {
    let s3 = S3::start().await.unwrap();
    let config = config(&s3, &[("s3.bucket.name", "nobodys-bucket")]);
    let values = validate(&config).await;
    assert_eq!(values.error_count(), 1);
    let error = &values.get("s3.bucket.name").unwrap().errors[0];
    assert!(error.contains("nobodys-bucket") && error.contains("NoSuchBucket"), "{error}");
    let error = start(config).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains("nobodys-bucket"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_named_and_not_told() {
    let s3 = S3::start().await.unwrap();
    if s3.server() != S3Server::MinIo {
        eprintln!("skipped: this S3 server takes any credentials");
        return;
    }
    s3.create_bucket("archive").await.unwrap();
    for (key, value) in [("aws.secret.access.key", "wrong-secret"), ("aws.access.key.id", "nobody")] {
        let config = config(&s3, &[(key, value)]);
        let values = validate(&config).await;
        let errors = &values.get("aws.access.key.id").unwrap().errors;
        assert_eq!((values.error_count(), errors.len()), (1, 1));
        assert!(errors[0].contains("archive") && !errors[0].contains("wrong-secret"), "{errors:?}");
        let error = start(config).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Fatal);
        assert!(!format!("{error:?}{}", error.trace()).contains("wrong-secret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_store_is_named_and_the_task_waits_for_it() {
    let s3 = S3::start().await.unwrap();
    s3.create_bucket("archive").await.unwrap();
    if s3.server() != S3Server::MinIo {
        eprintln!("skipped: the objects of this S3 server do not outlive it");
        return;
    }
    let config = config(&s3, &[("s3.part.retries", "1")]);
    s3.kill();
    let values = validate(&config).await;
    assert_eq!(values.get("store.url").unwrap().errors.len(), 1);
    let mut task = start(config).await.unwrap();
    task.put(&[json(0, 3)]).await.unwrap();
    assert_eq!(committable(&mut task, 3).await, 0);
    s3.run().await.unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(60), async { while committable(&mut task, 3).await < 3 {} });
    waited.await.expect("the file is uploaded once the store is back");
    task.stop().await;
    assert_eq!(s3.keys("archive", "").await.unwrap().len(), 1);
}

/// The child's part: settings without endpoint and credentials.
const CHILD: &str = "MILLSTREAM_S3_TEST_CHILD";

/// Variables of a process are its own: the part that reads them runs in a child.
#[tokio::test(flavor = "multi_thread")]
async fn endpoint_and_credentials_come_from_the_environment() {
    if std::env::var_os(CHILD).is_some() {
        return child().await;
    }
    let s3 = S3::start().await.unwrap();
    s3.create_bucket("my-kafka-archive").await.unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "endpoint_and_credentials_come_from_the_environment", "--nocapture"])
        .envs(s3.environment())
        .env("AWS_ENDPOINT_URL_S3", s3.endpoint())
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let keys = s3.keys("my-kafka-archive", "").await.unwrap();
    assert_eq!(keys, ["topics/orders/partition=0/orders+0+0000000000.snappy.parquet"]);
}

async fn child() {
    let config: Config = [
        ("connector.class", "io.confluent.connect.s3.S3SinkConnector"),
        ("tasks.max", "4"),
        ("topics", "orders,user-events"),
        ("s3.region", "ap-south-1"),
        ("s3.bucket.name", "my-kafka-archive"),
        ("s3.part.size", "5242880"),
        ("flush.size", "1000"),
        ("rotate.interval.ms", "300000"),
        ("storage.class", "io.confluent.connect.s3.storage.S3Storage"),
        ("format.class", "io.confluent.connect.s3.format.parquet.ParquetFormat"),
        ("parquet.codec", "snappy"),
    ]
    .into_iter()
    .collect();
    let values = validate(&config).await;
    assert!(values.is_valid(), "{:?}", values.into_valid().err());
    let mut task = start(config).await.unwrap();
    task.put(&[json(0, 1500)]).await.unwrap();
    assert_eq!(committable(&mut task, 1500).await, 1000);
    task.stop().await;
}
