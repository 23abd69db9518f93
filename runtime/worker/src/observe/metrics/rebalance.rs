//! Rebalances of the group of workers, as its member tells them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::sample::{Clock, Window};

/// Rebalances this worker has taken part in. A worker that is alone has none.
#[derive(Debug)]
pub struct RebalanceMetrics {
    completed: AtomicU64,
    going_on: AtomicBool,
    last: Mutex<Option<Instant>>,
    protocol: Mutex<&'static str>,
    pub(super) time: Window,
}

impl RebalanceMetrics {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            completed: AtomicU64::new(0),
            going_on: AtomicBool::new(false),
            last: Mutex::new(None),
            protocol: Mutex::new("NONE"),
            time: Window::new(clock),
        }
    }

    /// A rebalance has begun.
    pub fn begins(&self) {
        self.going_on.store(true, Ordering::Relaxed);
    }

    /// A rebalance has ended after this time; `protocol` is what the group speaks, in capitals (`SESSIONED`).
    pub fn ends(&self, took: Duration, protocol: &'static str) {
        self.going_on.store(false, Ordering::Relaxed);
        self.completed.fetch_add(1, Ordering::Relaxed);
        *self.last.lock() = Some(Instant::now());
        *self.protocol.lock() = protocol;
        self.time.record_millis(took);
    }

    pub(super) fn completed(&self) -> f64 {
        self.completed.load(Ordering::Relaxed) as f64
    }

    pub(super) fn going_on(&self) -> f64 {
        f64::from(u8::from(self.going_on.load(Ordering::Relaxed)))
    }

    /// Milliseconds since the last one; infinite when there was none.
    pub(super) fn since_last(&self) -> f64 {
        self.last.lock().map_or(f64::INFINITY, |last| last.elapsed().as_secs_f64() * 1000.0)
    }

    pub(super) fn protocol(&self) -> &'static str {
        *self.protocol.lock()
    }
}
