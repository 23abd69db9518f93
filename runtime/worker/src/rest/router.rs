//! The table of routes.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};

use super::negotiate::negotiate;
use super::{RestContext, access_log, answer, connectors, path, plugins, root};

/// Everything the API serves.
pub(super) fn router(context: RestContext) -> Router {
    let routes = Router::new()
        .route("/", resource(get(root::root), "HEAD,GET,OPTIONS"))
        .route("/health", resource(get(root::health), "HEAD,GET,OPTIONS"))
        .route("/connectors", resource(get(connectors::list).post(connectors::create), "HEAD,POST,GET,OPTIONS"))
        .route(
            "/connectors/{connector}",
            resource(get(connectors::info).delete(connectors::delete), "HEAD,DELETE,GET,OPTIONS"),
        )
        .route(
            "/connectors/{connector}/config",
            resource(
                get(connectors::config).put(connectors::put_config).patch(connectors::patch_config),
                "HEAD,GET,OPTIONS,PUT,PATCH",
            ),
        )
        .route("/connectors/{connector}/status", resource(get(connectors::status), "HEAD,GET,OPTIONS"))
        .route("/connectors/{connector}/tasks", resource(get(connectors::tasks), "HEAD,GET,OPTIONS"))
        .route(
            "/connectors/{connector}/tasks/{task}/status",
            resource(get(connectors::task_status), "HEAD,GET,OPTIONS"),
        )
        .route("/connectors/{connector}/tasks/{task}/restart", resource(post(connectors::restart_task), "POST,OPTIONS"))
        .route("/connectors/{connector}/pause", resource(put(connectors::pause), "OPTIONS,PUT"))
        .route("/connectors/{connector}/resume", resource(put(connectors::resume), "OPTIONS,PUT"))
        .route("/connectors/{connector}/stop", resource(put(connectors::stop), "OPTIONS,PUT"))
        .route("/connectors/{connector}/restart", resource(post(connectors::restart), "POST,OPTIONS"))
        .route("/connectors/{connector}/topics", resource(get(connectors::topics), "HEAD,GET,OPTIONS"))
        .route("/connectors/{connector}/topics/reset", resource(put(connectors::reset_topics), "OPTIONS,PUT"))
        .route("/connector-plugins", resource(get(plugins::list), "HEAD,GET,OPTIONS"))
        .route("/connector-plugins/{plugin}/config", resource(get(plugins::config), "HEAD,GET,OPTIONS"))
        .route("/connector-plugins/{plugin}/config/validate", resource(put(plugins::validate), "OPTIONS,PUT"))
        .fallback(|| async { answer::refused(StatusCode::NOT_FOUND) })
        .with_state(context);
    // The path must be rewritten before it is matched, so the routes stand behind a router that matches everything.
    Router::new().fallback_service(routes).layer(from_fn(path::normalize)).layer(from_fn(access_log::log))
}

/// A resource: its methods behind the content type rules, OPTIONS with the list `allow`, 405 for the rest.
fn resource(methods: MethodRouter<RestContext>, allow: &'static str) -> MethodRouter<RestContext> {
    methods
        .route_layer(from_fn(negotiate))
        .options(move || async move { options(allow) })
        .fallback(|| async { answer::refused(StatusCode::METHOD_NOT_ALLOWED) })
}

fn options(allow: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain")),
        (header::ALLOW, HeaderValue::from_static(allow)),
    ];
    (headers, allow.replace(',', ", ")).into_response()
}
