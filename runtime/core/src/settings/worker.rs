//! The worker's configuration.

use std::time::Duration;

use millstream_api::{Config, ConfigValues, Error, Result};

use super::converter::ConverterSettings;
use super::group::{self, GroupSettings};
use super::listener::Advertised;
use super::metrics::MetricsSettings;
use super::overrides::OverridePolicy;
use super::rest::RestConfig;
use super::worker_def::{self, MEMORY_BUDGET};

/// How a worker keeps its state.
#[derive(Clone, Debug, PartialEq, Eq)]
// There is one of these in a process.
#[allow(clippy::large_enum_variant)]
pub enum Mode {
    /// In Kafka topics, shared by all workers of a group.
    Distributed(Distributed),
    /// Connectors from files and memory, offsets in a file.
    Standalone {
        /// File of source offsets.
        offset_file: String,
    },
}

/// Settings of distributed mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributed {
    /// Name of the group.
    pub group_id: String,
    /// How the worker takes part in it.
    pub group: GroupSettings,
    /// Connector configurations; always one partition.
    pub config_topic: StorageTopic,
    /// Source offsets.
    pub offset_topic: StorageTopic,
    /// Statuses.
    pub status_topic: StorageTopic,
}

/// A topic the worker keeps its state in, as it is to be created when missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageTopic {
    /// Name.
    pub name: String,
    /// Partitions; -1 leaves it to the broker.
    pub partitions: i32,
    /// Replication factor; -1 leaves it to the broker.
    pub replication_factor: i16,
    /// Further topic settings, without `cleanup.policy`, which is always `compact`.
    pub extra: Config,
}

/// A worker's configuration, checked. `Debug` shows no values of client settings.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Distributed or standalone.
    pub mode: Mode,
    /// `bootstrap.servers`, joined by commas.
    pub bootstrap_servers: String,
    /// `client.id`, if set.
    pub client_id: Option<String>,
    /// Converter of keys for connectors that name none.
    pub key_converter: ConverterSettings,
    /// Converter of values for connectors that name none.
    pub value_converter: ConverterSettings,
    /// Converter of headers for connectors that name none.
    pub header_converter: ConverterSettings,
    /// How often offsets are stored; never zero.
    pub offset_flush_interval: Duration,
    /// How long storing offsets may take; never zero.
    pub offset_flush_timeout: Duration,
    /// How long all tasks together may take to end.
    pub task_shutdown_graceful_timeout: Duration,
    /// How the REST API is served.
    pub rest: RestConfig,
    /// Source connectors may create topics.
    pub topic_creation_enable: bool,
    /// Topics that connectors use are remembered.
    pub topic_tracking_enable: bool,
    /// Clients may reset them.
    pub topic_tracking_allow_reset: bool,
    /// Which client settings connectors may change.
    pub override_policy: OverridePolicy,
    /// Settings below `producer.`.
    pub producer: Config,
    /// Settings below `consumer.`.
    pub consumer: Config,
    /// Settings below `admin.`.
    pub admin: Config,
    /// Bytes of rows that all tasks together may hold.
    ///
    /// `memory.budget.bytes`, a key of Millstream's own (256 MiB by default).
    pub memory_budget: usize,
    /// What metrics are computed over.
    pub metrics: MetricsSettings,
    /// Everything as given.
    pub raw: Config,
    /// Keys nobody reads, for one log line.
    pub unused: Vec<String>,
    /// Keys that mean nothing without a JVM, for one log line.
    pub ignored_java: Vec<String>,
}

impl WorkerConfig {
    /// Reads a worker's settings: distributed when `group.id` is set, standalone when `offset.storage.file.filename` is.
    ///
    /// The error (kind config) lists everything wrong at once, a line each, and names the key of each.
    pub fn parse(raw: &Config) -> Result<Self> {
        let is_distributed = raw.contains("group.id");
        if !is_distributed && !raw.contains("offset.storage.file.filename") {
            return Err(Error::config("the worker's mode is not known: neither group.id nor offset.storage.file.filename is set")
                .hint("set group.id and the three storage topics for distributed mode, or offset.storage.file.filename for standalone mode"));
        }
        let def = if is_distributed { worker_def::distributed() } else { worker_def::standalone() };
        let mut values = def.validate(raw);
        let rest = RestConfig::of(&mut values, raw);
        let override_policy = override_policy(&mut values);
        if is_distributed {
            group::check_signatures(&mut values);
        }
        let values = values.into_valid()?;

        let millis = |key: &str| Duration::from_millis(values.int(key).unwrap_or_default().unsigned_abs());
        let flag = |key: &str| values.bool(key).unwrap_or(true);
        let text = |key: &str| values.text(key).unwrap_or_default().to_owned();
        let given = |key: &str| values.text(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let converter = |key: &str| {
            let config = raw.with_prefix(&format!("{key}."));
            ConverterSettings { class: text(key), config }
        };
        let mode = if is_distributed {
            Mode::Distributed(Distributed {
                group_id: text("group.id"),
                group: GroupSettings::of(&values),
                config_topic: StorageTopic { partitions: 1, ..storage_topic(raw, &values, "config.storage.") },
                offset_topic: storage_topic(raw, &values, "offset.storage."),
                status_topic: storage_topic(raw, &values, "status.storage."),
            })
        } else {
            Mode::Standalone { offset_file: text("offset.storage.file.filename") }
        };
        let (mut unused, mut ignored_java) = (Vec::new(), Vec::new());
        for key in raw.keys() {
            if worker_def::is_java_only(key) {
                ignored_java.push(key.to_owned());
            } else if def.get(key).is_none()
                && (!worker_def::is_known_elsewhere(key) || key == "offset.storage.file.filename")
            {
                unused.push(key.to_owned());
            }
        }
        Ok(Self {
            mode,
            bootstrap_servers: values.list("bootstrap.servers").join(","),
            client_id: given("client.id"),
            key_converter: converter("key.converter"),
            value_converter: converter("value.converter"),
            header_converter: converter("header.converter"),
            offset_flush_interval: millis("offset.flush.interval.ms"),
            offset_flush_timeout: millis("offset.flush.timeout.ms"),
            task_shutdown_graceful_timeout: millis("task.shutdown.graceful.timeout.ms"),
            rest,
            topic_creation_enable: flag("topic.creation.enable"),
            topic_tracking_enable: flag("topic.tracking.enable"),
            topic_tracking_allow_reset: flag("topic.tracking.allow.reset"),
            override_policy,
            producer: raw.with_prefix("producer."),
            consumer: raw.with_prefix("consumer."),
            admin: raw.with_prefix("admin."),
            memory_budget: values
                .int(MEMORY_BUDGET)
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(usize::MAX),
            metrics: MetricsSettings::of(&values),
            raw: raw.clone(),
            unused,
            ignored_java,
        })
    }

    /// How others reach this worker; `default_host` is the machine's own name.
    pub fn advertised(&self, default_host: &str) -> Advertised {
        self.rest.advertised(default_host)
    }

    /// The group of distributed mode.
    pub fn group_id(&self) -> Option<&str> {
        match &self.mode {
            Mode::Distributed(distributed) => Some(&distributed.group_id),
            Mode::Standalone { .. } => None,
        }
    }
}

fn override_policy(values: &mut ConfigValues) -> OverridePolicy {
    const KEY: &str = "connector.client.config.override.policy";
    let name = values.text(KEY).unwrap_or("All").to_owned();
    let allowlist = values.list("connector.client.config.override.allowlist").to_vec();
    OverridePolicy::parse(&name, &allowlist).unwrap_or_else(|| {
        let reason = "must be All, None, Principal or Allowlist";
        values.error(KEY, format!("Invalid value {name} for configuration {KEY}: {reason}"));
        OverridePolicy::None
    })
}

fn storage_topic(raw: &Config, values: &ConfigValues, prefix: &str) -> StorageTopic {
    let mut extra = raw.with_prefix(prefix);
    for own in ["topic", "partitions", "replication.factor", "file.filename", "cleanup.policy"] {
        extra.remove(own);
    }
    let number = |name: &str| values.int(&format!("{prefix}{name}")).unwrap_or(-1);
    StorageTopic {
        name: values.text(&format!("{prefix}topic")).unwrap_or_default().to_owned(),
        partitions: i32::try_from(number("partitions")).unwrap_or(-1),
        replication_factor: i16::try_from(number("replication.factor")).unwrap_or(-1),
        extra,
    }
}

#[cfg(test)]
mod tests;
