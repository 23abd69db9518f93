//! Converters, transformations and predicates, by the class names Kafka Connect gives them.
//!
//! The table of what is compiled in is here; everything else of the crate is reached through it.

mod converter;

use millstream_api::{ConfigDef, Converter, Error, PluginInfo, PluginKind, Result};

/// The version of Kafka Connect whose plugins these stand in for; shown as theirs in REST answers.
pub const KAFKA_VERSION: &str = "4.3.1";

/// One converter: what it is called, its settings, and how to make one.
struct ConverterPlugin {
    info: PluginInfo,
    def: fn() -> &'static ConfigDef,
    make: fn() -> Box<dyn Converter>,
}

const fn named(class: &'static str) -> PluginInfo {
    PluginInfo { class, aliases: &[], version: KAFKA_VERSION }
}

/// By class name.
const CONVERTERS: &[ConverterPlugin] = &[
    ConverterPlugin {
        info: named("org.apache.kafka.connect.converters.ByteArrayConverter"),
        def: converter::byte_array_def,
        make: || Box::new(converter::ByteArrayConverter),
    },
    ConverterPlugin {
        info: named("org.apache.kafka.connect.json.JsonConverter"),
        def: converter::json_def,
        make: || Box::new(converter::JsonConverter::new()),
    },
    ConverterPlugin {
        info: named("org.apache.kafka.connect.storage.StringConverter"),
        def: converter::string_def,
        make: || Box::new(converter::StringConverter::new()),
    },
];

/// Every plugin of this crate in the order of `GET /connector-plugins`: transformations, predicates, converters, header
/// converters, each kind by class name. A converter is a header converter too.
pub fn plugin_list() -> Vec<(PluginKind, PluginInfo)> {
    [PluginKind::Converter, PluginKind::HeaderConverter]
        .into_iter()
        .flat_map(|kind| CONVERTERS.iter().map(move |plugin| (kind, plugin.info)))
        .collect()
}

/// A converter by class name, simple name or name without `Converter`, with its default settings: configure it before use.
///
/// An unknown name is an error of kind [`millstream_api::ErrorKind::Config`] that lists the known ones.
pub fn converter(class: &str) -> Result<Box<dyn Converter>> {
    find(class).map(|plugin| (plugin.make)())
}

/// A converter's own settings, as they stand behind `key.converter.` or `value.converter.`; names as for [`converter`].
pub fn converter_def(class: &str) -> Result<ConfigDef> {
    find(class).map(|plugin| (plugin.def)().clone())
}

fn find(class: &str) -> Result<&'static ConverterPlugin> {
    CONVERTERS.iter().find(|plugin| plugin.info.is_named(class)).ok_or_else(|| {
        let known: Vec<_> = CONVERTERS.iter().map(|plugin| plugin.info.class).collect();
        Error::config(format!("the converter class {class} is unknown"))
            .hint(format!("use one of {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_listed_as_rest_lists_them() {
        let list = plugin_list();
        let converters: Vec<_> =
            list.iter().filter(|(kind, _)| *kind == PluginKind::Converter).map(|(_, info)| info.class).collect();
        assert_eq!(
            converters,
            [
                "org.apache.kafka.connect.converters.ByteArrayConverter",
                "org.apache.kafka.connect.json.JsonConverter",
                "org.apache.kafka.connect.storage.StringConverter"
            ]
        );
        assert_eq!(list.len(), 6);
        assert_eq!(list[3].0, PluginKind::HeaderConverter);
    }

    #[test]
    fn names_resolve() {
        for name in ["org.apache.kafka.connect.json.JsonConverter", "JsonConverter", "Json"] {
            assert!(converter(name).is_ok());
            assert_eq!(converter_def(name).unwrap().keys().count(), 6);
        }
        let unknown = converter("com.example.Nope").err().unwrap();
        assert_eq!(unknown.kind(), millstream_api::ErrorKind::Config);
        assert!(unknown.to_string().contains("com.example.Nope") && unknown.to_string().contains("JsonConverter"));
    }
}
