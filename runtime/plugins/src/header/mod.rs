//! Header values as text: SimpleHeaderConverter, and what Java's `Values` reads and prints.

mod batch;
mod column;
mod parse;
mod print;
mod simple;
mod tokens;
mod value;

pub use batch::{decode_headers, encode_headers};
pub(crate) use simple::{DEF as SIMPLE_DEF, SimpleHeaderConverter};

use millstream_api::{Column, Result};

/// The value that a text looks like, as a column of one row.
pub(crate) fn literal(text: &str) -> Result<Column> {
    column::column_of(&[parse::parse(text)])
}
