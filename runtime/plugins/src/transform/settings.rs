//! The settings of every transformation, as REST shows them.
//!
//! What a setting alone tells is checked here; what takes several settings, or a record, is checked by the transformation.

use std::sync::LazyLock;

use millstream_api::config::{ConfigType, Importance, Parsed};
use millstream_api::{Config, ConfigDef, ConfigKey, ConfigValues, Error, Result};

use millstream_api::java_regex::JavaRegex;

/// Whether a null field stands for its schema's default.
pub(crate) const REPLACE_NULL: &str = "replace.null.with.default";

fn replace_null() -> ConfigKey {
    ConfigKey::with_default(
        REPLACE_NULL,
        ConfigType::Boolean,
        true,
        Importance::Medium,
        "Whether a null in a field whose schema has a default is read as that default. Off: as null.",
    )
}

/// The settings with which a transformation is made, checked.
///
/// As in Java, that is not all of what validation checks: an item that is in one of the lists `distinct` twice counts once, and
/// whether nulls are replaced must not itself be null.
pub(crate) fn configured(def: &ConfigDef, config: &Config, distinct: &[&str]) -> Result<ConfigValues> {
    if config.contains(REPLACE_NULL) && config.get(REPLACE_NULL).is_none() && def.get(REPLACE_NULL).is_some() {
        return Err(Error::config(format!(
            "Invalid value null for configuration {REPLACE_NULL}: it must be true or false"
        )));
    }
    let mut config = config.clone();
    for key in distinct {
        let Some(text) = config.get(key) else { continue };
        let mut items: Vec<&str> = Vec::new();
        for item in text.split(',') {
            if item.trim().is_empty() || !items.iter().any(|known| known.trim() == item.trim()) {
                items.push(item);
            }
        }
        let items = items.join(",");
        config.set(*key, items);
    }
    def.validate(&config).into_valid()
}

fn required(name: &str, kind: ConfigType, importance: Importance, doc: &str) -> ConfigKey {
    ConfigKey::required(name, kind, importance, doc)
}

fn optional_text(name: &str, importance: Importance, doc: &str) -> ConfigKey {
    ConfigKey::nullable(name, ConfigType::String, importance, doc)
}

/// Only lists without duplicates and without empty items; `empty` says whether no item at all will do.
fn distinct(key: ConfigKey, empty: bool) -> ConfigKey {
    key.never_null().check(move |value| match value {
        Parsed::List(items) if items.is_empty() && !empty => Err("the list must not be empty".to_owned()),
        Parsed::List(items) => {
            let twice = items.iter().enumerate().find(|(place, item)| items.iter().take(*place).any(|i| i == *item));
            match twice {
                Some((_, item)) => Err(format!("{item:?} is in the list twice")),
                None if items.iter().any(String::is_empty) => Err("an item of the list is empty".to_owned()),
                None => Ok(()),
            }
        }
        _ => Err("the list must not be null".to_owned()),
    })
}

/// Only lists with an item.
fn not_empty(key: ConfigKey) -> ConfigKey {
    key.never_null().check(|value| match value {
        Parsed::List(items) if !items.is_empty() => Ok(()),
        _ => Err("the list must not be empty".to_owned()),
    })
}

/// Anything but null.
fn not_null(key: ConfigKey) -> ConfigKey {
    key.never_null()
}

/// Only these words, and not null. Not offered as recommendations: Java does not either.
fn one_of(key: ConfigKey, words: &'static [&'static str]) -> ConfigKey {
    key.never_null().check(move |value| match value {
        Parsed::Text(text) if words.contains(&text.as_str()) => Ok(()),
        Parsed::Text(text) => {
            let near = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            let hint = near.map(|word| format!(" (did you mean {word}?)")).unwrap_or_default();
            Err(format!("String must be one of: {}{hint}", words.join(", ")))
        }
        _ => Err(format!("String must be one of: {}", words.join(", "))),
    })
}

/// Only texts that are a regular expression of Java.
pub(crate) fn regular_expression(key: ConfigKey) -> ConfigKey {
    key.never_null().check(|value| match value {
        Parsed::Text(text) => JavaRegex::new(text).map(drop).map_err(|e| format!("Invalid regex: {e}")),
        _ => Err("Invalid regex: it is null".to_owned()),
    })
}

/// Types that Cast can cast to.
const CAST_TYPES: [&str; 8] = ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"];

/// The parts of one item of Cast's `spec`: a field, or none for the whole value, and the type in lower case.
///
/// An error is a sentence that names the item.
pub(crate) fn cast_item(item: &str) -> Result<(Option<&str>, String), String> {
    let (field, kind) = match item.split_once(':') {
        // Java forgets empty texts at the end of a split.
        Some((whole, "")) => (None, whole),
        Some((field, kind)) => (Some(field), kind),
        None => (None, item),
    };
    let lower = kind.trim().to_ascii_lowercase();
    match CAST_TYPES.contains(&lower.as_str()) {
        true => Ok((field.map(str::trim), lower)),
        false => Err(format!("{item:?} names no type to cast to; known are {}", CAST_TYPES.join(", "))),
    }
}

fn check_cast_spec(value: &Parsed) -> Result<(), String> {
    let Parsed::List(items) = value else { return Err("at least one field is needed".to_owned()) };
    let parts: Vec<_> = items.iter().map(|item| cast_item(item)).collect::<Result<_, _>>()?;
    let whole = parts.iter().filter(|(field, _)| field.is_none()).count();
    match (parts.len(), whole) {
        (0, _) => Err("at least one field is needed".to_owned()),
        (all, whole) if whole > 1 || (whole == 1 && all > 1) => {
            Err("a type without field casts the whole value, and stands alone".to_owned())
        }
        _ => Ok(()),
    }
}

/// The old and the new name of one item of ReplaceField's `renames`. An error is a sentence that names the item.
pub(crate) fn rename_item(item: &str) -> Result<(&str, &str), String> {
    match item.split_once(':') {
        Some((old, new)) if !new.is_empty() && !new.contains(':') => Ok((old, new)),
        _ => Err(format!("{item:?} is no pair of an old and a new name with a colon between")),
    }
}

fn check_renames(value: &Parsed) -> Result<(), String> {
    match value {
        Parsed::List(items) => items.iter().try_for_each(|item| rename_item(item).map(drop)),
        _ => Err("the list must not be null".to_owned()),
    }
}

/// Cast.
pub(crate) static CAST: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(
            required(
                "spec",
                ConfigType::List,
                Importance::High,
                "What to cast to what: a list of field:type, or one type for the whole value. Types are int8, int16, int32, int64, \
                 float32, float64, boolean and string. Bytes can become a string only.",
            )
            .never_null()
            .check(check_cast_spec),
        )
        .key(replace_null())
});

/// DropHeaders.
pub(crate) static DROP_HEADERS: LazyLock<ConfigDef> = LazyLock::new(|| {
    let headers = required("headers", ConfigType::List, Importance::High, "Names of the headers to remove.");
    ConfigDef::new().key(distinct(headers, false))
});

/// ExtractField.
pub(crate) static EXTRACT_FIELD: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(required("field", ConfigType::String, Importance::Medium, "The field whose value takes the place of the whole."))
        .key(replace_null())
        .key(
            ConfigKey::with_default(
                "field.syntax.version",
                ConfigType::String,
                "V1",
                Importance::High,
                "How the field is named. V1: a field of the top level. V2: a path with dots between its steps; a step that holds a \
                 dot itself stands between backticks.",
            )
            .never_null()
            .check(|value| match value {
                Parsed::Text(text) if ["V1", "V2"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Ok(()),
                _ => Err("String must be one of (case insensitive): V1, V2".to_owned()),
            }),
        )
});

/// Filter.
pub(crate) static FILTER: LazyLock<ConfigDef> = LazyLock::new(ConfigDef::new);

/// Flatten.
pub(crate) static FLATTEN: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new().key(ConfigKey::with_default(
        "delimiter",
        ConfigType::String,
        ".",
        Importance::Medium,
        "What stands between the names of outer and inner field in the name of a flat field.",
    ))
});

/// HeaderFrom.
pub(crate) static HEADER_FROM: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(not_empty(required(
            "fields",
            ConfigType::List,
            Importance::High,
            "Names of the fields whose values become headers.",
        )))
        .key(not_empty(required(
            "headers",
            ConfigType::List,
            Importance::High,
            "Names of the headers, one for each field, in the same order.",
        )))
        .key(one_of(
            required(
                "operation",
                ConfigType::String,
                Importance::High,
                "move: the fields are removed from the key or value. copy: they stay.",
            ),
            &["move", "copy"],
        ))
        .key(replace_null())
});

/// HoistField.
pub(crate) static HOIST_FIELD: LazyLock<ConfigDef> = LazyLock::new(|| {
    let doc = "Name of the one field of the struct or map that will hold the whole.";
    ConfigDef::new().key(required("field", ConfigType::String, Importance::Medium, doc))
});

/// InsertField.
pub(crate) static INSERT_FIELD: LazyLock<ConfigDef> = LazyLock::new(|| {
    let field = |name: &str, what: &str| {
        let doc =
            format!("Field for {what}. A ! at the end makes the field required, a ? optional, which is the default.");
        optional_text(name, Importance::Medium, &doc)
    };
    ConfigDef::new()
        .key(field("topic.field", "the record's topic"))
        .key(field("partition.field", "the record's partition"))
        .key(field("offset.field", "the record's offset; of sink connectors only"))
        .key(field("timestamp.field", "the record's timestamp"))
        .key(field("static.field", "static.value"))
        .key(optional_text("static.value", Importance::Medium, "The value of static.field."))
        .key(replace_null())
});

/// InsertHeader.
pub(crate) static INSERT_HEADER: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(not_null(required("header", ConfigType::String, Importance::High, "Name of the header to add.")))
        .key(not_null(required(
            "value.literal",
            ConfigType::String,
            Importance::High,
            "The value of the header; its type is found by what it looks like, as SimpleHeaderConverter does.",
        )))
});

/// MaskField.
pub(crate) static MASK_FIELD: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(distinct(required("fields", ConfigType::List, Importance::High, "Names of the fields to mask."), false))
        .key(
            optional_text(
                "replacement",
                Importance::Low,
                "What takes the place of the fields' values, which must be numbers or texts then. Without it: the zero or \
                 empty value of their type.",
            )
            .not_empty(),
        )
        .key(replace_null())
});

/// RegexRouter.
pub(crate) static REGEX_ROUTER: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(regular_expression(required(
            "regex",
            ConfigType::String,
            Importance::High,
            "The regular expression that the whole name of a topic must match.",
        )))
        .key(required(
            "replacement",
            ConfigType::String,
            Importance::High,
            "The new name; $1 and ${name} stand for groups of the expression.",
        ))
});

/// ReplaceField.
pub(crate) static REPLACE_FIELD: LazyLock<ConfigDef> = LazyLock::new(|| {
    let list = |name: &str, doc: &str| ConfigKey::with_default(name, ConfigType::List, "", Importance::Medium, doc);
    ConfigDef::new()
        .key(distinct(list("exclude", "Fields to leave out. Counts more than include."), true))
        .key(distinct(list("include", "Fields to keep; the others are left out. Empty: all are kept."), true))
        .key(list("renames", "Fields to rename: a list of old:new.").never_null().check(check_renames))
        .key(replace_null())
});

/// SetSchemaMetadata.
pub(crate) static SET_SCHEMA_METADATA: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(optional_text("schema.name", Importance::High, "The schema's new name."))
        .key(ConfigKey::nullable("schema.version", ConfigType::Int, Importance::High, "The schema's new version."))
        .key(replace_null())
});

/// TimestampConverter.
pub(crate) static TIMESTAMP_CONVERTER: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(ConfigKey::with_default(
            "field",
            ConfigType::String,
            "",
            Importance::High,
            "The field that holds the timestamp. Empty: the whole key or value is one.",
        ))
        .key(one_of(
            required(
                "target.type",
                ConfigType::String,
                Importance::High,
                "What to make of it: string, unix (a number), Date, Time or Timestamp.",
            ),
            &["string", "unix", "Date", "Time", "Timestamp"],
        ))
        .key(ConfigKey::with_default(
            "format",
            ConfigType::String,
            "",
            Importance::Medium,
            "The pattern, as of Java's SimpleDateFormat, in which texts are written, or read.",
        ))
        .key(one_of(
            ConfigKey::with_default(
                "unix.precision",
                ConfigType::String,
                "milliseconds",
                Importance::Low,
                "What numbers count: seconds, milliseconds, microseconds or nanoseconds. Nothing finer than a millisecond \
                 survives a conversion.",
            ),
            &["nanoseconds", "microseconds", "milliseconds", "seconds"],
        ))
        .key(replace_null())
});

/// TimestampRouter.
pub(crate) static TIMESTAMP_ROUTER: LazyLock<ConfigDef> = LazyLock::new(|| {
    ConfigDef::new()
        .key(ConfigKey::with_default(
            "topic.format",
            ConfigType::String,
            "${topic}-${timestamp}",
            Importance::High,
            "The new name of the topic; ${topic} stands for the old one, ${timestamp} for the record's formatted timestamp.",
        ))
        .key(ConfigKey::with_default(
            "timestamp.format",
            ConfigType::String,
            "yyyyMMdd",
            Importance::High,
            "The pattern, as of Java's SimpleDateFormat, in which the timestamp is written, in UTC.",
        ))
});

/// ValueToKey.
pub(crate) static VALUE_TO_KEY: LazyLock<ConfigDef> = LazyLock::new(|| {
    let fields = required("fields", ConfigType::List, Importance::High, "Fields of the value that make the key.");
    ConfigDef::new().key(distinct(fields, false)).key(replace_null())
});

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of errors on a key of this value.
    fn errors(def: &ConfigDef, key: &str, value: Option<&str>) -> usize {
        let config: Config = [(key.to_owned(), value.map(str::to_owned))].into_iter().collect();
        def.validate(&config).get(key).unwrap().errors.len()
    }

    /// A definition, one of its keys, values that it takes and values that it does not.
    type Case = (&'static ConfigDef, &'static str, &'static [Option<&'static str>], &'static [Option<&'static str>]);

    #[test]
    fn single_settings_are_judged_as_kafka_connect_judges_them() {
        let cases: &[Case] = &[
            (
                &CAST,
                "spec",
                &[Some("int8"), Some("a:INT8,b:string"), Some("a:int8,a:int16"), Some("int8:")],
                &[
                    Some(""),
                    None,
                    Some(","),
                    Some("a"),
                    Some("a:bytes"),
                    Some("int8,int16"),
                    Some("a:int8:x"),
                    Some(":"),
                ],
            ),
            (&DROP_HEADERS, "headers", &[Some("a,b")], &[Some(""), None, Some("a,a"), Some("a,,b"), Some(",")]),
            (&REPLACE_FIELD, "include", &[Some(""), Some("a,b")], &[None, Some("a,a"), Some("a,,b")]),
            (
                &REPLACE_FIELD,
                "renames",
                &[Some(""), Some("a:b"), Some(":b"), Some("a:b,a:c")],
                &[None, Some("a"), Some("a:"), Some(":"), Some("a:b:c")],
            ),
            (&HEADER_FROM, "fields", &[Some("a,a"), Some(",")], &[Some(""), None]),
            (&HEADER_FROM, "operation", &[Some("move"), Some("copy")], &[Some("Move"), Some(""), None]),
            (&INSERT_HEADER, "value.literal", &[Some("")], &[None]),
            (&MASK_FIELD, "replacement", &[Some("x"), None], &[Some(""), Some(" ")]),
            (&EXTRACT_FIELD, "field.syntax.version", &[Some("v2")], &[Some("V3"), Some(""), None]),
            (&EXTRACT_FIELD, "field", &[Some(""), None], &[]),
            (&REGEX_ROUTER, "regex", &[Some("a.*"), Some("")], &[Some("["), None]),
            (&TIMESTAMP_CONVERTER, "target.type", &[Some("Date")], &[Some("date"), Some(""), None]),
        ];
        for (def, key, good, bad) in cases {
            for value in *good {
                assert_eq!(errors(def, key, *value), 0, "{key} {value:?}");
            }
            for value in *bad {
                assert_eq!(errors(def, key, *value), 1, "{key} {value:?}");
            }
        }
    }
}
