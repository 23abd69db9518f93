//! What the worker says about itself: logs; metrics come later.

pub mod logging;
