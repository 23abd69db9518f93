//! `millstream run`.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use millstream_api::{Config, Error, Result};
use millstream_core::settings::WorkerConfig;
use millstream_worker::config_provider::Providers;
use millstream_worker::connector_file::ConnectorFile;
use millstream_worker::observe::logging;
use millstream_worker::plugins::PluginTable;
use millstream_worker::worker;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{Format, RunArgs, environment, registry, worker_file};

/// The herder gave up: its topics are wrong, or it failed while running.
const HERDER_FAILED: u8 = 1;
/// The worker did not start: a file, a setting or the REST port.
const NOT_STARTED: u8 = 2;

/// Runs a worker until a signal ends it. Exit codes as Kafka Connect's: 0 stopped, 1 usage or a failed herder, 2 failed start.
pub(crate) fn run(args: RunArgs) -> ExitCode {
    if args.worker.is_none() && !environment::has_settings(std::env::vars()) {
        eprintln!(
            "millstream run: name the worker's properties file, or set CONNECT_BOOTSTRAP_SERVERS and so on\n\nUsage: millstream run <worker.properties> [connector files]"
        );
        return ExitCode::from(1);
    }
    if let Err(error) = start_logging(&args) {
        eprintln!("millstream run: {error}");
        return ExitCode::from(NOT_STARTED);
    }
    let started = start(&args).and_then(|(config, connectors)| {
        let runtime = crate::runtime().map_err(|e| Error::fatal("the threads cannot be started").caused_by(e))?;
        Ok((config, connectors, runtime))
    });
    let ((config, providers), connectors, runtime) = match started {
        Ok(all) => all,
        Err(error) => return failed(&error, NOT_STARTED),
    };
    let plugins = Arc::new(PluginTable::new(registry::connectors()).with_providers(providers));
    let ended = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone()).map_err(|e| Error::fatal("signals cannot be received").caused_by(e))?;
        worker::run(config, plugins, connectors, shutdown).await
    });
    // Tasks that did not stop in time must not hold the process back.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code =
                if error.places().iter().any(|place| place == worker::AT_START) { NOT_STARTED } else { HERDER_FAILED };
            failed(&error, code)
        }
    }
}

/// Starts logging as the command line says, else the environment.
fn start_logging(args: &RunArgs) -> Result<()> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let format = match (args.log_format, variable("MILLSTREAM_LOG_FORMAT")) {
        (Some(format), _) => format,
        (None, Some(text)) => match text.to_ascii_lowercase().as_str() {
            "text" => Format::Text,
            "json" => Format::Json,
            _ => return Err(Error::config(format!("MILLSTREAM_LOG_FORMAT is {text}; it may be text or json"))),
        },
        (None, None) => Format::Text,
    };
    let level = args.log_level.clone().or_else(|| variable("MILLSTREAM_LOG_LEVEL"));
    // Confluent's images take the level from here.
    let level = level.or_else(|| variable("CONNECT_LOG4J_ROOT_LOGLEVEL").filter(|_| variable("RUST_LOG").is_none()));
    logging::start(format.into(), level.as_deref())
}

/// Reads everything the worker is started with.
fn start(args: &RunArgs) -> Result<((WorkerConfig, Providers), Vec<ConnectorFile>)> {
    let mut config = match &args.worker {
        Some(path) => worker_file::read(path)?,
        None => Config::new(),
    };
    let keys = environment::apply(&mut config, std::env::vars());
    if !keys.is_empty() {
        tracing::info!(keys = keys.join(", "), "settings from the environment");
    }
    let worker = worker_file::parse(&config).map_err(|error| match &args.worker {
        Some(path) => error.at(path.display().to_string()),
        None => error,
    })?;
    let connectors = args.connectors.iter().map(|path| ConnectorFile::read(path)).collect::<Result<_>>()?;
    Ok((worker, connectors))
}

/// The first signal asks for a graceful stop, the second ends the process at once.
fn stop_on_signals(shutdown: CancellationToken) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            let (name, number) = tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 15),
                _ = interrupt.recv() => ("SIGINT", 2),
            };
            if shutdown.is_cancelled() {
                tracing::warn!(signal = name, "second signal: ending at once");
                std::process::exit(128 + number);
            }
            tracing::info!(signal = name, "stopping; a second signal ends at once");
            shutdown.cancel();
        }
    });
    Ok(())
}

fn failed(error: &Error, code: u8) -> ExitCode {
    tracing::error!(kind = error.kind().as_str(), exit_code = code, "{error}");
    ExitCode::from(code)
}
