//! Answers: JSON bodies, empty answers and errors, with the headers Kafka Connect gives them.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use millstream_api::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A handler's outcome.
pub(super) type Answer = Result<Response, Failure>;

/// 200 with a JSON body.
pub(super) fn ok(body: &impl Serialize) -> Answer {
    json(StatusCode::OK, body)
}

/// A JSON body. Names of characters beyond ASCII stay as they are, as in Java.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    let text =
        serde_json::to_vec(body).map_err(|e| Error::internal("the answer cannot be written as JSON").caused_by(e))?;
    Ok((status, [(header::CONTENT_TYPE, JSON)], text).into_response())
}

/// An answer without body or content type (202 gets `Content-Length: 0`, 204 no length).
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// What the framework refuses before a resource is asked: a JSON body *without* content type (Jersey's habit).
pub(super) fn refused(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let mut response = empty(status);
    *response.body_mut() = Body::from(error_body(status, &format!("HTTP {} {reason}", status.as_u16())));
    response
}

/// The same with a content type.
pub(super) fn refused_as_json(status: StatusCode) -> Response {
    let mut response = refused(status);
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// An error answer with this text.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], error_body(status, message)).into_response()
}

/// What every failed request is answered.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrorMessage<'a> {
    /// The status again.
    error_code: u16,
    message: &'a str,
}

fn error_body(status: StatusCode, message: &str) -> String {
    serde_json::to_string(&ErrorMessage { error_code: status.as_u16(), message }).unwrap_or_default()
}

/// What a handler failed with.
pub(super) enum Failure {
    /// An error with a kind; the kind decides the status.
    Error(Error),
    /// An answer that is made already.
    Response(Box<Response>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Response> for Failure {
    fn from(response: Response) -> Self {
        Self::Response(Box::new(response))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Response(response) => *response,
            Self::Error(error) => {
                let status = match error.kind() {
                    ErrorKind::Config => StatusCode::BAD_REQUEST,
                    ErrorKind::NotFound => StatusCode::NOT_FOUND,
                    ErrorKind::Conflict => StatusCode::CONFLICT,
                    ErrorKind::Forbidden => StatusCode::FORBIDDEN,
                    _ => StatusCode::INTERNAL_SERVER_ERROR,
                };
                if status.is_server_error() {
                    tracing::warn!(kind = error.kind().as_str(), error = %error, "a request failed");
                }
                self::error(status, &error.to_string())
            }
        }
    }
}
