//! End-to-end tests: each drives the built `millstream` binary over REST, on real services that the whole binary
//! shares. What speaks REST or reads topics runs on Apache Kafka Connect too.

mod filestream;
mod import_law;
mod journal;
mod lifecycle;
mod mask;
mod scenario;
mod seed;
mod standalone;
mod takeover;
