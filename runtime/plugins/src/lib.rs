//! Converters, transformations and predicates, by the class names Kafka Connect gives them.
//!
//! [`plugin_list`] says what there is; everything else of the crate is reached by class name. A name is Java's full class name or
//! an alias of it: the simple name, of a converter also without `Converter`. The `$Key` and `$Value` forms of a transformation
//! have their full name only, as in Java.

mod converter;
mod header;
mod java;
mod listed;
mod predicate;
mod table;
mod transform;

use millstream_api::{ConfigDef, Converter, Error, PluginInfo, PluginKind, Predicate, Result, Transform};

pub use header::{decode_headers, encode_headers};
pub use transform::chain::{Chain, ChainFailure, ChainOutput};

use table::{CONVERTERS, Entry, HEADER_CONVERTERS, PREDICATES, TRANSFORMS};

/// The version of Kafka Connect whose plugins these stand in for; shown as theirs in REST answers.
pub const KAFKA_VERSION: &str = "4.3.1";

/// Every plugin of this crate in the order of `GET /connector-plugins`: transformations, predicates, converters, header
/// converters, each kind by class name. A converter is a header converter too.
pub fn plugin_list() -> Vec<(PluginKind, PluginInfo)> {
    fn of<T: ?Sized>(kind: PluginKind, entries: &[Entry<T>]) -> impl Iterator<Item = (PluginKind, PluginInfo)> {
        entries.iter().map(move |entry| (kind, entry.info))
    }
    let mut header: Vec<_> =
        of(PluginKind::HeaderConverter, CONVERTERS).chain(of(PluginKind::HeaderConverter, HEADER_CONVERTERS)).collect();
    header.sort_by_key(|(_, info)| info.class);
    of(PluginKind::Transformation, TRANSFORMS)
        .chain(of(PluginKind::Predicate, PREDICATES))
        .chain(of(PluginKind::Converter, CONVERTERS))
        .chain(header)
        .collect()
}

/// A converter by name, with its default settings: configure it before use.
///
/// An unknown name is an error of kind [`millstream_api::ErrorKind::Config`] that lists the known ones.
pub fn converter(class: &str) -> Result<Box<dyn Converter>> {
    find(CONVERTERS, class).and_then(|entry| Some(entry.make?())).ok_or_else(|| unknown("converter", class, false))
}

/// A header converter by name: any converter, or `SimpleHeaderConverter`, the default of Kafka Connect. Configure it for
/// [`millstream_api::ConverterRole::Header`] before use.
///
/// An unknown name is an error of kind [`millstream_api::ErrorKind::Config`] that lists the known ones.
pub fn header_converter(class: &str) -> Result<Box<dyn Converter>> {
    find(CONVERTERS, class)
        .or_else(|| find(HEADER_CONVERTERS, class))
        .and_then(|entry| Some(entry.make?()))
        .ok_or_else(|| unknown("header converter", class, true))
}

/// The own settings of a converter or header converter, as they stand behind `key.converter.`, `value.converter.` or
/// `header.converter.`; names as for [`header_converter`].
pub fn converter_def(class: &str) -> Result<ConfigDef> {
    find(CONVERTERS, class)
        .or_else(|| find(HEADER_CONVERTERS, class))
        .map(|entry| (entry.def)().clone())
        .ok_or_else(|| unknown("converter", class, true))
}

/// A transformation by name, to be configured before use; `None` for a name that is unknown.
pub fn transform(class: &str) -> Option<Box<dyn Transform>> {
    Some(find(TRANSFORMS, class)?.make?())
}

/// The own settings of a transformation, as they stand behind `transforms.<alias>.`; `None` for an unknown name.
pub fn transform_def(class: &str) -> Option<ConfigDef> {
    Some((find(TRANSFORMS, class)?.def)().clone())
}

/// A predicate by name, to be configured before use; `None` for a name that is unknown.
pub fn predicate(class: &str) -> Option<Box<dyn Predicate>> {
    Some(find(PREDICATES, class)?.make?())
}

/// The own settings of a predicate, as they stand behind `predicates.<alias>.`; `None` for an unknown name.
pub fn predicate_def(class: &str) -> Option<ConfigDef> {
    Some((find(PREDICATES, class)?.def)().clone())
}

fn find<T: ?Sized>(entries: &'static [Entry<T>], class: &str) -> Option<&'static Entry<T>> {
    entries.iter().find(|entry| entry.info.is_named(class))
}

fn unknown(what: &str, class: &str, header: bool) -> Error {
    let more = if header { HEADER_CONVERTERS } else { &[] };
    let known: Vec<_> = CONVERTERS.iter().chain(more).map(|entry| entry.info.class).collect();
    Error::config(format!("the {what} class {class} is unknown")).hint(format!("use one of {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve() {
        for name in ["org.apache.kafka.connect.json.JsonConverter", "JsonConverter", "Json"] {
            assert!(converter(name).is_ok() && header_converter(name).is_ok());
            assert_eq!(converter_def(name).unwrap().keys().count(), 6);
        }
        let unknown = converter("com.example.Nope").err().unwrap();
        assert_eq!(unknown.kind(), millstream_api::ErrorKind::Config);
        assert!(unknown.to_string().contains("com.example.Nope") && unknown.to_string().contains("JsonConverter"));
    }

    #[test]
    fn a_nested_class_has_no_alias() {
        for name in ["org.apache.kafka.connect.transforms.Cast$Key", "Filter", "RegexRouter"] {
            assert!(transform_def(name).is_some(), "{name}");
        }
        for name in ["Cast$Key", "Cast", "org.apache.kafka.connect.transforms.Cast", "Key"] {
            assert!(transform_def(name).is_none() && transform(name).is_none(), "{name}");
        }
        assert!(predicate("TopicNameMatches").is_some() && predicate_def("HasHeaderKey").is_some());
        assert!(predicate("Filter").is_none());
    }
}
