//! The producer of dead letters: every one is acknowledged, or the task fails.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use millstream_api::{Error, Result};
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;

use crate::kafka::polled::PolledProducer;
use crate::kafka::{ClientSettings, LoggingContext, kafka_error};
use crate::observe::metrics::TaskMetrics;

/// How long to wait for room in a full queue.
const FULL_WAIT: Duration = Duration::from_millis(5);

/// What is on its way.
pub struct Acknowledgements {
    state: Mutex<State>,
    changed: Notify,
    metrics: Arc<TaskMetrics>,
}

#[derive(Default)]
struct State {
    next: u64,
    /// Sent, not acknowledged.
    open: BTreeSet<u64>,
    failure: Option<Error>,
}

impl Acknowledgements {
    /// Nothing sent yet.
    pub fn new(metrics: Arc<TaskMetrics>) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), metrics }
    }

    fn open(&self) -> u64 {
        self.metrics.errors.letter();
        let mut state = self.state.lock();
        let id = state.next;
        state.next += 1;
        state.open.insert(id);
        id
    }

    fn close(&self, id: u64, failure: Option<Error>) {
        let mut state = self.state.lock();
        state.open.remove(&id);
        if let Some(error) = failure {
            self.metrics.errors.letter_failed();
            state.failure.get_or_insert(error);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until all that was sent before this call is acknowledged. An error when a letter never will be.
    pub async fn settled(&self) -> Result<()> {
        let until = self.state.lock().next;
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state.lock();
                if let Some(error) = state.failure.take() {
                    return Err(error);
                }
                if state.open.first().is_none_or(|&id| id >= until) {
                    return Ok(());
                }
            }
            changed.await;
        }
    }

    /// Waits for a letter that will never be acknowledged.
    pub async fn failure(&self) -> Error {
        loop {
            let changed = self.changed.notified();
            if let Some(error) = self.state.lock().failure.take() {
                return error;
            }
            changed.await;
        }
    }
}

struct Context {
    log: LoggingContext,
    acks: Arc<Acknowledgements>,
}

/// A letter on its way.
struct Flight {
    id: u64,
    /// Which record of which queue, for the error.
    place: String,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.log.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Flight>;

    fn delivery(&self, result: &DeliveryResult<'_>, flight: Box<Flight>) {
        let failure = match result {
            Ok(_) => None,
            Err((error, _)) => Some(undelivered(&flight.place, error.clone())),
        };
        self.acks.close(flight.id, failure);
    }
}

fn undelivered(place: &str, error: KafkaError) -> Error {
    let error = kafka_error(format!("the dead letter queue did not take a record: {place}"), error);
    // A failed task is not tried again by itself, so the kind must not say so.
    if error.is_retriable() { error.with_kind(millstream_api::ErrorKind::Fatal) } else { error }
}

/// A record for the queue.
pub struct OutLetter<'a> {
    /// Topic of the queue.
    pub topic: &'a str,
    /// Key bytes.
    pub key: Option<&'a [u8]>,
    /// Value bytes.
    pub value: Option<&'a [u8]>,
    /// Epoch milliseconds.
    pub timestamp: Option<i64>,
    /// All headers.
    pub headers: OwnedHeaders,
    /// Which record of which queue, for errors.
    pub place: String,
}

/// The producer of one sink task.
pub struct LetterProducer {
    client: PolledProducer<Context>,
    acks: Arc<Acknowledgements>,
}

impl LetterProducer {
    /// A producer with these settings.
    pub fn new(settings: &ClientSettings, acks: Arc<Acknowledgements>) -> Result<Self> {
        let context = Context { log: settings.context(), acks: acks.clone() };
        let client: BaseProducer<Context> = settings
            .native()
            .create_with_context(context)
            .map_err(|error| kafka_error("cannot make the producer of the dead letter queue", error))?;
        // The queue was made or found at the start: nothing is to be told of a topic that is missing.
        Ok(Self { client: PolledProducer::new(client, |_| ())?, acks })
    }

    /// Hands a letter to librdkafka, waiting while its queue is full.
    pub async fn send(&self, letter: OutLetter<'_>) -> Result<()> {
        let id = self.acks.open();
        let flight = Box::new(Flight { id, place: letter.place });
        let mut record = BaseRecord::<[u8], [u8], Box<Flight>>::with_opaque_to(letter.topic, flight);
        record.key = letter.key;
        record.payload = letter.value;
        record.timestamp = letter.timestamp;
        record.headers = Some(letter.headers);
        loop {
            match self.client.send(record) {
                Ok(()) => {
                    self.client.sent();
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                Err((error, back)) => {
                    self.acks.close(id, None);
                    self.acks.metrics.errors.letter_failed();
                    return Err(undelivered(&back.delivery_opaque.place, error));
                }
            }
            tokio::time::sleep(FULL_WAIT).await;
        }
    }

    /// Gives up what is not acknowledged, and ends. Blocks.
    pub fn end(self) {
        self.client.purge(PurgeConfig::default().queue().inflight());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn settled_waits_for_what_was_sent_before() {
        let acks = Acknowledgements::new(crate::testing::task_metrics());
        let (first, second) = (acks.open(), acks.open());
        let mut settled = std::pin::pin!(acks.settled());
        assert!(futures::poll!(settled.as_mut()).is_pending());
        let later = acks.open();
        acks.close(second, None);
        assert!(futures::poll!(settled.as_mut()).is_pending());
        acks.close(first, None);
        assert!(futures::poll!(settled.as_mut()).is_ready(), "letters sent later do not count");
        acks.close(later, Some(Error::fatal("lost")));
        assert!(acks.settled().await.is_err());
    }

    #[tokio::test]
    async fn a_failure_is_told_to_who_waits() {
        let acks = Acknowledgements::new(crate::testing::task_metrics());
        let id = acks.open();
        let mut failure = std::pin::pin!(acks.failure());
        assert!(futures::poll!(failure.as_mut()).is_pending());
        acks.close(id, Some(Error::fatal("lost")));
        assert_eq!(failure.await.message(), "lost");
    }
}
