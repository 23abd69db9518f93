//! Source offsets in the offsets topic.

use std::sync::Arc;

use async_trait::async_trait;
use millstream_api::{Error, OffsetMap, OffsetReader, Result, SourceOffset, SourcePartition};
use millstream_core::cluster::{OffsetTable, encode_offset, is_flat};
use parking_lot::RwLock;

use super::OffsetStore;
use super::log::{LogSettings, StoreLog};
use crate::kafka::LogRecord;
use crate::kafka::topic_log::LogEntry;

/// [`OffsetStore`] over the offsets topic, or over a connector's own (`offsets.storage.topic`).
pub struct KafkaOffsetStore {
    log: StoreLog,
    table: Arc<RwLock<OffsetTable>>,
}

impl KafkaOffsetStore {
    /// A store that does nothing before it is started.
    pub fn new(settings: LogSettings) -> Self {
        Self { log: StoreLog::new(settings), table: Arc::default() }
    }

    /// Reads to the present end; then the table holds whatever was stored before.
    async fn refresh(&self) -> Result<()> {
        self.log.get()?.read_to_end().await
    }

    /// See [`OffsetReader::offsets`].
    pub(super) async fn offsets(
        &self,
        connector: &str,
        partitions: &[SourcePartition],
    ) -> Result<Vec<Option<OffsetMap>>> {
        self.refresh().await?;
        let table = self.table.read();
        Ok(partitions.iter().map(|partition| table.get(connector, partition).cloned()).collect())
    }
}

/// Refuses lists and maps within a partition or an offset: no worker could read them back.
pub(super) fn check(connector: &str, offsets: &[(Arc<SourcePartition>, SourceOffset)]) -> Result<()> {
    let flat = |(partition, offset): &(Arc<SourcePartition>, SourceOffset)| {
        is_flat(&partition.0) && !matches!(offset, SourceOffset::Map(map) if !is_flat(map))
    };
    match offsets.iter().all(flat) {
        true => Ok(()),
        false => Err(Error::data(format!(
            "offsets of connector {connector} cannot be stored: a source partition or offset holds a list or a map"
        ))
        .hint("partitions and offsets are flat maps of texts, numbers, booleans and nulls")),
    }
}

/// The records to write for a connector's offsets, under the keys that are there.
pub(super) fn entries(
    table: &OffsetTable,
    connector: &str,
    offsets: &[(Arc<SourcePartition>, SourceOffset)],
) -> Vec<LogEntry> {
    let mut entries = Vec::with_capacity(offsets.len());
    for (partition, offset) in offsets {
        match offset {
            SourceOffset::Map(map) => {
                entries.push((table.key_bytes(connector, partition), Some(encode_offset(map))));
            }
            SourceOffset::Null => {
                // Each spelling of the partition's key holds a position of its own; one left would come back.
                let mut keys = table.keys_to_reset(connector, partition);
                if keys.is_empty() {
                    keys.push(table.key_bytes(connector, partition));
                }
                entries.extend(keys.into_iter().map(|key| (key, None)));
            }
        }
    }
    entries
}

/// All positions of a connector, copied.
pub(super) fn listed(table: &OffsetTable, connector: &str) -> Vec<(SourcePartition, OffsetMap)> {
    table.offsets(connector).map(|(partition, offset)| (partition.clone(), offset.clone())).collect()
}

fn take(table: &RwLock<OffsetTable>, record: LogRecord<'_>) {
    let Some(key) = record.key else { return };
    if let Err(error) = table.write().apply(key, record.value, record.timestamp) {
        tracing::warn!(partition = record.partition, offset = record.offset, %error, "record of the offsets topic is ignored");
    }
}

#[async_trait]
impl OffsetStore for KafkaOffsetStore {
    async fn start(&self) -> Result<()> {
        let table = self.table.clone();
        self.log.open(move |record| take(&table, record)).await
    }

    async fn stop(&self) {
        self.log.close().await;
    }

    async fn write(&self, connector: &str, offsets: Vec<(Arc<SourcePartition>, SourceOffset)>) -> Result<()> {
        check(connector, &offsets)?;
        let log = self.log.get()?;
        let entries = entries(&self.table.read(), connector, &offsets);
        log.send_all(entries).await?;
        Ok(())
    }

    async fn offsets_of(&self, connector: &str) -> Result<Vec<(SourcePartition, OffsetMap)>> {
        self.refresh().await?;
        Ok(listed(&self.table.read(), connector))
    }

    fn reader(self: Arc<Self>, connector: &str) -> Arc<dyn OffsetReader> {
        Arc::new(Reader { store: self, connector: connector.into() })
    }
}

struct Reader {
    store: Arc<KafkaOffsetStore>,
    connector: Arc<str>,
}

#[async_trait]
impl OffsetReader for Reader {
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>> {
        self.store.offsets(&self.connector, partitions).await
    }
}
