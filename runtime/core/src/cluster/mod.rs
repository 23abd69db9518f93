//! What the cluster knows of itself: the records of the config, offset and status topics, and the decisions made from them.

mod hash_order;
mod json;
mod lifecycle;
mod offsets;
mod records;
mod restart;
mod session;
mod state;
mod status;
mod words;

pub use hash_order::{in_hash_order, offset_in_hash_order};
pub use json::offset_counts;
pub use lifecycle::{Goal, goal, may_publish_tasks, must_publish_tasks, task_configs_changed};
pub use offsets::{OffsetKey, OffsetTable, decode_offset, encode_offset, is_flat};
pub use records::{ConfigRecord, SessionKey};
pub use restart::{NextRestart, RestartCount, RestartPlan, RestartPolicy, RestartRequest};
pub use session::{SessionKeyDue, SessionKeyPolicy};
pub use state::{Change, ClusterState};
pub use status::{Status, StatusKey, StatusTable, TopicStatus};
pub use words::{State, TargetState};
