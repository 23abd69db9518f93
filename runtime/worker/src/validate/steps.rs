//! Transformations and predicates by alias: `transforms.<alias>.…` and `predicates.<alias>.…`.

use std::cmp::Ordering;

use indexmap::IndexSet;
use millstream_api::config::{ConfigType, Default as KeyDefault, Importance, Parsed, Width};
use millstream_api::{Config, ConfigDef, ConfigKey, ConfigValues, PluginInfo, PluginKind};

use super::converters::below;
use super::version::VersionRange;
use crate::plugins::PluginTable;

/// What differs between transformations and predicates.
struct Kind {
    /// The key that lists the aliases, and what stands before theirs.
    list: &'static str,
    group: &'static str,
    word: &'static str,
    plugins: PluginKind,
    def: fn(&str) -> Option<ConfigDef>,
}

const TRANSFORMS: Kind = Kind {
    list: "transforms",
    group: "Transforms",
    word: "Transformation",
    plugins: PluginKind::Transformation,
    def: |class| {
        let predicate = ConfigKey::nullable(
            "predicate",
            ConfigType::String,
            Importance::Medium,
            "Alias of the predicate that says for which records the transformation is done.",
        );
        let negate = ConfigKey::with_default(
            "negate",
            ConfigType::Boolean,
            false,
            Importance::Medium,
            "Do it for the records the predicate does not hold for.",
        );
        Some(millstream_plugins::transform_def(class)?.key(predicate).key(negate))
    },
};

const PREDICATES: Kind = Kind {
    list: "predicates",
    group: "Predicates",
    word: "Predicate",
    plugins: PluginKind::Predicate,
    def: millstream_plugins::predicate_def,
};

/// The keys of all transformations, then of all predicates, that `common` (the keys every connector has) lists.
pub(super) fn steps(config: &Config, common: &ConfigValues, plugins: &PluginTable) -> ConfigValues {
    let mut all = ConfigValues::default();
    for kind in [&TRANSFORMS, &PREDICATES] {
        let aliases: IndexSet<&String> = common.list(kind.list).iter().collect();
        for alias in aliases {
            all.append(step(kind, alias, config, plugins));
        }
    }
    let known = common.list(PREDICATES.list);
    for alias in common.list(TRANSFORMS.list) {
        let key = format!("transforms.{alias}.predicate");
        let predicate =
            all.text(&key).filter(|predicate| !predicate.is_empty() && !known.contains(&(*predicate).to_owned()));
        if let Some(predicate) = predicate.map(str::to_owned)
            && all.get(&key).is_some_and(|value| value.errors.is_empty())
        {
            all.error(
                &key,
                format!("Invalid value {predicate} for configuration {key}: predicates lists no such alias"),
            );
        }
    }
    all
}

fn step(kind: &Kind, alias: &str, config: &Config, plugins: &PluginTable) -> ConfigValues {
    let prefix = format!("{}.{alias}.", kind.list);
    let (type_key, version_key) = (format!("{prefix}type"), format!("{prefix}plugin.version"));
    let group = format!("{}: {alias}", kind.group);
    let offered = plugins.of_kind(kind.plugins);
    let class = ConfigKey::required(&type_key, ConfigType::Class, Importance::High, "Class of the plugin.")
        .shown(&group, 0, Width::Long, &format!("{} type for {alias}", kind.word))
        .recommend(offered.iter().map(|plugin| plugin.class));
    let version = ConfigKey::nullable(&version_key, ConfigType::String, Importance::High, "Version of the plugin.")
        .shown(&group, 1, Width::Long, &format!("{} version for {alias}", kind.word));
    let mut values = ConfigDef::new().key(class).key(version).validate(config);

    let asked = values.text(&type_key).map(str::to_owned);
    let found = asked.as_deref().and_then(|class| offered.iter().find(|plugin| plugin.is_named(class)));
    if let Some(value) = values.get_mut(&type_key) {
        match (&asked, found) {
            (Some(_), Some(plugin)) => value.parsed = Parsed::Text(plugin.class.to_owned()),
            (Some(class), None) if plugins.knows(class) => value.errors.push(format!(
                "Invalid value {class} for configuration {type_key}: not a {}",
                kind.word.to_ascii_lowercase()
            )),
            (Some(class), None) => {
                value.parsed = Parsed::Null;
                value.errors.push(format!(
                    "Invalid value {class} for configuration {type_key}: Class {class} could not be found."
                ));
            }
            (None, _) => {}
        }
        let negate = format!("{prefix}negate");
        let predicate = format!("{prefix}predicate");
        if kind.list == TRANSFORMS.list && config.contains(&negate) && !config.contains(&predicate) {
            value.errors.push(format!(
                "Config '{negate}' was provided but there is no config '{predicate}' defining a predicate to be negated."
            ));
        }
    }
    let Some(plugin) = found else { return values };
    let unfit = check_version(&mut values, &version_key, plugin);
    if let Some(reason) = unfit {
        values.error(&version_key, reason.clone());
        values.error(&type_key, reason);
    } else if let Some(def) = (kind.def)(plugin.class) {
        values.append(own_keys(&prefix, &group, &def, config));
    }
    values
}

/// Shows the version that is there; what is wrong with the one that is asked for.
fn check_version(values: &mut ConfigValues, key: &str, plugin: &PluginInfo) -> Option<String> {
    let value = values.get_mut(key)?;
    value.key.default = KeyDefault::Text(plugin.version.to_owned());
    value.recommended = vec![plugin.version.to_owned()];
    let asked = match &value.parsed {
        Parsed::Text(text) => text.clone(),
        _ => {
            value.parsed = Parsed::Text(plugin.version.to_owned());
            return None;
        }
    };
    match VersionRange::parse(&asked) {
        Err(reason) => Some(reason),
        Ok(range) => range.filter(|range| !range.contains(plugin.version)).map(|range| range.unfit(plugin)),
    }
}

/// The plugin's own keys, in the order in which Kafka's ConfigDef embeds them.
fn own_keys(prefix: &str, group: &str, def: &ConfigDef, config: &Config) -> ConfigValues {
    let mut keys: Vec<_> = def.keys().cloned().collect();
    keys.sort_by(embedded_order);
    let def = keys.into_iter().fold(ConfigDef::new(), ConfigDef::key);
    let values = def.validate(&config.with_prefix(prefix));
    ConfigValues::new(values.into_iter().zip(2..).map(|(value, order)| {
        let mut value = below(prefix, value);
        value.key.group = Some(group.to_owned());
        value.key.order_in_group = order;
        value
    }))
}

fn embedded_order(a: &ConfigKey, b: &ConfigKey) -> Ordering {
    let rank = |key: &ConfigKey| {
        let importance = match key.importance {
            Importance::High => 0,
            Importance::Medium => 1,
            Importance::Low => 2,
        };
        (key.order_in_group, key.default != KeyDefault::Required, importance)
    };
    rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
}
