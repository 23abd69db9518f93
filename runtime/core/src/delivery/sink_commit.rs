//! Which consumer offsets a sink task may commit.

use std::collections::BTreeSet;

use millstream_api::{PartitionOffsets, TopicPartition};

/// What is known of the partitions of a sink task.
#[derive(Debug, Default)]
pub struct SinkPositions {
    /// The partitions that are its own.
    pub assigned: BTreeSet<TopicPartition>,
    /// The positions after what was delivered to it; without a record yet, where reading began.
    pub delivered: PartitionOffsets,
    /// What was committed last; without a commit yet, where reading began.
    pub committed: PartitionOffsets,
    /// Of those in `committed`, the ones that the group has not: nobody else knows where reading began.
    pub unheld: BTreeSet<TopicPartition>,
}

impl SinkPositions {
    /// A partition is given to the task; reading of it begins at an offset that the group has committed, or has not.
    pub fn begin(&mut self, partition: &TopicPartition, offset: i64, committed: bool) {
        self.delivered.insert(partition.clone(), offset);
        self.committed.insert(partition.clone(), offset);
        if !committed {
            self.unheld.insert(partition.clone());
        }
    }

    /// These offsets are committed.
    pub fn committed(&mut self, offsets: PartitionOffsets) {
        for partition in offsets.keys() {
            self.unheld.remove(partition);
        }
        self.committed.extend(offsets);
    }

    /// A partition is no longer the task's.
    pub fn end(&mut self, partition: &TopicPartition) {
        self.assigned.remove(partition);
        self.delivered.remove(partition);
        self.committed.remove(partition);
        self.unheld.remove(partition);
    }

    /// What of the task's `pre_commit` answer is committed, and what is refused.
    ///
    /// Refused, with the offset the task gave, is what lies beyond the records delivered to it (or below zero): committing it would
    /// skip records. Partitions that are not assigned are dropped: they belong to another task now. What is committed already is left
    /// out. An offset before the committed one is committed: the task asks to read those records again.
    ///
    /// As in Java, nothing is committed while nothing moves, and the first commit holds the place of every partition, also of those that
    /// do not: what is written to them later must be read, wherever `auto.offset.reset` would begin by then.
    pub fn to_commit(&self, pre_commit: &PartitionOffsets) -> (PartitionOffsets, Vec<(TopicPartition, i64)>) {
        let (mut to_commit, mut refused) = (PartitionOffsets::new(), Vec::new());
        for (partition, &offset) in pre_commit.iter().filter(|(partition, _)| self.assigned.contains(*partition)) {
            if self.committed.get(partition) == Some(&offset) {
                continue;
            }
            let limit = self.delivered.get(partition).copied().unwrap_or(-1);
            if (0..=limit).contains(&offset) {
                to_commit.insert(partition.clone(), offset);
            } else {
                refused.push((partition.clone(), offset));
            }
        }
        if !to_commit.is_empty() {
            for partition in self.unheld.intersection(&self.assigned) {
                if let (false, Some(&begin)) = (to_commit.contains_key(partition), self.committed.get(partition)) {
                    to_commit.insert(partition.clone(), begin);
                }
            }
        }
        (to_commit, refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offsets(pairs: &[(i32, i64)]) -> PartitionOffsets {
        pairs.iter().map(|(p, offset)| (TopicPartition::new("t", *p), *offset)).collect()
    }

    fn partitions(numbers: impl IntoIterator<Item = i32>) -> BTreeSet<TopicPartition> {
        numbers.into_iter().map(|p| TopicPartition::new("t", p)).collect()
    }

    #[test]
    fn each_rule() {
        let pre_commit = offsets(&[(0, 5), (1, 6), (2, 5), (3, 5), (4, 3), (5, 1), (6, -1)]);
        let positions = SinkPositions {
            assigned: partitions([0, 1, 3, 4, 5, 6]),
            delivered: offsets(&[(0, 5), (1, 5), (2, 5), (3, 9), (4, 9), (6, 4)]),
            committed: offsets(&[(0, 4), (3, 5), (4, 8)]),
            unheld: BTreeSet::new(),
        };
        let (to_commit, refused) = positions.to_commit(&pre_commit);
        assert_eq!(to_commit, offsets(&[(0, 5), (4, 3)]));
        assert_eq!(refused, [(1, 6), (5, 1), (6, -1)].map(|(p, o)| (TopicPartition::new("t", p), o)));
    }

    #[test]
    fn the_first_commit_holds_every_partition_and_there_is_none_while_nothing_moves() {
        let mut positions = SinkPositions { assigned: partitions(0..4), ..SinkPositions::default() };
        for (partition, begin, committed) in [(0, 0, false), (1, 7, false), (2, 9, true), (3, 0, false)] {
            positions.begin(&TopicPartition::new("t", partition), begin, committed);
        }
        assert_eq!(positions.to_commit(&positions.delivered).0, offsets(&[]));
        positions.delivered.extend(offsets(&[(0, 3)]));
        // The task says nothing of the partitions that do not move, and what it says of the last is refused.
        let (to_commit, refused) = positions.to_commit(&offsets(&[(0, 2), (3, 1)]));
        assert_eq!((to_commit.clone(), refused.len()), (offsets(&[(0, 2), (1, 7), (3, 0)]), 1));
        positions.committed(to_commit);
        assert_eq!(positions.to_commit(&positions.delivered).0, offsets(&[(0, 3)]));
        positions.end(&TopicPartition::new("t", 0));
        assert_eq!(positions.to_commit(&offsets(&[(0, 3)])).0, offsets(&[]));
    }

    proptest! {
        #[test]
        fn never_ahead_of_delivered_nor_of_others(
            maps in prop::array::uniform3(prop::collection::vec((0..4i32, -2..6i64), 0..6)),
            assigned in prop::collection::btree_set(0..4i32, 0..4),
            begun in prop::collection::btree_map(0..4i32, 0..6i64, 0..4),
        ) {
            let [pre_commit, delivered, committed] = maps.map(|pairs| offsets(&pairs));
            let mut positions =
                SinkPositions { assigned: partitions(assigned), delivered, committed, unheld: BTreeSet::new() };
            for (partition, begin) in begun {
                positions.begin(&TopicPartition::new("t", partition), begin, false);
            }
            let (to_commit, _) = positions.to_commit(&pre_commit);
            for (partition, offset) in &to_commit {
                prop_assert!(positions.assigned.contains(partition) && positions.delivered[partition] >= *offset && *offset >= 0);
                prop_assert!(positions.committed.get(partition) != Some(offset) || positions.unheld.contains(partition));
            }
        }
    }
}
