//! Who waits for the tasks of a connector: a standalone worker answers a new configuration when its tasks are known, as Kafka Connect does.

use std::collections::HashMap;
use std::sync::Arc;

use millstream_api::{Error, Result};
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Told when the tasks of a connector are written, or that there are none for now, or why there will be none.
pub(super) type Waiting = oneshot::Sender<Result<()>>;

/// Who waits for a configuration that is about to be written, by connector.
#[derive(Clone, Default)]
pub(super) struct Planned(Arc<Mutex<HashMap<Arc<str>, Vec<Waiting>>>>);

impl Planned {
    /// To be called before the configuration is written.
    pub(super) fn wait(&self, name: &Arc<str>) -> oneshot::Receiver<Result<()>> {
        let (waiting, planned) = oneshot::channel();
        self.0.lock().entry(name.clone()).or_default().push(waiting);
        planned
    }

    /// Those who wait, when the configuration takes effect.
    pub(super) fn take(&self, name: &str) -> Vec<Waiting> {
        self.0.lock().remove(name).unwrap_or_default()
    }
}

/// Tells all who wait.
pub(super) fn tell(waiting: impl IntoIterator<Item = Waiting>, outcome: impl Fn() -> Result<()>) {
    for one in waiting {
        // Gone, if its request took too long.
        let _ = one.send(outcome());
    }
}

pub(super) fn failed_to_start(name: &str, error: &Error) -> Error {
    Error::fatal(format!("Failed to start connector: {name}: {error}"))
}
