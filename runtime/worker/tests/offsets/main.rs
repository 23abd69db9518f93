//! Offsets over REST: a whole worker on a real broker, with connectors like those that the recordings were made with.

mod probe;
mod recorded;
mod topics;
mod worker;
