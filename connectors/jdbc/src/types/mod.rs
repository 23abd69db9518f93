//! What each Postgres type becomes, and the readers that turn its binary form into Arrow arrays.

mod numeric;
mod plan;
mod reader;
mod scalar;
mod temporal;
mod value_error;

use crate::instant::Clock;

pub use plan::{CatalogColumn, plan};
pub use reader::ColumnReader;
pub use value_error::ValueError;

/// `numeric.mapping`: what NUMERIC becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumericMapping {
    /// Decimal.
    None,
    /// Integers where the column has no fraction and at most 18 digits, else Decimal.
    PrecisionOnly,
    /// The same, and doubles for fractions of at most 18 digits.
    BestFit,
    /// The same, and doubles for all fractions.
    BestFitEagerDouble,
}

/// `timestamp.granularity`: what timestamps become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granularity {
    /// Connect's Timestamp.
    ConnectLogical,
    /// INT64, epoch microseconds.
    MicrosLong,
    /// STRING, epoch microseconds.
    MicrosString,
    /// STRING, ISO 8601 without zone, six digits.
    MicrosIso,
    /// INT64, epoch nanoseconds.
    NanosLong,
    /// STRING, epoch nanoseconds.
    NanosString,
    /// STRING, ISO 8601 without zone, nine digits.
    NanosIso,
}

impl Granularity {
    /// By its word in any case; an unknown one counts as the default (validation has refused it before).
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "micros_long" => Self::MicrosLong,
            "micros_string" => Self::MicrosString,
            "micros_iso_datetime_string" => Self::MicrosIso,
            "nanos_long" => Self::NanosLong,
            "nanos_string" => Self::NanosString,
            "nanos_iso_datetime_string" => Self::NanosIso,
            _ => Self::ConnectLogical,
        }
    }
}

/// Settings that decide what types become.
#[derive(Clone, Copy, Debug)]
pub struct TypeSettings {
    /// Zone and calendar.
    pub clock: Clock,
    /// What timestamps become.
    pub granularity: Granularity,
    /// What NUMERIC becomes.
    pub numeric: NumericMapping,
}
