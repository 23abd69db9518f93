//! What moves when: acknowledged prefixes, sink commits, tolerated failures, topic creation.

mod retry;
mod sink_commit;
mod submitted;
mod tolerance;
mod topic_creation;

pub use retry::RetryLimits;
pub use sink_commit::SinkPositions;
pub use submitted::Submitted;
pub use tolerance::{Stage, Tolerance};
pub use topic_creation::{NewTopic, TopicCreation};
