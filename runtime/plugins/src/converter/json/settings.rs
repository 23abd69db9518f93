//! Settings of JsonConverter.

use std::sync::LazyLock;

use arrow::datatypes::FieldRef;
use millstream_api::config::{ConfigType, Importance, Parsed, Width};
use millstream_api::{Config, ConfigDef, ConfigKey, ConverterRole, Error, Result};

use super::encode::Style;
use super::schema_read::read_schema;
use crate::converter::{converter_type, with_role};

/// Parsed settings.
pub(super) struct Settings {
    pub schemas: bool,
    pub style: Style,
    pub cache_size: usize,
    /// The schema of bare payloads, from `schema.content`.
    pub content: Option<FieldRef>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { schemas: true, style: Style::CANONICAL, cache_size: 1000, content: None }
    }
}

static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(converter_type())
        .key(
            ConfigKey::with_default(
                "schemas.enable",
                ConfigType::Boolean,
                true,
                Importance::High,
                "Whether every key and value is an envelope of schema and payload. Off: plain JSON, without schemas.",
            )
            .shown("Schemas", 0, Width::Medium, "Enable Schemas"),
        )
        .key(
            ConfigKey::with_default(
                "schemas.cache.size",
                ConfigType::Int,
                1000,
                Importance::High,
                "How many different schemas to remember.",
            )
            .shown("Schemas", 1, Width::Medium, "Schema Cache Size"),
        )
        .key(
            ConfigKey::nullable(
                "schema.content",
                ConfigType::String,
                Importance::High,
                "A schema, as JSON, for reading payloads that come without one. With it payloads are no envelopes.",
            )
            .shown("Schemas", 2, Width::Medium, "Schema Content"),
        )
        .key(
            ConfigKey::with_default(
                "decimal.format",
                ConfigType::String,
                "BASE64",
                Importance::Low,
                "How decimals are written: BASE64 (the unscaled value's bytes) or NUMERIC (a number). Both are read.",
            )
            .shown("Serialization", 0, Width::Medium, "Decimal Format")
            .check(|value| match value {
                Parsed::Text(text) if !["BASE64", "NUMERIC"].iter().any(|word| text.eq_ignore_ascii_case(word)) => {
                    Err("String must be one of (case insensitive): BASE64, NUMERIC".to_owned())
                }
                _ => Ok(()),
            }),
        )
        .key(
            ConfigKey::with_default(
                "replace.null.with.default",
                ConfigType::Boolean,
                true,
                Importance::Low,
                "Whether a null is read and written as the default of its schema, where there is one.",
            )
            .shown("Serialization", 1, Width::Medium, "Replace null with default"),
        )
});

/// The settings, as REST shows them.
pub(crate) fn config_def() -> &'static ConfigDef {
    &DEF
}

impl Settings {
    pub fn of(config: &Config, role: ConverterRole) -> Result<Self> {
        let values = DEF.validate(&with_role(config, role)).into_valid()?;
        let schemas = values.bool("schemas.enable").unwrap_or(true);
        let replace_null = values.bool("replace.null.with.default").unwrap_or(true);
        let content = values.text("schema.content").filter(|text| schemas && !text.is_empty());
        let content = content
            .map(|text| {
                read_schema(text, replace_null)
                    .map_err(|e| Error::config(format!("Invalid value for configuration schema.content: {e}")))
            })
            .transpose()?
            .flatten();
        Ok(Self {
            schemas,
            style: Style {
                numeric: values.text("decimal.format").is_some_and(|format| format.eq_ignore_ascii_case("NUMERIC")),
                replace_null,
            },
            cache_size: values.int("schemas.cache.size").and_then(|size| usize::try_from(size).ok()).unwrap_or(0),
            content,
        })
    }
}
