//! How far a log has been read, and who waits for it.

use tokio::sync::oneshot;

/// The next offset of each partition, and callers that wait until all partitions have reached some ends.
pub(super) struct Progress {
    next: Vec<i64>,
    waiting: Vec<(Vec<i64>, oneshot::Sender<()>)>,
    ended: bool,
}

impl Progress {
    pub(super) fn new(partitions: i32) -> Self {
        Self { next: vec![-1; usize::try_from(partitions).unwrap_or(0)], waiting: Vec::new(), ended: false }
    }

    /// Everything of a partition before `next` has been handed over.
    pub(super) fn reach(&mut self, partition: i32, next: i64) {
        let Some(slot) = usize::try_from(partition).ok().and_then(|at| self.next.get_mut(at)) else { return };
        if next <= *slot {
            return;
        }
        *slot = next;
        if !self.waiting.is_empty() {
            let (reached, waiting) =
                std::mem::take(&mut self.waiting).into_iter().partition(|(ends, _)| covers(&self.next, ends));
            self.waiting = waiting;
            for (_, waiter) in reached as Vec<(Vec<i64>, oneshot::Sender<()>)> {
                let _ = waiter.send(());
            }
        }
    }

    /// `None` when `ends` are reached already. The receiver fails when reading ends before.
    pub(super) fn wait_for(&mut self, ends: Vec<i64>) -> Option<oneshot::Receiver<()>> {
        if covers(&self.next, &ends) {
            return None;
        }
        let (reached, receiver) = oneshot::channel();
        if !self.ended {
            self.waiting.push((ends, reached));
        }
        Some(receiver)
    }

    /// Partitions that have an end but of which nothing was ever read.
    pub(super) fn never_read(&self, ends: &[i64]) -> Vec<i32> {
        (0..)
            .zip(self.next.iter().zip(ends))
            .filter(|(_, (next, end))| **next < 0 && **end > 0)
            .map(|(at, _)| at)
            .collect()
    }

    /// Nothing more will be read.
    pub(super) fn end(&mut self) {
        self.ended = true;
        self.waiting.clear();
    }
}

fn covers(next: &[i64], ends: &[i64]) -> bool {
    next.iter().zip(ends).all(|(next, end)| *end <= 0 || next >= end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_all_partitions() {
        let mut progress = Progress::new(2);
        assert!(progress.wait_for(vec![0, 0]).is_none(), "nothing to read");
        let mut waiter = progress.wait_for(vec![2, 1]).unwrap();
        progress.reach(0, 2);
        assert!(waiter.try_recv().is_err());
        progress.reach(1, 5);
        assert_eq!(waiter.try_recv(), Ok(()));
        assert!(progress.wait_for(vec![2, 5]).is_none());
        assert_eq!(progress.never_read(&[3, 3]), Vec::<i32>::new());
        assert_eq!(Progress::new(3).never_read(&[0, 3, 1]), [1, 2]);
    }

    #[test]
    fn nobody_waits_for_a_log_that_has_ended() {
        let mut progress = Progress::new(1);
        let mut before = progress.wait_for(vec![1]).unwrap();
        progress.end();
        let mut after = progress.wait_for(vec![1]).unwrap();
        assert!(before.try_recv().is_err() && after.try_recv().is_err());
    }
}
