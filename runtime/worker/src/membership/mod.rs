//! Who does what in the cluster.

use millstream_api::Result;
use std::sync::Arc;

use crate::task::InstanceId;

/// What this worker may and must do now. A new view replaces the old one whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Number of the group's generation; goes into status records, where a higher one wins.
    pub generation: i32,
    /// Who leads: only the leader writes the config topic.
    pub leader: Leader,
    /// What this worker owns.
    pub owned: Owned,
}

/// The leader of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leader {
    /// This worker.
    Me,
    /// Another worker, at this URL.
    Other(String),
    /// Nobody yet.
    Unknown,
}

/// The connectors and tasks a worker owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    /// All of them.
    Everything,
    /// These.
    Only(std::collections::HashSet<InstanceId>),
}

impl View {
    /// True when this worker owns the connector or task.
    pub fn owns(&self, id: &InstanceId) -> bool {
        match &self.owned {
            Owned::Everything => true,
            Owned::Only(ids) => ids.contains(id),
        }
    }
}

/// Membership in the group of workers.
///
/// The herder looks at the current [`View`] before every write and every start, and at the whole state again when the view changes.
#[async_trait::async_trait]
pub trait Membership: Send + Sync {
    /// The view now, and its changes.
    fn view(&self) -> tokio::sync::watch::Receiver<View>;

    /// The config topic has changed in a way that the group must divide anew (a connector or the number of tasks).
    fn rebalance_needed(&self);

    /// Leaves the group; what this worker owned may be given to others from now on.
    async fn leave(&self) -> Result<()>;
}

/// A worker that is alone: it leads, and owns everything.
pub struct Solo {
    view: tokio::sync::watch::Sender<View>,
}

impl Solo {
    /// Alone, with a generation above every one seen in the status topic: whoever wrote those is gone.
    pub fn new(highest_seen_generation: i32) -> Arc<Self> {
        let generation = highest_seen_generation.saturating_add(1).max(1);
        let view = View { generation, leader: Leader::Me, owned: Owned::Everything };
        Arc::new(Self { view: tokio::sync::watch::Sender::new(view) })
    }
}

#[async_trait::async_trait]
impl Membership for Solo {
    fn view(&self) -> tokio::sync::watch::Receiver<View> {
        self.view.subscribe()
    }

    fn rebalance_needed(&self) {}

    async fn leave(&self) -> Result<()> {
        Ok(())
    }
}
