//! Metrics of the worker as a whole and of its connectors.

use millstream_core::cluster::State;

use super::super::{ConnectorMetrics, Metrics};
use super::{Counter, Gauge, Info, Kind, Metric, Read, java, own};
use crate::membership::Leader;

const WORKER: &str = "connect-worker-metrics";
const REBALANCE: &str = "connect-worker-rebalance-metrics";
const COORDINATOR: &str = "connect-coordinator-metrics";
const CONNECTOR: &str = "connector-metrics";

pub(super) fn list() -> Vec<Metric> {
    let worker = |attribute, kind: Kind, unit, help, read: fn(&Metrics) -> f64| {
        java(WORKER, attribute, kind, unit, help, Read::Worker(read))
    };
    let rebalance = |attribute, kind: Kind, unit, help, read: fn(&Metrics) -> f64| {
        java(REBALANCE, attribute, kind, unit, help, Read::Worker(read))
    };
    let text = |attribute, label, help, read: fn(&ConnectorMetrics) -> Option<String>| {
        java(CONNECTOR, attribute, Info, "", help, Read::ConnectorText(label, read))
    };
    let tasks = |attribute, help, state| java(WORKER, attribute, Gauge, "", help, Read::TaskCount(state));
    vec![
        own("millstream_build_info", Info, "", "Version and commit of the worker.", Read::Build),
        worker(&["connector-count"], Gauge, "", "Connectors that run on this worker.", |m| {
            m.connectors.lock().len() as f64
        }),
        worker(&["task-count"], Gauge, "", "Tasks that run on this worker.", |m| m.tasks.lock().len() as f64),
        worker(
            &["connector-startup-attempts-total"],
            Counter,
            "",
            "Connector starts that have ended, well or not.",
            |m| m.connector_startups.attempts(),
        ),
        worker(&["connector-startup-success-total"], Counter, "", "Connector starts that succeeded.", |m| {
            m.connector_startups.succeeded()
        }),
        worker(&["connector-startup-failure-total"], Counter, "", "Connector starts that failed.", |m| {
            m.connector_startups.failed()
        }),
        worker(
            &["connector-startup-success-percentage"],
            Gauge,
            "ratio",
            "Share of recent connector starts that succeeded, 0 to 1.",
            |m| m.connector_startups.success_share(),
        ),
        worker(
            &["connector-startup-failure-percentage"],
            Gauge,
            "ratio",
            "Share of recent connector starts that failed, 0 to 1.",
            |m| m.connector_startups.failure_share(),
        ),
        worker(&["task-startup-attempts-total"], Counter, "", "Task starts that have ended, well or not.", |m| {
            m.task_startups.attempts()
        }),
        worker(&["task-startup-success-total"], Counter, "", "Task starts that succeeded.", |m| {
            m.task_startups.succeeded()
        }),
        worker(&["task-startup-failure-total"], Counter, "", "Task starts that failed.", |m| m.task_startups.failed()),
        worker(
            &["task-startup-success-percentage"],
            Gauge,
            "ratio",
            "Share of recent task starts that succeeded, 0 to 1.",
            |m| m.task_startups.success_share(),
        ),
        worker(
            &["task-startup-failure-percentage"],
            Gauge,
            "ratio",
            "Share of recent task starts that failed, 0 to 1.",
            |m| m.task_startups.failure_share(),
        ),
        tasks(&["connector-total-task-count"], "Tasks of the connector on this worker.", None),
        tasks(&["connector-running-task-count"], "Its running tasks on this worker.", Some(State::Running)),
        tasks(&["connector-paused-task-count"], "Its paused tasks on this worker.", Some(State::Paused)),
        tasks(&["connector-failed-task-count"], "Its failed tasks on this worker.", Some(State::Failed)),
        tasks(
            &["connector-unassigned-task-count"],
            "Its tasks on this worker that are starting.",
            Some(State::Unassigned),
        ),
        tasks(&["connector-destroyed-task-count"], "Its tasks on this worker that are gone.", Some(State::Destroyed)),
        tasks(
            &["connector-restarting-task-count"],
            "Its tasks on this worker that wait for their restart.",
            Some(State::Restarting),
        ),
        java(
            REBALANCE,
            &["connect-protocol"],
            Info,
            "",
            "Protocol of the group of workers; NONE for a worker that is alone.",
            Read::WorkerText("connect_protocol", |m| Some(m.rebalance.protocol().to_owned())),
        ),
        java(
            REBALANCE,
            &["leader-name"],
            Info,
            "",
            "Leader of the group of workers.",
            Read::WorkerText("leader_name", |m| {
                let (view, me) = m.membership.get()?;
                match &view.borrow().leader {
                    Leader::Me => Some(me.clone()),
                    Leader::Other(url) => Some(url.clone()),
                    Leader::Unknown => None,
                }
            }),
        ),
        rebalance(&["epoch"], Gauge, "", "Generation of the group of workers.", |m| {
            m.membership.get().map_or(f64::NAN, |(view, _)| f64::from(view.borrow().generation))
        }),
        rebalance(&["completed-rebalances-total"], Counter, "", "Rebalances this worker has taken part in.", |m| {
            m.rebalance.completed()
        }),
        rebalance(&["rebalancing"], Gauge, "", "1 while a rebalance goes on.", |m| m.rebalance.going_on()),
        rebalance(&["rebalance-max-time-ms"], Gauge, "ms", "Longest recent rebalance.", |m| m.rebalance.time.max()),
        rebalance(&["rebalance-avg-time-ms"], Gauge, "ms", "Mean time of recent rebalances.", |m| {
            m.rebalance.time.avg()
        }),
        rebalance(
            &["time-since-last-rebalance-ms"],
            Gauge,
            "ms",
            "Time since the last rebalance; infinite where there was none.",
            |m| m.rebalance.since_last(),
        ),
        java(
            COORDINATOR,
            &["assigned-connectors"],
            Gauge,
            "",
            "Connectors this worker has from the group.",
            Read::Worker(|m| m.connectors.lock().len() as f64),
        ),
        java(
            COORDINATOR,
            &["assigned-tasks"],
            Gauge,
            "",
            "Tasks this worker has from the group.",
            Read::Worker(|m| m.tasks.lock().len() as f64),
        ),
        text(&["status"], "status", "State of the connector.", |c| Some(c.state.state().as_str().to_ascii_lowercase())),
        text(&["connector-class"], "connector_class", "Class of the connector.", |c| {
            Some(c.info.as_ref()?.class.to_owned())
        }),
        text(&["connector-type"], "connector_type", "source or sink.", |c| Some(c.kind?.as_str().to_owned())),
        text(&["connector-version"], "connector_version", "Version of the connector.", |c| {
            Some(c.info.as_ref()?.version.to_owned())
        }),
        own(
            "millstream_memory_budget_bytes",
            Gauge,
            "bytes",
            "Bytes of rows that all tasks together may hold (memory.budget.bytes).",
            Read::Worker(|m| m.budget.limit() as f64),
        ),
        own(
            "millstream_memory_used_bytes",
            Gauge,
            "bytes",
            "Bytes of rows that tasks hold now; above the budget fetching pauses.",
            Read::Worker(|m| m.budget.used() as f64),
        ),
        process("process_cpu_seconds_total", Counter, "seconds", "CPU time of the process."),
        process("process_open_fds", Gauge, "", "Open file descriptors."),
        process("process_max_fds", Gauge, "", "Most file descriptors it may open."),
        process("process_virtual_memory_bytes", Gauge, "bytes", "Virtual memory."),
        process("process_resident_memory_bytes", Gauge, "bytes", "Resident memory."),
        process("process_start_time_seconds", Gauge, "seconds", "Start of the process, as a Unix time."),
        process("process_threads", Gauge, "", "Threads of the process."),
    ]
}

fn process(name: &str, kind: Kind, unit: &'static str, help: &'static str) -> Metric {
    own(name, kind, unit, help, Read::Process)
}
