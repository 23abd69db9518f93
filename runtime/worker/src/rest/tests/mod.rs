//! The REST API over real sockets, against what Kafka Connect 4.3.1 answered.

mod any_body;
mod client;
mod differences;
mod golden;
mod herder;
mod layers;
mod openapi;
mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use millstream_api::Secret;
use millstream_core::cluster::SessionKey;
use millstream_core::settings::{RestConfig, WorkerConfig};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::client::send;
use self::herder::FakeHerder;

use super::{RestContext, RestServer, RestSettings};
use crate::herder::HerderHandle;
use crate::model::Health;
use crate::observe::loggers::Loggers;
use crate::testing;
use crate::validate::ConfigValidator;

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A listener on a free port.
const FREE: (&str, &str) = ("listeners", "http://127.0.0.1:0");

/// A server on free ports over a fake herder, until dropped.
struct Server {
    /// Of the first listener.
    address: SocketAddr,
    addresses: Vec<SocketAddr>,
    health: watch::Sender<Health>,
    /// The herder's queue when no herder reads it.
    _unread: Option<mpsc::Receiver<crate::herder::Request>>,
    _stop: DropGuard,
}

/// The REST part of a worker's settings.
fn settings(entries: &[(&str, &str)]) -> RestConfig {
    let mut raw = testing::worker().raw.clone();
    for (key, value) in entries {
        raw.set(*key, *value);
    }
    WorkerConfig::parse(&raw).unwrap().rest
}

async fn served(config: &RestConfig, limits: RestSettings, herder: Option<FakeHerder>) -> Server {
    let (requests, queue) = mpsc::channel(8);
    let (health, seen) = watch::channel(Health::Healthy);
    let plugins = testing::plugins();
    let validator = Arc::new(ConfigValidator::new(plugins.clone(), testing::worker()));
    let unread = match herder {
        Some(herder) => {
            tokio::spawn(herder.run(queue));
            None
        }
        None => Some(queue),
    };
    let context = RestContext {
        herder: HerderHandle::new(requests, validator, seen),
        plugins,
        cluster_id: Arc::new(OnceLock::from("cluster".to_owned())),
        metrics: testing::metrics(&testing::worker()),
        loggers: Arc::new(Loggers::detached()),
        settings: limits,
    };
    let server = RestServer::bind(config).await.unwrap();
    let addresses = server.addresses();
    let stop = CancellationToken::new();
    tokio::spawn(server.serve(context, stop.clone(), Duration::ZERO));
    Server { address: addresses[0], addresses, health, _unread: unread, _stop: stop.drop_guard() }
}

async fn usual() -> Server {
    let key =
        SessionKey { key: Secret::new("c2Vzc2lvbg=="), algorithm: "HmacSHA256".to_owned(), creation_timestamp: 0 };
    let herder = FakeHerder { session_key: Some(key), ..FakeHerder::default() };
    served(&settings(&[FREE]), RestSettings::default(), Some(herder)).await
}

/// A file of credentials, and the one that leads to it.
struct Users(tempfile::TempDir);

impl Users {
    fn new(credentials: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.properties");
        std::fs::write(&file, credentials).unwrap();
        let module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
        let entry = format!("KafkaConnect {{\n  {module} required\n  file=\"{}\";\n}};\n", file.display());
        std::fs::write(folder.path().join("jaas.conf"), entry).unwrap();
        Self(folder)
    }

    fn settings(&self, entries: &[(&str, &str)]) -> RestConfig {
        let class = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";
        let path = self.0.path().join("jaas.conf").display().to_string();
        let auth = [("rest.extension.classes", class), ("java.security.auth.login.config", path.as_str())];
        settings(&[entries, &auth].concat())
    }
}

async fn create(server: &Server, name: &str) {
    let body = serde_json::json!({"name": name, "config": {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "tasks.max": "2", "file": "in.txt", "topic": "probe-t1"}});
    let reply = send(server.address, "POST", "/connectors", &[JSON], Some(body.to_string().as_bytes())).await;
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
}

#[tokio::test]
async fn a_refused_create_counts_and_lists_the_errors() {
    let server = usual().await;
    let body = br#"{"name":"a","config":{"connector.class":"FileStreamSource","tasks.max":"0","batch.size":"x"}}"#;
    let reply = send(server.address, "POST", "/connectors", &[JSON], Some(body)).await;
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(reply.status, 400);
    assert!(message.contains("contains the following 3 error(s):\n"), "{message}");
    let listed: Vec<_> = message
        .lines()
        .filter(|line| line.contains("for configuration") || line.contains("Missing required"))
        .collect();
    assert_eq!(listed.len(), 3, "{message}");
    assert!(message.contains("/connector-plugins/FileStreamSource/config/validate"), "{message}");
}

#[tokio::test]
async fn values_of_a_refused_body_are_not_shown() {
    let server = usual().await;
    for body in ["{\"connection.password\":[\"s3cret\"]}", "{\"connection.password\":s3cret}", "\"s3cret\""] {
        let reply = send(server.address, "PUT", "/connectors/a/config", &[JSON], Some(body.as_bytes())).await;
        assert_eq!(reply.status, 400);
        assert!(!String::from_utf8_lossy(&reply.body).contains("s3cret"));
    }
}

#[tokio::test]
async fn every_name_that_can_be_created_can_be_read_and_deleted() {
    let server = usual().await;
    for name in ["x/y", "a%2Fb", "a\\b", "a%b", "{x}", "a;b", "é中", "..", "a b"] {
        let body = serde_json::json!({"name": name, "config": {"connector.class": "FileStreamSource", "topic": "t"}});
        let reply = send(server.address, "POST", "/connectors", &[JSON], Some(body.to_string().as_bytes())).await;
        assert_eq!(reply.status, 201);
        let location = reply.header("Location").unwrap();
        let path = location.strip_prefix(&format!("http://{}", server.address)).unwrap();
        let found = send(server.address, "GET", path, &[], None).await;
        assert_eq!(found.json()["name"], name, "{path}");
        assert_eq!(send(server.address, "DELETE", path, &[], None).await.status, 204);
    }
}

#[tokio::test]
async fn a_herder_that_does_not_answer_is_a_500_that_names_the_stage() {
    let limits = RestSettings {
        request_timeout: Duration::from_millis(20),
        health_timeout: Duration::from_millis(20),
        ..RestSettings::default()
    };
    let server = served(&settings(&[FREE]), limits, None).await;
    let reply = send(server.address, "GET", "/connectors/a/config", &[], None).await;
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert_eq!(reply.status, 500);
    assert!(message.contains("reading the connector's configuration, which began at 20"), "{message}");
    let health = send(server.address, "GET", "/health", &[], None).await;
    assert_eq!((health.status, health.json()["status"].as_str()), (500, Some("unhealthy")));

    server.health.send_replace(Health::Starting("reading the config topic".to_owned()));
    let message = send(server.address, "GET", "/connectors/a/config", &[], None).await.json()["message"].to_string();
    assert!(message.contains("starting: reading the config topic"), "{message}");
    let health = send(server.address, "GET", "/health", &[], None).await;
    assert_eq!((health.status, health.json()["status"].as_str()), (503, Some("starting")));
    assert!(health.json()["message"].as_str().unwrap().contains("reading the config topic"));
}

#[tokio::test]
async fn a_port_in_use_names_the_listener() {
    let taken = RestServer::bind(&settings(&[FREE])).await.unwrap();
    let listener = format!("http://127.0.0.1:{}", taken.addresses()[0].port());
    let error = RestServer::bind(&settings(&[("listeners", &listener)])).await.err().unwrap();
    assert!(error.to_string().contains(&listener) && error.to_string().contains("another process"), "{error}");
}

#[tokio::test]
async fn a_body_too_large_is_refused() {
    let server = usual().await;
    let body = vec![b' '; (16 << 20) + 1];
    let reply = send(server.address, "PUT", "/connectors/a/config", &[JSON], Some(&body)).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn graceful_stop_lets_a_running_request_end() {
    let (requests, mut queue) = mpsc::channel(8);
    let (_health, seen) = watch::channel(Health::Healthy);
    let plugins = testing::plugins();
    let validator = Arc::new(ConfigValidator::new(plugins.clone(), testing::worker()));
    let context = RestContext {
        herder: HerderHandle::new(requests, validator, seen),
        plugins,
        cluster_id: Arc::default(),
        metrics: testing::metrics(&testing::worker()),
        loggers: Arc::new(Loggers::detached()),
        settings: RestSettings::default(),
    };
    let server = RestServer::bind(&settings(&[FREE])).await.unwrap();
    let address = server.addresses()[0];
    let stop = CancellationToken::new();
    let serving = tokio::spawn(server.serve(context, stop.clone(), Duration::from_secs(30)));
    let asked = tokio::spawn(async move { send(address, "GET", "/connectors", &[], None).await.status });
    let Some(crate::herder::Request::Connectors(reply)) = queue.recv().await else { panic!("no request") };
    stop.cancel();
    reply.send(Ok(vec!["a".into()])).unwrap();
    assert_eq!(asked.await.unwrap(), 200);
    serving.await.unwrap().unwrap();
}
