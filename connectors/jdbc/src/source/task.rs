//! The source task.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use millstream_api::{Error, Result, SourceBatch, SourceTask, SourceTaskContext};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::chunk::ChunkLimits;
use super::reader::{Reader, Ready, TableState};
use crate::config::SourceConfig;
use crate::instant::Instant;
use crate::offsets::{known_partitions, timestamp_of, written_partition};
use crate::tables::{TableId, topic_of};

/// Batches that wait for the worker beside the one that is being read.
const READ_AHEAD: usize = 2;
/// How long `poll` waits for rows before it comes back without.
const POLL_WAIT: Duration = Duration::from_secs(1);
/// Bytes that one answer of `poll` gathers, when more is ready.
const ANSWER_BYTES: usize = 4 << 20;

/// Reads tables of a database.
#[derive(Default)]
pub struct JdbcSourceTask {
    limits: ChunkLimits,
    running: Option<Running>,
}

struct Running {
    batches: mpsc::Receiver<Result<Ready>>,
    reader: JoinHandle<()>,
    /// A last answer of the reader that came behind other batches.
    error: Option<Error>,
}

#[cfg(test)]
impl JdbcSourceTask {
    /// A task that hands chunks on by these limits.
    pub fn with_limits(limits: ChunkLimits) -> Self {
        Self { limits, running: None }
    }
}

#[async_trait]
impl SourceTask for JdbcSourceTask {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        let config = SourceConfig::parse(&context.config)?;
        if config.tables.is_empty() && config.tables_fetched {
            return Err(Error::fatal("no table fits the connector's settings, so this task has nothing to read")
                .hint("look at the table lists, table.types, schema.pattern and catalog.pattern; the task starts by itself once a table appears"));
        }
        let mut tables = Vec::with_capacity(config.tables.len());
        for table in &config.tables {
            let stored = stored_offset(&context, &config, table).await?;
            let topic = topic_of(&config.topic_prefix, table)?;
            tables.push(TableState::new(table.clone(), topic, written_partition(table), stored));
        }
        let begin_now = config.timestamp_initial == Some(-1);
        let (out, batches) = mpsc::channel(READ_AHEAD);
        let reader = Reader {
            config: Arc::new(config),
            tables,
            limits: self.limits,
            budget: context.budget.clone(),
            out,
            begin_now,
        };
        let reader = tokio::spawn(reader.run());
        self.running = Some(Running { batches, reader, error: None });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        let Some(running) = &mut self.running else {
            return Err(Error::internal("the task is polled before it was started"));
        };
        if let Some(error) = running.error.take() {
            return Err(error);
        }
        let Ok(first) = tokio::time::timeout(POLL_WAIT, running.batches.recv()).await else { return Ok(Vec::new()) };
        let Some(first) = first else {
            // A reader without tables ends at once: the task idles until the connector makes it anew.
            tokio::time::sleep(POLL_WAIT).await;
            return Ok(Vec::new());
        };
        let first = first?;
        let mut bytes = first.held.bytes();
        let mut answer = vec![first.batch];
        while bytes < ANSWER_BYTES {
            match running.batches.try_recv() {
                Ok(Ok(next)) => {
                    bytes += next.held.bytes();
                    answer.push(next.batch);
                }
                Ok(Err(error)) => {
                    running.error = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
        Ok(answer)
    }

    async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            // Closing the connection ends the query on the server with its next row.
            running.reader.abort();
            let _ = running.reader.await;
        }
    }
}

/// The offset a table goes on from: under the first spelling that is found, else `timestamp.initial`.
async fn stored_offset(context: &SourceTaskContext, config: &SourceConfig, table: &TableId) -> Result<Option<Instant>> {
    let connection = &config.connection;
    let user = connection.properties.get("user").map(millstream_api::Secret::expose);
    let partitions = known_partitions(table, connection.url.database.as_deref().or(user));
    let found = context.offsets.offsets(&partitions).await?;
    let found =
        partitions.iter().zip(found).enumerate().find_map(|(i, (partition, offset))| Some((i, partition, offset?)));
    if let Some((i, partition, offset)) = found {
        if i > 0 {
            tracing::info!(%table, partition = partition.canonical(), "going on from an offset under an older spelling");
        }
        if let Some(timestamp) = timestamp_of(partition, &offset)? {
            return Ok(Some(timestamp));
        }
    } else {
        tracing::info!(%table, "no offset is stored: reading from the beginning");
    }
    Ok(config.timestamp_initial.filter(|millis| *millis != -1).map(Instant::of_millis))
}
