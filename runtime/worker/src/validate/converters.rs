//! Converter keys: the worker's as defaults, aliases resolved, the converters' own keys below their prefix.

use millstream_api::config::{Default as KeyDefault, Parsed};
use millstream_api::{Config, ConfigDef, ConfigKey, ConfigValue, ConfigValues, PluginKind};
use millstream_core::settings::worker::WorkerConfig;

use crate::plugins::PluginTable;

/// A converter's place in a connector.
#[derive(Clone, Copy)]
pub(super) struct Role {
    key: &'static str,
    version_key: &'static str,
    kind: PluginKind,
    /// Value of `converter.type`, which the worker sets, not the user.
    word: &'static str,
}

pub(super) const ROLES: [Role; 3] = [
    Role {
        key: "key.converter",
        version_key: "key.converter.plugin.version",
        kind: PluginKind::Converter,
        word: "key",
    },
    Role {
        key: "value.converter",
        version_key: "value.converter.plugin.version",
        kind: PluginKind::Converter,
        word: "value",
    },
    Role {
        key: "header.converter",
        version_key: "header.converter.plugin.version",
        kind: PluginKind::HeaderConverter,
        word: "header",
    },
];

/// Shows the worker's converters as defaults and all converters as recommended, as Kafka Connect does.
pub(super) fn with_worker_defaults(
    mut base: ConfigDef,
    plugins: &PluginTable,
    worker: &WorkerConfig,
    connector_version: &str,
) -> ConfigDef {
    for role in ROLES {
        if let Some(key) = base.get(role.key) {
            let mut key = key.clone();
            key.default = worker.converter_class(role.key).map_or(KeyDefault::Null, |class| {
                KeyDefault::Text(plugins.plugin(role.kind, class).map_or(class, |info| info.class).to_owned())
            });
            key.recommended = plugins.of_kind(role.kind).map(|info| info.class.to_owned()).collect();
            base = base.key(key);
        }
    }
    match base.get("connector.plugin.version").map(|key| at_version(key, connector_version)) {
        Some(key) => base.key(key),
        None => base,
    }
}

fn at_version(key: &ConfigKey, version: &str) -> ConfigKey {
    let mut key = key.clone();
    key.default = KeyDefault::Text(version.to_owned());
    key.recommended = vec![version.to_owned()];
    key
}

/// Replaces aliases by class names and says what no converter is.
pub(super) fn resolve(values: &mut ConfigValues, plugins: &PluginTable) {
    for role in ROLES {
        let Some(value) = values.get_mut(role.key) else { continue };
        let mut version = None;
        if let Parsed::Text(class) = &value.parsed {
            match plugins.plugin(role.kind, class) {
                Some(info) => {
                    version = Some(info.version);
                    value.parsed = Parsed::Text(info.class.to_owned());
                }
                None => {
                    value.errors.push(format!(
                        "Invalid value {class} for configuration {}: Class {class} could not be found; converters are {}",
                        role.key,
                        value.recommended.join(", ")
                    ));
                    value.parsed = Parsed::Null;
                }
            }
        }
        let known = value.parsed != Parsed::Null;
        let Some(version_value) = values.get_mut(role.version_key) else { continue };
        version_value.visible = known;
        if let Some(version) = version {
            if version_value.given && version_value.text().as_deref() != Some(version) {
                version_value.errors.push(format!("{}: this worker has version {version}", role.version_key));
            }
            version_value.key = at_version(&version_value.key, version);
            version_value.recommended.clone_from(&version_value.key.recommended);
            if !version_value.given {
                version_value.parsed = Parsed::Text(version.to_owned());
            }
        }
    }
}

/// The keys of a converter that the connector names itself. The worker's converters bring no keys: their settings are the worker's, and
/// settings below a prefix without a class are ignored (Kafka Connect does the same).
pub(super) fn own_keys(role: Role, config: &Config, values: &ConfigValues) -> ConfigValues {
    let prefix = format!("{}.", role.key);
    let mut settings = config.with_prefix(&prefix);
    if !config.contains(role.key) {
        settings.remove("plugin.version");
        if !settings.is_empty() {
            let keys: Vec<_> = settings.keys().collect();
            tracing::warn!(
                connector = config.get("name"),
                "{prefix}{} has no effect without {}: the worker's converter is used with the worker's settings",
                keys.join(&format!(", {prefix}")),
                role.key
            );
        }
        return ConfigValues::default();
    }
    let class = values.text(role.key).unwrap_or_default();
    let Some(def) = millstream_plugins::config_def(class) else {
        return ConfigValues::default();
    };
    settings.set("converter.type", role.word);
    ConfigValues::new(def.validate(&settings).iter().cloned().map(|value| below(&prefix, value)))
}

/// A value of a plugin below the prefix under which the connector configures it.
pub(super) fn below(prefix: &str, mut value: ConfigValue) -> ConfigValue {
    let short = std::mem::take(&mut value.key.name);
    let full = format!("{prefix}{short}");
    for error in &mut value.errors {
        for (from, to) in [
            (format!("configuration {short}:"), format!("configuration {full}:")),
            (format!("configuration \"{short}\""), format!("configuration \"{full}\"")),
        ] {
            *error = error.replace(&from, &to);
        }
    }
    for dependent in &mut value.key.dependents {
        *dependent = format!("{prefix}{dependent}");
    }
    value.key.name = full;
    value
}
