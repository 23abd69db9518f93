//! The list of all metrics.
//!
//! Names are those that the rules most dashboards for Kafka Connect are made for give Java's (`kafka_connect_<group>_<attribute>`, the
//! group without `-metrics`); metrics of Millstream's own begin with `millstream_`.

use std::sync::LazyLock;

use millstream_api::ConnectorKind;
use millstream_core::cluster::State;

use super::client::{ClientMetrics, Lag, TopicMetrics};
use super::task::{ErrorMetrics, SinkMetrics, SourceMetrics, TaskMetrics};
use super::{ConnectorMetrics, Metrics};
use Kind::{Counter, Gauge, Histogram, Info};

mod clients;
mod tasks;
mod worker;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, as long as the series is there.
    Counter,
    /// A present value.
    Gauge,
    /// Always 1; a label tells.
    Info,
    /// Counts by size.
    Histogram,
}

/// One metric.
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Counter, gauge, ...
    pub kind: Kind,
    /// Unit of the value; empty for plain counts.
    pub unit: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Labels of its series, in order.
    pub labels: Vec<&'static str>,
    /// Java's group and the attributes this shows.
    pub java: Option<(&'static str, &'static [&'static str])>,
    pub(super) read: Read,
}

/// Whose a metric is and where its value comes from. Without a value there is no series.
pub(super) enum Read {
    Worker(fn(&Metrics) -> f64),
    /// A text of the worker under this label.
    WorkerText(&'static str, fn(&Metrics) -> Option<String>),
    Build,
    /// A text of each connector under this label.
    ConnectorText(&'static str, fn(&ConnectorMetrics) -> Option<String>),
    /// Tasks of each connector in a state; `None`: all.
    TaskCount(Option<State>),
    Task(fn(&TaskMetrics) -> Option<f64>),
    TaskStatus,
    TaskInfo,
    Stages,
    Source(fn(&SourceMetrics) -> f64),
    Sink(fn(&SinkMetrics) -> f64),
    Errors(fn(&ErrorMetrics) -> f64),
    Producer(fn(&ClientMetrics) -> f64),
    ProducerTopic(fn(&TopicMetrics) -> f64),
    Consumer(fn(&ClientMetrics) -> f64),
    ConsumerTopic(fn(&TopicMetrics) -> f64),
    /// Of the clients of tasks of this kind.
    Throttle(ConnectorKind, fn(&ClientMetrics) -> Option<f64>),
    ConsumerPartition(fn(&Lag) -> Option<i64>),
    /// From the process collector; listed here for the documents.
    Process,
}

const TASK: [&str; 2] = ["connector", "task"];

impl Read {
    fn labels(&self) -> Vec<&'static str> {
        let more = |own: &[&'static str]| TASK.iter().chain(own).copied().collect();
        match self {
            Self::Worker(_) | Self::Process => Vec::new(),
            Self::WorkerText(label, _) => vec![label],
            Self::Build => vec!["version", "commit"],
            Self::ConnectorText(label, _) => vec!["connector", label],
            Self::TaskCount(_) => vec!["connector"],
            Self::Task(_) | Self::Source(_) | Self::Sink(_) | Self::Errors(_) => more(&[]),
            Self::TaskStatus => more(&["status"]),
            Self::TaskInfo => more(&[
                "connector_class",
                "connector_type",
                "connector_version",
                "task_class",
                "task_version",
                "key_converter_class",
                "key_converter_version",
                "value_converter_class",
                "value_converter_version",
                "header_converter_class",
                "header_converter_version",
            ]),
            Self::Stages => more(&["stage"]),
            Self::Producer(_) | Self::Consumer(_) | Self::Throttle(..) => more(&["clientid"]),
            Self::ProducerTopic(_) | Self::ConsumerTopic(_) => more(&["clientid", "topic"]),
            Self::ConsumerPartition(_) => more(&["clientid", "topic", "partition"]),
        }
    }
}

/// All metrics, in the order they are shown.
pub fn all() -> &'static [Metric] {
    static ALL: LazyLock<Vec<Metric>> =
        LazyLock::new(|| worker::list().into_iter().chain(tasks::list()).chain(clients::list()).collect());
    &ALL
}

/// A metric that Java has: its name follows from the group and the attribute.
fn java(
    group: &'static str,
    attribute: &'static [&'static str; 1],
    kind: Kind,
    unit: &'static str,
    help: &'static str,
    read: Read,
) -> Metric {
    let short = group.strip_suffix("-metrics").unwrap_or(group);
    let (prefix, short) = match short.strip_prefix("connect-") {
        Some(of_worker) => ("kafka_connect_", of_worker),
        None if short.starts_with("consumer") || short.starts_with("producer") => ("kafka_", short),
        None => ("kafka_connect_", short),
    };
    let name = format!("{prefix}{short}_{}", attribute[0]).replace('-', "_");
    Metric { name, kind, unit, help, labels: read.labels(), java: Some((group, attribute)), read }
}

/// A metric of Millstream's own, or one that shows several attributes of Java's.
fn own(name: &str, kind: Kind, unit: &'static str, help: &'static str, read: Read) -> Metric {
    Metric { name: name.to_owned(), kind, unit, help, labels: read.labels(), java: None, read }
}
