//! Transformations.
//!
//! Most work on keys or values alone: they are an [`edit::Edit`], and [`edit::On`] does for all of them what is not their own (which
//! part, null rows, failed rows, the order of rows). Values under a schema are edited as arrays ([`structs`]), with what there is
//! to know of a schema worked out once ([`plans`]); values without schema as JSON text ([`json`]).

mod edit;
mod json;
mod outcome;
mod part;
mod plans;
pub(crate) mod settings;
mod structs;
