//! The consumer of a sink task: one thread that fetches by the batch, decodes, and serves rebalances.
//!
//! Records take one way (a queue bounded in bytes), assignments another: the task learns of a revocation at once, however many
//! records wait. The thread keeps polling the consumer's main queue while the task is slow or paused, so the membership
//! in the group outlives a `put` of any length.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millstream_api::{Error, PartitionOffsets, Result, TopicPartition};
use millstream_core::settings::Topics;
use parking_lot::Mutex;
use rdkafka::Offset;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::mpsc;

use super::client_config::ClientSettings;
use super::context::{Limit, LoggingContext};
use super::positions;
pub use super::positions::{Assigned, Begin};
use super::raw::{FetchQueue, ForwardTarget};
pub use super::runs::RawRun;
use super::runs::Runs;
use super::statistics::StatisticsReader;
use super::subscription::Subscription;
use crate::observe::metrics::{Stage, TaskMetrics};
use crate::task::panic::caught;

/// Records taken at once, unless `max.poll.records` says less.
const FETCH_BATCH: usize = 4096;
/// Bytes taken at once, as far as the size of the last records tells that of the next: what is taken is held twice for a moment.
const FETCH_BYTES: usize = 4 * 1024 * 1024;
/// How long the thread waits for records before it looks at rebalances and orders again; longer while nothing comes, up to
/// [`FETCH_WAIT_IDLE`], so that an idle task costs a few wake-ups a second.
const FETCH_WAIT: Duration = Duration::from_millis(50);
/// Longest such wait.
const FETCH_WAIT_IDLE: Duration = Duration::from_millis(250);
/// How often the lag is looked at.
const LOOK_AT_ENDS: Duration = Duration::from_secs(1);
/// How long it waits while there is no room.
const FULL_WAIT: Duration = Duration::from_millis(20);

/// News about the assignment.
pub enum Assignment {
    /// These partitions are now ours; their records follow.
    Assigned(Vec<Assigned>),
    /// These partitions are being taken; the rebalance goes on when `done` is told (or dropped).
    Revoked {
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// True when another member may own them already: nothing may be committed.
        lost: bool,
        /// To be told when all that may be committed is.
        done: std::sync::mpsc::SyncSender<()>,
    },
    /// The consumer cannot go on.
    Failed(Error),
}

/// What the task, the rebalance callback and the fetch thread share.
#[derive(Default)]
struct Shared {
    paused: AtomicBool,
    stopping: AtomicBool,
    orders: Mutex<Orders>,
}

/// What the fetch thread is to do before it fetches again.
#[derive(Default)]
struct Orders {
    /// Number of the last seek asked for.
    seek: u64,
    /// Where to go on.
    seeks: PartitionOffsets,
    /// Partitions taken away: what was fetched of them is no longer ours, nor is any wish about them.
    revoked: Vec<TopicPartition>,
}

/// Takes decoded records; owned by the fetch thread. False ends the thread.
pub trait RunSink: Send + 'static {
    /// What a run becomes.
    type Item: Send;
    /// Decodes a run. An error ends the task.
    fn decode(&mut self, run: RawRun) -> Result<Self::Item>;
    /// Sends if there is room; gives the item back otherwise. `Err(None)`: nobody receives any more.
    fn offer(&mut self, item: Self::Item) -> std::result::Result<(), Option<Self::Item>>;
    /// False while memory is short: what waits goes first.
    fn may_fetch(&self) -> bool;
    /// The partition an item belongs to.
    fn origin(item: &Self::Item) -> &TopicPartition;
}

struct Context {
    assignments: mpsc::UnboundedSender<Assignment>,
    forward: Mutex<Option<ForwardTarget>>,
    shared: Arc<Shared>,
    log: LoggingContext,
    metrics: Arc<TaskMetrics>,
    statistics: StatisticsReader,
    /// Where a partition without a committed offset begins, in librdkafka's words.
    reset: Option<String>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Topics that are missing are told of by who waits for them.
        if !is_missing(error.rdkafka_error_code()) {
            self.log.error(error, reason);
        }
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.metrics.client.throttled(self.statistics.throttle(statistics));
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                let partitions = partitions_of(list);
                if let Some(target) = self.forward.lock().as_ref() {
                    for partition in &partitions {
                        target.forward(consumer, &partition.topic, partition.partition);
                    }
                }
                let going = || !self.shared.stopping.load(Ordering::Relaxed) && !consumer.assignment_lost();
                let news = match positions::find(consumer, list, self.reset.as_deref(), going) {
                    Ok(assigned) => Assignment::Assigned(assigned),
                    Err(error) => Assignment::Failed(error),
                };
                let _ = self.assignments.send(news);
            }
            Rebalance::Revoke(list) => {
                let partitions = partitions_of(list);
                self.wait_until_given_up(&partitions, consumer.assignment_lost());
                let mut orders = self.shared.orders.lock();
                orders.seeks.retain(|partition, _| !partitions.contains(partition));
                orders.revoked.extend(partitions);
            }
            Rebalance::Error(error) => {
                tracing::warn!(%error, "rebalance failed; the group tries again");
            }
        }
    }
}

impl Context {
    /// Returns when the task has committed and closed these partitions, or ends.
    fn wait_until_given_up(&self, partitions: &[TopicPartition], lost: bool) {
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        let partitions = partitions.to_vec();
        if self.shared.stopping.load(Ordering::Relaxed)
            || self.assignments.send(Assignment::Revoked { partitions, lost, done }).is_err()
        {
            return;
        }
        while let Err(std::sync::mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(Duration::from_millis(100)) {
            if self.shared.stopping.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

fn partitions_of(list: &TopicPartitionList) -> Vec<TopicPartition> {
    list.elements().iter().map(|e| TopicPartition::new(e.topic(), e.partition())).collect()
}

/// A running consumer.
pub struct SinkConsumer {
    consumer: Arc<BaseConsumer<Context>>,
    shared: Arc<Shared>,
    subscription: Option<Subscription>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl SinkConsumer {
    /// Joins the group as soon as there are topics to read, and starts to fetch.
    pub fn start<S: RunSink>(
        name: &str,
        settings: &ClientSettings,
        topics: &Topics,
        sink: S,
        assignments: mpsc::UnboundedSender<Assignment>,
        metrics: Arc<TaskMetrics>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let context = Context {
            assignments: assignments.clone(),
            forward: Mutex::new(None),
            shared: shared.clone(),
            log: settings.context(),
            metrics: metrics.clone(),
            statistics: StatisticsReader::default(),
            reset: settings.native().get("auto.offset.reset").map(str::to_owned),
        };
        // Never with `enable.partition.eof`: librdkafka takes the end of a partition in a batch for a record, and goes on one record too far
        // when the partition is paused there (as each incremental rebalance does with those that stay).
        let consumer: BaseConsumer<Context> = settings
            .native()
            .create_with_context(context)
            .map_err(|e| Error::config("the consumer's settings are not valid").caused_by(e))?;
        let consumer = Arc::new(consumer);
        let most = settings.java("max.poll.records").and_then(|n| n.parse().ok()).unwrap_or(FETCH_BATCH);
        let queue = FetchQueue::new(consumer.clone(), most.min(FETCH_BATCH));
        *consumer.context().forward.lock() = Some(queue.target());
        let subscription = Subscription::start(&consumer, topics, settings)?;
        let fetch = Fetch {
            queue,
            sink,
            shared: shared.clone(),
            assignments,
            waiting: Vec::new(),
            seek: 0,
            seeks: PartitionOffsets::new(),
            told_seek: 0,
            trouble: Limit::new(),
            wait: FETCH_WAIT,
            at_once: FETCH_BATCH,
            metrics,
            looked_at: Instant::now(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("fetch-{name}").chars().take(15).collect())
            .spawn(move || fetch.run())
            .map_err(|e| Error::retriable("cannot start a fetch thread").caused_by(e))?;
        Ok(Self { consumer, shared, subscription: Some(subscription), thread: Some(thread) })
    }

    /// Stops or resumes delivery; the membership in the group stays.
    pub fn set_paused(&self, paused: bool) {
        self.shared.paused.store(paused, Ordering::Relaxed);
    }

    /// Commits offsets and waits for the broker's answer. Blocks.
    pub fn commit(&self) -> impl FnOnce(&PartitionOffsets) -> Result<()> + Send + 'static {
        let consumer = self.consumer.clone();
        move |offsets| {
            let mut list = TopicPartitionList::new();
            for (partition, offset) in offsets {
                list.add_partition_offset(&partition.topic, partition.partition, Offset::Offset(*offset)).map_err(
                    |e| Error::internal(format!("offset {offset} of {partition} is not valid")).caused_by(e),
                )?;
            }
            consumer
                .commit(&list, rdkafka::consumer::CommitMode::Sync)
                .map_err(|e| Error::retriable("the group coordinator did not take the offsets").caused_by(e))
        }
    }

    /// Goes on at these offsets. Records of these partitions with a [`RawRun::seek`] below the number that is returned were fetched
    /// before and are no longer wanted. Does not wait: the fetch thread may be waiting for the task.
    pub fn seek(&self, offsets: &PartitionOffsets) -> u64 {
        let mut orders = self.shared.orders.lock();
        orders.seek += 1;
        orders.seeks.extend(offsets.iter().map(|(partition, offset)| (partition.clone(), *offset)));
        orders.seek
    }

    /// Pauses or resumes single partitions.
    pub fn pause_partitions(&self, partitions: &[TopicPartition], pause: bool) {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&partition.topic, partition.partition);
        }
        let done = if pause { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        if let Err(error) = done {
            tracing::warn!(%error, "cannot pause or resume partitions");
        }
    }

    /// True when the group rebalances by giving up all partitions, most of which come back at once.
    pub fn gives_back(&self) -> bool {
        matches!(self.consumer.rebalance_protocol(), RebalanceProtocol::Eager)
    }

    /// Begins to leave the group; nothing is delivered and no rebalance waits for the task any more.
    pub fn begin_stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// Leaves the group and ends the thread. Blocks for as long as the coordinator takes to answer.
    pub fn stop(mut self) {
        self.begin_stop();
        if let Some(subscription) = self.subscription.take() {
            subscription.end();
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a fetch thread ended unexpectedly");
        }
    }
}

impl Drop for SinkConsumer {
    fn drop(&mut self) {
        self.begin_stop();
        if self.thread.is_some() {
            // Abandoned. Whoever is last to let go of the consumer waits for the coordinator, and that must not be the reactor: this
            // thread outlives the drop.
            let consumer = self.consumer.clone();
            let _ = std::thread::Builder::new().name("consumer-end".to_owned()).spawn(move || {
                std::thread::sleep(FETCH_WAIT_IDLE);
                drop(consumer);
            });
        }
    }
}

struct Fetch<S: RunSink> {
    queue: FetchQueue<Context>,
    sink: S,
    shared: Arc<Shared>,
    assignments: mpsc::UnboundedSender<Assignment>,
    /// Decoded, but there was no room yet.
    waiting: Vec<S::Item>,
    /// The last seek taken from the orders.
    seek: u64,
    /// Seeks that did not succeed yet: librdkafka refuses them until it knows where a partition's fetching starts.
    seeks: PartitionOffsets,
    /// The last seek whose failure was told.
    told_seek: u64,
    trouble: Limit,
    /// How long to wait for records next.
    wait: Duration,
    /// How many to take next.
    at_once: usize,
    metrics: Arc<TaskMetrics>,
    /// When the ends of the partitions were last looked at.
    looked_at: Instant,
}

impl<S: RunSink> Fetch<S> {
    fn run(mut self) {
        while !self.shared.stopping.load(Ordering::Relaxed) {
            if let Err(error) = self.turn() {
                let _ = self.assignments.send(Assignment::Failed(error));
                break;
            }
        }
    }

    fn turn(&mut self) -> Result<()> {
        let full = !self.offer_waiting()?;
        let paused = self.shared.paused.load(Ordering::Relaxed);
        let may_fetch = !full && !paused && self.sink.may_fetch();
        let wait = match (may_fetch, paused) {
            (true, _) => Duration::ZERO,
            (false, true) => FETCH_WAIT_IDLE,
            (false, false) => FULL_WAIT,
        };
        // Serves rebalances and errors. Records come by the fetch queue; one that was fetched before its partition was forwarded is
        // taken here.
        let mut runs = Runs::default();
        match self.queue.consumer().poll(wait) {
            Some(Ok(message)) => runs.push_message(&message),
            // The context was told of it too, with librdkafka's reason.
            Some(Err(error)) => consumer_error(error, None)?,
            None => {}
        }
        self.take_orders();
        self.try_seeks();
        if !may_fetch {
            return self.decode(runs);
        }
        self.look_at_ends();
        let (mut failed, start) = (None, Instant::now());
        let mut bytes = 0;
        let count = self.queue.consume(self.wait, self.at_once, |record| match record.error() {
            None => {
                bytes += record.key().map_or(0, <[u8]>::len) + record.value().map_or(0, <[u8]>::len);
                runs.push(
                    record.topic_identity(),
                    || record.topic().into(),
                    record.partition(),
                    record.offset(),
                    record.timestamp(),
                    record.key(),
                    record.value(),
                    || record.headers(),
                )
            }
            Some(code) => failed = Some((code, format!("{}-{}", record.topic(), record.partition()))),
        });
        if count > 0 {
            self.metrics.stage(Stage::Fetch, start.elapsed());
            self.at_once = FETCH_BYTES * count / bytes.max(1);
        }
        self.wait = if count > 0 { FETCH_WAIT } else { (self.wait * 2).min(FETCH_WAIT_IDLE) };
        self.decode(runs)?;
        failed.map_or(Ok(()), |(code, place)| {
            consumer_error(KafkaError::MessageConsumption(code), Some(&self.trouble)).map_err(|error| error.at(place))
        })
    }

    /// How far the ends of the partitions are, as the last fetches said: no request is made for it.
    fn look_at_ends(&mut self) {
        if self.looked_at.elapsed() >= LOOK_AT_ENDS {
            self.looked_at = Instant::now();
            let queue = &self.queue;
            self.metrics.client.look_at_ends(|at| queue.known_ends(&at.topic, at.partition));
        }
    }

    fn take_orders(&mut self) {
        let (number, seeks, revoked) = {
            let mut orders = self.shared.orders.lock();
            let (seeks, revoked) = (std::mem::take(&mut orders.seeks), std::mem::take(&mut orders.revoked));
            (orders.seek, seeks, revoked)
        };
        self.seek = number;
        if !revoked.is_empty() {
            self.seeks.retain(|partition, _| !revoked.contains(partition));
            self.waiting.retain(|item| !revoked.contains(S::origin(item)));
        }
        if !seeks.is_empty() {
            self.waiting.retain(|item| !seeks.contains_key(S::origin(item)));
            self.seeks.extend(seeks);
        }
    }

    fn try_seeks(&mut self) {
        let consumer = self.queue.consumer();
        let (number, told) = (self.seek, &mut self.told_seek);
        self.seeks.retain(|partition, offset| {
            let limit = Duration::from_secs(1);
            match consumer.seek(&partition.topic, partition.partition, Offset::Offset(*offset), limit) {
                Ok(()) => false,
                Err(error) => {
                    if *told < number {
                        *told = number;
                        tracing::info!(%partition, offset, %error, "cannot go there yet; tried again");
                    }
                    true
                }
            }
        });
    }

    fn decode(&mut self, runs: Runs) -> Result<()> {
        for run in runs.finish(self.seek) {
            if self.seeks.contains_key(&run.origin) {
                // Not what was asked for; it is fetched again, if at all.
                continue;
            }
            let bytes = run.keys.value_data().len() + run.values.value_data().len();
            self.metrics.client.moved(&run.origin.topic, run.offsets.len(), bytes);
            let (origin, first) = (run.origin.clone(), run.offsets.values().first().copied().unwrap_or_default());
            let item = caught(
                || {
                    format!(
                        "decoding records of topic {}, partition {}, from offset {first} on",
                        origin.topic, origin.partition
                    )
                },
                || self.sink.decode(run),
            )?;
            self.waiting.push(item);
        }
        self.offer_waiting().map(|_| ())
    }

    /// True when nothing waits any more.
    fn offer_waiting(&mut self) -> Result<bool> {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        while let Some(item) = waiting.next() {
            match self.sink.offer(item) {
                Ok(()) => {}
                Err(Some(item)) => {
                    self.waiting.push(item);
                    self.waiting.extend(waiting);
                    return Ok(false);
                }
                Err(None) => return Err(Error::stopped("the task has ended")),
            }
        }
        Ok(true)
    }
}

fn is_missing(code: Option<RDKafkaErrorCode>) -> bool {
    matches!(code, Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic))
}

/// What an error event means: most are librdkafka's news about something it handles itself, told as often as `trouble` lets pass.
fn consumer_error(error: KafkaError, trouble: Option<&Limit>) -> Result<()> {
    if let KafkaError::MessageConsumptionFatal(_) = error {
        return Err(Error::fatal("the consumer cannot go on").caused_by(error));
    }
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed) => {
            Err(Error::fatal("the broker does not allow this connector to read")
                .caused_by(error)
                .hint("grant Read on the topics and on the group connect-<connector name> to the worker's principal"))
        }
        Some(
            RDKafkaErrorCode::Fatal
            | RDKafkaErrorCode::InvalidSessionTimeout
            | RDKafkaErrorCode::InconsistentGroupProtocol,
        ) => Err(Error::fatal("the consumer cannot go on").caused_by(error)),
        Some(RDKafkaErrorCode::PartitionEOF) => Ok(()),
        Some(RDKafkaErrorCode::AutoOffsetReset) => {
            Err(Error::fatal("there is no committed offset to go on from, or its record is gone")
                .caused_by(error)
                .hint("set consumer.override.auto.offset.reset to earliest or latest, or set the connector's offsets"))
        }
        _ => {
            if trouble.is_some_and(Limit::pass) {
                tracing::warn!(%error, "consumer has trouble, it keeps trying");
            } else {
                tracing::debug!(%error, "consumer has trouble, it keeps trying");
            }
            Ok(())
        }
    }
}
