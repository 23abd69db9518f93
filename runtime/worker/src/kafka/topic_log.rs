//! A topic read as a log: everything from its beginning, then what is added, in order, for as long as the worker runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use millstream_api::{Error, Result};
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client_config::ClientSettings;
use super::context::{Limit, LoggingContext};
use super::error::kafka_error;
use super::log_writer::LogWriter;

/// How long the reading thread waits for a record before it looks whether it should stop.
const POLL: Duration = Duration::from_millis(200);
/// Limit of one question to the brokers; asked again after [`PAUSE`].
const ASK: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(250);
/// What a client that only asks may have to say in the time of a [`POLL`].
const EVENTS: usize = 4;

/// librdkafka settings of a log's consumer: small queues (all of it is read once, then it trickles), end-of-partition events (a
/// transaction's end takes an offset without being a record), nothing committed.
pub const CONSUMER: [(&str, &str); 12] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "earliest"),
    ("enable.partition.eof", "true"),
    ("isolation.level", "read_uncommitted"),
    ("allow.auto.create.topics", "false"),
    ("check.crcs", "true"),
    ("queued.min.messages", "1000"),
    ("queued.max.messages.kbytes", "2048"),
    ("max.partition.fetch.bytes", "262144"),
    ("fetch.max.bytes", "2097152"),
    ("fetch.queue.backoff.ms", "10"),
];

/// librdkafka settings of a log's producer: as Java's worker has them. A record is never given up.
pub const PRODUCER: [(&str, &str); 8] = [
    ("acks", "all"),
    ("enable.idempotence", "false"),
    ("max.in.flight.requests.per.connection", "1"),
    ("delivery.timeout.ms", "2147483647"),
    // The same partition for a key as Java picks, or compaction would keep a key's old and new record.
    ("partitioner", "murmur2"),
    // Writes are few and someone waits for each.
    ("linger.ms", "0"),
    ("queue.buffering.max.messages", "10000"),
    ("queue.buffering.max.kbytes", "8192"),
];

/// One record, as it lies in the consumer's buffer.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Key bytes.
    pub key: Option<&'a [u8]>,
    /// Value bytes; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Epoch milliseconds.
    pub timestamp: Option<i64>,
}

/// A key and a value (`None`: tombstone) to write.
pub type LogEntry = (Vec<u8>, Option<Vec<u8>>);

/// A topic whose records are handed to one callback, and that can be written.
///
/// All partitions are read from their beginning, without a consumer group's commits, on one thread named after the topic. An
/// outage of the brokers only delays: reading goes on by itself.
pub struct TopicLog {
    inner: Arc<Inner>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How far a log has to be read to hold what was just written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(Vec<i64>);

impl Written {
    pub(super) fn add(&mut self, partition: i32, offset: i64) {
        let Ok(at) = usize::try_from(partition) else { return };
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(end) = self.0.get_mut(at) {
            *end = (*end).max(offset + 1);
        }
    }

    /// Takes in what was written elsewhere or later.
    pub fn merge(&mut self, other: &Self) {
        for (partition, end) in (0..).zip(&other.0) {
            self.add(partition, end - 1);
        }
    }
}

struct Inner {
    topic: String,
    partitions: i32,
    consumer: BaseConsumer<LoggingContext>,
    /// Asks where the topic ends. Not the reading consumer: its connection answers in order, after the fetch that waits for
    /// records there, up to half a second.
    asking: OnceLock<BaseConsumer<LoggingContext>>,
    consumer_settings: ClientSettings,
    producer_settings: ClientSettings,
    writer: OnceLock<LogWriter>,
    progress: Mutex<Progress>,
    stopping: AtomicBool,
}

impl TopicLog {
    /// Reads `topic`, which must exist, to its present end, handing each record to `on_record`, then goes on reading in the background.
    ///
    /// `on_record` runs on the log's thread, in the order of each partition; it should not wait. Keeps trying while the brokers are
    /// away. `consumer` and `producer` are settings made with [`CONSUMER`] and [`PRODUCER`]; the consumer needs a `group.id`, whose
    /// coordinator is looked up but which it never joins.
    pub async fn open(
        topic: &str,
        partitions: i32,
        consumer: &ClientSettings,
        producer: &ClientSettings,
        on_record: impl FnMut(LogRecord<'_>) + Send + 'static,
    ) -> Result<Self> {
        let what = format!("cannot read topic {topic}");
        let client: BaseConsumer<LoggingContext> = consumer
            .native()
            .create_with_context(consumer.context())
            .map_err(|error| kafka_error(what.as_str(), error))?;
        let inner = Arc::new(Inner {
            topic: topic.to_owned(),
            partitions,
            consumer: client,
            asking: OnceLock::new(),
            consumer_settings: consumer.clone(),
            producer_settings: producer.clone(),
            writer: OnceLock::new(),
            progress: Mutex::new(Progress::new(partitions)),
            stopping: AtomicBool::new(false),
        });
        let log = Self { inner: inner.clone(), thread: Mutex::new(None) };
        // While nothing is fetched yet its connection is free for the question.
        let ends = log.ends(|inner| inner.ask_ends(&inner.consumer)).await?;
        inner.assign().map_err(|error| kafka_error(what.as_str(), error))?;
        let reader = Reader(inner);
        let thread =
            std::thread::Builder::new().name(thread_name(topic)).spawn(move || reader.run(on_record)).map_err(
                |error| Error::fatal(format!("cannot start the thread that reads topic {topic}")).caused_by(error),
            )?;
        *log.thread.lock() = Some(thread);
        log.reach(ends).await?;
        Ok(log)
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.inner.topic
    }

    /// Returns when everything that was in the topic at the call has been handed to the callback. Waits as long as the brokers are
    /// away; `Stopped` when the log is stopped meanwhile.
    pub async fn read_to_end(&self) -> Result<()> {
        let ends = self.ends(Inner::ask_ends_apart).await?;
        self.reach(ends).await
    }

    /// Returns when what was written has been handed to the callback. Asks no broker: cheaper than [`TopicLog::read_to_end`].
    pub async fn read_to(&self, written: &Written) -> Result<()> {
        self.reach(written.0.clone()).await
    }

    async fn reach(&self, ends: Vec<i64>) -> Result<()> {
        let reached = self.inner.progress.lock().wait_for(ends);
        match reached {
            None => Ok(()),
            Some(reached) => reached.await.map_err(|_| self.stopped()),
        }
    }

    /// Writes one record. Returns when all in-sync replicas have it; keeps trying while the brokers are away. When the future is
    /// dropped the record may be written even so.
    pub async fn send(&self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<Written> {
        self.send_all(vec![(key, value)]).await
    }

    /// Writes these records, in this order as far as they share a partition. Returns when all are acknowledged; after an error some
    /// may be written and some not.
    pub async fn send_all(&self, entries: Vec<LogEntry>) -> Result<Written> {
        let written = self.writer()?.send_all(&self.inner.topic, &entries).await;
        written.map_err(|error| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => self.stopped(),
            _ => self.cannot_write(error),
        })
    }

    /// Stops reading and writing; waits for the thread to end. What was sent and not acknowledged is given up. Safe to call twice.
    pub async fn stop(&self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
        if let Some(writer) = self.inner.writer.get() {
            writer.give_up();
        }
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        self.inner.progress.lock().end();
    }

    fn writer(&self) -> Result<&LogWriter> {
        let inner = &*self.inner;
        if inner.stopping.load(Ordering::Relaxed) {
            return Err(self.stopped());
        }
        // Made at the first write: a worker that only reads needs no client, threads and connections for it.
        if let Some(writer) = inner.writer.get() {
            return Ok(writer);
        }
        let made = LogWriter::new(&inner.producer_settings, &inner.topic)?;
        Ok(inner.writer.get_or_init(|| made))
    }

    fn cannot_write(&self, error: KafkaError) -> Error {
        kafka_error(format!("cannot write to topic {}", self.inner.topic), error)
    }

    fn stopped(&self) -> Error {
        Error::stopped(format!("reading of topic {} has ended", self.inner.topic))
    }

    /// The present end of each partition that holds anything not yet read.
    async fn ends(&self, ask: fn(&Inner) -> Result<Vec<i64>, KafkaError>) -> Result<Vec<i64>> {
        let limit = Limit::new();
        loop {
            if self.inner.stopping.load(Ordering::Relaxed) {
                return Err(self.stopped());
            }
            let inner = self.inner.clone();
            let answer = tokio::task::spawn_blocking(move || ask(&inner))
                .await
                .map_err(|error| Error::internal("the question for the end of a topic was dropped").caused_by(error))?;
            match answer {
                Ok(ends) => return Ok(ends),
                Err(error) => {
                    if limit.pass() {
                        let bootstrap = self.inner.producer_settings.bootstrap();
                        tracing::warn!(topic = self.topic(), bootstrap, %error, "cannot learn the end of the topic, trying again");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

impl Drop for TopicLog {
    fn drop(&mut self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
    }
}

impl Inner {
    /// Starts to fetch all partitions from their beginning.
    fn assign(&self) -> Result<(), KafkaError> {
        let mut all = TopicPartitionList::new();
        for partition in 0..self.partitions {
            all.add_partition_offset(&self.topic, partition, Offset::Beginning)?;
        }
        self.consumer.assign(&all)
    }

    fn ask_ends_apart(&self) -> Result<Vec<i64>, KafkaError> {
        let client = match self.asking.get() {
            Some(client) => client,
            None => {
                let settings = &self.consumer_settings;
                let made = settings.native().create_with_context(settings.context())?;
                self.asking.get_or_init(|| made)
            }
        };
        self.ask_ends(client)
    }

    /// Takes what the asking client has to say: nobody else polls it.
    fn hear_asking(&self) {
        let Some(client) = self.asking.get() else { return };
        for _ in 0..EVENTS {
            // It is assigned nothing: logs and errors go to its context.
            let _ = client.poll(Duration::ZERO);
        }
    }

    fn ask_ends(&self, client: &BaseConsumer<LoggingContext>) -> Result<Vec<i64>, KafkaError> {
        let mut ends = self.list_offsets(client, &(0..self.partitions).collect::<Vec<_>>(), Offset::End)?;
        let unread = self.progress.lock().never_read(&ends);
        if !unread.is_empty() {
            // A partition whose records are all gone has an end, but nothing will ever be read up to it.
            for (partition, begin) in unread.iter().zip(self.list_offsets(client, &unread, Offset::Beginning)?) {
                if let Some(end) = usize::try_from(*partition).ok().and_then(|at| ends.get_mut(at))
                    && begin >= *end
                {
                    *end = 0;
                }
            }
        }
        Ok(ends)
    }

    /// One request to each leader for all its partitions.
    fn list_offsets(
        &self,
        client: &BaseConsumer<LoggingContext>,
        partitions: &[i32],
        which: Offset,
    ) -> Result<Vec<i64>, KafkaError> {
        let mut question = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            question.add_partition_offset(&self.topic, *partition, which)?;
        }
        let answer = client.offsets_for_times(question, ASK)?;
        partitions
            .iter()
            .map(|partition| {
                let element = answer.find_partition(&self.topic, *partition);
                match element.map(|element| (element.error(), element.offset())) {
                    Some((Ok(()), Offset::Offset(offset))) => Ok(offset),
                    Some((Err(error), _)) => Err(error),
                    _ => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::NoOffset)),
                }
            })
            .collect()
    }
}

/// Linux keeps 15 bytes of a thread's name: the end of the topic's name says more than its beginning.
fn thread_name(topic: &str) -> String {
    let tail: Vec<char> = topic.chars().rev().take(11).collect();
    format!("log-{}", tail.into_iter().rev().collect::<String>())
}

/// The thread that reads. Whatever ends it, nobody waits for it afterwards.
struct Reader(Arc<Inner>);

impl Reader {
    fn run(self, mut on_record: impl FnMut(LogRecord<'_>)) {
        let inner = &*self.0;
        let limit = Limit::new();
        while !inner.stopping.load(Ordering::Relaxed) {
            match inner.consumer.poll(POLL) {
                None => inner.hear_asking(),
                Some(Ok(message)) => {
                    on_record(LogRecord {
                        partition: message.partition(),
                        offset: message.offset(),
                        key: message.key(),
                        value: message.payload(),
                        timestamp: message.timestamp().to_millis(),
                    });
                    inner.progress.lock().reach(message.partition(), message.offset() + 1);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => self.take_positions(),
                Some(Err(error)) if limit.pass() => {
                    tracing::warn!(topic = inner.topic, %error, "reading has trouble, it goes on by itself");
                }
                Some(Err(_)) => {}
            }
        }
        tracing::debug!(topic = inner.topic, "reading has ended");
    }

    /// Takes over the consumer's own positions: they go past the ends of transactions too, which are no records.
    fn take_positions(&self) {
        let Ok(positions) = self.0.consumer.position() else { return };
        let mut progress = self.0.progress.lock();
        for element in positions.elements() {
            if let Offset::Offset(offset) = element.offset() {
                progress.reach(element.partition(), offset);
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.progress.lock().end();
    }
}

#[path = "progress.rs"]
mod progress;
use progress::Progress;
