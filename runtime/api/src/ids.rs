//! Names of things that pass between the worker and its plugins.

use std::fmt;
use std::sync::Arc;

/// Whether a connector reads into Kafka or writes from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectorKind {
    /// Reads from elsewhere, writes to topics.
    Source,
    /// Reads topics, writes elsewhere.
    Sink,
}

impl ConnectorKind {
    /// `source` or `sink`, as the REST API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }
}

/// One task of a connector; prints as `name-0`, as Kafka Connect does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// Name of the connector.
    pub connector: Arc<str>,
    /// Number of the task, from 0.
    pub task: u32,
}

impl TaskId {
    /// Task `task` of `connector`.
    pub fn new(connector: impl Into<Arc<str>>, task: u32) -> Self {
        Self { connector: connector.into(), task }
    }

    /// Parses `name-0`. The name may itself hold dashes and digits: the last dash splits.
    pub fn parse(text: &str) -> Option<Self> {
        let (connector, task) = text.rsplit_once('-')?;
        (!connector.is_empty()).then_some(())?;
        Some(Self::new(connector, task.parse().ok()?))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

/// A Kafka topic partition; prints as `topic-0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number.
    pub partition: i32,
}

impl TopicPartition {
    /// Partition `partition` of `topic`.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_ids_split_at_the_last_dash() {
        assert_eq!(TaskId::parse("a-1-2"), Some(TaskId::new("a-1", 2)));
        assert_eq!(TaskId::parse("a"), None);
        assert_eq!(TaskId::parse("-1"), None);
        assert_eq!(TaskId::parse("a-x"), None);
    }
}
