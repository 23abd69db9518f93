//! Config providers: values that a configuration refers to, looked up when the configuration is used (KIP-297).
//!
//! What is looked up lives as long as the connector, task or client that needs it: it is never stored, and whatever a person may read
//! shows the reference in its place ([`Hidden`]).

mod allowed_paths;
mod sources;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use millstream_api::{Config, Error, Result};
use millstream_core::settings::provider::{self, ProviderSettings};

use sources::Source;

/// Values shorter than this are left in texts that only happen to hold them: blanking out every `1` would make them unreadable.
const SHORTEST: usize = 4;

/// The providers of a worker.
#[derive(Default)]
pub struct Providers {
    sources: IndexMap<String, Source>,
}

/// A configuration whose references are replaced by what they stand for.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The configuration to use.
    pub config: Config,
    /// What must not be shown of it.
    pub hidden: Hidden,
}

/// Values that came from providers, each with the reference that stands for it. `Debug` shows the references only.
#[derive(Clone, Default)]
pub struct Hidden {
    /// Value and reference; the longest value first, since one may hold another.
    values: Arc<Vec<(String, String)>>,
}

impl Providers {
    /// The providers that `config.providers` of a worker's file names, with the variables of the process for the one that reads them.
    ///
    /// An error of kind `Config` names the key of a class or parameter that cannot be used.
    pub fn of(worker: &Config) -> Result<Self> {
        Self::with_variables(
            worker,
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
        )
    }

    /// The same with these variables.
    pub fn with_variables(worker: &Config, variables: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let settings = ProviderSettings::all(worker)?;
        let variables: Vec<_> = if settings.is_empty() { Vec::new() } else { variables.collect() };
        let sources = settings.into_iter().map(|settings| {
            let source = Source::of(&settings, &variables)?;
            Ok((settings.name, source))
        });
        Ok(Self { sources: sources.collect::<Result<_>>()? })
    }

    /// Looks up every reference of a configuration. One to an unknown provider, or to a key that its provider does not have, stays as it
    /// is, as in Kafka Connect.
    ///
    /// An error of kind `Fatal` (500 over REST, as Kafka Connect answers) when a provider cannot look: it names the file, never a value.
    pub fn resolve(&self, config: &Config) -> Result<Resolved> {
        let mut found: Vec<(&str, &str, &str, String)> = Vec::new();
        for (name, paths) in provider::wanted(config) {
            let Some(source) = self.sources.get(name) else { continue };
            for (path, keys) in paths {
                for (key, value) in source.look_up(path, &keys)? {
                    found.push((name, path, key, value));
                }
            }
        }
        if found.is_empty() {
            return Ok(Resolved { config: config.clone(), hidden: Hidden::default() });
        }
        let (mut resolved, mut values) = (Config::new(), Vec::new());
        for (key, raw) in config.iter() {
            let Some(raw) = raw.filter(|raw| provider::has_reference(raw)) else {
                resolved.set_nullable(key, raw.map(str::to_owned));
                continue;
            };
            let value = provider::substitute(raw, |reference| {
                let parts = (reference.provider, reference.path, reference.key);
                found
                    .iter()
                    .find(|(name, path, key, _)| (*name, *path, *key) == parts)
                    .map(|(.., value)| value.as_str())
            });
            if value != raw {
                values.push((value.clone(), raw.to_owned()));
            }
            resolved.set(key, value);
        }
        for (provider, path, key, value) in found {
            let path = if path.is_empty() { String::new() } else { format!("{path}:") };
            values.push((value, format!("${{{provider}:{path}{key}}}")));
        }
        Ok(Resolved { config: resolved, hidden: Hidden::new(values) })
    }
}

impl Hidden {
    fn new(mut values: Vec<(String, String)>) -> Self {
        // A line end after a secret in a file is seldom part of what an error quotes.
        let trimmed: Vec<_> = values
            .iter()
            .filter(|(value, _)| value.trim() != value)
            .map(|(value, reference)| (value.trim().to_owned(), reference.clone()))
            .collect();
        values.extend(trimmed);
        values.retain(|(value, _)| !value.is_empty());
        values.sort_by(|(a, ra), (b, rb)| (b.len(), b, rb.len()).cmp(&(a.len(), a, ra.len())));
        values.dedup_by(|later, first| later.0 == first.0);
        Self { values: Arc::new(values) }
    }

    /// These values and others.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (_, true) => self.clone(),
            (true, _) => other.clone(),
            _ => Self::new(self.values.iter().chain(other.values.iter()).cloned().collect()),
        }
    }

    /// True when nothing came from a provider.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A text with every value that came from a provider replaced by its reference.
    pub fn hide(&self, text: &str) -> String {
        self.replace(text, SHORTEST)
    }

    /// The same for a text about one setting, where even a short value is one.
    pub fn hide_all(&self, text: &str) -> String {
        self.replace(text, 1)
    }

    fn replace(&self, text: &str, shortest: usize) -> String {
        let long = self.values.iter().filter(|(value, _)| value.len() >= shortest);
        let mut text = text.to_owned();
        for (value, reference) in long {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), reference);
            }
        }
        text
    }

    /// An error without these values, causes included.
    pub fn hide_error(&self, error: Error) -> Error {
        if self.is_empty() {
            return error;
        }
        let mut hidden = Error::new(error.kind(), self.hide(error.message()));
        for place in error.places() {
            hidden = hidden.at(self.hide(place));
        }
        let causes = error.causes().iter().map(|cause| self.hide(cause)).collect();
        if let Some(chain) = Cause::chain(causes) {
            hidden = hidden.caused_by(chain);
        }
        match error.advice() {
            Some(hint) => hidden.hint(self.hide(hint)),
            None => hidden,
        }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(_, reference)| reference)).finish()
    }
}

/// A cause as text, with the causes below it.
#[derive(Debug)]
struct Cause {
    text: String,
    below: Option<Box<Cause>>,
}

impl Cause {
    fn chain(texts: Vec<String>) -> Option<Box<Self>> {
        texts.into_iter().rev().fold(None, |below, text| Some(Box::new(Self { text, below })))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.below.as_deref().map(|below| below as &(dyn std::error::Error + 'static))
    }
}
