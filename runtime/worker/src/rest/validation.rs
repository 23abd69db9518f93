//! A validation as REST writes it, and as the error of a refused create.

use millstream_api::config::ConfigType;
use millstream_api::config::Default as KeyDefault;
use millstream_api::{ConfigKey, ConfigValue, Secret};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Validation;

/// Kafka Connect's `ConfigInfos`, fields in its order.
#[derive(Serialize, ToSchema)]
pub(super) struct ConfigInfos<'a> {
    name: &'a str,
    error_count: usize,
    groups: &'a [String],
    configs: Vec<ConfigInfo<'a>>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ConfigInfo<'a> {
    /// Null for a key that no definition has.
    definition: Option<KeyInfo<'a>>,
    value: ValueInfo<'a>,
}

/// Kafka Connect's `ConfigKeyInfo`.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyInfo<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    default_value: Option<&'a str>,
    importance: &'static str,
    documentation: &'a str,
    group: Option<&'a str>,
    order_in_group: i32,
    width: &'static str,
    display_name: &'a str,
    dependents: &'a [String],
}

#[derive(Serialize, ToSchema)]
pub(super) struct ValueInfo<'a> {
    name: &'a str,
    value: Option<String>,
    recommended_values: &'a [String],
    errors: &'a [String],
    visible: bool,
}

impl<'a> ConfigInfos<'a> {
    pub(super) fn of(validation: &'a Validation) -> Self {
        Self {
            name: &validation.name,
            error_count: validation.error_count(),
            groups: &validation.groups,
            configs: validation.entries().filter(|value| !value.key.internal).map(ConfigInfo::of).collect(),
        }
    }
}

impl<'a> ConfigInfo<'a> {
    fn of(value: &'a ConfigValue) -> Self {
        Self {
            definition: value.defined.then(|| KeyInfo::of(&value.key)),
            value: ValueInfo {
                name: &value.key.name,
                value: value.text(),
                recommended_values: &value.recommended,
                errors: &value.errors,
                visible: value.visible,
            },
        }
    }
}

impl<'a> KeyInfo<'a> {
    pub(super) fn of(key: &'a ConfigKey) -> Self {
        Self {
            name: &key.name,
            kind: key.kind.as_str(),
            required: key.default == KeyDefault::Required,
            default_value: match &key.default {
                KeyDefault::Text(_) if key.kind == ConfigType::Password => Some(Secret::HIDDEN),
                KeyDefault::Text(text) => Some(text),
                KeyDefault::Required | KeyDefault::Null => None,
            },
            importance: key.importance.as_str(),
            documentation: &key.documentation,
            group: key.group.as_deref(),
            order_in_group: key.order_in_group,
            width: key.width.as_str(),
            display_name: &key.display_name,
            dependents: &key.dependents,
        }
    }
}
