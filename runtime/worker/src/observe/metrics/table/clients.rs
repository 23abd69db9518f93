//! Metrics of the tasks' consumers and producers.

use millstream_api::ConnectorKind;

use super::super::client::{ClientMetrics, Lag, TopicMetrics};
use super::{Counter, Gauge, Kind, Metric, Read, java};

const FETCH: &str = "consumer-fetch-manager-metrics";
const CONSUMER: &str = "consumer-metrics";
const PRODUCER: &str = "producer-metrics";
const TOPIC: &str = "producer-topic-metrics";

pub(super) fn list() -> Vec<Metric> {
    let consumer = |group, attribute, kind: Kind, unit, help, read: fn(&ClientMetrics) -> f64| {
        java(group, attribute, kind, unit, help, Read::Consumer(read))
    };
    let consumed = |attribute, unit, help, read: fn(&TopicMetrics) -> f64| {
        java(FETCH, attribute, Counter, unit, help, Read::ConsumerTopic(read))
    };
    let partition = |attribute, help, read: fn(&Lag) -> Option<i64>| {
        java(FETCH, attribute, Gauge, "records", help, Read::ConsumerPartition(read))
    };
    let producer = |attribute, kind: Kind, unit, help, read: fn(&ClientMetrics) -> f64| {
        java(PRODUCER, attribute, kind, unit, help, Read::Producer(read))
    };
    let topic = |attribute, unit, help, read: fn(&TopicMetrics) -> f64| {
        java(TOPIC, attribute, Counter, unit, help, Read::ProducerTopic(read))
    };
    let throttle = |group, attribute, kind, help, read: fn(&ClientMetrics) -> Option<f64>| {
        java(group, attribute, Gauge, "ms", help, Read::Throttle(kind, read))
    };
    vec![
        partition(
            &["records-lag"],
            "Records between the position of the task and the end of the partition.",
            Lag::records,
        ),
        partition(
            &["records-lead"],
            "Records between the beginning of the partition and the position of the task.",
            Lag::lead,
        ),
        consumer(FETCH, &["records-lag-max"], Gauge, "records", "Largest recent lag in any partition.", |c| {
            c.lag.max()
        }),
        consumer(FETCH, &["records-consumed-rate"], Gauge, "records/s", "Records consumed per second.", |c| {
            c.records.rate()
        }),
        consumed(&["records-consumed-total"], "records", "Records consumed of a topic.", TopicMetrics::records),
        consumer(
            FETCH,
            &["bytes-consumed-rate"],
            Gauge,
            "bytes/s",
            "Bytes of keys and values consumed per second.",
            |c| c.bytes.rate(),
        ),
        consumed(
            &["bytes-consumed-total"],
            "bytes",
            "Bytes of keys and values consumed of a topic.",
            TopicMetrics::bytes,
        ),
        consumer(
            CONSUMER,
            &["incoming-byte-total"],
            Counter,
            "bytes",
            "Bytes of keys and values consumed. Java counts bytes on the wire: compressed, with overhead.",
            |c| c.bytes.total(),
        ),
        consumer(CONSUMER, &["incoming-byte-rate"], Gauge, "bytes/s", "The same per second.", |c| c.bytes.rate()),
        throttle(
            FETCH,
            &["fetch-throttle-time-max"],
            ConnectorKind::Sink,
            "Longest time by which a broker recently delayed an answer because of a quota. With metrics.recording.level=DEBUG only.",
            ClientMetrics::throttle_max,
        ),
        throttle(
            FETCH,
            &["fetch-throttle-time-avg"],
            ConnectorKind::Sink,
            "Mean of this over all recent answers. With metrics.recording.level=DEBUG only.",
            ClientMetrics::throttle_mean,
        ),
        throttle(
            PRODUCER,
            &["produce-throttle-time-max"],
            ConnectorKind::Source,
            "Longest time by which a broker recently delayed an answer because of a quota. With metrics.recording.level=DEBUG only.",
            ClientMetrics::throttle_max,
        ),
        throttle(
            PRODUCER,
            &["produce-throttle-time-avg"],
            ConnectorKind::Source,
            "Mean of this over all recent answers. With metrics.recording.level=DEBUG only.",
            ClientMetrics::throttle_mean,
        ),
        producer(&["record-send-rate"], Gauge, "records/s", "Records acknowledged per second.", |c| c.records.rate()),
        producer(&["record-send-total"], Counter, "records", "Records acknowledged.", |c| c.records.total()),
        producer(
            &["record-error-rate"],
            Gauge,
            "records/s",
            "Records that will never be acknowledged, per second.",
            |c| c.errors.rate(),
        ),
        producer(&["record-error-total"], Counter, "records", "Records that will never be acknowledged.", |c| {
            c.errors.total()
        }),
        producer(
            &["record-size-avg"],
            Gauge,
            "bytes",
            "Mean size of a record: key and value, before compression; mean of recent batches.",
            |c| c.record_size.avg(),
        ),
        producer(
            &["outgoing-byte-total"],
            Counter,
            "bytes",
            "Bytes of keys and values acknowledged. Java counts bytes on the wire: compressed, with overhead.",
            |c| c.bytes.total(),
        ),
        producer(&["outgoing-byte-rate"], Gauge, "bytes/s", "The same per second.", |c| c.bytes.rate()),
        topic(&["record-send-total"], "records", "Records acknowledged by a topic.", TopicMetrics::records),
        topic(
            &["byte-total"],
            "bytes",
            "Bytes of keys and values acknowledged by a topic, before compression.",
            TopicMetrics::bytes,
        ),
        topic(&["record-error-total"], "records", "Records that a topic will never acknowledge.", TopicMetrics::errors),
    ]
}
