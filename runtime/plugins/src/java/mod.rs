//! What users write in Java's notations.

pub(crate) mod date_pattern;
pub(crate) mod number;
pub(crate) mod utf8;
