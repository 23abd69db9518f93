//! Validation of connector configurations, as `PUT /connector-plugins/{plugin}/config/validate` answers it.
//!
//! A verdict covers, in this order: the keys every connector has, its transformations and predicates, its own keys, the keys of converters it
//! names. The connector itself has the last word (combinations of keys, the outside world).

mod chain;
mod converters;

use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Config, ConfigValues, ConnectorKind, ConnectorPlugin, Error, Result};
use millstream_core::settings::worker::WorkerConfig;

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

    /// What single keys tell.
    fn keys(&self, connector: &dyn ConnectorPlugin, config: &Config) -> Verdict {
        let info = connector.info();
        let base = converters::with_worker_defaults(
            millstream_core::settings::connector::config_def(connector.kind()),
            &self.plugins,
            &self.worker,
            info.version,
        );
        let mut verdict = Verdict::default();
        verdict.add(base.validate(config));
        converters::resolve(&mut verdict.values, &self.plugins);
        check_version(&mut verdict.values, config, info.version);
        let (transforms, predicates) = chain::validate(&self.plugins, config, &verdict.values);
        let own = connector.config_def().validate(config);
        // Groups in Java's order: those of the connector before those of its chain.
        verdict.groups_of(&own);
        verdict.add(transforms);
        verdict.add(predicates);
        verdict.add(own);
        for role in converters::ROLES {
            verdict.add(converters::own_keys(role, config, &verdict.values));
        }
        millstream_core::settings::connector::check(connector.kind(), config, &mut verdict.values);
        if connector.kind() == ConnectorKind::Sink {
            self.check_group(config, &mut verdict.values);
        }
        verdict
    }

    /// The worker's own group must not be a sink's.
    fn check_group(&self, config: &Config, values: &mut ConfigValues) {
        const KEY: &str = "consumer.override.group.id";
        let own = self.worker.group_id();
        if own.is_some() && config.get(KEY) == own {
            values
                .error(KEY, format!("Consumer group {} is the group of the Connect workers", own.unwrap_or_default()));
        }
    }

    async fn ask_connector(&self, connector: &dyn ConnectorPlugin, config: &Config, values: &mut ConfigValues) {
        let before = values.clone();
        let asked = tokio::time::timeout(self.plugin_limit, connector.validate(config, values)).await;
        if asked.is_err() {
            // The connector was stopped half-way: what it had written is not a verdict.
            *values = before;
            values.error(
                "connector.class",
                format!(
                    "{} did not finish looking at the outside world within {} s; the keys alone were checked",
                    connector.info().class,
                    self.plugin_limit.as_secs()
                ),
            );
        }
    }
}

/// There is one version of each plugin.
fn check_version(values: &mut ConfigValues, config: &Config, version: &str) {
    const KEY: &str = "connector.plugin.version";
    if let Some(asked) = config.get(KEY).map(str::trim)
        && asked != version
    {
        values.error(KEY, format!("version {asked} of the connector is not in this worker; it has {version}"));
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
        self.groups_of(&values);
        self.values.append(values);
    }

    fn groups_of(&mut self, values: &ConfigValues) {
        for group in values.iter().filter_map(|value| value.key.group.as_ref()) {
            if !self.groups.contains(group) {
                self.groups.push(group.clone());
            }
        }
    }
}
