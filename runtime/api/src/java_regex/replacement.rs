//! Replacements: text with `$1` and `${name}` for what groups of an expression matched.

use fancy_regex::{Captures, Regex};

/// A parsed replacement.
#[derive(Debug)]
pub struct Replacement(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    /// The digits after a dollar: as many count as make the number of a group.
    Numbered(String),
    Named(String),
}

impl Replacement {
    /// Of a text in which `\` makes the next character plain. An error is a sentence.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => plain.push(chars.next().ok_or("the replacement ends with a backslash")?),
                '$' => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    let mut name = String::new();
                    if chars.next_if_eq(&'{').is_some() {
                        while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                            name.push(c);
                        }
                        let good = name.starts_with(|c: char| c.is_ascii_alphabetic());
                        if !good || chars.next() != Some('}') {
                            return Err("${ in the replacement is not followed by the name of a group and }".to_owned());
                        }
                        parts.push(Part::Named(name));
                        continue;
                    }
                    while let Some(c) = chars.next_if(char::is_ascii_digit) {
                        name.push(c);
                    }
                    if name.is_empty() {
                        return Err(
                            "$ in the replacement is not followed by the number or the name of a group".to_owned()
                        );
                    }
                    parts.push(Part::Numbered(name));
                }
                other => plain.push(other),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Appends the replacement of what an expression found. A group without a match is the empty text; a group that is not there
    /// an error.
    pub(super) fn append(&self, found: &Captures<'_, str>, regex: &Regex, out: &mut String) -> Result<(), String> {
        let groups = regex.captures_len();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Named(name) => match found.name(name) {
                    Some(group) => out.push_str(group.as_str()),
                    None if regex.capture_names().flatten().any(|known| known == name) => {}
                    None => return Err(format!("the expression has no group named {name}")),
                },
                Part::Numbered(digits) => {
                    let taken = (1..=digits.len())
                        .rev()
                        .find(|len| *len == 1 || digits[..*len].parse::<usize>().is_ok_and(|number| number < groups));
                    let (number, rest) = digits.split_at(taken.unwrap_or(1));
                    let number: usize = number.parse().unwrap_or(usize::MAX);
                    if number >= groups {
                        return Err(format!("the expression has no group {number}"));
                    }
                    out.push_str(found.get(number).map_or("", |group| group.as_str()));
                    out.push_str(rest);
                }
            }
        }
        Ok(())
    }
}
