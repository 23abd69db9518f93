//! What rows that cannot be handled do: fail the task, or be skipped and told.

use std::sync::Arc;

use millstream_api::{Error, Result, RowFailure, TaskId, TopicPartition};
use millstream_core::delivery::{Stage, Tolerance};
use millstream_core::settings::ErrorSettings;

use crate::observe::metrics::TaskMetrics;

/// `errors.tolerance` and `errors.log.enable` of a connector, applied to failed rows.
#[derive(Clone, Debug)]
pub struct FailurePolicy {
    /// `errors.tolerance`.
    pub tolerance: Tolerance,
    /// `errors.log.enable`.
    pub log: bool,
    /// Where they are counted.
    pub metrics: Arc<TaskMetrics>,
}

impl FailurePolicy {
    /// As a connector's settings say.
    pub fn new(settings: &ErrorSettings, metrics: Arc<TaskMetrics>) -> Self {
        Self { tolerance: settings.tolerance, log: settings.log_enable, metrics }
    }

    /// Rows of a source that could not be read or encoded. `Ok`: they are skipped.
    pub fn source_failures(&self, id: &TaskId, stage: Stage, failures: Vec<Error>) -> Result<()> {
        let skipped = self.counted(self.tolerance.source_failures(id, stage.as_str(), failures))?;
        self.tell(id, stage, skipped.iter());
        Ok(())
    }

    /// Records of a sink; `offset_of` gives the offset of a row. `Ok`: they are skipped.
    pub fn sink_failures(
        &self,
        id: &TaskId,
        stage: Stage,
        origin: &TopicPartition,
        offset_of: impl Fn(usize) -> i64,
        failures: Vec<RowFailure>,
    ) -> Result<()> {
        let skipped = self.counted(self.tolerance.on_failures(stage, origin, offset_of, failures))?;
        self.tell(id, stage, skipped.iter().map(|failure| &failure.error));
        Ok(())
    }

    fn counted<T>(&self, decided: Result<Vec<T>>) -> Result<Vec<T>> {
        let errors = &self.metrics.errors;
        match &decided {
            Ok(skipped) => {
                errors.failed(skipped.len());
                errors.skipped(skipped.len());
            }
            Err(_) => errors.failed(1),
        }
        decided
    }

    fn tell<'a>(&self, id: &TaskId, stage: Stage, skipped: impl ExactSizeIterator<Item = &'a Error>) {
        let records = skipped.len();
        if records == 0 {
            return;
        }
        if self.log {
            self.metrics.errors.logged(records);
            for error in skipped {
                tracing::error!(task = %id, %error, "record skipped");
            }
        }
        tracing::warn!(task = %id, stage = stage.as_str(), records, "records skipped by errors.tolerance=all");
    }
}
