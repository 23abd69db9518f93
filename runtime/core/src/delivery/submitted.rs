//! Which source offsets may be stored: those before which everything is acknowledged.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use indexmap::IndexMap;
use millstream_api::{SourceOffset, SourcePartition};

/// The batches of a source task that were sent, in the order submitted, and what of them Kafka has acknowledged.
///
/// Source partitions are independent: a batch that hangs holds back the offsets of its own partition only.
#[derive(Debug, Default)]
pub struct Submitted {
    next: u64,
    partitions: IndexMap<Arc<SourcePartition>, Prefix>,
    /// Batches on their way, and whose they are.
    outstanding: HashMap<u64, Arc<SourcePartition>>,
}

#[derive(Debug, Default)]
struct Prefix {
    /// From the first batch that is not acknowledged on, by ascending id.
    batches: VecDeque<Batch>,
    /// The newest offset of the acknowledged prefix that was not handed out yet.
    committable: Option<SourceOffset>,
}

#[derive(Debug)]
struct Batch {
    id: u64,
    acked: bool,
    offset: Option<SourceOffset>,
}

impl Submitted {
    /// Nothing sent yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch is about to be sent. The answer names it for [`Submitted::ack`]. `offset` is the position that holds after it;
    /// `None`: this batch does not move the position.
    pub fn submit(&mut self, partition: &Arc<SourcePartition>, offset: Option<SourceOffset>) -> u64 {
        let id = self.next;
        self.next += 1;
        let prefix = self.partitions.entry(partition.clone()).or_default();
        prefix.batches.push_back(Batch { id, acked: false, offset });
        self.outstanding.insert(id, partition.clone());
        id
    }

    /// Every record of a batch is durable in Kafka (or was skipped on purpose). Unknown and repeated ids change nothing.
    pub fn ack(&mut self, id: u64) {
        let Some(partition) = self.outstanding.remove(&id) else { return };
        let Some(prefix) = self.partitions.get_mut(&partition) else { return };
        if let Ok(at) = prefix.batches.binary_search_by_key(&id, |batch| batch.id)
            && let Some(batch) = prefix.batches.get_mut(at)
        {
            batch.acked = true;
        }
        while let Some(batch) = prefix.batches.pop_front_if(|batch| batch.acked) {
            prefix.committable = batch.offset.or(prefix.committable.take());
        }
        if prefix.batches.is_empty() && prefix.committable.is_none() {
            self.partitions.swap_remove(&partition);
        }
    }

    /// The newest offset of each partition before which everything is acknowledged. Each is handed out once; who cannot store it
    /// keeps it, or has a newer one next time.
    pub fn committable(&mut self) -> Vec<(Arc<SourcePartition>, SourceOffset)> {
        let mut offsets = Vec::new();
        self.partitions.retain(|partition, prefix| {
            offsets.extend(prefix.committable.take().map(|offset| (partition.clone(), offset)));
            !prefix.batches.is_empty()
        });
        offsets
    }

    /// Batches that are not acknowledged.
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn partition(number: u8) -> Arc<SourcePartition> {
        Arc::new(SourcePartition(json!({"p": number}).as_object().unwrap().clone()))
    }

    fn offset(position: u64) -> SourceOffset {
        SourceOffset::Map(json!({"n": position}).as_object().unwrap().clone())
    }

    #[test]
    fn a_hole_holds_back_its_own_partition_only() {
        let mut submitted = Submitted::new();
        let (a, b) = (partition(0), partition(1));
        let a1 = submitted.submit(&a, Some(offset(1)));
        let a2 = submitted.submit(&a, Some(offset(2)));
        let b1 = submitted.submit(&b, Some(SourceOffset::Null));
        submitted.ack(a2);
        submitted.ack(b1);
        assert_eq!(submitted.committable(), [(b.clone(), SourceOffset::Null)]);
        assert_eq!(submitted.outstanding(), 1);
        submitted.ack(a1);
        submitted.ack(a1);
        assert_eq!(submitted.committable(), [(a, offset(2))]);
        assert!(submitted.committable().is_empty() && submitted.outstanding() == 0);
    }

    #[test]
    fn a_batch_without_offset_keeps_the_earlier_one() {
        let mut submitted = Submitted::new();
        let a = partition(0);
        let ids = [Some(offset(1)), None].map(|offset| submitted.submit(&a, offset));
        for id in ids {
            submitted.ack(id);
        }
        assert_eq!(submitted.committable(), [(a.clone(), offset(1))]);
        let id = submitted.submit(&a, None);
        submitted.ack(id);
        assert!(submitted.committable().is_empty());
        assert!(submitted.partitions.is_empty(), "idle partitions hold no memory");
    }

    /// What it must mean, with all batches ever submitted.
    #[derive(Default)]
    struct Model {
        batches: Vec<(u8, Option<u64>, bool)>,
        given: HashMap<u8, u64>,
    }

    impl Model {
        fn committable(&mut self) -> Vec<(u8, u64)> {
            let mut all = Vec::new();
            for p in 0..3 {
                let own = self.batches.iter().filter(|(of, ..)| *of == p);
                let newest = own.take_while(|(.., acked)| *acked).filter_map(|(_, offset, _)| *offset).last();
                if let Some(newest) = newest
                    && self.given.insert(p, newest) != Some(newest)
                {
                    all.push((p, newest));
                }
            }
            all
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_model(steps in prop::collection::vec((0u8..4, 0u8..3, any::<prop::sample::Index>()), 0..200)) {
            let (mut submitted, mut model) = (Submitted::new(), Model::default());
            for (step, p, index) in steps {
                match step {
                    0 | 1 => {
                        let position = (step == 0).then_some(model.batches.len() as u64);
                        let id = submitted.submit(&partition(p), position.map(offset));
                        prop_assert_eq!(id as usize, model.batches.len());
                        model.batches.push((p, position, false));
                    }
                    2 if !model.batches.is_empty() => {
                        let id = index.index(model.batches.len());
                        submitted.ack(id as u64);
                        model.batches[id].2 = true;
                    }
                    _ => {
                        let mut got = submitted.committable();
                        got.sort_by_key(|(p, _)| p.canonical());
                        let expected: Vec<_> =
                            model.committable().into_iter().map(|(p, n)| (partition(p), offset(n))).collect();
                        prop_assert_eq!(got, expected);
                    }
                }
                prop_assert_eq!(submitted.outstanding(), model.batches.iter().filter(|(.., acked)| !acked).count());
            }
        }
    }
}
