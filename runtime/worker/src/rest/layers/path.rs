//! Paths as JAX-RS reads them: matrix parameters dropped, a trailing slash ignored, broken escapes refused.

use std::borrow::Cow;

use axum::extract::Request;
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::rest::answer;

/// What a path segment cannot hold as it is. `;` and `%` are escaped though Java leaves them: its `Location` then names another connector.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b';')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A name as one segment of a path.
pub(in crate::rest) fn encoded(name: &str) -> impl std::fmt::Display {
    utf8_percent_encode(name, SEGMENT)
}

/// Rewrites the path before routes are matched.
pub(in crate::rest) async fn normalize(mut request: Request, next: Next) -> Response {
    match routed(request.uri().path()) {
        Err(reason) => return answer::error(StatusCode::BAD_REQUEST, reason),
        Ok(path) if path != request.uri().path() => {
            let target = match request.uri().query() {
                Some(query) => format!("{path}?{query}"),
                None => path.into_owned(),
            };
            match Uri::try_from(target) {
                Ok(uri) => *request.uri_mut() = uri,
                Err(_) => return answer::error(StatusCode::BAD_REQUEST, "the path cannot be read"),
            }
        }
        Ok(_) => {}
    }
    next.run(request).await
}

fn routed(path: &str) -> Result<Cow<'_, str>, &'static str> {
    if path.contains("//") {
        return Err("the path has an empty segment");
    }
    if !escapes_are_whole(path) {
        return Err("the path has a % that two hexadecimal digits do not follow");
    }
    if percent_decode_str(path).decode_utf8().is_err() {
        return Err("the path is not UTF-8");
    }
    let bare: Cow<'_, str> = if path.contains(';') {
        let segments: Vec<_> = path.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect();
        segments.join("/").into()
    } else {
        path.into()
    };
    Ok(match bare.strip_suffix('/') {
        Some(short) if !short.is_empty() => short.to_owned().into(),
        _ => bare,
    })
}

fn escapes_are_whole(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2);
        let mut is_digit = || digits.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        is_digit() && is_digit()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_before_routing() {
        for (path, expected) in [
            ("/", Ok("/")),
            ("/connectors/", Ok("/connectors")),
            ("/connectors/a;b=1/status;x", Ok("/connectors/a/status")),
            ("/connectors/a%3Bb", Ok("/connectors/a%3Bb")),
            ("/connectors/%C3%A9", Ok("/connectors/%C3%A9")),
        ] {
            assert_eq!(routed(path).as_deref(), expected.as_deref(), "{path}");
        }
        for path in
            ["//", "/connectors//status", "/connectors/%", "/connectors/%4", "/connectors/%zz", "/connectors/%ff"]
        {
            assert!(routed(path).is_err(), "{path}");
        }
    }

    #[test]
    fn names_as_segments_read_back() {
        for name in ["a b", "a/b", "a%2Fb", "a+b", "a;b", "é中", "{x}", "a:b@c,d&e=f'", "..", "a\\b\"c#d?e|f^g`[h]"] {
            let text = encoded(name).to_string();
            assert!(routed(&format!("/{text}")).unwrap().len() == text.len() + 1, "{text}");
            assert_eq!(percent_decode_str(&text).decode_utf8().unwrap(), name);
        }
        assert_eq!(encoded("a+b:c,d@e&f=g'h").to_string(), "a+b:c,d@e&f=g'h");
        assert_eq!(encoded("a b\u{7f}é").to_string(), "a%20b%7F%C3%A9");
    }
}
