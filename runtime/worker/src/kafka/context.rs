//! What librdkafka has to say, as log events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// An outage is told once, then again after this long: librdkafka reports every attempt to connect.
const REPEAT: Duration = Duration::from_secs(30);

/// Turns librdkafka's log lines and errors into events that name the client; the same for producers, consumers and admin clients.
#[derive(Clone)]
pub struct LoggingContext {
    client: Arc<str>,
    bootstrap: Arc<str>,
    limit: Arc<Limit>,
    refusal: Arc<Mutex<Option<String>>>,
}

impl LoggingContext {
    /// For the client of this id, connected to these bootstrap servers.
    pub fn new(client: impl Into<Arc<str>>, bootstrap: impl Into<Arc<str>>) -> Self {
        Self {
            client: client.into(),
            bootstrap: bootstrap.into(),
            limit: Arc::new(Limit::new()),
            refusal: Arc::default(),
        }
    }

    /// The client's id.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// The bootstrap servers.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// What a broker said when it last refused this client (wrong password, unknown certificate). librdkafka goes on trying.
    pub fn refusal(&self) -> Option<String> {
        self.refusal.lock().clone()
    }
}

impl ClientContext for LoggingContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let (client, bootstrap) = (&*self.client, &*self.bootstrap);
        // Why no connection comes about (refused, no such host, wrong password, unknown certificate) is told here alone.
        let trouble = matches!(
            level,
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error
        );
        if trouble && self.limit.pass() {
            tracing::warn!(client, bootstrap, facility, message, "kafka client has trouble, it keeps trying");
        } else {
            tracing::debug!(client, facility, message, "kafka client");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is news for its reader, not trouble.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::PartitionEOF) {
            return;
        }
        if is_refusal(error.rdkafka_error_code(), reason) {
            *self.refusal.lock() = Some(reason.to_owned());
        }
        if self.limit.pass() {
            tracing::warn!(client = &*self.client, bootstrap = &*self.bootstrap, %error, reason, "kafka client has trouble, it keeps trying");
        } else {
            tracing::debug!(client = &*self.client, %error, reason, "kafka client has trouble, it keeps trying");
        }
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for LoggingContext {}

/// True for the answer of a broker that wants nothing of this client, or of a client that does not know the broker. A connection that
/// breaks while it is set up comes with the same codes.
fn is_refusal(code: Option<RDKafkaErrorCode>, reason: &str) -> bool {
    match code {
        Some(RDKafkaErrorCode::Authentication) => !reason.contains("Local:") && !reason.contains("isconnect"),
        Some(RDKafkaErrorCode::SSL) => reason.contains("certificate") || reason.contains("alert"),
        _ => false,
    }
}

/// Lets one event pass per [`REPEAT`].
pub(crate) struct Limit {
    since: Instant,
    next_ms: AtomicU64,
}

impl Limit {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), next_ms: AtomicU64::new(0) }
    }

    pub(crate) fn pass(&self) -> bool {
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let next = now.saturating_add(u64::try_from(REPEAT.as_millis()).unwrap_or(u64::MAX));
        self.next_ms.try_update(Ordering::Relaxed, Ordering::Relaxed, |at| (at <= now).then_some(next)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_connection_is_no_refusal() {
        let (sasl, tls) = (Some(RDKafkaErrorCode::Authentication), Some(RDKafkaErrorCode::SSL));
        assert!(is_refusal(sasl, "SASL authentication error: Authentication failed: Invalid username or password"));
        assert!(is_refusal(tls, "SSL handshake failed: error:0A000086: certificate verify failed"));
        assert!(!is_refusal(sasl, "SASL PLAIN mechanism handshake failed: Local: Broker transport failure"));
        assert!(!is_refusal(tls, "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?"));
        assert!(!is_refusal(Some(RDKafkaErrorCode::AllBrokersDown), "certificate"));
    }

    #[test]
    fn an_outage_is_told_once() {
        let limit = Limit::new();
        assert!(limit.pass());
        assert!(!limit.pass());
    }
}
