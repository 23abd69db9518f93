//! The Millstream worker: Kafka clients, the stores in Kafka topics, herders, task loops and the REST API.

pub mod connector_file;
pub mod herder;
mod json_object;
pub mod kafka;
pub mod model;
pub mod observe;
pub mod plugins;
pub mod rest;
pub mod store;
pub mod task;
pub mod validate;
