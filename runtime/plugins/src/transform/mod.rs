//! Transformations.
//!
//! Most work on keys or values alone: they are an [`edit::Edit`], and [`edit::On`] does for all of them what is not their own (which
//! part, null rows, failed rows, the order of rows). Values under a schema are edited as arrays ([`structs`]), with what there is
//! to know of a schema worked out once ([`plans`]); values without schema as JSON text
//! ([`json`]), and where only entries of maps change, in one go for neighbouring transformations ([`entries`]).

mod cast;
pub(crate) mod chain;
mod drop_headers;
mod edit;
mod entries;
mod extract_field;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod json;
mod mask_field;
mod outcome;
mod part;
mod path;
mod plans;
mod regex_router;
mod replace_field;
mod set_schema_metadata;
pub(crate) mod settings;
mod structs;
mod timestamp_converter;
mod timestamp_router;
mod value_to_key;

pub(crate) use cast::Cast;
pub(crate) use drop_headers::DropHeaders;
pub(crate) use edit::{On, Step};
pub(crate) use extract_field::ExtractField;
pub(crate) use filter::Filter;
pub(crate) use flatten::Flatten;
pub(crate) use header_from::HeaderFrom;
pub(crate) use hoist_field::HoistField;
pub(crate) use insert_field::InsertField;
pub(crate) use insert_header::InsertHeader;
pub(crate) use mask_field::MaskField;
pub(crate) use outcome::again;
pub(crate) use part::Part;
pub(crate) use regex_router::RegexRouter;
pub(crate) use replace_field::ReplaceField;
pub(crate) use set_schema_metadata::SetSchemaMetadata;
pub(crate) use timestamp_converter::TimestampConverter;
pub(crate) use timestamp_router::TimestampRouter;
pub(crate) use value_to_key::ValueToKey;
