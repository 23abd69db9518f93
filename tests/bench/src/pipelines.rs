//! Whole pipelines through a worker process, beside Apache Kafka Connect with the same configuration: topic to nowhere, and made records to
//! topic.
//!
//! Both products run a pipeline twice in one process: the first connector warms it up (Java's compilers have done their work after it) and is
//! deleted, the second one, equal but for its name, is measured.

use std::fmt::Write as _;
use std::sync::Arc;

use millstream_testbed::{Result, Worker, unique};
use serde_json::{Value, json};

use crate::bed::Bed;
use crate::figures::{Figure, Mark, Scenario};
use crate::made_records::{self, CHAIN};
use crate::median;
use crate::plain_loop::Form;
use crate::topic::{self, Progress};
use crate::worker_load::{self, Load, Running, converter, with};

/// More records than this would only take longer.
const MOST: u64 = 500_000;
/// Distinct payloads in a topic, again and again.
const DISTINCT: usize = 40_000;
const JAVA: &str = "Apache Kafka Connect";
const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
const NULL_SINK: &str = "io.millstream.connect.datagen.NullSinkConnector";
/// A transformation that drops every record, at the end of a chain: the sink gets nothing in either product.
const DROP: [(&str, &str); 2] = [
    ("transforms", "replace,cast,insert,drop"),
    ("transforms.drop.type", "org.apache.kafka.connect.transforms.Filter"),
];
const FORMS: [(Form, &str); 2] = [(Form::Envelope, "envelopes"), (Form::Plain, "plain JSON")];

/// One way through a worker.
struct Pipeline {
    /// What it is, as a figure is called.
    name: String,
    /// Its configuration, but for what a run of it needs.
    config: Value,
    /// Whether Kafka's own plugins are enough for it.
    java: bool,
    end: End,
}

/// Where records come from or go to.
enum End {
    /// From this topic.
    From(String),
    /// From this file of lines, or made, into a topic of the run's own.
    Into,
}

/// Records of a topic that go nowhere.
pub async fn topic_to_null(scenario: &mut Scenario, bed: &Bed, rows: u64, repeat: usize) -> Result<()> {
    scenario.about = "a topic of records with 12 fields through a sink task that writes nothing, one partition, one task; records per CPU \
                      second of the whole worker process. The sink is FileStream to /dev/null, or any sink at all behind a chain that \
                      drops its records, on both sides; Millstream's null sink beside nothing";
    let records = rows.min(MOST);
    let mut pipelines = Vec::new();
    for (form, what) in FORMS {
        let topic = unique("null");
        bed.topics.create(&topic, 1, &[]).await?;
        let payloads = Arc::new(made_records::payloads(form, DISTINCT).await?);
        scenario.notes.push(format!("{what}: {} bytes a record", payloads.byte_size() / payloads.len()));
        topic::fill(&bed.kafka.bootstrap(), &topic, 1, payloads, records).await?;
        for (name, class, chain, java) in [
            ("to /dev/null", FILE_SINK, &[][..], true),
            ("3 transformations, to /dev/null", FILE_SINK, &[&CHAIN[..]][..], true),
            ("3 transformations, dropped", FILE_SINK, &[&CHAIN[..], &DROP[..]], true),
            ("null sink", NULL_SINK, &[], false),
            ("3 transformations, null sink", NULL_SINK, &[&CHAIN[..]], false),
        ] {
            let mut config = json!({"connector.class": class, "tasks.max": "1", "topics": topic});
            if class == FILE_SINK {
                config["file"] = json!("/dev/null");
            }
            let config = with(with(config, converter(form)), settings(chain));
            let name = format!("{what}, {name}");
            pipelines.push(Pipeline { name, config, java, end: End::From(topic.clone()) });
        }
    }
    run(scenario, bed, &pipelines, records, repeat).await
}

/// Made records, and lines of a file, into a topic.
pub async fn datagen_to_topic(scenario: &mut Scenario, bed: &Bed, rows: u64, repeat: usize) -> Result<()> {
    scenario.about = "into a topic of one partition, one task; records per CPU second of the whole worker process. Kafka has no source of \
                      records with fields, so the equal configuration is a file of lines that a chain makes records of; Millstream's \
                      datagen source, 12 fields, beside nothing";
    let records = rows.min(MOST);
    let mut text = String::new();
    for number in 0..records {
        writeln!(text, "line {number}: the quick brown fox jumps over the lazy dog, again and again, and never tires")?;
    }
    let folder = worker_load::prepare(bed)?;
    let file = folder.folder().write("lines.txt", text)?;
    let lines = json!({
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": file,
    });
    let mut pipelines = Vec::new();
    for (form, what) in FORMS {
        for (name, config, java) in [
            ("lines", lines.clone(), true),
            ("lines, 3 transformations", with(lines.clone(), settings(&[&LINES])), true),
            ("datagen", made_records::source_config("", records), false),
            ("datagen, 3 transformations", with(made_records::source_config("", records), settings(&[&CHAIN])), false),
        ] {
            let config = with(config, converter(form));
            pipelines.push(Pipeline { name: format!("{what}, {name}"), config, java, end: End::Into });
        }
    }
    run(scenario, bed, &pipelines, records, repeat).await
}

/// Lines become records with three fields.
const LINES: [(&str, &str); 8] = [
    ("transforms", "hoist,time,origin"),
    ("transforms.hoist.type", "org.apache.kafka.connect.transforms.HoistField$Value"),
    ("transforms.hoist.field", "line"),
    ("transforms.time.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
    ("transforms.time.timestamp.field", "read_at"),
    ("transforms.origin.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
    ("transforms.origin.static.field", "origin"),
    ("transforms.origin.static.value", "bench"),
];

fn settings(chain: &[&[(&'static str, &'static str)]]) -> Vec<(&'static str, Value)> {
    chain.iter().flat_map(|part| part.iter()).map(|(key, value)| (*key, json!(value))).collect()
}

async fn run(scenario: &mut Scenario, bed: &Bed, pipelines: &[Pipeline], records: u64, repeat: usize) -> Result<()> {
    let (ours, theirs) = (worker_load::prepare(bed)?, worker_load::prepare_java(bed)?);
    ours.run().await?;
    theirs.run().await?;
    let (mut our_peak, mut their_peak) = (0.0, 0.0);
    for pipeline in pipelines {
        eprintln!("bench: {}: {}", scenario.name, pipeline.name);
        let load = measure(bed, &ours, pipeline, records, repeat).await?;
        our_peak = load.peak_mb;
        let mut figure = Figure::new(&pipeline.name, records as f64 / load.cpu_seconds, "/CPU s");
        if pipeline.java {
            // Its steady state takes long enough for one run.
            let load = measure(bed, &theirs, pipeline, records, 1).await?;
            their_peak = load.peak_mb;
            figure = figure.beside(JAVA, records as f64 / load.cpu_seconds).mark(Mark::ShareAtLeast(5.0));
        }
        scenario.figures.push(figure);
    }
    scenario
        .figures
        .push(Figure::new("peak memory of the worker, all of these", our_peak, "MB").beside(JAVA, their_peak));
    for worker in [ours, theirs] {
        worker.terminate().await?;
    }
    scenario.notes.push(format!(
        "{records} records each time; every pipeline ran once before, in the same process, to warm it up (Java: its default compilers and \
         collector, heap at most 1 GB); median of {repeat} runs for Millstream, one run for Java"
    ));
    Ok(())
}

/// Runs a pipeline as often as asked and once before; the median by CPU time.
async fn measure(bed: &Bed, worker: &Worker, pipeline: &Pipeline, records: u64, repeat: usize) -> Result<Load> {
    once(bed, worker, pipeline, records).await?;
    let mut loads = Vec::new();
    for _ in 0..repeat {
        loads.push(once(bed, worker, pipeline, records).await?);
    }
    let cpu_seconds = median(loads.iter().map(|load| load.cpu_seconds).collect())?;
    let seconds = median(loads.iter().map(|load| load.seconds).collect())?;
    let peak_mb = loads.iter().map(|load| load.peak_mb).fold(0.0, f64::max);
    Ok(Load { seconds, cpu_seconds, peak_mb })
}

async fn once(bed: &Bed, worker: &Worker, pipeline: &Pipeline, records: u64) -> Result<Load> {
    let name = unique("pipeline");
    let progress = Progress::new(&bed.kafka.bootstrap(), &format!("connect-{name}"))?;
    let wanted = i64::try_from(records)?;
    let load = match &pipeline.end {
        End::From(topic) => {
            let running = Running::create(worker, &name, &pipeline.config).await?;
            running.done(|| async { Ok((progress.committed(topic, 1).await?, wanted)) }).await?;
            running.load(running.seconds())?
        }
        End::Into => {
            let topic = unique("into");
            bed.topics.create(&topic, 1, &[]).await?;
            let running =
                Running::create(worker, &name, &with(pipeline.config.clone(), [("topic", json!(topic))])).await?;
            running.done(|| async { Ok((progress.records(&topic, 1).await?, wanted)) }).await?;
            running.load(running.seconds())?
        }
    };
    worker.rest().delete(&name).await?;
    Ok(load)
}
