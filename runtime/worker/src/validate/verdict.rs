//! The verdict on a whole configuration.

use millstream_api::config::Parsed;
use millstream_api::{Config, ConfigValue, ConfigValues, Error, Result, Secret};
use millstream_core::settings::provider::has_reference;

use crate::config_provider::Hidden;

/// The verdict on a configuration.
#[derive(Default)]
pub struct Validation {
    /// `connector.class` as given.
    pub name: String,
    /// Groups, without repeats, in order.
    pub groups: Vec<String>,
    /// The verdict on each key, but for those of [`Validation::overrides`].
    pub values: ConfigValues,
    /// The verdict on client settings that the connector overrides, named in full.
    pub overrides: ConfigValues,
}

impl Validation {
    /// Every verdict in the order in which Kafka Connect lists them: keys that no definition has, the defined ones, overrides.
    pub fn entries(&self) -> impl Iterator<Item = &ConfigValue> {
        let undefined = self.values.iter().filter(|value| !value.defined);
        undefined.chain(self.values.iter().filter(|value| value.defined)).chain(self.overrides.iter())
    }

    /// Number of errors over all keys.
    pub fn error_count(&self) -> usize {
        self.entries().map(|value| value.errors.len()).sum()
    }

    /// Counts and lists the errors, if there are any, one a line, and says where to see more (HTTP 400).
    pub fn require_valid(&self) -> Result<()> {
        let errors: Vec<_> = self.entries().flat_map(ConfigValue::named_errors).collect();
        if errors.is_empty() {
            return Ok(());
        }
        Err(Error::config(format!(
            "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above list of \
             errors at the endpoint `/connector-plugins/{}/config/validate`",
            errors.len(),
            errors.join("\n"),
            self.name
        )))
    }

    /// Adds keys and their groups.
    pub(super) fn add(&mut self, values: ConfigValues) {
        for group in values.iter().filter_map(|value| value.key.group.as_ref()) {
            if !self.groups.contains(group) {
                self.groups.push(group.clone());
            }
        }
        self.values.append(values);
    }

    /// The same verdict with references in place of what they stand for; `config` is the configuration as given.
    pub(super) fn hide(mut self, config: &Config, hidden: &Hidden) -> Self {
        for value in self.values.iter_mut().chain(self.overrides.iter_mut()) {
            let reference = config.get(&value.key.name).filter(|given| has_reference(given));
            if let Some(reference) = reference
                && value.parsed != Parsed::Null
                && value.text().as_deref() != Some(Secret::HIDDEN)
            {
                value.shown = Some(reference.to_owned());
            }
            for error in &mut value.errors {
                *error = if reference.is_some() { hidden.hide_all(error) } else { hidden.hide(error) };
            }
        }
        self
    }
}
