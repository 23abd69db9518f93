//! Reads JSON that a user wrote: flat maps of settings, and errors that name the key and the position but never show a value.

use std::fmt;

use millstream_api::{Config, Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's entries in the order given, their values still as text of the document.
pub(crate) struct Entries<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    entries.push((key, map.next_value::<&RawValue>()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A document that is being read: knows where each part of it stands.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    text: &'a str,
    what: &'a str,
}

impl<'a> Document<'a> {
    /// `what` names the document in errors, as "the body" or a file's name.
    pub(crate) fn new(bytes: &'a [u8], what: &'a str) -> Result<Self> {
        let text = std::str::from_utf8(bytes)
            .map_err(|e| Error::config(format!("{what} is not UTF-8 text (byte {})", e.valid_up_to() + 1)))?;
        if text.trim_ascii().is_empty() {
            return Err(Error::config(format!("{what} is empty")).hint("a JSON object is expected"));
        }
        Ok(Self { text, what })
    }

    /// The entries of the outermost object.
    pub(crate) fn entries(self) -> Result<Vec<(String, &'a RawValue)>> {
        let whole: &RawValue =
            serde_json::from_str(self.text).map_err(|e| Error::config(format!("{} is not JSON: {e}", self.what)))?;
        self.object(whole, None)
    }

    /// The entries of an object in the document; `key` is where it stands.
    pub(crate) fn object(self, raw: &'a RawValue, key: Option<&str>) -> Result<Vec<(String, &'a RawValue)>> {
        let kind = kind_of(raw);
        if kind != Kind::Object {
            return Err(self.wrong(key, raw, &format!("a JSON object is expected, not {}", kind.as_str())));
        }
        serde_json::from_str::<Entries<'a>>(raw.get())
            .map(|entries| entries.0)
            .map_err(|e| self.wrong(key, raw, &format!("cannot be read: {e}")))
    }

    /// The items of the outermost array.
    pub(crate) fn items(self) -> Result<Vec<&'a RawValue>> {
        let whole: &RawValue =
            serde_json::from_str(self.text).map_err(|e| Error::config(format!("{} is not JSON: {e}", self.what)))?;
        let kind = kind_of(whole);
        if kind != Kind::Array {
            return Err(self.wrong(None, whole, &format!("a JSON array is expected, not {}", kind.as_str())));
        }
        serde_json::from_str(whole.get()).map_err(|e| self.wrong(None, whole, &format!("cannot be read: {e}")))
    }

    /// A scalar as text: strings unescaped, numbers and booleans exactly as written, null as `None`.
    pub(crate) fn scalar(self, key: &str, raw: &RawValue) -> Result<Option<String>> {
        match kind_of(raw) {
            Kind::Null => Ok(None),
            Kind::Scalar => Ok(Some(raw.get().to_owned())),
            Kind::Text => serde_json::from_str(raw.get())
                .map(Some)
                .map_err(|_| self.wrong(Some(key), raw, "is not a JSON string (half of a surrogate pair)")),
            kind => Err(self.wrong(
                Some(key),
                raw,
                &format!("a string, number, boolean or null is expected, not {}", kind.as_str()),
            )),
        }
    }

    /// A flat map of settings. A key given twice counts as the last says.
    pub(crate) fn settings(self, entries: Vec<(String, &'a RawValue)>) -> Result<Config> {
        let mut config = Config::new();
        for (key, raw) in entries {
            let value = self.scalar(&key, raw)?;
            config.set_nullable(key, value);
        }
        Ok(config)
    }

    /// An error about a part of the document.
    pub(crate) fn wrong(self, key: Option<&str>, raw: &RawValue, reason: &str) -> Error {
        let (line, column) = self.position(raw);
        let subject = match key {
            Some(key) => format!("key \"{}\" in {}", key.escape_debug(), self.what),
            None => self.what.to_owned(),
        };
        Error::config(format!("{subject}: {reason}")).at(format!("line {line} column {column}"))
    }

    /// Line and column, both from 1. `raw` borrows from the document, so its address says where it stands.
    fn position(self, raw: &RawValue) -> (usize, usize) {
        let offset = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Text,
    Scalar,
    Null,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Text => "a string",
            Self::Scalar => "a number or boolean",
            Self::Null => "null",
        }
    }
}

fn kind_of(raw: &RawValue) -> Kind {
    match raw.get().bytes().next() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::Text,
        Some(b'n') => Kind::Null,
        _ => Kind::Scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Config> {
        let document = Document::new(text.as_bytes(), "the body")?;
        document.settings(document.entries()?)
    }

    #[test]
    fn numbers_and_booleans_keep_their_text() {
        let config =
            settings(r#"{"a":1.10,"b":1e3,"c":-0,"d":12345678901234567890,"e":true,"f":null,"a":"\u00e9"}"#).unwrap();
        let values: Vec<_> = config.iter().collect();
        assert_eq!(
            values,
            [
                ("a", Some("é")),
                ("b", Some("1e3")),
                ("c", Some("-0")),
                ("d", Some("12345678901234567890")),
                ("e", Some("true")),
                ("f", None)
            ]
        );
    }

    #[test]
    fn errors_name_key_and_position_and_show_no_value() {
        let error = settings("{\n \"a\": 1,\n  \"b\": {\"password\":\"s3cret\"}}").unwrap_err().to_string();
        assert!(error.contains("key \"b\"") && error.contains("line 3 column 8"), "{error}");
        for text in ["\"s3cret\"", "[\"s3cret\"]", "{\"a\":s3cret}", "{\"a\":\"s3cret\"} x", "{\"a\":[\"s3cret\"]}"] {
            let error = settings(text).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
            assert_eq!(error.kind(), millstream_api::ErrorKind::Config);
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused() {
        for text in
            ["", " \n", "null", "1", "true", "[]", "{", "{}{}", "{'a':1}", "{\"a\":NaN}", "// c\n{}", "\u{feff}{}"]
        {
            assert!(settings(text).is_err(), "{text}");
        }
        assert!(Document::new(b"{\"a\":\"\xff\"}", "the body").is_err());
        assert!(settings("{\"a\":\"\\ud800\"}").is_err());
    }
}
