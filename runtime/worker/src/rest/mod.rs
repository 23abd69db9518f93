//! The REST API of Kafka Connect: its routes, shapes, codes and header rules.

mod answer;
mod connectors;
mod deadline;
mod internal;
mod layers;
mod loggers;
mod metrics;
mod offsets;
mod openapi;
mod plugins;
mod root;
mod router;
mod server;
mod signature;
mod validation;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use server::RestServer;
pub use signature::{ALGORITHM, AUTHORIZATION, sign};

use millstream_core::cluster::SessionKeyPolicy;
pub use millstream_core::settings::Listener;
use millstream_core::settings::WorkerConfig;

use crate::herder::HerderHandle;
use crate::observe::loggers::Loggers;
use crate::observe::metrics::Metrics;
use crate::plugins::PluginTable;

/// What the REST API serves from.
#[derive(Clone)]
pub struct RestContext {
    /// Answers everything about connectors.
    pub herder: HerderHandle,
    /// The plugins of this worker.
    pub plugins: Arc<PluginTable>,
    /// Id of the Kafka cluster, once known. `GET /` says null before.
    pub cluster_id: Arc<OnceLock<String>>,
    /// What `GET /metrics` shows.
    pub metrics: Arc<Metrics>,
    /// Levels of the log.
    pub loggers: Arc<Loggers>,
    /// What may be asked, and for how long.
    pub settings: RestSettings,
}

/// Settings of the REST API.
#[derive(Clone, Debug)]
pub struct RestSettings {
    /// `topic.tracking.enable`: off, the topics of a connector are 403.
    pub topic_tracking: bool,
    /// `topic.tracking.allow.reset`: off, resetting them is 403.
    pub topic_tracking_reset: bool,
    /// Algorithms that requests between workers may be signed with; `None` where they need no signature.
    pub signature_algorithms: Option<Vec<String>>,
    /// Longest time a request may take; then it is 500 and the message names the stage. Kafka Connect: 90 s, fixed.
    pub request_timeout: Duration,
    /// How long `GET /health` waits for the herder's loop. Kafka Connect: 10 s, fixed.
    pub health_timeout: Duration,
}

impl RestSettings {
    /// As the worker's settings say.
    pub fn of(worker: &WorkerConfig) -> Self {
        Self {
            topic_tracking: worker.topic_tracking_enable,
            topic_tracking_reset: worker.topic_tracking_allow_reset,
            signature_algorithms: needs_signature(worker).then(|| worker.rest.verification_algorithms.clone()),
            ..Self::default()
        }
    }
}

impl Default for RestSettings {
    fn default() -> Self {
        Self {
            topic_tracking: true,
            topic_tracking_reset: true,
            signature_algorithms: Some(vec!["HmacSHA256".to_owned()]),
            request_timeout: Duration::from_secs(90),
            health_timeout: Duration::from_secs(10),
        }
    }
}

/// Workers of a group sign unless an older protocol is asked for; a standalone worker has nobody to sign.
fn needs_signature(worker: &WorkerConfig) -> bool {
    worker.group_id().is_some() && !matches!(SessionKeyPolicy::of(&worker.raw), Ok(None))
}

/// A key as `GET /connector-plugins/{plugin}/config` shows it.
#[cfg(test)]
pub(crate) fn key_info(key: &millstream_api::ConfigKey) -> serde_json::Value {
    serde_json::to_value(validation::KeyInfo::of(key)).unwrap()
}

/// Reads a body as every route that takes one would, and does nothing with it: for fuzzing. Returns whatever the bytes are.
pub fn read_any_body(body: &[u8]) {
    let _ = connectors::settings(body);
    let _ = crate::connector_file::create_request(body, "the body");
    let _ = offsets::wanted(body);
    let _ = internal::task_configs(body);
    let _ = loggers::level(body);
}
