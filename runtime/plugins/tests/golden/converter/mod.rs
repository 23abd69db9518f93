//! All converters against Kafka Connect's own classes, on cases that are made up at random: live, and as they were recorded.

mod cases;
mod described;
mod envelope;
mod header_text;
mod json_text;
mod known_once;
mod live;
mod ours;
mod random;
mod recorded;
mod typed;
