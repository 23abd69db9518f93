//! The Millstream worker: Kafka clients, the stores in Kafka topics, herders, task loops and the REST API.

pub mod config_provider;
pub mod connector_file;
pub mod herder;
mod json_object;
pub mod kafka;
pub mod membership;
pub mod model;
pub mod observe;
pub mod plugins;
pub mod rest;
pub mod store;
pub mod task;
#[cfg(test)]
mod testing;
pub mod validate;
pub mod worker;

/// The present, in epoch milliseconds.
pub(crate) fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
