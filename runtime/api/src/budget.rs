//! The worker's memory budget, in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One budget per worker, shared by everything that holds rows: decode buffers, open files, upload parts, read-ahead.
///
/// It counts and tells; it never blocks. Holders reserve what they keep and look at [`MemoryBudget::is_exceeded`] before
/// they take in more: a sink closes its largest row group early, fetching pauses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: usize,
    used: AtomicUsize,
}

impl MemoryBudget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Inner { limit, used: AtomicUsize::new(0) }))
    }

    /// The limit in bytes.
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Bytes reserved now.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// True when more is held than the budget allows.
    pub fn is_exceeded(&self) -> bool {
        self.used() > self.limit()
    }

    /// Counts `bytes` as held until the reservation is dropped or resized.
    pub fn reserve(&self, bytes: usize) -> Reservation {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
        Reservation { budget: self.clone(), bytes }
    }
}

/// Bytes counted against a [`MemoryBudget`]; given back on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: usize,
}

impl Reservation {
    /// Bytes held by this reservation.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets what this reservation holds.
    pub fn resize(&mut self, bytes: usize) {
        let used = &self.budget.0.used;
        if bytes >= self.bytes {
            used.fetch_add(bytes - self.bytes, Ordering::Relaxed);
        } else {
            used.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_held() {
        let budget = MemoryBudget::new(10);
        let mut a = budget.reserve(8);
        let b = budget.reserve(4);
        assert!(budget.is_exceeded());
        drop(b);
        assert!(!budget.is_exceeded());
        a.resize(3);
        assert_eq!(budget.used(), 3);
        drop(a);
        assert_eq!(budget.used(), 0);
    }
}
