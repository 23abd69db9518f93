//! Converter keys: aliases resolved, and the converters' own keys below their prefix.

use millstream_api::config::{Default as KeyDefault, Parsed};
use millstream_api::{Config, ConfigValue, ConfigValues, PluginInfo};
use millstream_core::settings::Offered;

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

/// Replaces aliases by class names and says what no converter is.
pub(super) fn resolve(values: &mut ConfigValues, offered: &Offered<'_>) {
    for role in ROLES {
        let plugins = if role.word == "header" { offered.header_converters } else { offered.converters };
        let Some(value) = values.get_mut(role.key) else { continue };
        let found = resolve_class(value, plugins);
        let Some(version) = values.get_mut(role.version_key) else { continue };
        resolve_version(version, found);
    }
}

fn resolve_class(value: &mut ConfigValue, plugins: &[PluginInfo]) -> Option<PluginInfo> {
    let named = |class: &str| plugins.iter().find(|plugin| plugin.is_named(class)).copied();
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
            if value.errors.is_empty() {
                let known: Vec<_> = plugins.iter().map(|plugin| plugin.class).collect();
                value.errors.push(format!(
                    "Invalid value {class} for configuration {}: Class {class} could not be found; known classes are {}",
                    value.key.name,
                    known.join(", ")
                ));
            }
            value.parsed = Parsed::Null;
        }
    }
    found
}

/// The only version is that of the class in use.
fn resolve_version(value: &mut ConfigValue, plugin: Option<PluginInfo>) {
    value.visible = plugin.is_some();
    let Some(plugin) = plugin else {
        value.key.default = KeyDefault::Null;
        value.key.recommended.clear();
        value.recommended.clear();
        if !value.given {
            value.parsed = Parsed::Null;
        }
        return;
    };
    value.key.default = KeyDefault::Text(plugin.version.to_owned());
    value.key.recommended = vec![plugin.version.to_owned()];
    value.recommended.clone_from(&value.key.recommended);
    match value.text() {
        Some(asked) if value.given && asked != plugin.version => value.errors.push(format!(
            "Invalid value {asked} for configuration {}: this worker has version {} of {}",
            value.key.name, plugin.version, plugin.class
        )),
        _ => value.parsed = Parsed::Text(plugin.version.to_owned()),
    }
}

/// The keys of a converter that the connector names itself. The worker's converters bring none: their settings are the worker's.
pub(super) fn own_keys(role: Role, config: &Config, values: &ConfigValues) -> ConfigValues {
    let own = config.get(role.key).and_then(|_| values.text(role.key));
    let Some(def) = own.and_then(|class| millstream_plugins::converter_def(class).ok()) else {
        return ConfigValues::default();
    };
    let prefix = format!("{}.", role.key);
    let mut settings = config.with_prefix(&prefix);
    settings.set("converter.type", role.word);
    ConfigValues::new(def.validate(&settings).iter().cloned().map(|value| below(&prefix, value)))
}

/// A value of a plugin below the prefix under which the connector configures it.
fn below(prefix: &str, mut value: ConfigValue) -> ConfigValue {
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
