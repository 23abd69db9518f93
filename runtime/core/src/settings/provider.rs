//! References to values outside a configuration, `${provider:path:key}`, and where they are looked up (KIP-297).
//!
//! Only the syntax is here; what reads files and variables is the worker's. As in Kafka Connect nothing escapes a reference, a reference
//! is looked for once (a value that holds one is not looked at again), and one that nobody can resolve stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

use millstream_api::{Config, Error, Result};
use regex::Regex;

const PROVIDERS: &str = "config.providers";

// The same expression as Kafka's: the provider ends at the first colon, the path at the second.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}").ok());

/// A reference in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// Where to look; empty when the reference has no path.
    pub path: &'a str,
    /// What to look for there.
    pub key: &'a str,
    range: Range<usize>,
}

/// The references of a value, from left to right.
pub fn references(value: &str) -> impl Iterator<Item = Reference<'_>> {
    let found = REFERENCE.as_ref().map(|pattern| pattern.captures_iter(value));
    found.into_iter().flatten().filter_map(|found| {
        Some(Reference {
            provider: found.get(1)?.as_str(),
            path: found.get(3).map_or("", |path| path.as_str()),
            key: found.get(4)?.as_str(),
            range: found.get(0)?.range(),
        })
    })
}

/// True when the value holds a reference, to a known provider or not.
pub fn has_reference(value: &str) -> bool {
    references(value).next().is_some()
}

/// The keys to look up: by provider and path.
pub fn wanted(config: &Config) -> BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> {
    let mut all: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for reference in config.iter().filter_map(|(_, value)| value).flat_map(references) {
        all.entry(reference.provider).or_default().entry(reference.path).or_default().insert(reference.key);
    }
    all
}

/// The value with every reference replaced that `look_up` knows.
pub fn substitute<'v>(value: &str, look_up: impl Fn(&Reference<'_>) -> Option<&'v str>) -> String {
    let (mut text, mut end) = (String::with_capacity(value.len()), 0);
    for reference in references(value) {
        if let Some(found) = look_up(&reference) {
            text.push_str(value.get(end..reference.range.start).unwrap_or_default());
            text.push_str(found);
            end = reference.range.end;
        }
    }
    text.push_str(value.get(end..).unwrap_or_default());
    text
}

/// Task configurations as they are stored: where the connector's own configuration has a reference under the same key, it stands in
/// place of what it was resolved to.
pub fn restore_references(connector: &Config, task: &mut Config) {
    for (key, value) in connector.iter() {
        if let Some(value) = value.filter(|value| has_reference(value))
            && task.contains(key)
        {
            task.set(key, value);
        }
    }
}

/// One entry of `config.providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The name in references.
    pub name: String,
    /// `config.providers.<name>.class`.
    pub class: String,
    /// What stands below `config.providers.<name>.param.`.
    pub params: Config,
}

impl ProviderSettings {
    /// The providers a worker's file names, in order. A provider without a class is an error of kind `Config`.
    pub fn all(worker: &Config) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        let names = worker.get(PROVIDERS).unwrap_or_default().split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            if all.iter().any(|known| known.name == name) {
                continue;
            }
            let key = format!("{PROVIDERS}.{name}.class");
            let class = worker.get(&key).map(str::trim).filter(|class| !class.is_empty()).ok_or_else(|| {
                Error::config(format!("{PROVIDERS} names {name}, but {key} is missing"))
                    .hint("references to a provider that is not there would be taken as they are")
            })?;
            all.push(Self {
                name: name.to_owned(),
                class: class.to_owned(),
                params: worker.with_prefix(&format!("{PROVIDERS}.{name}.param.")),
            });
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str) -> Vec<(&str, &str, &str)> {
        references(value).map(|found| (found.provider, found.path, found.key)).collect()
    }

    #[test]
    fn the_parts_of_a_reference() {
        assert_eq!(parts("${file:/a/b.properties:k}"), [("file", "/a/b.properties", "k")]);
        assert_eq!(parts("${env:K}"), [("env", "", "K")]);
        assert_eq!(parts("x${a:b}y${c:d:e:f}z"), [("a", "", "b"), ("c", "d", "e:f")]);
        assert_eq!(parts("${a::b}"), [("a", "", "b")]);
        assert_eq!(parts("$${a:b}}"), [("a", "", "b")], "nothing escapes");
        assert_eq!(parts("${a ${file:p:k}"), [("a ${file", "p", "k")]);
        for none in ["${a}", "{a:b}", "${a:b", "", "$", "${"] {
            assert!(!has_reference(none), "{none}");
        }
    }

    #[test]
    fn what_is_not_found_stays() {
        let look_up = |found: &Reference<'_>| (found.provider == "f").then_some("${f:again}");
        assert_eq!(substitute("a ${f:x} ${g:y:z} ${f:p:q}.", look_up), "a ${f:again} ${g:y:z} ${f:again}.");
        assert_eq!(substitute("plain", look_up), "plain");
    }

    #[test]
    fn keys_are_gathered_by_provider_and_path() {
        let config: Config = [("a", "${f:p:x}${f:p:y}"), ("b", "${f:q:x}"), ("c", "${g:z}")].into_iter().collect();
        let all = wanted(&config);
        assert_eq!(all["f"]["p"].iter().copied().collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!((all["f"].len(), all["g"][""].len()), (2, 1));
    }

    #[test]
    fn tasks_are_stored_with_the_connectors_references() {
        let connector: Config = [("pw", "${f:p:k}"), ("only", "${f:p:o}"), ("plain", "1")].into_iter().collect();
        let mut task: Config = [("pw", "hush"), ("plain", "2"), ("table", "t")].into_iter().collect();
        restore_references(&connector, &mut task);
        assert_eq!(task, [("pw", "${f:p:k}"), ("plain", "2"), ("table", "t")].into_iter().collect());
    }

    #[test]
    fn providers_of_a_worker() {
        let worker = |pairs: &[(&'static str, &'static str)]| ProviderSettings::all(&pairs.iter().copied().collect());
        let all = worker(&[
            ("config.providers", "a, b,"),
            ("config.providers.a.class", "X"),
            ("config.providers.b.class", "Y"),
            ("config.providers.b.param.allowed.paths", "/p"),
        ])
        .unwrap();
        assert_eq!((all[0].name.as_str(), all[1].class.as_str()), ("a", "Y"));
        assert_eq!(all[1].params.get("allowed.paths"), Some("/p"));
        assert!(worker(&[]).unwrap().is_empty());
        assert!(worker(&[("config.providers", "a")]).unwrap_err().to_string().contains("config.providers.a.class"));
    }
}
