//! What the worker says about itself: logs; metrics come later.

pub mod loggers;
pub mod logging;
