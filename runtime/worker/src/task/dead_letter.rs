//! The dead letter queue of a sink task: records that could not be handled, kept as they were (KIP-298, KIP-610).
//!
//! A letter carries the bytes that were read, not those that were decoded, so the runs of the consumer are kept until the task has taken
//! their records. Letters are sent between two calls to the task; offsets are committed only after the letters before them are acknowledged.

mod headers;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::Array;
use millstream_api::{Error, Result, RowFailure, SinkBatch, TaskId, TopicPartition};
use millstream_core::delivery::{Stage, Tolerance};
use millstream_core::settings::DeadLetterQueue;
use parking_lot::Mutex;
use rdkafka::message::{Header, OwnedHeaders};

pub use headers::{Polled, Reason, Whose, context_headers, source_headers};
use sending::{Acknowledgements, LetterProducer, OutLetter};

use super::source::off_the_reactor;
use super::supervise::{TaskEnvironment, TaskSpec};
use super::topic_creation::create_missing;
use crate::config_provider::Hidden;
use crate::kafka::client_config::{connector_admin, dead_letter_producer};
use crate::kafka::consumer::RawRun;
use crate::kafka::{Admin, NewTopic};
use crate::observe::metrics::TaskMetrics;

/// What was executing when a task reports a record.
const SINK_TASK: &str = "org.apache.kafka.connect.sink.SinkTask";

/// A row of a run that no batch holds.
pub struct Rejected {
    /// Row of the run.
    pub row: usize,
    /// Why.
    pub reason: Reason,
}

/// The dead letter queue of one sink task.
pub struct DeadLetters {
    id: TaskId,
    queue: DeadLetterQueue,
    tolerance: Tolerance,
    hidden: Hidden,
    acks: Arc<Acknowledgements>,
    producer: tokio::sync::RwLock<Option<LetterProducer>>,
    put: Mutex<Put>,
}

/// The records the task was last given, and what it reported of them.
#[derive(Default)]
struct Put {
    run: Option<Arc<RawRun>>,
    /// By offset: a `put` that is repeated reports again.
    reported: BTreeMap<i64, Rejected>,
}

impl DeadLetters {
    /// The queue of a task, if its connector has one; its topic is made when it is missing, with one partition. Waits for brokers that are
    /// away.
    pub async fn start(
        spec: &TaskSpec,
        env: &Arc<TaskEnvironment>,
        metrics: &Arc<TaskMetrics>,
    ) -> Result<Option<Arc<Self>>> {
        let Some(queue) = spec.settings.errors.dead_letter_queue.clone() else { return Ok(None) };
        let acks = Arc::new(Acknowledgements::new(metrics.clone()));
        let producer = {
            let (spec, env, acks) = (spec.clone(), env.clone(), acks.clone());
            off_the_reactor(move || {
                let settings = dead_letter_producer(&env.worker, &spec.settings, &spec.id)?;
                settings.warn_unknown();
                LetterProducer::new(&settings, acks)
            })
            .await
            .map_err(|error| not_initialized(&queue, error))?
        };
        make_queue(spec, env, &queue).await?;
        Ok(Some(Arc::new(Self {
            id: spec.id.clone(),
            queue,
            tolerance: spec.settings.errors.tolerance,
            hidden: spec.hidden.clone(),
            acks,
            producer: tokio::sync::RwLock::new(Some(producer)),
            put: Mutex::default(),
        })))
    }

    /// These records are given to the task next: what it reports is looked up among them.
    pub fn begin_put(&self, run: &Arc<RawRun>) {
        let mut put = self.put.lock();
        if !put.run.as_ref().is_some_and(|before| Arc::ptr_eq(before, run)) {
            *put = Put { run: Some(run.clone()), reported: BTreeMap::new() };
        }
    }

    /// The task cannot write these records. They are kept for [`DeadLetters::send_reported`]; with a tolerance that does not allow one, it and
    /// those before it.
    pub fn report(&self, batch: &SinkBatch, failures: &[RowFailure]) -> Result<()> {
        let mut put = self.put.lock();
        let Put { run, reported } = &mut *put;
        let mut failures: Vec<_> = failures.iter().collect();
        failures.sort_by_key(|failure| failure.row);
        for RowFailure { row, error } in failures {
            let offset = (*row < batch.len()).then(|| batch.offset(*row));
            let found = offset.zip(run.as_deref()).and_then(|(offset, run)| row_of(run, &batch.origin, offset));
            let (Some(offset), Some(row)) = (offset, found) else {
                return Err(Error::internal("a task reported a record that is not among those it was given last")
                    .at(format!("topic {}, partition {}", batch.origin.topic, batch.origin.partition)));
            };
            reported.insert(offset, Rejected { row, reason: Reason::of(Stage::TaskPut, SINK_TASK, error) });
            if !self.tolerance.allows(error) {
                break;
            }
        }
        Ok(())
    }

    /// Sends what the task reported of the records it was last given, and forgets these.
    pub async fn send_reported(&self) -> Result<()> {
        let Put { run, reported } = std::mem::take(&mut *self.put.lock());
        match run {
            Some(run) => self.send(&run, reported.into_values()).await,
            None => Ok(()),
        }
    }

    /// The task gets the records of its last `put` no more; who reads them next reports them.
    pub fn forget_put(&self) {
        *self.put.lock() = Put::default();
    }

    /// Sends rows of a run. Waits for room, not for acknowledgements.
    pub async fn send(&self, run: &RawRun, rejected: impl IntoIterator<Item = Rejected>) -> Result<()> {
        let producer = self.producer.read().await;
        let Some(producer) = producer.as_ref() else {
            return Err(Error::stopped("the dead letter queue has ended"));
        };
        for rejected in rejected {
            producer.send(self.letter(run, &rejected)).await?;
        }
        Ok(())
    }

    fn letter<'a>(&'a self, run: &'a RawRun, rejected: &Rejected) -> OutLetter<'a> {
        let row = rejected.row;
        let whose = Whose {
            topic: &run.origin.topic,
            partition: run.origin.partition,
            offset: run.offsets.value(row),
            connector: &self.id.connector,
            task: self.id.task,
        };
        let mut headers = OwnedHeaders::new();
        for header in run.headers.row(row) {
            headers = headers.insert(Header { key: &header.key, value: header.bytes().map(|bytes| bytes.as_ref()) });
        }
        if self.queue.context_headers {
            for (key, value) in context_headers(&whose, &rejected.reason, &self.hidden) {
                headers = headers.insert(Header { key, value: Some(value.as_bytes()) });
            }
        }
        OutLetter {
            topic: &self.queue.topic,
            key: run.keys.is_valid(row).then(|| run.keys.value(row)),
            value: run.values.is_valid(row).then(|| run.values.value(row)),
            timestamp: run.timestamps.is_valid(row).then(|| run.timestamps.value(row)),
            headers,
            place: format!(
                "topic {}, partition {}, offset {} into {}",
                whose.topic, whose.partition, whose.offset, self.queue.topic
            ),
        }
    }

    /// Waits until all letters sent so far are acknowledged, at most `limit`; false when they are not by then. An error when one never will
    /// be.
    pub async fn settled(&self, limit: Duration) -> Result<bool> {
        match tokio::time::timeout(limit, self.acks.settled()).await {
            Ok(settled) => settled.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Waits for a letter that will never be acknowledged; fails the task.
    pub async fn failure(&self) -> Error {
        self.acks.failure().await
    }

    /// The end of the task: sends what a failed `put` reported, waits for acknowledgements up to `limit`, gives up the rest.
    pub async fn finish(&self, limit: Duration) {
        let last = async {
            self.send_reported().await?;
            self.acks.settled().await
        };
        match tokio::time::timeout(limit, last).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(task = %self.id, %error, "a dead letter was not delivered"),
            Err(_) => {
                tracing::warn!(task = %self.id, topic = self.queue.topic, "stopped before all dead letters were acknowledged; their records are read again");
            }
        }
        if let Some(producer) = self.producer.write().await.take() {
            let _ = tokio::task::spawn_blocking(move || producer.end()).await;
        }
    }
}

/// Makes the topic of a queue when it is missing, with one partition. Waits for brokers that are away; any other failure is an error that
/// names the topic.
pub(super) async fn make_queue(spec: &TaskSpec, env: &Arc<TaskEnvironment>, queue: &DeadLetterQueue) -> Result<()> {
    let failed = |error| not_initialized(queue, error);
    let admin = {
        let (spec, env) = (spec.clone(), env.clone());
        off_the_reactor(move || {
            let settings = connector_admin(&env.worker, &spec.settings, &spec.id)?;
            settings.warn_unknown();
            Admin::new(&settings)
        })
        .await
        .map_err(failed)?
    };
    let topic = NewTopic {
        name: queue.topic.clone(),
        partitions: 1,
        replication_factor: queue.replication_factor,
        configs: Vec::new(),
    };
    let hint = "errors.deadletterqueue.topic.replication.factor (3 unless set) must not exceed the number of brokers; or create the topic by hand";
    create_missing(&admin, &topic, hint).await.map_err(failed)
}

/// The first words are those of Kafka Connect, which tools look for in traces.
pub(super) fn not_initialized(queue: &DeadLetterQueue, error: Error) -> Error {
    let text = format!("Could not initialize dead letter queue with topic={}", queue.topic);
    Error::new(error.kind(), text).caused_by(error)
}

/// Bytes that a run kept for letters holds.
pub fn kept_bytes(run: &RawRun) -> usize {
    run.keys.get_array_memory_size() + run.values.get_array_memory_size() + run.headers.byte_size()
}

fn row_of(run: &RawRun, origin: &TopicPartition, offset: i64) -> Option<usize> {
    if run.origin != *origin {
        return None;
    }
    run.offsets.values().binary_search(&offset).ok()
}
