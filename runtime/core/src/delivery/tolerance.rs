//! What a record that cannot be handled does to its task (KIP-298).

use millstream_api::{Error, ErrorKind, Result, RowFailure, TaskId, TopicPartition};

/// `errors.tolerance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tolerance {
    /// The first bad record fails the task.
    #[default]
    None,
    /// Bad records are skipped.
    All,
}

/// Where a record failed; the names are those of dead letter queue headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A transformation or its predicate.
    Transformation,
    /// Converting the key.
    KeyConverter,
    /// Converting the value.
    ValueConverter,
    /// Converting headers.
    HeaderConverter,
    /// Sending to Kafka.
    KafkaProduce,
    /// Reading from Kafka.
    KafkaConsume,
    /// The sink task's `put`.
    TaskPut,
    /// The source task's `poll`.
    TaskPoll,
}

impl Stage {
    /// The name in headers, logs and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::KafkaProduce => "KAFKA_PRODUCE",
            Self::KafkaConsume => "KAFKA_CONSUME",
            Self::TaskPut => "TASK_PUT",
            Self::TaskPoll => "TASK_POLL",
        }
    }
}

const HINT: &str = "fix the record or its converter, or set errors.tolerance=all to skip such records";

impl Tolerance {
    /// Reads the word of the setting.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// True when failures of this kind may be skipped. A record's own fault may be, and so may one that was retried for as long as
    /// allowed; a broken setting, destination or program would make *every* record vanish, so it fails the task at any tolerance.
    pub fn allows(self, error: &Error) -> bool {
        self == Self::All && matches!(error.kind(), ErrorKind::Data | ErrorKind::Retriable)
    }

    /// Rows of a consumed batch that failed at `stage`; `offset_of` gives the offset of a row.
    ///
    /// `Ok` holds the rows to skip, each error with its place, to log and to send to the dead letter queue; `Err` is the error that
    /// fails the task: the one of the first row, naming topic, partition, offset and stage.
    pub fn on_failures(
        self,
        stage: Stage,
        origin: &TopicPartition,
        offset_of: impl Fn(usize) -> i64,
        mut failures: Vec<RowFailure>,
    ) -> Result<Vec<RowFailure>> {
        failures.sort_by_key(|failure| failure.row);
        let mut skipped = Vec::with_capacity(failures.len());
        for RowFailure { row, error } in failures {
            let allowed = self.allows(&error);
            let place = format!("topic {}, partition {}, offset {}", origin.topic, origin.partition, offset_of(row));
            let error = error.at(place).at(format!("stage {}", stage.as_str()));
            if !allowed {
                return Err(fails_the_task(error));
            }
            skipped.push(RowFailure { row, error });
        }
        Ok(skipped)
    }

    /// Rows of a source that failed: the errors of the rows to skip, for the log, or the error that fails the task. `stage` says
    /// what was being done.
    pub fn source_failures(self, id: &TaskId, stage: &str, failures: Vec<Error>) -> Result<Vec<Error>> {
        let mut skipped = Vec::with_capacity(failures.len());
        for error in failures {
            let allowed = self.allows(&error);
            let error = error.at(format!("stage {stage}")).at(format!("task {id}"));
            if !allowed {
                return Err(fails_the_task(error));
            }
            skipped.push(error);
        }
        Ok(skipped)
    }
}

/// A failed task is not tried again by itself, so the kind must not say so.
fn fails_the_task(error: Error) -> Error {
    let error = if error.is_retriable() { error.with_kind(ErrorKind::Data) } else { error };
    if error.kind() == ErrorKind::Data && error.hint_text().is_none() { error.hint(HINT) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures() -> Vec<RowFailure> {
        vec![
            RowFailure { row: 2, error: Error::data("bad b") },
            RowFailure { row: 1, error: Error::retriable("bad a") },
        ]
    }

    fn decide(tolerance: Tolerance, failures: Vec<RowFailure>) -> Result<Vec<RowFailure>> {
        let origin = TopicPartition::new("t", 3);
        tolerance.on_failures(Stage::ValueConverter, &origin, |row| 100 + row as i64, failures)
    }

    #[test]
    fn none_fails_with_the_first_row() {
        let error = decide(Tolerance::None, failures()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let text = error.to_string();
        for part in ["bad a", "topic t, partition 3, offset 101", "VALUE_CONVERTER", "errors.tolerance=all"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(decide(Tolerance::None, Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn all_skips_rows_but_not_a_broken_world() {
        let skipped = decide(Tolerance::All, failures()).unwrap();
        assert_eq!(skipped.iter().map(|f| f.row).collect::<Vec<_>>(), [1, 2]);
        assert!(skipped[1].error.to_string().contains("offset 102"));
        let mut with_bug = failures();
        with_bug.push(RowFailure { row: 3, error: Error::internal("bug") });
        assert_eq!(decide(Tolerance::All, with_bug).unwrap_err().kind(), ErrorKind::Internal);
    }

    #[test]
    fn sources() {
        let id = TaskId::new("a", 0);
        assert_eq!(Tolerance::All.source_failures(&id, "read", vec![Error::data("x")]).unwrap().len(), 1);
        let error = Tolerance::None.source_failures(&id, "read", vec![Error::data("x")]).unwrap_err();
        assert!(error.to_string().contains("task a-0"));
        assert!(Tolerance::All.source_failures(&id, "read", vec![Error::fatal("gone")]).is_err());
    }
}
