//! The `millstream` command.

mod environment;
mod plugins;
mod registry;
mod run;
mod validate;
mod worker_file;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use millstream_worker::observe::logging::LogFormat;

/// A Kafka Connect worker without the JVM.
#[derive(Parser)]
#[command(name = "millstream", version, about, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a worker until it is told to stop (SIGTERM, SIGINT).
    ///
    /// Distributed with the key group.id, standalone with offset.storage.file.filename. Settings also come from environment variables:
    /// CONNECT_BOOTSTRAP_SERVERS or MILLSTREAM_BOOTSTRAP_SERVERS is bootstrap.servers (two underscores are a dash, three an
    /// underscore); they count over the file.
    Run(RunArgs),
    /// Check connector configurations as a worker would, without starting one.
    Validate(ValidateArgs),
    /// List the plugins in this binary.
    Plugins,
}

#[derive(clap::Args)]
struct RunArgs {
    /// The worker's settings; may be left out when the environment holds them.
    worker: Option<PathBuf>,
    /// Connectors to start (standalone): .properties, or .json as a flat map or as {name, config, initial_state}.
    connectors: Vec<PathBuf>,
    /// Shape of log lines.
    #[arg(long, value_enum)]
    log_format: Option<Format>,
    /// What is logged: a level, or a list of target=level.
    #[arg(long)]
    log_level: Option<String>,
}

#[derive(clap::Args)]
struct ValidateArgs {
    /// Connector files.
    #[arg(required = true)]
    connectors: Vec<PathBuf>,
    /// The settings of the worker they are meant for.
    #[arg(long)]
    worker: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl From<Format> for LogFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Json => Self::Json,
        }
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // `run` ends as Java's worker does (1 for a wrong command line), the others with 2.
            let is_run = std::env::args().nth(1).is_some_and(|word| word == "run");
            return match error.use_stderr() {
                false => ExitCode::SUCCESS,
                true if is_run => ExitCode::from(1),
                true => ExitCode::from(2),
            };
        }
    };
    match cli.command {
        Command::Run(args) => run::run(args),
        Command::Validate(args) => validate::validate(&args.connectors, args.worker.as_deref()),
        Command::Plugins => plugins::list(),
    }
}

/// A runtime with few threads: connectors wait on I/O, and CPU work is on threads of its own.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name("millstream").enable_all().build()
}
