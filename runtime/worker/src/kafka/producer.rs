//! The producer of a source task: batches in, one acknowledgement per batch out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{Array, BinaryArray};
use millstream_api::{Batch, Error, Result};
use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::context::LoggingContext;
use super::polled::PolledProducer;
use super::raw::{OutRecord, TopicHandle};

/// Told once per batch, from librdkafka's delivery callback.
pub trait DeliverySink: Send + Sync + 'static {
    /// Every record of the batch is answered, well or not; told before [`DeliverySink::acked`].
    fn answered(&self, _batch: &Answered<'_>) {}

    /// Every record of the batch is acknowledged.
    fn acked(&self, batch: u64);

    /// A record of the batch will never be acknowledged; only the first failure of a batch is told.
    fn failed(&self, batch: u64, error: Error);
}

/// What became of a batch.
#[derive(Debug)]
pub struct Answered<'a> {
    /// Where it went.
    pub topic: &'a Arc<str>,
    /// Number of records.
    pub records: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
    /// Records that could not be sent and were skipped.
    pub skipped: usize,
    /// Records that will never be acknowledged.
    pub failed: usize,
}

/// A batch on its way: how many of its records are not yet answered.
pub struct InFlight {
    batch: u64,
    topic: Arc<str>,
    records: usize,
    bytes: usize,
    remaining: AtomicUsize,
    skipped: AtomicUsize,
    failed: AtomicUsize,
    sink: Arc<dyn DeliverySink>,
}

impl InFlight {
    fn answered(&self, error: Option<Error>) {
        if let Some(error) = error
            && self.failed.fetch_add(1, Ordering::AcqRel) == 0
        {
            self.sink.failed(self.batch, error);
        }
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            let failed = self.failed.load(Ordering::Acquire);
            self.sink.answered(&Answered {
                topic: &self.topic,
                records: self.records,
                bytes: self.bytes,
                skipped: self.skipped.load(Ordering::Acquire),
                failed,
            });
            if failed == 0 {
                self.sink.acked(self.batch);
            }
        }
    }

    fn skip(&self) {
        self.skipped.fetch_add(1, Ordering::AcqRel);
        self.answered(None);
    }
}

struct Context(LoggingContext);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<InFlight>;

    fn delivery(&self, result: &DeliveryResult<'_>, batch: Arc<InFlight>) {
        let error = match result {
            Ok(_) => None,
            Err((error, _)) => Some(delivery_error(&batch.topic, error)),
        };
        batch.answered(error);
    }
}

/// An answer of the broker. It is about a request, not about one record: which of its records is to blame cannot be told, so none may
/// be skipped.
fn delivery_error(topic: &str, error: &KafkaError) -> Error {
    let hint = match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            "raise max.message.bytes of the topic, or set producer.override.max.request.size of the connector to it: requests are then no larger than the topic takes"
        }
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            "create the topic, or let the worker create it with topic.creation.default.replication.factor and .partitions"
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => "grant Write on the topic to the worker's principal",
        _ => "restart the task when the broker takes records again: it goes on after the last acknowledged record",
    };
    Error::fatal(format!("topic {topic} did not take a record")).caused_by(error.clone()).hint(hint)
}

/// A record that no request can hold: its own fault.
fn too_large(topic: &str, error: RDKafkaErrorCode) -> Error {
    Error::data(format!("a record is too large for topic {topic}"))
        .caused_by(KafkaError::MessageProduction(error))
        .hint("raise producer.override.max.request.size of the connector, and max.message.bytes of the topic with it")
}

/// The producer of one source task. Used from one thread; acknowledgements come from librdkafka's.
pub struct SourceProducer {
    topics: HashMap<Arc<str>, TopicHandle<Context>>,
    config: ClientConfig,
    /// Made for the first record: most connectors of a large worker have nothing to send most of the time, and each client
    /// costs threads and connections.
    client: Option<PolledProducer<Context>>,
    /// All topics that were sent to, for who asks after their records.
    used: Used,
    sink: Arc<dyn DeliverySink>,
}

type Used = Arc<Mutex<HashSet<Arc<str>>>>;

/// How long to wait for an answer about one topic.
const ASK: Duration = Duration::from_secs(2);

/// Records of a topic that is not there wait for it: that must not be a secret.
fn tell_missing(client: &BaseProducer<Context>, used: &Used) {
    let topics: Vec<_> = used.lock().iter().cloned().collect();
    let mut missing = Vec::new();
    for topic in topics {
        let Ok(answer) = client.client().fetch_metadata(Some(&topic), ASK) else { return };
        let code = answer.topics().first().and_then(|topic| topic.error()).map(RDKafkaErrorCode::from);
        if code == Some(RDKafkaErrorCode::UnknownTopicOrPartition) {
            missing.push(topic);
        }
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        let (client, topics) = (client.context().0.client(), missing.join(", "));
        tracing::warn!(client, topics, "there are no such topics, their records wait for them");
    }
}

fn unfit(error: KafkaError) -> Error {
    Error::config("the producer's settings are not valid").caused_by(error)
}

/// Records handed over in one call: enough to spread the cost of a lock, few enough to notice a stop.
const CHUNK: usize = 4096;
/// How long to wait for room in a full queue before looking at `stopping` again.
const FULL_WAIT: Duration = Duration::from_millis(5);

impl SourceProducer {
    /// A producer with these librdkafka settings. Settings that no client takes are an error at once.
    pub fn new(config: &ClientConfig, sink: Arc<dyn DeliverySink>) -> Result<Self> {
        config.create_native_config().map_err(unfit)?;
        Ok(Self { topics: HashMap::new(), config: config.clone(), client: None, used: Used::default(), sink })
    }

    fn client(&mut self) -> Result<PolledProducer<Context>> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let setting = |key| self.config.get(key).unwrap_or_default();
        let context = Context(LoggingContext::new(setting("client.id"), setting("bootstrap.servers")));
        let client: BaseProducer<Context> = self.config.create_with_context(context).map_err(unfit)?;
        let asked = self.used.clone();
        let client = PolledProducer::new(client, move |client| tell_missing(client, &asked))?;
        Ok(self.client.insert(client).clone())
    }

    /// Hands all records of a batch to librdkafka, waiting while its queue is full: a full queue is back-pressure, never an error.
    ///
    /// `batch_id` is acknowledged through the [`DeliverySink`] when every record is. `tolerate` is asked about a record that cannot be sent
    /// whatever happens: `Ok` skips it. Returns early with a stopped error when `stopping` says so.
    pub fn send(
        &mut self,
        batch_id: u64,
        batch: &Batch,
        keys: &BinaryArray,
        values: &BinaryArray,
        tolerate: impl Fn(Error) -> Result<()>,
        stopping: impl Fn() -> bool,
    ) -> Result<()> {
        let rows = values.len();
        let in_flight = Arc::new(InFlight {
            batch: batch_id,
            topic: batch.topic.clone(),
            records: rows,
            bytes: keys.value_data().len() + values.value_data().len(),
            remaining: AtomicUsize::new(rows),
            skipped: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            sink: self.sink.clone(),
        });
        if rows == 0 {
            self.sink.acked(batch_id);
            return Ok(());
        }
        if !self.used.lock().contains(&batch.topic) {
            self.used.lock().insert(batch.topic.clone());
        }
        let client = self.client()?;
        if !batch.headers.is_empty() || batch.timestamps.is_some() {
            return send_singly(&client, batch, keys, values, &in_flight, tolerate, stopping);
        }
        let topic = match self.topics.get(&batch.topic) {
            Some(topic) => topic,
            None => {
                let handle = TopicHandle::new(&client, &batch.topic)?;
                self.topics.entry(batch.topic.clone()).or_insert(handle)
            }
        };
        let mut row = 0;
        while row < rows {
            let end = rows.min(row + CHUNK);
            let records = (row..end).map(|i| OutRecord {
                key: keys.is_valid(i).then(|| keys.value(i)),
                value: values.is_valid(i).then(|| values.value(i)),
                partition: batch.partitions.as_ref().and_then(|p| p.is_valid(i).then(|| p.value(i))),
            });
            let mut next = end;
            for refusal in topic.produce(records, &in_flight) {
                if refusal.code == RDKafkaErrorCode::QueueFull {
                    next = row + refusal.index;
                    break;
                }
                refused(&batch.topic, &KafkaError::MessageProduction(refusal.code), &tolerate)?;
                in_flight.skip();
            }
            row = next;
            if row < end {
                if stopping() {
                    return Err(Error::stopped("the task is stopping"));
                }
                std::thread::sleep(FULL_WAIT);
            }
        }
        Ok(())
    }

    /// Waits until every record is answered, at most `limit`. True when all are.
    pub fn flush(&self, limit: Duration) -> bool {
        self.client.as_ref().is_none_or(|client| client.flush(limit).is_ok())
    }

    /// Gives up every record that is not acknowledged yet.
    pub fn purge(&self) {
        if let Some(client) = &self.client {
            client.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
        }
    }
}

/// The way for records with headers or timestamps, which librdkafka's batch call cannot carry.
fn send_singly(
    client: &PolledProducer<Context>,
    batch: &Batch,
    keys: &BinaryArray,
    values: &BinaryArray,
    in_flight: &Arc<InFlight>,
    tolerate: impl Fn(Error) -> Result<()>,
    stopping: impl Fn() -> bool,
) -> Result<()> {
    for i in 0..values.len() {
        let mut record = BaseRecord::<[u8], [u8], Arc<InFlight>>::with_opaque_to(&batch.topic, in_flight.clone());
        record.key = keys.is_valid(i).then(|| keys.value(i));
        record.payload = values.is_valid(i).then(|| values.value(i));
        record.partition = batch.partitions.as_ref().and_then(|p| p.is_valid(i).then(|| p.value(i)));
        record.timestamp = batch.timestamps.as_ref().and_then(|t| t.is_valid(i).then(|| t.value(i)));
        let headers = batch.headers.row(i);
        if !headers.is_empty() {
            let mut owned = OwnedHeaders::new_with_capacity(headers.len());
            for header in headers {
                let value = header.bytes().map(|bytes| bytes.as_ref());
                owned = owned.insert(rdkafka::message::Header { key: &header.key, value });
            }
            record.headers = Some(owned);
        }
        loop {
            match client.send(record) {
                Ok(()) => {
                    client.sent();
                    break;
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if stopping() {
                        return Err(Error::stopped("the task is stopping"));
                    }
                    record = back;
                    std::thread::sleep(FULL_WAIT);
                }
                Err((error, _)) => {
                    refused(&batch.topic, &error, &tolerate)?;
                    in_flight.skip();
                    break;
                }
            }
        }
    }
    Ok(())
}

/// A record that librdkafka did not take over, for another reason than want of room.
fn refused(topic: &str, error: &KafkaError, tolerate: &impl Fn(Error) -> Result<()>) -> Result<()> {
    match error.rdkafka_error_code() {
        Some(code @ RDKafkaErrorCode::MessageSizeTooLarge) => tolerate(too_large(topic, code)),
        _ => Err(delivery_error(topic, error)),
    }
}
