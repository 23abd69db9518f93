//! Which topics a connector uses (KIP-558): `GET /connectors/{name}/topics`.

use std::sync::Arc;

use millstream_api::TaskId;
use millstream_core::cluster::TopicStatus;

use super::supervise::{TaskEnvironment, TaskSpec};
use crate::store::StatusStore;

/// Remembers the topics of a task.
pub struct UsedTopics {
    id: TaskId,
    statuses: Arc<dyn StatusStore>,
}

impl UsedTopics {
    /// Of a task; `None` when `topic.tracking.enable` is off.
    pub fn of(spec: &TaskSpec, env: &TaskEnvironment) -> Option<Self> {
        let (id, statuses) = (spec.id.clone(), env.stores.statuses.clone());
        env.worker.topic_tracking_enable.then_some(Self { id, statuses })
    }

    /// A record of this topic was written, or read. Told for each batch: the topics may have been reset since the last one. The store knows
    /// what it has.
    pub fn used(&self, topic: &Arc<str>) {
        self.statuses.put_topic(TopicStatus {
            topic: topic.clone(),
            connector: self.id.connector.clone(),
            task: self.id.task,
            discover_timestamp: crate::now_millis(),
        });
    }
}
