//! The battery that every sink task is run through.

use std::sync::Arc;

use arrow::array::StringArray;
use async_trait::async_trait;
use millstream_api::conformance::sink::{self, SinkWorld};
use millstream_api::{Column, Config, SinkBatch, SinkTask, TopicPartition};
use object_store::memory::InMemory;

use super::play::{batch, config};
use super::read;
use crate::task::S3SinkTask;

struct World(Arc<InMemory>);

#[async_trait]
impl SinkWorld for World {
    fn task(&self) -> (Box<dyn SinkTask>, Config) {
        let store = self.0.clone();
        (Box::new(S3SinkTask::with_store(Arc::new(move |_| Ok(store.clone())))), config(&[("flush.size", "4")]))
    }

    fn batch(&self, origin: &TopicPartition, first_offset: i64, rows: usize) -> SinkBatch {
        let offsets: Vec<i64> = (first_offset..).take(rows).collect();
        let texts = offsets.iter().map(|offset| format!(r#"{{"text":"{}"}}"#, self.text(origin, *offset)));
        batch(origin, Column::schemaless(texts.map(Some).collect::<StringArray>()), offsets)
    }

    fn text(&self, origin: &TopicPartition, offset: i64) -> String {
        format!("{origin}@{offset}")
    }

    async fn written(&mut self) -> Result<Vec<String>, String> {
        let objects = read::objects(&self.0).await;
        let rows = objects.values().flat_map(|bytes| read::parquet(bytes).0);
        Ok(rows.map(|row| row["text"].as_str().unwrap_or_default().to_owned()).collect())
    }

    fn rows_per_commit(&self) -> usize {
        4
    }

    fn broken_config(&self) -> Option<Config> {
        Some(config(&[("parquet.codec", "lzo")]))
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_keeps_the_contract() {
    sink::run(&mut World(Arc::new(InMemory::new()))).await.unwrap();
}
