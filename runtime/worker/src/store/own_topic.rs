//! Offsets of connectors that have a topic of their own (`offsets.storage.topic`): that topic first, the worker's store behind it.
//!
//! As in Kafka Connect the worker's store holds a copy, written after the connector's topic: a connector that gives up its own topic goes on
//! from there, and one that gets a topic begins with what the worker's store has.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use indexmap::IndexMap;
use millstream_api::{OffsetMap, OffsetReader, Result, SourceOffset, SourcePartition};
use millstream_core::settings::{ConnectorSettings, Mode, WorkerConfig};
use parking_lot::Mutex;
use tokio::sync::{Notify, OnceCell};

use super::offsets::KafkaOffsetStore;
use super::{LogSettings, OffsetStore};
use crate::kafka::NewTopic;
use crate::kafka::client_config::own_offsets;
use crate::kafka::internal_topic::InternalTopic;

/// Partitions of a new topic where the worker has no setting for it (standalone mode), as in Kafka Connect.
const PARTITIONS: i32 = 25;

/// [`OffsetStore`] of a worker, and of its connectors with topics of their own.
pub struct OffsetStores {
    worker: Arc<WorkerConfig>,
    base: Arc<dyn OffsetStore>,
    own: Mutex<InUse>,
}

/// By connector and topic.
type InUse = HashMap<(Arc<str>, String), Weak<OwnTopic>>;

impl OffsetStores {
    /// With the store of the worker.
    pub fn new(worker: Arc<WorkerConfig>, base: Arc<dyn OffsetStore>) -> Self {
        Self { worker, base, own: Mutex::default() }
    }
}

#[async_trait]
impl OffsetStore for OffsetStores {
    async fn start(&self) -> Result<()> {
        self.base.start().await
    }

    async fn stop(&self) {
        self.base.stop().await;
    }

    async fn write(&self, connector: &str, offsets: Vec<(Arc<SourcePartition>, SourceOffset)>) -> Result<()> {
        self.base.write(connector, offsets).await
    }

    async fn offsets_of(&self, connector: &str) -> Result<Vec<(SourcePartition, OffsetMap)>> {
        self.base.offsets_of(connector).await
    }

    fn reader(self: Arc<Self>, connector: &str) -> Arc<dyn OffsetReader> {
        self.base.clone().reader(connector)
    }

    fn own(&self, connector: &ConnectorSettings) -> Result<Option<Arc<dyn OffsetStore>>> {
        let Some(topic) = &connector.offsets_topic else { return Ok(None) };
        if self.is_the_workers(topic, connector) {
            return Ok(None);
        }
        let mut all = self.own.lock();
        all.retain(|_, store| store.strong_count() > 0);
        let key = (connector.name.clone(), topic.clone());
        if let Some(store) = all.get(&key).and_then(Weak::upgrade) {
            return Ok(Some(store));
        }
        let settings = log_settings(topic, &self.worker, connector)?;
        let store = OwnTopic::new(settings, self.base.clone(), connector.name.clone());
        all.insert(key, Arc::downgrade(&store));
        Ok(Some(store))
    }
}

impl OffsetStores {
    fn is_the_workers(&self, topic: &str, connector: &ConnectorSettings) -> bool {
        let other_cluster = connector
            .producer_overrides
            .get("bootstrap.servers")
            .is_some_and(|bootstrap| bootstrap != self.worker.bootstrap_servers);
        match &self.worker.mode {
            Mode::Distributed(distributed) => distributed.offset_topic.name == topic && !other_cluster,
            Mode::Standalone { .. } => false,
        }
    }
}

fn log_settings(topic: &str, worker: &WorkerConfig, connector: &ConnectorSettings) -> Result<LogSettings> {
    let (partitions, replication_factor, configs) = match &worker.mode {
        Mode::Distributed(distributed) => {
            let like = &distributed.offset_topic;
            let configs = like.extra.iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
            (like.partitions, like.replication_factor, configs.collect())
        }
        Mode::Standalone { .. } => (PARTITIONS, -1, Vec::new()),
    };
    let (admin, consumer, producer) = own_offsets(worker, connector)?;
    let topic = NewTopic { name: topic.to_owned(), partitions, replication_factor, configs };
    let topic = InternalTopic {
        topic,
        key: "offsets.storage.topic",
        holds: "source offsets of one connector",
        single_partition: false,
    };
    Ok(LogSettings { topic, admin, consumer, producer })
}

/// The offsets of one connector in its own topic. Opened at its first use; ends with its last user.
struct OwnTopic {
    settings: LogSettings,
    own: OnceCell<KafkaOffsetStore>,
    base: Arc<dyn OffsetStore>,
    copies: Arc<Copies>,
    copying: tokio::task::JoinHandle<()>,
}

impl OwnTopic {
    fn new(settings: LogSettings, base: Arc<dyn OffsetStore>, connector: Arc<str>) -> Arc<Self> {
        let copies = Arc::new(Copies::default());
        let copying = tokio::spawn(copies.clone().write(base.clone(), connector));
        Arc::new(Self { settings, own: OnceCell::new(), base, copies, copying })
    }

    async fn opened(&self) -> Result<&KafkaOffsetStore> {
        self.own
            .get_or_try_init(|| async {
                let store = KafkaOffsetStore::new(self.settings.clone());
                store.start().await?;
                Ok(store)
            })
            .await
    }
}

impl Drop for OwnTopic {
    fn drop(&mut self) {
        self.copying.abort();
        // The end of the clients waits for their threads.
        if let Some(store) = self.own.take() {
            let ending = std::thread::Builder::new().name("offsets-end".to_owned()).spawn(move || drop(store));
            if let Err(error) = ending {
                tracing::debug!(%error, "an offsets topic was given up on the thread of its user");
            }
        }
    }
}

/// What is still to be copied to the worker's store: the newest of each partition.
#[derive(Default)]
struct Copies {
    waiting: Mutex<IndexMap<Arc<SourcePartition>, SourceOffset>>,
    told: Notify,
}

impl Copies {
    fn add(&self, offsets: &[(Arc<SourcePartition>, SourceOffset)]) {
        self.waiting.lock().extend(offsets.iter().cloned());
        self.told.notify_one();
    }

    async fn write(self: Arc<Self>, base: Arc<dyn OffsetStore>, connector: Arc<str>) {
        loop {
            self.told.notified().await;
            let offsets = std::mem::take(&mut *self.waiting.lock());
            if let Err(error) = base.write(&connector, offsets.into_iter().collect()).await {
                tracing::warn!(%connector, %error, "offsets are in the connector's own topic only, not copied to the worker's");
            }
        }
    }
}

#[async_trait]
impl OffsetStore for OwnTopic {
    async fn start(&self) -> Result<()> {
        self.opened().await.map(drop)
    }

    async fn stop(&self) {
        if let Some(own) = self.own.get() {
            own.stop().await;
        }
    }

    async fn write(&self, connector: &str, offsets: Vec<(Arc<SourcePartition>, SourceOffset)>) -> Result<()> {
        let resets: Vec<_> = offsets.iter().filter(|(_, offset)| *offset == SourceOffset::Null).cloned().collect();
        if !resets.is_empty() {
            // First where it would come back from.
            self.base.write(connector, resets).await?;
        }
        self.opened().await?.write(connector, offsets.clone()).await?;
        self.copies.add(&offsets);
        Ok(())
    }

    async fn offsets_of(&self, connector: &str) -> Result<Vec<(SourcePartition, OffsetMap)>> {
        let mut all = IndexMap::new();
        let base = self.base.offsets_of(connector).await?;
        let own = self.opened().await?.offsets_of(connector).await?;
        for (partition, offset) in base.into_iter().chain(own) {
            all.insert(partition.canonical(), (partition, offset));
        }
        Ok(all.into_values().collect())
    }

    fn reader(self: Arc<Self>, connector: &str) -> Arc<dyn OffsetReader> {
        let base = self.base.clone().reader(connector);
        Arc::new(Reader { base, connector: connector.into(), store: self })
    }
}

struct Reader {
    store: Arc<OwnTopic>,
    base: Arc<dyn OffsetReader>,
    connector: Arc<str>,
}

#[async_trait]
impl OffsetReader for Reader {
    async fn offsets(&self, partitions: &[SourcePartition]) -> Result<Vec<Option<OffsetMap>>> {
        let mut found = self.store.opened().await?.offsets(&self.connector, partitions).await?;
        if found.iter().any(Option::is_none) {
            let copies = self.base.offsets(partitions).await?;
            for (found, copy) in found.iter_mut().zip(copies) {
                *found = found.take().or(copy);
            }
        }
        Ok(found)
    }
}
