//! What users write in Java's notations.

pub(crate) mod regex;
