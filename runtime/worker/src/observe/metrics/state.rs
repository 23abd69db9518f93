//! The states a connector or task has been in, and for how long.

use std::sync::Arc;

use millstream_core::cluster::State;
use parking_lot::Mutex;

use super::sample::{Clock, Outcomes};

/// Follows the state of one instance. Its first RUNNING or FAILED also says how its start went.
#[derive(Debug)]
pub struct StateTracker {
    clock: Clock,
    startups: Arc<Outcomes>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    state: State,
    since: u64,
    created: u64,
    running: u64,
    paused: u64,
    /// The start has succeeded or failed.
    started: bool,
}

impl StateTracker {
    pub(super) fn new(clock: Clock, startups: Arc<Outcomes>) -> Self {
        let created = clock.now();
        let now = Now { state: State::Unassigned, since: created, created, running: 0, paused: 0, started: false };
        Self { clock, startups, now: Mutex::new(now) }
    }

    /// The instance is in this state from now on.
    pub fn set(&self, state: State) {
        let time = self.clock.now();
        let mut now = self.now.lock();
        now.pass(time);
        now.state = state;
        if matches!(state, State::Running | State::Failed) && !std::mem::replace(&mut now.started, true) {
            self.startups.record(state == State::Running);
        }
    }

    /// The present state.
    pub fn state(&self) -> State {
        self.now.lock().state
    }

    /// Share of its life spent RUNNING, and share spent PAUSED.
    pub(super) fn ratios(&self) -> (f64, f64) {
        let time = self.clock.now();
        let mut now = self.now.lock();
        now.pass(time);
        let life = time.saturating_sub(now.created);
        if life == 0 {
            return (0.0, 0.0);
        }
        (now.running as f64 / life as f64, now.paused as f64 / life as f64)
    }
}

impl Now {
    fn pass(&mut self, time: u64) {
        let passed = time.saturating_sub(self.since);
        match self.state {
            State::Running => self.running += passed,
            State::Paused => self.paused += passed,
            _ => {}
        }
        self.since = time;
    }
}
