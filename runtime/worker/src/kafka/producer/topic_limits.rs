//! What a topic takes at once, asked for before its first record where a producer could not send again what is too large.

use millstream_api::Result;
use tokio::runtime::Handle;

use crate::kafka::{Admin, ClientSettings};

/// Asks for the `max.message.bytes` of topics. Used from a thread that may block.
pub struct TopicLimits {
    settings: ClientSettings,
    runtime: Handle,
}

impl TopicLimits {
    /// Asks with an admin client of these settings, made for each question: there is one for each topic.
    pub fn new(settings: ClientSettings, runtime: Handle) -> Self {
        Self { settings, runtime }
    }

    /// Bytes that the topic takes at once; `None` where the brokers do not tell.
    pub(super) fn of(&self, topic: &str) -> Option<usize> {
        match self.runtime.block_on(self.ask(topic)) {
            Ok(bytes) => bytes?.parse().ok(),
            Err(error) => {
                tracing::debug!(topic, %error, "max.message.bytes of the topic is not known");
                None
            }
        }
    }

    async fn ask(&self, topic: &str) -> Result<Option<String>> {
        Admin::new(&self.settings)?.topic_setting(topic, "max.message.bytes").await
    }
}
