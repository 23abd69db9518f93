//! The producer of a source task: batches in, one acknowledgement per batch out.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arrow::array::{Array, BinaryArray};
use millstream_api::{Batch, Error, Result};
use parking_lot::{Condvar, Mutex, MutexGuard};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;

use super::context::LoggingContext;
use super::polled::PolledProducer;
use super::raw_produce::{OutRecord, TopicHandle};
use super::statistics::{StatisticsReader, Throttle};
use on_their_way::{OnTheirWay, Outcome};
use resend::Held;

mod on_their_way;
mod resend;
mod split;
mod topic_limits;

pub use topic_limits::TopicLimits;

/// Told once per batch, from librdkafka's delivery callback.
pub trait DeliverySink: Send + Sync + 'static {
    /// Every record of the batch is answered, well or not; told before [`DeliverySink::acked`].
    fn answered(&self, _batch: &Answered<'_>) {}

    /// Every record of the batch is acknowledged.
    fn acked(&self, batch: u64);

    /// A record of the batch will never be acknowledged; only the first failure of a batch is told.
    fn failed(&self, batch: u64, error: Error);

    /// What the producer's statistics say of quotas, where there are statistics.
    fn throttled(&self, _throttle: Throttle) {}
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

/// The producer of one source task. Used from one thread; acknowledgements come from librdkafka's.
pub struct SourceProducer {
    shared: Arc<Shared>,
}

/// Asked about a record that cannot be sent whatever happens: `Ok` skips it.
pub type Tolerate = Box<dyn Fn(Error) -> Result<()> + Send + Sync>;

struct Shared {
    config: ClientConfig,
    /// Whether librdkafka stops at the first gap, so that what is too large for a topic can be sent again in order.
    gapless: bool,
    /// Bytes that a request may hold as long as no topic refuses one.
    whole: usize,
    /// All topics that were sent to, for who asks after their records.
    used: Used,
    way: Arc<OnTheirWay>,
    tolerate: Tolerate,
    /// Asked where there is no gapless sending.
    limits: Option<TopicLimits>,
    /// Set when nothing more is to be sent.
    given_up: AtomicBool,
    /// Held while records are handed over.
    state: Mutex<State>,
    /// Told when `resending` ends.
    changed: Condvar,
}

struct State {
    /// Made for the first record: most connectors of a large worker have nothing to send most of the time, and each client
    /// costs threads and connections.
    client: Option<Client>,
    /// Bytes that a request may hold.
    limit: usize,
    /// Records are sent again; what comes after them waits.
    resending: bool,
    /// A record will never be acknowledged: nothing is sent any more.
    failed: bool,
    /// Records that came back.
    held: Vec<Held>,
}

struct Client {
    // Before the producer, which they keep.
    topics: HashMap<Arc<str>, TopicHandle<Context>>,
    producer: PolledProducer<Context>,
}

impl Client {
    fn topic(&mut self, name: &Arc<str>) -> Result<&TopicHandle<Context>> {
        if !self.topics.contains_key(name) {
            self.topics.insert(name.clone(), TopicHandle::new(&self.producer, name)?);
        }
        self.topics.get(name).ok_or_else(|| Error::internal("a topic handle is gone"))
    }
}

struct Context {
    log: LoggingContext,
    gapless: bool,
    way: Arc<OnTheirWay>,
    shared: Weak<Shared>,
    statistics: StatisticsReader,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // An error that is fatal to the client is mended here, or it is that of a record.
        let level = if facility == "FATAL" && self.gapless { RDKafkaLogLevel::Debug } else { level };
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if self.gapless && error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            tracing::debug!(client = self.log.client(), reason, "producer stops at a gap");
            return;
        }
        self.log.error(error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.way.throttled(self.statistics.throttle(statistics));
    }
}

impl ProducerContext for Context {
    /// The record's number.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let (error, message) = match result {
            Ok(_) => return self.way.answer(number, Outcome::Written),
            Err(failed) => failed,
        };
        let code = error.rdkafka_error_code();
        let too_large = code == Some(RDKafkaErrorCode::MessageSizeTooLarge);
        if self.gapless
            && (too_large || code == Some(RDKafkaErrorCode::PurgeQueue))
            && let Some(shared) = self.shared.upgrade()
            && !shared.given_up.load(Ordering::Acquire)
        {
            shared.hold(Held { number, too_large, record: message.detach() });
            return;
        }
        self.way.answer(number, Outcome::Failed(delivery_error(rdkafka::Message::topic(message), error)));
    }
}

/// An answer of the broker. It is about a request, not about one record: which of its records is to blame cannot be told, so none may
/// be skipped.
fn delivery_error(topic: &str, error: &KafkaError) -> Error {
    let hint = match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
            "raise max.message.bytes of the topic, set producer.override.batch.size of the connector to no more than it, or leave producer.override.enable.idempotence and acks alone: requests are then cut to what the topic takes"
        }
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            "create the topic, or let the worker create it with topic.creation.default.replication.factor and .partitions"
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => "grant Write on the topic to the worker's principal",
        _ => "restart the task when the broker takes records again: it goes on after the last acknowledged record",
    };
    Error::fatal(format!("topic {topic} did not take a record")).caused_by(error.clone()).hint(hint)
}

/// A record that no request can hold, or that its topic does not take even alone: its own fault.
fn too_large(topic: &str, error: RDKafkaErrorCode) -> Error {
    Error::data(format!("a record is too large for topic {topic}"))
        .caused_by(KafkaError::MessageProduction(error))
        .hint("raise producer.override.max.request.size of the connector, and max.message.bytes of the topic with it")
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
        let (client, topics) = (client.context().log.client(), missing.join(", "));
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
/// How often `stopping` is looked at while records are sent again.
const NOTICE: Duration = Duration::from_millis(100);

impl SourceProducer {
    /// A producer with these librdkafka settings. Settings that no client takes are an error at once. `limits` is for one without
    /// idempotence: what is too large for a topic, it cannot send again in order.
    pub fn new(
        config: &ClientConfig,
        sink: Arc<dyn DeliverySink>,
        tolerate: Tolerate,
        limits: Option<TopicLimits>,
    ) -> Result<Self> {
        let mut config = config.clone();
        let gapless = config.get("enable.idempotence") == Some("true");
        if gapless {
            config.set("enable.gapless.guarantee", "true");
        }
        config.create_native_config().map_err(unfit)?;
        let bytes = |key| config.get(key).and_then(|bytes| bytes.parse::<usize>().ok()).unwrap_or(1_000_000);
        let limit = bytes("batch.size").min(bytes("message.max.bytes"));
        let state = State { client: None, limit, resending: false, failed: false, held: Vec::new() };
        let shared = Shared {
            config,
            gapless,
            whole: limit,
            used: Used::default(),
            way: Arc::new(OnTheirWay::new(sink)),
            tolerate,
            limits,
            given_up: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Hands all records of a batch to librdkafka, waiting while its queue is full: a full queue is back-pressure, never an error.
    ///
    /// `batch_id` is acknowledged through the [`DeliverySink`] when every record is. Returns early with a stopped error when `stopping`
    /// says so.
    pub fn send(
        &mut self,
        batch_id: u64,
        batch: &Batch,
        keys: &BinaryArray,
        values: &BinaryArray,
        stopping: impl Fn() -> bool,
    ) -> Result<()> {
        let (shared, rows) = (&self.shared, values.len());
        let topic = &batch.topic;
        if !shared.used.lock().contains(topic) {
            shared.used.lock().insert(topic.clone());
            if let Some(bytes) = shared.limits.as_ref().and_then(|limits| limits.of(topic)) {
                shared.send_up_to(bytes, &stopping)?;
            }
        }
        if rows == 0 {
            shared.way.nothing(batch_id);
            return Ok(());
        }
        let bytes = keys.value_data().len() + values.value_data().len();
        let first = shared.way.open(batch_id, batch, bytes);
        // librdkafka's call for batches carries neither.
        let singly = !batch.headers.is_empty() || batch.timestamps.is_some();
        let record = |row| OutRecord {
            key: keys.is_valid(row).then(|| keys.value(row)),
            value: values.is_valid(row).then(|| values.value(row)),
            partition: batch.partitions.as_ref().and_then(|p| p.is_valid(row).then(|| p.value(row))),
        };
        let mut row = 0;
        while row < rows {
            let end = rows.min(row + CHUNK);
            let mut state = shared.ready(&stopping)?;
            let client = shared.client(&mut state)?;
            let handle = client.topic(topic)?;
            let refused: Vec<_> = if singly {
                let timestamp = |row| batch.timestamps.as_ref().and_then(|t| t.is_valid(row).then(|| t.value(row)));
                let first_refused = (row..end).find_map(|at| {
                    let done = handle.produce_one(&record(at), timestamp(at), batch.headers.row(at), first + at);
                    done.err().map(|code| (at, code))
                });
                client.producer.sent();
                first_refused.into_iter().collect()
            } else {
                let refused = handle.produce((row..end).map(record), first + row);
                refused.into_iter().map(|refused| (row + refused.index, refused.code)).collect()
            };
            let fatal = refused.first().filter(|(_, code)| *code == RDKafkaErrorCode::Fatal);
            let fatal = fatal.and_then(|_| client.producer.client().fatal_error());
            drop(state);
            // Singly, nothing was handed over after the first that was refused.
            let mut next = refused.first().filter(|_| singly).map_or(end, |(at, _)| at + 1);
            let mut wait = false;
            for (at, code) in refused {
                // After a gap, records are about to come back and be sent again.
                let gap = code == RDKafkaErrorCode::Fatal && is_gap(fatal.as_ref());
                if gap || code == RDKafkaErrorCode::QueueFull {
                    (next, wait) = (at, true);
                    break;
                }
                self.refused(topic, first + at, code, fatal.as_ref())?;
            }
            row = next;
            if wait {
                if stopping() {
                    return Err(Error::stopped("the task is stopping"));
                }
                std::thread::sleep(FULL_WAIT);
            }
        }
        Ok(())
    }

    /// A record that librdkafka did not take over, for another reason than want of room.
    fn refused(&self, topic: &str, number: usize, code: RDKafkaErrorCode, fatal: Option<&Fatal>) -> Result<()> {
        if code == RDKafkaErrorCode::MessageSizeTooLarge {
            (self.shared.tolerate)(too_large(topic, code))?;
            self.shared.way.answer(number, Outcome::Skipped);
            return Ok(());
        }
        let error = delivery_error(topic, &KafkaError::MessageProduction(code));
        Err(match fatal {
            Some((_, reason)) => error.at(reason.as_str()),
            None => error,
        })
    }

    /// Waits until every record that librdkafka took over is answered, at most `limit`. True when all are.
    pub fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let producer = {
                let mut state = self.shared.state.lock();
                while state.resending {
                    if self.shared.changed.wait_until(&mut state, until).timed_out() {
                        return false;
                    }
                }
                state.client.as_ref().map(|client| client.producer.clone())
            };
            let Some(producer) = producer else { return true };
            if producer.flush(until.saturating_duration_since(Instant::now())).is_err() {
                return false;
            }
            // What came back meanwhile is sent again.
            if !self.shared.state.lock().resending {
                return true;
            }
        }
    }

    /// Gives up every record that is not acknowledged yet.
    pub fn purge(&self) {
        self.shared.given_up.store(true, Ordering::Release);
        let producer = self.shared.state.lock().client.as_ref().map(|client| client.producer.clone());
        if let Some(producer) = producer {
            producer.purge(rdkafka::producer::PurgeConfig::default().queue().inflight());
        }
    }
}

impl Drop for SourceProducer {
    fn drop(&mut self) {
        // Nobody would hear of what is sent again.
        self.shared.given_up.store(true, Ordering::Release);
    }
}

type Fatal = (RDKafkaErrorCode, String);

fn is_gap(fatal: Option<&Fatal>) -> bool {
    fatal.is_some_and(|(code, _)| *code == RDKafkaErrorCode::GaplessGuarantee)
}

impl Shared {
    fn client_id(&self) -> &str {
        self.config.get("client.id").unwrap_or_default()
    }

    /// Waits until records may be handed over: none is being sent again.
    fn ready(&self, stopping: &impl Fn() -> bool) -> Result<MutexGuard<'_, State>> {
        let mut state = self.state.lock();
        while state.resending || state.failed {
            if stopping() {
                return Err(Error::stopped("the task is stopping"));
            }
            self.changed.wait_for(&mut state, NOTICE);
        }
        Ok(state)
    }

    /// Requests hold no more than so many bytes from now on. What is on its way goes first.
    fn send_up_to(&self, bytes: usize, stopping: &impl Fn() -> bool) -> Result<()> {
        let mut state = self.ready(stopping)?;
        if bytes >= state.limit {
            return Ok(());
        }
        state.limit = bytes;
        let Some(client) = state.client.take() else { return Ok(()) };
        drop(state);
        while client.producer.flush(NOTICE).is_err() {
            if stopping() {
                self.state.lock().client = Some(client);
                return Err(Error::stopped("the task is stopping"));
            }
        }
        Ok(())
    }

    fn client<'a>(self: &Arc<Self>, state: &'a mut State) -> Result<&'a mut Client> {
        if state.client.is_none() {
            state.client = Some(self.connect(state.limit)?);
        }
        state.client.as_mut().ok_or_else(|| Error::internal("the producer's client is gone"))
    }

    /// A client whose requests hold up to `limit` bytes.
    fn connect(self: &Arc<Self>, limit: usize) -> Result<Client> {
        let mut config = self.config.clone();
        config.set("batch.size", limit.to_string());
        if self.gapless && limit < self.whole {
            // A broker that does not know this client yet would take its second request after it refused the first.
            config.set("max.in.flight.requests.per.connection", "1");
        }
        let bootstrap = config.get("bootstrap.servers").unwrap_or_default();
        let context = Context {
            log: LoggingContext::new(self.client_id(), bootstrap),
            gapless: self.gapless,
            way: self.way.clone(),
            shared: Arc::downgrade(self),
            statistics: StatisticsReader::default(),
        };
        let producer: BaseProducer<Context> = config.create_with_context(context).map_err(unfit)?;
        let asked = self.used.clone();
        let producer = PolledProducer::new(producer, move |producer| tell_missing(producer, &asked))?;
        Ok(Client { topics: HashMap::new(), producer })
    }

    /// Keeps a record that came back, to be sent again.
    fn hold(self: &Arc<Self>, held: Held) {
        let mut state = self.state.lock();
        state.held.push(held);
        if std::mem::replace(&mut state.resending, true) {
            return;
        }
        drop(state);
        let shared = self.clone();
        let started = std::thread::Builder::new().name("resend".to_owned()).spawn(move || resend::run(&shared));
        if let Err(error) = started {
            let error = Error::retriable("cannot start a thread that sends records again").caused_by(error);
            resend::abandon(self, error);
        }
    }
}
