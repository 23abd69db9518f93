//! The table of plugins this worker has.

use std::sync::Arc;

use millstream_api::{Config, ConfigDef, ConnectorKind, ConnectorPlugin, Error, PluginInfo, PluginKind, Result};

use millstream_core::settings::{self, Offered};

use crate::config_provider::{Providers, Resolved};

/// All plugins: the connectors linked into the binary, the converters, transformations and predicates of `millstream-plugins`, and the
/// worker's config providers.
pub struct PluginTable {
    connectors: Vec<Arc<dyn ConnectorPlugin>>,
    providers: Providers,
}

impl PluginTable {
    /// A table of these connectors.
    pub fn new(connectors: Vec<Arc<dyn ConnectorPlugin>>) -> Self {
        Self { connectors, providers: Providers::default() }
    }

    /// The same table with these config providers.
    #[must_use]
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.providers = providers;
        self
    }

    /// A connector's or task's configuration as it is used: see [`Providers::resolve`]. It must be asked for anew at each start, and what
    /// it gives is never stored.
    pub fn resolve(&self, config: &Config) -> Result<Resolved> {
        self.providers.resolve(config)
    }

    /// The connectors.
    pub fn connectors(&self) -> &[Arc<dyn ConnectorPlugin>] {
        &self.connectors
    }

    /// The connector that `class` means: full Java name, alias, simple name, or simple name without `Connector`.
    pub fn connector(&self, class: &str) -> Result<Arc<dyn ConnectorPlugin>> {
        let mut found = self.connectors.iter().filter(|plugin| plugin.info().is_named(class));
        match (found.next(), found.next()) {
            (Some(plugin), None) => Ok(plugin.clone()),
            (Some(_), Some(_)) => Err(Error::config(format!("connector.class {class} means more than one plugin"))
                .hint("use the full class name")),
            (None, _) => {
                let known: Vec<_> = self.connectors.iter().map(|plugin| plugin.info().class).collect();
                Err(Error::config(format!(
                    "Failed to find any class that implements Connector and which name matches {class}, available connectors are: {}",
                    known.join(", ")
                )))
            }
        }
    }

    /// True when `class` is the full name of any plugin, of whatever kind, or of the class that encloses some.
    pub fn knows(&self, class: &str) -> bool {
        let encloses = |inner: &str| inner.strip_prefix(class).is_some_and(|rest| rest.starts_with('$'));
        self.all().iter().any(|(_, info)| info.class == class || encloses(info.class))
    }

    /// Every plugin with its kind, in the order of `GET /connector-plugins`: sinks, sources, then the others, each by class name.
    pub fn all(&self) -> Vec<(PluginKind, PluginInfo)> {
        let mut all: Vec<_> = self
            .connectors
            .iter()
            .map(|plugin| {
                let kind = match plugin.kind() {
                    ConnectorKind::Sink => PluginKind::Sink,
                    ConnectorKind::Source => PluginKind::Source,
                };
                (kind, plugin.info())
            })
            .collect();
        all.sort_by_key(|(kind, info)| (*kind == PluginKind::Source, info.class));
        all.extend(millstream_plugins::plugin_list());
        all
    }

    /// The plugins of one kind that are no connectors.
    pub fn of_kind(&self, kind: PluginKind) -> Vec<PluginInfo> {
        millstream_plugins::plugin_list()
            .into_iter()
            .filter(|(other, _)| *other == kind)
            .map(|(_, info)| info)
            .collect()
    }

    /// The keys of the plugin that `class` means. Those of a connector are followed by the keys every connector has.
    ///
    /// An error of kind `NotFound` when there is no such plugin.
    pub fn config_def(&self, class: &str) -> Result<(PluginInfo, ConfigDef)> {
        if let Some(plugin) = self.connectors.iter().find(|plugin| plugin.info().is_named(class)) {
            let offered = Offered { version: plugin.info().version, converters: &[], header_converters: &[] };
            let base = settings::offer(settings::plugin_def(plugin.kind()), &offered);
            return Ok((plugin.info(), plugin.config_def().clone().extend(&base)));
        }
        millstream_plugins::plugin_list()
            .into_iter()
            .map(|(_, info)| info)
            .find(|info| info.is_named(class))
            .and_then(|info| {
                let def = millstream_plugins::transform_def(info.class)
                    .or_else(|| millstream_plugins::predicate_def(info.class))
                    .or_else(|| millstream_plugins::converter_def(info.class).ok());
                Some((info, def?))
            })
            .ok_or_else(|| {
                Error::not_found(format!("Unknown plugin {class}"))
                    .hint("GET /connector-plugins?connectorsOnly=false lists the plugins of this worker")
            })
    }
}
