//! How Connect schemas live in Arrow fields.
//!
//! The Arrow field *is* the Connect schema: its data type, its nullability (`optional`) and these metadata entries. What the
//! Arrow type already says is not repeated in metadata: Decimal128/256, Date32, Time32(ms) and Timestamp(ms, UTC) *are*
//! Connect's logical types (version 1, and for Decimal the `scale` parameter).
//!
//! | Connect | Arrow |
//! |---|---|
//! | INT8 .. INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES | Int8 .. Int64, Float32, Float64, Boolean, Utf8, Binary |
//! | ARRAY, MAP, STRUCT | List (item `item`), Map (`entries` of `key`, `value`), Struct; a map with optional keys: [`OPTIONAL`] on `key` |
//! | Decimal(scale) | Decimal128(38, scale); a batch with a wider value Decimal256(76, scale); scale outside 0..=76 or a still wider value: Binary with name and `scale` parameter (big-endian two's complement of the unscaled value) |
//! | Date, Time, Timestamp | Date32, Time32(Millisecond), Timestamp(Millisecond, "UTC") |
//! | any other named type | its primitive with [`NAME`] |
//! | no schema, a value | Utf8 holding JSON text, extension name `arrow.json` (see [`is_schemaless`]) |
//! | no schema, no value | a row of the column's `absent` bitmap |

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use serde_json::{Map, Value};

/// Metadata key: the schema's name.
pub const NAME: &str = "connect.name";
/// Metadata key: the schema's version (decimal integer).
pub const VERSION: &str = "connect.version";
/// Metadata key: the schema's documentation.
pub const DOC: &str = "connect.doc";
/// Metadata key: the schema's parameters, a JSON object of strings in their order (a map of metadata entries would lose it).
pub const PARAMETERS: &str = "connect.parameters";
/// Metadata key: the schema's default value, as the JSON payload that JsonConverter writes for it (Decimal as base64).
pub const DEFAULT: &str = "connect.default";
/// Metadata key on the key field of a map: `true` when the schema's keys are optional, which Arrow's keys never are.
pub const OPTIONAL: &str = "connect.optional";
/// Metadata key that Arrow uses for extension types.
pub const EXTENSION: &str = "ARROW:extension:name";
/// Arrow's extension name for JSON text: a schemaless value.
pub const JSON_EXTENSION: &str = "arrow.json";

/// Class name of Connect's Decimal.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Class name of Connect's Date.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// Class name of Connect's Time.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// Class name of Connect's Timestamp.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// Decimal's parameter that holds the scale.
pub const SCALE: &str = "scale";
/// Confluent's parameter that holds a Decimal's precision.
pub const PRECISION: &str = "connect.decimal.precision";

/// The Arrow type of Connect's Timestamp.
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

/// The Arrow type of Connect's Time.
pub fn time_type() -> DataType {
    DataType::Time32(TimeUnit::Millisecond)
}

/// A field for schemaless values: JSON text.
pub fn schemaless_field() -> FieldRef {
    Arc::new(
        Field::new("value", DataType::Utf8, true)
            .with_metadata(HashMap::from([(EXTENSION.to_owned(), JSON_EXTENSION.to_owned())])),
    )
}

/// True for a column of schemaless values (JSON text).
pub fn is_schemaless(field: &Field) -> bool {
    field.data_type() == &DataType::Utf8 && field.metadata().get(EXTENSION).is_some_and(|name| name == JSON_EXTENSION)
}

/// The schema's name: from the metadata, or what the Arrow type implies.
pub fn name(field: &Field) -> Option<&str> {
    if let Some(name) = field.metadata().get(NAME) {
        return Some(name);
    }
    match field.data_type() {
        DataType::Decimal128(..) | DataType::Decimal256(..) => Some(DECIMAL),
        DataType::Date32 => Some(DATE),
        DataType::Time32(TimeUnit::Millisecond) => Some(TIME),
        DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => Some(TIMESTAMP),
        _ => None,
    }
}

/// The schema's version: from the metadata, or 1 for the logical types.
pub fn version(field: &Field) -> Option<i32> {
    match field.metadata().get(VERSION) {
        Some(version) => version.parse().ok(),
        None if !field.metadata().contains_key(NAME) && name(field).is_some() => Some(1),
        None => None,
    }
}

/// The schema's documentation.
pub fn doc(field: &Field) -> Option<&str> {
    field.metadata().get(DOC).map(String::as_str)
}

/// The schema's parameters in their order; a Decimal's `scale` comes first when only the Arrow type holds it.
pub fn parameters(field: &Field) -> Map<String, Value> {
    let stored =
        field.metadata().get(PARAMETERS).and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    let mut stored = stored.unwrap_or_default();
    if let DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) = field.data_type()
        && !stored.contains_key(SCALE)
    {
        let mut all = Map::new();
        all.insert(SCALE.to_owned(), Value::from(scale.to_string()));
        all.append(&mut stored);
        return all;
    }
    stored
}

/// One parameter of the schema.
pub fn parameter(field: &Field, key: &str) -> Option<String> {
    parameters(field).get(key).and_then(Value::as_str).map(str::to_owned)
}

/// The schema's default value as JSON payload text.
pub fn default_json(field: &Field) -> Option<&str> {
    field.metadata().get(DEFAULT).map(String::as_str)
}

/// True when two schemas are the same: the same object, or equal type, nullability and metadata at every level.
pub fn same(a: &FieldRef, b: &FieldRef) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

/// Sets metadata entries on a field.
pub fn with_meta<'a>(field: Field, entries: impl IntoIterator<Item = (&'a str, String)>) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.extend(entries.into_iter().map(|(key, value)| (key.to_owned(), value)));
    field.with_metadata(metadata)
}

/// The field of a Decimal of this scale: Decimal128(38, scale), or Binary with name, version and `scale` when Arrow cannot hold
/// the scale.
pub fn decimal_field(name: &str, scale: i32, nullable: bool) -> Field {
    match i8::try_from(scale) {
        Ok(scale @ 0..=38) => Field::new(name, DataType::Decimal128(38, scale), nullable),
        Ok(scale @ 39..=76) => Field::new(name, DataType::Decimal256(76, scale), nullable),
        _ => binary_decimal_field(name, scale, nullable),
    }
}

/// The field of a Decimal kept as bytes: any scale, any width.
pub fn binary_decimal_field(name: &str, scale: i32, nullable: bool) -> Field {
    with_meta(
        Field::new(name, DataType::Binary, nullable),
        [
            (NAME, DECIMAL.to_owned()),
            (VERSION, "1".to_owned()),
            (
                PARAMETERS,
                Value::Object(Map::from_iter([(SCALE.to_owned(), Value::from(scale.to_string()))])).to_string(),
            ),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logical_types_are_implied_by_the_arrow_type() {
        let field = decimal_field("d", 2, true);
        assert_eq!((name(&field), version(&field)), (Some(DECIMAL), Some(1)));
        assert_eq!(parameter(&field, SCALE).as_deref(), Some("2"));
        let wide = decimal_field("d", 127, true);
        assert_eq!(wide.data_type(), &DataType::Binary);
        assert_eq!(parameter(&wide, SCALE).as_deref(), Some("127"));
        assert_eq!(name(&Field::new("x", timestamp_type(), false)), Some(TIMESTAMP));
        assert_eq!(version(&Field::new("x", DataType::Int32, false)), None);
    }

    #[test]
    fn schemaless_is_json_text() {
        assert!(is_schemaless(&schemaless_field()));
        assert!(!is_schemaless(&Field::new("v", DataType::Utf8, true)));
    }
}
