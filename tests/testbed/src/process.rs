//! One child process with its log.

use std::fs::{File, OpenOptions};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::poll::until;
use crate::sweeper::sweeper;
use crate::{Context, Error, Result};

const TAIL_LINES: usize = 60;

/// A running child, first of its own process group; killed when dropped and when this process ends in any way.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    log: PathBuf,
    child: Mutex<Child>,
}

/// How a process ended: its exit code, or 128 + the signal's number, as a shell says it.
pub fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

impl Process {
    /// Starts `command` with its output appended to `log`. `last_signal` is what ends it when this process is gone.
    pub fn spawn(name: &str, mut command: Command, log: &Path, last_signal: Signal) -> Result<Process> {
        let output = OpenOptions::new().create(true).append(true).open(log).context(log.display())?;
        let errors = output.try_clone()?;
        let sweeper = sweeper()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .context(format!("starting {name} ({})", command.get_program().display()))?;
        let pid = child.id();
        sweeper.watch(pid, last_signal)?;
        Ok(Process { name: name.to_owned(), pid, log: log.to_owned(), child: Mutex::new(child) })
    }

    /// Its process id (and that of its group). A wrapper that ends with `exec` has the wrapped program's.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The file its output goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// `None` while it runs.
    pub fn exit_status(&self) -> Result<Option<ExitStatus>> {
        Ok(self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner).try_wait()?)
    }

    /// An error with the log's end when it has ended; for use in the loops that wait until it is ready.
    pub fn check_alive(&self) -> Result<()> {
        match self.exit_status()? {
            None => Ok(()),
            Some(status) => {
                Err(Error::new(format!("{} ended ({status}) before it was ready", self.name)).with_log(&self.log))
            }
        }
    }

    /// Asks until `ready` answers true. Fails at once when the process ends, and after `limit`, with the log's end.
    pub async fn wait_ready<F, A>(&self, limit: Duration, mut ready: F) -> Result<()>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<bool>>,
    {
        let outcome = until(format!("{} to be ready", self.name), limit, || {
            let asked = ready();
            async move {
                if self.exit_status()?.is_some() {
                    return Ok(Some(false));
                }
                Ok(asked.await?.then_some(true))
            }
        })
        .await;
        match outcome {
            Ok(true) => Ok(()),
            Ok(false) => self.check_alive(),
            Err(error) => Err(error.with_log(&self.log)),
        }
    }

    /// Sends `signal` to the process alone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.pid as i32), signal).context(format!("{signal} to {}", self.name))
    }

    /// Waits for its end.
    pub async fn wait(&self, limit: Duration) -> Result<ExitStatus> {
        let ended = until(format!("{} to end", self.name), limit, || async { self.exit_status() }).await;
        let status = ended.map_err(|error| error.with_log(&self.log))?;
        self.bury()?;
        Ok(status)
    }

    /// Sends `signal` and waits; a process that is still there after `limit` is an error (and killed).
    pub async fn stop(&self, signal: Signal, limit: Duration) -> Result<ExitStatus> {
        if self.exit_status()?.is_none() {
            self.signal(signal)?;
        }
        let ended = self.wait(limit).await;
        if ended.is_err() {
            self.kill_now();
        }
        ended
    }

    /// Kills the whole group with SIGKILL and waits for the process. Does nothing when it has ended.
    pub fn kill_now(&self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if matches!(child.try_wait(), Ok(None)) {
            let _ = killpg(Pid::from_raw(self.pid as i32), Signal::SIGKILL);
            let _ = child.wait();
        }
        drop(child);
        let _ = self.bury();
    }

    /// Blocks until it has ended or `limit` is over; for use in `drop`, where nothing can be awaited.
    pub(crate) fn wait_briefly(&self, limit: Duration) {
        let started = std::time::Instant::now();
        while matches!(self.exit_status(), Ok(None)) && started.elapsed() < limit {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    // The group's number may now be given to somebody else.
    fn bury(&self) -> Result<()> {
        sweeper()?.forget(self.pid)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_now();
    }
}

/// The last lines of a log, with its path as a heading.
pub fn log_tail(log: &Path) -> String {
    let text = File::open(log).and_then(std::io::read_to_string);
    match text {
        Ok(text) => {
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.len().saturating_sub(TAIL_LINES);
            format!("--- end of {} ---\n{}\n---", log.display(), lines[from..].join("\n"))
        }
        Err(error) => format!("--- {}: {error} ---", log.display()),
    }
}
