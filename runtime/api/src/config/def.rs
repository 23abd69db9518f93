//! Definitions of settings: what a key is called, takes, defaults to and is shown as.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{Config, ConfigValue, ConfigValues, Parsed};

/// Types of settings, named as Kafka's ConfigDef names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigType {
    /// `true` or `false`, any case.
    Boolean,
    /// Text, trimmed.
    String,
    /// 32-bit integer.
    Int,
    /// 16-bit integer.
    Short,
    /// 64-bit integer.
    Long,
    /// Floating-point number.
    Double,
    /// Texts between commas; blanks around them do not count; the empty text is the empty list.
    List,
    /// Name of a plugin class.
    Class,
    /// A secret.
    Password,
}

impl ConfigType {
    /// The name in REST answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How much a setting matters to most users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Everyone sets it.
    High,
    /// Many set it.
    Medium,
    /// Few set it.
    Low,
}

impl Importance {
    /// The name in REST answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }
}

/// How wide a form should show the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Not said.
    None,
    /// A word.
    Short,
    /// A few words.
    Medium,
    /// A line.
    Long,
}

impl Width {
    /// The name in REST answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Short => "SHORT",
            Self::Medium => "MEDIUM",
            Self::Long => "LONG",
        }
    }
}

/// What counts when the key is not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// Nothing: the key is required.
    Required,
    /// Null.
    Null,
    /// This text, parsed as the key's type.
    Text(String),
}

/// A check of one parsed value; an error is a sentence that need not name the key.
pub type Validator = Arc<dyn Fn(&Parsed) -> Result<(), String> + Send + Sync>;

/// One setting.
#[derive(Clone)]
pub struct ConfigKey {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ConfigType,
    /// What counts when it is not given.
    pub default: Default,
    /// How much it matters.
    pub importance: Importance,
    /// What it does, in our words.
    pub documentation: String,
    /// Group in forms.
    pub group: Option<String>,
    /// Place within the group; -1 without one.
    pub order_in_group: i32,
    /// Width in forms.
    pub width: Width,
    /// Name in forms.
    pub display_name: String,
    /// Keys whose validity or visibility depends on this one.
    pub dependents: Vec<String>,
    /// Values offered in forms (and, with [`ConfigKey::one_of`], the only ones taken).
    pub recommended: Vec<String>,
    /// Left out of REST answers.
    pub internal: bool,
    pub(super) never_null: bool,
    pub(super) mask: Option<fn(&str) -> String>,
    pub(super) validators: Vec<Validator>,
}

impl ConfigKey {
    /// A required key.
    pub fn required(
        name: impl Into<String>,
        kind: ConfigType,
        importance: Importance,
        documentation: impl Into<String>,
    ) -> Self {
        Self::build(name.into(), kind, Default::Required, importance, documentation.into())
    }

    /// A key with a default.
    pub fn with_default(
        name: impl Into<String>,
        kind: ConfigType,
        default: impl ToString,
        importance: Importance,
        documentation: impl Into<String>,
    ) -> Self {
        Self::build(name.into(), kind, Default::Text(default.to_string()), importance, documentation.into())
    }

    /// A key whose default is null.
    pub fn nullable(
        name: impl Into<String>,
        kind: ConfigType,
        importance: Importance,
        documentation: impl Into<String>,
    ) -> Self {
        Self::build(name.into(), kind, Default::Null, importance, documentation.into())
    }

    fn build(name: String, kind: ConfigType, default: Default, importance: Importance, documentation: String) -> Self {
        Self {
            display_name: name.clone(),
            name,
            kind,
            default,
            importance,
            documentation,
            group: None,
            order_in_group: -1,
            width: Width::None,
            dependents: Vec::new(),
            recommended: Vec::new(),
            internal: false,
            never_null: false,
            mask: None,
            validators: Vec::new(),
        }
    }

    /// Where and how forms show the key.
    pub fn shown(mut self, group: &str, order: i32, width: Width, display_name: &str) -> Self {
        self.group = Some(group.to_owned());
        self.order_in_group = order;
        self.width = width;
        self.display_name = display_name.to_owned();
        self
    }

    /// Keys that depend on this one.
    pub fn dependents<'a>(mut self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        self.dependents = keys.into_iter().map(str::to_owned).collect();
        self
    }

    /// Adds a check; all checks run, in order, until one fails.
    pub fn check(mut self, validator: impl Fn(&Parsed) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.validators.push(Arc::new(validator));
        self
    }

    /// Null is wrong, be it given or what became of an unreadable value (which then has two errors, as Kafka Connect counts them).
    pub fn never_null(mut self) -> Self {
        self.never_null = true;
        self
    }

    /// Only numbers from `min` on.
    pub fn at_least(self, min: i64) -> Self {
        self.between(min, i64::MAX)
    }

    /// Only numbers from `min` to `max`.
    pub fn between(self, min: i64, max: i64) -> Self {
        self.check(move |value| match value {
            Parsed::Int(n) if *n < min => Err(format!("Value must be at least {min}")),
            Parsed::Int(n) if *n > max => Err(format!("Value must be no more than {max}")),
            _ => Ok(()),
        })
    }

    /// Only these words (exact case), which are recommended too. Null passes.
    pub fn one_of<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        self.recommended.clone_from(&words);
        self.check(move |value| match value {
            Parsed::Text(text) if !words.contains(text) => {
                let near = words.iter().find(|word| word.eq_ignore_ascii_case(text));
                let hint = near.map(|word| format!(" (did you mean {word}?)")).unwrap_or_default();
                Err(format!("String must be one of: {}{hint}", words.join(", ")))
            }
            _ => Ok(()),
        })
    }

    /// Words offered in forms, without forbidding others.
    pub fn recommend<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.recommended = words.into_iter().map(str::to_owned).collect();
        self
    }

    /// The text must not be empty.
    pub fn not_empty(self) -> Self {
        self.check(|value| match value {
            Parsed::Text(text) if text.is_empty() => Err("String must be non-empty".to_owned()),
            _ => Ok(()),
        })
    }

    pub(super) fn show(&self, text: String) -> String {
        match self.mask {
            Some(mask) => mask(&text),
            None => text,
        }
    }

    /// Shows a text through `mask`, wherever it is shown: for a text that may hold a password among other things.
    pub fn masked(mut self, mask: fn(&str) -> String) -> Self {
        self.mask = Some(mask);
        self
    }

    /// Leaves the key out of REST answers.
    pub fn internal(mut self) -> Self {
        self.internal = true;
        self
    }
}

/// A set of settings, in the order they were added.
#[derive(Clone, std::default::Default)]
pub struct ConfigDef {
    keys: IndexMap<String, ConfigKey>,
}

impl ConfigDef {
    /// Without any key.
    pub fn new() -> Self {
        <Self as std::default::Default>::default()
    }

    /// Adds a key. A key of the same name is replaced, at its place.
    pub fn key(mut self, key: ConfigKey) -> Self {
        self.keys.insert(key.name.clone(), key);
        self
    }

    /// Adds all keys of another definition.
    pub fn extend(mut self, other: &Self) -> Self {
        for key in other.keys.values() {
            self.keys.insert(key.name.clone(), key.clone());
        }
        self
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &ConfigKey> {
        self.keys.values()
    }

    /// One key.
    pub fn get(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.get(name)
    }

    /// Parses and checks every key of the definition. Keys of `config` that are not defined are left out.
    pub fn validate(&self, config: &Config) -> ConfigValues {
        ConfigValues::new(self.keys.values().map(|key| ConfigValue::of(key.clone(), config)))
    }
}
