//! Converters.

mod arena;
mod bytes;
pub(crate) mod json;
mod primitive;
mod string;

use millstream_api::config::{ConfigType, Importance};
use millstream_api::{Config, ConfigKey, ConverterRole};

pub(crate) use arena::{Arena, all_failed};
pub(crate) use bytes::ByteArrayConverter;
pub(crate) use json::JsonConverter;
pub(crate) use primitive::{Primitive, PrimitiveConverter};
pub(crate) use string::StringConverter;

pub(crate) use bytes::config_def as byte_array_def;
pub(crate) use json::config_def as json_def;
pub(crate) use primitive::config_def as primitive_def;
pub(crate) use string::config_def as string_def;

/// The key that every converter has and the worker sets.
const CONVERTER_TYPE: &str = "converter.type";

fn converter_type() -> ConfigKey {
    ConfigKey::required(
        CONVERTER_TYPE,
        ConfigType::String,
        Importance::Low,
        "What the converter is used for: key, value or header. Set by the worker.",
    )
    .check(|value| match value {
        millstream_api::config::Parsed::Text(text) if !["key", "value", "header"].contains(&text.as_str()) => {
            Err("String must be one of: key, value, header".to_owned())
        }
        _ => Ok(()),
    })
}

/// The configuration with the role in place of whatever it says of it.
fn with_role(config: &Config, role: ConverterRole) -> Config {
    let mut config = config.clone();
    let role = match role {
        ConverterRole::Key => "key",
        ConverterRole::Value => "value",
        ConverterRole::Header => "header",
    };
    config.set(CONVERTER_TYPE, role);
    config
}
