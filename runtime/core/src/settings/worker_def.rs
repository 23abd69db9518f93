//! The keys of a worker's file.

use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Importance};

use super::connection_def::any_case;
use ConfigType::{Boolean, Int, List, Long, Short, String as Text};
use Importance::{High, Low, Medium};

/// Our own key: bytes that all tasks of the worker together may hold in rows.
pub(super) const MEMORY_BUDGET: &str = "memory.budget.bytes";

/// Keys that mean nothing without a JVM. Accepted, and named in one log line.
pub(super) fn is_java_only(key: &str) -> bool {
    matches!(key, "plugin.path" | "plugin.discovery" | "auto.include.jmx.reporter")
        || key.starts_with("internal.key.converter")
        || key.starts_with("internal.value.converter")
        || key.starts_with("metrics.context.")
}

/// Keys that are read elsewhere: client settings, settings below a prefix.
pub(super) fn is_known_elsewhere(key: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "producer.",
        "consumer.",
        "admin.",
        "key.converter.",
        "value.converter.",
        "header.converter.",
        "config.storage.",
        "offset.storage.",
        "status.storage.",
        "config.providers.",
        "ssl.",
        "sasl.",
        "listeners.https.",
        "admin.listeners.https.",
    ];
    key == "client.rack" || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Keys that both modes have.
pub(super) fn common() -> ConfigDef {
    let flag = |name: &str, doc: &str| ConfigKey::with_default(name, Boolean, true, Low, doc);
    ConfigDef::new()
        .key(ConfigKey::required("bootstrap.servers", List, High, "Brokers to ask first, host:port each."))
        .key(ConfigKey::with_default("client.id", Text, "", Low, "Part of the client ids of the worker's own clients."))
        .key(class("key.converter", "Converter of keys for connectors that name none."))
        .key(class("value.converter", "Converter of values for connectors that name none."))
        .key(ConfigKey::with_default(
            "header.converter",
            ConfigType::Class,
            "org.apache.kafka.connect.storage.SimpleHeaderConverter",
            Low,
            "Converter of headers for connectors that name none.",
        ))
        .key(millis("offset.flush.interval.ms", 60_000, "How often offsets are stored, in milliseconds.").at_least(1))
        .key(
            millis("offset.flush.timeout.ms", 5_000, "How long storing offsets may take, in milliseconds.").at_least(1),
        )
        .key(
            millis("task.shutdown.graceful.timeout.ms", 5_000, "How long all tasks together may take to end, in ms.")
                .at_least(0),
        )
        .key(flag("topic.creation.enable", "Let source connectors create topics by their topic.creation settings."))
        .key(flag("topic.tracking.enable", "Remember which topics a connector uses."))
        .key(flag("topic.tracking.allow.reset", "Let clients reset the topics of a connector."))
        .key(ConfigKey::with_default(
            "connector.client.config.override.policy",
            Text,
            "All",
            Medium,
            "Which client settings connectors may change: All, None, Principal or Allowlist.",
        ))
        .key(ConfigKey::with_default(
            "connector.client.config.override.allowlist",
            List,
            "",
            Medium,
            "Client settings connectors may change under the Allowlist policy.",
        ))
        .key(
            ConfigKey::with_default(
                MEMORY_BUDGET,
                Long,
                256 * 1024 * 1024,
                Medium,
                "Millstream's own key: bytes of rows that all tasks together may hold; above it fetching pauses.",
            )
            .at_least(16 * 1024 * 1024),
        )
        .extend(&super::rest::def())
        .key(version("key.converter.plugin.version"))
        .key(version("value.converter.plugin.version"))
        .key(version("header.converter.plugin.version"))
        .key(any_case(
            ConfigKey::with_default("plugin.discovery", Text, "hybrid_warn", Low, "How Java looks for plugins."),
            &["ONLY_SCAN", "SERVICE_LOAD", "HYBRID_WARN", "HYBRID_FAIL"],
        ))
        .key(ConfigKey::nullable("plugin.path", List, Low, "Where Java looks for plugins."))
        .key(ConfigKey::with_default("config.providers", List, "", Low, "Names of config providers."))
        .extend(&super::metrics::def())
        .extend(&super::connection_def::def())
}

/// Keys of distributed mode.
pub(super) fn distributed() -> ConfigDef {
    let topic = |name: &str, doc: &str| ConfigKey::required(name, Text, High, doc).not_empty();
    let factor = |name: &str| {
        or_broker(ConfigKey::with_default(
            name,
            Short,
            3,
            Low,
            "Replication factor when the topic is created; -1: the broker's.",
        ))
    };
    let partitions = |name: &str, default: i32| {
        or_broker(ConfigKey::with_default(
            name,
            Int,
            default,
            Low,
            "Partitions when the topic is created; -1: the broker's.",
        ))
    };
    common()
        .key(
            ConfigKey::required("group.id", Text, High, "Name of the cluster; workers of one cluster share it.")
                .not_empty(),
        )
        .extend(&super::group::def())
        .key(topic("config.storage.topic", "Topic of connector configurations."))
        .key(factor("config.storage.replication.factor"))
        .key(topic("offset.storage.topic", "Topic of source offsets."))
        .key(partitions("offset.storage.partitions", 25))
        .key(factor("offset.storage.replication.factor"))
        .key(topic("status.storage.topic", "Topic of statuses."))
        .key(partitions("status.storage.partitions", 5))
        .key(factor("status.storage.replication.factor"))
        .key(
            ConfigKey::with_default(
                "exactly.once.source.support",
                Text,
                "disabled",
                High,
                "Exactly-once delivery of source connectors.",
            )
            .check(|value| match value {
                millstream_api::config::Parsed::Text(text) if text.eq_ignore_ascii_case("disabled") => Ok(()),
                _ => Err("exactly-once sources are not available in this release; only disabled is".to_owned()),
            }),
        )
}

/// Keys of standalone mode.
pub(super) fn standalone() -> ConfigDef {
    common().key(
        ConfigKey::required("offset.storage.file.filename", Text, High, "File that keeps source offsets.").not_empty(),
    )
}

fn version(name: &str) -> ConfigKey {
    ConfigKey::nullable(name, Text, Low, "Version of the converter.")
}

fn class(name: &str, doc: &str) -> ConfigKey {
    ConfigKey::required(name, ConfigType::Class, High, doc).not_empty()
}

fn millis(name: &str, default: i64, doc: &str) -> ConfigKey {
    ConfigKey::with_default(name, Long, default, Low, doc)
}

fn or_broker(key: ConfigKey) -> ConfigKey {
    key.check(|value| match value {
        millstream_api::config::Parsed::Int(n) if *n == -1 || *n >= 1 => Ok(()),
        _ => Err("Value must be -1 or at least 1".to_owned()),
    })
}
