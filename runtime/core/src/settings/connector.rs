//! A connector's settings that the worker itself acts on.

use std::sync::Arc;

use millstream_api::{Config, ConfigValue, ConfigValues, ConnectorKind, Result};

use super::chain::{TransformSettings, chain};
use super::connector_def::plugin_def;
use super::converter::ConverterSettings;
use super::errors::ErrorSettings;
use super::topic_pattern::TopicPattern;
use super::worker::WorkerConfig;
use crate::delivery::TopicCreation;

/// What to do when a value from outside the configuration changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadAction {
    /// Restart the connector.
    Restart,
    /// Nothing.
    None,
}

/// The topics a sink reads.
#[derive(Clone, Debug)]
pub enum Topics {
    /// These.
    List(Vec<String>),
    /// All whose whole name matches.
    Pattern(TopicPattern),
}

/// A connector's settings, checked, as far as the worker acts on them.
#[derive(Clone, Debug)]
pub struct ConnectorSettings {
    /// Name.
    pub name: Arc<str>,
    /// `connector.class` as given.
    pub class: String,
    /// How many tasks it may have; at least 1.
    pub tasks_max: usize,
    /// Fail when it makes more.
    pub tasks_max_enforce: bool,
    /// Converter of keys.
    pub key_converter: ConverterSettings,
    /// Converter of values.
    pub value_converter: ConverterSettings,
    /// Converter of headers.
    pub header_converter: ConverterSettings,
    /// What happens to bad records.
    pub errors: ErrorSettings,
    /// Topics of a sink; `None` when the config names none (a source).
    pub topics: Option<Topics>,
    /// How topics of a source are created; `None`: the worker does not create them.
    pub topic_creation: Option<TopicCreation>,
    /// A source's own offsets topic.
    pub offsets_topic: Option<String>,
    /// `config.action.reload`.
    pub reload: ReloadAction,
    /// Transformations, in the order in which they are done.
    pub transforms: Vec<TransformSettings>,
    /// `transforms`, `predicates` and everything below them, as the chain of plugins reads it.
    pub chain: Config,
    /// Settings below `producer.override.`.
    pub producer_overrides: Config,
    /// Settings below `consumer.override.`.
    pub consumer_overrides: Config,
    /// Settings below `admin.override.`.
    pub admin_overrides: Config,
    /// Converter settings without a converter beside them: they do nothing (as in Java), which deserves a warning.
    pub ignored: Vec<String>,
}

impl ConnectorSettings {
    /// Reads a connector's settings. The error (kind config) lists everything wrong with the settings every connector has; the
    /// connector's own are its own business.
    pub fn parse(config: &Config, worker: &WorkerConfig) -> Result<Self> {
        let mut values = plugin_def(ConnectorKind::Source).extend(&plugin_def(ConnectorKind::Sink)).validate(config);
        let topics = values.list("topics").to_vec();
        let pattern = values.text("topics.regex").filter(|text| !text.is_empty()).map(str::to_owned);
        if !topics.is_empty() && pattern.is_some() {
            both_topics(&mut values);
        }
        let topic_creation = TopicCreation::parse(config).unwrap_or_else(|errors| {
            errors.into_iter().for_each(|(key, reason)| values.error(&key, format!("{key}: {reason}")));
            None
        });
        let transforms = chain(config, &mut values);
        let values = values.into_valid()?;
        let topics = match pattern.map(|text| TopicPattern::new(&text)) {
            Some(Ok(regex)) => Some(Topics::Pattern(regex)),
            _ => (!topics.is_empty()).then_some(Topics::List(topics)),
        };
        let text = |key: &str| values.text(key).unwrap_or_default();
        let converter = |key, default| ConverterSettings::of_connector(config, key, default);
        Ok(Self {
            name: text("name").into(),
            class: text("connector.class").to_owned(),
            tasks_max: values.int("tasks.max").and_then(|n| usize::try_from(n).ok()).unwrap_or(1),
            tasks_max_enforce: values.bool("tasks.max.enforce").unwrap_or(true),
            key_converter: converter("key.converter", &worker.key_converter),
            value_converter: converter("value.converter", &worker.value_converter),
            header_converter: converter("header.converter", &worker.header_converter),
            errors: ErrorSettings::of(&values),
            topics,
            topic_creation: topic_creation.filter(|_| worker.topic_creation_enable),
            offsets_topic: values.text("offsets.storage.topic").map(str::to_owned),
            reload: if text("config.action.reload") == "none" { ReloadAction::None } else { ReloadAction::Restart },
            transforms,
            chain: below(config, &["transforms", "predicates"]),
            producer_overrides: config.with_prefix("producer.override."),
            consumer_overrides: config.with_prefix("consumer.override."),
            admin_overrides: config.with_prefix("admin.override."),
            ignored: ignored(config),
        })
    }

    /// The consumer group of a sink: `connect-<name>`, unless `consumer.override.group.id` says otherwise.
    pub fn consumer_group(&self) -> String {
        match self.consumer_overrides.get("group.id") {
            Some(group) => group.to_owned(),
            None => format!("connect-{}", self.name),
        }
    }
}

/// These keys, and what stands below them.
fn below(config: &Config, keys: &[&str]) -> Config {
    let is_below = |key: &str| {
        keys.iter().any(|above| key.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    };
    let own = |(key, value): (&str, Option<&str>)| (key.to_owned(), value.map(str::to_owned));
    config.iter().filter(|(key, _)| is_below(key)).map(own).collect()
}

fn ignored(config: &Config) -> Vec<String> {
    let lost = |key: &str| {
        ["key.converter", "value.converter", "header.converter"].iter().any(|converter| {
            let below = key.strip_prefix(converter).is_some_and(|rest| rest.starts_with('.'));
            below && !key.ends_with(".plugin.version") && config.get(converter).is_none()
        })
    };
    config.keys().filter(|key| lost(key)).map(str::to_owned).collect()
}

fn both_topics(values: &mut ConfigValues) {
    for key in ["topics", "topics.regex"] {
        values.error(key, "topics and topics.regex exclude each other: set one of them");
    }
}

/// Checks what single keys of the settings every connector has cannot tell, and adds what is wrong to `values`, which holds the
/// verdict of [`super::source_def`] or [`super::sink_def`].
pub fn check_settings(kind: ConnectorKind, config: &Config, worker: &WorkerConfig, values: &mut ConfigValues) {
    match kind {
        ConnectorKind::Source => check_source(config, values),
        ConnectorKind::Sink => check_sink(config, worker, values),
    }
}

fn check_source(config: &Config, values: &mut ConfigValues) {
    if let Err(errors) = TopicCreation::parse(config) {
        for (key, reason) in errors {
            values.error(&key, format!("Invalid value for configuration {key}: {reason}"));
        }
    }
    let says = |values: &ConfigValues, key: &str, word: &str| {
        values.text(key).is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    if says(values, "exactly.once.support", "required") {
        values.error("exactly.once.support", "exactly-once delivery is required but the worker does not offer it");
    }
    if says(values, "transaction.boundary", "connector") {
        values.error("transaction.boundary", "the connector does not define transactions of its own");
    }
}

fn check_sink(config: &Config, worker: &WorkerConfig, values: &mut ConfigValues) {
    let topics = values.list("topics").to_vec();
    let pattern = values.text("topics.regex").unwrap_or_default().to_owned();
    match (topics.is_empty(), pattern.is_empty()) {
        (false, false) => both_topics(values),
        // A value that could not be read has its own error.
        (true, true) => {
            for key in ["topics", "topics.regex"] {
                values.error(key, "a sink needs one of topics and topics.regex");
            }
        }
        _ => {}
    }
    let dead_letters = values.text("errors.deadletterqueue.topic.name").unwrap_or_default().to_owned();
    if !dead_letters.is_empty() {
        let reason = format!("the dead letter queue topic {dead_letters} must not be among the topics read");
        if topics.contains(&dead_letters) {
            values.error("topics", reason);
        } else if !pattern.is_empty() && TopicPattern::new(&pattern).is_ok_and(|regex| regex.is_match(&dead_letters)) {
            values.error("topics.regex", reason);
        }
    }
    const GROUP: &str = "consumer.override.group.id";
    let own = config.get(GROUP).map(str::to_owned);
    if own.is_some() {
        // Kafka Connect lists it twice: here, and among the overrides.
        values.push(ConfigValue::undefined(GROUP, own.as_deref()));
    }
    let group = own.or_else(|| values.text("name").map(|name| format!("connect-{name}")));
    if let Some(group) = group.filter(|group| worker.group_id() == Some(group)) {
        values.error(
            GROUP,
            format!("Consumer group {group} conflicts with Connect worker group {group}: choose another group"),
        );
    }
}

#[cfg(test)]
mod tests;
