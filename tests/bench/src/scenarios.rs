//! The scenarios in their order: later ones use the topics that earlier ones filled.

use std::sync::Arc;

use millstream_testbed::{Result, Worker, unique};

use crate::bed::Bed;
use crate::connectors::{self, Many, What};
use crate::figures::{Figure, Mark, Scenario};
use crate::plain_loop::{self, Form};
use crate::table::{Copier, TABLE};
use crate::topic::{self, Payloads};
use crate::worker_load::{self, SinkLoad};
use crate::{data_plane, machine, median, pipelines, read_encode, start};

/// What `--only` takes.
pub const NAMES: [&str; 10] = [
    "data-plane",
    "start",
    "read-encode",
    "source",
    "sink",
    "sink4",
    "topic-to-null",
    "datagen-to-topic",
    "connectors",
    JAVA,
];
/// The scenario that runs only when asked for by name.
pub const JAVA: &str = "java";

/// Files that a partition's records are spread over.
const FILES: u64 = 10;
/// As many payloads are kept in memory for the plain loop.
const KEPT: u64 = 200_000;

const CONNECTORS: usize = 200;
const MANY_CONNECTORS: usize = 1000;

struct Run {
    bed: Bed,
    rows: u64,
    repeat: usize,
}

/// Runs the scenarios; one that fails says so and the others go on.
pub async fn run(rows: u64, repeat: usize, only: &[String]) -> Result<Vec<Scenario>> {
    let mut run = None;
    let mut scenarios = Vec::new();
    for name in NAMES {
        let wanted = only.iter().any(|wanted| wanted == name);
        if !wanted && (!only.is_empty() || name == JAVA) {
            continue;
        }
        eprintln!("bench: {name} (load {})", machine::load_average());
        let mut scenario = Scenario { name, about: "", figures: Vec::new(), notes: Vec::new(), error: None };
        if name == "data-plane" {
            let outcome = data_plane::run(&mut scenario, repeat).await;
            end(&mut scenario, outcome);
            scenarios.push(scenario);
            continue;
        }
        let run = match &run {
            Some(run) => run,
            None => {
                eprintln!("bench: starting the services, making {rows} rows");
                run.insert(Run { bed: Bed::start(rows).await?, rows, repeat })
            }
        };
        let outcome = match name {
            "start" => run.start(&mut scenario).await,
            "read-encode" => run.read_encode(&mut scenario).await,
            "source" => run.source(&mut scenario).await,
            "sink" => run.sink(&mut scenario).await,
            "sink4" => run.sink4(&mut scenario).await,
            "topic-to-null" => pipelines::topic_to_null(&mut scenario, &run.bed, rows, repeat).await,
            "datagen-to-topic" => pipelines::datagen_to_topic(&mut scenario, &run.bed, rows, repeat).await,
            "connectors" => run.connectors(&mut scenario, only.iter().any(|wanted| wanted == JAVA)).await,
            _ => run.java(&mut scenario).await,
        };
        end(&mut scenario, outcome);
        scenarios.push(scenario);
    }
    Ok(scenarios)
}

fn end(scenario: &mut Scenario, outcome: Result<()>) {
    if let Err(error) = outcome {
        eprintln!("bench: {} failed: {error}", scenario.name);
        scenario.error = Some(error.to_string());
    }
}

impl Run {
    async fn start(&self, scenario: &mut Scenario) -> Result<()> {
        scenario.about = "a worker without connectors: exec to the first 200 of GET /connectors, and its memory";
        let starts = start::run(&self.bed).await?;
        let second = Mark::AtMost(1.0);
        scenario.figures.extend([
            Figure::new("ready, first start (makes its topics)", starts.first, "s").mark(second),
            Figure::new("ready, later starts, median", starts.median, "s").mark(second),
            Figure::new("memory when idle", starts.idle_mb, "MB").mark(Mark::AtMost(40.0)),
        ]);
        Ok(())
    }

    async fn read_encode(&self, scenario: &mut Scenario) -> Result<()> {
        scenario.about = "the JDBC source's task and the JsonConverter in this process, the bytes dropped: no Kafka";
        let (postgres, copier) = (&self.bed.postgres, Copier::find());
        for (form, what) in [(Form::Envelope, "envelopes"), (Form::Plain, "plain JSON")] {
            let (mut copies, mut ours, mut cpu, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
            // In turn, so that both meet the same moments of the machine.
            for _ in 0..self.repeat {
                copies.push(self.rows as f64 / copier.copy(postgres).await?.as_secs_f64());
                let used = read_encode::run(postgres, form, self.rows).await?;
                ours.push(self.rows as f64 / used.seconds);
                cpu.push(used.cpu_seconds * 1e6 / self.rows as f64);
                bytes = used.bytes / self.rows;
            }
            let rows = Figure::new(format!("rows, {what}"), median(ours)?, "/s").beside(copier.name(), median(copies)?);
            scenario.figures.extend([
                rows.mark(Mark::ShareAtLeast(0.5)),
                Figure::new(format!("CPU per row, {what}"), median(cpu)?, "us"),
            ]);
            scenario.notes.push(format!("{what}: {bytes} bytes a record; medians of {} runs", self.repeat));
        }
        Ok(())
    }

    async fn source(&self, scenario: &mut Scenario) -> Result<()> {
        scenario.about = "JDBC source, timestamp mode, one task: the table into a topic through the worker";
        for (form, prefix, what, mark) in
            [(Form::Envelope, ENVELOPES, "envelopes", 6.0), (Form::Plain, PLAIN, "plain JSON", 4.0)]
        {
            let load = worker_load::source(&self.bed, form, prefix, self.rows).await?;
            let per_row = load.cpu_seconds * 1e6 / self.rows as f64;
            scenario.figures.extend([
                Figure::new(format!("worker CPU per row, {what}"), per_row, "us").mark(Mark::AtMost(mark)),
                Figure::new(format!("rows, {what}"), self.rows as f64 / load.seconds, "/s"),
                Figure::new(format!("peak memory, {what}"), load.peak_mb, "MB").mark(Mark::AtMost(200.0)),
            ]);
            let payloads = topic::read(&self.bed.kafka.bootstrap(), &topic_of(prefix), 80).await?;
            scenario.notes.push(format!("{what}: {} bytes a record", payloads.byte_size() / payloads.len()));
        }
        Ok(())
    }

    async fn sink(&self, scenario: &mut Scenario) -> Result<()> {
        scenario.about = "S3 sink, Parquet with snappy, one partition, one task; beside it a plain loop over the same \
                          crates that knows the schema, decodes the same bytes and writes Parquet into memory";
        for (form, prefix, what) in [(Form::Envelope, ENVELOPES, "envelopes"), (Form::Plain, PLAIN, "plain JSON")] {
            let topic = topic_of(prefix);
            let payloads = self.payloads(form, prefix).await?;
            let flush_size = self.rows / FILES;
            let (mut plain, mut parquet_bytes) = (Vec::new(), 0);
            for _ in 0..self.repeat {
                let used = plain_loop::run(payloads.clone(), form, usize::try_from(flush_size)?).await?;
                plain.push(used.cpu_seconds * 1e6 / payloads.len() as f64);
                parquet_bytes = used.parquet_bytes;
            }
            scenario.notes.push(format!("{what}: {} bytes of Parquet a record", parquet_bytes / payloads.len().max(1)));
            let plain = median(plain)?;
            let of = SinkLoad { topic: &topic, partitions: 1, records: self.rows, flush_size, form };
            let load = worker_load::sink(&self.bed, of).await?;
            let per_record = load.cpu_seconds * 1e6 / self.rows as f64;
            let bytes = payloads.byte_size() as f64 / payloads.len() as f64 * self.rows as f64;
            let name = format!("worker CPU per record, {what}");
            let beside = Figure::new(&name, per_record, "us").beside("plain loop", plain).mark(Mark::ShareAtMost(2.0));
            scenario.figures.push(beside);
            if form == Form::Envelope {
                scenario.figures.push(Figure::new(name, per_record, "us").mark(Mark::AtMost(6.0)));
            }
            scenario.figures.extend([
                Figure::new(format!("records, {what}"), self.rows as f64 / load.seconds, "/s"),
                Figure::new(format!("topic bytes, {what}"), bytes / load.seconds / 1e6, "MB/s"),
                Figure::new(format!("peak memory, {what}"), load.peak_mb, "MB"),
            ]);
        }
        scenario.notes.push(format!(
            "the plain loop has no consumer, no upload and no offsets; it ran on {} records, median of {} runs",
            self.rows.min(KEPT),
            self.repeat
        ));
        Ok(())
    }

    async fn sink4(&self, scenario: &mut Scenario) -> Result<()> {
        scenario.about = "S3 sink, four partitions, four tasks, envelopes";
        let payloads = self.payloads(Form::Envelope, ENVELOPES).await?;
        let records = self.rows / 2;
        let topic = unique("four");
        self.bed.topics.create(&topic, 4, &[]).await?;
        topic::fill(&self.bed.kafka.bootstrap(), &topic, 4, payloads, records).await?;
        let of =
            SinkLoad { topic: &topic, partitions: 4, records, flush_size: records / 4 / FILES, form: Form::Envelope };
        let load = worker_load::sink(&self.bed, of).await?;
        scenario.figures.extend([
            Figure::new("peak memory", load.peak_mb, "MB").mark(Mark::AtMost(300.0)),
            Figure::new("worker CPU per record", load.cpu_seconds * 1e6 / records as f64, "us"),
            Figure::new("records", records as f64 / load.seconds, "/s"),
        ]);
        Ok(())
    }

    async fn connectors(&self, scenario: &mut Scenario, java: bool) -> Result<()> {
        scenario.about = "200 FileStream connectors with nothing to do on one worker, and somebody who asks all the time; \
                          then a start with 1,000 sources in the config topic";
        let topic = unique("many");
        self.bed.topics.create(&topic, 1, &[]).await?;
        for (what, name) in [(What::Sources, "sources"), (What::Sinks(&topic), "sinks")] {
            let ours = many(worker_load::prepare(&self.bed)?, what).await?;
            let theirs = match java {
                true => Some(many(worker_load::prepare_java(&self.bed)?, what).await?),
                false => None,
            };
            let figure = |figure: &str, unit: &'static str, value: fn(&Many) -> f64| {
                let figure = Figure::new(format!("{name}: {figure}"), value(&ours), unit);
                match &theirs {
                    Some(theirs) => figure.beside("Apache Kafka Connect", value(theirs)),
                    None => figure,
                }
            };
            scenario.figures.extend([
                figure("answer while they start, are listed and stop, median", "ms", |many| many.answers.0),
                figure("the same, 99th percentile", "ms", |many| many.answers.1).mark(Mark::AtMost(50.0)),
                figure("create, median", "ms", |many| many.creates.0),
                figure("create, longest", "ms", |many| many.creates.1).mark(Mark::AtMost(200.0)),
                figure("from the first create until all run", "s", |many| many.running_seconds),
                figure("memory of an idle one", "KB", |many| many.idle_kb).mark(Mark::AtMost(300.0)),
                figure("CPU of all when idle", "s/s", |many| many.idle_cpu),
            ]);
        }
        let (listed, running) = connectors::restart(&worker_load::prepare(&self.bed)?, MANY_CONNECTORS).await?;
        scenario.figures.extend([
            Figure::new("start with 1,000: until REST lists all", listed, "s").mark(Mark::AtMost(5.0)),
            Figure::new("start with 1,000: until all run", running, "s"),
        ]);
        Ok(())
    }

    async fn java(&self, scenario: &mut Scenario) -> Result<()> {
        scenario.about = "FileStream source, StringConverter, one task: the same file through Millstream and through Apache \
                          Kafka Connect (its default garbage collector and compilers, heap at most 1 GB)";
        let ours = worker_load::prepare(&self.bed)?;
        let theirs = worker_load::prepare_java(&self.bed)?;
        let (our_ready, their_ready) = (start::ready(&ours).await?, start::ready(&theirs).await?);
        let ours = worker_load::lines(&self.bed, ours, self.rows).await?;
        let theirs = worker_load::lines(&self.bed, theirs, self.rows).await?;
        let rows = self.rows as f64;
        let beside = |name: &str, ours: f64, theirs: f64, unit: &'static str| {
            Figure::new(name, ours, unit).beside("Apache Kafka Connect", theirs)
        };
        scenario.figures.extend([
            beside("ready, first start", our_ready, their_ready, "s"),
            beside("worker CPU per line", ours.cpu_seconds * 1e6 / rows, theirs.cpu_seconds * 1e6 / rows, "us"),
            beside("lines", rows / ours.seconds, rows / theirs.seconds, "/s"),
            beside("peak memory", ours.peak_mb, theirs.peak_mb, "MB"),
        ]);
        scenario.notes.push("both had just started: the work of Java's compilers counts".to_owned());
        Ok(())
    }

    /// The first payloads of a source's topic; a run without the source scenario fills the topic here.
    async fn payloads(&self, form: Form, prefix: &str) -> Result<Arc<Payloads>> {
        if self.bed.topics.partitions(&topic_of(prefix)).await?.is_none() {
            worker_load::source(&self.bed, form, prefix, self.rows).await?;
        }
        let count = usize::try_from(self.rows.min(KEPT))?;
        Ok(Arc::new(topic::read(&self.bed.kafka.bootstrap(), &topic_of(prefix), count).await?))
    }
}

/// Has many connectors on a worker of their own.
async fn many(worker: Worker, what: What<'_>) -> Result<Many> {
    worker.run().await?;
    let many = connectors::run(&worker, CONNECTORS, what).await?;
    worker.terminate().await?;
    Ok(many)
}

const ENVELOPES: &str = "envelopes.";
const PLAIN: &str = "plain.";

fn topic_of(prefix: &str) -> String {
    format!("{prefix}{TABLE}")
}
