//! What a JSON value or a text has to be like. The forms are listed in `tests/contract/README.md`.

use millstream_testbed::{Error, Result};
use regex::Regex;
use serde_json::Value;

/// A pattern, read from the YAML of a scenario.
#[derive(Debug, Clone)]
pub enum Pattern {
    Any,
    Absent,
    Text,
    Number,
    Regex(Regex),
    Json(Box<Pattern>),
    Exact(Value),
    Array(Vec<Pattern>),
    AnyOrder(Vec<Pattern>),
    Includes(Vec<Pattern>),
    Each(Box<Pattern>),
    All(Vec<Pattern>),
    Not(Box<Pattern>),
    Object { fields: Vec<(String, Pattern)>, more: bool },
}

impl Pattern {
    /// Reads a pattern; an unknown placeholder is an error.
    pub fn parse(value: &Value) -> Result<Pattern> {
        match value {
            Value::String(text) => Pattern::of_text(text),
            Value::Array(items) => Ok(Pattern::Array(parse_all(items)?)),
            Value::Object(fields) => {
                if let Some(special) = Pattern::special(value)? {
                    return Ok(special);
                }
                let mut read = Vec::new();
                for (name, field) in fields.iter().filter(|(name, _)| *name != "<more>") {
                    if name.starts_with('<') && name.ends_with('>') {
                        return Err(Error::new(format!("{name} must be the only name in its object")));
                    }
                    read.push((name.clone(), Pattern::parse(field)?));
                }
                Ok(Pattern::Object { fields: read, more: fields.contains_key("<more>") })
            }
            other => Ok(Pattern::Exact(other.clone())),
        }
    }

    fn of_text(text: &str) -> Result<Pattern> {
        let Some(inner) = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) else {
            return Ok(Pattern::Exact(Value::String(text.to_owned())));
        };
        match inner {
            "any" => Ok(Pattern::Any),
            "absent" => Ok(Pattern::Absent),
            "text" => Ok(Pattern::Text),
            "number" => Ok(Pattern::Number),
            _ => match inner.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
                Some(regex) => Ok(Pattern::Regex(Regex::new(regex)?)),
                None => Err(Error::new(format!("unknown placeholder {text}"))),
            },
        }
    }

    fn special(value: &Value) -> Result<Option<Pattern>> {
        let Some((name, inner)) = value.as_object().filter(|fields| fields.len() == 1).and_then(|f| f.iter().next())
        else {
            return Ok(None);
        };
        let items = || match inner {
            Value::Array(items) => parse_all(items),
            _ => Err(Error::new(format!("{name} needs an array"))),
        };
        Ok(Some(match name.as_str() {
            "<any order>" => Pattern::AnyOrder(items()?),
            "<includes>" => Pattern::Includes(items()?),
            "<all>" => Pattern::All(items()?),
            "<each>" => Pattern::Each(Box::new(Pattern::parse(inner)?)),
            "<json>" => Pattern::Json(Box::new(Pattern::parse(inner)?)),
            "<not>" => Pattern::Not(Box::new(Pattern::parse(inner)?)),
            _ => return Ok(None),
        }))
    }

    /// Whether only a text can be like this.
    pub fn is_text(&self) -> bool {
        matches!(self, Pattern::Text | Pattern::Regex(_) | Pattern::Json(_) | Pattern::Exact(Value::String(_)))
    }

    /// Where and why a value is not like this; `None` when it is.
    pub fn mismatch(&self, found: &Value) -> Option<String> {
        self.check(found, "").err().map(|(path, reason)| match path.is_empty() {
            true => reason,
            false => format!("{path}: {reason}"),
        })
    }

    /// The same for a text, such as a header or a body that is no JSON.
    pub fn text_mismatch(&self, found: Option<&str>) -> Option<String> {
        match (self, found) {
            (Pattern::Absent, None) => None,
            (Pattern::Absent, Some(found)) => Some(format!("expected none, got {found:?}")),
            (_, None) => Some(format!("expected {}, got none", self.shown())),
            (_, Some(found)) => self.mismatch(&Value::String(found.to_owned())),
        }
    }

    fn check(&self, found: &Value, path: &str) -> Result<(), (String, String)> {
        let fail = || Err((path.to_owned(), format!("expected {}, got {}", self.shown(), short(found))));
        match self {
            Pattern::Any => Ok(()),
            Pattern::Absent => Err((path.to_owned(), format!("expected nothing, got {}", short(found)))),
            Pattern::Text if found.as_str().is_some_and(|text| !text.is_empty()) => Ok(()),
            Pattern::Number if found.is_number() => Ok(()),
            Pattern::Regex(regex) if found.as_str().is_some_and(|text| regex.is_match(text)) => Ok(()),
            Pattern::Exact(value) if value == found => Ok(()),
            Pattern::Json(inner) => match found.as_str().map(serde_json::from_str::<Value>) {
                Some(Ok(value)) => inner.check(&value, &format!("{path}<json>")),
                _ => Err((path.to_owned(), format!("expected JSON in a text, got {}", short(found)))),
            },
            Pattern::Not(inner) => match inner.check(found, path) {
                Ok(()) => fail(),
                Err(_) => Ok(()),
            },
            Pattern::All(patterns) => patterns.iter().try_for_each(|pattern| pattern.check(found, path)),
            Pattern::Object { fields, more } => match found {
                Value::Object(there) => object(fields, *more, there, path),
                _ => fail(),
            },
            Pattern::Array(_) | Pattern::AnyOrder(_) | Pattern::Includes(_) | Pattern::Each(_) => match found {
                Value::Array(there) => self.array(there, path),
                _ => fail(),
            },
            _ => fail(),
        }
    }

    fn array(&self, found: &[Value], path: &str) -> Result<(), (String, String)> {
        match self {
            Pattern::Each(pattern) => {
                found.iter().enumerate().try_for_each(|(at, item)| pattern.check(item, &format!("{path}[{at}]")))
            }
            Pattern::Array(patterns) => {
                for (at, pattern) in patterns.iter().enumerate() {
                    let item = found.get(at).ok_or_else(|| {
                        (format!("{path}[{at}]"), format!("expected {}, the array ends before it", pattern.shown()))
                    })?;
                    pattern.check(item, &format!("{path}[{at}]"))?;
                }
                match found.get(patterns.len()) {
                    Some(extra) => Err((format!("{path}[{}]", patterns.len()), format!("unexpected {}", short(extra)))),
                    None => Ok(()),
                }
            }
            Pattern::AnyOrder(patterns) | Pattern::Includes(patterns) => {
                let mut free: Vec<&Value> = found.iter().collect();
                for pattern in patterns {
                    let there = free.iter().position(|item| pattern.check(item, "").is_ok());
                    let at = there.ok_or_else(|| {
                        let among = Value::Array(free.iter().map(|item| (*item).clone()).collect());
                        (path.to_owned(), format!("no item is {}, among {}", pattern.shown(), short(&among)))
                    })?;
                    free.remove(at);
                }
                match (self, free.first()) {
                    (Pattern::AnyOrder(_), Some(extra)) => {
                        Err((path.to_owned(), format!("unexpected {}", short(extra))))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn shown(&self) -> String {
        let list = |items: &[Pattern]| items.iter().map(Pattern::shown).collect::<Vec<_>>().join(", ");
        match self {
            Pattern::Any => "anything".to_owned(),
            Pattern::Absent => "nothing".to_owned(),
            Pattern::Text => "a text".to_owned(),
            Pattern::Number => "a number".to_owned(),
            Pattern::Regex(regex) => format!("/{regex}/"),
            Pattern::Json(inner) => format!("JSON text {}", inner.shown()),
            Pattern::Not(inner) => format!("not {}", inner.shown()),
            Pattern::Exact(value) => short(value),
            Pattern::Array(items) => format!("[{}]", list(items)),
            Pattern::AnyOrder(items) => format!("[{}] in any order", list(items)),
            Pattern::Includes(items) => format!("an array with {}", list(items)),
            Pattern::Each(inner) => format!("an array of {}", inner.shown()),
            Pattern::All(items) => list(items),
            Pattern::Object { fields, more } => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, field)| format!("{name:?}:{}", field.shown())).collect();
                format!("{{{}{}}}", fields.join(","), if *more { ",…" } else { "" })
            }
        }
    }
}

fn parse_all(items: &[Value]) -> Result<Vec<Pattern>> {
    items.iter().map(Pattern::parse).collect()
}

fn object(
    fields: &[(String, Pattern)],
    more: bool,
    found: &serde_json::Map<String, Value>,
    path: &str,
) -> Result<(), (String, String)> {
    for (name, pattern) in fields {
        let at = format!("{path}.{name}");
        match (found.get(name), pattern) {
            (None, Pattern::Absent) => {}
            (None, _) => return Err((at, format!("expected {}, is missing", pattern.shown()))),
            (Some(field), _) => pattern.check(field, &at)?,
        }
    }
    let known = |name: &String| fields.iter().any(|(field, _)| field == name);
    match found.iter().find(|(name, _)| !more && !known(name)) {
        Some((name, field)) => Err((format!("{path}.{name}"), format!("unexpected {}", short(field)))),
        None => Ok(()),
    }
}

/// JSON on one line, cut where it is long.
fn short(value: &Value) -> String {
    const LONG: usize = 300;
    let text = value.to_string();
    match text.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mismatch(pattern: Value, found: Value) -> Option<String> {
        Pattern::parse(&pattern).unwrap().mismatch(&found)
    }

    #[test]
    fn values_like_their_pattern() {
        for (pattern, found) in [
            (json!({"a": 1, "b": [true, null]}), json!({"b": [true, null], "a": 1})),
            (json!({"a": "<any>", "<more>": ""}), json!({"a": null, "b": 2})),
            (json!({"a": "<absent>"}), json!({})),
            (json!(["<text>", "<number>", "</^x+$/>"]), json!(["t", 1.5, "xx"])),
            (json!({"<any order>": [1, 2]}), json!([2, 1])),
            (json!({"<includes>": [{"a": 1, "<more>": ""}]}), json!([0, {"a": 1, "b": 2}])),
            (json!({"<each>": {"<not>": 3}}), json!([1, 2])),
            (json!({"<all>": ["<text>", "</b/>"]}), json!("abc")),
            (json!({"<json>": {"a": [1]}}), json!("{\"a\":[1]}")),
        ] {
            assert_eq!(mismatch(pattern.clone(), found.clone()), None, "{pattern} {found}");
        }
    }

    #[test]
    fn a_mismatch_names_its_place() {
        for (pattern, found, place) in [
            (json!({"a": [{"b": 1}]}), json!({"a": [{"b": 2}]}), ".a[0].b: expected 1, got 2"),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), ".b: unexpected 2"),
            (json!({"a": 1}), json!({}), ".a: expected 1, is missing"),
            (json!({"a": "<absent>"}), json!({"a": 0}), ".a: expected nothing, got 0"),
            (json!([1, 2]), json!([1]), "[1]: expected 2, the array ends before it"),
            (json!([1]), json!([1, 2]), "[1]: unexpected 2"),
            (json!({"<any order>": [1]}), json!([1, 2]), "unexpected 2"),
            (json!({"<any order>": [1, 1]}), json!([1, 2]), "no item is 1, among [2]"),
            (json!({"<each>": "<number>"}), json!([1, "x"]), "[1]: expected a number, got \"x\""),
            (json!("</a/>"), json!("b"), "expected /a/, got \"b\""),
            (json!("1"), json!(1), "expected \"1\", got 1"),
            (json!({"<json>": {"a": 1}}), json!("{\"a\":2}"), "<json>.a: expected 1, got 2"),
            (json!("<text>"), json!(""), "expected a text, got \"\""),
        ] {
            assert_eq!(mismatch(pattern, found).as_deref(), Some(place));
        }
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        for pattern in [json!("<anything>"), json!({"<each>": 1, "a": 2}), json!({"<all>": 1}), json!("</(/>")] {
            assert!(Pattern::parse(&pattern).is_err(), "{pattern}");
        }
    }
}
