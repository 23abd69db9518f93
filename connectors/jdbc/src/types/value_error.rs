//! Why a value cannot be converted.

use std::fmt;

/// Why a value cannot be converted. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueError {
    /// Not what the type's binary form looks like.
    Malformed,
    /// `infinity` or `-infinity`, which the target cannot hold.
    Infinite,
    /// `NaN`, which the target cannot hold.
    NotANumber,
    /// Beyond the target's range.
    OutOfRange,
    /// Has a fraction, the target has none.
    Fraction,
    /// More digits after the point than the target's scale.
    Scale,
    /// Null in a column that is declared NOT NULL.
    Null,
    /// Text that is not UTF-8.
    NotUtf8,
}

impl ValueError {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Fraction => {
                "declare the column's precision and scale, cast it in a view, or set numeric.mapping to none to keep every digit"
            }
            Self::OutOfRange => {
                "cast the column in a view to a type that holds its values; declare precision and scale of a numeric one"
            }
            Self::NotANumber | Self::Infinite | Self::Scale => "change the value, or cast the column in a view",
            Self::Null => "validate the column's constraint",
            Self::Malformed | Self::NotUtf8 => "cast the column in a view",
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the server sent something that is no value of the column's type",
            Self::Infinite => "the value is infinite",
            Self::NotANumber => "the value is NaN",
            Self::OutOfRange => "the value is out of range",
            Self::Fraction => "the value has a fraction",
            Self::Scale => "the value has too many digits after the point",
            Self::Null => "the value is null though the column is declared NOT NULL",
            Self::NotUtf8 => "the text is not UTF-8",
        })
    }
}
