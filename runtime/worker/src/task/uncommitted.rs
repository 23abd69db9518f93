//! How many records a sink task was given whose offsets are not committed: `sink-record-active-count`.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_api::{PartitionOffsets, TopicPartition};

use crate::observe::metrics::TaskMetrics;

/// Per partition, the first offset that is not committed and the one after the last given to the task.
pub(super) struct Uncommitted {
    ranges: BTreeMap<TopicPartition, (i64, i64)>,
    metrics: Arc<TaskMetrics>,
}

impl Uncommitted {
    pub(super) fn new(metrics: Arc<TaskMetrics>) -> Self {
        Self { ranges: BTreeMap::new(), metrics }
    }

    pub(super) fn given(&mut self, partition: &TopicPartition, first: i64, next: i64) {
        match self.ranges.get_mut(partition) {
            Some((_, end)) => *end = next,
            None => {
                self.ranges.insert(partition.clone(), (first, next));
            }
        }
        self.tell();
    }

    pub(super) fn committed(&mut self, offsets: &PartitionOffsets) {
        for (partition, offset) in offsets {
            if let Some((first, _)) = self.ranges.get_mut(partition) {
                *first = *offset;
            }
        }
        self.tell();
    }

    /// The task goes back to this offset.
    pub(super) fn back_to(&mut self, partition: &TopicPartition, offset: i64) {
        if let Some((first, end)) = self.ranges.get_mut(partition) {
            (*first, *end) = ((*first).min(offset), offset);
        }
        self.tell();
    }

    pub(super) fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.ranges.remove(partition);
        }
        self.tell();
    }

    fn tell(&self) {
        self.metrics.uncommitted(self.ranges.values().map(|(first, end)| (end - first).max(0)).sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_was_given_and_not_committed() {
        let metrics = crate::testing::task_metrics();
        let mut uncommitted = Uncommitted::new(metrics.clone());
        let (a, b) = (TopicPartition::new("t", 0), TopicPartition::new("t", 1));
        uncommitted.given(&a, 5, 10);
        uncommitted.given(&a, 10, 12);
        uncommitted.given(&b, 0, 1);
        assert_eq!(metrics.active(), 8.0);
        uncommitted.committed(&PartitionOffsets::from([(a.clone(), 9)]));
        assert_eq!(metrics.active(), 4.0);
        uncommitted.back_to(&a, 10);
        assert_eq!(metrics.active(), 2.0);
        uncommitted.forget(&[a]);
        assert_eq!(metrics.active(), 1.0);
    }
}
