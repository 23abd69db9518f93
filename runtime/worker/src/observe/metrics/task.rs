//! The metrics of one task. Recorded to once per batch.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millstream_api::{ConnectorKind, TaskId};

use super::client::ClientMetrics;
use super::sample::{Clock, Level, Meter, Outcomes, Window};
use super::stage::{Stage, Stages};
use super::state::StateTracker;
use crate::task::byte_queue::QueueFill;

/// What a task is made of: classes and versions, for the series that tell them.
#[derive(Clone, Debug, Default)]
pub struct TaskInfo {
    /// Label and value of each.
    pub labels: Vec<(&'static str, String)>,
}

/// Everything measured of one task.
#[derive(Debug)]
pub struct TaskMetrics {
    /// Which task.
    pub id: TaskId,
    /// Its states.
    pub state: Arc<StateTracker>,
    /// What went wrong with its records.
    pub errors: ErrorMetrics,
    /// Its producer or consumer.
    pub client: ClientMetrics,
    pub(super) kind: Option<ConnectorKind>,
    pub(super) info: TaskInfo,
    pub(super) batch_size: Window,
    pub(super) commit_time: Window,
    pub(super) commits: Outcomes,
    pub(super) source: SourceMetrics,
    pub(super) sink: SinkMetrics,
    pub(super) stages: Stages,
    pub(super) queue: OnceLock<QueueFill>,
}

/// What only source tasks have.
#[derive(Debug)]
pub(super) struct SourceMetrics {
    pub(super) polled: Meter,
    pub(super) written: Meter,
    pub(super) poll_time: Window,
    /// Polled, not yet acknowledged or skipped.
    pub(super) active: Level,
}

/// What only sink tasks have.
#[derive(Debug)]
pub(super) struct SinkMetrics {
    pub(super) read: Meter,
    pub(super) sent: Meter,
    pub(super) put_time: Window,
    /// Given to the task, not yet committed.
    pub(super) active: Level,
    pub(super) partitions: AtomicU64,
    pub(super) commit_number: AtomicU64,
    pub(super) completed: Meter,
    pub(super) late: Meter,
}

impl TaskMetrics {
    pub(super) fn new(
        id: TaskId,
        kind: Option<ConnectorKind>,
        info: TaskInfo,
        clock: Clock,
        startups: Arc<Outcomes>,
    ) -> Self {
        Self {
            id,
            kind,
            info,
            state: Arc::new(StateTracker::new(clock, startups)),
            errors: ErrorMetrics::default(),
            client: ClientMetrics::new(clock),
            batch_size: Window::new(clock),
            commit_time: Window::new(clock),
            commits: Outcomes::new(clock),
            source: SourceMetrics {
                polled: Meter::new(clock),
                written: Meter::new(clock),
                poll_time: Window::new(clock),
                active: Level::new(clock),
            },
            sink: SinkMetrics {
                read: Meter::new(clock),
                sent: Meter::new(clock),
                put_time: Window::new(clock),
                active: Level::new(clock),
                partitions: AtomicU64::new(0),
                commit_number: AtomicU64::new(0),
                completed: Meter::new(clock),
                late: Meter::new(clock),
            },
            stages: Stages::default(),
            queue: OnceLock::new(),
        }
    }

    /// A stage has taken this long for a batch.
    pub fn stage(&self, stage: Stage, took: Duration) {
        self.stages.record(stage, took);
    }

    /// Runs a stage and takes its time.
    pub fn timed<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.stage(stage, start.elapsed());
        done
    }

    /// The queue between the task's stages.
    pub fn set_queue(&self, queue: QueueFill) {
        let _ = self.queue.set(queue);
    }

    /// Source: a `poll` came back with these many records.
    pub fn polled(&self, records: usize, took: Duration) {
        self.source.polled.add(records);
        self.source.active.add(count(records));
        self.source.poll_time.record_millis(took);
        self.stage(Stage::Poll, took);
    }

    /// Source: a batch is about to be sent.
    pub fn sending(&self, records: usize) {
        self.batch_size.record(records as f64);
    }

    /// Source: these records are not sent, by tolerance.
    pub fn left_out(&self, records: usize) {
        self.source.active.add(-count(records));
    }

    /// Source: all records of a batch are answered; `written` of them are in Kafka.
    pub fn answered(&self, records: usize, written: usize) {
        self.source.written.add(written);
        self.source.active.add(-count(records));
    }

    /// Source: offsets were stored, or were not.
    pub fn flushed(&self, took: Duration, stored: bool) {
        self.committed(took, stored);
    }

    fn committed(&self, took: Duration, well: bool) {
        self.commits.record(well);
        if well {
            self.commit_time.record_millis(took);
        }
        self.stage(Stage::Commit, took);
    }

    /// Sink: records were taken from the consumer and decoded, failed ones included.
    pub fn read(&self, records: usize) {
        self.sink.read.add(records);
    }

    /// Sink: a `put` took over these many records.
    pub fn put(&self, records: usize, took: Duration) {
        self.sink.sent.add(records);
        self.batch_size.record(records as f64);
        self.sink.put_time.record_millis(took);
        self.stage(Stage::Put, took);
    }

    /// Sink: records given to the task and not yet committed.
    pub fn uncommitted(&self, records: i64) {
        self.sink.active.set(records);
    }

    #[cfg(test)]
    pub(crate) fn active(&self) -> f64 {
        self.sink.active.now()
    }

    /// Sink: number of partitions it has.
    pub fn assigned(&self, partitions: usize) {
        self.sink.partitions.store(partitions as u64, Ordering::Relaxed);
    }

    /// Sink: a commit begins.
    pub fn commit_begins(&self) {
        self.sink.commit_number.fetch_add(1, Ordering::Relaxed);
    }

    /// Sink: a commit has ended; one without anything to commit ended well.
    pub fn commit_ended(&self, took: Duration, outcome: CommitOutcome) {
        self.committed(took, outcome == CommitOutcome::Done);
        match outcome {
            CommitOutcome::Done => self.sink.completed.add(1),
            CommitOutcome::Failed => {}
            CommitOutcome::TooLate => self.sink.late.add(1),
        }
    }
}

/// How a sink's commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Committed, or there was nothing new.
    Done,
    /// Not committed.
    Failed,
    /// Not answered in time; a later answer is not looked at.
    TooLate,
}

fn count(records: usize) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}

/// What went wrong with records of a task.
#[derive(Debug, Default)]
pub struct ErrorMetrics {
    pub(super) failures: AtomicU64,
    pub(super) skipped: AtomicU64,
    pub(super) retries: AtomicU64,
    pub(super) logged: AtomicU64,
    pub(super) letters: AtomicU64,
    pub(super) letters_failed: AtomicU64,
    pub(super) last: AtomicI64,
}

impl ErrorMetrics {
    /// Records could not be handled.
    pub fn failed(&self, records: usize) {
        if records > 0 {
            self.failures.fetch_add(records as u64, Ordering::Relaxed);
            self.last.store(crate::now_millis(), Ordering::Relaxed);
        }
    }

    /// Failed records were skipped, by tolerance.
    pub fn skipped(&self, records: usize) {
        self.skipped.fetch_add(records as u64, Ordering::Relaxed);
    }

    /// Errors of records went to the log.
    pub fn logged(&self, errors: usize) {
        self.logged.fetch_add(errors as u64, Ordering::Relaxed);
    }

    /// A call that failed for now is made again.
    pub fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Failures, skipped records and retries so far.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (now(&self.failures), now(&self.skipped), now(&self.retries))
    }

    /// A record goes to the dead letter queue.
    pub fn letter(&self) {
        self.letters.fetch_add(1, Ordering::Relaxed);
    }

    /// The dead letter queue did not take a record.
    pub fn letter_failed(&self) {
        self.letters_failed.fetch_add(1, Ordering::Relaxed);
    }
}
