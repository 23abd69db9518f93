//! The worker's settings file.

use std::path::Path;

use millstream_api::{Config, Error, Result};
use millstream_core::settings::WorkerConfig;
use millstream_worker::config_provider::Providers;

/// Reads a `.properties` file; errors name it.
pub(crate) fn read(path: &Path) -> Result<Config> {
    let shown = path.display().to_string();
    let text = std::fs::read(path)
        .map_err(|e| Error::config(format!("worker settings {shown} cannot be read")).caused_by(e))?;
    millstream_core::properties::parse(&text, &shown)
}

/// Parses settings; the error lists everything wrong. Also the config providers they name, which their own values go through first.
pub(crate) fn parse(config: &Config) -> Result<(WorkerConfig, Providers)> {
    let providers = Providers::of(config)?;
    let resolved = providers.resolve(config)?;
    let worker = WorkerConfig::parse(&resolved.config).map_err(|error| resolved.hidden.hide_error(error))?;
    Ok((worker, providers))
}
