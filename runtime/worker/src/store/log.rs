//! The topic log under a store: made at the start, gone at the stop.

use std::sync::Arc;

use millstream_api::{Error, Result};
use parking_lot::Mutex;

use crate::kafka::client_config::ClientSettings;
use crate::kafka::internal_topic::InternalTopic;
use crate::kafka::{Admin, LogRecord, TopicLog};

/// What a store in Kafka is made of: its topic, and how to connect.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The topic.
    pub topic: InternalTopic,
    /// For creating and checking the topic; that client ends as soon as this is done.
    pub admin: ClientSettings,
    /// For reading, with the settings of [`crate::kafka::topic_log::CONSUMER`].
    pub consumer: ClientSettings,
    /// For writing, with the settings of [`crate::kafka::topic_log::PRODUCER`].
    pub producer: ClientSettings,
}

/// A topic log that may not be there yet, or no longer.
pub(super) struct StoreLog {
    settings: LogSettings,
    log: Mutex<Option<Arc<TopicLog>>>,
}

impl StoreLog {
    pub(super) fn new(settings: LogSettings) -> Self {
        Self { settings, log: Mutex::new(None) }
    }

    /// Makes or checks the topic and reads it to its present end.
    pub(super) async fn open(&self, on_record: impl FnMut(LogRecord<'_>) + Send + 'static) -> Result<()> {
        let settings = &self.settings;
        settings.consumer.warn_unknown();
        let admin = Admin::new(&settings.admin)?;
        admin.wait_for_brokers().await?;
        let partitions = settings.topic.ensure(&admin).await?;
        drop(admin);
        let name = &settings.topic.topic.name;
        let log = TopicLog::open(name, partitions, &settings.consumer, &settings.producer, on_record).await?;
        tracing::info!(topic = name, partitions, holds = settings.topic.holds, "topic read to its end");
        *self.log.lock() = Some(Arc::new(log));
        Ok(())
    }

    /// The log; an error of kind `Stopped` when the store is not running.
    pub(super) fn get(&self) -> Result<Arc<TopicLog>> {
        self.log
            .lock()
            .clone()
            .ok_or_else(|| Error::stopped(format!("the store of {} is not running", self.settings.topic.holds)))
    }

    /// Ends the log.
    pub(super) async fn close(&self) {
        let log = self.log.lock().take();
        if let Some(log) = log {
            log.stop().await;
            // The end of the clients waits for their threads.
            let _ = tokio::task::spawn_blocking(move || drop(log)).await;
        }
    }
}
