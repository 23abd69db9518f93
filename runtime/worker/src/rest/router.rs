//! The table of routes.

use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};
use axum::{Extension, Router};
use millstream_core::settings::Protocol;

use super::layers::auth::{self, Credentials};
use super::layers::headers::{self, Added};
use super::layers::negotiate::negotiate;
use super::layers::{access_log, path};
use super::{RestContext, answer, connectors, internal, loggers, metrics, offsets, openapi, plugins, root};

/// Which routes a listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// All.
    Everything,
    /// All but `/admin`.
    WithoutAdmin,
    /// `/admin` (and `/metrics`).
    AdminAlone,
}

/// A path and what can be done with it.
pub(super) struct Route {
    pub(super) path: &'static str,
    /// The methods, in the order in which Kafka Connect lists them.
    pub(super) allow: &'static str,
    methods: MethodRouter<RestContext>,
}

fn route(path: &'static str, methods: MethodRouter<RestContext>, allow: &'static str) -> Route {
    Route { path, allow, methods }
}

/// Routes of `/admin`.
pub(super) fn admin() -> Vec<Route> {
    vec![
        route("/admin/loggers", get(loggers::list), "HEAD,GET,OPTIONS"),
        route("/admin/loggers/{logger}", get(loggers::get).put(loggers::set), "HEAD,GET,OPTIONS,PUT"),
    ]
}

/// All other routes, but for `/metrics`.
pub(super) fn main() -> Vec<Route> {
    let config = get(connectors::config).put(connectors::put_config).patch(connectors::patch_config);
    let offsets = get(offsets::list).patch(offsets::alter).delete(offsets::reset);
    vec![
        route("/", get(root::root), "HEAD,GET,OPTIONS"),
        route("/health", get(root::health), "HEAD,GET,OPTIONS"),
        route("/connectors", get(connectors::list).post(connectors::create), "HEAD,POST,GET,OPTIONS"),
        route("/connectors/{connector}", get(connectors::info).delete(connectors::delete), "HEAD,DELETE,GET,OPTIONS"),
        route("/connectors/{connector}/config", config, "HEAD,GET,OPTIONS,PUT,PATCH"),
        route("/connectors/{connector}/status", get(connectors::status), "HEAD,GET,OPTIONS"),
        route(
            "/connectors/{connector}/tasks",
            get(connectors::tasks).post(internal::put_tasks),
            "HEAD,POST,GET,OPTIONS",
        ),
        route("/connectors/{connector}/tasks/{task}/status", get(connectors::task_status), "HEAD,GET,OPTIONS"),
        route("/connectors/{connector}/tasks/{task}/restart", post(connectors::restart_task), "POST,OPTIONS"),
        route("/connectors/{connector}/fence", put(internal::fence), "OPTIONS,PUT"),
        route("/connectors/{connector}/pause", put(connectors::pause), "OPTIONS,PUT"),
        route("/connectors/{connector}/resume", put(connectors::resume), "OPTIONS,PUT"),
        route("/connectors/{connector}/stop", put(connectors::stop), "OPTIONS,PUT"),
        route("/connectors/{connector}/restart", post(connectors::restart), "POST,OPTIONS"),
        route("/connectors/{connector}/offsets", offsets, "HEAD,DELETE,GET,OPTIONS,PATCH"),
        route("/connectors/{connector}/topics", get(connectors::topics), "HEAD,GET,OPTIONS"),
        route("/connectors/{connector}/topics/reset", put(connectors::reset_topics), "OPTIONS,PUT"),
        route("/openapi.json", get(openapi::get), "HEAD,GET,OPTIONS"),
        route("/connector-plugins", get(plugins::list), "HEAD,GET,OPTIONS"),
        route("/connector-plugins/{plugin}/config", get(plugins::config), "HEAD,GET,OPTIONS"),
        route("/connector-plugins/{plugin}/config/validate", put(plugins::validate), "OPTIONS,PUT"),
    ]
}

/// What one listener serves.
///
/// Listeners of `/admin` alone ask for no password and add no headers, as in Kafka Connect.
pub(super) fn router(
    context: RestContext,
    protocol: Protocol,
    offer: Offer,
    added: &Added,
    credentials: Option<&Credentials>,
) -> Router {
    let credentials = credentials.filter(|_| offer != Offer::AdminAlone);
    let table = match offer {
        Offer::Everything => main().into_iter().chain(admin()).collect(),
        Offer::WithoutAdmin => main(),
        Offer::AdminAlone => admin(),
    };
    let guarded = |methods: MethodRouter<RestContext>| match credentials {
        Some(credentials) => methods.route_layer(from_fn_with_state(credentials.clone(), auth::check)),
        None => methods,
    };
    let mut routes = Router::new().route("/metrics", guarded(get(metrics::metrics)));
    for Route { path, allow, methods } in table {
        // A resource: its methods behind the content type rules, OPTIONS with the list, 405 for the rest.
        let options = guarded(MethodRouter::new().options(move || async move { options(allow) }));
        let methods = guarded(methods).route_layer(from_fn(negotiate)).merge(options);
        routes = routes.route(path, methods.fallback(|| async { answer::refused(StatusCode::METHOD_NOT_ALLOWED) }));
    }
    let mut routes = routes
        .fallback(|| async { answer::refused(StatusCode::NOT_FOUND) })
        .with_state(context)
        .layer(Extension(protocol));
    if offer != Offer::AdminAlone && !added.is_empty() {
        routes = routes.layer(from_fn_with_state(added.clone(), headers::add));
    }
    // The path must be rewritten before it is matched, so the routes stand behind a router that matches everything.
    Router::new().fallback_service(routes).layer(from_fn(path::normalize)).layer(from_fn(access_log::log))
}

fn options(allow: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain")),
        (header::ALLOW, HeaderValue::from_static(allow)),
    ];
    (headers, allow.replace(',', ", ")).into_response()
}
