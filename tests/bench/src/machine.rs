//! The machine a run was on, and what else it was doing.

use millstream_testbed::{Context, Result};
use nix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// What figures depend on besides the program.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Memory in MB.
    pub memory_mb: u64,
    /// The kernel's version.
    pub kernel: String,
    /// Whether this is a build with optimisation.
    pub optimised: bool,
}

impl Machine {
    /// This machine.
    pub fn this() -> Machine {
        let line = |file: &str, key: &str| -> Option<String> {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
        };
        let memory = line("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Machine {
            cpu: line("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mb: memory.unwrap_or_default() / 1024,
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// Load averages of 1, 5 and 15 minutes.
pub fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// CPU seconds this thread has used; to the nanosecond, unlike what the kernel says of whole processes.
pub fn thread_cpu_seconds() -> Result<f64> {
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).context("the clock of this thread")?;
    Ok(used.tv_sec() as f64 + used.tv_nsec() as f64 / 1e9)
}
