//! Records on their way, by their numbers: which batch each belongs to and what is still to be answered.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, Int64Array};
use millstream_api::{Batch, Error};
use parking_lot::Mutex;

use super::{Answered, DeliverySink, Throttle};

/// All records handed over and not answered. Numbers grow by one in the order the records were handed over.
pub struct OnTheirWay {
    batches: Mutex<Batches>,
    sink: Arc<dyn DeliverySink>,
}

#[derive(Default)]
struct Batches {
    /// By their first number; answered ones wait here for those before them.
    open: VecDeque<Open>,
    next: usize,
}

struct Open {
    first: usize,
    batch: u64,
    topic: Arc<str>,
    records: usize,
    bytes: usize,
    /// Those of the records, which librdkafka does not tell of records that came back; and that of records without one.
    timestamps: Option<Int64Array>,
    opened: i64,
    remaining: usize,
    skipped: usize,
    failed: usize,
}

/// What became of a record.
pub enum Outcome {
    /// The broker has it.
    Written,
    /// It cannot be sent, and may be left out.
    Skipped,
    /// It will never be acknowledged.
    Failed(Error),
}

impl OnTheirWay {
    /// None yet.
    pub fn new(sink: Arc<dyn DeliverySink>) -> Self {
        Self { batches: Mutex::default(), sink }
    }

    /// A batch of at least one record, of so many bytes, is about to be handed over. Returns the number of the first.
    pub fn open(&self, id: u64, batch: &Batch, bytes: usize) -> usize {
        let mut batches = self.batches.lock();
        let first = batches.next;
        batches.next += batch.len();
        batches.open.push_back(Open {
            first,
            batch: id,
            topic: batch.topic.clone(),
            records: batch.len(),
            bytes,
            timestamps: batch.timestamps.clone(),
            opened: crate::now_millis(),
            remaining: batch.len(),
            skipped: 0,
            failed: 0,
        });
        first
    }

    /// The timestamp of a record that is not answered: its own, or when it was handed over. Epoch milliseconds.
    pub fn timestamp(&self, number: usize) -> Option<i64> {
        let batches = self.batches.lock();
        let open = batches.open.get(batches.open.partition_point(|open| open.first <= number).checked_sub(1)?)?;
        let row = number - open.first;
        let own = open.timestamps.as_ref().filter(|all| row < all.len() && all.is_valid(row)).map(|all| all.value(row));
        Some(own.unwrap_or(open.opened))
    }

    /// What the producer's statistics say of quotas.
    pub fn throttled(&self, throttle: Throttle) {
        self.sink.throttled(throttle);
    }

    /// A batch without records is acknowledged at once.
    pub fn nothing(&self, batch: u64) {
        self.sink.acked(batch);
    }

    /// True when every record is answered.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.batches.lock().open.is_empty()
    }

    /// A record is answered. Each is answered once.
    pub fn answer(&self, number: usize, outcome: Outcome) {
        let mut batches = self.batches.lock();
        let Some(at) = batches.open.partition_point(|open| open.first <= number).checked_sub(1) else { return };
        let Some(open) = batches.open.get_mut(at) else { return };
        open.remaining = open.remaining.saturating_sub(1);
        let failure = match outcome {
            Outcome::Written => None,
            Outcome::Skipped => {
                open.skipped += 1;
                None
            }
            Outcome::Failed(error) => {
                open.failed += 1;
                (open.failed == 1).then_some((open.batch, error))
            }
        };
        let mut ended = None;
        if open.remaining == 0 {
            let Open { batch, records, bytes, skipped, failed, .. } = *open;
            ended = Some((batch, open.topic.clone(), records, bytes, skipped, failed));
            while batches.open.front().is_some_and(|open| open.remaining == 0) {
                batches.open.pop_front();
            }
        }
        drop(batches);
        if let Some((batch, error)) = failure {
            self.sink.failed(batch, error);
        }
        if let Some((batch, topic, records, bytes, skipped, failed)) = ended {
            self.sink.answered(&Answered { topic: &topic, records, bytes, skipped, failed });
            if failed == 0 {
                self.sink.acked(batch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::StringArray;
    use millstream_api::Column;

    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl DeliverySink for Told {
        fn answered(&self, batch: &Answered<'_>) {
            let Answered { topic, records, bytes, skipped, failed } = batch;
            self.0.lock().push(format!("{topic}: {records} of {bytes}, -{skipped} -{failed}"));
        }

        fn acked(&self, batch: u64) {
            self.0.lock().push(format!("acked {batch}"));
        }

        fn failed(&self, batch: u64, error: Error) {
            self.0.lock().push(format!("failed {batch}: {error}"));
        }
    }

    fn batch(records: usize) -> Batch {
        let mut batch = Batch::of_values("t", Column::schemaless(StringArray::from(vec!["1"; records])));
        batch.timestamps = Some((0..records as i64).map(|n| (n > 0).then_some(n)).collect());
        batch
    }

    #[test]
    fn a_record_has_its_own_timestamp_or_that_of_its_way() {
        let way = OnTheirWay::new(Arc::new(Told::default()));
        way.open(1, &batch(2), 0);
        way.open(2, &batch(3), 0);
        assert_eq!([1, 3, 4].map(|number| way.timestamp(number)), [Some(1), Some(1), Some(2)]);
        assert!(way.timestamp(2).unwrap() > 1_700_000_000_000);
    }

    #[test]
    fn a_batch_is_answered_with_its_last_record_whatever_the_order() {
        let told = Arc::new(Told::default());
        let way = OnTheirWay::new(told.clone());
        assert_eq!((way.open(7, &batch(3), 30), way.open(8, &batch(2), 20)), (0, 3));
        let answer = |number, outcome| {
            way.answer(number, outcome);
            std::mem::take(&mut *told.0.lock())
        };
        assert!(answer(4, Outcome::Written).is_empty() && answer(1, Outcome::Skipped).is_empty());
        assert_eq!(answer(3, Outcome::Written), ["t: 2 of 20, -0 -0", "acked 8"]);
        assert!(answer(0, Outcome::Written).is_empty() && !way.is_empty());
        assert_eq!(answer(2, Outcome::Written), ["t: 3 of 30, -1 -0", "acked 7"]);
        assert!(way.is_empty());
    }

    #[test]
    fn the_first_failure_of_a_batch_is_told_and_it_is_not_acknowledged() {
        let told = Arc::new(Told::default());
        let way = OnTheirWay::new(told.clone());
        way.open(1, &batch(3), 3);
        way.answer(2, Outcome::Failed(Error::fatal("a")));
        way.answer(0, Outcome::Failed(Error::fatal("b")));
        way.answer(1, Outcome::Written);
        assert_eq!(*told.0.lock(), ["failed 1: a", "t: 3 of 3, -0 -2"]);
    }
}
