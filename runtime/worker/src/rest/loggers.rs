//! `/admin/loggers`: levels of the log, of this worker or of all.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use millstream_api::{Error, Result};
use serde::Serialize;
use utoipa::ToSchema;

use super::RestContext;
use super::answer::{self, Answer};
use super::connectors::{query_values, read, settings};
use super::deadline::Deadline;
use super::openapi::WantedLevel;
use crate::herder::Request as Ask;
use crate::observe::loggers::{self, Level};

/// A logger's level.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggerLevel {
    level: &'static str,
    last_modified: Option<i64>,
}

impl From<loggers::LoggerLevel> for LoggerLevel {
    fn from(logger: loggers::LoggerLevel) -> Self {
        Self { level: logger.level.as_str(), last_modified: logger.last_modified }
    }
}

/// `GET /admin/loggers`.
#[utoipa::path(
    get,
    path = "/admin/loggers",
    tag = "admin",
    operation_id = "loggers",
    responses((status = 200, body = HashMap<String, LoggerLevel>))
)]
pub(super) async fn list(State(context): State<RestContext>) -> Answer {
    let all: BTreeMap<String, LoggerLevel> =
        context.loggers.all().into_iter().map(|(name, logger)| (name, logger.into())).collect();
    answer::ok(&all)
}

/// `GET /admin/loggers/{logger}`.
#[utoipa::path(
    get,
    path = "/admin/loggers/{logger}",
    tag = "admin",
    operation_id = "logger",
    params(("logger" = String, Path)),
    responses((status = 200, body = LoggerLevel))
)]
pub(super) async fn get(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let logger = context.loggers.get(&name).ok_or_else(|| Error::not_found(format!("Logger {name} not found.")))?;
    answer::ok(&LoggerLevel::from(logger))
}

/// `PUT /admin/loggers/{logger}`: of this worker, or with `scope=cluster` (KIP-976) of all.
#[utoipa::path(
    put,
    path = "/admin/loggers/{logger}",
    tag = "admin",
    operation_id = "set_logger_level",
    params(("logger" = String, Path), ("scope" = Option<String>, Query, description = "`worker` (if not given) or `cluster`")),
    request_body = WantedLevel,
    responses((status = 200, body = Vec<String>, description = "Loggers whose level has changed"), (status = 204, description = "For all workers"))
)]
pub(super) async fn set(
    State(context): State<RestContext>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let scope = query_values(&query, "scope").next().unwrap_or_default();
    let level = level(&read(request).await?)?;
    if !scope.eq_ignore_ascii_case("cluster") {
        if !scope.is_empty() && !scope.eq_ignore_ascii_case("worker") {
            tracing::warn!(scope, "unknown scope of a log level; it counts for this worker");
        }
        return answer::ok(&context.loggers.set(&name, level, crate::now_millis())?);
    }
    let asked = context.herder.ask(|reply| Ask::PutLoggerLevel(name.clone(), level.as_str(), reply));
    deadline.stage("writing the logger's level to the config topic", asked).await?;
    // What is read back from the topic is applied too, but maybe after the answer.
    context.loggers.set(&name, level, crate::now_millis())?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// The level of a body.
pub(super) fn level(body: &[u8]) -> Result<Level> {
    let settings = settings(body)?;
    let word = settings
        .get("level")
        .ok_or_else(|| Error::config("Desired 'level' parameter was not specified in request."))?;
    if word.trim().is_empty() {
        return Err(Error::config("Illegal null or empty Level name."));
    }
    Level::parse(word).ok_or_else(|| loggers::unknown_level(word))
}
