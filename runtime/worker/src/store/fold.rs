//! The cluster's state as it is folded, shared between what reads records and the herder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use millstream_core::cluster::{Change, ClusterState, ConfigRecord};
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;

/// The state, and the stream of changes to it.
pub(super) struct Fold {
    state: RwLock<Arc<ClusterState>>,
    live: AtomicBool,
    changes: mpsc::UnboundedSender<Change>,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<Change>>>,
}

impl Fold {
    pub(super) fn new() -> Self {
        let (changes, receiver) = mpsc::unbounded_channel();
        Self {
            state: RwLock::new(Arc::new(ClusterState::new())),
            live: AtomicBool::new(false),
            changes,
            receiver: Mutex::new(Some(receiver)),
        }
    }

    /// From now on changes are told.
    pub(super) fn go_live(&self) {
        self.live.store(true, Ordering::SeqCst);
    }

    pub(super) fn state(&self) -> Arc<ClusterState> {
        self.state.read().clone()
    }

    pub(super) fn changes(&self) -> Option<mpsc::UnboundedReceiver<Change>> {
        self.receiver.lock().take()
    }

    /// Takes in a record at an offset. Whoever hears of a change finds it in the state.
    pub(super) fn apply(&self, record: ConfigRecord, offset: i64) {
        let live = self.live.load(Ordering::SeqCst);
        let changes = Arc::make_mut(&mut self.state.write()).apply(record, offset);
        if live {
            for change in changes {
                // Nobody listens in tests and while the worker stops.
                let _ = self.changes.send(change);
            }
        }
    }

    /// Counts a record that cannot be read.
    pub(super) fn skip(&self, offset: i64) {
        Arc::make_mut(&mut self.state.write()).skip(offset);
    }
}
