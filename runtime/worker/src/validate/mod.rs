//! Validation of connector configurations, as `PUT /connector-plugins/{plugin}/config/validate` answers it.
//!
//! A verdict covers, in this order: the keys every connector has, the connector's own, those of the converters it names. The connector
//! itself has the last word (combinations of keys, the outside world).

mod converters;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, ConfigValues, ConnectorKind, ConnectorPlugin, Error, PluginKind, Result};
use millstream_core::settings::{self, Offered, WorkerConfig};

use crate::model::Validation;
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
    /// An error of kind `Config` when there is nothing to validate against: no class, an unknown one, or another than `plugin`'s.
    pub async fn validate(&self, plugin: Option<&str>, config: &Config) -> Result<Validation> {
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
        let mut verdict = self.keys(connector.as_ref(), config);
        self.ask_connector(connector.as_ref(), config, &mut verdict.values).await;
        Ok(Validation { name: class.to_owned(), groups: verdict.groups, values: verdict.values })
    }

    /// What the keys alone tell.
    fn keys(&self, connector: &dyn ConnectorPlugin, config: &Config) -> Verdict {
        let version = connector.info().version;
        let base = match connector.kind() {
            ConnectorKind::Source => settings::source_def(&self.worker),
            ConnectorKind::Sink => settings::sink_def(&self.worker),
        };
        let offered = Offered {
            version,
            converters: &self.plugins.of_kind(PluginKind::Converter),
            header_converters: &self.plugins.of_kind(PluginKind::HeaderConverter),
        };
        let mut common = settings::offer(base, &offered).validate(config);
        converters::resolve(&mut common, &offered);
        check_version(&mut common, version);
        settings::check_settings(connector.kind(), config, &self.worker, &mut common);
        let mut verdict = Verdict::default();
        verdict.add(common);
        verdict.add(connector.config_def().validate(config));
        for role in converters::ROLES {
            let own = converters::own_keys(role, config, &verdict.values);
            verdict.add(own);
        }
        verdict
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

/// There is one version of each plugin.
fn check_version(values: &mut ConfigValues, version: &str) {
    const KEY: &str = "connector.plugin.version";
    if let Some(asked) = values.text(KEY).filter(|asked| *asked != version).map(str::to_owned) {
        values.error(KEY, format!("Invalid value {asked} for configuration {KEY}: this worker has version {version}"));
    }
}

/// Values and groups as they come together.
#[derive(Default)]
struct Verdict {
    groups: Vec<String>,
    values: ConfigValues,
}

impl Verdict {
    fn add(&mut self, values: ConfigValues) {
        for group in values.iter().filter_map(|value| value.key.group.as_ref()) {
            if !self.groups.contains(group) {
                self.groups.push(group.clone());
            }
        }
        self.values.append(values);
    }
}
