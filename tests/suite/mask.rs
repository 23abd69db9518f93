//! Takes out of answers and records what two runs of one scenario cannot have in common.

use serde_json::Value;

/// Fields that tell which worker, build or moment it was.
const VOLATILE: [&str; 5] = ["worker_id", "generation", "version", "trace", "message"];

/// Names of one run and the placeholders they stand for in every run.
#[derive(Debug, Default)]
pub struct Mask {
    names: Vec<(String, String)>,
}

impl Mask {
    /// Shows `name` as `placeholder` from now on.
    pub fn add(&mut self, name: impl Into<String>, placeholder: &str) {
        self.names.push((name.into(), placeholder.to_owned()));
        // A name may be the beginning of another one.
        self.names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    /// Text with placeholders for names.
    pub fn text(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, placeholder)| text.replace(name, placeholder))
    }

    /// JSON with placeholders for names and volatile fields; a null stays null, for it is not volatile.
    pub fn json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, field)| match VOLATILE.contains(&name.as_str()) && !field.is_null() {
                    true => (self.text(name), Value::String(format!("<{name}>"))),
                    false => (self.text(name), self.json(field)),
                })
                .collect(),
            other => other.clone(),
        }
    }
}

/// The lines that only one of two transcripts holds, in order; empty when they are equal.
pub fn differences(names: (&str, &str), left: &[String], right: &[String]) -> Vec<String> {
    // The longest common run of lines, from each pair of places to the ends.
    let mut common = vec![vec![0usize; right.len() + 1]; left.len() + 1];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            common[l][r] = match left[l] == right[r] {
                true => common[l + 1][r + 1] + 1,
                false => common[l + 1][r].max(common[l][r + 1]),
            };
        }
    }
    let (mut l, mut r, mut found) = (0, 0, Vec::new());
    while l < left.len() || r < right.len() {
        if l < left.len() && r < right.len() && left[l] == right[r] {
            (l, r) = (l + 1, r + 1);
        } else if r == right.len() || l < left.len() && common[l + 1][r] >= common[l][r + 1] {
            found.push(format!("only {}: {}", names.0, left[l]));
            l += 1;
        } else {
            found.push(format!("only {}: {}", names.1, right[r]));
            r += 1;
        }
    }
    found
}

#[test]
fn differences_are_found_where_they_are() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert!(differences(("a", "b"), &lines("1 2 3"), &lines("1 2 3")).is_empty());
    assert_eq!(differences(("a", "b"), &lines("1 2 3 4"), &lines("1 3 5 4")), ["only a: 2", "only b: 5"]);
    assert_eq!(differences(("a", "b"), &lines("1 2"), &lines("2 1")), ["only a: 1", "only b: 1"]);
}
