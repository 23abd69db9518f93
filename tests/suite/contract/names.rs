//! The names that are new in each run, and their placeholders in a scenario.

use serde_json::Value;

/// Placeholders such as `{name}` and what each stands for.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// Lets `{placeholder}` stand for `value`.
    pub fn set(&mut self, placeholder: &str, value: impl Into<String>) {
        let key = format!("{{{placeholder}}}");
        self.0.retain(|(known, _)| *known != key);
        self.0.push((key, value.into()));
    }

    /// A text with its placeholders filled in; other braces stay.
    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    }

    /// JSON with the placeholders of its texts and names filled in.
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, field)| (self.text(name), self.json(field))).collect(),
            other => other.clone(),
        }
    }
}
