//! One line per request: method, path, status and how long it took. Never bodies nor queries.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

pub(in crate::rest) async fn log(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let started = Instant::now();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        // Kafka Connect sends none with a 405.
        response.headers_mut().remove(header::ALLOW);
    }
    tracing::info!(
        target: "millstream_worker::rest",
        %method,
        path,
        status = response.status().as_u16(),
        ms = started.elapsed().as_millis() as u64,
        "request"
    );
    response
}
