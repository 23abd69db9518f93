//! `make demo`: rows from Postgres into topics, topics into Parquet files in S3, on real services, counted and checked.
//!
//! `KEEP=1` leaves everything running after the checks, for a look around.

mod check;
mod connectors;
mod database;
mod events;
mod look;
mod screen;
mod services;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use millstream_testbed::{Error, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::database::Writer;
use crate::events::Events;
use crate::screen::{Screen, counted};
use crate::services::Services;
use crate::watch::Watch;

/// How long the tables are written to before the checks.
const WRITING: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let screen = Arc::new(Screen::new());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("demo: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        tokio::select! {
            outcome = demo(&screen) => match outcome {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    screen.failed(&error.to_string());
                    ExitCode::FAILURE
                }
            },
            name = interrupted() => {
                screen.step(&format!("{name}: stopping everything"));
                ExitCode::from(130)
            }
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

/// The name of the first signal that asks for an end.
async fn interrupted() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "told to end",
    }
}

async fn demo(screen: &Arc<Screen>) -> Result<()> {
    let keep = std::env::var("KEEP").is_ok_and(|value| !matches!(value.as_str(), "" | "0"));
    screen.heading("Millstream demo: Postgres -> Kafka topics -> Parquet files in S3");
    let services = Services::start(screen).await?;
    let writer = Writer::start(&services.postgres, database::Pace::Brisk).await?;
    let events = Events::start(&services.topics).await?;
    screen.step("writing to the tables orders and users, and JSON events to the topics orders and user-events");

    let worker = services.worker(screen).await?;
    let arrived = {
        let watch = Watch::new(&services, &writer, &events, worker.rest())?;
        let flow = async {
            connectors::submit(&services, worker.rest(), screen).await?;
            screen.step(&format!("everything flows; {} seconds of writing", WRITING.as_secs()));
            tokio::time::sleep(WRITING).await;
            settle(&services, &writer, &events, screen).await
        };
        tokio::select! {
            outcome = flow => outcome,
            error = watch.run(screen) => Err(error),
        }
    };
    let checked = match arrived {
        Ok(()) => check::everything(&services, &events, screen).await,
        Err(error) => Err(error),
    };
    checked.map_err(|error| Error::new(format!("{error}\nThe worker's log ends with:\n{}", worker.log_tail())))?;
    look::show_rows(&services, screen).await?;

    if keep {
        look::show_addresses(&services, worker.rest(), screen);
        let writer = Writer::start(&services.postgres, database::Pace::Slow).await?;
        let events = Events::start(&services.topics).await?;
        return Err(Watch::new(&services, &writer, &events, worker.rest())?.run(screen).await);
    }
    let code = worker.terminate().await?;
    if code != 0 {
        return Err(Error::new(format!("the worker stopped with exit code {code} and not with 0")));
    }
    screen.step("the worker stopped when asked (exit code 0); all is well");
    Ok(())
}

/// Ends the writing and waits until all of it has arrived. A sink closes a file when it holds `flush.size` records, so
/// the last file of each partition is filled up first.
async fn settle(services: &Services, writer: &Writer, events: &Events, screen: &Screen) -> Result<()> {
    let written = writer.stop().await?;
    let produced = events.stop().await?;
    screen.step(&format!(
        "writing ended: {} rows inserted, {} updated, {} events; waiting for the last of them",
        counted(written.inserted),
        counted(written.updated),
        counted(produced)
    ));
    check::wait_for_topics(services).await?;
    check::fill_last_files(services).await?;
    check::wait_for_files(services).await
}
