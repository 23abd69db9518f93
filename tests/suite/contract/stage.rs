//! What a scenario runs on: a worker with its topics, names, files, and the steps that concern worker and files.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use millstream_testbed::rest::path_of;
use millstream_testbed::{
    Context, Error, Folder, JavaConnect, Result, STOP, Tail, Topics, Worker, WorkerProperties, free_port, shared,
    unique,
};
use serde_json::{Value, json};

use super::LIMIT;
use super::names::Names;
use super::pattern::Pattern;
use super::script::{Found, OwnWorker, WorkerStep};
use super::{http, tls};
use crate::scenario::{Kind, append};

const READY: Duration = Duration::from_secs(90);

/// A running worker and what can be seen of its three topics.
pub struct Bed {
    pub worker: Worker,
    pub group: String,
    pub tail: Option<Tail>,
}

impl Bed {
    /// The worker that scenarios share, or one with settings of its own.
    pub async fn start(kind: Kind, own: Option<(&OwnWorker, &Names, &Folder)>) -> Result<Bed> {
        let bootstrap = shared().kafka().await?.bootstrap();
        let group = unique("contract");
        let standalone = own.is_some_and(|(own, ..)| own.standalone);
        let mut properties = match own {
            Some((_, _, folder)) if standalone => {
                WorkerProperties::standalone(&bootstrap, &folder.path().join("offsets"))
            }
            _ => WorkerProperties::distributed(&bootstrap, &group),
        };
        properties = properties.set("offset.flush.interval.ms", 500).set("scheduled.rebalance.max.delay.ms", 0);
        let mut environment = Vec::new();
        if let Some((own, names, _)) = own {
            for (key, value) in &own.settings {
                properties = match value {
                    Some(value) => properties.set(names.text(key), names.text(value)),
                    None => properties.unset(key),
                };
            }
            environment.extend(own.env.iter().map(|(key, value)| (key.clone(), names.text(value))));
        }
        let worker = prepare(kind, properties, environment)?;
        let mut bed = Bed { worker, group, tail: None };
        if own.is_none_or(|(own, ..)| own.started) {
            bed.run().await?;
            if !standalone {
                let topics = ["configs", "offsets", "status"].map(|topic| bed.topic(topic));
                bed.tail = Some(Tail::start(&bootstrap, &topics).await?);
            }
        }
        Ok(bed)
    }

    /// Its first listener, such as `http://127.0.0.1:8083`.
    pub fn address(&self) -> String {
        self.worker.rest().base().to_owned()
    }

    /// The name of its topic for `configs`, `offsets` or `status`.
    pub fn topic(&self, what: &str) -> String {
        format!("{}-{what}", self.group)
    }

    /// Starts it and waits until it is healthy; one that wants a password answers 401.
    pub async fn run(&self) -> Result<()> {
        self.worker.spawn()?;
        let address = self.address();
        let started = Instant::now();
        loop {
            if let Some(code) = self.worker.ended()? {
                let message = format!("the worker ended with exit code {code} before it answered");
                return Err(Error::new(message).with_log(&self.worker.log()));
            }
            match http::send(&address, "GET", "/health", &[], None).await {
                Ok(answer) if [200, 401].contains(&answer.status) => return Ok(()),
                _ if started.elapsed() > READY => {
                    return Err(Error::new("the worker does not answer").with_log(&self.worker.log()));
                }
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

fn prepare(kind: Kind, properties: WorkerProperties, environment: Vec<(String, String)>) -> Result<Worker> {
    match kind {
        Kind::Java => {
            let builder = JavaConnect::builder(properties);
            // Kafka's start scripts hand KAFKA_OPTS to the JVM; here there is no script.
            let named = |key: String| if key == "KAFKA_OPTS" { "JDK_JAVA_OPTIONS".to_owned() } else { key };
            environment.into_iter().fold(builder, |builder, (key, value)| builder.env(named(key), value)).prepare()
        }
        Kind::Millstream => Worker::builder(properties).envs(environment).prepare(),
    }
}

enum Ground<'a> {
    Shared(&'a Bed),
    Own(Box<Bed>),
}

/// One scenario while it runs.
pub struct Stage<'a> {
    pub kind: Kind,
    ground: Ground<'a>,
    pub topics: Topics,
    pub names: Names,
    /// The beginning of all its names.
    pub name: String,
    folder: Folder,
    /// How many records of a topic (and key) earlier steps have seen.
    pub seen: HashMap<String, usize>,
}

impl<'a> Stage<'a> {
    /// Gives a scenario its names, topics, files and, if it wants one, its worker.
    pub async fn set(kind: Kind, found: &Found, shared_bed: Option<&'a Bed>) -> Result<Stage<'a>> {
        let scenario = &found.scenario;
        let bootstrap = shared().kafka().await?.bootstrap();
        let folder = Folder::new("contract")?;
        let stem = found.name.split('/').next().unwrap_or_default();
        let name = unique(stem);
        let mut names = Names::default();
        names.set("name", &name);
        names.set("folder", folder.path().display().to_string());
        names.set("bootstrap", &bootstrap);
        for placeholder in ["port", "port2"] {
            names.set(placeholder, free_port(std::net::Ipv4Addr::LOCALHOST.into())?.to_string());
        }
        for (file, text) in &scenario.files {
            folder.write(file, names.text(text))?;
        }
        if scenario.worker.is_some() {
            tls::write(&folder)?;
        }
        let topics = Topics::new(bootstrap);
        for (topic, partitions) in &scenario.topics {
            topics.create(&names.text(topic), *partitions, &[]).await?;
        }
        let ground = match (&scenario.worker, shared_bed) {
            (None, Some(bed)) => Ground::Shared(bed),
            (None, None) => return Err(Error::new("no worker to share")),
            (Some(own), _) => Ground::Own(Box::new(Bed::start(kind, Some((own, &names, &folder))).await?)),
        };
        let mut stage = Stage { kind, ground, topics, names, name, folder, seen: HashMap::new() };
        let (address, group) = (stage.bed().address(), stage.bed().group.clone());
        stage.names.set("worker", address.split_once("//").map_or(address.as_str(), |(_, address)| address));
        stage.names.set("group", group);
        Ok(stage)
    }

    /// What it runs on.
    pub fn bed(&self) -> &Bed {
        match &self.ground {
            Ground::Shared(bed) => bed,
            Ground::Own(bed) => bed,
        }
    }

    /// A text with its placeholders filled in.
    pub fn text(&self, text: &str) -> String {
        self.names.text(text)
    }

    /// A pattern with its placeholders filled in.
    pub fn pattern(&self, value: &Value) -> Result<Pattern> {
        Pattern::parse(&self.names.json(value))
    }

    /// Waits until `look` finds nothing wrong; after that the last thing wrong is the error. What it cannot mend by
    /// waiting it says by `Err`.
    pub async fn patiently<F, A>(&self, mut look: F) -> Result<()>
    where
        F: FnMut() -> A,
        A: Future<Output = Result<Option<String>>>,
    {
        let started = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            match look().await? {
                None => return Ok(()),
                Some(reason) if started.elapsed() > LIMIT => {
                    return Err(Error::new(format!("{reason} (waited for {LIMIT:?})")));
                }
                Some(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    /// `[connector] STATE [state of each task]...`, or `GONE`; the connector is `{name}` if not given.
    pub async fn wait(&self, words: &str) -> Result<()> {
        let text = self.text(words);
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let named = words.first().is_some_and(|word| word.bytes().any(|byte| byte.is_ascii_lowercase()));
        let connector = if named { words.remove(0) } else { &self.name };
        let path = format!("{}/status", path_of(connector));
        let address = self.bed().address();
        let waited = self.patiently(|| async {
            let answer = http::send(&address, "GET", &path, &[], None).await?;
            if words == ["GONE"] {
                return Ok((answer.status != 404).then(|| "still there".to_owned()));
            }
            if answer.status != 200 {
                return Ok(Some(format!("status is {} {}", answer.status, answer.body)));
            }
            let status = answer.json()?;
            let there = states(&status);
            Ok((there != words).then(|| format!("states are {}{}", there.join(" "), trace(&status))))
        });
        waited.await.map_err(|error| error.context(format!("wait for {text}")))
    }

    /// The states of its connectors, as far as they are to be had: they often say why a step failed.
    pub async fn all_states(&self) -> String {
        let address = self.bed().address();
        let Ok(answer) = http::send(&address, "GET", "/connectors?expand=status", &[], None).await else {
            return String::new();
        };
        let Ok(Value::Object(connectors)) = answer.json() else { return String::new() };
        let own = connectors.iter().filter(|(name, _)| name.contains(&self.name));
        let shown = own.map(|(name, found)| {
            let status = &found["status"];
            format!("; {name} is {}{}", states(status).join(" "), trace(status))
        });
        shown.collect()
    }

    /// Adds lines to files of its folder.
    pub fn append(&self, files: &IndexMap<String, Vec<String>>) -> Result<()> {
        for (file, lines) in files {
            let lines: Vec<String> = lines.iter().map(|line| self.text(line)).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            append(&self.folder.path().join(file), &lines)?;
        }
        Ok(())
    }

    /// Waits until files of its folder hold these lines.
    pub async fn lines(&self, files: &IndexMap<String, Value>) -> Result<()> {
        for (file, wanted) in files {
            let (path, pattern) = (self.folder.path().join(file), self.pattern(wanted)?);
            let waited = self.patiently(|| async {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
                let lines: Vec<&str> = if text.contains('\n') { whole.split('\n').collect() } else { Vec::new() };
                Ok(pattern.mismatch(&json!(lines)))
            });
            waited.await.map_err(|error| error.context(format!("lines of {file}")))?;
        }
        Ok(())
    }

    /// Starts, stops or kills its own worker.
    pub async fn worker(&mut self, what: WorkerStep) -> Result<()> {
        let Ground::Own(bed) = &mut self.ground else {
            return Err(Error::new("only a scenario with a `worker` of its own can stop it"));
        };
        let stop = async |bed: &Bed| -> Result<()> {
            let code = bed.worker.terminate().await?;
            let wanted = self.kind.stopped();
            if code == wanted { Ok(()) } else { Err(Error::new(format!("exit code {code}, expected {wanted}"))) }
        };
        match what {
            WorkerStep::Start => bed.run().await,
            WorkerStep::Stop => stop(bed).await,
            WorkerStep::Restart => {
                stop(bed).await?;
                bed.run().await
            }
            WorkerStep::Kill => {
                bed.worker.kill9();
                bed.run().await
            }
            WorkerStep::Exits(wanted) => {
                bed.worker.spawn()?;
                let code = bed.worker.wait_exit(STOP).await.context("the end of the worker")?;
                match code == wanted {
                    true => Ok(()),
                    false => Err(Error::new(format!("exit code {code}, expected {wanted}"))),
                }
            }
        }
    }
}

/// The state of the connector, then of each task.
fn states(status: &Value) -> Vec<&str> {
    let tasks = status["tasks"].as_array().into_iter().flatten();
    let parts = std::iter::once(&status["connector"]).chain(tasks);
    parts.map(|part| part["state"].as_str().unwrap_or_default()).collect()
}

/// The first trace in a status, shortened.
fn trace(status: &Value) -> String {
    let tasks = status["tasks"].as_array().into_iter().flatten();
    let mut parts = std::iter::once(&status["connector"]).chain(tasks);
    let trace = parts.find_map(|part| part["trace"].as_str()).unwrap_or_default();
    let short: String = trace.chars().take(300).collect();
    if short.is_empty() { short } else { format!(": {short}") }
}
