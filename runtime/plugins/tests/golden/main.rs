//! Converters against what Kafka Connect 4.3.1 recorded, both directions.

mod json;
mod plain;
mod settings;
mod vectors;
