//! Headers that answers get whatever they are: for pages of other origins, and those of `response.http.headers.config`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{TimeDelta, Utc};
use millstream_api::{Error, Result};
use millstream_core::settings::{CrossOrigin, HeaderValue as Said, RestConfig};

/// How long browsers may remember what a preflight answer said, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("60");

/// What is added to answers.
#[derive(Clone)]
pub(in crate::rest) struct Added(Arc<Inner>);

struct Inner {
    cross_origin: Option<CrossOrigin>,
    methods: HeaderValue,
    headers: Vec<Header>,
}

struct Header {
    add: bool,
    name: HeaderName,
    value: Value,
}

enum Value {
    Fixed(HeaderValue),
    DateIn(i64),
}

impl Added {
    /// As the settings say, which are checked already.
    pub(in crate::rest) fn of(config: &RestConfig) -> Result<Self> {
        let wrong = |name: &str| Error::config(format!("response.http.headers.config: header {name} cannot be sent"));
        let methods = config.cross_origin.as_ref().map_or(String::new(), |origin| origin.methods.join(","));
        let methods = HeaderValue::try_from(methods)
            .map_err(|_| Error::config("access.control.allow.methods cannot be sent in a header"))?;
        let header = |header: &millstream_core::settings::ResponseHeader| {
            let value = match &header.value {
                Said::Text(text) => Value::Fixed(HeaderValue::try_from(text).map_err(|_| wrong(&header.name))?),
                Said::DateIn(millis) => Value::DateIn(*millis),
            };
            let name = HeaderName::try_from(&header.name).map_err(|_| wrong(&header.name))?;
            Ok(Header { add: header.add, name, value })
        };
        let headers = config.response_headers.iter().map(header).collect::<Result<_>>()?;
        Ok(Self(Arc::new(Inner { cross_origin: config.cross_origin.clone(), methods, headers })))
    }

    /// Nothing at all?
    pub(in crate::rest) fn is_empty(&self) -> bool {
        self.0.cross_origin.is_none() && self.0.headers.is_empty()
    }

    fn answer_to(&self, request: &Request) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(cross_origin) = &self.0.cross_origin {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
            let origin = request.headers().get(header::ORIGIN);
            let allowed = origin.filter(|o| o.to_str().is_ok_and(|text| cross_origin.allows(text)));
            if let Some(origin) = allowed {
                headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                if is_preflight(request) {
                    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, self.0.methods.clone());
                    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Content-Type"));
                    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
                }
            }
        }
        for Header { add, name, value } in &self.0.headers {
            let value = match value {
                Value::Fixed(value) => Some(value.clone()),
                Value::DateIn(millis) => date_in(*millis),
            };
            match value {
                Some(value) if *add => drop(headers.append(name, value)),
                Some(value) => drop(headers.insert(name, value)),
                None => {}
            }
        }
        headers
    }
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The present and so many milliseconds, as HTTP writes a time; `None` beyond the calendar.
fn date_in(millis: i64) -> Option<HeaderValue> {
    let time = Utc::now().checked_add_signed(TimeDelta::try_milliseconds(millis)?)?;
    HeaderValue::try_from(time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// Adds them. What the answer says itself of a header counts over what is added.
pub(in crate::rest) async fn add(State(added): State<Added>, request: Request, next: Next) -> Response {
    let mut headers = added.answer_to(&request);
    let mut response = next.run(request).await;
    for name in response.headers().keys() {
        headers.remove(name);
    }
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert!(date_in(0).unwrap().to_str().unwrap().ends_with(" GMT"));
        assert_eq!(date_in(i64::MAX), None);
        assert_eq!(date_in(i64::MIN), None);
    }
}
