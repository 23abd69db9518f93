//! The writing side of a topic log: records whose acknowledgements someone waits for.

use std::sync::Arc;
use std::time::Duration;

use millstream_api::Result;
use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;

use super::client_config::ClientSettings;
use super::context::LoggingContext;
use super::error::kafka_error;
use super::polled::PolledProducer;
use super::topic_log::{LogEntry, Written};

/// How long to wait for room in a full queue, unless an acknowledgement makes some.
const FULL_WAIT: Duration = Duration::from_millis(250);

/// A producer that any number of writers share.
pub struct LogWriter(PolledProducer<Context>);

struct Context(LoggingContext);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Writes>;

    fn delivery(&self, result: &DeliveryResult<'_>, writes: Arc<Writes>) {
        {
            let mut state = writes.state.lock();
            state.open = state.open.saturating_sub(1);
            match result {
                Ok(message) => state.written.add(message.partition(), message.offset()),
                Err((error, _)) => {
                    state.failure.get_or_insert_with(|| error.clone());
                }
            }
        }
        writes.changed.notify_one();
    }
}

/// The records of one call.
#[derive(Default)]
struct Writes {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Handed over, not answered.
    open: usize,
    written: Written,
    failure: Option<KafkaError>,
}

impl LogWriter {
    /// A producer with these settings. Does not connect yet.
    pub fn new(settings: &ClientSettings, topic: &str) -> Result<Self> {
        let client: BaseProducer<Context> = settings
            .native()
            .create_with_context(Context(settings.context()))
            .map_err(|error| kafka_error(format!("cannot write to topic {topic}"), error))?;
        // Nothing is to be told of a topic that is missing: it was there when the log was opened.
        Ok(Self(PolledProducer::new(client, |_| ())?))
    }

    /// Writes these records, in this order as far as they share a partition. Returns when all are acknowledged, or with the first
    /// failure.
    pub async fn send_all(&self, topic: &str, entries: &[LogEntry]) -> Result<Written, KafkaError> {
        let writes = Arc::new(Writes::default());
        for (key, value) in entries {
            let mut record = BaseRecord::<[u8], [u8], Arc<Writes>>::with_opaque_to(topic, writes.clone()).key(key);
            record.payload = value.as_deref();
            writes.state.lock().open += 1;
            loop {
                match self.0.send(record) {
                    Ok(()) => break self.0.sent(),
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => record = back,
                    Err((error, _)) => return Err(error),
                }
                let _ = tokio::time::timeout(FULL_WAIT, writes.changed.notified()).await;
            }
        }
        loop {
            {
                let mut state = writes.state.lock();
                if let Some(error) = state.failure.take() {
                    return Err(error);
                }
                if state.open == 0 {
                    return Ok(std::mem::take(&mut state.written));
                }
            }
            writes.changed.notified().await;
        }
    }

    /// Gives up what is not acknowledged: its writers are told.
    pub fn give_up(&self) {
        self.0.purge(PurgeConfig::default().queue().inflight());
    }
}
