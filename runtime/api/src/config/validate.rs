//! Parsed settings and the verdict on each.

use indexmap::IndexMap;

use super::{Config, ConfigKey, ConfigType, Default, Secret};
use crate::error::{Error, Result};

/// A setting's value after parsing.
#[derive(Clone, Debug, PartialEq)]
pub enum Parsed {
    /// Not given and without default, or not parseable.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// INT, SHORT, LONG.
    Int(i64),
    /// DOUBLE.
    Double(f64),
    /// STRING, CLASS.
    Text(String),
    /// LIST.
    List(Vec<String>),
    /// PASSWORD.
    Password(Secret),
}

/// One setting, its value and what is wrong with it.
#[derive(Clone)]
pub struct ConfigValue {
    /// The setting.
    pub key: ConfigKey,
    /// Its value.
    pub parsed: Parsed,
    /// What is wrong, a sentence each.
    pub errors: Vec<String>,
    /// Values to offer.
    pub recommended: Vec<String>,
    /// False when the setting does not apply with the others as they are.
    pub visible: bool,
    /// True when the configuration names the key.
    pub given: bool,
    /// Shown in place of the value: what the configuration says where the value itself came from elsewhere and may be a secret.
    pub shown: Option<String>,
    /// False for a key that no definition has and that is there for what is wrong with it.
    pub defined: bool,
}

impl ConfigValue {
    pub(super) fn of(key: ConfigKey, config: &Config) -> Self {
        let name = key.name.clone();
        let given = config.contains(&name);
        let raw = match (config.get(&name), &key.default) {
            (Some(text), _) => Ok(Some(text.to_owned())),
            (None, Default::Text(text)) if !given => Ok(Some(text.clone())),
            (None, Default::Required) if !given => {
                Err(format!("Missing required configuration \"{name}\" which has no default value."))
            }
            (None, _) => Ok(None),
        };
        let mut errors = Vec::new();
        let parsed = match raw {
            Ok(None) => Parsed::Null,
            Ok(Some(text)) => parse(key.kind, &text).unwrap_or_else(|reason| {
                let shown = match key.kind {
                    ConfigType::Password => Secret::HIDDEN.to_owned(),
                    _ => key.show(text),
                };
                errors.push(format!("Invalid value {shown} for configuration {name}: {reason}"));
                Parsed::Null
            }),
            Err(missing) => {
                errors.push(missing);
                Parsed::Null
            }
        };
        if key.never_null && parsed == Parsed::Null && (given || !errors.is_empty()) {
            // Kafka's ranges and lists of words judge the null that stands for an unreadable value, too.
            errors.push(format!("Invalid value null for configuration {name}: Value must be non-null"));
        }
        if errors.is_empty()
            && let Some(Err(reason)) = key.validators.iter().map(|check| check(&parsed)).find(Result::is_err)
        {
            let shown = text_of(&parsed).map_or_else(|| "null".to_owned(), |text| key.show(text));
            errors.push(format!("Invalid value {shown} for configuration {name}: {reason}"));
        }
        let recommended = key.recommended.clone();
        Self { recommended, key, parsed, errors, visible: true, given, shown: None, defined: true }
    }

    /// A value for a key that no definition has.
    pub fn undefined(name: impl Into<String>, value: Option<&str>) -> Self {
        let parsed = value.map_or(Parsed::Null, |text| Parsed::Text(text.to_owned()));
        Self {
            key: ConfigKey::nullable(name, ConfigType::String, super::Importance::Low, ""),
            parsed,
            errors: Vec::new(),
            recommended: Vec::new(),
            visible: true,
            given: value.is_some(),
            shown: None,
            defined: false,
        }
    }

    /// The value as REST shows it: text or null; lists joined by commas; secrets as `[hidden]`; through the key's mask.
    pub fn text(&self) -> Option<String> {
        self.shown.clone().or_else(|| text_of(&self.parsed).map(|text| self.key.show(text)))
    }

    /// The errors for a place that does not show the key: each names it.
    pub fn named_errors(&self) -> impl Iterator<Item = String> {
        let key = &self.key.name;
        self.errors.iter().map(move |error| match error.contains(key.as_str()) {
            true => error.clone(),
            false => format!("{key}: {error}"),
        })
    }
}

fn text_of(parsed: &Parsed) -> Option<String> {
    match parsed {
        Parsed::Null => None,
        Parsed::Bool(v) => Some(v.to_string()),
        Parsed::Int(v) => Some(v.to_string()),
        Parsed::Double(v) => Some(format!("{v:?}")),
        Parsed::Text(v) => Some(v.clone()),
        Parsed::List(v) => Some(v.join(",")),
        Parsed::Password(_) => Some(Secret::HIDDEN.to_owned()),
    }
}

/// Parses as Kafka's ConfigDef does: texts are trimmed, passwords are not.
fn parse(kind: ConfigType, text: &str) -> Result<Parsed, String> {
    // Java trims what is not above a blank, and nothing else; items of a list are parted with the blanks of its expressions.
    let trimmed = text.trim_matches(|c| c <= ' ');
    let item = |item: &str| item.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']).to_owned();
    let int = |min: i64, max: i64, what: &str| {
        let digits = trimmed.strip_prefix('+').filter(|rest| !rest.starts_with(['+', '-'])).unwrap_or(trimmed);
        let value: i64 = digits.parse().map_err(|_| format!("Not a number of type {what}"))?;
        if (min..=max).contains(&value) { Ok(Parsed::Int(value)) } else { Err(format!("Not a number of type {what}")) }
    };
    match kind {
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok(Parsed::Bool(true)),
        ConfigType::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok(Parsed::Bool(false)),
        ConfigType::Boolean => Err("Expected value to be either true or false".to_owned()),
        ConfigType::Int => int(i32::MIN.into(), i32::MAX.into(), "INT"),
        ConfigType::Short => int(i16::MIN.into(), i16::MAX.into(), "SHORT"),
        ConfigType::Long => int(i64::MIN, i64::MAX, "LONG"),
        ConfigType::Double => trimmed.parse().map(Parsed::Double).map_err(|_| "Not a number of type DOUBLE".to_owned()),
        ConfigType::String | ConfigType::Class => Ok(Parsed::Text(trimmed.to_owned())),
        ConfigType::List if trimmed.is_empty() => Ok(Parsed::List(Vec::new())),
        ConfigType::List => Ok(Parsed::List(trimmed.split(',').map(item).collect())),
        ConfigType::Password => Ok(Parsed::Password(Secret::new(text))),
    }
}

/// The verdict on a whole configuration, key by key in the order of the definition.
#[derive(Clone, std::default::Default)]
pub struct ConfigValues {
    values: IndexMap<String, ConfigValue>,
}

impl IntoIterator for ConfigValues {
    type Item = ConfigValue;
    type IntoIter = indexmap::map::IntoValues<String, ConfigValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_values()
    }
}

impl ConfigValues {
    /// Of these values.
    pub fn new(values: impl IntoIterator<Item = ConfigValue>) -> Self {
        Self { values: values.into_iter().map(|value| (value.key.name.clone(), value)).collect() }
    }

    /// Adds all values of another verdict after these.
    pub fn append(&mut self, other: Self) {
        self.values.extend(other.values);
    }

    /// Adds a value after these, in place of one of the same name.
    pub fn push(&mut self, value: ConfigValue) {
        self.values.insert(value.key.name.clone(), value);
    }

    /// All values, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigValue> {
        self.values.values()
    }

    /// One value.
    pub fn get(&self, name: &str) -> Option<&ConfigValue> {
        self.values.get(name)
    }

    /// All values, to change what they show.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut ConfigValue> {
        self.values.values_mut()
    }

    /// One value, to change its recommended values or visibility.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut ConfigValue> {
        self.values.get_mut(name)
    }

    /// Says what is wrong with a key. A key that is not in the definition is added, so that nothing is lost.
    pub fn error(&mut self, name: &str, message: impl Into<String>) {
        self.values
            .entry(name.to_owned())
            .or_insert_with(|| ConfigValue::undefined(name, None))
            .errors
            .push(message.into());
    }

    /// Number of errors over all keys.
    pub fn error_count(&self) -> usize {
        self.iter().map(|value| value.errors.len()).sum()
    }

    /// True when nothing is wrong.
    pub fn is_valid(&self) -> bool {
        self.error_count() == 0
    }

    /// An error of kind [`crate::ErrorKind::Config`] that lists everything wrong, or these values.
    pub fn into_valid(self) -> Result<Self> {
        if self.is_valid() {
            return Ok(self);
        }
        let all: Vec<_> = self.iter().flat_map(ConfigValue::named_errors).collect();
        Err(Error::config(all.join("\n")))
    }

    /// The text of a STRING or CLASS key; `None` when null.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.parsed(name) {
            Parsed::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an INT, SHORT or LONG key; `None` when null.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.parsed(name) {
            Parsed::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A BOOLEAN key; `None` when null.
    pub fn bool(&self, name: &str) -> Option<bool> {
        match self.parsed(name) {
            Parsed::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A LIST key; empty when null.
    pub fn list(&self, name: &str) -> &[String] {
        match self.parsed(name) {
            Parsed::List(items) => items,
            _ => &[],
        }
    }

    /// A PASSWORD key; `None` when null.
    pub fn password(&self, name: &str) -> Option<&Secret> {
        match self.parsed(name) {
            Parsed::Password(secret) => Some(secret),
            _ => None,
        }
    }

    fn parsed(&self, name: &str) -> &Parsed {
        self.values.get(name).map_or(&Parsed::Null, |value| &value.parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigDef, Importance};
    use super::*;

    fn def() -> ConfigDef {
        ConfigDef::new()
            .key(ConfigKey::required("file", ConfigType::String, Importance::High, ""))
            .key(ConfigKey::with_default("batch.size", ConfigType::Int, 2000, Importance::Low, "").at_least(1))
            .key(ConfigKey::nullable("password", ConfigType::Password, Importance::Low, "").internal())
            .key(ConfigKey::with_default("topics", ConfigType::List, "", Importance::Low, ""))
            .key(
                ConfigKey::with_default("codec", ConfigType::String, "snappy", Importance::Low, "")
                    .one_of(["none", "snappy"]),
            )
    }

    #[test]
    fn values_and_defaults() {
        let config: Config = [("file", " a "), ("topics", "a , b,c"), ("password", " x ")].into_iter().collect();
        let values = def().validate(&config).into_valid().unwrap();
        assert_eq!(values.text("file"), Some("a"));
        assert_eq!(values.int("batch.size"), Some(2000));
        assert_eq!(values.list("topics"), ["a", "b", "c"]);
        assert_eq!(values.password("password").unwrap().expose(), " x ");
        assert_eq!(values.get("password").unwrap().text().as_deref(), Some("[hidden]"));
    }

    #[test]
    fn each_error_stands_on_its_key() {
        let config: Config = [("batch.size", "0"), ("codec", "Snappy")].into_iter().collect();
        let values = def().validate(&config);
        assert_eq!(values.error_count(), 3);
        assert!(values.get("file").unwrap().errors[0].contains("Missing required"));
        assert!(values.get("batch.size").unwrap().errors[0].contains("at least 1"));
        assert!(values.get("codec").unwrap().errors[0].contains("did you mean snappy"));
        assert_eq!(values.into_valid().err().unwrap().kind(), crate::ErrorKind::Config);
    }

    #[test]
    fn a_masked_text_is_shown_through_its_mask() {
        let key = ConfigKey::required("url", ConfigType::String, Importance::High, "").masked(|_| "***".to_owned());
        let def = ConfigDef::new().key(key.check(|parsed| match parsed {
            Parsed::Text(text) if text.contains("secret") => Err("no".to_owned()),
            _ => Ok(()),
        }));
        let values = def.validate(&[("url", "a secret")].into_iter().collect());
        assert_eq!(values.get("url").unwrap().text().as_deref(), Some("***"));
        assert_eq!(values.get("url").unwrap().errors, ["Invalid value *** for configuration url: no"]);
        assert_eq!(values.text("url"), Some("a secret"), "for the connector it is what it is");
    }

    #[test]
    fn errors_shown_without_their_key_name_it() {
        let url = ConfigKey::required("url", ConfigType::String, Importance::High, "");
        let mut values = ConfigDef::new().key(url).validate(&Config::new());
        values.error("url", "nobody answers");
        let text = values.into_valid().map(drop).unwrap_err().to_string();
        assert_eq!(text, "Missing required configuration \"url\" which has no default value.\nurl: nobody answers");
    }

    #[test]
    fn a_null_is_wrong_where_none_may_be() {
        let key = ConfigKey::with_default("n", ConfigType::Int, 1, Importance::Low, "").at_least(1).never_null();
        let errors = |value: Option<&str>| {
            let config: Config = [("n".to_owned(), value.map(str::to_owned))].into_iter().collect();
            ConfigDef::new().key(key.clone()).validate(&config).error_count()
        };
        assert_eq!((errors(None), errors(Some("x")), errors(Some("0")), errors(Some("1"))), (1, 2, 1, 0));
        assert!(ConfigDef::new().key(key.clone()).validate(&Config::new()).is_valid());
    }

    #[test]
    fn a_number_out_of_its_type_is_refused() {
        let config: Config = [("file", "a"), ("batch.size", "2147483648")].into_iter().collect();
        assert_eq!(def().validate(&config).error_count(), 1);
    }
}
