use std::sync::Mutex;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use millstream_api::{MemoryBudget, OffsetMap, OffsetReader, TaskId};

use super::*;

/// One stored offset, for whatever partition.
struct Stored(Mutex<Option<OffsetMap>>);

#[async_trait]
impl OffsetReader for Stored {
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>> {
        Ok(vec![self.0.lock().unwrap().clone(); partitions.len()])
    }
}

async fn start(settings: &[(&str, &str)], task: u32, row: Option<serde_json::Value>) -> Result<DatagenTask> {
    let mut config: Config = [("topic", "made"), ("schema", "id:sequence,name:string(4)")].into_iter().collect();
    settings.iter().for_each(|(key, value)| config.set(*key, *value));
    let stored = row.map(|row| [(ROW.to_owned(), row)].into_iter().collect());
    let context = SourceTaskContext {
        id: TaskId { connector: "made".into(), task },
        config,
        offsets: Arc::new(Stored(Mutex::new(stored))),
        budget: MemoryBudget::new(1 << 20),
    };
    let mut made = DatagenTask::new();
    made.start(context).await?;
    Ok(made)
}

/// Row numbers and names of what a poll gave, and the stored row.
async fn poll(task: &mut DatagenTask) -> Option<(Vec<i64>, Vec<String>, u64)> {
    let made = task.poll().await.unwrap().pop()?;
    let values = made.batch.value.array().as_struct().clone();
    let ids = values.column(0).as_primitive::<Int64Type>().values().to_vec();
    let names = values.column(1).as_string::<i32>().iter().map(|name| name.unwrap().to_owned()).collect();
    let Some(SourceOffset::Map(offset)) = made.offset else { panic!("no offset") };
    Some((ids, names, offset[ROW].as_u64().unwrap()))
}

#[tokio::test]
async fn rows_go_on_where_they_were() {
    let mut whole = start(&[("batch.size", "10")], 0, None).await.unwrap();
    let (ids, names, next) = poll(&mut whole).await.unwrap();
    assert_eq!((ids, next), ((0..10).collect(), 10));
    let mut later = start(&[("batch.size", "3")], 0, Some(json!(4))).await.unwrap();
    let (ids, again, next) = poll(&mut later).await.unwrap();
    assert_eq!((ids, next), (vec![4, 5, 6], 7));
    assert_eq!(again, names[4..7]);
    let mut other = start(&[("batch.size", "10")], 1, None).await.unwrap();
    assert_ne!(poll(&mut other).await.unwrap().1, names, "another task makes other rows");
    assert!(start(&[], 0, Some(json!("x"))).await.is_err_and(|error| error.to_string().contains("task 0")));
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_and_the_last_row_is_the_last() {
    let mut task = start(&[("rate", "4"), ("max.rows", "6")], 0, None).await.unwrap();
    let began = Instant::now();
    let mut rows = Vec::new();
    while rows.len() < 6 {
        rows.extend(poll(&mut task).await.map(|(ids, ..)| ids).unwrap_or_default());
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_millis(1600), "{took:?}");
    assert_eq!(rows, [0, 1, 2, 3, 4, 5]);
    assert!(poll(&mut task).await.is_none());
}

#[tokio::test]
async fn a_key_is_a_field_of_the_record() {
    let mut task = start(&[("key.field", "name"), ("batch.size", "2")], 0, None).await.unwrap();
    let made = task.poll().await.unwrap().pop().unwrap();
    let values = made.batch.value.array().as_struct();
    assert_eq!(made.batch.key.array(), values.column(1));
    assert_eq!(made.batch.key.field().name(), "name");
    for wrong in [("key.field", "nobody"), ("schema", "a:int7"), ("rate", "-1"), ("batch.size", "0")] {
        let error = start(&[wrong], 0, None).await.err().expect("an error").to_string();
        assert!(error.contains(wrong.0), "{wrong:?}: {error}");
    }
}
