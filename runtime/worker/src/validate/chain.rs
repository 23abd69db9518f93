//! `transforms` and `predicates`: each alias names a class, whose keys stand below the alias.

use millstream_api::config::{ConfigType, Importance, Parsed, Width};
use millstream_api::{Config, ConfigDef, ConfigKey, ConfigValues, PluginKind};

use super::converters::below;
use crate::plugins::PluginTable;

/// The verdicts on transformations and on predicates.
pub(super) fn validate(plugins: &PluginTable, config: &Config, base: &ConfigValues) -> (ConfigValues, ConfigValues) {
    let transforms = aliases(plugins, config, base, "transforms", PluginKind::Transformation, "Transforms");
    let predicates = aliases(plugins, config, base, "predicates", PluginKind::Predicate, "Predicates");
    (transforms, predicates)
}

fn aliases(
    plugins: &PluginTable,
    config: &Config,
    base: &ConfigValues,
    list: &str,
    kind: PluginKind,
    group: &str,
) -> ConfigValues {
    let mut all = ConfigValues::default();
    for alias in base.list(list) {
        let prefix = format!("{list}.{alias}.");
        let group = format!("{group}: {alias}");
        let mut type_key = ConfigKey::required(
            "type",
            ConfigType::Class,
            Importance::High,
            format!("Class of {alias}, one of the {list} of this connector."),
        )
        .shown(&group, 0, Width::Long, &format!("Type of {alias}"));
        type_key.recommended = plugins.of_kind(kind).map(|info| info.class.to_owned()).collect();
        let settings = config.with_prefix(&prefix);
        let mut verdict = ConfigDef::new().key(type_key).validate(&settings);
        if let Some(value) = verdict.get_mut("type")
            && let Parsed::Text(class) = &value.parsed
        {
            match plugins.plugin(kind, class) {
                Some(info) => value.parsed = Parsed::Text(info.class.to_owned()),
                None => {
                    let known = match value.recommended.as_slice() {
                        [] => format!("this worker has no {list} yet"),
                        known => format!("{list} are {}", known.join(", ")),
                    };
                    value.errors.push(format!(
                        "Invalid value {class} for configuration type: Class {class} could not be found; {known}"
                    ));
                    value.parsed = Parsed::Null;
                }
            }
        }
        if let Some(class) = verdict.text("type").map(str::to_owned)
            && let Some(def) = millstream_plugins::config_def(&class)
        {
            verdict.append(def.validate(&settings));
        }
        for value in verdict.iter() {
            let mut value = below(&prefix, value.clone());
            value.key.group = Some(group.clone());
            all.append(ConfigValues::new([value]));
        }
    }
    all
}
