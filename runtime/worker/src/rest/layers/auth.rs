//! Basic authentication, as Kafka Connect's own extension does it: names and passwords from a file.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::{Error, Result, Secret};
use millstream_core::properties;
use millstream_core::settings::{BasicAuth, credentials_file};

use crate::rest::answer;

/// Where a JVM is told its login configuration; Kafka's start scripts take it from this variable.
const OPTIONS: &str = "KAFKA_OPTS";
const PROPERTY: &str = "-Djava.security.auth.login.config=";

/// Who may call. Read once: a changed file counts at the next start, as in Java.
#[derive(Clone)]
pub(in crate::rest) struct Credentials(Arc<HashMap<String, Secret>>);

impl Credentials {
    /// Reads the login configuration and the file it names. Errors (kind config) name the file and no password.
    pub(in crate::rest) fn read(settings: &BasicAuth) -> Result<Self> {
        let from_options = || login_config(&std::env::var(OPTIONS).unwrap_or_default());
        let path = settings.login_config.clone().or_else(from_options).ok_or_else(|| {
            Error::config("rest.extension.classes asks for basic authentication, and nothing says who may call").hint(
                "set java.security.auth.login.config to the file whose entry KafkaConnect names the file of credentials",
            )
        })?;
        let text = String::from_utf8(read_file(&path)?)
            .map_err(|_| Error::config(format!("login configuration {path} is not UTF-8 text")))?;
        let file = credentials_file(&text, &path)?;
        let credentials = properties::parse(&read_file(&file)?, &file)?;
        let credentials: HashMap<_, _> = credentials
            .iter()
            .map(|(name, password)| (name.to_owned(), Secret::new(password.unwrap_or_default())))
            .collect();
        if credentials.is_empty() {
            tracing::warn!(file, "the file of credentials is empty: everyone may call the REST API");
        }
        Ok(Self(Arc::new(credentials)))
    }

    #[cfg(test)]
    pub(in crate::rest) fn of<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(Arc::new(entries.into_iter().map(|(name, word)| (name.to_owned(), Secret::new(word))).collect()))
    }

    /// May the sender of these headers call? The error is a header that cannot be read.
    fn admit(&self, headers: &HeaderMap) -> Result<bool> {
        let given = given(headers)?;
        if self.0.is_empty() {
            return Ok(true);
        }
        let Some((name, password)) = given else { return Ok(false) };
        let known = self.0.get(&name);
        let expected = known.map_or("", Secret::expose);
        let is_equal = verify_slices_are_equal(expected.as_bytes(), password.as_bytes()).is_ok();
        Ok(known.is_some() && is_equal)
    }
}

fn read_file(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::config(format!("{path} cannot be read")).caused_by(e))
}

/// The path among a JVM's options.
fn login_config(options: &str) -> Option<String> {
    let path =
        options.split_whitespace().rev().find_map(|word| word.trim_matches(['"', '\'']).strip_prefix(PROPERTY))?;
    Some(path.trim_matches(['"', '\'']).to_owned()).filter(|path| !path.is_empty())
}

/// The name and password of a request, if it has any.
fn given(headers: &HeaderMap) -> Result<Option<(String, String)>> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, code)) = value.and_then(|value| value.split_once(' ')) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let bytes = STANDARD.decode(code).map_err(|_| Error::config("the Authorization header is not Base64"))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(text.split_once(':').filter(|(name, _)| !name.is_empty()).map(|(name, word)| (name.to_owned(), word.to_owned())))
}

/// Lets a request through whose sender may call, and those that workers sign.
pub(in crate::rest) async fn check(State(credentials): State<Credentials>, request: Request, next: Next) -> Response {
    if is_between_workers(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    match credentials.admit(request.headers()) {
        Ok(true) => next.run(request).await,
        Ok(false) => {
            // Kafka Connect sends text under this type, and no WWW-Authenticate.
            let kind =
                if request.method() == Method::OPTIONS { HeaderValue::from_static("text/plain") } else { answer::JSON };
            let text = "User cannot access the resource.";
            (StatusCode::UNAUTHORIZED, [(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => answer::Failure::from(error).into_response(),
    }
}

/// Their senders prove themselves by the group's key.
fn is_between_workers(method: &Method, path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let (first, _, last, end) = (segments.next(), segments.next(), segments.next(), segments.next());
    first == Some("connectors")
        && end.is_none()
        && matches!((method, last), (&Method::POST, Some("tasks")) | (&Method::PUT, Some("fence")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_call() {
        let credentials = Credentials::of([("fred", "let:me in"), ("empty", "")]);
        let admit = |credentials: &Credentials, header: Option<&str>| {
            let headers = header.map(|text| (header::AUTHORIZATION, HeaderValue::from_str(text).unwrap()));
            credentials.admit(&headers.into_iter().collect()).ok()
        };
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (header, expected) in [
            (Some(basic("fred:let:me in")), Some(true)),
            (Some(basic("fred:let:me in").replace("Basic", "bAsIc")), Some(true)),
            (Some(basic("empty:")), Some(true)),
            (Some(basic("fred:nope")), Some(false)),
            (Some(basic("ghost:")), Some(false)),
            (Some(basic("fred")), Some(false)),
            (Some(basic(":x")), Some(false)),
            (Some("Bearer x".to_owned()), Some(false)),
            (Some("Basic".to_owned()), Some(false)),
            (None, Some(false)),
            (Some("Basic ###".to_owned()), None),
        ] {
            assert_eq!(admit(&credentials, header.as_deref()), expected, "{header:?}");
        }
        assert_eq!(admit(&Credentials::of([]), None), Some(true), "an empty file lets everyone in, as in Java");
    }

    #[test]
    fn the_option_of_a_jvm() {
        let path = |options| login_config(options);
        assert_eq!(path("-Xmx1g -Djava.security.auth.login.config=/a/b.conf -Dx=y").as_deref(), Some("/a/b.conf"));
        assert_eq!(path(r#"-Djava.security.auth.login.config="/a b""#), Some("/a".to_owned()));
        assert_eq!(path("-Djava.security.auth.login.config="), None);
        assert_eq!(path(""), None);
    }

    #[test]
    fn workers_need_no_password() {
        for (method, path, expected) in [
            (Method::POST, "/connectors/a/tasks", true),
            (Method::PUT, "/connectors/a/fence", true),
            (Method::GET, "/connectors/a/tasks", false),
            (Method::POST, "/connectors/a/tasks/0", false),
            (Method::PUT, "/x/a/fence", false),
            (Method::POST, "/connectors", false),
        ] {
            assert_eq!(is_between_workers(&method, path), expected, "{method} {path}");
        }
    }
}
