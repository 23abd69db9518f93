//! Text cut at `:`, `,`, `"` and brackets, each of which a backslash makes plain.

/// Cuts a text into delimiters of one character and what stands between them.
pub(super) struct Tokens<'a> {
    pub text: &'a str,
    /// Where the text that was not looked at begins.
    at: usize,
    /// The token that was looked at, but not taken.
    ahead: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, ahead: None }
    }

    pub fn has_next(&self) -> bool {
        self.ahead.is_some() || self.at < self.text.len()
    }

    /// The next token; empty at the end.
    pub fn next(&mut self) -> &'a str {
        self.ahead.take().unwrap_or_else(|| self.cut())
    }

    /// The next `count` tokens as they stand in the text; nothing is taken when there are fewer.
    pub fn next_many(&mut self, count: usize) -> Option<&'a str> {
        let start = self.mark();
        for _ in 0..count {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        self.text.get(start..self.mark())
    }

    fn cut(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut escaped = false;
        let mut end = rest.len();
        for (place, c) in rest.char_indices() {
            match c {
                '\\' => escaped = !escaped,
                ':' | ',' | '{' | '}' | '[' | ']' | '"' if !escaped => {
                    end = place.max(1);
                    break;
                }
                _ => escaped = false,
            }
        }
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Takes the next token if it is this one, blanks around it and blank tokens before it left out.
    pub fn eat(&mut self, expected: &str) -> bool {
        let mut token = match self.ahead {
            Some(token) => token,
            None if !self.has_next() => return false,
            None => self.cut(),
        };
        while is_blank(token) && self.at < self.text.len() {
            token = self.cut();
        }
        self.ahead = Some(token);
        let found = trimmed(token) == expected;
        if found {
            self.ahead = None;
        }
        found
    }

    /// A place to come back to.
    pub fn mark(&self) -> usize {
        self.at - self.ahead.map_or(0, str::len)
    }

    pub fn rewind(&mut self, mark: usize) {
        self.at = mark;
        self.ahead = None;
    }
}

/// As Java's `String.trim`.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

pub(super) fn is_blank(text: &str) -> bool {
    trimmed(text).is_empty()
}
