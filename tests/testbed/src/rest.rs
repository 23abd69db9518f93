//! A client of Connect's REST API, for Millstream and Java alike.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::poll::until;
use crate::process::log_tail;
use crate::{Context, Error, Result};

const REQUEST: Duration = Duration::from_secs(90);
const REBALANCE: Duration = Duration::from_secs(60);

/// What a worker answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).context(format!("{} with a body that is not JSON: {}", self.status, self.body))
    }

    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The answer again when its status is 2xx, else an error with the body.
    pub fn success(self, doing: &str) -> Result<Answer> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(Error::new(format!("{doing}: {} {}", self.status, self.body)))
    }
}

/// A client of one worker.
#[derive(Debug, Clone)]
pub struct ConnectRest {
    base: String,
    log: Option<PathBuf>,
    client: reqwest::Client,
}

impl ConnectRest {
    /// A client of the worker at `base`, such as `http://127.0.0.1:8083`.
    pub fn new(base: impl Into<String>) -> Result<ConnectRest> {
        let base = base.into().trim_end_matches('/').to_owned();
        // Each test has its own runtime, and a kept connection would belong to that of an earlier test.
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST)
            .build()?;
        Ok(ConnectRest { base, log: None, client })
    }

    /// The same client; its failures show the end of this log.
    #[must_use]
    pub fn with_log(mut self, log: &Path) -> ConnectRest {
        self.log = Some(log.to_owned());
        self
    }

    /// The worker's address, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Any request; any status is an answer. A body is sent as JSON unless `headers` name another content type.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let method: reqwest::Method = method.parse()?;
        let doing = format!("{method} {url}");
        let mut request = self.client.request(method, url);
        if let Some(body) = body {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                request = request.header("Content-Type", "application/json");
            }
            request = request.body(body.to_vec());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.context(&doing)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = response.text().await.context(&doing)?;
        Ok(Answer { status, headers, body })
    }

    /// A request without body.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.request("GET", path, &[], None).await
    }

    /// A request with a JSON body or none, sent again while the worker answers that it is rebalancing.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let bytes = body.map(Value::to_string);
        until(format!("{method} {path} outside a rebalance"), REBALANCE, || async {
            let answer = self.request(method, path, &[], bytes.as_ref().map(String::as_bytes)).await?;
            // An existing connector of the same name is a 409 as well.
            let again = answer.status == 409 && answer.body.contains("rebalance");
            Ok((!again).then_some(answer))
        })
        .await
        .map_err(|error| self.with_tail(error))
    }

    /// Creates a connector and returns the worker's description of it.
    pub async fn create(&self, name: &str, config: &Value) -> Result<Value> {
        let body = json!({"name": name, "config": config});
        self.done("POST", "/connectors", Some(&body)).await?.json()
    }

    /// Creates a connector or changes its config.
    pub async fn put_config(&self, name: &str, config: &Value) -> Result<Value> {
        self.done("PUT", &format!("{}/config", path_of(name)), Some(config)).await?.json()
    }

    /// A connector's config.
    pub async fn config(&self, name: &str) -> Result<Value> {
        self.done("GET", &format!("{}/config", path_of(name)), None).await?.json()
    }

    /// Deletes a connector.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.done("DELETE", &path_of(name), None).await.map(drop)
    }

    /// Pauses a connector.
    pub async fn pause(&self, name: &str) -> Result<()> {
        self.done("PUT", &format!("{}/pause", path_of(name)), None).await.map(drop)
    }

    /// Resumes a paused or stopped connector.
    pub async fn resume(&self, name: &str) -> Result<()> {
        self.done("PUT", &format!("{}/resume", path_of(name)), None).await.map(drop)
    }

    /// Stops a connector: no tasks remain.
    pub async fn stop(&self, name: &str) -> Result<()> {
        self.done("PUT", &format!("{}/stop", path_of(name)), None).await.map(drop)
    }

    /// A connector's offsets.
    pub async fn offsets(&self, name: &str) -> Result<Value> {
        self.done("GET", &format!("{}/offsets", path_of(name)), None).await?.json()
    }

    /// Names of all connectors.
    pub async fn list(&self) -> Result<Vec<String>> {
        Ok(serde_json::from_value(self.done("GET", "/connectors", None).await?.json()?)?)
    }

    /// A connector's status, as the worker says it.
    pub async fn status(&self, name: &str) -> Result<Value> {
        self.done("GET", &format!("{}/status", path_of(name)), None).await?.json()
    }

    /// Waits until the worker answers `GET /connectors` with 200.
    pub async fn wait_ready(&self, limit: Duration) -> Result<()> {
        until(format!("{}/connectors to answer", self.base), limit, || async {
            Ok((self.get("/connectors").await?.status == 200).then_some(()))
        })
        .await
        .map_err(|error| self.with_tail(error))
    }

    /// Waits until the connector and at least `tasks` tasks, and all there are, say RUNNING. A FAILED one ends the
    /// wait at once with its trace.
    pub async fn wait_running(&self, name: &str, tasks: usize, limit: Duration) -> Result<Value> {
        let status = self.wait_status(name, limit, |status| is_failed(status) || is_running(status, tasks)).await?;
        if is_failed(&status) {
            return Err(self.with_tail(Error::new(format!("connector {name} failed\n{}", described(&status)))));
        }
        Ok(status)
    }

    /// Waits until the status of a connector meets `wanted`, and returns it.
    pub async fn wait_status(&self, name: &str, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
        until(format!("the wanted status of connector {name}"), limit, || async {
            let status = self.get(&format!("{}/status", path_of(name))).await?.success("status")?.json()?;
            if wanted(&status) { Ok(Some(status)) } else { Err(Error::new(format!("\n{}", described(&status)))) }
        })
        .await
        .map_err(|error| self.with_tail(error))
    }

    /// Waits until connector and tasks (if any) are all in this state, such as `PAUSED` or `FAILED`.
    pub async fn wait_state(&self, name: &str, state: &str, limit: Duration) -> Result<Value> {
        self.wait_status(name, limit, |status| states(status).all(|found| found == state)).await
    }

    async fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let answer = self.send(method, path, body).await?;
        answer.success(&format!("{method} {path}")).map_err(|error| self.with_tail(error))
    }

    fn with_tail(&self, error: Error) -> Error {
        match &self.log {
            Some(log) => Error::new(format!("{error}\n{}", log_tail(log))),
            None => error,
        }
    }
}

/// `/connectors/<name>` with the name escaped for a path.
pub fn path_of(name: &str) -> String {
    let mut path = String::from("/connectors/");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

fn tasks_of(status: &Value) -> impl Iterator<Item = &Value> {
    status["tasks"].as_array().into_iter().flatten()
}

fn states(status: &Value) -> impl Iterator<Item = &str> {
    std::iter::once(&status["connector"]).chain(tasks_of(status)).map(|part| part["state"].as_str().unwrap_or_default())
}

fn is_failed(status: &Value) -> bool {
    states(status).any(|state| state == "FAILED")
}

fn is_running(status: &Value, tasks: usize) -> bool {
    tasks_of(status).count() >= tasks && states(status).all(|state| state == "RUNNING")
}

// State and worker of each part, with the trace as text and not as one escaped line.
fn described(status: &Value) -> String {
    let mut text = String::new();
    for part in std::iter::once(&status["connector"]).chain(tasks_of(status)) {
        let name = part["id"].as_i64().map_or("connector".to_owned(), |id| format!("task {id}"));
        let state = part["state"].as_str().unwrap_or("(no state)");
        let trace = part["trace"].as_str().unwrap_or_default();
        text.push_str(&format!("  {name}: {state} {trace}\n"));
    }
    text
}
