//! Patterns of topic names.

use millstream_api::java_regex::JavaRegex;

/// A regular expression that a whole topic name must match.
///
/// In Java's notation; what of it has no counterpart here is refused.
#[derive(Clone, Debug)]
pub struct TopicPattern(JavaRegex);

impl TopicPattern {
    /// Of an expression; the error is a sentence that does not name the setting.
    pub fn new(text: &str) -> Result<Self, String> {
        JavaRegex::new(text).map(Self).map_err(|e| format!("not a usable regular expression: {e}"))
    }

    /// True when the name matches. A search that is given up, since the expression makes it endless, is no match.
    pub fn is_match(&self, topic: &str) -> bool {
        self.0.is_match(topic).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_match() {
        let matches = |text: &str, topic: &str| TopicPattern::new(text).unwrap().is_match(topic);
        assert!(matches("a|b.*", "bc") && !matches("a|b.*", "ac"));
        assert!(matches(r"(?!internal)\w+-\d{2,}", "orders-17") && !matches(r"(?!internal).*", "internal-1"));
        assert!(matches(".*(?<!-dlq)", "orders") && !matches(".*(?<!-dlq)", "orders-dlq"));
        assert!(matches(r"\Qa.b\E\d++", "a.b17") && !matches(r"\Qa.b\E\d++", "axb17"));
        assert!(matches("[a-z&&[^x]]+", "abc") && !matches("[a-z&&[^x]]+", "axc"));
        assert!(TopicPattern::new(r"\X").is_err(), "no counterpart");
        assert!(TopicPattern::new("[").unwrap_err().contains("regular expression"));
        assert!(!matches("(a+)+\\1b", &"a".repeat(249)));
    }
}
