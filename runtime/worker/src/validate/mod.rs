//! Validation of connector configurations, as `PUT /connector-plugins/{plugin}/config/validate` answers it.
//!
//! A verdict covers, in this order: the keys every connector has, those of its transformations and predicates, the connector's own, those
//! of the converters it names, the client settings it overrides. The connector itself has the last word on its own keys (combinations of
//! keys, the outside world).

mod converters;
mod overrides;
mod steps;
mod verdict;
mod version;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, ConfigDef, ConfigValues, ConnectorKind, ConnectorPlugin, Error, PluginKind, Result};
use millstream_core::settings::{self, Offered, WorkerConfig};

pub use self::verdict::Validation;
use self::version::VersionRange;
pub(crate) use self::version::check_version;
use crate::config_provider::Resolved;
use crate::plugins::PluginTable;

/// Longest time a connector may look at the outside world. Less than a request may take, so that the verdict on the keys is not lost.
const PLUGIN_LIMIT: Duration = Duration::from_secs(60);

/// Validates connector configurations against the plugins and settings of this worker.
pub struct ConfigValidator {
    plugins: Arc<PluginTable>,
    worker: Arc<WorkerConfig>,
    plugin_limit: Duration,
}

impl ConfigValidator {
    /// With the plugins and settings of this worker.
    pub fn new(plugins: Arc<PluginTable>, worker: Arc<WorkerConfig>) -> Self {
        Self { plugins, worker, plugin_limit: PLUGIN_LIMIT }
    }

    /// The verdict on a configuration. `plugin`, if given, must name the class of the config.
    ///
    /// Values of config providers are looked up for it; what it shows are the references, not the values. An error of kind `Config` when
    /// there is nothing to validate against: no class, an unknown one, or another than `plugin`'s; of kind `Fatal` when a config provider
    /// cannot look.
    pub async fn validate(&self, plugin: Option<&str>, config: &Config) -> Result<Validation> {
        let Resolved { config: resolved, hidden } = self.plugins.resolve(config)?;
        let verdict = self.judge(plugin, &resolved).await.map_err(|error| hidden.hide_error(error))?;
        let mut verdict = if hidden.is_empty() { verdict } else { verdict.hide(config, &hidden) };
        if let Some(class) = config.get("connector.class") {
            verdict.name = class.to_owned();
        }
        Ok(verdict)
    }

    async fn judge(&self, plugin: Option<&str>, config: &Config) -> Result<Validation> {
        let class = config.get("connector.class").ok_or_else(|| {
            Error::config("Connector config contains no connector type")
                .hint("set connector.class to the class of a connector")
        })?;
        let connector = self.plugins.connector(class)?;
        if let Some(asked) = plugin {
            let same = self.plugins.connector(asked).is_ok_and(|other| other.info().class == connector.info().class);
            if !same {
                return Err(Error::config(format!(
                    "Included connector type {class} does not match request type {asked}"
                )));
            }
        }
        let mut verdict = Validation { name: class.to_owned(), ..Validation::default() };
        if let Some(reason) = unfit_version(connector.as_ref(), config)? {
            // As Kafka Connect, which looks no further.
            let mut common = self.common(settings::common_def(), connector.as_ref(), config);
            for role in converters::ROLES {
                converters::hide_version(role, &mut common);
            }
            common.error("connector.class", reason.clone());
            common.error("connector.plugin.version", reason);
            verdict.add(common);
            return Ok(verdict);
        }
        self.keys(connector.as_ref(), config, &mut verdict);
        self.ask_connector(connector.as_ref(), config, &mut verdict.values).await;
        Ok(verdict)
    }

    /// The keys of `def`, with what this worker offers.
    fn common(&self, def: ConfigDef, connector: &dyn ConnectorPlugin, config: &Config) -> ConfigValues {
        let offered = Offered {
            version: connector.info().version,
            converters: &self.plugins.of_kind(PluginKind::Converter),
            header_converters: &self.plugins.of_kind(PluginKind::HeaderConverter),
        };
        let mut common = settings::offer(def, &offered).validate(config);
        converters::resolve(&mut common, &offered, &self.plugins);
        common
    }

    /// What the keys alone tell.
    fn keys(&self, connector: &dyn ConnectorPlugin, config: &Config, verdict: &mut Validation) {
        let base = match connector.kind() {
            ConnectorKind::Source => settings::source_def(&self.worker),
            ConnectorKind::Sink => settings::sink_def(&self.worker),
        };
        let mut common = self.common(base, connector, config);
        settings::check_settings(connector.kind(), config, &self.worker, &mut common);
        let steps = steps::steps(config, &common, &self.plugins);
        verdict.add(common);
        verdict.add(steps);
        check_nulls(config, connector.config_def(), &mut verdict.values);
        verdict.add(connector.config_def().validate(config));
        for role in converters::ROLES {
            let own = converters::own_keys(role, config, &verdict.values);
            verdict.add(own);
        }
        verdict.overrides = overrides::overrides(connector.kind(), config, &self.worker);
    }

    async fn ask_connector(&self, connector: &dyn ConnectorPlugin, config: &Config, values: &mut ConfigValues) {
        // The connector judges its own keys, as in Java: what is wrong with those every connector has keeps it from nothing.
        let def = connector.config_def();
        let mut own = ConfigValues::new(values.iter().filter(|value| def.get(&value.key.name).is_some()).cloned());
        let asked = tokio::time::timeout(self.plugin_limit, connector.validate(config, &mut own)).await;
        if asked.is_ok() {
            for value in own.iter() {
                match values.get_mut(&value.key.name) {
                    Some(judged) if def.get(&value.key.name).is_some() => *judged = value.clone(),
                    // A key that is not its own: what it says is added.
                    _ => value.errors.iter().for_each(|error| values.error(&value.key.name, error.clone())),
                }
            }
        } else {
            // The connector was stopped half-way: what it had written is not a verdict.
            values.error(
                "connector.class",
                format!(
                    "{} did not finish looking at the outside world within {} ms; only the keys were checked",
                    connector.info().class,
                    self.plugin_limit.as_millis()
                ),
            );
        }
    }
}

/// What is said where the version of the connector is not one that is asked for. An error of kind `Config` when what is asked for is no
/// range of versions.
fn unfit_version(connector: &dyn ConnectorPlugin, config: &Config) -> Result<Option<String>> {
    const KEY: &str = "connector.plugin.version";
    let Some(asked) = config.get(KEY) else { return Ok(None) };
    let range = VersionRange::parse(asked).map_err(|reason| Error::config(format!("{KEY}: {reason}")))?;
    let info = connector.info();
    Ok(range.filter(|range| !range.contains(info.version)).map(|range| range.unfit(&info)))
}

/// Nulls are wrong, except among the connector's own keys.
fn check_nulls(config: &Config, own: &ConfigDef, values: &mut ConfigValues) {
    let nulls = config.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key);
    for key in nulls.filter(|key| own.get(key).is_none()) {
        values.error(key, "Null value can not be supplied as the configuration value.");
    }
}
