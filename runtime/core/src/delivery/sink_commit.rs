//! Which consumer offsets a sink task may commit.

use std::collections::BTreeSet;

use millstream_api::{PartitionOffsets, TopicPartition};

/// What of the task's `pre_commit` answer is committed, and what is refused.
///
/// Refused, with the offset the task gave, is what lies beyond the records delivered to it (or below zero): committing it would
/// skip records. Partitions that are not assigned are dropped: they belong to another task now. What is committed already is left
/// out. An offset before the committed one is committed: the task asks to read those records again.
pub fn decide(
    pre_commit: &PartitionOffsets,
    delivered: &PartitionOffsets,
    committed: &PartitionOffsets,
    assigned: &BTreeSet<TopicPartition>,
) -> (PartitionOffsets, Vec<(TopicPartition, i64)>) {
    let (mut to_commit, mut refused) = (PartitionOffsets::new(), Vec::new());
    for (partition, &offset) in pre_commit.iter().filter(|(partition, _)| assigned.contains(*partition)) {
        if committed.get(partition) == Some(&offset) {
            continue;
        }
        let limit = delivered.get(partition).copied().unwrap_or(-1);
        if (0..=limit).contains(&offset) {
            to_commit.insert(partition.clone(), offset);
        } else {
            refused.push((partition.clone(), offset));
        }
    }
    (to_commit, refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offsets(pairs: &[(i32, i64)]) -> PartitionOffsets {
        pairs.iter().map(|(p, offset)| (TopicPartition::new("t", *p), *offset)).collect()
    }

    #[test]
    fn each_rule() {
        let pre_commit = offsets(&[(0, 5), (1, 6), (2, 5), (3, 5), (4, 3), (5, 1), (6, -1)]);
        let delivered = offsets(&[(0, 5), (1, 5), (2, 5), (3, 9), (4, 9), (6, 4)]);
        let committed = offsets(&[(0, 4), (3, 5), (4, 8)]);
        let assigned = [0, 1, 3, 4, 5, 6].map(|p| TopicPartition::new("t", p)).into_iter().collect();
        let (to_commit, refused) = decide(&pre_commit, &delivered, &committed, &assigned);
        assert_eq!(to_commit, offsets(&[(0, 5), (4, 3)]));
        assert_eq!(refused, [(1, 6), (5, 1), (6, -1)].map(|(p, o)| (TopicPartition::new("t", p), o)));
    }

    proptest! {
        #[test]
        fn never_ahead_of_delivered_nor_of_others(
            maps in prop::array::uniform3(prop::collection::vec((0..4i32, -2..6i64), 0..6)),
            assigned in prop::collection::btree_set(0..4i32, 0..4),
        ) {
            let [pre_commit, delivered, committed] = maps.map(|pairs| offsets(&pairs));
            let assigned = assigned.into_iter().map(|p| TopicPartition::new("t", p)).collect();
            let (to_commit, _) = decide(&pre_commit, &delivered, &committed, &assigned);
            for (partition, offset) in &to_commit {
                prop_assert!(assigned.contains(partition) && delivered[partition] >= *offset && *offset >= 0);
                prop_assert!(committed.get(partition) != Some(offset));
            }
        }
    }
}
