//! `make bench`: what Millstream costs, beside others doing the same work in the same run.
//!
//! The worker is measured as a process of its own (CPU time and peak memory by the kernel). Figures go to standard output and to
//! `bench.md` and `bench.json` in a folder.

mod bed;
mod connectors;
mod data_plane;
mod figures;
mod machine;
mod made_records;
mod per_record;
mod pipelines;
mod plain_loop;
mod read_encode;
mod report;
mod scenarios;
mod start;
mod table;
mod topic;
mod worker_load;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use clap::Parser;
use millstream_testbed::{Context, Error, Result};

use crate::machine::{Machine, load_average};
use crate::report::Report;
use crate::scenarios::{JAVA, NAMES};

/// Benchmarks of Millstream.
#[derive(Parser)]
#[command(name = "millstream-bench", about)]
struct Arguments {
    /// Rows of the generated table; rounded up to a multiple of 80.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Scenarios to run, separated by commas: data-plane, start, read-encode, source, sink, sink4, topic-to-null, datagen-to-topic,
    /// connectors, java (all but java if not given).
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Also runs the scenario java: FileStream, and many connectors, on Apache Kafka Connect as well.
    #[arg(long)]
    java: bool,
    /// How often short measurements are repeated; the median counts.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// The folder for bench.md and bench.json; `bench` in the build's target folder if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    tokio::select! {
        outcome = run(arguments) => match outcome {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("bench: {error}");
                ExitCode::FAILURE
            }
        },
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
    }
}

/// True when every scenario gave its figures, marks met or not.
async fn run(arguments: Arguments) -> Result<bool> {
    if let Some(unknown) = arguments.only.iter().find(|name| !NAMES.contains(&name.as_str())) {
        return Err(Error::new(format!("there is no scenario {unknown}: {}", NAMES.join(", "))));
    }
    let folder = match arguments.out {
        Some(folder) => folder,
        None => default_folder()?,
    };
    std::fs::create_dir_all(&folder).context(folder.display())?;
    let rows = arguments.rows.max(1).next_multiple_of(80);
    let (began, load_before) = (Instant::now(), load_average());
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut only = arguments.only;
    if arguments.java {
        if only.is_empty() {
            only.extend(NAMES.map(str::to_owned));
        }
        only.push(JAVA.to_owned());
    }
    let scenarios = scenarios::run(rows, arguments.repeat.max(1), &only).await?;
    let report = Report {
        started,
        seconds: began.elapsed().as_secs_f64(),
        rows,
        machine: Machine::this(),
        load_before,
        load_after: load_average(),
        scenarios,
    };
    let (markdown, json) = (report.markdown(), serde_json::to_string_pretty(&report)?);
    for (name, text) in [("bench.md", &markdown), ("bench.json", &json)] {
        let file = folder.join(name);
        std::fs::write(&file, text).context(file.display())?;
    }
    println!("{markdown}\nAlso in {}", folder.display());
    Ok(report.scenarios.iter().all(|scenario| scenario.error.is_none()))
}

// The program is in target/<profile>/.
fn default_folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("this program's path")?;
    let target = program.ancestors().nth(2).ok_or_else(|| Error::new("this program is in no target folder"))?;
    Ok(target.join("bench"))
}

/// The middle of what was measured.
fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().ok_or_else(|| Error::new("nothing was measured"))
}
