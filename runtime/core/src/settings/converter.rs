//! Which converter a connector uses.

use millstream_api::Config;

/// A converter's class and its own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConverterSettings {
    /// Class name as given.
    pub class: String,
    /// Its settings, without the `key.converter.` or `value.converter.` before them.
    pub config: Config,
}

impl ConverterSettings {
    /// The converter that `key` (`key.converter`, ...) names; `None` when it names none.
    pub fn of(config: &Config, key: &str) -> Option<Self> {
        let class = config.get(key)?.trim();
        Some(Self { class: class.to_owned(), config: config.with_prefix(&format!("{key}.")) })
    }

    /// The converter of a connector: its own, or the worker's.
    ///
    /// A class in the connector's config does not inherit the worker's settings of that converter, even if it is the same class;
    /// settings without a class there do nothing, as in Kafka Connect.
    pub fn of_connector(config: &Config, key: &str, worker: &Self) -> Self {
        Self::of(config, key).unwrap_or_else(|| worker.clone())
    }
}
