//! What no recording tells: parts, failures of the store, memory, partitions that come and go.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use millstream_api::offsets::PartitionOffsets;
use millstream_api::{Column, ErrorKind, SinkBatch, SinkTask, TopicPartition};

use super::faulty::Faulty;
use super::play::{self, Host, batch, config};
use super::read;
use crate::inference::SAMPLE_BYTES;
use crate::task::S3SinkTask;

const MIB: usize = 1 << 20;

struct World {
    store: Arc<Faulty>,
    host: Arc<Host>,
    task: S3SinkTask,
}

impl World {
    async fn start(changes: &[(&str, &str)], budget: usize) -> Self {
        let (store, host) = (Arc::new(Faulty::default()), Arc::new(Host::default()));
        let task = play::start(store.clone(), config(changes), &host, budget).await.unwrap();
        Self { store, host, task }
    }

    async fn committable(&mut self, partition: &TopicPartition, delivered: i64) -> i64 {
        let delivered = PartitionOffsets::from([(partition.clone(), delivered)]);
        self.task.pre_commit(&delivered).await.unwrap()[partition]
    }

    async fn keys(&self) -> Vec<String> {
        read::objects(&self.store.inner).await.into_keys().collect()
    }
}

fn partition(topic: &str) -> TopicPartition {
    TopicPartition::new(topic, 0)
}

/// Rows of 64 KiB that do not compress.
fn incompressible(origin: &TopicPartition, first: i64, rows: usize) -> SinkBatch {
    let offsets: Vec<i64> = (first..).take(rows).collect();
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
    let ids: ArrayRef = Arc::new(Int64Array::from(offsets.clone()));
    let noise: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(|_| noise())));
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("noise", DataType::Binary, false)];
    let values = StructArray::new(fields.into(), vec![ids, noise], None);
    let field = Field::new("value", DataType::Struct(values.fields().clone()), false);
    batch(origin, Column::new(Arc::new(field), Arc::new(values)).unwrap(), offsets)
}

fn json(origin: &TopicPartition, first: i64, texts: &[&str]) -> SinkBatch {
    let offsets = (first..).take(texts.len()).collect();
    batch(origin, Column::schemaless(StringArray::from(texts.to_vec())), offsets)
}

#[tokio::test(start_paused = true)]
async fn a_large_file_leaves_in_parts_while_it_grows() {
    let mut world = World::start(&[("flush.size", "640")], 512 * MIB).await;
    let orders = partition("orders");
    for round in 0..9 {
        world.task.put(&[incompressible(&orders, round * 64, 64)]).await.unwrap();
    }
    assert_eq!(world.committable(&orders, 576).await, 0);
    tokio::task::yield_now().await;
    let early = Faulty::count(&world.store.parts);
    assert!(early >= 3, "{early} parts while the file is open");
    assert_eq!(world.keys().await, Vec::<String>::new());
    world.task.put(&[incompressible(&orders, 576, 64)]).await.unwrap();
    assert_eq!(world.committable(&orders, 640).await, 640);
    assert_eq!((Faulty::count(&world.store.begun), Faulty::count(&world.store.puts)), (1, 0));
    assert_eq!(Faulty::count(&world.store.parts), 9, "40 MiB in parts of 5");
    let objects = read::objects(&world.store.inner).await;
    let (rows, metadata) = read::parquet(objects.values().next().unwrap());
    assert_eq!(rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>(), (0..640).collect::<Vec<_>>());
    assert!(metadata.num_row_groups() > 1);
    world.task.stop().await;
    assert_eq!(Faulty::count(&world.store.aborted), 0);
}

#[tokio::test(start_paused = true)]
async fn over_budget_row_groups_close_early_and_files_end_where_they_did() {
    let mut groups = Vec::new();
    for budget in [512 * MIB, MIB] {
        let mut world = World::start(&[("flush.size", "100")], budget).await;
        for round in 0..3 {
            world.task.put(&[incompressible(&partition("orders"), round * 40, 40)]).await.unwrap();
        }
        assert_eq!(world.committable(&partition("orders"), 120).await, 100);
        let objects = read::objects(&world.store.inner).await;
        let (rows, metadata) = read::parquet(objects.values().next().unwrap());
        assert_eq!((objects.len(), rows.len()), (1, 100));
        groups.push(metadata.num_row_groups());
    }
    assert!(groups[0] < groups[1], "{groups:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_records_give_the_same_objects() {
    let mut runs = Vec::new();
    for cuts in [vec![5, 5, 5], vec![1, 13, 1]] {
        let mut world = World::start(&[("flush.size", "7")], 64 * MIB).await;
        let mut next = 0;
        for rows in cuts {
            let texts: Vec<_> = (next..next + rows).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            world.task.put(&[json(&partition("t"), next, &texts)]).await.unwrap();
            next += rows;
        }
        assert_eq!(world.committable(&partition("t"), 15).await, 14);
        runs.push(read::objects(&world.store.inner).await);
    }
    assert_eq!(runs[0].len(), 2);
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn close_drops_only_the_partitions_it_names_and_removes_their_parts() {
    let mut world = World::start(&[("flush.size", "1000")], 512 * MIB).await;
    let (orders, users) = (partition("orders"), partition("users"));
    world.task.open(&[orders.clone(), users.clone()]).await.unwrap();
    for origin in [&orders, &users] {
        world.task.put(&[incompressible(origin, 0, 320)]).await.unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(Faulty::count(&world.store.begun), 2);
    world.task.close(std::slice::from_ref(&orders)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(Faulty::count(&world.store.aborted), 1);
    world.task.put(&[incompressible(&users, 320, 680)]).await.unwrap();
    assert_eq!(world.committable(&users, 1000).await, 1000);
    assert_eq!(world.keys().await, ["topics/users/partition=0/users+0+0000000000.snappy.parquet"]);
    world.task.put(&[incompressible(&users, 1000, 320)]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    world.task.stop().await;
    assert_eq!(Faulty::count(&world.store.aborted), 2, "stop gives up the rest");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_holds_records_back_and_loses_none() {
    let mut world = World::start(&[("flush.size", "160")], 512 * MIB).await;
    let orders = partition("orders");
    world.store.down.store(true, Ordering::Relaxed);
    let mut taken = 0;
    let error = loop {
        match world.task.put(&[incompressible(&orders, taken, 160)]).await {
            Ok(()) => taken += 160,
            Err(error) => break error,
        }
        assert!(taken < 10_000, "put takes without end");
    };
    assert_eq!(error.kind(), ErrorKind::Retriable);
    assert!(error.to_string().contains("503") && error.to_string().contains("s3://bucket/topics/orders/"), "{error}");
    assert!(world.task.put(&[incompressible(&orders, taken, 160)]).await.is_err());
    assert!(world.host.retry_asked.load(Ordering::Relaxed) > 0);
    assert_eq!(world.committable(&orders, taken).await, 0);
    world.store.down.store(false, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    world.task.put(&[incompressible(&orders, taken, 160)]).await.unwrap();
    assert_eq!(world.committable(&orders, taken + 160).await, taken + 160);
    let mut ids = Vec::new();
    for bytes in read::objects(&world.store.inner).await.values() {
        ids.extend(read::parquet(bytes).0.iter().map(|row| row["id"].as_i64().unwrap()));
    }
    assert_eq!(ids, (0..taken + 160).collect::<Vec<_>>(), "each record once");
}

#[tokio::test(start_paused = true)]
async fn what_can_never_succeed_fails_the_task_by_name() {
    let mut world = World::start(&[], 64 * MIB).await;
    world.store.denied.store(true, Ordering::Relaxed);
    let rows = [r#"{"a":1}"#; 3];
    world.task.put(&[json(&partition("t"), 0, &rows)]).await.unwrap();
    let delivered = PartitionOffsets::from([(partition("t"), 3)]);
    let error = world.task.pre_commit(&delivered).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    let text = error.to_string();
    assert!(text.contains("s3://bucket/topics/t/partition=0/t+0+0000000000.snappy.parquet"), "{text}");
    assert!(error.hint_text().unwrap().contains("credentials"));
    assert_eq!(world.task.put(&[]).await.unwrap_err().kind(), ErrorKind::Fatal);
    world.task.stop().await;
}

#[tokio::test(start_paused = true)]
async fn renamed_topics_have_their_own_directory_and_share_the_barrier() {
    let mut world = World::start(&[("flush.size", "4")], 64 * MIB).await;
    let origin = partition("orders");
    for (first, topic) in [(0, "day-1"), (2, "day-2")] {
        let mut batch = json(&origin, first, &[r#"{"a":1}"#; 2]);
        batch.batch.topic = topic.into();
        world.task.put(&[batch]).await.unwrap();
    }
    assert_eq!(world.committable(&origin, 4).await, 4);
    assert_eq!(
        world.keys().await,
        [
            "topics/day-1/partition=0/orders+0+0000000000.snappy.parquet",
            "topics/day-2/partition=0/orders+0+0000000002.snappy.parquet"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn json_beyond_the_sample_keeps_what_has_no_column() {
    let mut world = World::start(&[("flush.size", "5")], 512 * MIB).await;
    let long = format!(r#"{{"id":1,"text":"{}"}}"#, "x".repeat(SAMPLE_BYTES));
    world.task.put(&[json(&partition("t"), 0, &[&long, r#"{"id":2,"new":[1]}"#])]).await.unwrap();
    world.task.put(&[json(&partition("t"), 2, &[r#"{"id":"three"}"#, r#"{"id":4}"#, "5"])]).await.unwrap();
    assert_eq!(world.committable(&partition("t"), 5).await, 5);
    let objects = read::objects(&world.store.inner).await;
    let (rows, _) = read::parquet(objects.values().next().unwrap());
    let unmapped: Vec<_> = rows.iter().map(|row| row["_unmapped"].as_str()).collect();
    assert_eq!(unmapped, [None, Some(r#"{"new":[1]}"#), Some(r#"{"id":"three"}"#), None, Some("5")]);
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_i64()).collect();
    assert_eq!(ids, [Some(1), Some(2), None, Some(4), None]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_no_json_is_a_record_error_without_the_value() {
    let mut world = World::start(&[], 64 * MIB).await;
    let error = world.task.put(&[json(&partition("t"), 7, &["1", "secret!"])]).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("topic t, partition 0, offset 8") && !text.contains("secret"), "{text}");
    assert_eq!(error.kind(), ErrorKind::Data);
}
