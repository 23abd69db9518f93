//! A request and what its answer has to be like.

use std::time::{Duration, Instant};

use indexmap::IndexMap;
use millstream_testbed::{Answer, Error, Result};
use serde_json::Value;

use super::http;
use super::pattern::Pattern;
use super::script::{Call, Expected};
use super::stage::Stage;
use crate::scenario::Kind;

const REBALANCE: Duration = Duration::from_secs(60);

impl Stage<'_> {
    /// Sends a request and compares the answer.
    pub async fn call(&self, method: &str, path: &str, call: &Call) -> Result<()> {
        let java = self.kind == Kind::Java;
        let wanted = Wanted::new(self, method, &call.expected(java))?;
        if call.until {
            return self.patiently(|| async { Ok(wanted.mismatch(&self.send_once(method, path, call).await?)) }).await;
        }
        let answer = self.send(method, path, call, wanted.status).await?;
        if let Some(reason) = wanted.mismatch(&answer) {
            return Err(Error::new(reason));
        }
        if let Some(difference) = &call.difference {
            let other = Wanted::new(self, method, &call.expected(!java))?;
            if other.mismatch(&answer).is_none() {
                return Err(Error::new(format!("the known difference {difference} is no longer true")));
            }
        }
        Ok(())
    }

    /// Again while the worker says that it is rebalancing, unless that is what is expected.
    async fn send(&self, method: &str, path: &str, call: &Call, wanted: u16) -> Result<Answer> {
        let started = Instant::now();
        loop {
            let answer = self.send_once(method, path, call).await?;
            if !is_rebalancing(method, &answer) || wanted == answer.status || started.elapsed() > REBALANCE {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn send_once(&self, method: &str, path: &str, call: &Call) -> Result<Answer> {
        let body = match (&call.json, &call.body) {
            (Some(json), None) => Some(self.names.json(json).to_string()),
            (None, body) => body.as_deref().map(|body| self.text(body)),
            (Some(_), Some(_)) => return Err(Error::new("both `json` and `body`")),
        };
        let named = |name: &str| call.headers.keys().any(|header| header.eq_ignore_ascii_case(name));
        let mut headers = Vec::new();
        if body.is_some() && !named("content-type") {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        for (name, value) in &call.headers {
            headers.extend(value.as_ref().map(|value| (name.clone(), self.text(value))));
        }
        let address = call.at.as_ref().map_or_else(|| self.bed().address(), |at| self.text(at));
        http::send(&address, method, &self.text(path), &headers, body).await
    }
}

/// What Java answers while it rebalances: 409, or 500 for some that only read. A connector that exists is a 409 as well.
fn is_rebalancing(method: &str, answer: &Answer) -> bool {
    let said = ["rebalance", "stale configuration"].iter().any(|phrase| answer.body.contains(phrase));
    [409, 500].contains(&answer.status) && (said || method == "HEAD")
}

/// An expectation with its placeholders filled in.
struct Wanted {
    head: bool,
    status: u16,
    answer: Option<Pattern>,
    error: Option<String>,
    text: Option<Pattern>,
    invalid: Option<IndexMap<String, usize>>,
    headers: Vec<(String, Pattern)>,
}

impl Wanted {
    fn new(stage: &Stage<'_>, method: &str, expected: &Expected) -> Result<Wanted> {
        let pattern = |value: &Option<Value>| value.as_ref().map(|value| stage.pattern(value)).transpose();
        let absent = Value::String("<absent>".to_owned());
        let header = |(name, value): (&String, &Value)| {
            let value = if value.is_null() { &absent } else { value };
            Ok((name.to_lowercase(), stage.pattern(value)?))
        };
        Ok(Wanted {
            head: method == "HEAD",
            status: expected.status.unwrap_or(200),
            answer: pattern(&expected.answer)?,
            error: expected.error.as_ref().map(|phrase| stage.text(phrase)),
            text: pattern(&expected.text)?,
            invalid: expected.invalid.clone(),
            headers: expected.answer_headers.iter().map(header).collect::<Result<_>>()?,
        })
    }

    fn mismatch(&self, answer: &Answer) -> Option<String> {
        if answer.status != self.status {
            let body: String = answer.body.chars().take(400).collect();
            return Some(format!("expected status {}, got {} {body}", self.status, answer.status));
        }
        for (name, pattern) in &self.headers {
            if let Some(reason) = pattern.text_mismatch(answer.header(name)) {
                return Some(format!("header {name}: {reason}"));
            }
        }
        self.body_mismatch(answer)
    }

    fn body_mismatch(&self, answer: &Answer) -> Option<String> {
        if let Some(text) = &self.text {
            return text.text_mismatch(Some(&answer.body)).map(|reason| format!("body: {reason}"));
        }
        let silent = self.answer.is_none() && self.error.is_none() && self.invalid.is_none();
        if silent && (self.head || self.status < 400) {
            let empty = self.head || [202, 204].contains(&self.status);
            return (empty && !answer.body.is_empty()).then(|| format!("expected no body, got {}", answer.body));
        }
        let Ok(found) = serde_json::from_str::<Value>(&answer.body) else {
            return Some(format!("expected JSON, got {:?}", answer.body));
        };
        if let Some(reason) = self.answer.as_ref().and_then(|pattern| pattern.mismatch(&found)) {
            return Some(format!("answer{}{reason}", if reason.starts_with(['.', '[']) { "" } else { ": " }));
        }
        if let Some(wanted) = &self.invalid {
            return invalid_mismatch(&found, wanted);
        }
        // Whatever else an error is about, its body has one form.
        match (&self.error, silent) {
            (Some(phrase), _) => error_mismatch(&found, self.status, phrase),
            (None, true) => error_mismatch(&found, self.status, ""),
            (None, false) => None,
        }
    }
}

/// Keys of a validation's answer and how many errors each has.
fn invalid_mismatch(found: &Value, wanted: &IndexMap<String, usize>) -> Option<String> {
    let configs = found["configs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors = |config: &Value| config["value"]["errors"].as_array().map_or(0, Vec::len);
    let name = |config: &Value| config["value"]["name"].as_str().unwrap_or_default().to_owned();
    let invalid: IndexMap<String, usize> =
        configs.iter().filter(|config| errors(config) > 0).map(|config| (name(config), errors(config))).collect();
    let count = wanted.values().sum::<usize>() as u64;
    if invalid != *wanted {
        return Some(format!("expected errors {wanted:?}, got {invalid:?}"));
    }
    (found["error_count"] != count).then(|| format!("expected error_count {count}, got {}", found["error_count"]))
}

/// An error body is `{"error_code", "message"}` and nothing else.
fn error_mismatch(found: &Value, status: u16, phrase: &str) -> Option<String> {
    let fields = found.as_object().map(|fields| fields.len());
    match (fields, found["error_code"].as_u64(), found["message"].as_str()) {
        (Some(2), Some(code), Some(message)) if code == u64::from(status) => match message.contains(phrase) {
            true if !message.is_empty() => None,
            _ => Some(format!("expected a message with {phrase:?}, got {message:?}")),
        },
        _ => Some(format!("expected an error body with code {status}, got {found}")),
    }
}
