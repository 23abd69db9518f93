//! What holds for any schema, any value and any bytes.

mod any_column;
mod chain;
mod conformance;
mod entries;
mod headers;
mod json;
mod rows;
mod transforms;
