//! Java's regular expressions.

use fancy_regex::Regex;

/// A regular expression as Java reads it.
#[derive(Debug)]
pub(crate) struct JavaRegex {
    whole: Regex,
}

impl JavaRegex {
    /// Of a pattern. An error is a sentence.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let whole = Regex::new(&format!("^(?:{pattern})\\z")).map_err(|e| e.to_string())?;
        Ok(Self { whole })
    }

    /// True when the whole text matches.
    pub fn is_match(&self, text: &str) -> Result<bool, String> {
        self.whole.is_match(text).map_err(|e| e.to_string())
    }
}
