//! The FileStream tasks run through the batteries every task is run through.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use async_trait::async_trait;
use millstream_api::conformance::sink::{self, SinkWorld};
use millstream_api::conformance::source::{self, SourceWorld};
use millstream_api::{Batch, Column, Config, SinkBatch, SinkTask, SourceTask, Task, TopicPartition};
use tempfile::TempDir;

struct SourceFile {
    path: PathBuf,
    rows: usize,
    batch_size: &'static str,
    ends: [&'static str; 3],
    _folder: TempDir,
}

#[async_trait]
impl SourceWorld for SourceFile {
    fn task(&self) -> (Box<dyn SourceTask>, Config) {
        let Task::Source(task) = millstream_file::source().task() else { panic!() };
        let file = self.path.to_str().unwrap();
        (task, [("file", file), ("topic", "t"), ("batch.size", self.batch_size)].into_iter().collect())
    }

    async fn add_rows(&mut self, rows: usize) -> Result<(), String> {
        let mut file = std::fs::File::options().create(true).append(true).open(&self.path).unwrap();
        for _ in 0..rows {
            let end = self.ends[self.rows % 3];
            write!(file, "línea {}{end}", self.rows).unwrap();
            self.rows += 1;
        }
        Ok(())
    }

    fn broken_config(&self) -> Option<Config> {
        Some([("file", "x")].into_iter().collect())
    }

    fn patience(&self) -> usize {
        3
    }
}

async fn run_source(batch_size: &'static str, ends: [&'static str; 3]) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("in.txt");
    let mut world = SourceFile { path, rows: 0, batch_size, ends, _folder: folder };
    source::run(&mut world).await.unwrap();
}

#[tokio::test]
async fn source_in_small_batches() {
    run_source("5", ["\n", "\n", "\n"]).await;
}

#[tokio::test]
async fn source_with_all_line_ends() {
    // The last row of each addition must not end with a lone CR: that is no end yet.
    run_source("7", ["\n", "\r\n", "\r"]).await;
}

#[tokio::test]
async fn source_in_one_batch() {
    run_source("2000", ["\r\n", "\n", "\n"]).await;
}

struct SinkFile {
    path: PathBuf,
    _folder: TempDir,
}

#[async_trait]
impl SinkWorld for SinkFile {
    fn task(&self) -> (Box<dyn SinkTask>, Config) {
        let Task::Sink(task) = millstream_file::sink().task() else { panic!() };
        (task, [("file", self.path.to_str().unwrap()), ("topics", "a,b")].into_iter().collect())
    }

    fn batch(&self, origin: &TopicPartition, first_offset: i64, rows: usize) -> SinkBatch {
        let offsets = first_offset..first_offset + rows as i64;
        let values = StringArray::from_iter_values(offsets.clone().map(|offset| self.text(origin, offset)));
        let field = Arc::new(Field::new("value", DataType::Utf8, false));
        let batch = Batch::of_values(origin.topic.clone(), Column::new(field, Arc::new(values)).unwrap());
        SinkBatch { batch, origin: origin.clone(), offsets: Int64Array::from_iter_values(offsets) }
    }

    fn text(&self, origin: &TopicPartition, offset: i64) -> String {
        format!("{origin}@{offset}")
    }

    async fn written(&mut self) -> Result<Vec<String>, String> {
        let text = std::fs::read_to_string(&self.path).map_err(|e| e.to_string())?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn broken_config(&self) -> Option<Config> {
        Some([("file", "/no/such/folder/out.txt")].into_iter().collect())
    }
}

#[tokio::test]
async fn sink() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out.txt");
    sink::run(&mut SinkFile { path, _folder: folder }).await.unwrap();
}
