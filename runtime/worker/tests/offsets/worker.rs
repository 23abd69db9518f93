//! A worker in this process.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream_api::Config;
use millstream_core::settings::WorkerConfig;
use millstream_testbed::{ConnectRest, Kafka, unique};
use millstream_worker::plugins::PluginTable;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::probe::Probe;

pub const LIMIT: Duration = Duration::from_secs(60);

pub struct Worker {
    pub rest: ConnectRest,
    /// Name of the group; its topics begin with it.
    pub group: String,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Worker {
    pub async fn distributed(kafka: &Kafka) -> Self {
        let group = unique("offsets");
        let topics: Vec<_> = ["config", "offset", "status"].map(|kind| format!("{group}-{kind}")).into_iter().collect();
        let mut more = vec![("group.id", group.as_str())];
        for (kind, topic) in ["config", "offset", "status"].iter().zip(&topics) {
            let (name, factor) = match *kind {
                "config" => ("config.storage.topic", "config.storage.replication.factor"),
                "offset" => ("offset.storage.topic", "offset.storage.replication.factor"),
                _ => ("status.storage.topic", "status.storage.replication.factor"),
            };
            more.extend([(name, topic.as_str()), (factor, "1")]);
        }
        Self::start(kafka, &more, group.clone()).await
    }

    pub async fn standalone(kafka: &Kafka, offsets: &str) -> Self {
        Self::start(kafka, &[("offset.storage.file.filename", offsets)], String::new()).await
    }

    async fn start(kafka: &Kafka, more: &[(&str, &str)], group: String) -> Self {
        // Free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (bootstrap, listener) = (kafka.bootstrap(), format!("http://127.0.0.1:{port}"));
        let settings = [
            ("bootstrap.servers", bootstrap.as_str()),
            ("listeners", &listener),
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("offset.flush.interval.ms", "100"),
            ("connector.client.config.override.policy", "All"),
        ];
        let config = WorkerConfig::parse(&settings.iter().chain(more).copied().collect::<Config>()).unwrap();
        let plugins = PluginTable::new(vec![Arc::new(Probe::source()), Arc::new(Probe::sink())]);
        let stop = CancellationToken::new();
        let (plugins, shutdown) = (Arc::new(plugins), stop.clone());
        let running = tokio::spawn(async move {
            millstream_worker::worker::run(config, plugins, Vec::new(), shutdown).await.unwrap();
        });
        let rest = ConnectRest::new(listener).unwrap();
        rest.wait_ready(LIMIT).await.unwrap();
        Self { rest, group, stop, running }
    }

    /// Status and body of an answer.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let answer = self.rest.request(method, path, &[], body.map(str::as_bytes)).await.unwrap();
        let body = if answer.body.is_empty() { Value::Null } else { answer.json().unwrap() };
        (answer.status, body)
    }

    /// The offsets of a connector, as soon as they are as wanted.
    pub async fn offsets_until(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let (status, body) = self.ask("GET", &format!("/connectors/{name}/offsets"), None).await;
            if status == 200 && wanted(&body["offsets"]) {
                return body["offsets"].clone();
            }
            assert!(start.elapsed() < LIMIT, "{name}: {status} {body}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn create(&self, name: &str, class: &str, more: Value) -> (u16, Value) {
        let mut config = json!({"connector.class": class});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask("POST", "/connectors", Some(&json!({"name": name, "config": config}).to_string())).await
    }

    pub async fn alter(&self, name: &str, offsets: Value) -> (u16, String) {
        let body = json!({"offsets": offsets}).to_string();
        let (status, body) = self.ask("PATCH", &format!("/connectors/{name}/offsets"), Some(&body)).await;
        (status, body["message"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn reset(&self, name: &str) -> (u16, String) {
        let (status, body) = self.ask("DELETE", &format!("/connectors/{name}/offsets"), None).await;
        (status, body["message"].as_str().unwrap_or_default().to_owned())
    }

    pub async fn end(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}
