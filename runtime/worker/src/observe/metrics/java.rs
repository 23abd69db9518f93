//! What stands for each of Java's metrics: one of ours, or the reason why there is none.

use super::table;

/// What stands for a metric of Java's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// This metric.
    Shown(&'static str),
    /// None, for this reason.
    Left(&'static str),
}

use Stand::{Left, Shown};

const NETWORK: &str = "librdkafka's statistics would tell it, at about 200 KiB of memory per client";
const JVM_CLIENT: &str = "internals of Java's client that librdkafka does not have";
const TRANSACTIONS: &str = "exactly-once sources are not available in this release";
const GROUP: &str = "the consumer's membership shows in kafka_connect_sink_task_partition_count; Java's timings of its steps have no counterpart in librdkafka";
const WORKERS: &str =
    "timings of the steps of a rebalance; rebalances as a whole are in kafka_connect_worker_rebalance_*";
const ADMIN: &str = "admin clients are short-lived here";

/// Groups, attributes (`*` at the beginning or the end matches anything there), and what stands for them. The first that matches counts.
pub(super) const NAMES: &[(&[&str], &[&str], Stand)] = &[
    (&["app-info"], &["version", "Version", "commit-id", "CommitId"], Shown("millstream_build_info")),
    (&["app-info"], &["start-time-ms", "StartTimeMs"], Shown("process_start_time_seconds")),
    (&["kafka-metrics-count"], &["count"], Left("number of metrics that Java's registry holds")),
    (
        &["connector-transform-metrics"],
        &["transform-class", "transform-version"],
        Left(
            "class and version of a transformation are in the connector's configuration and in GET /connector-plugins",
        ),
    ),
    (
        &["connector-predicate-metrics"],
        &["predicate-class", "predicate-version"],
        Left("class and version of a predicate are in the connector's configuration and in GET /connector-plugins"),
    ),
    (&["source-task-metrics"], &["transaction-size-*"], Left(TRANSACTIONS)),
    (&["sink-task-metrics"], &["sink-record-lag-max"], Shown("kafka_consumer_fetch_manager_records_lag_max")),
    (
        &["connect-coordinator-metrics"],
        &["*rebalance-*", "join-*", "sync-*", "heartbeat-*", "last-heartbeat-seconds-ago"],
        Left(WORKERS),
    ),
    (&["admin-client-metrics", "admin-client-node-metrics"], &["*"], Left(ADMIN)),
    (&["producer-metrics"], &["txn-*"], Left(TRANSACTIONS)),
    (
        &["connect-metrics", "consumer-metrics", "producer-metrics"],
        &[
            "connection-*",
            "*authentication-*",
            "incoming-byte-*",
            "outgoing-byte-*",
            "network-io-*",
            "request-*",
            "response-*",
            "record-queue-time-*",
            "requests-in-flight",
        ],
        Left(NETWORK),
    ),
    (&["connect-metrics", "consumer-metrics", "producer-metrics"], &["io-*", "select-*"], Left(JVM_CLIENT)),
    (&["connect-node-metrics", "consumer-node-metrics", "producer-node-metrics"], &["*"], Left(NETWORK)),
    (
        &["consumer-metrics"],
        &["commit-sync-time-ns-total", "committed-time-ns-total"],
        Shown("kafka_connect_connector_task_offset_commit_avg_time_ms"),
    ),
    (
        &["consumer-metrics"],
        &["last-poll-seconds-ago", "poll-idle-ratio-avg", "time-between-poll-*"],
        Left("the consumer is polled by a thread of its own, however long the task takes"),
    ),
    (&["consumer-coordinator-metrics"], &["assigned-partitions"], Shown("kafka_connect_sink_task_partition_count")),
    (
        &["consumer-coordinator-metrics"],
        &["commit-latency-*"],
        Shown("kafka_connect_connector_task_offset_commit_avg_time_ms"),
    ),
    (
        &["consumer-coordinator-metrics"],
        &["commit-rate", "commit-total"],
        Shown("kafka_connect_sink_task_offset_commit_completion_total"),
    ),
    (
        &["consumer-coordinator-metrics"],
        &["*rebalance-*", "join-*", "sync-*", "heartbeat-*", "last-heartbeat-seconds-ago", "partition-*"],
        Left(GROUP),
    ),
    (&["consumer-fetch-manager-metrics"], &["fetch-*", "records-per-request-avg"], Left(NETWORK)),
    (&["consumer-fetch-manager-metrics"], &["preferred-read-replica"], Left(NETWORK)),
    (
        &["consumer-fetch-manager-metrics"],
        &["records-lag-avg", "records-lead-avg", "records-lead-min"],
        Left("the lag and lead of each partition are there: avg_over_time and min say the rest"),
    ),
    (
        &["producer-metrics"],
        &["batch-*", "compression-rate-avg", "record-size-max", "records-per-request-avg"],
        Left(NETWORK),
    ),
    (&["producer-metrics"], &["buffer*", "flush-time-ns-total", "metadata-*", "waiting-threads"], Left(JVM_CLIENT)),
    (
        &["producer-metrics", "producer-topic-metrics"],
        &["record-retry-*"],
        Left("librdkafka repeats requests by itself and does not tell"),
    ),
    (&["producer-topic-metrics"], &["compression-rate"], Left(NETWORK)),
    (
        &["producer-topic-metrics"],
        &["byte-rate", "record-send-rate", "record-error-rate"],
        Left("rate() of the totals of the same names"),
    ),
];

/// What stands for this attribute of Java's; `None`: nobody has thought of it.
pub fn stand_of(group: &str, attribute: &str) -> Option<Stand> {
    let shown = table::all()
        .iter()
        .find(|metric| metric.java.is_some_and(|(of, attributes)| of == group && attributes.contains(&attribute)));
    if let Some(metric) = shown {
        return Some(Shown(&metric.name));
    }
    let matches = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), None) => attribute.ends_with(rest),
        (None, Some(start)) => attribute.starts_with(start),
        (Some(_), Some(_)) => attribute.contains(pattern.trim_matches('*')),
        (None, None) => attribute == pattern,
    };
    let found = NAMES.iter().find(|(groups, attributes, _)| {
        groups.contains(&group) && attributes.iter().any(|pattern| *pattern == "*" || matches(pattern))
    });
    found.map(|(_, _, stand)| *stand)
}
