//! The end of everything this process started, however this process ends.
//!
//! A small shell in a process group of its own reads our instructions from a pipe. When the pipe closes (we returned
//! from main, were interrupted, or were killed with -9) it ends the process groups that are still there and removes
//! the temporary folder. The kernel's parent-death signal would not do: it follows the thread that forked, is lost
//! when a child changes its user (Postgres under root), and removes no folder.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use nix::sys::signal::Signal;

use crate::{Context, Result};

const SCRIPT: &str = include_str!("sweeper.sh");

/// Set to anything, it leaves folders with data and logs behind for a look.
pub(crate) const KEEP: &str = "MILLSTREAM_TESTBED_KEEP";

pub(crate) struct Sweeper {
    root: PathBuf,
    orders: Mutex<ChildStdin>,
}

/// The sweeper of this process.
pub(crate) fn sweeper() -> Result<&'static Sweeper> {
    static SWEEPER: OnceLock<std::result::Result<Sweeper, String>> = OnceLock::new();
    SWEEPER
        .get_or_init(|| Sweeper::start().map_err(|error| error.to_string()))
        .as_ref()
        .map_err(|error| crate::Error::new(error.clone()))
}

impl Sweeper {
    fn start() -> Result<Sweeper> {
        let root =
            tempfile::Builder::new().prefix("millstream-").tempdir().context("a temporary folder for services")?.keep();
        // Postgres runs as another user when we are root and must reach its folder below.
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o711))?;
        let mut shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "millstream-sweeper"])
            .arg(&root)
            .arg(if std::env::var_os(KEEP).is_some() { "keep" } else { "remove" })
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Whoever kills our process group must not take the sweeper along.
            .process_group(0)
            .spawn()
            .context("the sweeper shell")?;
        let orders = shell.stdin.take().expect("piped above");
        Ok(Sweeper { root, orders: Mutex::new(orders) })
    }

    /// The temporary folder of this process; all others are in it.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Has process group `group` ended by `signal` (and then by SIGKILL) when this process ends.
    pub(crate) fn watch(&self, group: u32, signal: Signal) -> Result<()> {
        let name = signal.as_str().trim_start_matches("SIG");
        self.order(&format!("watch {group} {name}\n"))
    }

    /// Takes `watch` back, once the group's first process has been waited for.
    pub(crate) fn forget(&self, group: u32) -> Result<()> {
        self.order(&format!("forget {group}\n"))
    }

    fn order(&self, line: &str) -> Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        orders.write_all(line.as_bytes()).context("the sweeper shell has gone away")
    }
}
