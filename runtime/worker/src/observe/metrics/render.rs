//! The text of `GET /metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use millstream_api::{ConnectorKind, Error, Result};
use prometheus::core::Collector as _;
use prometheus::proto::{Counter, Gauge, LabelPair, Metric as Sample, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};

pub use prometheus::TEXT_FORMAT;

use super::Metrics;
use super::table::{self, Kind, Metric, Read};
use super::task::TaskMetrics;

type Labels<'a> = &'a [(&'static str, &'a str)];

impl Metrics {
    /// The present values in Prometheus' text format ([`TEXT_FORMAT`]). One family is in memory at a time; a few milliseconds per thousand
    /// tasks, so not for the reactor.
    pub fn render(&self) -> Result<String> {
        let mut text = Vec::new();
        let tasks = self.all_tasks();
        for metric in table::all().iter().filter(|metric| !matches!(metric.read, Read::Process)) {
            let samples = self.samples(metric, &tasks);
            if !samples.is_empty() {
                let mut family = MetricFamily::default();
                family.set_name(metric.name.clone());
                family.set_help(metric.help.to_owned());
                family.set_field_type(match metric.kind {
                    Kind::Counter => MetricType::COUNTER,
                    Kind::Gauge | Kind::Info => MetricType::GAUGE,
                    Kind::Histogram => MetricType::HISTOGRAM,
                });
                family.set_metric(samples);
                encode(&[family], &mut text)?;
            }
        }
        encode(&self.process.collect(), &mut text)?;
        String::from_utf8(text).map_err(|e| Error::internal("metrics are not UTF-8").caused_by(e))
    }

    fn samples(&self, metric: &Metric, tasks: &[Arc<TaskMetrics>]) -> Vec<Sample> {
        let kind = metric.kind;
        let one = |labels: Labels<'_>, value| vec![sample(kind, labels, value)];
        match &metric.read {
            Read::Process => Vec::new(),
            Read::Worker(read) => one(&[], read(self)),
            Read::WorkerText(label, read) => read(self).map_or_else(Vec::new, |text| one(&[(*label, &text)], 1.0)),
            Read::Build => one(
                &[
                    ("version", env!("CARGO_PKG_VERSION")),
                    ("commit", option_env!("MILLSTREAM_COMMIT").unwrap_or("unknown")),
                ],
                1.0,
            ),
            Read::ConnectorText(label, read) => {
                let of = |connector: Arc<super::ConnectorMetrics>| {
                    Some(sample(kind, &[("connector", &connector.name), (*label, &read(&connector)?)], 1.0))
                };
                self.all_connectors().into_iter().filter_map(of).collect()
            }
            Read::TaskCount(state) => {
                let mut counts: BTreeMap<Arc<str>, u32> =
                    self.all_connectors().iter().map(|connector| (connector.name.clone(), 0)).collect();
                for task in tasks {
                    let counted = state.is_none_or(|state| task.state.state() == state);
                    *counts.entry(task.id.connector.clone()).or_default() += u32::from(counted);
                }
                let of = |(name, count): (Arc<str>, u32)| sample(kind, &[("connector", &name)], f64::from(count));
                counts.into_iter().map(of).collect()
            }
            read => tasks.iter().flat_map(|task| of_task(kind, read, task)).collect(),
        }
    }
}

/// The series of one task.
fn of_task(kind: Kind, read: &Read, task: &TaskMetrics) -> Vec<Sample> {
    let number = task.id.task.to_string();
    let own: [(&'static str, &str); 2] = [("connector", &task.id.connector), ("task", &number)];
    let with = |more: Labels<'_>, value| sample(kind, &[&own[..], more].concat(), value);
    let is = |wanted| task.kind == Some(wanted);
    let client = task.client.id.lock().clone();
    let has_client = |wanted| is(wanted) && !client.is_empty();
    let topics = |read: &fn(&super::client::TopicMetrics) -> f64| {
        let of = |(topic, counts): (Arc<str>, Arc<super::client::TopicMetrics>)| {
            with(&[("clientid", &client), ("topic", &topic)], read(&counts))
        };
        task.client.topics().into_iter().map(of).collect::<Vec<_>>()
    };
    match read {
        Read::Task(read) => read(task).map(|value| with(&[], value)).into_iter().collect(),
        Read::TaskStatus => vec![with(&[("status", &task.state.state().as_str().to_ascii_lowercase())], 1.0)],
        Read::TaskInfo if !task.info.labels.is_empty() => {
            let more: Vec<_> = task.info.labels.iter().map(|(label, value)| (*label, value.as_str())).collect();
            vec![with(&more, 1.0)]
        }
        Read::Stages => {
            let labelled = |(stage, mut histogram): (super::Stage, Sample)| {
                histogram.set_label(pairs(&[&own[..], &[("stage", stage.as_str())]].concat()));
                histogram
            };
            task.stages.collect().map(labelled).collect()
        }
        Read::Source(read) if is(ConnectorKind::Source) => vec![with(&[], read(&task.source))],
        Read::Sink(read) if is(ConnectorKind::Sink) => vec![with(&[], read(&task.sink))],
        Read::Errors(read) => vec![with(&[], read(&task.errors))],
        Read::Producer(read) if has_client(ConnectorKind::Source) => {
            vec![with(&[("clientid", &client)], read(&task.client))]
        }
        Read::Consumer(read) if has_client(ConnectorKind::Sink) => {
            vec![with(&[("clientid", &client)], read(&task.client))]
        }
        Read::Throttle(kind, read) if has_client(*kind) => {
            read(&task.client).map(|value| with(&[("clientid", &client)], value)).into_iter().collect()
        }
        Read::ProducerTopic(read) if has_client(ConnectorKind::Source) => topics(read),
        Read::ConsumerTopic(read) if has_client(ConnectorKind::Sink) => topics(read),
        Read::ConsumerPartition(read) if has_client(ConnectorKind::Sink) => {
            let partitions = task.client.partitions();
            let of = |(at, lag): &(millstream_api::TopicPartition, Arc<super::client::Lag>)| {
                let number = at.partition.to_string();
                let labels = [("clientid", &*client), ("topic", &*at.topic), ("partition", &*number)];
                Some(with(&labels, read(lag)? as f64))
            };
            partitions.iter().filter_map(of).collect()
        }
        _ => Vec::new(),
    }
}

fn sample(kind: Kind, labels: Labels<'_>, value: f64) -> Sample {
    let mut sample = Sample::from_label(pairs(labels));
    if kind == Kind::Counter {
        let mut counter = Counter::default();
        counter.set_value(value);
        sample.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        sample.set_gauge(gauge);
    }
    sample
}

fn pairs(labels: Labels<'_>) -> Vec<LabelPair> {
    let pair = |&(name, value): &(&'static str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.to_owned());
        pair
    };
    labels.iter().map(pair).collect()
}

fn encode(families: &[MetricFamily], text: &mut Vec<u8>) -> Result<()> {
    TextEncoder::new()
        .encode(families, text)
        .map_err(|e| Error::internal("metrics cannot be written as text").caused_by(e))
}
