//! The source task beyond what every source promises: Kafka's partitions and offsets, files that come late, odd text.

use std::sync::Arc;

use arrow::array::AsArray;
use async_trait::async_trait;
use millstream_api::{
    Config, ErrorKind, MemoryBudget, OffsetMap, OffsetReader, Result, SourceBatch, SourceOffset, SourcePartition,
    SourceTask, SourceTaskContext, Task, TaskId,
};
use serde_json::{Value, json};
use tempfile::TempDir;

struct Stored(Option<Value>);

#[async_trait]
impl OffsetReader for Stored {
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>> {
        Ok(partitions.iter().map(|_| self.0.as_ref().and_then(Value::as_object).cloned()).collect())
    }
}

async fn start(file: &str, stored: Option<Value>) -> Result<Box<dyn SourceTask>> {
    let Task::Source(mut task) = millstream_file::source().task() else { panic!() };
    let config: Config = [("file", file), ("topic", "t")].into_iter().collect();
    let context = SourceTaskContext {
        id: TaskId::new("c", 0),
        config,
        offsets: Arc::new(Stored(stored)),
        budget: MemoryBudget::new(1 << 20),
    };
    task.start(context).await?;
    Ok(task)
}

fn lines(batch: &SourceBatch) -> Vec<&str> {
    batch.batch.value.array().as_string::<i32>().iter().map(Option::unwrap).collect()
}

fn position(batch: &SourceBatch) -> &Value {
    let Some(SourceOffset::Map(map)) = &batch.offset else { panic!() };
    &map["position"]
}

async fn one(task: &mut dyn SourceTask) -> SourceBatch {
    loop {
        let mut batches = task.poll().await.unwrap();
        if let Some(batch) = batches.pop() {
            assert!(batches.is_empty());
            return batch;
        }
    }
}

#[tokio::test]
async fn records_are_kafkas() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.txt");
    std::fs::write(&path, "one\ntwo\nhalf").unwrap();
    let file = path.to_str().unwrap();
    let mut task = start(file, None).await.unwrap();
    let batch = one(task.as_mut()).await;
    assert_eq!(lines(&batch), ["one", "two"]);
    assert_eq!(position(&batch), &json!(8));
    assert_eq!(*batch.partition, SourcePartition(json!({"filename": file}).as_object().unwrap().clone()));
    assert_eq!(&*batch.batch.topic, "t");
    assert!(batch.batch.key.is_all_absent() && !batch.batch.value.field().is_nullable());
    assert!(batch.batch.timestamps.as_ref().unwrap().value(1) > 1_600_000_000_000);
    task.stop().await;
}

#[tokio::test]
async fn the_position_counts_bytes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.txt");
    std::fs::write(&path, "é\r\n\u{1f600}\n").unwrap();
    let file = path.to_str().unwrap();
    let batch = one(start(file, Some(json!({"position": 4}))).await.unwrap().as_mut()).await;
    assert_eq!((lines(&batch), position(&batch)), (vec!["\u{1f600}"], &json!(9)));
}

#[tokio::test]
async fn a_missing_file_is_waited_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("late.txt");
    let mut task = start(path.to_str().unwrap(), None).await.unwrap();
    assert!(task.poll().await.unwrap().is_empty());
    std::fs::write(&path, b"a\xff\n").unwrap();
    assert_eq!(lines(&one(task.as_mut()).await), ["a\u{fffd}"]);
}

#[tokio::test]
async fn a_line_longer_than_a_chunk() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.txt");
    std::fs::write(&path, format!("{}\nb\n", "x".repeat(3 << 20))).unwrap();
    let mut task = start(path.to_str().unwrap(), None).await.unwrap();
    let batch = one(task.as_mut()).await;
    let rows = batch.batch.len();
    assert_eq!(lines(&batch)[0].len(), 3 << 20);
    if rows == 1 {
        assert_eq!(lines(&one(task.as_mut()).await), ["b"]);
    }
}

#[tokio::test]
async fn a_position_that_is_none_fails_the_task() {
    for position in [json!("x"), json!(-1), json!(1.5), json!(null)] {
        let error = start("in.txt", Some(json!({"position": position}))).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Fatal);
        assert!(error.to_string().contains("in.txt"));
    }
    assert!(start("in.txt", Some(json!({}))).await.is_ok());
}

#[tokio::test]
async fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let mut task = start(folder.path().to_str().unwrap(), None).await.unwrap();
    let error = task.poll().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Fatal);
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
}
