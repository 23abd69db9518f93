//! Waiting for the brokers when a worker starts: brokers that are away are waited for, brokers that refuse the worker are not.

use std::time::Duration;

use millstream_api::{Error, Result};
use tokio::time::Instant;

use super::admin::Admin;
use super::client_config::ClientSettings;
use super::context::Limit;

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
    let admin = Admin::new(settings)?;
    let answer = wait(&admin).await;
    // A process that ends while a client's threads are at work in OpenSSL crashes.
    let _ = tokio::task::spawn_blocking(move || admin.end()).await;
    answer
}

async fn wait(admin: &Admin) -> Result<usize> {
    let (limit, since) = (Limit::new(), Instant::now());
    let mut refused_at = None;
    loop {
        let error = match admin.broker_count_within(ASK).await {
            Ok(brokers) => return Ok(brokers),
            Err(error) if !error.is_retriable() => return Err(error),
            Err(error) => error,
        };
        if let Some(reason) = admin.refusal() {
            let since = *refused_at.get_or_insert_with(Instant::now);
            if since.elapsed() >= OTHERS {
                return Err(refused(admin.bootstrap(), &reason));
            }
        }
        if since.elapsed() >= QUIET && limit.pass() {
            tracing::warn!(bootstrap = admin.bootstrap(), %error, "no Kafka broker answers, trying again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn refused(bootstrap: &str, reason: &str) -> Error {
    Error::fatal(format!("the Kafka brokers at {bootstrap} refuse the worker: {reason}")).hint(
        "check security.protocol, sasl.mechanism, sasl.jaas.config and the ssl settings of the worker against the brokers' listener",
    )
}
