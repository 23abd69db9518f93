//! Transformations of values: Cast, ExtractField, Flatten, HoistField, InsertField, MaskField, ReplaceField, ValueToKey.

use super::{Difference, check};

const DIFFERENCES: &[Difference] = &[
    ("Cast", "schemaless whole value Float to float64", "", NO_WIDTH),
    ("InsertField", "null timestamp, required", "", NO_NULL_IN_REQUIRED),
    ("InsertField", "null partition, required", "", NO_NULL_IN_REQUIRED),
    ("MaskField", "schemaless replacement out of range", "", NO_WIDTH),
    ("MaskField", "schema mask dec", "", OWN_SCALE),
    ("MaskField", "schema mask dec replacement 123", "", OWN_SCALE),
];

const NO_WIDTH: &str =
    "a number without schema is a long or a double, as JsonConverter reads it: there are no narrower ones";
const NO_NULL_IN_REQUIRED: &str =
    "Arrow holds no null in a required field: the row fails here, and in Java in the converter";
const OWN_SCALE: &str =
    "a decimal column has one scale: equal in value, with the schema's scale; Java's value cannot be written";

#[test]
fn cast() {
    check("Cast", DIFFERENCES, 23);
}

#[test]
fn extract_field() {
    check("ExtractField", DIFFERENCES, 0);
}

#[test]
fn flatten() {
    check("Flatten", DIFFERENCES, 3);
}

#[test]
fn hoist_field() {
    check("HoistField", DIFFERENCES, 0);
}

#[test]
fn insert_field() {
    check("InsertField", DIFFERENCES, 0);
}

#[test]
fn mask_field() {
    check("MaskField", DIFFERENCES, 8);
}

#[test]
fn replace_field() {
    check("ReplaceField", DIFFERENCES, 0);
}

#[test]
fn value_to_key() {
    check("ValueToKey", DIFFERENCES, 0);
}
