//! Restarts of what has failed, without being asked: when, how often, and what the status says meanwhile.

use std::time::Duration;

use millstream_api::Error;
use millstream_core::cluster::{NextRestart, RestartCount, RestartPolicy, TargetState};
use tokio::time::Instant;

use super::run::Herder;
use crate::task::InstanceId;

/// The failures of one connector or task since someone last looked after it.
#[derive(Default)]
pub(super) struct Restarts {
    count: RestartCount,
    running_since: Option<Instant>,
    /// The failure that a restart will follow, and the trace of it.
    pending: Option<(u64, String)>,
}

impl Restarts {
    /// It runs.
    pub(super) fn running(&mut self) {
        self.running_since.get_or_insert_with(Instant::now);
        self.pending = None;
    }

    /// Someone has restarted or changed it: the count starts anew, and a restart that was to come does not.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Herder {
    /// Takes note of a failure: the trace for its status, which ends with what is going to happen.
    pub(super) fn failed(&mut self, id: &InstanceId, error: &Error) -> String {
        let mut trace = error.trace();
        let policy = self.state().config(id.connector()).map(RestartPolicy::of).unwrap_or_default();
        let failure = self.next_epoch();
        let Some(restarts) = self.restarts(id) else { return trace };
        let ran = restarts.running_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        let next = restarts.count.failed(ran, &policy);
        if next != NextRestart::Off {
            trace.push_str(&format!("{next}\n"));
        }
        if let NextRestart::After { number, of, delay } = next {
            restarts.pending = Some((failure, trace.clone()));
            tracing::warn!(instance = %id, restart = number, of, delay_ms = delay.as_millis() as u64, "is restarted after a while");
            let (due, id) = (self.due.0.clone(), id.clone());
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                // The worker may have stopped meanwhile.
                let _ = due.send((id, failure));
            });
        }
        trace
    }

    /// The wait after a failure is over.
    pub(super) fn restart_due(&mut self, id: &InstanceId, failure: u64) {
        let Some(restarts) = self.restarts(id) else { return };
        let Some((_, trace)) = restarts.pending.take_if(|(pending, _)| *pending == failure) else { return };
        if self.exists(id) && self.owns(id) && self.target(id.connector()) != TargetState::Stopped {
            self.restart_instance(id, Some(trace));
        }
    }

    pub(super) fn forget_failures(&mut self, id: &InstanceId) {
        if let Some(restarts) = self.restarts(id) {
            restarts.forget();
        }
    }

    fn restarts(&mut self, id: &InstanceId) -> Option<&mut Restarts> {
        match id {
            InstanceId::Connector(name) => self.connectors.get_mut(name).map(|slot| &mut slot.restarts),
            InstanceId::Task(task) => self.tasks.get_mut(task).map(|slot| &mut slot.restarts),
        }
    }
}
