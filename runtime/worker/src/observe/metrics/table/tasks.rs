//! Metrics of tasks.

use std::sync::atomic::Ordering;

use super::super::task::{ErrorMetrics, SinkMetrics, SourceMetrics, TaskMetrics};
use super::{Counter, Gauge, Histogram, Info, Kind, Metric, Read, java, own};

const TASK: &str = "connector-task-metrics";
const SOURCE: &str = "source-task-metrics";
const SINK: &str = "sink-task-metrics";
const ERROR: &str = "task-error-metrics";

pub(super) fn list() -> Vec<Metric> {
    let task = |attribute, unit, help, read: fn(&TaskMetrics) -> Option<f64>| {
        java(TASK, attribute, Gauge, unit, help, Read::Task(read))
    };
    let source = |attribute, kind: Kind, unit, help, read: fn(&SourceMetrics) -> f64| {
        java(SOURCE, attribute, kind, unit, help, Read::Source(read))
    };
    let sink = |attribute, kind: Kind, unit, help, read: fn(&SinkMetrics) -> f64| {
        java(SINK, attribute, kind, unit, help, Read::Sink(read))
    };
    let error =
        |attribute, help, read: fn(&ErrorMetrics) -> f64| java(ERROR, attribute, Counter, "", help, Read::Errors(read));
    vec![
        java(TASK, &["status"], Info, "", "State of the task.", Read::TaskStatus),
        info(),
        task(&["running-ratio"], "ratio", "Share of its life the task was running, 0 to 1.", |t| {
            Some(t.state.ratios().0)
        }),
        task(&["pause-ratio"], "ratio", "Share of its life the task was paused, 0 to 1.", |t| Some(t.state.ratios().1)),
        task(&["offset-commit-max-time-ms"], "ms", "Longest recent commit of offsets.", |t| Some(t.commit_time.max())),
        task(&["offset-commit-avg-time-ms"], "ms", "Mean time of recent commits of offsets.", |t| {
            Some(t.commit_time.avg())
        }),
        task(
            &["offset-commit-success-percentage"],
            "ratio",
            "Share of recent commits of offsets that succeeded, 0 to 1.",
            |t| Some(t.commits.success_share()),
        ),
        task(
            &["offset-commit-failure-percentage"],
            "ratio",
            "Share of recent commits of offsets that failed, 0 to 1.",
            |t| Some(t.commits.failure_share()),
        ),
        task(&["batch-size-max"], "records", "Most records in a recent batch.", |t| Some(t.batch_size.max())),
        task(&["batch-size-avg"], "records", "Mean number of records of recent batches.", |t| Some(t.batch_size.avg())),
        source(&["source-record-poll-rate"], Gauge, "records/s", "Records polled from the source per second.", |s| {
            s.polled.rate()
        }),
        source(&["source-record-poll-total"], Counter, "records", "Records polled from the source.", |s| {
            s.polled.total()
        }),
        source(&["source-record-write-rate"], Gauge, "records/s", "Records acknowledged by Kafka per second.", |s| {
            s.written.rate()
        }),
        source(&["source-record-write-total"], Counter, "records", "Records acknowledged by Kafka.", |s| {
            s.written.total()
        }),
        source(&["poll-batch-max-time-ms"], Gauge, "ms", "Longest recent poll that came back with records.", |s| {
            s.poll_time.max()
        }),
        source(
            &["poll-batch-avg-time-ms"],
            Gauge,
            "ms",
            "Mean time of recent polls that came back with records.",
            |s| s.poll_time.avg(),
        ),
        source(
            &["source-record-active-count"],
            Gauge,
            "records",
            "Records polled and not yet acknowledged by Kafka.",
            |s| s.active.now(),
        ),
        source(&["source-record-active-count-max"], Gauge, "records", "The most of these recently.", |s| {
            s.active.max()
        }),
        source(&["source-record-active-count-avg"], Gauge, "records", "The mean of these recently.", |s| {
            s.active.avg()
        }),
        sink(&["sink-record-read-rate"], Gauge, "records/s", "Records read from Kafka per second.", |s| s.read.rate()),
        sink(&["sink-record-read-total"], Counter, "records", "Records read from Kafka.", |s| s.read.total()),
        sink(&["sink-record-send-rate"], Gauge, "records/s", "Records put into the sink per second.", |s| {
            s.sent.rate()
        }),
        sink(
            &["sink-record-send-total"],
            Counter,
            "records",
            "Records put into the sink; those skipped or filtered before are not counted.",
            |s| s.sent.total(),
        ),
        sink(&["partition-count"], Gauge, "", "Topic partitions the task has.", |s| {
            s.partitions.load(Ordering::Relaxed) as f64
        }),
        sink(&["offset-commit-seq-no"], Gauge, "", "Number of the last commit of offsets.", |s| {
            s.commit_number.load(Ordering::Relaxed) as f64
        }),
        sink(
            &["offset-commit-completion-rate"],
            Gauge,
            "commits/s",
            "Commits of offsets that ended well, per second.",
            |s| s.completed.rate(),
        ),
        sink(&["offset-commit-completion-total"], Counter, "", "Commits of offsets that ended well.", |s| {
            s.completed.total()
        }),
        sink(
            &["offset-commit-skip-rate"],
            Gauge,
            "commits/s",
            "Commits of offsets whose answer came too late, per second.",
            |s| s.late.rate(),
        ),
        sink(&["offset-commit-skip-total"], Counter, "", "Commits of offsets whose answer came too late.", |s| {
            s.late.total()
        }),
        sink(&["put-batch-max-time-ms"], Gauge, "ms", "Longest recent put of records.", |s| s.put_time.max()),
        sink(&["put-batch-avg-time-ms"], Gauge, "ms", "Mean time of recent puts of records.", |s| s.put_time.avg()),
        sink(
            &["sink-record-active-count"],
            Gauge,
            "records",
            "Records put into the sink whose offsets are not committed yet.",
            |s| s.active.now(),
        ),
        sink(&["sink-record-active-count-max"], Gauge, "records", "The most of these recently.", |s| s.active.max()),
        sink(&["sink-record-active-count-avg"], Gauge, "records", "The mean of these recently.", |s| s.active.avg()),
        error(&["total-record-failures"], "Records that could not be handled.", |e| {
            e.failures.load(Ordering::Relaxed) as f64
        }),
        error(&["total-record-errors"], "Errors of records; equal to the failures.", |e| {
            e.failures.load(Ordering::Relaxed) as f64
        }),
        error(&["total-records-skipped"], "Records skipped by errors.tolerance=all.", |e| {
            e.skipped.load(Ordering::Relaxed) as f64
        }),
        error(
            &["total-retries"],
            "Polls, puts, conversions and transformations that failed for now and are made again.",
            |e| e.retries.load(Ordering::Relaxed) as f64,
        ),
        error(&["total-errors-logged"], "Errors of records in the log (errors.log.enable).", |e| {
            e.logged.load(Ordering::Relaxed) as f64
        }),
        error(&["deadletterqueue-produce-requests"], "Records sent to the dead letter queue.", |e| {
            e.letters.load(Ordering::Relaxed) as f64
        }),
        error(&["deadletterqueue-produce-failures"], "Records the dead letter queue did not take.", |e| {
            e.letters_failed.load(Ordering::Relaxed) as f64
        }),
        java(
            ERROR,
            &["last-error-timestamp"],
            Gauge,
            "ms",
            "When a record of the task last failed, in epoch milliseconds; 0 when none has.",
            Read::Errors(|e| e.last.load(Ordering::Relaxed) as f64),
        ),
        own(
            "millstream_task_stage_seconds",
            Histogram,
            "seconds",
            "Time a stage of the task takes for a batch: poll, transform, encode, send, fetch, decode, put, commit.",
            Read::Stages,
        ),
        own(
            "millstream_task_queue_bytes",
            Gauge,
            "bytes",
            "Bytes of rows in the queue between the stages of the task.",
            Read::Task(|t| Some(t.queue.get()?.bytes() as f64)),
        ),
        own(
            "millstream_task_queue_capacity_bytes",
            Gauge,
            "bytes",
            "Bytes of rows that fit in that queue.",
            Read::Task(|t| Some(t.queue.get()?.capacity() as f64)),
        ),
    ]
}

fn info() -> Metric {
    let mut metric = own(
        "kafka_connect_connector_task_info",
        Info,
        "",
        "What the task is made of: classes and versions.",
        Read::TaskInfo,
    );
    metric.java = Some((
        TASK,
        &[
            "connector-class",
            "connector-type",
            "connector-version",
            "task-class",
            "task-version",
            "key-converter-class",
            "key-converter-version",
            "value-converter-class",
            "value-converter-version",
            "header-converter-class",
            "header-converter-version",
        ],
    ));
    metric
}
