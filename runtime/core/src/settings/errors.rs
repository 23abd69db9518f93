//! The `errors.*` settings of a connector (KIP-298).

use std::time::Duration;

use millstream_api::ConfigValues;

use crate::delivery::{RetryLimits, Tolerance};

/// What happens to records that cannot be handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorSettings {
    /// Skip them or fail.
    pub tolerance: Tolerance,
    /// How long what fails for now is tried again.
    pub retry: RetryLimits,
    /// Log each failure.
    pub log_enable: bool,
    /// Name the record in the log.
    pub log_include_messages: bool,
    /// Where bad records of a sink go.
    pub dead_letter_queue: Option<DeadLetterQueue>,
}

/// The topic for records a sink could not handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterQueue {
    /// Topic.
    pub topic: String,
    /// Replication factor when the topic has to be created; -1 leaves it to the broker.
    pub replication_factor: i16,
    /// Say why in headers.
    pub context_headers: bool,
}

impl ErrorSettings {
    pub(super) fn of(values: &ConfigValues) -> Self {
        let millis =
            |key: &str, default: u64| values.int(key).map_or(default, |value| u64::try_from(value).unwrap_or_default());
        let flag = |key: &str| values.bool(key).unwrap_or_default();
        let topic = values.text("errors.deadletterqueue.topic.name").filter(|topic| !topic.is_empty());
        let factor = values.int("errors.deadletterqueue.topic.replication.factor");
        Self {
            tolerance: values.text("errors.tolerance").and_then(Tolerance::parse).unwrap_or_default(),
            retry: RetryLimits {
                timeout: (values.int("errors.retry.timeout") != Some(-1))
                    .then(|| Duration::from_millis(millis("errors.retry.timeout", 0))),
                delay_max: Duration::from_millis(millis("errors.retry.delay.max.ms", 60_000)),
            },
            log_enable: flag("errors.log.enable"),
            log_include_messages: flag("errors.log.include.messages"),
            dead_letter_queue: topic.map(|topic| DeadLetterQueue {
                topic: topic.to_owned(),
                replication_factor: factor.and_then(|factor| i16::try_from(factor).ok()).unwrap_or(3),
                context_headers: flag("errors.deadletterqueue.context.headers.enable"),
            }),
        }
    }
}
