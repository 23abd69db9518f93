//! The worker's settings file.

use std::path::Path;

use millstream_api::{Config, Error, Result};
use millstream_core::settings::WorkerConfig;

/// Reads a `.properties` file; errors name it.
pub(crate) fn read(path: &Path) -> Result<Config> {
    let shown = path.display().to_string();
    let text = std::fs::read(path)
        .map_err(|e| Error::config(format!("worker settings {shown} cannot be read")).caused_by(e))?;
    millstream_core::properties::parse(&text, &shown)
}

/// Parses settings; the error lists everything wrong.
pub(crate) fn parse(config: &Config) -> Result<WorkerConfig> {
    WorkerConfig::parse(config)
}
