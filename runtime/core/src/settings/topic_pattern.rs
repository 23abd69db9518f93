//! Patterns of topic names.

use fancy_regex::Regex;

/// A regular expression that a whole topic name must match.
///
/// Read by an engine that has what Java's have and linear ones do not (looking ahead and behind, back references).
#[derive(Clone, Debug)]
pub struct TopicPattern(Regex);

impl TopicPattern {
    /// Of an expression; the error is a sentence that does not name the setting.
    pub fn new(text: &str) -> Result<Self, String> {
        // Java's anchors stand around the whole, whatever alternatives are within.
        let whole = Regex::new(&format!(r"\A(?:{text})\z"));
        whole.map(Self).map_err(|e| format!("not a usable regular expression: {e}"))
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
        assert!(TopicPattern::new("[").unwrap_err().contains("regular expression"));
        assert!(!matches("(a+)+\\1b", &"a".repeat(249)));
    }
}
