//! The loop of a source task: poll ahead, hand over to the sender, store offsets by the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millstream_api::{ConnectorKind, Error, Result, SourceBatch, SourceTask, SourceTaskContext};
use millstream_core::cluster::{State, TargetState};
use millstream_core::delivery::Stage;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::byte_queue::{ByteReceiver, ByteSender, byte_queue};
use super::chain::Plugins;
use super::dead_letter::make_queue;
use super::failures::FailurePolicy;
use super::offset_flush::{Deliveries, OffsetFlush};
use super::sender::Sender;
use super::source_letters::SourceLetters;
use super::supervise::{Reporter, TaskEnvironment, TaskSpec};
use super::topic_creation::TopicCreator;
use super::used_topics::UsedTopics;
use crate::kafka::client_config;
use crate::kafka::producer::{SourceProducer, TopicLimits};
use crate::observe::metrics::TaskMetrics;

/// Bytes of rows read ahead of the sender.
const READ_AHEAD: usize = 8 * 1024 * 1024;
/// How long to wait after a poll that asked to be repeated.
const RETRY_WAIT: Duration = Duration::from_millis(500);

/// How a task is told to change: what it is to be, and when it must end.
#[derive(Clone)]
pub struct Orders {
    /// STARTED or PAUSED.
    pub target: watch::Receiver<TargetState>,
    /// Finish what was polled, store offsets, end.
    pub stop: CancellationToken,
    /// End at once: the graceful time is over.
    pub abandoned: Arc<AtomicBool>,
}

impl Orders {
    /// Waits until the task is to run: one that is paused from the beginning is not started. False when it is to stop.
    pub(super) async fn until_wanted(&mut self, reporter: &Reporter) -> bool {
        if *self.target.borrow() != TargetState::Started {
            reporter.state(State::Paused);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = until_started(&mut self.target) => true,
        }
    }
}

/// Runs a source task to its end. `Ok` after an orderly stop.
pub async fn run(
    mut task: Box<dyn SourceTask>,
    spec: TaskSpec,
    env: Arc<TaskEnvironment>,
    mut orders: Orders,
    reporter: Reporter,
    metrics: Arc<TaskMetrics>,
) -> Result<()> {
    if !orders.until_wanted(&reporter).await {
        return Ok(());
    }
    let offsets = env.stores.offsets_of(&spec.settings)?;
    let context = SourceTaskContext {
        id: spec.id.clone(),
        config: spec.config.clone(),
        offsets: offsets.clone().reader(&spec.id.connector),
        budget: env.budget.clone(),
    };
    let started = tokio::select! {
        started = task.start(context) => started,
        () = orders.stop.cancelled() => Err(Error::stopped("stopped while starting")),
    };
    if let Err(error) = started {
        reporter.outcome(stopped_is_fine(error.at("start of the task")));
        task.stop().await;
        return Ok(());
    }
    if let Some(queue) = &spec.settings.errors.dead_letter_queue {
        let made = tokio::select! {
            made = make_queue(&spec, &env, queue) => made,
            () = orders.stop.cancelled() => Err(Error::stopped("stopped while starting")),
        };
        if let Err(error) = made {
            reporter.outcome(stopped_is_fine(error));
            task.stop().await;
            return Ok(());
        }
    }
    let deliveries = Deliveries::new(metrics.clone(), UsedTopics::of(&spec, &env));
    let sender = {
        let (spec, env, deliveries, abandoned) =
            (spec.clone(), env.clone(), deliveries.clone(), orders.abandoned.clone());
        let failures = FailurePolicy::new(&spec, orders.stop.clone(), metrics.clone());
        off_the_reactor(move || build_sender(&spec, &env, &deliveries, abandoned, failures)).await
    };
    let sender = match sender {
        Ok(sender) => sender,
        Err(error) => {
            reporter.failed(error);
            task.stop().await;
            return Ok(());
        }
    };
    let (tx, rx) = byte_queue(READ_AHEAD);
    metrics.set_queue(tx.fill());
    let mut sending = match start_sending(sender, rx) {
        Ok(sending) => sending,
        Err(error) => {
            reporter.failed(error);
            task.stop().await;
            return Ok(());
        }
    };
    let mut flush = OffsetFlush::new(spec.id.clone(), deliveries.clone(), offsets, env.worker.offset_flush_timeout);
    let stored = AtomicBool::new(false);

    let mut sent = None;
    let result = tokio::select! {
        error = poll_loop(task.as_mut(), &tx, orders.target.clone(), &stored, &metrics) => Err(error),
        () = flush_clock(&mut flush, env.worker.offset_flush_interval, &stored) => Ok(()),
        () = report_state(&mut orders.target, &reporter) => Ok(()),
        error = deliveries.failure() => Err(error),
        done = &mut sending => done.map_err(|_| sender_gone()).and_then(|(sender, result)| {
            sent = Some(sender);
            result.or_else(stopped_is_fine)
        }),
        () = orders.stop.cancelled() => Ok(()),
    };
    drop(tx);
    if result.is_err() {
        orders.abandoned.store(true, Ordering::Relaxed);
    }
    let mut failed = reporter.outcome(result);
    task.stop().await;
    if sent.is_none() {
        match sending.await {
            Ok((sender, result)) => {
                sent = Some(sender);
                failed = failed || reporter.outcome(result.or_else(stopped_is_fine));
            }
            Err(_) if failed => {}
            Err(_) => failed = reporter.outcome(Err(sender_gone())),
        }
    }
    if let Some(sender) = sent {
        let limit = if failed { Duration::ZERO } else { env.worker.offset_flush_timeout };
        finish(sender, &deliveries, limit).await;
    }
    // What is acknowledged may be stored even when the task failed: it only saves repeats.
    flush.flush().await;
    Ok(())
}

fn sender_gone() -> Error {
    Error::internal("the sending stage ended unexpectedly")
}

type Sending = oneshot::Receiver<(Sender, Result<()>)>;

/// A thread of its own for as long as the task runs: the pool of blocking threads is for short work.
fn start_sending(sender: Sender, batches: ByteReceiver<SourceBatch>) -> Result<Sending> {
    let (done, sending) = oneshot::channel();
    let name: String = format!("send-{}", sender.id).chars().take(15).collect();
    std::thread::Builder::new()
        .name(name)
        .spawn(move || {
            // Nobody waits for an abandoned task; what it sent is then given up here.
            let _ = done.send(sender.run(batches));
        })
        .map_err(|e| Error::retriable("cannot start a sending thread").caused_by(e))?;
    Ok(sending)
}

/// Making a client reads certificates and starts threads: too much for the reactor.
pub(super) async fn off_the_reactor<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| Err(Error::internal("making a Kafka client ended unexpectedly").caused_by(panic)))
}

fn stopped_is_fine(error: Error) -> Result<()> {
    if error.kind() == millstream_api::ErrorKind::Stopped { Ok(()) } else { Err(error) }
}

fn build_sender(
    spec: &TaskSpec,
    env: &TaskEnvironment,
    deliveries: &Arc<Deliveries>,
    abandoned: Arc<AtomicBool>,
    failures: FailurePolicy,
) -> Result<Sender> {
    let plugins = Plugins::of(spec, ConnectorKind::Source, failures.clone())?;
    let client = client_config::source_producer(&env.worker, &spec.settings, &spec.id)?;
    client.warn_unknown();
    failures.metrics.client.set_id(client.native().get("client.id").unwrap_or_default());
    let (policy, id) = (failures.clone(), spec.id.clone());
    let tolerate = Box::new(move |error| policy.source_failures(&id, Stage::KafkaProduce, vec![error]));
    let limits = match client.native().get("enable.idempotence") {
        Some("true") => None,
        _ => {
            let settings = client_config::connector_admin(&env.worker, &spec.settings, &spec.id)?;
            Some(TopicLimits::new(settings, Handle::current()))
        }
    };
    Ok(Sender {
        id: spec.id.clone(),
        plugins,
        producer: SourceProducer::new(client.native(), deliveries.clone(), tolerate, limits)?,
        letters: SourceLetters::of(spec, env, deliveries, &failures)?,
        deliveries: deliveries.clone(),
        failures,
        creator: TopicCreator::of(spec, env)?,
        abandoned,
    })
}

/// Waits for the last acknowledgements, then gives up what is left.
async fn finish(sender: Sender, deliveries: &Deliveries, limit: Duration) {
    let id = sender.id.clone();
    let flushed = tokio::task::spawn_blocking(move || sender.finish(limit));
    if !matches!(flushed.await, Ok(true)) && deliveries.outstanding() > 0 {
        tracing::warn!(task = %id, batches = deliveries.outstanding(), "stopped before all records were acknowledged; they are read again");
    }
}

/// Polls for ever; comes back with the error that ends the task.
async fn poll_loop(
    task: &mut dyn SourceTask,
    queue: &ByteSender<SourceBatch>,
    mut target: watch::Receiver<TargetState>,
    stored: &AtomicBool,
    metrics: &TaskMetrics,
) -> Error {
    loop {
        until_started(&mut target).await;
        if stored.swap(false, Ordering::Relaxed)
            && let Err(error) = task.committed().await
        {
            return error.at("the task was told that offsets are stored");
        }
        let start = Instant::now();
        let batches = match task.poll().await {
            Ok(batches) => batches,
            Err(error) if error.is_retriable() => {
                metrics.errors.retried();
                tracing::warn!(%error, "poll failed; it is tried again");
                tokio::time::sleep(RETRY_WAIT).await;
                continue;
            }
            Err(error) => return error.at("poll"),
        };
        if !batches.is_empty() {
            metrics.polled(batches.iter().map(|batch| batch.batch.len()).sum(), start.elapsed());
        }
        // Paused meanwhile: what was read waits here.
        until_started(&mut target).await;
        for batch in batches {
            let bytes = batch.batch.byte_size();
            if !queue.send(batch, bytes).await {
                // The sender is gone; its own result says why.
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn until_started(target: &mut watch::Receiver<TargetState>) {
    if target.wait_for(|state| *state == TargetState::Started).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn flush_clock(flush: &mut OffsetFlush, interval: Duration, stored: &AtomicBool) {
    let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + interval, interval);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        if flush.flush().await {
            stored.store(true, Ordering::Relaxed);
        }
    }
}

/// Reports RUNNING and PAUSED as the target changes.
pub(super) async fn report_state(target: &mut watch::Receiver<TargetState>, reporter: &Reporter) {
    loop {
        let state = match *target.borrow_and_update() {
            TargetState::Started => State::Running,
            TargetState::Paused | TargetState::Stopped => State::Paused,
        };
        reporter.state(state);
        if target.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
