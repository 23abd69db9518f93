//! The loop of a source task: poll ahead, hand over to the sender, store offsets by the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millstream_api::{Error, Result, SourceBatch, SourceTask, SourceTaskContext};
use millstream_core::cluster::{State, TargetState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::byte_queue::{ByteSender, byte_queue};
use super::offset_flush::{Deliveries, OffsetFlush};
use super::sender::Sender;
use super::supervise::{Reporter, TaskEnvironment, TaskSpec};
use super::topic_creation::TopicCreator;
use crate::kafka::client_config;
use crate::kafka::producer::SourceProducer;

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

/// Runs a source task to its end. `Ok` after an orderly stop.
pub async fn run(
    mut task: Box<dyn SourceTask>,
    spec: TaskSpec,
    env: Arc<TaskEnvironment>,
    mut orders: Orders,
    reporter: Reporter,
) -> Result<()> {
    let context = SourceTaskContext {
        id: spec.id.clone(),
        config: spec.config.clone(),
        offsets: env.stores.offsets.clone().reader(&spec.id.connector),
        budget: env.budget.clone(),
    };
    let started = tokio::select! {
        started = task.start(context) => started,
        () = orders.stop.cancelled() => Err(Error::stopped("stopped while starting")),
    };
    if let Err(error) = started {
        task.stop().await;
        return stopped_is_fine(error);
    }
    let deliveries = Deliveries::new();
    let sender = match build_sender(&spec, &env, &deliveries, &orders) {
        Ok(sender) => sender,
        Err(error) => {
            task.stop().await;
            return Err(error);
        }
    };
    let (tx, rx) = byte_queue(READ_AHEAD);
    let mut sending = tokio::task::spawn_blocking(move || sender.run(rx));
    let mut flush = OffsetFlush::new(
        spec.id.clone(),
        deliveries.clone(),
        env.stores.offsets.clone(),
        env.worker.offset_flush_timeout,
    );
    let stored = AtomicBool::new(false);

    let mut sent = None;
    let result = tokio::select! {
        error = poll_loop(task.as_mut(), &tx, orders.target.clone(), &stored) => Err(error),
        () = flush_clock(&mut flush, env.worker.offset_flush_interval, &stored) => Ok(()),
        () = report_state(&mut orders.target, &reporter) => Ok(()),
        error = deliveries.failure() => Err(error),
        done = &mut sending => { sent = Some(done); Ok(()) }
        () = orders.stop.cancelled() => Ok(()),
    };
    drop(tx);
    if result.is_err() {
        orders.abandoned.store(true, Ordering::Relaxed);
    }
    task.stop().await;
    let ended = match sent {
        Some(done) => done,
        None => sending.await,
    };
    let result = match ended {
        Ok((sender, sent)) => {
            let result = result.and(sent.or_else(stopped_is_fine));
            let limit = if result.is_ok() { env.worker.offset_flush_timeout } else { Duration::ZERO };
            finish(sender, &deliveries, limit).await;
            result
        }
        Err(panic) => Err(Error::internal("the sending stage ended unexpectedly").caused_by(panic)),
    };
    // What is acknowledged may be stored even when the task failed: it only saves repeats.
    flush.flush().await;
    result
}

fn stopped_is_fine(error: Error) -> Result<()> {
    if error.kind() == millstream_api::ErrorKind::Stopped { Ok(()) } else { Err(error) }
}

fn build_sender(
    spec: &TaskSpec,
    env: &TaskEnvironment,
    deliveries: &Arc<Deliveries>,
    orders: &Orders,
) -> Result<Sender> {
    let (keys, values) = spec.converters()?;
    let client = client_config::source_producer(&env.worker, &spec.settings, &spec.id)?;
    client.warn_unknown();
    Ok(Sender {
        id: spec.id.clone(),
        keys,
        values,
        producer: SourceProducer::new(client.native(), deliveries.clone())?,
        deliveries: deliveries.clone(),
        failures: spec.failures(),
        creator: TopicCreator::of(spec, env)?,
        topics: env.worker.topic_tracking_enable.then(|| env.stores.statuses.clone()),
        abandoned: orders.abandoned.clone(),
    })
}

/// Waits for the last acknowledgements, then gives up what is left.
async fn finish(sender: Sender, deliveries: &Deliveries, limit: Duration) {
    let id = sender.id.clone();
    let flushed = tokio::task::spawn_blocking(move || {
        let flushed = sender.producer.flush(limit);
        if !flushed {
            sender.producer.purge();
        }
        flushed
    });
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
) -> Error {
    loop {
        until_started(&mut target).await;
        if stored.swap(false, Ordering::Relaxed)
            && let Err(error) = task.committed().await
        {
            return error;
        }
        let batches = match task.poll().await {
            Ok(batches) => batches,
            Err(error) if error.is_retriable() => {
                tracing::warn!(%error, "poll failed; it is tried again");
                tokio::time::sleep(RETRY_WAIT).await;
                continue;
            }
            Err(error) => return error,
        };
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
