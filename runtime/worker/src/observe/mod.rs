//! What the worker says about itself: logs and metrics.

pub mod loggers;
pub mod logging;
pub mod metrics;
