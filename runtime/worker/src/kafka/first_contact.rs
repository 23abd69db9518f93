//! Waiting for the brokers when a worker starts.
//!
//! An admin client of rdkafka hands out neither logs nor errors, so that a refused password would look like brokers that are away. The
//! client here is asked for its events.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use millstream_api::{Error, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::client_config::ClientSettings;
use super::context::{Limit, LoggingContext};
use super::error::kafka_error;

/// Limit of one question: short, so that a refusal is acted on soon.
const ASK: Duration = Duration::from_secs(1);
/// Pause before a question is asked again while the brokers are away.
const PAUSE: Duration = Duration::from_millis(500);
/// Brokers that are away for less than this are not worth a word.
const QUIET: Duration = Duration::from_secs(10);
/// How long other brokers have to take a client that one has refused.
const OTHERS: Duration = Duration::from_secs(3);

/// Waits until a broker answers, however long that takes, and says in the log that it waits and for whom. Returns the number of brokers.
///
/// Brokers that refuse the client (wrong password, unknown certificate) end it within seconds, with an error of kind `Fatal` that says
/// what they said.
pub async fn wait_for_brokers(settings: &ClientSettings) -> Result<usize> {
    let contact = FirstContact::new(settings)?;
    let answer = contact.wait().await;
    // A process that ends while a client's threads are at work in OpenSSL crashes.
    let _ = tokio::task::spawn_blocking(move || contact.end()).await;
    answer
}

struct FirstContact {
    client: Arc<BaseConsumer<LoggingContext>>,
    context: LoggingContext,
    /// Ends the polling, also where nobody waits any more.
    done: DropGuard,
    polling: JoinHandle<()>,
}

impl FirstContact {
    fn new(settings: &ClientSettings) -> Result<Self> {
        let context = settings.context();
        let client: BaseConsumer<_> = settings
            .native()
            .create_with_context(context.clone())
            .map_err(|error| kafka_error("cannot make a client that waits for the brokers", error))?;
        let (client, done) = (Arc::new(client), CancellationToken::new());
        let (polled, end) = (client.clone(), done.clone());
        let poll = move || {
            while !end.is_cancelled() {
                // It has joined nothing, so that all there is are logs and errors, which go to its context.
                let _ = polled.poll(Duration::from_millis(100));
            }
        };
        let polling = std::thread::Builder::new()
            .name("first-contact".to_owned())
            .spawn(poll)
            .map_err(|e| Error::retriable("cannot start a thread").caused_by(e))?;
        Ok(Self { client, context, done: done.drop_guard(), polling })
    }

    async fn wait(&self) -> Result<usize> {
        let (limit, since) = (Limit::new(), Instant::now());
        let mut refused_at = None;
        loop {
            let error = match self.ask().await {
                Ok(brokers) => return Ok(brokers),
                Err(error) if !error.is_retriable() => return Err(error),
                Err(error) => error,
            };
            if let Some(reason) = self.context.refusal() {
                let since = *refused_at.get_or_insert_with(Instant::now);
                if since.elapsed() >= OTHERS {
                    return Err(self.refused(&reason));
                }
            }
            if since.elapsed() >= QUIET && limit.pass() {
                tracing::warn!(bootstrap = self.context.bootstrap(), %error, "no Kafka broker answers, trying again");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&self) -> Result<usize> {
        let client = self.client.clone();
        let ask = move || client.fetch_metadata(None, ASK).map(|all| all.brokers().len());
        tokio::task::spawn_blocking(ask)
            .await
            .map_err(|error| Error::internal("a question to the brokers was dropped").caused_by(error))?
            .map_err(|error| kafka_error(format!("cannot ask the brokers at {}", self.context.bootstrap()), error))
    }

    fn refused(&self, reason: &str) -> Error {
        Error::fatal(format!("the Kafka brokers at {} refuse the worker: {reason}", self.context.bootstrap())).hint(
            "check security.protocol, sasl.mechanism, sasl.jaas.config and the ssl settings of the worker against the brokers' listener",
        )
    }

    /// Ends the client and its threads.
    fn end(self) {
        drop(self.done);
        let _ = self.polling.join();
        drop(self.client);
    }
}
