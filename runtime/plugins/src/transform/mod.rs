//! Transformations.

pub(crate) mod settings;
