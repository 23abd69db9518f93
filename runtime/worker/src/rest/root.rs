//! `/` and `/health`.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::RestContext;
use super::answer::{self, Answer};
use crate::model::Health;

/// `GET /`: version, commit, cluster.
pub(super) async fn root(State(context): State<RestContext>) -> Answer {
    #[derive(Serialize)]
    struct ServerInfo<'a> {
        version: &'a str,
        commit: &'a str,
        kafka_cluster_id: Option<&'a str>,
    }
    answer::ok(&ServerInfo {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("MILLSTREAM_COMMIT").unwrap_or("unknown"),
        kafka_cluster_id: context.cluster_id.get().map(String::as_str),
    })
}

/// `GET /health` (KIP-1017): readiness and liveness in one.
pub(super) async fn health(State(context): State<RestContext>) -> Answer {
    #[derive(Serialize)]
    struct WorkerStatus {
        status: &'static str,
        message: String,
    }
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
