//! `millstream validate`: what a worker would say to a connector, without a worker.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use millstream_api::{Config, Result};
use millstream_core::settings::WorkerConfig;
use millstream_worker::config_provider::Providers;
use millstream_worker::connector_file::ConnectorFile;
use millstream_worker::plugins::PluginTable;
use millstream_worker::validate::ConfigValidator;

use crate::{registry, worker_file};

/// What a check came to; the worst of all files is the exit code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Fine = 0,
    Findings = 1,
    NotLooked = 2,
}

/// Checks connector files and prints what is wrong, a line each. Exit code 0 fine, 1 findings, 2 could not look.
pub(crate) fn validate(files: &[PathBuf], worker: Option<&Path>) -> ExitCode {
    let (worker, providers) = match worker_config(worker) {
        Ok(worker) => worker,
        Err(error) => return could_not_look(&error),
    };
    let runtime = match crate::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return could_not_look(&error),
    };
    let plugins = PluginTable::new(registry::connectors()).with_providers(providers);
    let validator = ConfigValidator::new(Arc::new(plugins), Arc::new(worker));
    let worst = files.iter().map(|file| runtime.block_on(check(&validator, file))).max();
    ExitCode::from(worst.unwrap_or(Outcome::NotLooked) as u8)
}

async fn check(validator: &ConfigValidator, file: &Path) -> Outcome {
    let shown = file.display();
    if let Err(error) = std::fs::metadata(file) {
        could_not_look(&format!("{shown}: {error}"));
        return Outcome::NotLooked;
    }
    let connector = match ConnectorFile::read(file) {
        Ok(connector) => connector,
        Err(error) => {
            println!("{error}");
            return Outcome::Findings;
        }
    };
    match validator.validate(None, &connector.config).await {
        Err(error) => {
            println!("{shown}: {error}");
            Outcome::Findings
        }
        Ok(verdict) if verdict.error_count() == 0 => {
            println!("{shown}: {} is valid", connector.name);
            Outcome::Fine
        }
        Ok(verdict) => {
            println!("{shown}: {} has {} error(s)", connector.name, verdict.error_count());
            for value in verdict.entries() {
                for error in &value.errors {
                    println!("  {}: {error}", value.key.name);
                }
            }
            Outcome::Findings
        }
    }
}

/// The worker's settings, or those of a worker with defaults.
fn worker_config(file: Option<&Path>) -> Result<(WorkerConfig, Providers)> {
    let config: Config = match file {
        Some(path) => worker_file::read(path)?,
        None => [
            ("bootstrap.servers", "localhost:9092"),
            ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("offset.storage.file.filename", "offsets"),
        ]
        .into_iter()
        .collect(),
    };
    worker_file::parse(&config)
}

fn could_not_look(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("millstream validate: {error}");
    ExitCode::from(Outcome::NotLooked as u8)
}
