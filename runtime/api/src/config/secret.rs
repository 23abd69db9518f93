//! Values that must not be seen.

use std::fmt;

/// A text that cannot be printed: `Debug` shows `[hidden]`, there is no `Display`, and it cannot be serialised.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// What is shown in place of a secret, in REST answers too (as Kafka Connect shows it).
    pub const HIDDEN: &'static str = "[hidden]";

    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to hand to a client library. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HIDDEN)
    }
}
