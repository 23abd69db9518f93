//! The time limit of a request, and what it was waiting for when it passed.

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use millstream_api::{Error, Result};
use tokio::time::{Instant, timeout_at};

use super::RestContext;
use crate::model::Health;

/// Started when a request comes in; its stages share the limit.
pub(super) struct Deadline<'a> {
    context: &'a RestContext,
    limit: Duration,
    end: Instant,
}

impl<'a> Deadline<'a> {
    pub(super) fn start(context: &'a RestContext) -> Self {
        let limit = context.settings.request_timeout;
        Self { context, limit, end: Instant::now() + limit }
    }

    /// Runs one stage; `stage` completes "the worker was ...".
    pub(super) async fn stage<T>(&self, stage: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let since = Utc::now();
        match timeout_at(self.end, work).await {
            Ok(done) => done,
            Err(_) => {
                let stage = match self.context.herder.health(Duration::ZERO).await {
                    Health::Starting(stage) => format!("starting: {stage}"),
                    _ => stage.to_owned(),
                };
                Err(Error::timeout(format!(
                    "Request timed out after {} ms. The worker was {stage}, since {}",
                    self.limit.as_millis(),
                    since.to_rfc3339_opts(SecondsFormat::Millis, true)
                )))
            }
        }
    }
}
