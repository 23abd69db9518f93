//! Recorded exchanges, made again.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::client::{Reply, send};
use super::differences::{Difference, difference, later};
use super::{FREE, Users, create, served, settings, usual};
use crate::model::Health;
use crate::rest::RestSettings;
use crate::rest::tests::herder::FakeHerder;

#[derive(Deserialize)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) path: String,
    #[serde(default)]
    headers: Map<String, Value>,
    /// Sent to the listener of `/admin` alone.
    #[serde(default)]
    admin: bool,
    pub(super) raw: Option<String>,
    pub(super) status: u16,
    #[serde(default)]
    answer_headers: Map<String, Value>,
    answer: Option<Value>,
    answer_text: Option<String>,
    answer_keys: Option<Vec<String>>,
}

impl Exchange {
    /// True when Jetty answered by a page of its own.
    pub(super) fn answer_is_html(&self) -> bool {
        self.answer.is_none() && self.answer_text.is_none() && self.answer_keys.is_none()
    }

    pub(super) fn answer_text(&self) -> String {
        self.answer.as_ref().map(Value::to_string).unwrap_or_default()
    }
}

fn exchanges(file: &str) -> Vec<Exchange> {
    let path = format!("{}/../../tests/golden/rest/{file}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{file}: {e}: {line}"))).collect()
}

/// Makes the exchanges of a file again and lists everything that differs without being known to.
async fn replay(file: &str, address: SocketAddr) -> Vec<String> {
    replay_both(file, address, address).await
}

/// The same, with an address of its own for `/admin`.
async fn replay_both(file: &str, main: SocketAddr, admin: SocketAddr) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut made = 0;
    for exchange in exchanges(file) {
        if later(&exchange) {
            continue;
        }
        let headers: Vec<_> = exchange.headers.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        let body = exchange.raw.as_deref().map(str::as_bytes);
        let address = if exchange.admin { admin } else { main };
        let reply = send(address, &exchange.method, &exchange.path, &headers, body).await;
        made += 1;
        let known = difference(file, &exchange);
        if let Err(reason) = compare(&exchange, &reply, known, address) {
            let shown = exchange.raw.as_deref().unwrap_or_default();
            wrong.push(format!("{file}: {} {} {shown}\n    {reason}", exchange.method, exchange.path));
        }
    }
    assert!(made > 0, "{file} has no exchange to make");
    wrong
}

fn compare(exchange: &Exchange, reply: &Reply, known: Option<&Difference>, address: SocketAddr) -> Result<(), String> {
    let body = || String::from_utf8_lossy(&reply.body).into_owned();
    if let Some(known) = known {
        return match known.ours == reply.status {
            true => Ok(()),
            false => Err(format!("{} expected ({}), got {}: {}", known.ours, known.reason, reply.status, body())),
        };
    }
    if reply.status != exchange.status {
        return Err(format!("{} expected, got {}: {}", exchange.status, reply.status, body()));
    }
    for name in ["Content-Type", "Location", "Allow", "Vary", "Access-Control-Allow-Origin"] {
        let expected = exchange.answer_headers.get(name).and_then(Value::as_str);
        let expected = expected.map(|value| value.replace("<worker>", &address.to_string()));
        if reply.header(name) != expected.as_deref() {
            return Err(format!("{name}: {expected:?} expected, got {:?}", reply.header(name)));
        }
    }
    let others = exchange.answer_headers.get("others").and_then(Value::as_array);
    for name in others.into_iter().flatten().filter_map(Value::as_str) {
        if reply.header(name).is_none() {
            return Err(format!("{name} expected"));
        }
    }
    let empty = exchange.answer_headers.get("Content-Length").is_some();
    let expected_length = if empty { Some("0") } else { None };
    if (empty || reply.status == 204) && reply.header("Content-Length") != expected_length {
        return Err(format!("Content-Length: {expected_length:?} expected, got {:?}", reply.header("Content-Length")));
    }
    if let Some(text) = &exchange.answer_text {
        return if body() == *text { Ok(()) } else { Err(format!("{text} expected, got {}", body())) };
    }
    if let Some(keys) = &exchange.answer_keys {
        let ours = reply.json();
        let ours = ours
            .as_array()
            .unwrap()
            .iter()
            .filter(|key| key["group"] != "Automatic Restart" && key["group"] != "Dead Letter Queue");
        let ours: BTreeSet<_> = ours.map(|key| key["name"].as_str().unwrap().to_owned()).collect();
        let theirs: BTreeSet<_> = keys.iter().cloned().collect();
        return if ours == theirs { Ok(()) } else { Err(format!("keys {theirs:?} expected, got {ours:?}")) };
    }
    let Some(expected) = &exchange.answer else {
        return if reply.body.is_empty() { Ok(()) } else { Err(format!("no body expected, got {}", body())) };
    };
    if exchange.path.starts_with("/admin/loggers") && exchange.status == 200 {
        return same_loggers(expected, &reply.json());
    }
    let is_config = exchange.path.ends_with("/config") && expected.get("error_code").is_none();
    same(expected, &reply.json(), if is_config { "config" } else { "" })
}

/// Equal but for the placeholders of the recording. The order of fields counts, that of settings and lists of plugins does not.
fn same(expected: &Value, ours: &Value, at: &str) -> Result<(), String> {
    match (expected, ours) {
        (Value::String(mark), Value::String(text)) if matches!(mark.as_str(), "<message>" | "<uuid>" | "<commit>") => {
            if text.is_empty() {
                Err(format!("{at}: empty"))
            } else {
                Ok(())
            }
        }
        (Value::String(mark), Value::String(text))
            if at.ends_with(".version") && mark == "4.3.1" && !text.is_empty() =>
        {
            Ok(())
        }
        (Value::String(mark), Value::Number(time)) if mark == "<ts>" && time.as_i64() > Some(1_600_000_000_000) => {
            Ok(())
        }
        (Value::Object(theirs), Value::Object(ours)) => {
            let in_order = at.ends_with("config") || theirs.keys().eq(ours.keys());
            if !in_order || theirs.len() != ours.len() {
                let names = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(format!("{at}: fields {} expected, got {}", names(theirs), names(ours)));
            }
            theirs
                .iter()
                .try_for_each(|(key, value)| same(value, ours.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}")))
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.iter().any(|plugin| plugin.get("class").is_some()) => {
            // A list of plugins: those both have, in the same order.
            let both = |list: &[Value], other: &[Value]| {
                let has = |plugin: &&Value| {
                    other.iter().any(|o| o["class"] == plugin["class"] && o["type"] == plugin["type"])
                };
                list.iter().filter(has).map(|plugin| plugin["class"].clone()).collect::<Vec<_>>()
            };
            let (theirs, ours) = (both(theirs, ours), both(ours, theirs));
            if !ours.is_empty() && theirs == ours {
                Ok(())
            } else {
                Err(format!("plugins {theirs:?} expected, got {ours:?}"))
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            theirs.iter().zip(ours).enumerate().try_for_each(|(i, (a, b))| same(a, b, &format!("{at}[{i}]")))
        }
        _ if expected == ours => Ok(()),
        _ => Err(format!("{at}: {expected} expected, got {ours}")),
    }
}

/// Loggers that are there from the start differ; those under names of the recording's own, `root` and the answers on one logger do not.
fn same_loggers(expected: &Value, ours: &Value) -> Result<(), String> {
    let is_set =
        |name: &str| !name.contains('.') || name.starts_with("no.") || name == "org.apache.kafka.connect.runtime";
    match (expected, ours) {
        (Value::Array(theirs), Value::Array(ours)) => {
            let names = |list: &[Value]| -> Vec<String> {
                list.iter().filter_map(Value::as_str).filter(|name| is_set(name)).map(str::to_owned).collect()
            };
            let both = |name: &str| ours.iter().any(|n| n == name) == theirs.iter().any(|n| n == name);
            let known = "org.apache.kafka.connect.runtime.rest.RestServer";
            if names(theirs) == names(ours) && both(known) {
                Ok(())
            } else {
                Err(format!("{theirs:?} expected, got {ours:?}"))
            }
        }
        (Value::Object(theirs), Value::Object(ours)) if !theirs.contains_key("level") => {
            let of_name = |map: &Map<String, Value>| {
                map.iter().filter(|(name, _)| is_set(name)).map(|(n, v)| (n.clone(), v.clone())).collect::<Map<_, _>>()
            };
            same(&Value::Object(of_name(theirs)), &Value::Object(of_name(ours)), "")
        }
        _ => same(expected, ours, ""),
    }
}

async fn check(file: &str, first: Option<&str>) {
    let server = usual().await;
    if let Some(name) = first {
        create(&server, name).await;
    }
    let wrong = replay(file, server.address).await;
    assert!(wrong.is_empty(), "{} exchanges differ:\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! golden {
    ($($test:ident: $file:literal $(after $first:literal)?;)*) => {$(
        #[tokio::test]
        async fn $test() {
            let first: Option<&str> = None $(.or(Some($first)))?;
            check($file, first).await;
        }
    )*};
}

golden! {
    content_negotiation: "content-negotiation";
    methods: "methods";
    unknown_paths: "unknown-paths";
    malformed_bodies: "malformed-bodies";
    names: "names" after "src";
    create_errors: "create-errors" after "src";
    create_source: "create-source";
    config_update: "config-update" after "src";
    unknown_connector: "unknown-connector";
    root_and_health: "root-health";
    restart: "restart" after "src";
    initial_state: "initial-state";
    pause_resume_stop: "pause-resume-stop" after "src";
    connector_plugins: "connector-plugins";
    unknown_class_repeat: "unknown-class-repeat";
    loggers: "loggers";
    internal_endpoints: "internal-endpoints";
}

#[tokio::test]
async fn topics() {
    let server = usual().await;
    create(&server, "src").await;
    create(&server, "snk").await;
    let wrong = replay("topics", server.address).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn topic_tracking_off() {
    let limits = RestSettings { topic_tracking: false, ..RestSettings::default() };
    let server = served(&settings(&[FREE, ("admin.listeners", "")]), limits, Some(FakeHerder::default())).await;
    let wrong = replay("topic-tracking-off-and-admin-off", server.address).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn other_origins_and_further_headers() {
    let extra = [
        FREE,
        ("access.control.allow.origin", "http://example.com"),
        ("access.control.allow.methods", "GET,POST"),
        ("response.http.headers.config", "add X-Probe: a, set X-Set: b"),
    ];
    let server = served(&settings(&extra), RestSettings::default(), Some(FakeHerder::default())).await;
    let wrong = replay("cors-and-extra-headers", server.address).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn basic_auth() {
    let users = Users::new("fred=letmein\n");
    let server = served(&users.settings(&[FREE]), RestSettings::default(), Some(FakeHerder::default())).await;
    let wrong = replay("basic-auth", server.address).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn standalone() {
    let limits = RestSettings { signature_algorithms: None, ..RestSettings::default() };
    let config = settings(&[FREE, ("admin.listeners", "http://127.0.0.1:0")]);
    let server = served(&config, limits, Some(FakeHerder { standalone: true, ..FakeHerder::default() })).await;
    let wrong = replay_both("standalone", server.address, server.addresses[1]).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn while_starting() {
    let server = usual().await;
    server.health.send_replace(Health::Starting("joining the group".to_owned()));
    let wrong = replay("health-starting", server.address).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
