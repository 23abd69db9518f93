//! The loop of a sink task: take decoded records, put them, commit what the task says is durable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use millstream_api::{
    ConnectorKind, Error, PartitionOffsets, Result, SinkBatch, SinkTask, SinkTaskContext, TopicPartition,
};
use millstream_core::cluster::TargetState;
use millstream_core::delivery::SinkPositions;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::byte_queue::{ByteReceiver, Held, byte_queue};
use super::chain::Plugins;
use super::dead_letter::DeadLetters;
use super::failures::FailurePolicy;
use super::sink_decode::{Fetched, SinkDecoder};
use super::sink_host::Wishes;
use super::source::{Orders, off_the_reactor, report_state};
use super::supervise::{Reporter, TaskEnvironment, TaskSpec};
use super::uncommitted::Uncommitted;
use super::used_topics::UsedTopics;
use crate::kafka::client_config;
use crate::kafka::consumer::{Assignment, Begin, SinkConsumer};
use crate::observe::metrics::{CommitOutcome, TaskMetrics};

/// Bytes of decoded records that wait for the task.
const DECODED: usize = 8 * 1024 * 1024;
/// How often `put` is called when no record arrives, so that timers of the task run.
const IDLE_PUT: Duration = Duration::from_secs(1);
/// Wait before a `put` is repeated when the task does not say how long (Confluent's `retry.backoff.ms`, by comparison, is 5 s).
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// Runs a sink task to its end. `Ok` after an orderly stop.
pub async fn run(
    mut task: Box<dyn SinkTask>,
    spec: TaskSpec,
    env: Arc<TaskEnvironment>,
    mut orders: Orders,
    reporter: Reporter,
    metrics: Arc<TaskMetrics>,
) -> Result<()> {
    if !orders.until_wanted(&reporter).await {
        return Ok(());
    }
    let letters = tokio::select! {
        letters = DeadLetters::start(&spec, &env, &metrics) => letters,
        () = orders.stop.cancelled() => return Ok(()),
    };
    let letters = match letters {
        Ok(letters) => letters,
        Err(error) => {
            reporter.failed(error);
            return Ok(());
        }
    };
    let failures = FailurePolicy::new(&spec, orders.stop.clone(), metrics.clone());
    let wishes = Wishes::new(spec.id.clone(), failures.clone(), letters.clone());
    let context = SinkTaskContext {
        id: spec.id.clone(),
        config: spec.config.clone(),
        host: wishes.clone(),
        budget: env.budget.clone(),
    };
    let started = tokio::select! {
        started = task.start(context) => started,
        () = orders.stop.cancelled() => Ok(()),
    };
    if reporter.outcome(started.map_err(|error| error.at("start of the task"))) || orders.stop.is_cancelled() {
        task.stop().await;
        end_letters(letters.as_deref(), Duration::ZERO).await;
        return Ok(());
    }
    let started = {
        let (spec, env, letters) = (spec.clone(), env.clone(), letters.clone());
        off_the_reactor(move || start_consumer(&spec, &env, letters, failures)).await
    };
    let (records, news, consumer) = match started {
        Ok(parts) => parts,
        Err(error) => {
            reporter.failed(error);
            task.stop().await;
            end_letters(letters.as_deref(), Duration::ZERO).await;
            return Ok(());
        }
    };
    let mut sink = SinkLoop {
        task,
        consumer,
        news,
        records,
        wishes,
        letters: letters.clone(),
        topics: UsedTopics::of(&spec, &env),
        waiting: VecDeque::new(),
        pending: None,
        positions: SinkPositions::default(),
        unreadable: false,
        held_back: BTreeSet::new(),
        stale: BTreeMap::new(),
        retry_at: None,
        uncommitted: Uncommitted::new(metrics.clone()),
        metrics,
        spec,
        env,
    };
    let mut target = orders.target.clone();
    let result = tokio::select! {
        result = sink.turn_until_stopped(&mut orders.target, &orders.stop) => result,
        () = report_state(&mut target, &reporter) => Ok(()),
    };
    // A clean stop commits what is durable, and so does a record that cannot be read, as in Java. Any other failure commits nothing more: it
    // is not known what became of records or of dead letters.
    if !reporter.outcome(result) || sink.unreadable {
        sink.give_up_all().await;
    }
    // A task that takes long to stop must not hold up the rebalance of the others.
    sink.consumer.begin_stop();
    end_letters(letters.as_deref(), sink.env.worker.offset_flush_timeout).await;
    sink.task.stop().await;
    let consumer = sink.consumer;
    // Leaves the group; takes as long as the coordinator does.
    let _ = tokio::task::spawn_blocking(move || consumer.stop()).await;
    Ok(())
}

type Consumer = (ByteReceiver<Fetched>, mpsc::UnboundedReceiver<Assignment>, SinkConsumer);

fn start_consumer(
    spec: &TaskSpec,
    env: &TaskEnvironment,
    letters: Option<Arc<DeadLetters>>,
    failures: FailurePolicy,
) -> Result<Consumer> {
    let plugins = Plugins::of(spec, ConnectorKind::Sink, failures.clone())?;
    let config = client_config::sink_consumer(&env.worker, &spec.settings, &spec.id)?;
    config.warn_unknown();
    let (queue, records) = byte_queue(DECODED);
    let metrics = failures.metrics.clone();
    metrics.set_queue(queue.fill());
    metrics.client.set_id(config.native().get("client.id").unwrap_or_default());
    let (id, budget) = (spec.id.clone(), env.budget.clone());
    let decoder = SinkDecoder { id, plugins, failures, letters, budget, queue };
    let (news_sender, news) = mpsc::unbounded_channel();
    let consumer =
        SinkConsumer::start(&spec.id.to_string(), &config, spec.subscription()?, decoder, news_sender, metrics)?;
    Ok((records, news, consumer))
}

struct SinkLoop {
    task: Box<dyn SinkTask>,
    consumer: SinkConsumer,
    news: mpsc::UnboundedReceiver<Assignment>,
    records: ByteReceiver<Fetched>,
    wishes: Arc<Wishes>,
    letters: Option<Arc<DeadLetters>>,
    topics: Option<UsedTopics>,
    /// Taken from the queue while looking for records of revoked partitions.
    waiting: VecDeque<Held<Fetched>>,
    /// Given to `put`, which asked to get it again.
    pending: Option<Held<Fetched>>,
    retry_at: Option<Instant>,
    positions: SinkPositions,
    /// True when it was a record nobody could read that ended the loop: task and dead letters are sound.
    unreadable: bool,
    /// Partitions of which the task wants no records for now.
    held_back: BTreeSet<TopicPartition>,
    /// Records fetched before this seek are no longer wanted.
    stale: BTreeMap<TopicPartition, u64>,
    uncommitted: Uncommitted,
    metrics: Arc<TaskMetrics>,
    spec: TaskSpec,
    env: Arc<TaskEnvironment>,
}

/// What the loop does next.
enum Turn {
    News(Option<Assignment>),
    Records(Option<Held<Fetched>>),
    Retry,
    Commit,
    Idle,
    Target(bool),
}

impl SinkLoop {
    /// Turns until it is told to stop, which it notices between two calls to the task, or something fails.
    async fn turn_until_stopped(
        &mut self,
        target: &mut watch::Receiver<TargetState>,
        stop: &CancellationToken,
    ) -> Result<()> {
        let (wishes, letters) = (self.wishes.clone(), self.letters.clone());
        let interval = self.env.worker.offset_flush_interval;
        let mut next_commit = Instant::now() + interval;
        let mut next_idle = Instant::now() + IDLE_PUT;
        let mut paused = is_paused(target);
        self.consumer.set_paused(paused);
        loop {
            let may_take = !paused && self.pending.is_none();
            let turn = if may_take && !self.waiting.is_empty() && self.news.is_empty() && !stop.is_cancelled() {
                Turn::Records(self.waiting.pop_front())
            } else {
                let retry_at = self.retry_at.unwrap_or_else(|| Instant::now() + IDLE_PUT);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(()),
                    error = undelivered(letters.as_deref()) => return Err(error),
                    news = self.news.recv() => Turn::News(news),
                    changed = target.changed() => Turn::Target(changed.is_ok()),
                    () = wishes.commit_requested.notified() => Turn::Commit,
                    () = tokio::time::sleep_until(next_commit) => Turn::Commit,
                    () = tokio::time::sleep_until(retry_at), if self.pending.is_some() && !paused => Turn::Retry,
                    records = self.records.recv(), if may_take => Turn::Records(records),
                    () = tokio::time::sleep_until(next_idle), if self.pending.is_none() => Turn::Idle,
                }
            };
            if matches!(turn, Turn::Records(_) | Turn::Retry | Turn::Idle) {
                // Commits alone do not put the timers of the task off, however often they come.
                next_idle = Instant::now() + IDLE_PUT;
            }
            let done = match turn {
                Turn::News(Some(news)) => self.assignment(news).await,
                Turn::News(None) | Turn::Records(None) => Err(self.why_the_consumer_ended()),
                Turn::Records(Some(held)) if self.is_wanted(&held.item) => self.put(held).await,
                Turn::Records(Some(_)) => continue,
                Turn::Retry => match self.pending.take() {
                    Some(held) => self.put(held).await,
                    None => Ok(()),
                },
                Turn::Commit => {
                    let done = self.commit().await;
                    next_commit = Instant::now() + interval;
                    done
                }
                Turn::Idle => self.idle_put().await,
                Turn::Target(true) => {
                    let before = std::mem::replace(&mut paused, is_paused(target));
                    self.consumer.set_paused(paused);
                    if paused && !before {
                        // As in Java, what is done is committed at once.
                        wishes.commit_requested.notify_one();
                    }
                    Ok(())
                }
                Turn::Target(false) => std::future::pending().await,
            };
            done?;
            self.grant_wishes();
        }
    }

    /// False for records that were fetched before a rewind, or that the task does not want now: those are fetched again later.
    fn is_wanted(&mut self, fetched: &Fetched) -> bool {
        let origin = &fetched.origin;
        if !self.positions.assigned.contains(origin) || self.stale.get(origin).is_some_and(|&seek| fetched.seek < seek)
        {
            return false;
        }
        if self.held_back.contains(origin) {
            let back = PartitionOffsets::from([(origin.clone(), fetched.first_offset)]);
            self.stale.insert(origin.clone(), self.consumer.seek(&back));
            return false;
        }
        true
    }

    fn why_the_consumer_ended(&mut self) -> Error {
        while let Ok(news) = self.news.try_recv() {
            if let Assignment::Failed(error) = news {
                return error;
            }
        }
        Error::internal("the consumer ended unexpectedly")
    }

    async fn put(&mut self, mut held: Held<Fetched>) -> Result<()> {
        let fetched = &mut held.item;
        if let Some(topics) = self.topics.as_ref().filter(|_| fetched.read) {
            topics.used(&fetched.origin.topic);
        }
        if let (Some(letters), Some(raw)) = (&self.letters, &fetched.raw) {
            letters.send(raw, std::mem::take(&mut fetched.rejected)).await?;
            letters.begin_put(raw);
        }
        if let Some(error) = fetched.failure.take() {
            self.unreadable = true;
            return Err(error);
        }
        let start = Instant::now();
        match self.call_put(&fetched.batches).await {
            Ok(()) => {
                if !fetched.batches.is_empty() {
                    self.metrics.put(fetched.batches.iter().map(SinkBatch::len).sum(), start.elapsed());
                }
                self.uncommitted.given(&fetched.origin, fetched.first_offset, fetched.next_offset);
                self.metrics.client.position(&fetched.origin, fetched.next_offset);
                if let Some(letters) = &self.letters {
                    letters.send_reported().await?;
                }
                self.positions.delivered.insert(fetched.origin.clone(), fetched.next_offset);
                self.retry_at = None;
                // It was meant for this put.
                self.wishes.take_retry_after();
                Ok(())
            }
            Err(error) if error.is_retriable() => {
                self.metrics.errors.retried();
                let wait = self.wishes.take_retry_after().unwrap_or(RETRY_WAIT);
                tracing::warn!(task = %self.spec.id, %error, wait_ms = wait.as_millis() as u64, "put failed; it is tried again");
                self.retry_at = Some(Instant::now() + wait);
                self.pending = Some(held);
                Ok(())
            }
            Err(error) => {
                let Fetched { origin, first_offset, next_offset, .. } = &held.item;
                Err(error.at(format!(
                    "put of topic {}, partition {}, offsets {first_offset} to {}",
                    origin.topic,
                    origin.partition,
                    next_offset - 1
                )))
            }
        }
    }

    async fn call_put(&mut self, batches: &[SinkBatch]) -> Result<()> {
        if batches.is_empty() { Ok(()) } else { self.task.put(batches).await }
    }

    async fn idle_put(&mut self) -> Result<()> {
        match self.task.put(&[]).await {
            Err(error) if error.is_retriable() => {
                tracing::warn!(task = %self.spec.id, %error, "put failed; it is tried again");
                Ok(())
            }
            Err(error) => Err(error.at("put without records")),
            Ok(()) => Ok(()),
        }
    }

    async fn assignment(&mut self, news: Assignment) -> Result<()> {
        match news {
            Assignment::Assigned(assigned) => {
                let partitions: Vec<_> = assigned.iter().map(|(partition, _)| partition.clone()).collect();
                tracing::info!(task = %self.spec.id, partitions = %list(&partitions), "partitions assigned");
                self.positions.assigned.extend(partitions.iter().cloned());
                for (partition, begin) in assigned {
                    if let Some(Begin { offset, committed }) = begin {
                        self.positions.begin(&partition, offset, committed);
                        self.metrics.client.begins_at(&partition, offset);
                    }
                }
                self.metrics.assigned(self.positions.assigned.len());
                self.hold_back_again();
                let opened = self.task.open(&partitions).await;
                opened.map_err(|error| error.at(format!("open of {}", list(&partitions))))
            }
            Assignment::Revoked { partitions, lost, done } => {
                tracing::info!(task = %self.spec.id, partitions = %list(&partitions), lost, "partitions revoked");
                let closed = self.give_up(&partitions, lost).await;
                let _ = done.send(());
                closed
            }
            Assignment::Failed(error) => Err(error),
        }
    }

    /// The end of an orderly stop. What another member owns by now is not committed.
    async fn give_up_all(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            if let Assignment::Revoked { partitions, lost, done } = news {
                let _ = self.give_up(&partitions, lost).await;
                let _ = done.send(());
            }
        }
        let all: Vec<_> = self.positions.assigned.iter().cloned().collect();
        let _ = self.give_up(&all, false).await;
    }

    /// Commits what is durable of these partitions (unless they are lost), then closes them and forgets their records. An error
    /// fails the task, but only after it has given them up.
    async fn give_up(&mut self, partitions: &[TopicPartition], lost: bool) -> Result<()> {
        if partitions.is_empty() {
            return Ok(());
        }
        self.forget_records(|origin| partitions.contains(origin));
        let mut result = if lost { Ok(()) } else { self.commit().await };
        if let Err(error) = self.task.close(partitions).await {
            tracing::warn!(task = %self.spec.id, %error, "closing partitions failed; their records are read again");
            if !error.is_retriable() {
                result = result.and(Err(error.at(format!("close of {}", list(partitions)))));
            }
        }
        // An eager rebalance takes everything, only to give most of it back: what the task held back of it stays so.
        if !self.consumer.gives_back() {
            let given_up: Vec<_> = partitions.iter().filter(|p| self.held_back.remove(p)).cloned().collect();
            self.let_go(&given_up);
        }
        for partition in partitions {
            self.positions.end(partition);
            self.stale.remove(partition);
        }
        self.metrics.assigned(self.positions.assigned.len());
        self.metrics.client.forget(partitions);
        self.uncommitted.forget(partitions);
        result
    }

    /// After an assignment: of the partitions that the task held back, those that are still its own stay so.
    fn hold_back_again(&mut self) {
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.held_back)
            .into_iter()
            .partition(|partition| self.positions.assigned.contains(partition));
        self.let_go(&gone);
        if !kept.is_empty() {
            self.consumer.pause_partitions(&kept, true);
        }
        self.held_back.extend(kept);
    }

    /// librdkafka would remember a pause beyond the assignment.
    fn let_go(&self, partitions: &[TopicPartition]) {
        if !partitions.is_empty() {
            self.consumer.pause_partitions(partitions, false);
        }
    }

    fn forget_records(&mut self, of: impl Fn(&TopicPartition) -> bool) {
        while let Some(held) = self.records.try_recv() {
            self.waiting.push_back(held);
        }
        self.waiting.retain(|held| !of(&held.item.origin));
        if self.pending.as_ref().is_some_and(|held| of(&held.item.origin)) {
            self.pending = None;
            self.retry_at = None;
            if let Some(letters) = &self.letters {
                letters.forget_put();
            }
        }
    }

    /// Asks the task what is durable and commits that, never more. What may pass is told and tried again at the next commit; an error
    /// of the task that is for good fails it.
    async fn commit(&mut self) -> Result<()> {
        if self.positions.delivered.is_empty() {
            // Nothing is assigned: as in Java, no question and no commit to count.
            return Ok(());
        }
        self.metrics.commit_begins();
        let start = Instant::now();
        let done = self.try_commit().await;
        let outcome = done.as_ref().map_or(CommitOutcome::Failed, |outcome| *outcome);
        self.metrics.commit_ended(start.elapsed(), outcome);
        done.map(|_| ())
    }

    async fn try_commit(&mut self) -> Result<CommitOutcome> {
        let durable = match self.task.pre_commit(&self.positions.delivered).await {
            Ok(durable) => durable,
            Err(error) if error.is_retriable() => {
                tracing::warn!(task = %self.spec.id, %error, "pre-commit failed; offsets stay where they are");
                return Ok(CommitOutcome::Failed);
            }
            Err(error) => return Err(error.at("pre-commit")),
        };
        let (offsets, refused) = self.positions.to_commit(&durable);
        for (partition, offset) in refused {
            tracing::warn!(task = %self.spec.id, %partition, offset, "the task wants to commit what it was not given; left out");
        }
        if offsets.is_empty() {
            return Ok(CommitOutcome::Done);
        }
        if let Some(letters) = &self.letters
            && !letters.settled(self.env.worker.offset_flush_timeout).await?
        {
            tracing::warn!(task = %self.spec.id, "dead letters are not acknowledged yet; offsets stay where they are");
            return Ok(CommitOutcome::Failed);
        }
        let commit = self.consumer.commit();
        let sent = offsets.clone();
        let limit = self.env.worker.offset_flush_timeout;
        let done = tokio::time::timeout(limit, tokio::task::spawn_blocking(move || commit(&sent))).await;
        match done {
            Ok(Ok(Ok(()))) => {
                self.uncommitted.committed(&offsets);
                self.positions.committed(offsets);
                return Ok(CommitOutcome::Done);
            }
            Ok(Ok(Err(error))) => {
                tracing::warn!(task = %self.spec.id, %error, "commit failed; the next one tries again")
            }
            Ok(Err(panic)) => tracing::error!(task = %self.spec.id, error = %panic, "commit ended unexpectedly"),
            Err(_) => {
                tracing::warn!(task = %self.spec.id, limit_ms = limit.as_millis() as u64, "commit took longer than offset.flush.timeout.ms");
                return Ok(CommitOutcome::TooLate);
            }
        }
        Ok(CommitOutcome::Failed)
    }

    fn grant_wishes(&mut self) {
        for (mut partitions, pause) in self.wishes.take_pauses() {
            partitions.retain(|partition| self.positions.assigned.contains(partition));
            self.consumer.pause_partitions(&partitions, pause);
            for partition in partitions {
                if pause {
                    self.held_back.insert(partition)
                } else {
                    self.held_back.remove(&partition)
                };
            }
        }
        let mut rewind = self.wishes.take_rewind();
        rewind.retain(|partition, _| self.positions.assigned.contains(partition));
        if rewind.is_empty() {
            return;
        }
        let seek = self.consumer.seek(&rewind);
        self.forget_records(|origin| rewind.contains_key(origin));
        for (partition, offset) in rewind {
            self.stale.insert(partition.clone(), seek);
            self.uncommitted.back_to(&partition, offset);
            self.metrics.client.position(&partition, offset);
            self.positions.delivered.insert(partition, offset);
        }
    }
}

async fn end_letters(letters: Option<&DeadLetters>, limit: Duration) {
    if let Some(letters) = letters {
        letters.finish(limit).await;
    }
}

/// Waits for a dead letter that will never be delivered.
async fn undelivered(letters: Option<&DeadLetters>) -> Error {
    match letters {
        Some(letters) => letters.failure().await,
        None => std::future::pending().await,
    }
}

fn is_paused(target: &mut watch::Receiver<TargetState>) -> bool {
    *target.borrow_and_update() != TargetState::Started
}

fn list(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
