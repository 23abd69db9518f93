//! Which part of a record a transformation works on.

use millstream_api::{Batch, Column};

/// Keys or values: what `$Key` and `$Value` at the end of a class name mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Record keys.
    Key,
    /// Record values.
    Value,
}

impl Part {
    /// This part of a batch.
    pub fn of(self, batch: &Batch) -> &Column {
        match self {
            Self::Key => &batch.key,
            Self::Value => &batch.value,
        }
    }

    /// The batch with this part replaced.
    pub fn replaced(self, mut batch: Batch, column: Column) -> Batch {
        match self {
            Self::Key => batch.key = column,
            Self::Value => batch.value = column,
        }
        batch
    }

    /// The word for it in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}
