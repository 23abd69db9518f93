//! Tasks without a worker around them, of a plugin that a test steers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field};
use async_trait::async_trait;
use millstream_api::{
    Batch, Column, Config, ConfigDef, ConfigValues, Connector, ConnectorKind, ConnectorPlugin, Error, MemoryBudget,
    PartitionOffsets, PluginInfo, Result, SinkBatch, SinkHost, SinkTask, SinkTaskContext, SourceBatch, SourceOffset,
    SourcePartition, SourceTask, SourceTaskContext, Task, TaskId, TopicPartition,
};
use millstream_core::cluster::{State, TargetState};
use millstream_core::settings::{ConnectorSettings, WorkerConfig};
use millstream_worker::config_provider::Hidden;
use millstream_worker::observe::metrics::Metrics;
use millstream_worker::plugins::PluginTable;
use millstream_worker::store::{FileOffsetStore, MemoryConfigStore, MemoryStatusStore, OffsetStore, Stores};
use millstream_worker::task::{InstanceEvent, InstanceId, RunningTask, TaskEnvironment, TaskSpec};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

pub const LIMIT: Duration = Duration::from_secs(60);

/// What a page of lines is sent as; the number is that of its first line.
type Shape = Box<dyn Fn(Batch, usize) -> Batch + Send>;

/// A source of lines, read from the stored position on in pages.
#[derive(Default)]
pub struct Lines {
    pub lines: Mutex<Vec<String>>,
    pub more: Notify,
    /// Errors of the next polls.
    pub errors: Mutex<VecDeque<Error>>,
    pub polls: AtomicU64,
    pub starts: AtomicU64,
    /// Asked for each page.
    pub shape: Mutex<Option<Shape>>,
}

impl Lines {
    pub fn add(&self, lines: impl IntoIterator<Item = String>) {
        self.lines.lock().extend(lines);
        self.more.notify_one();
    }
}

/// What the sink tasks did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Open(u32, TopicPartition),
    /// Offsets of the first and after the last record.
    Put(u32, TopicPartition, i64, i64),
    /// Was given these and refused them for now.
    Refused(u32, TopicPartition, i64, i64),
    Close(u32, TopicPartition),
}

type Hook = Box<dyn FnMut(&dyn SinkHost, &[SinkBatch]) -> Result<()> + Send>;

/// A sink that remembers what it was given.
#[derive(Default)]
pub struct Book {
    pub done: Mutex<Vec<Done>>,
    /// What was put, in order.
    pub taken: Mutex<Vec<SinkBatch>>,
    /// Asked before each put of a task with records or without.
    pub on_put: Mutex<BTreeMap<u32, Hook>>,
    /// Asked at each open.
    pub on_open: Mutex<Option<PartitionOffsets>>,
    /// Nothing from this offset on is durable.
    pub durable: Mutex<Option<i64>>,
    /// True while nobody can say what is durable.
    pub no_commit: AtomicBool,
    /// How long a put takes.
    pub put_takes: Mutex<Duration>,
}

impl Book {
    pub fn on_put(&self, task: u32, hook: impl FnMut(&dyn SinkHost, &[SinkBatch]) -> Result<()> + Send + 'static) {
        self.on_put.lock().insert(task, Box::new(hook));
    }

    /// Offset after the last record that was put, by partition.
    pub fn ends(&self, topic: &str) -> BTreeMap<i32, i64> {
        let mut ends = BTreeMap::new();
        for done in self.done.lock().iter() {
            if let Done::Put(_, origin, _, end) = done
                && &*origin.topic == topic
            {
                let slot = ends.entry(origin.partition).or_insert(0);
                *slot = (*slot).max(*end);
            }
        }
        ends
    }
}

/// Tasks of connector `name`, and what they share.
pub struct Tasks {
    pub name: String,
    pub lines: Arc<Lines>,
    pub book: Arc<Book>,
    pub offsets: Arc<FileOffsetStore>,
    pub statuses: Arc<MemoryStatusStore>,
    pub metrics: Arc<Metrics>,
    env: Arc<TaskEnvironment>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<InstanceEvent>>,
    epoch: AtomicU64,
    _folder: tempfile::TempDir,
}

impl Tasks {
    pub async fn new(bootstrap: &str, name: &str) -> Self {
        Self::with_flush_interval(bootstrap, name, "50").await
    }

    /// Whose offsets are flushed so often, in milliseconds.
    pub async fn with_flush_interval(bootstrap: &str, name: &str, millis: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("offsets");
        let settings = [
            ("bootstrap.servers", bootstrap),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("offset.storage.file.filename", file.to_str().unwrap()),
            ("offset.flush.interval.ms", millis),
        ];
        let worker = Arc::new(WorkerConfig::parse(&settings.into_iter().collect::<Config>()).unwrap());
        let (offsets, statuses) = (Arc::new(FileOffsetStore::new(&file)), Arc::new(MemoryStatusStore::new()));
        let stores = Stores {
            configs: Arc::new(MemoryConfigStore::new()),
            offsets: offsets.clone(),
            statuses: statuses.clone(),
        };
        stores.start().await.unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        let metrics = Metrics::new(&worker.metrics, MemoryBudget::new(1 << 30));
        let env = TaskEnvironment {
            worker,
            plugins: Arc::new(PluginTable::new(Vec::new())),
            stores,
            budget: MemoryBudget::new(1 << 30),
            metrics: metrics.clone(),
            events: sender,
        };
        Self {
            name: name.to_owned(),
            lines: Arc::default(),
            book: Arc::default(),
            offsets,
            statuses,
            metrics,
            env: Arc::new(env),
            events: tokio::sync::Mutex::new(events),
            epoch: AtomicU64::new(0),
            _folder: folder,
        }
    }

    /// Starts a source task that writes to `topic`.
    pub fn source(&self, topic: &str, config: &[(&str, &str)]) -> RunningTask {
        self.start(ConnectorKind::Source, 0, TargetState::Started, &[&[("to", topic)], config].concat())
    }

    /// Starts a sink task of this number.
    pub fn sink(&self, task: u32, topic: &str, config: &[(&str, &str)]) -> RunningTask {
        self.start(ConnectorKind::Sink, task, TargetState::Started, &[&[("topics", topic)], config].concat())
    }

    pub fn start(&self, kind: ConnectorKind, task: u32, target: TargetState, config: &[(&str, &str)]) -> RunningTask {
        let mut all: Config = [("name", self.name.as_str()), ("connector.class", "test.Steered")].into_iter().collect();
        for (key, value) in config {
            all.set(*key, *value);
        }
        let settings = Arc::new(ConnectorSettings::parse(&all, &self.env.worker).unwrap());
        let plugin = Steered { kind, def: ConfigDef::new(), lines: self.lines.clone(), book: self.book.clone() };
        let spec = TaskSpec {
            id: TaskId::new(self.name.as_str(), task),
            config: all,
            hidden: Hidden::default(),
            settings,
            plugin: Arc::new(plugin),
        };
        RunningTask::start(spec, self.env.clone(), self.epoch.fetch_add(1, Ordering::Relaxed), target)
    }

    /// Waits until a task is in this state; the trace of its failure.
    pub async fn until_state(&self, task: u32, wanted: State) -> String {
        let wait = async {
            let mut events = self.events.lock().await;
            loop {
                match events.recv().await.unwrap() {
                    InstanceEvent::State { id: InstanceId::Task(id), state, error, .. } if id.task == task => {
                        let trace = error.map(|e| e.trace()).unwrap_or_default();
                        if state == wanted {
                            return trace;
                        }
                        assert_ne!(state, State::Failed, "{trace}");
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("task {task} is never {wanted:?}"))
    }

    /// Stops a task and waits for its end.
    pub async fn stop(&self, running: RunningTask) {
        running.stop(Duration::from_secs(30));
        let wait = async {
            let mut events = self.events.lock().await;
            loop {
                match events.recv().await.unwrap() {
                    InstanceEvent::Ended { epoch, .. } if epoch == running.epoch => return,
                    InstanceEvent::State { state: State::Failed, error, .. } => panic!("failed: {error:?}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(LIMIT, wait).await.unwrap();
    }

    /// The value of a metric of task 0 of the connector.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metric_of(name, "")
    }

    /// As [`Tasks::metric`], with further labels.
    pub fn metric_of(&self, name: &str, labels: &str) -> Option<f64> {
        let series = format!("{name}{{connector=\"{}\",task=\"0\"{labels}}} ", self.name);
        self.metrics.render().unwrap().lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
    }

    /// The stored position: lines that are in Kafka for sure.
    pub async fn stored(&self) -> u64 {
        let all = self.offsets.offsets_of(&self.name).await.unwrap();
        all.first().and_then(|(_, offset)| offset.get("n")?.as_u64()).unwrap_or(0)
    }
}

/// Waits for a condition.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition().await {
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Steered {
    kind: ConnectorKind,
    def: ConfigDef,
    lines: Arc<Lines>,
    book: Arc<Book>,
}

#[async_trait]
impl ConnectorPlugin for Steered {
    fn info(&self) -> PluginInfo {
        PluginInfo { class: "test.Steered", aliases: &[], version: "1" }
    }

    fn kind(&self) -> ConnectorKind {
        self.kind
    }

    fn task_class(&self) -> &'static str {
        "test.SteeredTask"
    }

    fn config_def(&self) -> &ConfigDef {
        &self.def
    }

    async fn validate(&self, _config: &Config, _values: &mut ConfigValues) {}

    fn connector(&self) -> Box<dyn Connector> {
        unreachable!("tasks alone")
    }

    fn task(&self) -> Task {
        match self.kind {
            ConnectorKind::Source => {
                Task::Source(Box::new(LineTask { lines: self.lines.clone(), at: 0, topic: String::new() }))
            }
            ConnectorKind::Sink => Task::Sink(Box::new(BookTask { book: self.book.clone(), context: None })),
        }
    }
}

struct LineTask {
    lines: Arc<Lines>,
    at: usize,
    topic: String,
}

#[async_trait]
impl SourceTask for LineTask {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        self.lines.starts.fetch_add(1, Ordering::Relaxed);
        self.topic = context.config.get("to").unwrap_or_default().to_owned();
        let stored = context.offsets.offsets(&[SourcePartition(serde_json::Map::new())]).await?;
        let position = stored[0].as_ref().and_then(|offset| offset.get("n")?.as_u64());
        self.at = position.unwrap_or(0) as usize;
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        let page = loop {
            if let Some(error) = self.lines.errors.lock().pop_front() {
                return Err(error);
            }
            let more = self.lines.more.notified();
            let page: Vec<_> = self.lines.lines.lock().iter().skip(self.at).take(10).cloned().collect();
            if !page.is_empty() {
                break page;
            }
            more.await;
        };
        self.lines.polls.fetch_add(1, Ordering::Relaxed);
        let first = self.at;
        self.at += page.len();
        let column = Column::new(Arc::new(Field::new("", DataType::Utf8, true)), Arc::new(StringArray::from(page)))?;
        let offset = serde_json::json!({"n": self.at}).as_object().cloned().unwrap();
        let mut batch = Batch::of_values(self.topic.as_str(), column);
        if let Some(shape) = self.lines.shape.lock().as_ref() {
            batch = shape(batch, first);
        }
        Ok(vec![SourceBatch::new(
            batch,
            Arc::new(SourcePartition(serde_json::Map::new())),
            Some(SourceOffset::Map(offset)),
        )])
    }

    async fn stop(&mut self) {}
}

struct BookTask {
    book: Arc<Book>,
    context: Option<SinkTaskContext>,
}

impl BookTask {
    fn number(&self) -> u32 {
        self.context.as_ref().unwrap().id.task
    }

    fn note(&self, batches: &[SinkBatch], done: fn(u32, TopicPartition, i64, i64) -> Done) {
        let mut all = self.book.done.lock();
        for batch in batches {
            let (first, last) = (batch.offset(0), batch.offset(batch.len() - 1));
            all.push(done(self.number(), batch.origin.clone(), first, last + 1));
        }
    }
}

#[async_trait]
impl SinkTask for BookTask {
    async fn start(&mut self, context: SinkTaskContext) -> Result<()> {
        self.context = Some(context);
        Ok(())
    }

    async fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.book.done.lock().extend(partitions.iter().map(|p| Done::Open(self.number(), p.clone())));
        if let Some(offsets) = self.book.on_open.lock().take() {
            self.context.as_ref().unwrap().host.rewind(offsets);
        }
        Ok(())
    }

    async fn put(&mut self, batches: &[SinkBatch]) -> Result<()> {
        let host = self.context.as_ref().unwrap().host.clone();
        let done = match self.book.on_put.lock().get_mut(&self.number()) {
            Some(hook) => hook(&*host, batches),
            None => Ok(()),
        };
        if let Err(error) = done {
            self.note(batches, Done::Refused);
            return Err(error);
        }
        let takes = *self.book.put_takes.lock();
        if !batches.is_empty() && takes > Duration::ZERO {
            tokio::time::sleep(takes).await;
        }
        self.note(batches, Done::Put);
        let copy = |SinkBatch { batch, origin, offsets }: &SinkBatch| SinkBatch {
            batch: batch.clone(),
            origin: origin.clone(),
            offsets: offsets.clone(),
        };
        self.book.taken.lock().extend(batches.iter().map(copy));
        Ok(())
    }

    async fn pre_commit(&mut self, delivered: &PartitionOffsets) -> Result<PartitionOffsets> {
        if self.book.no_commit.load(Ordering::Relaxed) {
            return Err(Error::retriable("its destination does not answer"));
        }
        let durable = self.book.durable.lock().unwrap_or(i64::MAX);
        Ok(delivered.iter().map(|(partition, offset)| (partition.clone(), (*offset).min(durable))).collect())
    }

    async fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.book.done.lock().extend(partitions.iter().map(|p| Done::Close(self.number(), p.clone())));
        Ok(())
    }

    async fn stop(&mut self) {}
}
