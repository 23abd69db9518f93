//! Maps without schema, edited by the names of their entries.
//!
//! What most transformations do to a map is told by its names: entries go, come, get another name, or a value made of the old one. So
//! what becomes of a map is worked out once for all maps of the same names ([`plan`]), for all transformations that follow each
//! other in a chain, and is then done row by row ([`rows`]): a text is read once, or not at all where its column has an outline, and
//! written once.

mod plan;
mod rows;
mod slots;
#[cfg(test)]
mod tests;

use millstream_api::Result;

use super::edit::Input;
use super::json::Row;
pub(crate) use plan::Plans;
pub(crate) use rows::edit_entries;
pub(crate) use slots::Slots;

/// What one transformation does to the entries of maps without schema. Rows without text stay as they are.
pub(crate) trait EntryEdit {
    /// Whether a null fails its row; else it stays as it is.
    fn refuses_null(&self) -> bool {
        false
    }

    /// Tells apart rows that fare differently though their names are the same.
    fn variant(&self, _input: Input<'_>, _row: usize) -> u8 {
        0
    }

    /// What becomes of the entries of a map.
    fn plan(&self, variant: u8, slots: &mut Slots);

    /// Appends the JSON of a value that the plan said is made, of the value that was there (null where there was none).
    /// [`Row::Same`], and nothing appended: that value stays.
    fn make(&mut self, what: usize, value: &str, input: Input<'_>, row: usize, out: &mut Vec<u8>) -> Result<Row>;
}
