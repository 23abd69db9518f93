//! What figures are made of: a clock, counters, and windows that may be recorded to from any thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millstream_core::metrics::{Sampled, Windows};
use parking_lot::Mutex;

/// The time of all windows of a worker, in milliseconds since it started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// Length and number of the windows.
    pub windows: Windows,
}

impl Clock {
    /// A clock that starts now.
    pub fn new(windows: Windows) -> Self {
        Self { start: Instant::now(), windows }
    }

    /// Milliseconds since the start.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Values over a moving window. Recorded to once per batch: the lock is free as good as always.
#[derive(Debug)]
pub struct Window {
    clock: Clock,
    sampled: Mutex<Sampled>,
}

impl Window {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, sampled: Mutex::new(Sampled::new(clock.windows)) }
    }

    pub(super) fn record(&self, value: f64) {
        let now = self.clock.now();
        self.sampled.lock().record(value, now);
    }

    pub(super) fn record_millis(&self, took: Duration) {
        self.record(took.as_secs_f64() * 1000.0);
    }

    pub(super) fn avg(&self) -> f64 {
        self.sampled.lock().avg(self.clock.now())
    }

    pub(super) fn max(&self) -> f64 {
        self.sampled.lock().max(self.clock.now())
    }

    pub(super) fn rate(&self) -> f64 {
        self.sampled.lock().rate(self.clock.now())
    }
}

/// A total and its rate per second.
#[derive(Debug)]
pub struct Meter {
    total: AtomicU64,
    window: Window,
}

impl Meter {
    pub(super) fn new(clock: Clock) -> Self {
        Self { total: AtomicU64::new(0), window: Window::new(clock) }
    }

    pub(super) fn add(&self, count: usize) {
        self.total.fetch_add(count as u64, Ordering::Relaxed);
        self.window.record(count as f64);
    }

    pub(super) fn total(&self) -> f64 {
        self.total.load(Ordering::Relaxed) as f64
    }

    pub(super) fn rate(&self) -> f64 {
        self.window.rate()
    }
}

/// A count that goes up and down, with its mean and maximum over the window.
#[derive(Debug)]
pub struct Level {
    now: Mutex<i64>,
    window: Window,
}

impl Level {
    pub(super) fn new(clock: Clock) -> Self {
        Self { now: Mutex::new(0), window: Window::new(clock) }
    }

    pub(super) fn add(&self, change: i64) {
        let mut now = self.now.lock();
        *now = now.saturating_add(change).max(0);
        self.window.record(*now as f64);
    }

    pub(super) fn set(&self, value: i64) {
        let mut now = self.now.lock();
        *now = value.max(0);
        self.window.record(*now as f64);
    }

    pub(super) fn now(&self) -> f64 {
        *self.now.lock() as f64
    }

    pub(super) fn avg(&self) -> f64 {
        self.window.avg()
    }

    pub(super) fn max(&self) -> f64 {
        self.window.max()
    }
}

/// How often something went well, over the window: shares between 0 and 1 (Java calls them percentages), 0 where nothing happened.
#[derive(Debug)]
pub struct Outcomes {
    succeeded: AtomicU64,
    failed: AtomicU64,
    window: Window,
}

impl Outcomes {
    pub(super) fn new(clock: Clock) -> Self {
        Self { succeeded: AtomicU64::new(0), failed: AtomicU64::new(0), window: Window::new(clock) }
    }

    pub(super) fn record(&self, succeeded: bool) {
        let count = if succeeded { &self.succeeded } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
        self.window.record(if succeeded { 1.0 } else { 0.0 });
    }

    pub(super) fn succeeded(&self) -> f64 {
        self.succeeded.load(Ordering::Relaxed) as f64
    }

    pub(super) fn failed(&self) -> f64 {
        self.failed.load(Ordering::Relaxed) as f64
    }

    pub(super) fn attempts(&self) -> f64 {
        self.succeeded() + self.failed()
    }

    pub(super) fn success_share(&self) -> f64 {
        let share = self.window.avg();
        if share.is_nan() { 0.0 } else { share }
    }

    pub(super) fn failure_share(&self) -> f64 {
        let share = self.window.avg();
        if share.is_nan() { 0.0 } else { 1.0 - share }
    }
}
