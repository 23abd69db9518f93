use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use millstream_api::{MemoryBudget, TaskId, TopicPartition};
use millstream_core::cluster::State;
use millstream_core::settings::ConnectorSettings;

use super::java::{Stand, stand_of};
use super::table::{Kind, all};
use super::*;
use crate::membership::{Membership, Solo};
use crate::testing;

/// Families of a text: kind, and the value of each series by its labels. Refuses what Prometheus would.
fn parse(text: &str) -> BTreeMap<String, (String, BTreeMap<String, f64>)> {
    let mut families: BTreeMap<String, (String, BTreeMap<String, f64>)> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(helped.contains(name) && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            current = name.to_owned();
            let before = families.insert(current.clone(), (kind.to_owned(), BTreeMap::new()));
            assert!(before.is_none(), "{line}: told twice");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_at(series.find('{').unwrap_or(series.len()));
            let (kind, values) = families.get_mut(&current).unwrap();
            let suffix = name.strip_prefix(current.as_str()).unwrap_or_else(|| panic!("{line} is within {current}"));
            let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.contains(&suffix) && is_name(name), "{line}");
            let value: f64 = value.parse().unwrap();
            assert!(values.insert(format!("{suffix}{labels}"), value).is_none(), "{line}: a second time");
        }
    }
    families
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

struct Scrape(BTreeMap<String, (String, BTreeMap<String, f64>)>);

impl Scrape {
    fn of(metrics: &Metrics) -> Self {
        Self(parse(&metrics.render().unwrap()))
    }

    fn value(&self, family: &str, labels: &str) -> Option<f64> {
        self.0.get(family)?.1.get(labels).copied()
    }

    fn mentions(&self, text: &str) -> bool {
        self.0.values().any(|(_, series)| series.keys().any(|labels| labels.contains(text)))
    }
}

fn worker() -> Arc<Metrics> {
    testing::metrics(&testing::worker())
}

fn list(metrics: &Arc<Metrics>, id: &TaskId, kind: usize) -> (Arc<TaskMetrics>, Listed) {
    let plugins = testing::plugins();
    let plugin = &plugins.connectors()[kind];
    let more = if kind == 0 { ("topic", "t") } else { ("topics", "t") };
    let config = [("name", &*id.connector), ("connector.class", plugin.info().class), more];
    let settings = ConnectorSettings::parse(&config.into_iter().collect(), &testing::worker()).unwrap();
    metrics.task(id, &**plugin, &settings)
}

#[test]
fn every_metric_of_java_has_its_counterpart_or_a_reason() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/metrics/names.json");
    let names: BTreeMap<String, Vec<String>> = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let ours: BTreeSet<_> = all().iter().map(|metric| metric.name.as_str()).collect();
    let mut wrong = Vec::new();
    for (group, attributes) in &names {
        for attribute in attributes {
            match stand_of(group, attribute) {
                None => wrong.push(format!("{group} {attribute}: nothing stands for it")),
                Some(Stand::Shown(name)) if !ours.contains(name) => {
                    wrong.push(format!("{group} {attribute}: no {name}"))
                }
                Some(_) => {}
            }
        }
    }
    // And none of ours stands for one that Java does not have.
    for (group, attributes) in all().iter().filter_map(|metric| metric.java) {
        for attribute in attributes {
            if !names.get(group).is_some_and(|known| known.iter().any(|name| name == attribute)) {
                wrong.push(format!("{group} {attribute} is not Java's"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        stand_of("sink-task-metrics", "put-batch-avg-time-ms"),
        Some(Stand::Shown("kafka_connect_sink_task_put_batch_avg_time_ms"))
    );
    assert_eq!(stand_of("sink-task-metrics", "made-up"), None);
}

#[test]
fn names_are_legal_and_told_apart() {
    let mut names = BTreeSet::new();
    for metric in all() {
        assert!(is_name(&metric.name) && names.insert(&metric.name), "{}", metric.name);
        assert!(metric.help.ends_with('.') && !metric.help.contains('\n'), "{}: {}", metric.name, metric.help);
        assert_eq!(metric.name.ends_with("_info"), metric.kind == Kind::Info && metric.name.ends_with("_info"));
    }
    for expected in [
        "kafka_connect_worker_connector_count",
        "kafka_connect_worker_connector_failed_task_count",
        "kafka_connect_worker_rebalance_completed_rebalances_total",
        "kafka_connect_connector_status",
        "kafka_connect_connector_task_status",
        "kafka_connect_connector_task_batch_size_avg",
        "kafka_connect_source_task_source_record_write_total",
        "kafka_connect_task_error_deadletterqueue_produce_requests",
        "kafka_consumer_fetch_manager_records_lag",
        "kafka_consumer_incoming_byte_total",
        "kafka_producer_topic_record_send_total",
    ] {
        assert!(names.iter().any(|name| *name == expected), "{expected}");
    }
}

#[test]
fn a_task_is_shown_as_long_as_it_is_listed() {
    let metrics = worker();
    let id = TaskId::new("with \"quotes\"\\and", 3);
    let labels = r#"{connector="with \"quotes\"\\and",task="3"}"#;
    let (task, first) = list(&metrics, &id, 1);
    task.client.set_id("connector-consumer-x-3");
    task.state.set(State::Running);
    task.read(7);
    task.put(5, Duration::from_millis(20));
    task.put(1, Duration::from_millis(40));
    task.commit_begins();
    task.commit_ended(Duration::from_millis(3), CommitOutcome::TooLate);
    task.assigned(2);
    task.errors.failed(2);
    task.errors.skipped(2);
    task.client.moved(&"t".into(), 7, 700);
    task.client.position(&TopicPartition::new("t", 0), 7);
    task.client.look_at_ends(|_| (Some(0), Some(10)));
    let seen = Scrape::of(&metrics);
    for (family, value) in [
        ("kafka_connect_sink_task_sink_record_read_total", 7.0),
        ("kafka_connect_sink_task_sink_record_send_total", 6.0),
        ("kafka_connect_sink_task_put_batch_max_time_ms", 40.0),
        ("kafka_connect_sink_task_put_batch_avg_time_ms", 30.0),
        ("kafka_connect_connector_task_batch_size_avg", 3.0),
        ("kafka_connect_sink_task_offset_commit_skip_total", 1.0),
        ("kafka_connect_sink_task_offset_commit_seq_no", 1.0),
        ("kafka_connect_connector_task_offset_commit_failure_percentage", 1.0),
        ("kafka_connect_sink_task_partition_count", 2.0),
        ("kafka_connect_task_error_total_records_skipped", 2.0),
    ] {
        assert_eq!(seen.value(family, labels), Some(value), "{family}");
    }
    let client = r#"{connector="with \"quotes\"\\and",task="3",clientid="connector-consumer-x-3",topic="t""#;
    let lag = seen.value("kafka_consumer_fetch_manager_records_lag", &format!(r#"{client},partition="0"}}"#));
    assert_eq!(lag, Some(3.0));
    let consumed = seen.value("kafka_consumer_fetch_manager_bytes_consumed_total", &format!("{client}}}"));
    assert_eq!(consumed, Some(700.0));
    let status = labels.replace('}', ",status=\"running\"}");
    assert_eq!(seen.value("kafka_connect_connector_task_status", &status), Some(1.0));
    assert!(!seen.0.contains_key("kafka_connect_source_task_source_record_poll_total"), "it is a sink");
    let count = format!("_count{}", labels.replace('}', ",stage=\"put\"}"));
    assert_eq!(seen.value("millstream_task_stage_seconds", &count), Some(2.0));
    assert_eq!(seen.value("kafka_connect_worker_task_count", ""), Some(1.0));

    // Its successor takes the place; the end of the first is then nobody's end.
    let (_, second) = list(&metrics, &id, 1);
    drop(first);
    let seen = Scrape::of(&metrics);
    assert_eq!(seen.value("kafka_connect_sink_task_sink_record_read_total", labels), Some(0.0));
    drop(second);
    let seen = Scrape::of(&metrics);
    assert!(!seen.mentions("quotes"));
    assert_eq!(seen.value("kafka_connect_worker_task_count", ""), Some(0.0));
}

#[test]
fn source_counts_go_up_and_down() {
    let metrics = worker();
    let (task, _listed) = list(&metrics, &TaskId::new("a", 0), 0);
    task.polled(10, Duration::from_millis(5));
    task.left_out(1);
    task.answered(9, 8);
    task.flushed(Duration::from_millis(2), true);
    task.flushed(Duration::from_millis(2), false);
    let seen = Scrape::of(&metrics);
    let value = |family| seen.value(family, r#"{connector="a",task="0"}"#).unwrap();
    assert_eq!(value("kafka_connect_source_task_source_record_poll_total"), 10.0);
    assert_eq!(value("kafka_connect_source_task_source_record_write_total"), 8.0);
    assert_eq!(value("kafka_connect_source_task_source_record_active_count"), 0.0);
    assert_eq!(value("kafka_connect_source_task_source_record_active_count_max"), 10.0);
    assert_eq!(value("kafka_connect_connector_task_offset_commit_success_percentage"), 0.5);
    assert!(value("kafka_connect_connector_task_batch_size_avg").is_nan(), "nothing was sent");
    // Eight in the first window of 30 s.
    assert!((value("kafka_connect_source_task_source_record_write_rate") - 8.0 / 30.0).abs() < 0.02);
}

#[test]
fn starts_and_states_of_connectors_and_tasks() {
    let metrics = worker();
    let plugins = testing::plugins();
    let (connector, _a) = metrics.connector(&"a".into(), Some(&*plugins.connectors()[0]));
    connector.state.set(State::Running);
    connector.state.set(State::Failed);
    let (_, _b) = metrics.connector(&"b".into(), None);
    let _unbuilt = metrics.unbuilt_task(&TaskId::new("b", 0));
    let (task, _listed) = list(&metrics, &TaskId::new("a", 0), 0);
    task.state.set(State::Failed);
    metrics.note_state(&crate::task::InstanceId::Task(task.id.clone()), State::Restarting);
    let membership = Solo::new(4);
    metrics.set_membership(membership.view(), "me:8083");
    let seen = Scrape::of(&metrics);
    for (family, labels, value) in [
        ("kafka_connect_worker_connector_startup_attempts_total", "", 2.0),
        ("kafka_connect_worker_connector_startup_success_total", "", 1.0),
        ("kafka_connect_worker_connector_startup_failure_percentage", "", 0.5),
        ("kafka_connect_worker_task_startup_failure_total", "", 2.0),
        ("kafka_connect_worker_task_startup_failure_percentage", "", 1.0),
        ("kafka_connect_worker_connector_failed_task_count", r#"{connector="b"}"#, 1.0),
        ("kafka_connect_worker_connector_restarting_task_count", r#"{connector="a"}"#, 1.0),
        ("kafka_connect_worker_connector_total_task_count", r#"{connector="a"}"#, 1.0),
        ("kafka_connect_connector_status", r#"{connector="a",status="failed"}"#, 1.0),
        ("kafka_connect_worker_rebalance_epoch", "", 5.0),
        ("kafka_connect_worker_rebalance_leader_name", r#"{leader_name="me:8083"}"#, 1.0),
        ("millstream_memory_budget_bytes", "", (1u64 << 30) as f64),
    ] {
        assert_eq!(seen.value(family, labels), Some(value), "{family}{labels}");
    }
    assert!(seen.value("process_resident_memory_bytes", "").unwrap() > 1e6);
    assert!(seen.value("process_open_fds", "").unwrap() > 0.0);
}

/// What a scrape costs is bounded by what it shows: no series of an idle task but these.
#[test]
fn an_idle_task_has_few_series() {
    let metrics = worker();
    let idle = metrics.render().unwrap().lines().count();
    let listed: Vec<_> = (0..200).map(|n| list(&metrics, &TaskId::new(format!("c{n}"), 0), n % 2)).collect();
    let text = metrics.render().unwrap();
    let each = (text.lines().count() - idle) / listed.len();
    assert!(each < 50, "{each} lines for each idle task");
    assert!(text.len() < listed.len() * 6_000, "{} bytes", text.len());
    parse(&text);
}

#[test]
fn the_documents_list_what_there_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("<!-- list -->\n").unwrap();
    let (listed, after) = rest.split_once("<!-- end of list -->").unwrap();
    let wanted = documents();
    if std::env::var_os("MILLSTREAM_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}<!-- list -->\n{wanted}<!-- end of list -->{after}")).unwrap();
    } else {
        assert!(listed == wanted, "docs/metrics.md is out of date: run this test with MILLSTREAM_WRITE_DOCS=1");
    }
}

fn documents() -> String {
    let mut text = String::from("\n| Metric | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n");
    for metric in all() {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Info => "info",
            Kind::Histogram => "histogram",
        };
        let labels = metric.labels.join(", ");
        text.push_str(&format!("| `{}` | {kind} | {} | {labels} | {} |\n", metric.name, metric.unit, metric.help));
    }
    text.push_str("\n## Java's metrics without a counterpart\n\n| Group | Attributes | Why, or what to look at |\n|---|---|---|\n");
    for (groups, attributes, stand) in super::java::NAMES {
        let why = match stand {
            Stand::Shown(name) => format!("`{name}`"),
            Stand::Left(reason) => (*reason).to_owned(),
        };
        text.push_str(&format!("| {} | {} | {why} |\n", groups.join(", "), attributes.join(", ").replace('*', "\\*")));
    }
    text.push('\n');
    text
}

#[test]
fn a_budget_in_use_shows() {
    let budget = MemoryBudget::new(100);
    let metrics = Metrics::new(&testing::worker().metrics, budget.clone());
    let _held = budget.reserve(30);
    assert_eq!(Scrape::of(&metrics).value("millstream_memory_used_bytes", ""), Some(30.0));
}
