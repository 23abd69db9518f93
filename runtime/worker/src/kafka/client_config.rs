//! librdkafka's settings from the names and values of Java's clients.
//!
//! A Java worker's files name Java's client settings. Each is turned into its counterpart here; a setting without one is kept in
//! a list for a warning, never dropped in silence. Values go into no error and no log.

use std::fmt;

use indexmap::IndexMap;
use millstream_api::{Config, Error, Result};
use rdkafka::ClientConfig;

use super::client_keys::check_value;
use super::context::LoggingContext;
use super::security::{self, Named};

pub use super::clients::{
    connector_admin, dead_letter_producer, offsets_admin, own_offsets, sink_consumer, sink_group, source_producer,
    worker_client,
};

/// What a client is for. Decides which settings it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRole {
    /// Writes records.
    Producer,
    /// Reads records.
    Consumer,
    /// Manages topics and groups.
    Admin,
}

/// The settings of one client, translated.
#[derive(Clone)]
pub struct ClientSettings {
    role: ClientRole,
    java: IndexMap<String, String>,
    native: ClientConfig,
    unknown: Vec<String>,
}

/// Settings of one origin: what stands before their names there, for messages, and the settings without it.
pub struct Layer {
    /// `producer.override.` and the like; empty for settings that the worker itself makes.
    pub prefix: &'static str,
    /// Names without the prefix.
    pub settings: Config,
}

impl ClientSettings {
    /// Translates these layers, later ones win; `native` are librdkafka settings that hold where no layer says otherwise.
    ///
    /// An unusable value is an error of kind `Config` that names the key as the user wrote it.
    pub fn translate(role: ClientRole, layers: &[Layer], native: &[(&str, &str)]) -> Result<Self> {
        let mut origin: IndexMap<String, (&'static str, String)> = IndexMap::new();
        for layer in layers {
            for (key, value) in layer.settings.iter() {
                if let Some(value) = value {
                    origin.insert(key.to_owned(), (layer.prefix, value.trim().to_owned()));
                }
            }
        }
        let mut config = ClientConfig::new();
        for (key, value) in native {
            config.set(*key, *value);
        }
        let java: IndexMap<String, String> = origin.iter().map(|(k, (_, v))| (k.clone(), v.clone())).collect();
        let mut unknown = Vec::new();
        let mut security_keys = Config::new();
        for (key, (prefix, value)) in &origin {
            let name = format!("{prefix}{key}");
            check_value(role, key, value).map_err(|reason| {
                Error::config(format!("the value of {name} is not usable: {reason}"))
                    .hint("see Kafka's documentation of this client setting")
            })?;
            if key == "interceptor.classes" && !only_monitors(value) {
                return Err(Error::config(format!("{name} names Java classes, which cannot be run here"))
                    .hint("an interceptor may change records, so it is not left out in silence: remove the setting"));
            }
            if security::is_security_key(key) {
                security_keys.set(key.clone(), value.clone());
                continue;
            }
            match rule(role, key) {
                Some(rule) => rule.apply(&name, value, &mut config)?,
                None => unknown.push(name),
            }
        }
        let prefix_of = |key: &str| origin.get(key).map_or("", |(prefix, _)| *prefix);
        security::translate(&security_keys, &Named(&prefix_of), &mut config, &mut unknown)?;
        if role == ClientRole::Producer {
            check_producer(&java, &prefix_of)?;
        }
        settle(role, &java, &mut config);
        let settings = Self { role, java, native: config, unknown };
        settings.check(&prefix_of)?;
        Ok(settings)
    }

    /// What the client is for.
    pub fn role(&self) -> ClientRole {
        self.role
    }

    /// librdkafka's settings. Their values may be secrets.
    pub fn native(&self) -> &ClientConfig {
        &self.native
    }

    /// The Java setting that holds, for what the worker itself acts on (`max.poll.records`, `default.api.timeout.ms`).
    pub fn java(&self, key: &str) -> Option<&str> {
        self.java.get(key).map(String::as_str)
    }

    /// Settings that have no counterpart, by the name the user gave them.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The client's id.
    pub fn client_id(&self) -> &str {
        self.native.get("client.id").unwrap_or("rdkafka")
    }

    /// The brokers asked first.
    pub fn bootstrap(&self) -> &str {
        self.native.get("bootstrap.servers").unwrap_or_default()
    }

    /// A context that logs under this client's name.
    pub fn context(&self) -> LoggingContext {
        LoggingContext::new(self.client_id(), self.bootstrap())
    }

    /// One warning that names the settings without counterpart, if there are any.
    pub fn warn_unknown(&self) {
        if !self.unknown.is_empty() {
            let keys = self.unknown.join(", ");
            tracing::warn!(
                client = self.client_id(),
                keys,
                "settings without a counterpart in this client are ignored"
            );
        }
    }

    /// Has librdkafka look at every single value, so that a bad one is found before anything starts and named as the user knows it.
    fn check(&self, prefix_of: &dyn Fn(&str) -> &'static str) -> Result<()> {
        for (key, value) in self.native.config_map() {
            let mut alone = ClientConfig::new();
            alone.set(key, value);
            if alone.create_native_config().is_err() {
                let java = java_name(self.role, key);
                return Err(Error::config(format!("the value of {}{java} is not usable", prefix_of(java)))
                    .hint("see Kafka's documentation of this client setting for the values it takes"));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings").field("role", &self.role).field("keys", &self.java.keys()).finish()
    }
}

/// True for interceptors that change nothing: Confluent's, which report figures to its Control Center.
fn only_monitors(classes: &str) -> bool {
    let mut classes = classes.split(',').map(str::trim).filter(|class| !class.is_empty());
    classes.all(|class| class.starts_with("io.confluent.monitoring.clients.interceptor.Monitoring"))
}

/// How a Java setting is put into librdkafka's.
enum Rule {
    /// Same value under this name.
    Same(&'static str),
    /// Same value in lower case.
    Lower(&'static str),
    /// A number, brought into librdkafka's range; `-1` and the like become the lower bound. The divisor changes the unit.
    Number { native: &'static str, min: i64, max: i64, divisor: i64 },
    /// The worker acts on it itself (or makes it needless): no counterpart, no warning.
    Ours,
    /// One of these words.
    Words(&'static str, &'static [(&'static str, &'static str)]),
    /// A list of assignor classes.
    Assignors,
}

fn number(native: &'static str, min: i64, max: i64) -> Rule {
    Rule::Number { native, min, max, divisor: 1 }
}

/// Milliseconds between librdkafka's statistics where `metrics.recording.level` asks for them.
pub(super) const STATISTICS: &str = "5000";

const INT_MAX: i64 = i32::MAX as i64;

fn rule(role: ClientRole, key: &str) -> Option<Rule> {
    let common = match key {
        "bootstrap.servers" => Rule::Same("bootstrap.servers"),
        "client.id" => Rule::Same("client.id"),
        "client.rack" => Rule::Same("client.rack"),
        "client.dns.lookup" => Rule::Lower("client.dns.lookup"),
        "metadata.max.age.ms" => number("topic.metadata.refresh.interval.ms", 1, 3_600_000),
        "metadata.recovery.strategy" => Rule::Lower("metadata.recovery.strategy"),
        "metadata.recovery.rebootstrap.trigger.ms" => number("metadata.recovery.rebootstrap.trigger.ms", 0, INT_MAX),
        "request.timeout.ms" => number("socket.timeout.ms", 10, 300_000),
        "retry.backoff.ms" => number("retry.backoff.ms", 1, 300_000),
        "retry.backoff.max.ms" => number("retry.backoff.max.ms", 1, 300_000),
        "reconnect.backoff.ms" => number("reconnect.backoff.ms", 0, 3_600_000),
        "reconnect.backoff.max.ms" => number("reconnect.backoff.max.ms", 0, 3_600_000),
        "socket.connection.setup.timeout.ms" => number("socket.connection.setup.timeout.ms", 1000, INT_MAX),
        "connections.max.idle.ms" => number("connections.max.idle.ms", 0, INT_MAX),
        "send.buffer.bytes" => number("socket.send.buffer.bytes", 0, 100_000_000),
        "receive.buffer.bytes" => number("socket.receive.buffer.bytes", 0, 100_000_000),
        "enable.metrics.push" => Rule::Lower("enable.metrics.push"),
        "default.api.timeout.ms" => Rule::Ours,
        "metrics.recording.level" => {
            Rule::Words("statistics.interval.ms", &[("INFO", "0"), ("DEBUG", STATISTICS), ("TRACE", STATISTICS)])
        }
        _ => return rule_of_role(role, key),
    };
    Some(common)
}

fn rule_of_role(role: ClientRole, key: &str) -> Option<Rule> {
    let rule = match (role, key) {
        (ClientRole::Producer, key) => match key {
            "acks" => Rule::Lower("acks"),
            "linger.ms" => number("linger.ms", 0, 900_000),
            "batch.size" => number("batch.size", 1, INT_MAX),
            "compression.type" => Rule::Lower("compression.type"),
            // The level of the codec in use is picked in `settle`.
            "compression.gzip.level" | "compression.lz4.level" | "compression.zstd.level" => Rule::Ours,
            "max.request.size" => number("message.max.bytes", 1000, 1_000_000_000),
            "buffer.memory" => {
                Rule::Number { native: "queue.buffering.max.kbytes", min: 1, max: INT_MAX, divisor: 1024 }
            }
            "max.in.flight.requests.per.connection" => number("max.in.flight.requests.per.connection", 1, 1_000_000),
            // Zero would be no limit to librdkafka.
            "delivery.timeout.ms" => number("delivery.timeout.ms", 1, INT_MAX),
            "retries" => number("retries", 0, INT_MAX),
            "enable.idempotence" => Rule::Lower("enable.idempotence"),
            // Refused before.
            "transactional.id" => Rule::Ours,
            "transaction.timeout.ms" => number("transaction.timeout.ms", 1000, INT_MAX),
            // A full queue is back-pressure here, for as long as it takes.
            "max.block.ms" => Rule::Ours,
            "partitioner.class" => Rule::Words(
                "partitioner",
                &[
                    ("org.apache.kafka.clients.producer.internals.DefaultPartitioner", "murmur2_random"),
                    ("org.apache.kafka.clients.producer.RoundRobinPartitioner", "random"),
                    ("org.apache.kafka.clients.producer.UniformStickyPartitioner", "random"),
                ],
            ),
            // Picked in `settle`.
            "partitioner.ignore.keys" => Rule::Ours,
            _ => return None,
        },
        (ClientRole::Consumer, key) => match key {
            "group.id" => Rule::Same("group.id"),
            "group.instance.id" => Rule::Same("group.instance.id"),
            "group.protocol" => Rule::Lower("group.protocol"),
            "group.remote.assignor" => Rule::Same("group.remote.assignor"),
            "session.timeout.ms" => number("session.timeout.ms", 1, 3_600_000),
            "heartbeat.interval.ms" => number("heartbeat.interval.ms", 1, 3_600_000),
            "max.poll.interval.ms" => number("max.poll.interval.ms", 1, 86_400_000),
            "auto.offset.reset" => {
                Rule::Words("auto.offset.reset", &[("earliest", "earliest"), ("latest", "latest"), ("none", "error")])
            }
            "fetch.min.bytes" => number("fetch.min.bytes", 1, 100_000_000),
            "fetch.max.bytes" => number("fetch.max.bytes", 0, 2_147_483_135),
            "max.partition.fetch.bytes" => number("max.partition.fetch.bytes", 1, 1_000_000_000),
            "fetch.max.wait.ms" => number("fetch.wait.max.ms", 0, 300_000),
            "isolation.level" => Rule::Lower("isolation.level"),
            "check.crcs" => Rule::Lower("check.crcs"),
            "allow.auto.create.topics" => Rule::Lower("allow.auto.create.topics"),
            "partition.assignment.strategy" => Rule::Assignors,
            // The worker commits, on its own clock, and hands out batches of up to this many records.
            "enable.auto.commit" | "auto.commit.interval.ms" | "max.poll.records" => Rule::Ours,
            // Patterns are matched by the worker.
            "exclude.internal.topics" => Rule::Ours,
            _ => return None,
        },
        (ClientRole::Admin, _) => return None,
    };
    Some(rule)
}

/// The Java name of a librdkafka setting: what [`rule`] does, backwards.
fn java_name(role: ClientRole, native: &str) -> &str {
    match (role, native) {
        (_, "topic.metadata.refresh.interval.ms") => "metadata.max.age.ms",
        (_, "socket.timeout.ms") => "request.timeout.ms",
        (_, "socket.send.buffer.bytes") => "send.buffer.bytes",
        (_, "socket.receive.buffer.bytes") => "receive.buffer.bytes",
        (ClientRole::Producer, "message.max.bytes") => "max.request.size",
        (_, "queue.buffering.max.kbytes") => "buffer.memory",
        (_, "fetch.wait.max.ms") => "fetch.max.wait.ms",
        (_, "partitioner") => "partitioner.class",
        (_, "statistics.interval.ms") => "metrics.recording.level",
        (_, native) => security::java_name(native),
    }
}

impl Rule {
    fn apply(&self, name: &str, value: &str, config: &mut ClientConfig) -> Result<()> {
        match self {
            Self::Ours => {}
            Self::Same(native) => {
                config.set(*native, value);
            }
            Self::Lower(native) => {
                config.set(*native, value.to_ascii_lowercase());
            }
            Self::Number { native, min, max, divisor } => {
                let number: i64 =
                    value.parse().map_err(|_| Error::config(format!("the value of {name} is not a whole number")))?;
                config.set(*native, (number / divisor).clamp(*min, *max).to_string());
            }
            Self::Words(native, words) => {
                let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)).ok_or_else(|| {
                    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                    Error::config(format!("the value of {name} is not supported"))
                        .hint(format!("use one of {}, or leave it out", known.join(", ")))
                })?;
                config.set(*native, found.1);
            }
            Self::Assignors => {
                let names: Vec<_> = value.split(',').filter_map(|class| assignor(class.trim())).collect();
                // Java's default offers range and cooperative-sticky; librdkafka cannot offer an eager and a cooperative one at once,
                // and the first is the one that all members have in common.
                let Some(first) = names.first() else {
                    return Err(Error::config(format!("the value of {name} names no assignor this client has"))
                        .hint("use RangeAssignor, RoundRobinAssignor or CooperativeStickyAssignor"));
                };
                let cooperative = *first == "cooperative-sticky";
                let alike: Vec<_> =
                    names.iter().copied().filter(|n| (*n == "cooperative-sticky") == cooperative).collect();
                config.set("partition.assignment.strategy", alike.join(","));
            }
        }
        Ok(())
    }
}

fn assignor(class: &str) -> Option<&'static str> {
    match class.rsplit('.').next()? {
        "RangeAssignor" | "range" => Some("range"),
        "RoundRobinAssignor" | "roundrobin" => Some("roundrobin"),
        "CooperativeStickyAssignor" | "cooperative-sticky" => Some("cooperative-sticky"),
        _ => None,
    }
}

/// What Java's producer refuses to start with.
fn check_producer(java: &IndexMap<String, String>, prefix_of: &dyn Fn(&str) -> &'static str) -> Result<()> {
    let name = |key: &str| format!("{}{key}", prefix_of(key));
    if java.contains_key("transactional.id") {
        return Err(Error::config(format!("{} is set, but tasks send without transactions", name("transactional.id")))
            .hint("remove the setting: exactly-once sources are not available in this release"));
    }
    let number = |key: &str| java.get(key).and_then(|value| value.parse::<i64>().ok());
    if java.get("enable.idempotence").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        let contradiction = [
            ("acks", java.get("acks").is_some_and(|acks| acks != "all" && acks != "-1"), "all"),
            ("retries", number("retries") == Some(0), "a number above 0"),
            (
                "max.in.flight.requests.per.connection",
                number("max.in.flight.requests.per.connection").is_some_and(|n| n > 5),
                "at most 5",
            ),
        ];
        if let Some((key, _, fits)) = contradiction.into_iter().find(|(_, wrong, _)| *wrong) {
            let idempotence = name("enable.idempotence");
            return Err(Error::config(format!("the value of {} contradicts {idempotence}=true", name(key)))
                .hint(format!("set it to {fits}, or remove one of the two settings")));
        }
    }
    // As Java: what is not given counts as its default.
    let needed = number("linger.ms").unwrap_or(5).saturating_add(number("request.timeout.ms").unwrap_or(30_000));
    if number("delivery.timeout.ms").is_some_and(|timeout| timeout < needed) {
        let key = name("delivery.timeout.ms");
        return Err(Error::config(format!("the value of {key} is below the sum of linger.ms and request.timeout.ms"))
            .hint(format!("set it to at least {needed}, or lower request.timeout.ms")));
    }
    Ok(())
}

/// What follows from several settings at once.
fn settle(role: ClientRole, java: &IndexMap<String, String>, config: &mut ClientConfig) {
    let text = |key: &str| config.get(key).map(str::to_owned);
    let number = |key: &str| config.get(key).and_then(|value| value.parse::<i64>().ok());
    match role {
        ClientRole::Producer => {
            // As Java: idempotence that nobody asked for by name gives way to settings it cannot go with.
            let conflict = text("acks").is_some_and(|acks| acks != "all" && acks != "-1")
                || number("max.in.flight.requests.per.connection").is_some_and(|n| n > 5)
                || number("retries") == Some(0);
            let idempotent = text("enable.idempotence").as_deref() == Some("true");
            let timeout = number("socket.timeout.ms");
            let level = text("compression.type")
                .and_then(|codec| java.get(&format!("compression.{codec}.level")).map(String::as_str));
            // A record that the queue can never hold would wait in front of it for ever.
            let largest = number("message.max.bytes").unwrap_or(1_000_000);
            if let Some(queue) = number("queue.buffering.max.kbytes") {
                config.set("queue.buffering.max.kbytes", queue.max(largest / 512).to_string());
            }
            if idempotent && conflict && !java.contains_key("enable.idempotence") {
                config.set("enable.idempotence", "false");
            }
            // Without idempotence only one request in flight keeps the order over retries; Java's worker sets 1 as well.
            if config.get("enable.idempotence") == Some("false")
                && !java.contains_key("max.in.flight.requests.per.connection")
            {
                config.set("max.in.flight.requests.per.connection", "1");
            }
            if let Some(timeout) = timeout {
                config.set("request.timeout.ms", timeout.to_string());
            }
            // librdkafka knows levels up to 12 of any codec, and -1 for its default.
            if let Some(level) = level.and_then(|level| level.parse::<i64>().ok()) {
                config.set("compression.level", level.clamp(-1, 12).to_string());
            }
            if java.get("partitioner.ignore.keys").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                config.set("partitioner", "random");
            }
        }
        ClientRole::Consumer => {
            // librdkafka refuses a fetch limit below its message limit.
            if let Some(fetch) = number("fetch.max.bytes").filter(|fetch| *fetch < 1_000_000) {
                config.set("message.max.bytes", fetch.max(1000).to_string());
                config.set("fetch.max.bytes", fetch.max(1000).to_string());
            }
            // Java takes an answer of any size; librdkafka drops the connection at one above this limit, for ever.
            config.set("receive.message.max.bytes", INT_MAX.to_string());
            if config.get("group.protocol") == Some("consumer") {
                // The broker decides about these; librdkafka refuses them even when they say what it would do.
                config.remove("partition.assignment.strategy");
            }
        }
        ClientRole::Admin => {}
    }
}

#[cfg(test)]
#[path = "client_config_tests.rs"]
mod tests;
