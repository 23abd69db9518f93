//! The decisions of a Millstream worker, as pure functions over plain data.
//!
//! Nothing here does I/O, reads a clock or waits: loops in the worker gather inputs, call a decision and apply its answer.
//!
//! - [`cluster`]: the record formats of the config, offset and status topics, and what folding them means.
//! - [`settings`]: worker and connector configuration, parsed once into typed values.
//! - [`delivery`]: what may be committed, what is skipped, how topics are made.
//! - [`metrics`]: averages, maxima and rates over a moving window.
//! - [`properties`]: Java's `.properties` text.

pub mod cluster;
pub mod delivery;
pub mod java_json;
pub mod metrics;
pub mod properties;
pub mod settings;

pub use properties::parse as parse_properties;
