//! The sink task.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::offsets::PartitionOffsets;
use millstream_api::{Error, Result, SinkBatch, SinkTask, SinkTaskContext, TopicPartition};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::config::S3Config;
use crate::parquet_file::FileSettings;
use crate::partition::{PartitionWriter, Tools};
use crate::store::{self, Store};
use crate::upload::Uploader;

/// Bytes in flight that are always allowed; two parts are as well, whatever their size.
const IN_FLIGHT: usize = 16 * 1024 * 1024;
/// How long `put` waits for uploads before it asks to be called again.
const ROOM: Duration = Duration::from_secs(10);
/// How long `pre_commit` waits for files that are closed.
const CLOSED_FILES: Duration = Duration::from_secs(5);
/// How long `stop` waits for parts to be removed.
const CLEANUP: Duration = Duration::from_secs(5);
/// Batches below this are encoded where they are: moving the work costs more.
const SMALL_BATCH: usize = 64 * 1024;

/// Makes the store of a task: the real one, or what a test puts in its place.
pub(crate) type OpenStore = Arc<dyn Fn(&S3Config) -> Result<Arc<dyn Store>> + Send + Sync>;

/// Writes the records of its partitions to S3.
pub(crate) struct S3SinkTask {
    open_store: OpenStore,
    tools: Option<Tools>,
    writers: BTreeMap<TopicPartition, PartitionWriter>,
}

impl S3SinkTask {
    /// A task that writes to the store of its configuration.
    pub(crate) fn new() -> Self {
        Self::with_store(Arc::new(|config: &S3Config| store::open(&config.store)))
    }

    /// A task that writes to another store.
    pub(crate) fn with_store(open_store: OpenStore) -> Self {
        Self { open_store, tools: None, writers: BTreeMap::new() }
    }

    fn tools(&self) -> Result<&Tools> {
        self.tools.as_ref().ok_or_else(not_started)
    }

    /// The error of an upload that can never succeed.
    fn check_uploads(&self) -> Result<()> {
        match self.writers.values().find_map(PartitionWriter::failure) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Encodes and hands over; all of it CPU work.
    fn write(&mut self, batches: &[SinkBatch]) -> Result<()> {
        let tools = self.tools.as_ref().ok_or_else(not_started)?;
        for batch in batches {
            let writer = self
                .writers
                .entry(batch.origin.clone())
                .or_insert_with(|| PartitionWriter::new(batch.origin.clone(), tools.config.flush_size));
            writer.write(batch, tools)?;
            relieve(&mut self.writers, tools)?;
        }
        Ok(())
    }
}

/// Over budget, the largest row groups of this task are closed early until it is not. File boundaries stay where they are.
fn relieve(writers: &mut BTreeMap<TopicPartition, PartitionWriter>, tools: &Tools) -> Result<()> {
    if !tools.budget.is_exceeded() {
        return Ok(());
    }
    let mut files: Vec<_> = writers.values_mut().flat_map(PartitionWriter::open_files).collect();
    files.sort_by_key(|file| std::cmp::Reverse(file.relief()));
    for file in files {
        if !tools.budget.is_exceeded() || file.relief() == 0 {
            break;
        }
        file.relieve(&tools.settings, &tools.uploader)?;
    }
    Ok(())
}

fn not_started() -> Error {
    Error::internal("the S3 sink task was not started")
}

/// Runs CPU work without holding up what else the thread has to do.
fn on_cpu<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[async_trait]
impl SinkTask for S3SinkTask {
    async fn start(&mut self, context: SinkTaskContext) -> Result<()> {
        let config = S3Config::parse(&context.config)?;
        let store = (self.open_store)(&config)?;
        match store::probe(store.as_ref(), &config.store.bucket).await {
            Ok(()) => {}
            // Reachable later, maybe: the uploads wait for it.
            Err(failure) if failure.is_transient() => {
                tracing::warn!(task = %context.id, error = %failure.error(), "the bucket cannot be reached at start");
            }
            Err(failure) => return Err(failure.error()),
        }
        let limit = IN_FLIGHT.max(config.part_size.saturating_mul(2));
        let uploader = Uploader::new(store, &config.store.bucket, limit, context.budget.clone(), context.host.clone());
        let settings = FileSettings { compression: config.compression, part_size: config.part_size };
        self.tools = Some(Tools { config, settings, uploader, budget: context.budget, host: context.host });
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let flush_size = self.tools()?.config.flush_size;
        for partition in partitions {
            // A partition that comes back begins at its committed offset: nothing of before may be left.
            self.writers.insert(partition.clone(), PartitionWriter::new(partition.clone(), flush_size));
        }
        Ok(())
    }

    async fn put(&mut self, batches: &[SinkBatch]) -> Result<()> {
        self.check_uploads()?;
        if batches.iter().all(SinkBatch::is_empty) {
            return Ok(());
        }
        let tools = self.tools()?;
        if !tools.uploader.has_room(ROOM).await {
            self.check_uploads()?;
            tools.host.retry_after(tools.config.retry_after);
            let error = Error::retriable("S3 takes files more slowly than they come; no more are begun for the moment");
            return Err(match self.writers.values().find_map(PartitionWriter::trouble) {
                Some(trouble) => error.caused_by(trouble),
                None => error,
            });
        }
        // From here on records are kept, so nothing may ask for the same batches again.
        let bytes: usize = batches.iter().map(|batch| batch.batch.byte_size()).sum();
        if bytes < SMALL_BATCH { self.write(batches) } else { on_cpu(|| self.write(batches)) }
    }

    async fn pre_commit(&mut self, delivered: &PartitionOffsets) -> Result<PartitionOffsets> {
        let closed: Vec<_> = self.writers.values().flat_map(PartitionWriter::uploads).collect();
        let closed_files = async {
            for upload in closed {
                upload.await;
            }
        };
        // In vain when it takes longer: those offsets are committed another time.
        let _ = tokio::time::timeout(CLOSED_FILES, closed_files).await;
        self.check_uploads()?;
        let mut committable = PartitionOffsets::new();
        for (partition, delivered) in delivered {
            let first_open = self.writers.get_mut(partition).and_then(PartitionWriter::first_open);
            committable.insert(partition.clone(), first_open.map_or(*delivered, |open| open.min(*delivered)));
        }
        Ok(committable)
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        for partition in partitions {
            self.writers.remove(partition);
        }
        Ok(())
    }

    async fn stop(&mut self) {
        self.writers.clear();
        if let Some(tools) = self.tools.take() {
            tools.uploader.settle(CLEANUP).await;
        }
    }
}
