//! Transformations of topics, headers, schemas and timestamps: DropHeaders, Filter, HeaderFrom, InsertHeader, RegexRouter,
//! SetSchemaMetadata, TimestampConverter, TimestampRouter.

use super::{Difference, check};

const DIFFERENCES: &[Difference] = &[
    ("TimestampConverter", "schemaless Long to Date", "", NO_DATE),
    ("TimestampConverter", "schemaless String to Date", "", NO_DATE),
    ("TimestampConverter", "schemaless Long to Time", "", NO_DATE),
    ("TimestampConverter", "schemaless String to Time", "", NO_DATE),
    ("TimestampConverter", "schemaless Long to Timestamp", "", NO_DATE),
    ("TimestampConverter", "schemaless String to Timestamp", "", NO_DATE),
    ("TimestampConverter", "bad schemaless type", "", "a number without schema is a long, as JsonConverter reads it"),
    ("TimestampRouter", "bad format", "", "refused when it is configured: in Java every record fails"),
];

const NO_DATE: &str =
    "JSON has no dates: the row fails here, and in Java in JsonConverter, which cannot write a date without schema";

#[test]
fn drop_headers() {
    check("DropHeaders", DIFFERENCES, 0);
}

#[test]
fn filter() {
    check("Filter", DIFFERENCES, 0);
}

#[test]
fn header_from() {
    check("HeaderFrom", DIFFERENCES, 0);
}

#[test]
fn insert_header() {
    check("InsertHeader", DIFFERENCES, 0);
}

#[test]
fn regex_router() {
    check("RegexRouter", DIFFERENCES, 0);
}

#[test]
fn set_schema_metadata() {
    check("SetSchemaMetadata", DIFFERENCES, 0);
}

#[test]
fn timestamp_converter() {
    // Dates without schema.
    check("TimestampConverter", DIFFERENCES, 10);
}

#[test]
fn timestamp_router() {
    check("TimestampRouter", DIFFERENCES, 0);
}
