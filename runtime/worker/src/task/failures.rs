//! What rows that cannot be handled do: be tried again, fail the task, or be skipped and told.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_api::{Error, Result, RowFailure, TaskId, TopicPartition};
use millstream_core::delivery::{RetryLimits, Stage, Tolerance};
use millstream_core::settings::ErrorSettings;
use tokio_util::sync::CancellationToken;

use super::supervise::TaskSpec;
use crate::config_provider::Hidden;
use crate::observe::metrics::TaskMetrics;

/// How soon an order to stop is noticed between two attempts.
const NOTICE: Duration = Duration::from_millis(100);

/// A row that one of the plugins between a task and Kafka could not handle.
#[derive(Debug)]
pub struct StageFailure {
    /// Row of what the plugins were given.
    pub row: usize,
    /// What was being done.
    pub stage: Stage,
    /// Java class of the plugin.
    pub class: &'static str,
    /// Why.
    pub error: Error,
}

impl StageFailure {
    /// Sorts by row. A row that failed is not looked at by later stages, as in Kafka Connect: of several failures the one that was added
    /// first counts.
    pub fn one_a_row(mut failures: Vec<Self>) -> Vec<Self> {
        failures.sort_by_key(|failure| failure.row);
        failures.dedup_by_key(|failure| failure.row);
        failures
    }
}

/// The `errors.*` settings of a connector, applied to failed rows of a task.
#[derive(Clone, Debug)]
pub struct FailurePolicy {
    /// `errors.tolerance`.
    pub tolerance: Tolerance,
    /// `errors.log.enable`.
    pub log: bool,
    /// How long what fails for now is tried again.
    pub retry: RetryLimits,
    /// Set when the task is to stop: nothing is tried again then.
    pub stop: CancellationToken,
    /// Where they are counted.
    pub metrics: Arc<TaskMetrics>,
    /// What the log must not show.
    pub hidden: Hidden,
}

impl FailurePolicy {
    /// As the settings of a task's connector say.
    pub fn new(spec: &TaskSpec, stop: CancellationToken, metrics: Arc<TaskMetrics>) -> Self {
        let ErrorSettings { tolerance, log_enable, retry, .. } = spec.settings.errors;
        Self { tolerance, log: log_enable, retry, stop, metrics, hidden: spec.hidden.clone() }
    }

    /// Takes a step again as long as rows of it fail for now and `errors.retry.timeout` allows it; `failed_for_now` counts such rows.
    /// Blocks its thread in between. The answer is that of the last attempt, or an error of kind stopped.
    pub fn again<T>(&self, failed_for_now: impl Fn(&T) -> usize, mut attempt: impl FnMut() -> T) -> Result<T> {
        let start = Instant::now();
        let mut attempts = 0;
        loop {
            let done = attempt();
            let rows = failed_for_now(&done);
            if rows == 0 {
                return Ok(done);
            }
            attempts += 1;
            let random = RandomState::new().hash_one(attempts);
            let Some(pause) = self.retry.pause(attempts, start.elapsed(), random) else { return Ok(done) };
            self.metrics.errors.failed(rows);
            (0..rows).for_each(|_| self.metrics.errors.retried());
            self.wait(pause)?;
        }
    }

    fn wait(&self, pause: Duration) -> Result<()> {
        let until = Instant::now() + pause;
        while !self.stop.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(NOTICE));
        }
        Err(Error::stopped("stopped before a step that failed for now was taken again"))
    }

    /// Rows of a source that could not be read or sent. `Ok`: they are skipped.
    pub fn source_failures(&self, id: &TaskId, stage: Stage, failures: Vec<Error>) -> Result<()> {
        let decide = |error| (stage, self.tolerance.source_failures(id, stage.as_str(), vec![error]));
        self.settle(id, failures.into_iter().map(decide))
    }

    /// Rows for `topic` that could not be transformed or converted, in their order. `Ok`: they are skipped.
    pub fn not_sent(&self, id: &TaskId, topic: &str, failures: Vec<StageFailure>) -> Result<()> {
        let decide = |StageFailure { stage, error, .. }: StageFailure| {
            let error = error.at(format!("topic {topic}"));
            (stage, self.tolerance.source_failures(id, stage.as_str(), vec![error]))
        };
        self.settle(id, failures.into_iter().map(decide))
    }

    /// Records of a sink that could not be converted or transformed, in their order; `offset_of` gives the offset of a row. `Ok`: they are
    /// skipped.
    pub fn not_put(
        &self,
        id: &TaskId,
        origin: &TopicPartition,
        offset_of: impl Fn(usize) -> i64,
        failures: Vec<StageFailure>,
    ) -> Result<()> {
        let decide = |StageFailure { row, stage, error, .. }: StageFailure| {
            let decided = self.tolerance.on_failures(stage, origin, &offset_of, vec![RowFailure { row, error }]);
            (stage, decided.map(errors))
        };
        self.settle(id, failures.into_iter().map(decide))
    }

    /// Records that a sink's task reports; `offset_of` gives the offset of a row. `Ok`: they are skipped.
    pub fn reported(
        &self,
        id: &TaskId,
        origin: &TopicPartition,
        offset_of: impl Fn(usize) -> i64,
        mut failures: Vec<RowFailure>,
    ) -> Result<()> {
        failures.sort_by_key(|failure| failure.row);
        let stage = Stage::TaskPut;
        let decide =
            |failure| (stage, self.tolerance.on_failures(stage, origin, &offset_of, vec![failure]).map(errors));
        self.settle(id, failures.into_iter().map(decide))
    }

    /// Counts and tells what was decided, up to the first row that fails the task.
    fn settle(&self, id: &TaskId, decided: impl Iterator<Item = (Stage, Result<Vec<Error>>)>) -> Result<()> {
        let (mut skipped, mut fails) = (Vec::new(), None);
        for (stage, decision) in decided {
            match decision {
                Ok(errors) => skipped.extend(errors.into_iter().map(|error| (stage, error))),
                Err(error) => {
                    fails = Some(error);
                    break;
                }
            }
        }
        let failed = skipped.len() + usize::from(fails.is_some());
        if failed == 0 {
            return Ok(());
        }
        self.metrics.errors.failed(failed);
        self.metrics.errors.skipped(skipped.len());
        if self.log {
            self.metrics.errors.logged(failed);
            let text = |error: &Error| self.hidden.hide(&error.to_string());
            skipped.iter().for_each(|(_, e)| tracing::error!(task = %id, error = text(e), "record skipped"));
            fails.iter().for_each(|e| tracing::error!(task = %id, error = text(e), "record failed the task"));
        }
        for run in skipped.chunk_by(|(a, _), (b, _)| a == b) {
            let stage = run.first().map_or("", |(stage, _)| stage.as_str());
            tracing::warn!(task = %id, stage, records = run.len(), "records skipped by errors.tolerance=all");
        }
        fails.map_or(Ok(()), Err)
    }
}

fn errors(failures: Vec<RowFailure>) -> Vec<Error> {
    failures.into_iter().map(|failure| failure.error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(tolerance: Tolerance, timeout: Option<u64>) -> FailurePolicy {
        let timeout = timeout.map(Duration::from_millis);
        FailurePolicy {
            tolerance,
            log: true,
            retry: RetryLimits { timeout, delay_max: Duration::from_millis(2) },
            stop: CancellationToken::new(),
            metrics: crate::testing::task_metrics(),
            hidden: Hidden::default(),
        }
    }

    /// Rows that fail in each attempt until there are none; the number of attempts made.
    fn attempts(policy: &FailurePolicy, failing: &[usize]) -> (Result<usize>, usize) {
        let mut made = 0;
        let done = policy.again(
            |rows| *rows,
            || {
                made += 1;
                failing.get(made - 1).copied().unwrap_or_default()
            },
        );
        (done, made)
    }

    #[test]
    fn what_fails_for_now_is_tried_again_as_long_as_allowed() {
        let ever = policy(Tolerance::None, None);
        let (done, made) = attempts(&ever, &[2, 1, 1]);
        assert_eq!((done.unwrap(), made), (0, 4));
        assert_eq!(ever.metrics.errors.counts(), (4, 0, 4));
        let never = policy(Tolerance::None, Some(0));
        let (done, made) = attempts(&never, &[2]);
        assert_eq!(
            (done.unwrap(), made, never.metrics.errors.counts()),
            (2, 1, (0, 0, 0)),
            "the rows are still failing"
        );
        let (done, made) = attempts(&policy(Tolerance::None, Some(20)), &[1; 10_000]);
        assert_eq!(done.unwrap(), 1);
        assert!((2..10_000).contains(&made), "{made}");
    }

    #[test]
    fn an_order_to_stop_ends_the_attempts() {
        let policy = policy(Tolerance::None, None);
        policy.stop.cancel();
        let (done, made) = attempts(&policy, &[1; 9]);
        assert_eq!((done.unwrap_err().kind(), made), (millstream_api::ErrorKind::Stopped, 1));
    }

    fn failure(row: usize, stage: Stage, error: Error) -> StageFailure {
        StageFailure { row, stage, class: "X", error }
    }

    #[test]
    fn a_row_fails_once_and_rows_after_the_one_that_fails_the_task_do_not_count() {
        let failures = || {
            StageFailure::one_a_row(vec![
                failure(7, Stage::KeyConverter, Error::data("key of 7")),
                failure(7, Stage::ValueConverter, Error::data("value of 7")),
                failure(2, Stage::ValueConverter, Error::data("value of 2")),
                failure(8, Stage::Transformation, Error::internal("a bug")),
                failure(9, Stage::Transformation, Error::data("later")),
            ])
        };
        let shown: Vec<_> = failures().iter().map(|f| (f.row, f.error.message().to_owned())).collect();
        assert_eq!(shown[..2], [(2, "value of 2".to_owned()), (7, "key of 7".to_owned())]);
        let (id, origin) = (TaskId::new("a", 0), TopicPartition::new("t", 0));
        for (tolerance, message, counts) in
            [(Tolerance::All, "a bug", (3, 2, 0)), (Tolerance::None, "value of 2", (1, 0, 0))]
        {
            let policy = policy(tolerance, Some(0));
            let error = policy.not_put(&id, &origin, |row| row as i64 + 10, failures()).unwrap_err();
            assert_eq!(error.message(), message);
            assert!(error.to_string().contains("offset 1"), "{error}");
            assert_eq!(policy.metrics.errors.counts(), counts);
        }
        let policy = policy(Tolerance::All, Some(0));
        assert!(policy.not_sent(&id, "t", vec![failure(0, Stage::HeaderConverter, Error::data("h"))]).is_ok());
        assert_eq!(policy.metrics.errors.counts(), (1, 1, 0));
    }
}
