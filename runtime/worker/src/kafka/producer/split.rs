//! Which records of a refused request are too large by themselves, and how small requests must be for the others.

use std::collections::HashMap;
use std::hash::Hash;

/// Bytes that a record takes beside its key, value and headers, generously.
const BESIDE: usize = 64;

/// A record of a request that was refused because of its size.
pub struct TooLarge<P> {
    /// Where it was to go: requests hold records of one partition.
    pub partition: P,
    /// Bytes of key, value and headers.
    pub bytes: usize,
}

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// Indices of the records that no smaller request helps, ascending.
    pub alone: Vec<usize>,
    /// Bytes that a request may hold from now on.
    pub limit: usize,
}

/// Looks at refused records, in their order; requests held up to `limit` bytes.
///
/// Java cuts a refused batch, then halves it, until only records are refused that were alone in theirs. Here it is not known where a
/// request ended: records that would have shared one had they been sent together may have; smaller requests then tell.
pub fn split<P: Eq + Hash>(records: &[TooLarge<P>], limit: usize) -> Split {
    let mut of_partition: HashMap<&P, Vec<usize>> = HashMap::new();
    for (index, record) in records.iter().enumerate() {
        of_partition.entry(&record.partition).or_default().push(index);
    }
    let size = |&index: &usize| records.get(index).map_or(0, |record| record.bytes.saturating_add(BESIDE));
    let (mut alone, mut next) = (Vec::new(), limit);
    for indices in of_partition.into_values() {
        let shared = limit > 1 && indices.windows(2).any(|pair| pair.iter().map(size).sum::<usize>() <= limit);
        if shared {
            let request = indices.iter().map(size).sum::<usize>().min(limit);
            next = next.min((request / 2).max(1));
        } else {
            alone.extend(indices);
        }
    }
    alone.sort_unstable();
    Split { alone, limit: next }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_at(records: &[(i32, usize)], limit: usize) -> Split {
        let records: Vec<_> = records.iter().map(|&(partition, bytes)| TooLarge { partition, bytes }).collect();
        split(&records, limit)
    }

    #[test]
    fn one_record_is_its_own_fault_and_several_share_it() {
        assert_eq!(looked_at(&[(0, 5000)], 1_000_000), Split { alone: vec![0], limit: 1_000_000 });
        assert_eq!(looked_at(&[(0, 936), (0, 936)], 1_000_000), Split { alone: vec![], limit: 1000 });
        let two = looked_at(&[(0, 5000), (1, 936), (1, 936)], 1_000_000);
        assert_eq!(two, Split { alone: vec![0], limit: 1000 }, "requests are of one partition");
        let two = looked_at(&[(0, 600_000), (0, 600_000)], 1_000_000);
        assert_eq!(two, Split { alone: vec![0, 1], limit: 1_000_000 }, "two requests");
    }

    #[test]
    fn it_comes_to_an_end() {
        for bytes in [0, 1, 100, 10_000] {
            let (records, mut limit) = (vec![(0, bytes); 5], 1_000_000);
            let mut rounds = 0;
            loop {
                let split = looked_at(&records, limit);
                if split.alone.len() == records.len() {
                    break;
                }
                assert!(split.limit < limit);
                (limit, rounds) = (split.limit, rounds + 1);
            }
            assert!(rounds <= 20, "{rounds}");
        }
    }
}
