//! Java's regular expressions, and the replacements that go with them.

mod replacement;
#[cfg(test)]
mod tests;
mod translate;

use fancy_regex::Regex;

pub use replacement::Replacement;

/// A regular expression as Java reads it.
///
/// The pattern is translated into the notation of another engine: what has no counterpart there is refused when the expression is
/// made, not when it is used.
#[derive(Clone, Debug)]
pub struct JavaRegex {
    anywhere: Regex,
    whole: Regex,
}

impl JavaRegex {
    /// Of a pattern. An error is a sentence that does not name the setting.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let pattern = translate::translate(pattern)?;
        let compiled = |pattern: &str| Regex::new(pattern).map_err(|e| e.to_string());
        Ok(Self { anywhere: compiled(&pattern)?, whole: compiled(&format!(r"\A(?:{pattern})\z"))? })
    }

    /// True when the whole text matches. An error when the search was given up.
    pub fn is_match(&self, text: &str) -> Result<bool, String> {
        self.whole.is_match(text).map_err(|e| e.to_string())
    }

    #[cfg(test)]
    fn is_found(&self, text: &str) -> bool {
        self.anywhere.is_match(text).unwrap()
    }

    /// The text with its first match replaced; `None` without a match.
    pub fn replace_first(&self, text: &str, replacement: &Replacement) -> Result<Option<String>, String> {
        let Some(found) = self.anywhere.captures(text).map_err(|e| e.to_string())? else { return Ok(None) };
        let Some(whole) = found.get(0) else { return Ok(None) };
        let (before, after) = (text.get(..whole.start()), text.get(whole.end()..));
        let mut out = before.unwrap_or_default().to_owned();
        replacement.append(&found, &self.anywhere, &mut out)?;
        out.push_str(after.unwrap_or_default());
        Ok(Some(out))
    }
}
