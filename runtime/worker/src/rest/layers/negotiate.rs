//! Content types: only JSON goes in and out, with the answers JAX-RS gives to anything else.

use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::rest::answer;

/// Stands before every resource method: 415, then 406.
pub(in crate::rest) async fn negotiate(request: Request, next: Next) -> Response {
    let has_body = !request.body().is_end_stream();
    match content_type(request.headers(), has_body) {
        ContentType::Json => {}
        ContentType::Foreign => return answer::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ContentType::Unsaid => return answer::refused_as_json(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ContentType::Broken => return answer::error(StatusCode::BAD_REQUEST, "the Content-Type header cannot be read"),
    }
    let Some(accepted) = accepted(request.headers()) else {
        return answer::refused(StatusCode::NOT_ACCEPTABLE);
    };
    let mut response = next.run(request).await;
    if response.status().is_success()
        && let Some(charset) = accepted.charset
        && response.headers().contains_key(header::CONTENT_TYPE)
        && let Ok(value) = HeaderValue::from_str(&format!("application/json;charset={charset}"))
    {
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
enum ContentType {
    /// JSON, or no body and none named.
    Json,
    /// Another type.
    Foreign,
    /// A body of no or any type.
    Unsaid,
    /// Not a media type.
    Broken,
}

fn content_type(headers: &HeaderMap, has_body: bool) -> ContentType {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return if has_body { ContentType::Unsaid } else { ContentType::Json };
    };
    let Some((kind, sub)) = value.to_str().ok().and_then(media_type) else {
        return ContentType::Broken;
    };
    match (kind.as_str(), sub.as_str()) {
        ("application", "json") => ContentType::Json,
        ("*", _) | ("application", "*") => ContentType::Unsaid,
        _ => ContentType::Foreign,
    }
}

/// Type and subtype in lower case, parameters dropped.
fn media_type(text: &str) -> Option<(String, String)> {
    let (kind, sub) = text.split(';').next()?.trim().split_once('/')?;
    let is_token = |part: &str| !part.is_empty() && !part.contains([' ', '/', ',']);
    (is_token(kind) && is_token(sub)).then(|| (kind.to_ascii_lowercase(), sub.to_ascii_lowercase()))
}

struct Accepted {
    charset: Option<String>,
}

/// `None` when nothing the client accepts is JSON. An empty header accepts everything.
fn accepted(headers: &HeaderMap) -> Option<Accepted> {
    let mut named = headers.get_all(header::ACCEPT).iter().map(|value| value.to_str().unwrap_or("?")).peekable();
    let is_empty = named.peek().is_none();
    let ranges: Vec<_> =
        named.flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty()).collect();
    if is_empty || ranges.is_empty() {
        return Some(Accepted { charset: None });
    }
    ranges.into_iter().find_map(|range| {
        let (kind, sub) = media_type(range)?;
        if !matches!((kind.as_str(), sub.as_str()), ("*", "*") | ("application", "*" | "json")) {
            return None;
        }
        let mut parameters = range.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
        let quality = parameters.clone().find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        if quality.is_some_and(|(_, value)| value.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)) {
            return None;
        }
        let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
        Some(Accepted { charset: charset.map(|(_, value)| value.trim().trim_matches('"').to_owned()) })
    })
}
