//! `GET /metrics`: the worker's metrics, in Prometheus' text format whatever the client accepts.
//!
//! Millstream's own; on all listeners. It shows names of connectors, topics and classes, and no configuration.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::RestContext;
use crate::observe::metrics::TEXT_FORMAT;

/// `GET /metrics`. Never asks the herder: it answers while that is stuck.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "worker",
    responses((status = 200, body = String, content_type = "text/plain", description = "In Prometheus' text format"))
)]
pub(super) async fn metrics(State(context): State<RestContext>) -> Response {
    let metrics = context.metrics.clone();
    match tokio::task::spawn_blocking(move || metrics.render()).await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "metrics cannot be shown");
            (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
