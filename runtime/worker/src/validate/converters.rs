//! Converter keys: aliases resolved, and the converters' own keys below their prefix.

use millstream_api::config::{Default as KeyDefault, Parsed};
use millstream_api::{Config, ConfigValue, ConfigValues, PluginInfo};
use millstream_core::settings::Offered;

use super::version::VersionRange;
use crate::plugins::PluginTable;

/// A converter's place in a connector.
#[derive(Clone, Copy)]
pub(super) struct Role {
    key: &'static str,
    version_key: &'static str,
    /// Value of `converter.type`, which the worker sets, not the user.
    word: &'static str,
}

pub(super) const ROLES: [Role; 3] = [
    Role { key: "key.converter", version_key: "key.converter.plugin.version", word: "key" },
    Role { key: "value.converter", version_key: "value.converter.plugin.version", word: "value" },
    Role { key: "header.converter", version_key: "header.converter.plugin.version", word: "header" },
];

/// Replaces aliases by class names and says what no converter is, and which version is not there.
pub(super) fn resolve(values: &mut ConfigValues, offered: &Offered<'_>, plugins: &PluginTable) {
    for role in ROLES {
        let all = if role.word == "header" { offered.header_converters } else { offered.converters };
        let Some(value) = values.get_mut(role.key) else { continue };
        let found = resolve_class(value, all, plugins);
        let unknown = found.is_none() && value.parsed == Parsed::Null;
        let wrong = !value.errors.is_empty();
        let own = found.filter(|_| value.given);
        let Some(version) = values.get_mut(role.version_key) else { continue };
        show_version(version, found, wrong);
        version.visible = !unknown;
        let Some(asked) = version.text().filter(|_| version.given) else { continue };
        match VersionRange::parse(&asked) {
            Err(reason) => version.errors.push(reason),
            // The worker's own converter is the worker's business.
            Ok(range) => {
                let unfit = range.zip(own).filter(|(range, plugin)| !range.contains(plugin.version));
                if let Some((range, plugin)) = unfit {
                    values.error(role.key, range.unfit(&plugin));
                    values.error(role.version_key, range.unfit(&plugin));
                }
            }
        }
    }
}

fn resolve_class(value: &mut ConfigValue, all: &[PluginInfo], plugins: &PluginTable) -> Option<PluginInfo> {
    let named = |class: &str| all.iter().find(|plugin| plugin.is_named(class)).copied();
    if let KeyDefault::Text(class) = &mut value.key.default
        && let Some(plugin) = named(class)
    {
        *class = plugin.class.to_owned();
    }
    let Parsed::Text(class) = &value.parsed else { return None };
    let found = named(class);
    match found {
        Some(plugin) => value.parsed = Parsed::Text(plugin.class.to_owned()),
        // The worker's own converter is the worker's business.
        None if !value.given => {}
        None => {
            let known = plugins.knows(class);
            if value.errors.is_empty() {
                let reason = if known { "is no converter" } else { "could not be found" };
                let all: Vec<_> = all.iter().map(|plugin| plugin.class).collect();
                value.errors.push(format!(
                    "Invalid value {class} for configuration {}: Class {class} {reason}; known classes are {}",
                    value.key.name,
                    all.join(", ")
                ));
            }
            if !known {
                value.parsed = Parsed::Null;
            }
        }
    }
    found
}

/// The only version is that of the class in use.
fn show_version(value: &mut ConfigValue, plugin: Option<PluginInfo>, wrong: bool) {
    if wrong {
        value.key.default = KeyDefault::Null;
        value.key.recommended.clear();
        value.recommended.clear();
        if !value.given {
            value.parsed = Parsed::Null;
        }
    }
    let Some(plugin) = plugin else { return };
    value.key.default = KeyDefault::Text(plugin.version.to_owned());
    value.key.recommended = vec![plugin.version.to_owned()];
    value.recommended.clone_from(&value.key.recommended);
    if !value.given {
        value.parsed = Parsed::Text(plugin.version.to_owned());
    }
}

/// Shows no version.
pub(super) fn hide_version(role: Role, values: &mut ConfigValues) {
    if let Some(version) = values.get_mut(role.version_key) {
        show_version(version, None, true);
        version.visible = false;
    }
}

/// The keys of a converter that the connector names itself. The worker's converters bring none: their settings are the worker's.
pub(super) fn own_keys(role: Role, config: &Config, values: &ConfigValues) -> ConfigValues {
    let fine = |key: &str| values.get(key).is_some_and(|value| value.errors.is_empty());
    let own =
        config.get(role.key).and_then(|_| values.text(role.key)).filter(|_| fine(role.key) && fine(role.version_key));
    let def = own.and_then(|class| millstream_plugins::converter_def(class).ok());
    let Some(def) = def else { return ConfigValues::default() };
    let prefix = format!("{}.", role.key);
    let mut settings = config.with_prefix(&prefix);
    settings.set("converter.type", role.word);
    ConfigValues::new(def.validate(&settings).into_iter().map(|value| below(&prefix, value)))
}

/// A value of a plugin below the prefix under which the connector configures it.
pub(super) fn below(prefix: &str, mut value: ConfigValue) -> ConfigValue {
    let short = std::mem::take(&mut value.key.name);
    let full = format!("{prefix}{short}");
    for error in &mut value.errors {
        *error = error
            .replace(&format!("configuration {short}:"), &format!("configuration {full}:"))
            .replace(&format!("configuration \"{short}\""), &format!("configuration \"{full}\""));
    }
    for dependent in &mut value.key.dependents {
        dependent.insert_str(0, prefix);
    }
    value.key.name = full;
    value
}
