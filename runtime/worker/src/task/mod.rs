//! Running connectors and tasks: one supervised, named unit each.

pub mod byte_queue;
pub mod chain;
pub mod connector;
pub mod dead_letter;
pub mod failures;
pub mod offset_flush;
pub(crate) mod panic;
pub mod sender;
pub mod sink;
pub mod sink_decode;
pub mod sink_host;
pub mod source;
pub mod source_letters;
pub mod supervise;
pub mod topic_creation;
mod uncommitted;
mod used_topics;

pub use supervise::{InstanceEvent, InstanceId, RunningConnector, RunningTask, TaskEnvironment, TaskSpec};
