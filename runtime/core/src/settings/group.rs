//! How a distributed worker takes part in its group.

use std::time::Duration;

use millstream_api::ConfigValues;
use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};

use ConfigType::{Int, List, String as Text};
use Importance::{High, Low, Medium};

/// `connect.protocol`: the newest protocol a worker offers to its group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectProtocol {
    /// Every rebalance stops everything.
    Eager,
    /// Rebalances are incremental.
    Compatible,
    /// Incremental, and requests between workers are signed.
    #[default]
    Sessioned,
}

/// Settings of the group, with Java's names and defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// `session.timeout.ms`.
    pub session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub heartbeat_interval: Duration,
    /// `rebalance.timeout.ms`.
    pub rebalance_timeout: Duration,
    /// `worker.sync.timeout.ms`: how long a worker that is behind may read the config topic.
    pub sync_timeout: Duration,
    /// `worker.unsync.backoff.ms`: how long it stays out of the group when it could not.
    pub unsync_backoff: Duration,
    /// `scheduled.rebalance.max.delay.ms`: how long work of a lost worker waits for its return.
    pub max_delay: Duration,
    /// `connect.protocol`.
    pub protocol: ConnectProtocol,
}

impl GroupSettings {
    pub(super) fn of(values: &ConfigValues) -> Self {
        let millis =
            |key: &str| Duration::from_millis(values.int(key).and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
        Self {
            session_timeout: millis("session.timeout.ms"),
            heartbeat_interval: millis("heartbeat.interval.ms"),
            rebalance_timeout: millis("rebalance.timeout.ms"),
            sync_timeout: millis("worker.sync.timeout.ms"),
            unsync_backoff: millis("worker.unsync.backoff.ms"),
            max_delay: millis("scheduled.rebalance.max.delay.ms"),
            protocol: match values.text("connect.protocol").unwrap_or_default().to_ascii_lowercase().as_str() {
                "eager" => ConnectProtocol::Eager,
                "compatible" => ConnectProtocol::Compatible,
                _ => ConnectProtocol::Sessioned,
            },
        }
    }
}

/// The keys.
pub(super) fn def() -> ConfigDef {
    let millis = |name: &str, default: i64, importance, doc: &str| {
        ConfigKey::with_default(name, Int, default, importance, doc).at_least(0).never_null()
    };
    let text = |name: &str, default: &str, doc: &str| ConfigKey::with_default(name, Text, default, Low, doc);
    let protocols = ["eager", "compatible", "sessioned"];
    ConfigDef::new()
        .key(millis("session.timeout.ms", 10_000, High, "After this long without heartbeat a worker is lost, in ms."))
        .key(millis("heartbeat.interval.ms", 3_000, High, "Time between heartbeats, in ms."))
        .key(millis("rebalance.timeout.ms", 60_000, High, "How long a worker may take to join a rebalance, in ms."))
        .key(millis("worker.sync.timeout.ms", 3_000, Medium, "How long a worker that is behind may catch up, in ms."))
        .key(millis("worker.unsync.backoff.ms", 300_000, Medium, "How long it leaves the group when it cannot, in ms."))
        .key(millis(
            "scheduled.rebalance.max.delay.ms",
            300_000,
            Low,
            "How long the work of a lost worker waits, in ms.",
        ))
        .key(text("connect.protocol", "sessioned", "Newest group protocol that is offered.").one_of(protocols))
        .key(millis("inter.worker.key.ttl.ms", 3_600_000, Low, "Life of the key between workers, in ms."))
        .key(text("inter.worker.key.generation.algorithm", "HmacSHA256", "Algorithm that makes keys between workers."))
        .key(ConfigKey::nullable("inter.worker.key.size", Int, Low, "Size of keys between workers, in bits."))
        .key(text("inter.worker.signature.algorithm", "HmacSHA256", "Algorithm that signs requests between workers."))
        .key(ConfigKey::with_default(
            "inter.worker.verification.algorithms",
            List,
            "HmacSHA256",
            Low,
            "Algorithms that requests between workers may be signed with.",
        ))
}

/// A worker must be able to verify what it signs itself.
pub(super) fn check_signatures(values: &mut ConfigValues) {
    const SIGN: &str = "inter.worker.signature.algorithm";
    const VERIFY: &str = "inter.worker.verification.algorithms";
    let Some(signs) = values.text(SIGN).map(str::to_owned) else { return };
    if values.list(VERIFY).is_empty() {
        values.error(VERIFY, format!("Invalid value for configuration {VERIFY}: at least one algorithm is needed"));
    } else if !values.list(VERIFY).contains(&signs) {
        values.error(VERIFY, format!("{VERIFY} does not list {signs}, which {SIGN} names"));
    }
}
