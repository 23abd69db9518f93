//! The decode and transform stage of a sink task: bytes of one partition to batches, on the fetch thread.

use std::sync::Arc;

use arrow::array::UInt32Array;
use millstream_api::{Batch, Column, Error, MemoryBudget, Reservation, Result, SinkBatch, TaskId, TopicPartition};
use millstream_core::delivery::Stage;

use super::byte_queue::ByteSender;
use super::chain::{Plugins, Read};
use super::dead_letter::{DeadLetters, Reason, Rejected, kept_bytes};
use super::failures::{FailurePolicy, StageFailure};
use crate::kafka::consumer::{RawRun, RunSink};

/// Decoded records of one partition.
pub struct Fetched {
    /// Where they come from.
    pub origin: TopicPartition,
    /// The records as the transformations left them, cut where a schema changes. Records that were skipped or dropped are in none.
    pub batches: Vec<SinkBatch>,
    /// The offset of the first record, skipped ones included.
    pub first_offset: i64,
    /// The offset after the last record, skipped ones included.
    pub next_offset: i64,
    /// The last seek served before these records were fetched.
    pub seek: u64,
    /// The records as they were read; only with a dead letter queue.
    pub raw: Option<Arc<RawRun>>,
    /// Rows of `raw` for the dead letter queue.
    pub rejected: Vec<Rejected>,
    /// A record of them could be read, whatever the transformations made of it: its topic then counts as used, as in Java.
    pub read: bool,
    /// What fails the task when their turn has come; there is no batch then.
    pub failure: Option<Error>,
    /// Bytes the batches hold, counted until the task has taken them.
    memory: Reservation,
}

/// Owned by the fetch thread.
pub struct SinkDecoder {
    /// Which task this is.
    pub id: TaskId,
    /// Converters and transformations.
    pub plugins: Plugins,
    /// What a record that they cannot handle does.
    pub failures: FailurePolicy,
    /// Where such records go, if anywhere.
    pub letters: Option<Arc<DeadLetters>>,
    /// The worker's memory budget.
    pub budget: MemoryBudget,
    /// To the task.
    pub queue: ByteSender<Fetched>,
}

impl RunSink for SinkDecoder {
    type Item = Fetched;

    fn decode(&mut self, run: RawRun) -> Result<Fetched> {
        let rows = run.offsets.len();
        let (read, mut failures) = self.plugins.decode(&run)?;
        self.failures.metrics.read(rows);
        let mut keep = vec![true; rows];
        for failure in &failures {
            if let Some(slot) = keep.get_mut(failure.row) {
                *slot = false;
            }
        }
        let batches = cut(&run, read, &keep)?;
        let mut batches = self.plugins.transform_consumed(batches, &run, &mut failures)?;
        let Verdict { read, rejected, failure } = self.judge(&run, StageFailure::one_a_row(failures));
        if failure.is_some() {
            batches.clear();
        }
        let (first_offset, next_offset) =
            if rows == 0 { (0, 0) } else { (run.offsets.value(0), run.offsets.value(rows - 1) + 1) };
        let mut bytes = batches.iter().map(|b| b.batch.byte_size()).sum();
        let (origin, seek) = (run.origin.clone(), run.seek);
        let raw = self.letters.is_some().then(|| Arc::new(run));
        if let Some(raw) = &raw {
            bytes += kept_bytes(raw);
        }
        let memory = self.budget.reserve(bytes);
        Ok(Fetched { origin, batches, first_offset, next_offset, seek, raw, rejected, read, failure, memory })
    }

    fn offer(&mut self, item: Fetched) -> std::result::Result<(), Option<Fetched>> {
        let Some(room) = self.queue.try_room(item.memory.bytes()) else { return Err(Some(item)) };
        if self.queue.send_into(room, item) { Ok(()) } else { Err(None) }
    }

    fn may_fetch(&self) -> bool {
        // Above the budget every task keeps one batch going: without it, what holds the memory might never be written.
        !self.budget.is_exceeded() || self.queue.is_empty()
    }

    fn origin(item: &Fetched) -> &TopicPartition {
        &item.origin
    }
}

/// What follows from the rows of a run that failed.
struct Verdict {
    /// A row was read, whatever the transformations made of it.
    read: bool,
    /// Rows for the dead letter queue.
    rejected: Vec<Rejected>,
    /// What fails the task.
    failure: Option<Error>,
}

impl SinkDecoder {
    /// Decides about failed rows. The one that fails the task is the last row that is looked at, and goes to the queue too.
    fn judge(&self, run: &RawRun, mut failures: Vec<StageFailure>) -> Verdict {
        let policy = &self.failures;
        let mut looked_at = run.offsets.len();
        let mut fatal = failures.iter().enumerate().filter(|(_, failure)| !policy.tolerance.allows(&failure.error));
        if let Some((last, row)) = fatal.next().map(|(last, failure)| (last, failure.row)) {
            looked_at = row + 1;
            failures.truncate(last + 1);
        }
        let read = failures.iter().filter(|failure| failure.stage != Stage::Transformation).count() < looked_at;
        let letter = |failure: &StageFailure| Rejected {
            row: failure.row,
            reason: Reason::of(failure.stage, failure.class, &failure.error),
        };
        let rejected = if self.letters.is_some() { failures.iter().map(letter).collect() } else { Vec::new() };
        let offset_of = |row: usize| run.offsets.values().get(row).copied().unwrap_or_default();
        let failure = policy.not_put(&self.id, &run.origin, offset_of, failures).err();
        Verdict { read, rejected, failure }
    }
}

/// Joins key runs and value runs into batches of one key schema and one value schema, leaving out rows that failed.
fn cut(run: &RawRun, read: Read, keep: &[bool]) -> Result<Vec<SinkBatch>> {
    let mut batches = Vec::new();
    let mut keys = read.keys.into_iter().peekable();
    for value_run in read.values {
        let mut start = value_run.rows.start;
        while start < value_run.rows.end {
            while keys.peek().is_some_and(|k| k.rows.end <= start) {
                keys.next();
            }
            let key_end = keys.peek().map_or(usize::MAX, |k| k.rows.end);
            let end = value_run.rows.end.min(key_end);
            let key = match keys.peek() {
                Some(k) => k.column.slice(start - k.rows.start, end - start),
                None => Column::absent(end - start),
            };
            let batch = Batch {
                topic: run.origin.topic.clone(),
                partitions: None,
                key,
                value: value_run.column.slice(start - value_run.rows.start, end - start),
                timestamps: Some(run.timestamps.slice(start, end - start)),
                headers: if end - start == keep.len() { read.headers.clone() } else { read.headers.take(start..end) },
            };
            let batch = SinkBatch { batch, origin: run.origin.clone(), offsets: run.offsets.slice(start, end - start) };
            batches.extend(without_failed(batch, &keep[start..end])?);
            start = end;
        }
    }
    Ok(batches)
}

fn without_failed(batch: SinkBatch, keep: &[bool]) -> Result<Option<SinkBatch>> {
    if keep.iter().all(|&k| k) {
        return Ok(Some(batch));
    }
    let rows = UInt32Array::from_iter_values((0..keep.len()).filter(|&i| keep[i]).map(|i| i as u32));
    if rows.is_empty() {
        return Ok(None);
    }
    let offsets = rows.values().iter().map(|&i| batch.offsets.value(i as usize)).collect::<Vec<_>>().into();
    Ok(Some(SinkBatch { batch: batch.batch.take(&rows)?, origin: batch.origin, offsets }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, BinaryArray, Int64Array, StringArray};
    use millstream_api::{DecodedRun, Headers};

    fn run(rows: i64) -> RawRun {
        RawRun {
            origin: TopicPartition::new("t", 0),
            offsets: Int64Array::from_iter_values(10..10 + rows),
            timestamps: Int64Array::from_iter_values(0..rows),
            keys: BinaryArray::from_iter_values((0..rows).map(|_| b"k")),
            values: BinaryArray::from_iter_values((0..rows).map(|_| b"v")),
            headers: Headers::none(),
            seek: 0,
        }
    }

    fn runs(bounds: &[usize]) -> Vec<DecodedRun> {
        let runs = bounds.windows(2).map(|w| DecodedRun {
            rows: w[0]..w[1],
            column: Column::schemaless(StringArray::from_iter_values((w[0]..w[1]).map(|i| i.to_string()))),
        });
        runs.collect()
    }

    fn read(keys: &[usize], values: &[usize]) -> Read {
        Read { keys: runs(keys), values: runs(values), headers: Headers::none() }
    }

    #[test]
    fn key_and_value_runs_are_intersected_and_failed_rows_left_out() {
        let keep = [true, true, true, false, true, true];
        let batches = cut(&run(6), read(&[0, 2, 6], &[0, 3, 5, 6]), &keep).unwrap();
        let offsets: Vec<Vec<i64>> = batches.iter().map(|b| b.offsets.values().to_vec()).collect();
        assert_eq!(offsets, [vec![10, 11], vec![12], vec![14], vec![15]]);
        let values: Vec<_> = batches
            .iter()
            .flat_map(|b| {
                let column = arrow::array::AsArray::as_string::<i32>(b.batch.value.array().as_ref()).clone();
                (0..column.len()).map(move |i| column.value(i).to_owned()).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(values, ["0", "1", "2", "4", "5"]);
        assert!(batches.iter().all(|b| b.batch.key.len() == b.len()));
    }

    #[test]
    fn a_run_of_failed_rows_gives_no_batch() {
        assert!(cut(&run(2), read(&[0, 2], &[0, 2]), &[false, false]).unwrap().is_empty());
    }
}
