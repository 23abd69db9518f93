//! The dead letter queue of a source task: rows that could not be transformed or converted, as they were polled. Kafka Connect has queues
//! for sinks only; the keys are the same.
//!
//! A letter belongs to its batch like the records that were sent: the batch's offset is stored once Kafka acknowledged all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, BinaryArray, UInt32Array};
use millstream_api::{Batch, Error, Header, Headers, HeadersBuilder, Result, SourceOffset, SourcePartition, TaskId};

use super::chain::{Plugins, Written};
use super::dead_letter::{Polled, Reason, not_initialized, source_headers};
use super::failures::{FailurePolicy, StageFailure};
use super::offset_flush::Deliveries;
use super::supervise::{TaskEnvironment, TaskSpec};
use crate::config_provider::Hidden;
use crate::kafka::client_config;
use crate::kafka::producer::{DeliverySink, SourceProducer};
use crate::observe::metrics::TaskMetrics;

/// In which form a letter is, where its connector's converters could not write it.
const FORM: &str = "__millstream.errors.converter";

/// The dead letter queue of one source task. Used from the thread that sends.
pub struct SourceLetters {
    id: TaskId,
    topic: Arc<str>,
    context_headers: bool,
    hidden: Hidden,
    /// Writes what the connector's converters cannot.
    json: Plugins,
    producer: SourceProducer,
    deliveries: Arc<Deliveries>,
    metrics: Arc<TaskMetrics>,
}

/// A batch as it was polled.
pub struct Origin {
    batch: Batch,
    partition: Arc<SourcePartition>,
    offset: Option<SourceOffset>,
}

impl Origin {
    /// Of a batch that is about to be transformed.
    pub fn of(batch: &Batch, partition: &Arc<SourcePartition>, offset: Option<&SourceOffset>) -> Self {
        Self { batch: batch.clone(), partition: partition.clone(), offset: offset.cloned() }
    }
}

/// Rows of an [`Origin`] for the queue, and why.
pub struct Rejected(Vec<(u32, Reason)>);

impl Rejected {
    /// `rows` are the rows of the origin that the failures' rows were (`None`: the same).
    pub fn of(failures: &[StageFailure], rows: Option<&UInt32Array>) -> Self {
        let row = |failed: usize| match rows {
            None => u32::try_from(failed).ok(),
            Some(rows) => rows.values().get(failed).copied(),
        };
        let rejected = failures
            .iter()
            .filter_map(|failure| Some((row(failure.row)?, Reason::of(failure.stage, failure.class, &failure.error))));
        Self(rejected.collect())
    }
}

impl SourceLetters {
    /// The queue of a task, if its connector has one. Its topic must be there. No client connects before the first letter.
    pub fn of(
        spec: &TaskSpec,
        env: &TaskEnvironment,
        deliveries: &Arc<Deliveries>,
        failures: &FailurePolicy,
    ) -> Result<Option<Self>> {
        let Some(queue) = spec.settings.errors.dead_letter_queue.clone() else { return Ok(None) };
        let make = || {
            let client = client_config::dead_letter_producer(&env.worker, &spec.settings, &spec.id)?;
            client.warn_unknown();
            let told = Told { deliveries: deliveries.clone(), metrics: failures.metrics.clone() };
            // A letter that the queue does not take is no record to be skipped: it was its row's last chance.
            SourceProducer::new(client.native(), Arc::new(told), Box::new(Err), None)
        };
        let producer = make().map_err(|error| not_initialized(&queue, error))?;
        Ok(Some(Self {
            id: spec.id.clone(),
            topic: queue.topic.into(),
            context_headers: queue.context_headers,
            hidden: spec.hidden.clone(),
            json: Plugins::json(failures.clone())?,
            producer,
            deliveries: deliveries.clone(),
            metrics: failures.metrics.clone(),
        }))
    }

    /// Sends rows, written by the connector's own converters, or as JSON with schemas where these cannot. Waits for room, not for
    /// acknowledgements. An error when a row can be written by neither.
    pub fn send(
        &mut self,
        plugins: &mut Plugins,
        origin: &Origin,
        Rejected(rejected): Rejected,
        abandoned: &AtomicBool,
    ) -> Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from_iter_values(rejected.iter().map(|(row, _)| *row));
        let batch = Batch { topic: self.topic.clone(), partitions: None, ..origin.batch.take(&rows)? };
        let (written, as_json) = self.written(plugins, &batch)?;
        let headers = self.headers(origin, &rejected, &written.headers, &as_json);
        let id = self.deliveries.submit(&origin.partition, None);
        rejected.iter().for_each(|_| self.metrics.errors.letter());
        self.producer
            .send(id, &Batch { headers, ..batch }, &written.keys, &written.values, || abandoned.load(Ordering::Relaxed))
    }

    /// The letters as bytes, and which of them are JSON because the connector's converters cannot write them.
    fn written(&mut self, plugins: &mut Plugins, batch: &Batch) -> Result<(Written, Vec<bool>)> {
        let (written, failed) = plugins.encode(batch)?;
        let mut as_json = vec![false; batch.len()];
        if failed.is_empty() {
            return Ok((written, as_json));
        }
        for failure in failed {
            if let Some(slot) = as_json.get_mut(failure.row) {
                *slot = true;
            }
        }
        let (json, unwritten) = self.json.encode(batch)?;
        if let Some(failure) = unwritten.into_iter().find(|failure| as_json.get(failure.row) == Some(&true)) {
            let text =
                "a row for the dead letter queue can be written neither by the connector's converters nor as JSON";
            return Err(Error::fatal(text).caused_by(failure.error).at(format!("topic {}", self.topic)));
        }
        let chosen = |own: &BinaryArray, json: &BinaryArray| -> BinaryArray {
            let from = |(row, as_json): (usize, &bool)| (if *as_json { json } else { own }, row);
            let rows = as_json.iter().enumerate().map(from);
            rows.map(|(from, row)| from.is_valid(row).then(|| from.value(row).to_vec())).collect()
        };
        let headers = as_json
            .iter()
            .enumerate()
            .map(|(row, as_json)| if *as_json { json.headers.row(row) } else { written.headers.row(row) }.to_vec());
        let written = Written {
            keys: chosen(&written.keys, &json.keys),
            values: chosen(&written.values, &json.values),
            headers: Headers::from_rows(headers),
        };
        Ok((written, as_json))
    }

    fn headers(&self, origin: &Origin, rejected: &[(u32, Reason)], own: &Headers, as_json: &[bool]) -> Headers {
        let polled = Polled {
            topic: &origin.batch.topic,
            partition: &origin.partition,
            offset: origin.offset.as_ref(),
            id: &self.id,
        };
        let mut headers = HeadersBuilder::with_capacity(rejected.len());
        for (row, ((_, reason), as_json)) in rejected.iter().zip(as_json).enumerate() {
            own.row(row).iter().for_each(|header| headers.push(header.clone()));
            if *as_json {
                headers.push(Header::raw(FORM, Some("org.apache.kafka.connect.json.JsonConverter".into())));
            }
            if self.context_headers {
                for (key, value) in source_headers(&polled, reason, &self.hidden) {
                    headers.push(Header::raw(key, Some(value.into_bytes().into())));
                }
            }
            headers.end_row();
        }
        headers.finish()
    }

    /// The producer, to be flushed with that of the records.
    pub fn producer(&self) -> &SourceProducer {
        &self.producer
    }
}

/// Letters count as records of their batch, but not as records that the source wrote.
struct Told {
    deliveries: Arc<Deliveries>,
    metrics: Arc<TaskMetrics>,
}

impl DeliverySink for Told {
    fn acked(&self, batch: u64) {
        self.deliveries.acked(batch);
    }

    fn failed(&self, batch: u64, error: Error) {
        self.metrics.errors.letter_failed();
        self.deliveries.failed(batch, error.at("a letter for the dead letter queue"));
    }
}
