//! Kafka clients: their settings, topics and topic logs.

pub mod admin;
pub mod client_config;
pub mod client_keys;
pub mod clients;
pub mod consumer;
pub mod context;
pub mod error;
mod first_contact;
pub mod group_offsets;
pub mod internal_topic;
mod jaas;
mod log_writer;
pub(crate) mod polled;
mod positions;
pub mod producer;
mod raw;
mod raw_events;
mod raw_produce;
mod runs;
mod sasl;
mod security;
mod statistics;
mod subscription;
pub mod topic_log;
mod trust_store;

pub use admin::{Admin, NewTopic};
pub use client_config::{ClientRole, ClientSettings};
pub use context::LoggingContext;
pub use error::kafka_error;
pub use first_contact::wait_for_brokers;
pub use statistics::Throttle;
pub use topic_log::{LogRecord, TopicLog};
