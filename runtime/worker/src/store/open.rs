//! The stores a worker's configuration asks for.

use std::sync::Arc;

use millstream_api::Result;
use millstream_core::settings::{Mode, StorageTopic, WorkerConfig};

use super::configs::KafkaConfigStore;
use super::file::FileOffsetStore;
use super::log::LogSettings;
use super::memory::{MemoryConfigStore, MemoryStatusStore};
use super::offsets::KafkaOffsetStore;
use super::own_topic::OffsetStores;
use super::statuses::KafkaStatusStore;
use super::{OffsetStore, Stores};
use crate::kafka::client_config::worker_client;
use crate::kafka::internal_topic::InternalTopic;
use crate::kafka::topic_log::{CONSUMER, PRODUCER};
use crate::kafka::{ClientRole, NewTopic};

impl Stores {
    /// Three topics in distributed mode; memory and the offsets file in standalone mode. Nothing is connected or read yet.
    pub fn of(worker: &WorkerConfig) -> Result<Self> {
        let distributed = match &worker.mode {
            Mode::Standalone { offset_file } => {
                return Ok(Self {
                    configs: Arc::new(MemoryConfigStore::new()),
                    offsets: with_own_topics(worker, FileOffsetStore::new(offset_file)),
                    statuses: Arc::new(MemoryStatusStore::new()),
                });
            }
            Mode::Distributed(distributed) => distributed,
        };
        let config = topic(&distributed.config_topic, "config.storage.topic", "connector configurations", true);
        let offset = topic(&distributed.offset_topic, "offset.storage.topic", "source offsets", false);
        let status = topic(&distributed.status_topic, "status.storage.topic", "statuses", false);
        Ok(Self {
            configs: Arc::new(KafkaConfigStore::new(log(worker, config, "configs")?)),
            offsets: with_own_topics(worker, KafkaOffsetStore::new(log(worker, offset, "offsets")?)),
            statuses: Arc::new(KafkaStatusStore::new(log(worker, status, "statuses")?)),
        })
    }
}

fn with_own_topics(worker: &WorkerConfig, store: impl OffsetStore + 'static) -> Arc<dyn OffsetStore> {
    Arc::new(OffsetStores::new(Arc::new(worker.clone()), Arc::new(store)))
}

fn topic(topic: &StorageTopic, key: &'static str, holds: &'static str, single_partition: bool) -> InternalTopic {
    let configs = topic.extra.iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())));
    InternalTopic {
        topic: NewTopic {
            name: topic.name.clone(),
            partitions: if single_partition { 1 } else { topic.partitions },
            replication_factor: topic.replication_factor,
            configs: configs.collect(),
        },
        key,
        holds,
        single_partition,
    }
}

fn log(worker: &WorkerConfig, topic: InternalTopic, purpose: &str) -> Result<LogSettings> {
    // A reader needs the name of a group, though it joins none: the worker's own, for which it has the rights anyway.
    let group = worker.group_id().unwrap_or("standalone");
    let consumer: Vec<_> = CONSUMER.iter().copied().chain([("group.id", group)]).collect();
    Ok(LogSettings {
        topic,
        admin: worker_client(ClientRole::Admin, worker, "shared-admin", &[])?,
        consumer: worker_client(ClientRole::Consumer, worker, purpose, &consumer)?,
        producer: worker_client(ClientRole::Producer, worker, purpose, &PRODUCER)?,
    })
}
