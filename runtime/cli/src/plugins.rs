//! `millstream plugins`.

use std::io::Write;
use std::process::ExitCode;

use millstream_worker::plugins::PluginTable;

use crate::registry;

/// Prints every plugin: kind, class, version.
pub(crate) fn list() -> ExitCode {
    let mut out = std::io::stdout().lock();
    for (kind, info) in PluginTable::new(registry::connectors()).all() {
        // A closed pipe (`| head`) is no failure.
        if writeln!(out, "{:<17}{} {}", kind.as_str(), info.class, info.version).is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
