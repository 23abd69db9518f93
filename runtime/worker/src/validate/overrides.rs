//! Client settings a connector overrides: listed with what Kafka's clients say of them, refused where the worker's policy says so (KIP-458).

use millstream_api::{Config, ConfigDef, ConfigKey, ConfigValue, ConfigValues, ConnectorKind};
use millstream_core::cluster::in_hash_order;
use millstream_core::settings::WorkerConfig;

use crate::kafka::client_config::ClientRole;
use crate::kafka::client_keys::client_key;

const CLIENTS: [(&str, ClientRole); 3] = [
    ("producer.override.", ClientRole::Producer),
    ("consumer.override.", ClientRole::Consumer),
    ("admin.override.", ClientRole::Admin),
];

/// The overrides of the clients this connector will have, in the order Kafka Connect lists them.
pub(super) fn overrides(kind: ConnectorKind, config: &Config, worker: &WorkerConfig) -> ConfigValues {
    let dead_letters = config.get("errors.deadletterqueue.topic.name").is_some_and(|topic| !topic.trim().is_empty());
    let creates_topics = config.keys().any(|key| key.starts_with("topic.creation."));
    let has = |role| match (kind, role) {
        (ConnectorKind::Source, ClientRole::Producer) | (ConnectorKind::Sink, ClientRole::Consumer) => true,
        (ConnectorKind::Source, ClientRole::Admin) => creates_topics || dead_letters,
        (ConnectorKind::Sink, ClientRole::Producer | ClientRole::Admin) => dead_letters,
        (ConnectorKind::Source, ClientRole::Consumer) => false,
    };
    let clients = CLIENTS.into_iter().filter(|(_, role)| has(*role));
    ConfigValues::new(clients.flat_map(|(prefix, role)| {
        let settings = config.with_prefix(prefix);
        let names = in_hash_order(&settings).into_iter();
        names.map(|(name, _)| judge(prefix, role, name, &settings, worker)).collect::<Vec<_>>()
    }))
}

fn judge(prefix: &str, role: ClientRole, name: &str, settings: &Config, worker: &WorkerConfig) -> ConfigValue {
    let full = format!("{prefix}{name}");
    let mut value = match client_key(role, name) {
        None => ConfigValue::undefined(full.as_str(), settings.get(name)),
        Some(key) => {
            // Named in full, since that is what errors must name; shown under its own name.
            let mut key: ConfigKey = key.clone();
            key.name.clone_from(&full);
            let config = [(full.clone(), settings.get(name).map(str::to_owned))].into_iter().collect();
            match ConfigDef::new().key(key).validate(&config).into_iter().next() {
                Some(value) => value,
                None => ConfigValue::undefined(full.as_str(), settings.get(name)),
            }
        }
    };
    let policy = &worker.override_policy;
    if !policy.allows(name) {
        value.errors.push(format!(
            "The '{}' policy does not allow '{name}' to be overridden in the connector configuration.",
            policy.as_str()
        ));
    }
    value
}
