//! What a worker's metrics are computed with: values sampled over a moving window, as Kafka's clients and Connect compute theirs.

mod sampled;

pub use sampled::{Sampled, Windows};
