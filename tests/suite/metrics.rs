//! `GET /metrics` of a worker that moves records: the figures are those of what was moved, and vanish with their connector.

use std::collections::BTreeMap;

use millstream_testbed::poll::until;
use millstream_testbed::rest::path_of;
use millstream_testbed::{Error, Folder, NewRecord, Result, Topics, Worker, WorkerProperties, shared, unique};
use serde_json::json;

use crate::scenario::{FILE_SINK, FILE_SOURCE, JSON, LIMIT, STRING, append, wait_lines};

const LINES: usize = 500;

/// Values by series, `name{labels}`, of an answer that Prometheus would take.
pub async fn scrape(worker: &Worker) -> Result<BTreeMap<String, f64>> {
    let answer = worker.rest().get("/metrics").await?;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; version=0.0.4")));
    let (mut values, mut types) = (BTreeMap::new(), BTreeMap::new());
    for line in answer.body.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            let (name, kind) = told.split_once(' ').ok_or_else(|| Error::new(line))?;
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line} is told twice");
        } else if !line.starts_with("# HELP ") {
            let (series, value) = line.rsplit_once(' ').ok_or_else(|| Error::new(line))?;
            let name = series.split('{').next().unwrap_or_default();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let known = types.contains_key(name) || family.is_some_and(|family| types.contains_key(family));
            assert!(known, "{line} has no type");
            let value = value.parse().map_err(|_| Error::new(line))?;
            assert!(values.insert(series.to_owned(), value).is_none(), "{line} a second time");
        }
    }
    Ok(values)
}

async fn wait_for(worker: &Worker, wanted: &[(String, f64)]) -> Result<BTreeMap<String, f64>> {
    let found = until("the wanted metrics", LIMIT, || async {
        let all = scrape(worker).await?;
        let off: Vec<_> = wanted.iter().filter(|(series, value)| all.get(series) != Some(value)).collect();
        if off.is_empty() {
            return Ok(Some(all));
        }
        let seen: Vec<_> = off.iter().map(|(series, value)| (series, value, all.get(series))).collect();
        Err(Error::new(format!("{seen:?}")))
    });
    found.await.map_err(|error| error.with_log(&worker.log()))
}

#[tokio::test]
async fn figures_are_those_of_what_was_moved() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (source, sink, topic) = (unique("metered-source"), unique("metered-sink"), unique("metered"));
    let topics = Topics::new(kafka.bootstrap());
    topics.create(&topic, 1, &[]).await?;
    let folder = Folder::new("metrics")?;
    let lines: Vec<String> = (0..LINES).map(|n| format!("line {n:04}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    append(&folder.path().join("in.txt"), &lines)?;
    let properties = WorkerProperties::distributed(&kafka.bootstrap(), &unique("metrics"))
        .set("offset.flush.interval.ms", 200)
        .set("metric.reporters", "com.example.Statsd");
    let worker = Worker::start(properties).await?;
    worker.wait_log("com.example.Statsd", LIMIT).await?;

    let source_config = json!({
        "connector.class": FILE_SOURCE, "tasks.max": "1", "file": folder.path().join("in.txt"), "topic": topic,
        "value.converter": STRING,
    });
    let sink_config = json!({
        "connector.class": FILE_SINK, "tasks.max": "1", "file": folder.path().join("out.txt"), "topics": topic,
        "value.converter": STRING,
    });
    worker.rest().create(&source, &source_config).await?;
    worker.rest().create(&sink, &sink_config).await?;
    wait_lines(&folder.path().join("out.txt"), &lines, &worker).await?;

    let of = |family: &str, connector: &str| format!(r#"{family}{{connector="{connector}",task="0"}}"#);
    let client = |family: &str, client: &str, connector: &str, more: &str| {
        let id = format!("connector-{client}-{connector}-0");
        format!(r#"{family}{{connector="{connector}",task="0",clientid="{id}"{more}}}"#)
    };
    let (moved, bytes) = (LINES as f64, (LINES * "line 0000".len()) as f64);
    let in_topic = format!(r#",topic="{topic}""#);
    let in_partition = format!(r#",topic="{topic}",partition="0""#);
    let values = wait_for(
        &worker,
        &[
            (of("kafka_connect_source_task_source_record_poll_total", &source), moved),
            (of("kafka_connect_source_task_source_record_write_total", &source), moved),
            (of("kafka_connect_source_task_source_record_active_count", &source), 0.0),
            (client("kafka_producer_record_send_total", "producer", &source, ""), moved),
            (client("kafka_producer_topic_byte_total", "producer", &source, &in_topic), bytes),
            (of("kafka_connect_sink_task_sink_record_read_total", &sink), moved),
            (of("kafka_connect_sink_task_sink_record_send_total", &sink), moved),
            (of("kafka_connect_sink_task_partition_count", &sink), 1.0),
            // Committed: the flush interval is short.
            (of("kafka_connect_sink_task_sink_record_active_count", &sink), 0.0),
            (client("kafka_consumer_fetch_manager_records_consumed_total", "consumer", &sink, &in_topic), moved),
            (client("kafka_consumer_fetch_manager_records_lag", "consumer", &sink, &in_partition), 0.0),
            (client("kafka_consumer_fetch_manager_records_lead", "consumer", &sink, &in_partition), moved),
            ("kafka_connect_worker_connector_count".to_owned(), 2.0),
            ("kafka_connect_worker_task_count".to_owned(), 2.0),
            ("kafka_connect_worker_task_startup_success_total".to_owned(), 2.0),
            (format!(r#"kafka_connect_connector_status{{connector="{sink}",status="running"}}"#), 1.0),
            (format!(r#"kafka_connect_worker_connector_running_task_count{{connector="{source}"}}"#), 1.0),
        ],
    )
    .await?;
    for (family, connector) in [
        ("kafka_connect_sink_task_put_batch_avg_time_ms", &sink),
        ("kafka_connect_sink_task_sink_record_send_rate", &sink),
        ("kafka_connect_connector_task_offset_commit_success_percentage", &sink),
        ("kafka_connect_sink_task_offset_commit_completion_total", &sink),
        ("kafka_connect_connector_task_running_ratio", &sink),
        ("kafka_connect_connector_task_batch_size_max", &source),
        ("kafka_connect_source_task_source_record_write_rate", &source),
    ] {
        let value = values.get(&of(family, connector)).copied();
        assert!(value.is_some_and(|value| value > 0.0), "{family}: {value:?}");
    }
    for (stage, connector) in
        [("poll", &source), ("encode", &source), ("send", &source), ("fetch", &sink), ("decode", &sink), ("put", &sink)]
    {
        let series =
            format!(r#"millstream_task_stage_seconds_count{{connector="{connector}",task="0",stage="{stage}"}}"#);
        assert!(values.get(&series).is_some_and(|count| *count > 0.0), "{series}");
    }

    worker.rest().delete(&source).await?;
    worker.rest().stop(&sink).await?;
    let gone = until("series of what is gone", LIMIT, || async {
        let all = scrape(&worker).await?;
        let left = |text: &str| all.keys().any(|series| series.contains(text));
        let still = left(&source) || left(&format!(r#"connector="{sink}",task="#));
        if still { Err(Error::new("they are still there")) } else { Ok(Some(all)) }
    });
    let all = gone.await.map_err(|error| error.with_log(&worker.log()))?;
    let stopped = format!(r#"kafka_connect_connector_status{{connector="{sink}",status="stopped"}}"#);
    assert_eq!(all.get(&stopped), Some(&1.0));
    worker.terminate().await?;
    Ok(())
}

#[tokio::test]
async fn a_failed_task_says_where_and_what_to_do_and_stays_in_the_metrics() -> Result<()> {
    let kafka = shared().kafka().await?;
    let (sink, topic) = (unique("broken-sink"), unique("broken"));
    let topics = Topics::new(kafka.bootstrap());
    topics.create(&topic, 1, &[]).await?;
    topics.produce(&topic, [NewRecord::value("1"), NewRecord::value("{hush-hush")]).await?;
    let folder = Folder::new("broken")?;
    let worker = Worker::start(WorkerProperties::distributed(&kafka.bootstrap(), &unique("broken"))).await?;
    let config = json!({
        "connector.class": FILE_SINK, "tasks.max": "1", "file": folder.path().join("out.txt"), "topics": topic,
        "value.converter": JSON, "value.converter.schemas.enable": "false",
    });
    worker.rest().create(&sink, &config).await?;
    let failed = |status: &serde_json::Value| status["tasks"][0]["state"] == "FAILED";
    let status = worker.rest().wait_status(&sink, LIMIT, failed).await?;
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    for part in [
        "data: ",
        &format!("at topic {topic}, partition 0, offset 1\n"),
        &format!("at task {sink}-0\n"),
        "What to do: ",
    ] {
        assert!(trace.contains(part), "{part} is not in {trace}");
    }
    assert!(!trace.contains("hush") && trace.ends_with('\n') && trace.matches("What to do").count() == 1, "{trace}");
    // Long after its end it is still there, whatever becomes of its connector.
    for state in ["PAUSED", "RUNNING"] {
        if state == "PAUSED" {
            worker.rest().pause(&sink).await?
        } else {
            worker.rest().resume(&sink).await?
        }
        worker.rest().wait_status(&sink, LIMIT, |status| status["connector"]["state"] == state).await?;
    }
    let labels = format!(r#"{{connector="{sink}",task="0"}}"#);
    wait_for(
        &worker,
        &[
            (format!(r#"kafka_connect_connector_task_status{{connector="{sink}",task="0",status="failed"}}"#), 1.0),
            (format!(r#"kafka_connect_worker_connector_failed_task_count{{connector="{sink}"}}"#), 1.0),
            (format!("kafka_connect_task_error_total_record_failures{labels}"), 1.0),
            (format!("kafka_connect_task_error_total_records_skipped{labels}"), 0.0),
        ],
    )
    .await?;
    let restart = format!("{}/restart?includeTasks=true", path_of(&sink));
    worker.rest().send("POST", &restart, None).await?.success("restart")?;
    worker.rest().wait_status(&sink, LIMIT, failed).await?;
    worker.terminate().await?;
    Ok(())
}
