//! `access.control.*`: pages of other origins that may call the API.

use millstream_api::ConfigValues;
use regex::{Regex, RegexBuilder};

const ORIGIN: &str = "access.control.allow.origin";
const METHODS: &str = "access.control.allow.methods";

/// Who may call, with which methods.
#[derive(Clone, Debug)]
pub struct CrossOrigin {
    origins: Vec<Origin>,
    /// Methods a preflight answer names.
    pub methods: Vec<String>,
}

#[derive(Clone, Debug)]
enum Origin {
    Any,
    Matching(Regex),
}

impl CrossOrigin {
    pub(super) fn of(values: &mut ConfigValues) -> Option<Self> {
        let text = values.text(ORIGIN).filter(|text| !text.trim().is_empty())?.to_owned();
        let mut origins = Vec::new();
        for item in items(&text) {
            // Each is a regular expression in any case, as in the server that Kafka Connect is built on.
            match (item, RegexBuilder::new(&format!("^(?:{item})$")).case_insensitive(true).build()) {
                ("*", _) => origins.push(Origin::Any),
                (_, Ok(regex)) => origins.push(Origin::Matching(regex)),
                (_, Err(_)) => values.error(
                    ORIGIN,
                    format!("Invalid value {item} for configuration {ORIGIN}: it is neither an origin nor a regular expression"),
                ),
            }
        }
        let methods: Vec<_> = items(values.text(METHODS).unwrap_or_default()).map(str::to_owned).collect();
        let methods = match methods.is_empty() {
            true => ["GET", "POST", "HEAD"].map(str::to_owned).to_vec(),
            false => methods,
        };
        Some(Self { origins, methods })
    }

    /// May a page call that has one of these origins (with blanks between them)?
    pub fn allows(&self, origins: &str) -> bool {
        origins.split_whitespace().any(|origin| {
            self.origins.iter().any(|allowed| match allowed {
                Origin::Any => true,
                Origin::Matching(regex) => regex.is_match(origin),
            })
        })
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
