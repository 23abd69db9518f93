//! What holds for any schema, any value and any bytes.

mod any_column;
mod conformance;
mod json;
mod rows;
mod transforms;
