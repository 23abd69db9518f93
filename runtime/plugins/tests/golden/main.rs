//! Converters and transformations against what Kafka Connect 4.3.1 recorded.

mod converter;
mod headers;
mod java;
mod json;
mod plain;
mod settings;
mod transform;
mod vectors;
