//! The decode stage of a sink task: bytes of one partition to batches, on the fetch thread.

use std::sync::Arc;

use super::dead_letter::{DeadLetters, Rejected, kept_bytes};
use super::failures::FailurePolicy;
use arrow::array::UInt32Array;
use millstream_api::{
    Batch, Column, Converter, Decoded, MemoryBudget, Reservation, Result, RowFailure, SinkBatch, TaskId, TopicPartition,
};

use millstream_core::delivery::Stage;

use super::byte_queue::ByteSender;
use crate::kafka::consumer::{RawRun, RunSink};
use crate::observe::metrics;

/// Decoded records of one partition.
pub struct Fetched {
    /// Where they come from.
    pub origin: TopicPartition,
    /// The records, cut where a schema changes. Records that were skipped are in none.
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
    /// Bytes the batches hold, counted until the task has taken them.
    memory: Reservation,
}

/// Owned by the fetch thread.
pub struct SinkDecoder {
    /// Which task this is.
    pub id: TaskId,
    /// Key converter.
    pub keys: Box<dyn Converter>,
    /// Value converter.
    pub values: Box<dyn Converter>,
    /// What a record that cannot be decoded does.
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
        let metrics = self.failures.metrics.clone();
        let (keys, values) = metrics.timed(metrics::Stage::Decode, || {
            (self.keys.decode(&run.origin.topic, &run.keys), self.values.decode(&run.origin.topic, &run.values))
        });
        let rows = run.offsets.len();
        metrics.read(rows);
        let (mut keep, mut rejected) = (vec![true; rows], Vec::new());
        self.skip(Stage::KeyConverter, &run, keys.failures, &mut keep, &mut rejected)?;
        self.skip(Stage::ValueConverter, &run, values.failures, &mut keep, &mut rejected)?;
        rejected.sort_by_key(|rejected| rejected.row);
        let (first_offset, next_offset) =
            if rows == 0 { (0, 0) } else { (run.offsets.value(0), run.offsets.value(rows - 1) + 1) };
        let batches = cut(
            &run,
            Decoded { runs: keys.runs, failures: Vec::new() },
            Decoded { runs: values.runs, failures: Vec::new() },
            &keep,
        )?;
        let mut bytes = batches.iter().map(|b| b.batch.byte_size()).sum();
        let (origin, seek) = (run.origin.clone(), run.seek);
        let raw = self.letters.is_some().then(|| Arc::new(run));
        if let Some(raw) = &raw {
            bytes += kept_bytes(raw);
        }
        let memory = self.budget.reserve(bytes);
        Ok(Fetched { origin, batches, first_offset, next_offset, seek, raw, rejected, memory })
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

impl SinkDecoder {
    fn skip(
        &self,
        stage: Stage,
        run: &RawRun,
        failures: Vec<RowFailure>,
        keep: &mut [bool],
        rejected: &mut Vec<Rejected>,
    ) -> Result<()> {
        if failures.is_empty() {
            return Ok(());
        }
        for RowFailure { row, error } in &failures {
            let Some(slot) = keep.get_mut(*row) else { continue };
            // One letter for a record whose key and value are both bad.
            if std::mem::replace(slot, false)
                && let Some(letters) = &self.letters
            {
                rejected.push(Rejected { row: *row, reason: letters.not_converted(stage, error) });
            }
        }
        let last = run.offsets.len().saturating_sub(1);
        self.failures.sink_failures(&self.id, stage, &run.origin, |row| run.offsets.value(row.min(last)), failures)
    }
}

/// Joins key runs and value runs into batches of one key schema and one value schema, leaving out rows that failed.
fn cut(run: &RawRun, keys: Decoded, values: Decoded, keep: &[bool]) -> Result<Vec<SinkBatch>> {
    let mut batches = Vec::new();
    let mut keys = keys.runs.into_iter().peekable();
    for value_run in values.runs {
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
                headers: if run.headers.is_empty() { run.headers.clone() } else { run.headers.take(start..end) },
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

    fn runs(bounds: &[usize]) -> Decoded {
        let runs = bounds.windows(2).map(|w| DecodedRun {
            rows: w[0]..w[1],
            column: Column::schemaless(StringArray::from_iter_values((w[0]..w[1]).map(|i| i.to_string()))),
        });
        Decoded { runs: runs.collect(), failures: Vec::new() }
    }

    #[test]
    fn key_and_value_runs_are_intersected_and_failed_rows_left_out() {
        let keep = [true, true, true, false, true, true];
        let batches = cut(&run(6), runs(&[0, 2, 6]), runs(&[0, 3, 5, 6]), &keep).unwrap();
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
        assert!(cut(&run(2), runs(&[0, 2]), runs(&[0, 2]), &[false, false]).unwrap().is_empty());
    }
}
