//! `/` and `/health`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::RestContext;
use super::answer::{self, Answer};
use crate::model::Health;

/// What answers, and for which cluster.
#[derive(Serialize, ToSchema)]
pub(super) struct ServerInfo<'a> {
    version: &'a str,
    commit: &'a str,
    /// Null until it is known.
    kafka_cluster_id: Option<&'a str>,
}

/// How the worker is.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkerStatus {
    /// `healthy`, `starting` or `unhealthy`.
    status: &'static str,
    message: String,
}

/// `GET /`: version, commit, cluster.
#[utoipa::path(
    get,
    path = "/",
    tag = "worker",
    responses((status = 200, body = ServerInfo))
)]
pub(super) async fn root(State(context): State<RestContext>) -> Answer {
    answer::ok(&ServerInfo {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("MILLSTREAM_COMMIT").unwrap_or("unknown"),
        kafka_cluster_id: context.cluster_id.get().map(String::as_str),
    })
}

/// `GET /health` (KIP-1017): readiness and liveness in one.
#[utoipa::path(
    get,
    path = "/health",
    tag = "worker",
    responses((status = 200, body = WorkerStatus), (status = 503, body = WorkerStatus, description = "starting"), (status = 500, body = WorkerStatus, description = "unhealthy"))
)]
pub(super) async fn health(State(context): State<RestContext>) -> Answer {
    let (code, status, message) = match context.herder.health(context.settings.health_timeout).await {
        Health::Healthy => {
            let message = "Worker has completed startup and is ready to handle requests.".to_owned();
            (StatusCode::OK, "healthy", message)
        }
        Health::Starting(stage) => {
            (StatusCode::SERVICE_UNAVAILABLE, "starting", format!("Worker is still starting up: {stage}"))
        }
        Health::Unhealthy(reason) => (StatusCode::INTERNAL_SERVER_ERROR, "unhealthy", reason),
    };
    answer::json(code, &WorkerStatus { status, message })
}
