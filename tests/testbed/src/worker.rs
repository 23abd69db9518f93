//! A Connect worker as a child process, Millstream's or Java's: what they have in common.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::folder::Folder;
use crate::millstream::MillstreamBuilder;
use crate::poll::until;
use crate::ports::free_port;
use crate::process::{Process, exit_code, log_tail};
use crate::properties::WorkerProperties;
use crate::rest::ConnectRest;
use crate::{Context, Error, Result};

const READY: Duration = Duration::from_secs(90);
/// How long a worker may take to end. The web server of Kafka Connect 4.3.1 now and then waits for all of its own minute (Jetty's stop timeout),
/// when its two shutdown hooks meet.
pub const STOP: Duration = Duration::from_secs(150);
// The kernel counts CPU time of processes in hundredths of a second on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) type MakeCommand = Box<dyn Fn(&Folder) -> Result<Command> + Send + Sync>;

/// What a process uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory now, in bytes.
    pub rss_bytes: u64,
    /// The most resident memory so far, in bytes.
    pub peak_rss_bytes: u64,
    /// User and system time so far, in seconds.
    pub cpu_seconds: f64,
}

impl Usage {
    /// What process `pid` uses.
    pub fn of(pid: u32) -> Result<Usage> {
        let read =
            |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).context(format!("process {pid}"));
        let status = read("status")?;
        let kib = |field: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse().ok());
            number.ok_or_else(|| Error::new(format!("process {pid} has ended: no {field} in its status")))
        };
        let stat = read("stat")?;
        // The second field is the program's name in parentheses, which may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
        Ok(Usage {
            rss_bytes: kib("VmRSS:")? * 1024,
            peak_rss_bytes: kib("VmHWM:")? * 1024,
            cpu_seconds: (ticks(11) + ticks(12)) / TICKS_PER_SECOND,
        })
    }
}

/// A worker. Port, settings and folder outlive its process, so that `run` starts the same worker again.
pub struct Worker {
    name: &'static str,
    folder: Folder,
    command: MakeCommand,
    rest: ConnectRest,
    process: Mutex<Option<Process>>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.rest.base())
    }
}

impl Worker {
    /// A Millstream worker with these settings, still to be started.
    pub fn builder(properties: WorkerProperties) -> MillstreamBuilder {
        MillstreamBuilder::new(properties)
    }

    /// A Millstream worker with these settings, running and answering.
    pub async fn start(properties: WorkerProperties) -> Result<Worker> {
        Worker::builder(properties).start().await
    }

    pub(crate) fn new(name: &'static str, folder: Folder, base: String, command: MakeCommand) -> Result<Worker> {
        let rest = ConnectRest::new(base)?.with_log(&folder.path().join("worker.log"));
        Ok(Worker { name, folder, command, rest, process: Mutex::new(None) })
    }

    /// The client of its REST API.
    pub fn rest(&self) -> &ConnectRest {
        &self.rest
    }

    /// Its folder: worker.properties, log, what it writes into its working directory.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The file its output goes to; a restarted worker appends.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("worker.log")
    }

    /// All it has logged so far.
    pub fn log_text(&self) -> Result<String> {
        std::fs::read_to_string(self.log()).context(self.log().display())
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        log_tail(&self.log())
    }

    /// Waits until its log holds `text`.
    pub async fn wait_log(&self, text: &str, limit: Duration) -> Result<()> {
        let found = until(format!("`{text}` in the log of {}", self.name), limit, || async {
            Ok(self.log_text()?.contains(text).then_some(()))
        });
        found.await.map_err(|error| error.with_log(&self.log()))
    }

    /// Starts its process (again) without waiting for anything. Does nothing when it runs.
    pub fn spawn(&self) -> Result<()> {
        let mut slot = self.slot();
        if slot.is_none() {
            let command = (self.command)(&self.folder)?;
            *slot = Some(Process::spawn(self.name, command, &self.log(), Signal::SIGKILL)?);
        }
        Ok(())
    }

    /// Starts its process (again) and waits until it answers.
    pub async fn run(&self) -> Result<()> {
        self.spawn()?;
        self.wait_ready(READY).await
    }

    /// Waits until `GET /connectors` answers 200. Fails at once when the process ends.
    pub async fn wait_ready(&self, limit: Duration) -> Result<()> {
        let ended = until(format!("{} to answer", self.name), limit, || async {
            if let Some(code) = self.ended()? {
                return Ok(Some(Some(code)));
            }
            Ok((self.rest.get("/connectors").await?.status == 200).then_some(None))
        });
        match ended.await.map_err(|error| error.with_log(&self.log()))? {
            None => Ok(()),
            Some(code) => {
                let message = format!("{} ended with exit code {code} before it answered", self.name);
                Err(Error::new(message).with_log(&self.log()))
            }
        }
    }

    /// Its process id; an error when it does not run.
    pub fn pid(&self) -> Result<u32> {
        self.slot().as_ref().map(Process::pid).ok_or_else(|| Error::new(format!("{} does not run", self.name)))
    }

    /// What it uses.
    pub fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid()?)
    }

    /// The end without warning (SIGKILL), of all its processes.
    pub fn kill9(&self) {
        drop(self.slot().take());
    }

    /// Sends it any signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        match self.slot().as_ref() {
            Some(process) => process.signal(signal),
            None => Err(Error::new(format!("{} does not run", self.name))),
        }
    }

    /// SIGTERM, then its exit code (128 + signal when a signal ended it).
    pub async fn terminate(&self) -> Result<i32> {
        self.signal(Signal::SIGTERM)?;
        self.wait_exit(STOP).await
    }

    /// Waits for its own end and returns the exit code.
    pub async fn wait_exit(&self, limit: Duration) -> Result<i32> {
        let process = self.slot().take().ok_or_else(|| Error::new(format!("{} does not run", self.name)))?;
        Ok(exit_code(process.wait(limit).await?))
    }

    /// Its exit code, once it has ended by itself.
    pub fn ended(&self) -> Result<Option<i32>> {
        match self.slot().as_ref() {
            Some(process) => Ok(process.exit_status()?.map(exit_code)),
            None => Err(Error::new(format!("{} does not run", self.name))),
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The address under which a worker with these settings answers; gives them a free port when they name no listener.
pub(crate) fn with_listener(properties: WorkerProperties) -> Result<(WorkerProperties, String)> {
    let properties = match properties.get("listeners") {
        Some(_) => properties,
        None => {
            let port = free_port(std::net::Ipv4Addr::LOCALHOST.into())?;
            properties.set("listeners", format!("http://127.0.0.1:{port}"))
        }
    };
    let first = properties.get("listeners").unwrap_or_default().split(',').next().unwrap_or_default().trim();
    let base = first.replace("//:", "//127.0.0.1:").replace("//0.0.0.0:", "//127.0.0.1:").to_lowercase();
    Ok((properties, base))
}
