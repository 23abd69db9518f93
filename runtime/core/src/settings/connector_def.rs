//! The settings every connector has, as Kafka Connect 4.3 shows them in forms.

use std::collections::HashSet;

use millstream_api::config::{ConfigDef, ConfigKey, ConfigType, Default, Importance, Parsed, Width};
use millstream_api::{ConnectorKind, PluginInfo};

use super::WorkerConfig;
use super::restart_def::restart_keys;
use super::topic_pattern::TopicPattern;
use ConfigType::{Boolean, Class, Int, List, Long, Short, String as Text};
use Importance::{High, Low, Medium};

const COMMON: &str = "Common";
const ERRORS: &str = "Error Handling";
/// Of sources: Millstream's own, Kafka Connect has it for sinks only.
const LETTERS: &str = "Dead Letter Queue";
const ONCE: &str = "Exactly Once Support";

/// Settings of every source connector on this worker: its converters are the defaults.
pub fn source_def(worker: &WorkerConfig) -> ConfigDef {
    with_worker(plugin_def(ConnectorKind::Source), worker)
}

/// Settings of every sink connector on this worker.
pub fn sink_def(worker: &WorkerConfig) -> ConfigDef {
    with_worker(plugin_def(ConnectorKind::Sink), worker)
}

/// Settings of every connector, whatever its kind and the worker it runs on.
pub fn common_def() -> ConfigDef {
    common()
}

/// Settings of every connector of a kind, whatever worker it runs on: converters default to null.
pub fn plugin_def(kind: ConnectorKind) -> ConfigDef {
    match kind {
        ConnectorKind::Source => source(common()),
        ConnectorKind::Sink => sink(common()),
    }
}

fn with_worker(def: ConfigDef, worker: &WorkerConfig) -> ConfigDef {
    [&worker.key_converter, &worker.value_converter, &worker.header_converter]
        .into_iter()
        .zip(["key.converter", "value.converter", "header.converter"])
        .fold(def, |def, (converter, name)| edit(def, name, |key| key.default = Default::Text(converter.class.clone())))
}

/// What a worker has to offer in forms.
pub struct Offered<'a> {
    /// Version of the connector.
    pub version: &'a str,
    /// Its converters.
    pub converters: &'a [PluginInfo],
    /// Its header converters.
    pub header_converters: &'a [PluginInfo],
}

/// Fills in what forms offer: all converters, and versions as defaults and only choices.
pub fn offer(mut def: ConfigDef, offered: &Offered<'_>) -> ConfigDef {
    def = edit(def, "connector.plugin.version", |key| set_version(key, offered.version));
    for (name, plugins) in [
        ("key.converter", offered.converters),
        ("value.converter", offered.converters),
        ("header.converter", offered.header_converters),
    ] {
        let default = match def.get(name).map(|key| &key.default) {
            Some(Default::Text(class)) => plugins.iter().find(|plugin| plugin.is_named(class)),
            _ => None,
        };
        let version = default.map(|plugin| plugin.version);
        def = edit(def, name, |key| key.recommended = plugins.iter().map(|plugin| plugin.class.to_owned()).collect());
        if let Some(version) = version {
            def = edit(def, &format!("{name}.plugin.version"), |key| set_version(key, version));
        }
    }
    def
}

fn set_version(key: &mut ConfigKey, version: &str) {
    key.default = Default::Text(version.to_owned());
    key.recommended = vec![version.to_owned()];
}

fn edit(def: ConfigDef, name: &str, change: impl FnOnce(&mut ConfigKey)) -> ConfigDef {
    let Some(mut key) = def.get(name).cloned() else { return def };
    change(&mut key);
    def.key(key)
}

fn common() -> ConfigDef {
    let converter = |def: ConfigDef, part: &str, word: &str, order: i32| {
        let name = format!("{part}.converter");
        let class =
            ConfigKey::nullable(name.as_str(), Class, Low, format!("Converter of {part}s; the worker's by default."));
        let version = ConfigKey::nullable(format!("{name}.plugin.version"), Text, Low, "Version of the converter.");
        def.key(class.shown(COMMON, order, Width::Short, &format!("{word} converter class")).not_empty())
            .key(version.shown(COMMON, order + 1, Width::Short, &format!("{word} converter version")))
    };
    let mut def = ConfigDef::new()
        .key(
            ConfigKey::required("name", Text, High, "Name of the connector, unique in the cluster.")
                .shown(COMMON, 1, Width::Medium, "Connector name")
                .check(check_name),
        )
        .key(ConfigKey::required("connector.class", Text, High, "Class name or short name of the connector.").shown(
            COMMON,
            2,
            Width::Long,
            "Connector class",
        ))
        .key(ConfigKey::nullable("connector.plugin.version", Text, Medium, "Version of the connector.").shown(
            COMMON,
            3,
            Width::Medium,
            "Connector version",
        ))
        .key(
            ConfigKey::with_default("tasks.max", Int, 1, High, "How many tasks the connector may have.")
                .shown(COMMON, 4, Width::Short, "Tasks max")
                .at_least(1)
                .never_null(),
        )
        .key(
            ConfigKey::with_default("tasks.max.enforce", Boolean, true, Low, "Fail a connector that makes more tasks.")
                .shown(COMMON, 5, Width::Short, "Enforce tasks max"),
        );
    for (part, word, order) in [("key", "Key", 6), ("value", "Value", 8), ("header", "Header", 10)] {
        def = converter(def, part, word, order);
    }
    let def = def
        .key(
            ConfigKey::with_default("transforms", List, "", Low, "Names of transformations, in order.")
                .shown("Transforms", 12, Width::Long, "Transforms")
                .check(no_repeated_alias),
        )
        .key(
            ConfigKey::with_default("predicates", List, "", Low, "Names of predicates.")
                .shown("Predicates", 13, Width::Long, "Predicates")
                .check(no_repeated_alias),
        )
        .key(
            words(
                "config.action.reload",
                "restart",
                Low,
                "What to do when a value from outside changes.",
                &["none", "restart"],
            )
            .shown(COMMON, 14, Width::Medium, "Reload Action"),
        )
        .key(
            ConfigKey::with_default("errors.retry.timeout", Long, 0, Medium, "How long to retry, in ms; -1: for ever.")
                .shown(ERRORS, 1, Width::Medium, "Retry Timeout for Errors")
                .at_least(-1),
        )
        .key(
            ConfigKey::with_default(
                "errors.retry.delay.max.ms",
                Long,
                60_000,
                Medium,
                "Longest pause between retries, in ms.",
            )
            .shown(ERRORS, 2, Width::Medium, "Maximum Delay Between Retries for Errors")
            .at_least(0),
        )
        .key(
            words(
                "errors.tolerance",
                "none",
                Medium,
                "none: a bad record fails the task. all: it is skipped.",
                &["none", "all"],
            )
            .shown(ERRORS, 3, Width::Short, "Error Tolerance"),
        )
        .key(ConfigKey::with_default("errors.log.enable", Boolean, false, Medium, "Log every failure.").shown(
            ERRORS,
            4,
            Width::Short,
            "Log Errors",
        ))
        .key(
            ConfigKey::with_default(
                "errors.log.include.messages",
                Boolean,
                false,
                Medium,
                "Name the record in the log.",
            )
            .shown(ERRORS, 5, Width::Short, "Log Error Details"),
        );
    restart_keys(def)
}

fn source(common: ConfigDef) -> ConfigDef {
    let doc = "Topic of rows that errors.tolerance=all skips because they could not be transformed or converted.";
    dead_letters(common, LETTERS, 1, doc)
        .key(
            ConfigKey::with_default(
                "topic.creation.groups",
                List,
                "",
                Low,
                "Groups of topics with settings of their own.",
            )
            .shown("Topic Creation", 1, Width::Long, "Topic Creation Groups"),
        )
        .key(
            any_case("exactly.once.support", "requested", Medium, "requested or required.", &["requested", "required"])
                .shown(ONCE, 2, Width::Short, "Exactly once support"),
        )
        .key(
            any_case(
                "transaction.boundary",
                "poll",
                Medium,
                "Where transactions end: poll, interval or connector.",
                &["poll", "interval", "connector"],
            )
            .shown(ONCE, 3, Width::Short, "Transaction Boundary"),
        )
        .key(
            ConfigKey::nullable("transaction.boundary.interval.ms", Long, Low, "Length of a transaction, in ms.")
                .shown(ONCE, 4, Width::Short, "Transaction boundary interval")
                .at_least(0),
        )
        .key(
            ConfigKey::nullable("offsets.storage.topic", Text, Low, "Topic of this connector's offsets.")
                .shown("offsets.topic", 1, Width::Long, "Offsets topic")
                .not_empty(),
        )
}

fn sink(common: ConfigDef) -> ConfigDef {
    let def = common
        .key(
            ConfigKey::with_default("topics", List, "", High, "Topics to read.")
                .shown(COMMON, 4, Width::Long, "Topics")
                .check(no_repeats),
        )
        .key(
            ConfigKey::with_default("topics.regex", Text, "", High, "Regular expression of the topics to read.")
                .shown(COMMON, 4, Width::Long, "Topics regex")
                .check(|value| match value {
                    Parsed::Text(text) => TopicPattern::new(text).map(|_| ()),
                    _ => Ok(()),
                }),
        );
    dead_letters(def, ERRORS, 6, "Topic of bad records.")
}

fn dead_letters(def: ConfigDef, group: &str, first: i32, topic: &str) -> ConfigDef {
    def.key(ConfigKey::with_default("errors.deadletterqueue.topic.name", Text, "", Medium, topic).shown(
        group,
        first,
        Width::Medium,
        "Dead Letter Queue Topic Name",
    ))
    .key(
        ConfigKey::with_default(
            "errors.deadletterqueue.topic.replication.factor",
            Short,
            3,
            Medium,
            "Replication factor of that topic when it is created.",
        )
        .shown(group, first + 1, Width::Medium, "Dead Letter Queue Topic Replication Factor"),
    )
    .key(
        ConfigKey::with_default(
            "errors.deadletterqueue.context.headers.enable",
            Boolean,
            false,
            Medium,
            "Say in headers why a record is bad.",
        )
        .shown(group, first + 2, Width::Medium, "Enable Error Context Headers"),
    )
}

fn words(name: &str, default: &str, importance: Importance, doc: &str, words: &[&str]) -> ConfigKey {
    // Java takes these words only, but recommends none.
    ConfigKey::with_default(name, Text, default, importance, doc)
        .one_of(words.iter().copied())
        .recommend([])
        .never_null()
}

fn any_case(name: &str, default: &str, importance: Importance, doc: &str, words: &[&str]) -> ConfigKey {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    ConfigKey::with_default(name, Text, default, importance, doc).check(move |value| match value {
        Parsed::Text(text) if words.iter().any(|word| word.eq_ignore_ascii_case(text)) => Ok(()),
        _ => Err(format!("String must be one of: {}", words.join(", "))),
    })
}

fn check_name(value: &Parsed) -> Result<(), String> {
    match value {
        Parsed::Text(text) if text.trim().is_empty() => Err("String may not be empty".to_owned()),
        Parsed::Text(text) if text.chars().any(char::is_control) => {
            Err("String may not contain control sequences".to_owned())
        }
        // A null has its own error.
        _ => Ok(()),
    }
}

fn no_repeats(value: &Parsed) -> Result<(), String> {
    let Parsed::List(items) = value else { return Ok(()) };
    let mut seen = HashSet::new();
    match items.iter().find(|item| !seen.insert(*item)) {
        Some(twice) => Err(format!("{twice} is named more than once")),
        None => Ok(()),
    }
}

fn no_repeated_alias(value: &Parsed) -> Result<(), String> {
    no_repeats(value).map_err(|_| "Duplicate alias provided.".to_owned())
}
