//! The time limit of a request, and what it was waiting for when it passed.

use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use millstream_api::{Error, Result};
use tokio::time::{Instant, timeout_at};

use super::RestContext;
use crate::herder::Stage;
use crate::model::Health;

/// Started when a request comes in; its stages share the limit.
pub(super) struct Deadline<'a> {
    context: &'a RestContext,
    end: Instant,
}

impl<'a> Deadline<'a> {
    pub(super) fn start(context: &'a RestContext) -> Self {
        Self { context, end: Instant::now() + context.settings.request_timeout }
    }

    /// Runs one stage; `stage` completes "the worker is ...", until the work tells a stage of its own.
    pub(super) async fn stage<T>(&self, stage: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let told = Stage::of(stage);
        match timeout_at(self.end, told.hold(work)).await {
            Ok(done) => done,
            Err(_) => {
                let (doing, since) = told.now().unwrap_or_else(|| (stage.into(), Utc::now()));
                let doing = match self.context.herder.health(Duration::ZERO).await {
                    Health::Starting(starting) => format!("starting: {starting}").into(),
                    _ => doing,
                };
                Err(Error::timeout(format!(
                    "Request timed out. The worker is currently {doing}, which began at {}",
                    since.to_rfc3339_opts(SecondsFormat::Millis, true)
                )))
            }
        }
    }
}
