//! End-to-end tests: each drives the built `millstream` binary over REST, on real services that the whole binary
//! shares. What speaks REST or reads topics runs on Apache Kafka Connect too.

mod bad_input;
mod chain;
mod clients;
mod configs;
mod contract;
mod filestream;
mod import_law;
mod journal;
mod kill;
mod lifecycle;
mod limits;
mod mask;
mod metrics;
mod providers;
mod scenario;
mod secrets;
mod secure;
mod seed;
mod sink_rebalance;
mod sink_side;
mod soak;
mod source_letters;
mod source_side;
mod standalone;
mod takeover;
