//! Reading JSON text token by token, without a tree.
//!
//! Written here because the schema drives the reading: expected keys are compared as bytes, decimals need the number's own
//! digits, a failing row must be undone with the place named, and Java's dialect (leading zeros, 1000 levels) counts.

use std::borrow::Cow;

use millstream_api::json_scan::{digits_length, plain_length, same_short};

/// Levels of nesting Kafka Connect's JSON reader takes.
pub(crate) const MAX_DEPTH: usize = 1000;

/// Digits of a number, those of its exponent with them, that the reader takes; zeros that lead do not count.
const MAX_DIGITS: usize = 1000;

/// Why text is not JSON: what was expected, and the byte it was expected at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub expected: &'static str,
    pub at: usize,
}

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// A place in a JSON text. Methods leave the place after what they read.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    /// A number with leading zeros was read: fine for Java, no JSON for anyone else.
    pub leading_zero: bool,
    /// Blanks were read over.
    pub blanks: bool,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), pos: 0, leading_zero: false, blanks: false }
    }

    pub fn position(&self) -> usize {
        self.pos
    }

    pub fn slice_from(&self, start: usize) -> &'a str {
        self.text.get(start..self.pos).unwrap_or_default()
    }

    fn error<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { expected, at: self.pos })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    pub fn skip_blanks(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.skip_some_blanks();
        }
    }

    fn skip_some_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.blanks = true;
            self.pos += 1;
        }
    }

    /// Reads this byte after blanks, if it is there.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let there = self.peek() == Some(byte);
        self.pos += usize::from(there);
        there
    }

    #[inline]
    pub fn expect(&mut self, byte: u8, name: &'static str) -> Result<(), SyntaxError> {
        if self.eat(byte) { Ok(()) } else { self.error(name) }
    }

    /// Reads these bytes after blanks, if they are there.
    #[inline]
    pub fn eat_bytes(&mut self, expected: &[u8]) -> bool {
        self.skip_blanks();
        let there = self.bytes.get(self.pos..).is_some_and(|rest| rest.starts_with(expected));
        self.pos += if there { expected.len() } else { 0 };
        there
    }

    /// As [`Cursor::eat_bytes`], for a few bytes that mostly are there.
    #[inline]
    pub fn eat_short(&mut self, expected: &[u8]) -> bool {
        self.skip_blanks();
        let there = self.bytes.get(self.pos..self.pos + expected.len()).is_some_and(|next| same_short(next, expected));
        self.pos += if there { expected.len() } else { 0 };
        there
    }

    /// Nothing but blanks may follow.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        self.skip_blanks();
        if self.pos == self.bytes.len() { Ok(()) } else { self.error("the end of the text") }
    }

    pub fn at_end(&self) -> bool {
        self.pos == self.bytes.len()
    }

    /// The kind of the value after blanks, judged by its first byte.
    #[inline]
    pub fn kind(&mut self) -> Result<Kind, SyntaxError> {
        self.skip_blanks();
        Ok(match self.peek() {
            Some(b'"') => Kind::String,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') => Kind::Null,
            _ => return self.error("a value"),
        })
    }

    #[inline]
    fn literal(&mut self, word: &'static str) -> Result<(), SyntaxError> {
        if self.eat_bytes(word.as_bytes())
            && !matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        {
            return Ok(());
        }
        self.error("null, true, false, a number, a string, an array or an object")
    }

    #[inline]
    pub fn null(&mut self) -> Result<(), SyntaxError> {
        self.literal("null")
    }

    #[inline]
    pub fn boolean(&mut self) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        let value = self.peek() == Some(b't');
        self.literal(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// A whole number of at most 18 digits with nothing but digits in it; `None` leaves the place where it is.
    #[inline]
    pub fn integer(&mut self) -> Option<i64> {
        self.skip_blanks();
        let negative = self.peek() == Some(b'-');
        let digits = self.bytes.get(self.pos + usize::from(negative)..)?;
        let mut value = 0;
        let mut length = 0;
        while let Some(digit @ b'0'..=b'9') = digits.get(length) {
            if length == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
            length += 1;
        }
        let ends = matches!(digits.get(length), None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
        if length == 0 || !ends {
            return None;
        }
        self.pos += length + usize::from(negative);
        Some(if negative { -value } else { value })
    }

    /// The text of a number.
    pub fn number(&mut self) -> Result<&'a str, SyntaxError> {
        self.skip_blanks();
        let start = self.pos;
        self.skip_number()?;
        Ok(self.slice_from(start))
    }

    fn skip_number(&mut self) -> Result<(), SyntaxError> {
        let start = self.pos;
        self.pos += usize::from(self.peek() == Some(b'-'));
        let first = self.pos;
        self.digits()?;
        self.leading_zero |= self.bytes.get(first) == Some(&b'0') && self.pos > first + 1;
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.pos += 1;
            self.pos += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            let exponent = self.pos;
            self.digits()?;
            if self.pos - exponent > 9 && !has_usual_exponent(self.slice_from(start)) {
                return self.error("an exponent of 32 bits");
            }
        }
        if self.pos - start > MAX_DIGITS && digits_of(self.slice_from(start)) > MAX_DIGITS {
            return self.error("a number of at most 1000 digits");
        }
        match self.peek() {
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'+' | b'-') => self.error("the end of a number"),
            _ => Ok(()),
        }
    }

    #[inline]
    fn digits(&mut self) -> Result<(), SyntaxError> {
        let length = digits_length(self.bytes.get(self.pos..).unwrap_or_default());
        self.pos += length;
        if length == 0 { self.error("a digit") } else { Ok(()) }
    }

    /// The content of a string; borrowed unless it holds escapes.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let (start, escaped) = self.string_extent()?;
        if !escaped {
            return Ok(Cow::Borrowed(self.text.get(start + 1..self.pos - 1).unwrap_or_default()));
        }
        match serde_json::from_str::<String>(self.slice_from(start)) {
            Ok(content) => Ok(Cow::Owned(content)),
            Err(_) => Err(SyntaxError { expected: "a string of whole Unicode characters", at: start }),
        }
    }

    /// Reads over a string.
    pub fn skip_string(&mut self) -> Result<(), SyntaxError> {
        self.string_extent().map(drop)
    }

    /// Reads over a string; where its quote stands, and whether it holds escapes.
    #[inline]
    fn string_extent(&mut self) -> Result<(usize, bool), SyntaxError> {
        self.expect(b'"', "a string")?;
        let start = self.pos - 1;
        let mut escaped = false;
        loop {
            self.pos += plain_length::<false>(self.bytes.get(self.pos..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.pos += 1;
                    return Ok((start, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.error("no control character in a string"),
                None => return self.error("the end of a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        match self.bytes.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pos += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.pos + 2..self.pos + 6);
                if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                    return self.error("an escape of four hexadecimal digits");
                }
                self.pos += 6;
            }
            _ => return self.error("an escape that JSON knows"),
        }
        Ok(())
    }

    /// Reads over any value, checking it; takes [`MAX_DEPTH`] levels, without recursion.
    #[inline]
    pub fn skip_value(&mut self) -> Result<(), SyntaxError> {
        self.skip_levels(MAX_DEPTH)
    }

    /// Reads over the value of an object's entry, as [`Cursor::skip_value`] does: the object is one of the levels.
    #[inline]
    pub fn skip_member(&mut self) -> Result<(), SyntaxError> {
        self.skip_levels(MAX_DEPTH - 1)
    }

    #[inline]
    fn skip_levels(&mut self, most: usize) -> Result<(), SyntaxError> {
        // Most values hold no others, and need no room for levels.
        match self.kind()? {
            Kind::Null => self.null(),
            Kind::Boolean => self.boolean().map(drop),
            Kind::Number => self.skip_number(),
            Kind::String => self.string_extent().map(drop),
            Kind::Array | Kind::Object => self.skip_nested(most),
        }
    }

    fn skip_nested(&mut self, most: usize) -> Result<(), SyntaxError> {
        // One bit per open level: set for an object.
        let mut open = Levels::default();
        loop {
            match self.kind()? {
                Kind::Null => self.null()?,
                Kind::Boolean => self.boolean().map(drop)?,
                Kind::Number => self.skip_number()?,
                Kind::String => self.string_extent().map(drop)?,
                kind => {
                    self.pos += 1;
                    let is_object = kind == Kind::Object;
                    if !self.eat(if is_object { b'}' } else { b']' }) {
                        if !open.push(is_object, most) {
                            return self.error("at most 1000 levels of nesting");
                        }
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    } else if open.depth == most {
                        return self.error("at most 1000 levels of nesting");
                    }
                }
            }
            loop {
                let Some(is_object) = open.top() else { return Ok(()) };
                if self.eat(b',') {
                    if is_object {
                        self.key()?;
                    }
                    break;
                }
                self.expect(if is_object { b'}' } else { b']' }, "a comma or the end of an array or object")?;
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Result<(), SyntaxError> {
        self.string_extent()?;
        self.expect(b':', "a colon")
    }
}

/// Java's decimal numbers have an exponent and a scale of 32 bits.
#[cold]
fn has_usual_exponent(number: &str) -> bool {
    let Some((mantissa, exponent)) = number.split_once(['e', 'E']) else { return true };
    let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
    let Ok(exponent) = exponent.parse::<i64>() else { return false };
    i32::try_from(exponent).is_ok() && i32::try_from(fraction - exponent).is_ok()
}

#[cold]
fn digits_of(number: &str) -> usize {
    let unsigned = number.strip_prefix('-').unwrap_or(number);
    let rest = unsigned.trim_start_matches('0');
    let zero = usize::from(rest.len() < unsigned.len() && !rest.starts_with(|first: char| first.is_ascii_digit()));
    zero + rest.bytes().filter(u8::is_ascii_digit).count()
}

#[derive(Default)]
struct Levels {
    bits: [u64; MAX_DEPTH.div_ceil(64)],
    depth: usize,
}

impl Levels {
    fn push(&mut self, is_object: bool, most: usize) -> bool {
        if self.depth >= most {
            return false;
        }
        let bit = 1 << (self.depth % 64);
        if let Some(word) = self.bits.get_mut(self.depth / 64) {
            *word = if is_object { *word | bit } else { *word & !bit };
        }
        self.depth += 1;
        true
    }

    fn top(&self) -> Option<bool> {
        let level = self.depth.checked_sub(1)?;
        self.bits.get(level / 64).map(|word| word & (1 << (level % 64)) != 0)
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip(text: &str) -> Result<(), SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_value()?;
        cursor.end()
    }

    #[test]
    fn values_are_checked() {
        for good in ["1", "-0.5e+3", "[]", " [ 1 , {} ] ", r#"{"a":[{"b":null}],"c":true}"#, r#""\u00e9\n""#, "007"] {
            assert!(skip(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "tru",
            "nulls",
            "[1,]",
            "{\"a\"}",
            "{a:1}",
            "1 2",
            "+1",
            ".5",
            "5.",
            "-",
            "1e",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "[1",
            "]",
            "'x'",
            "1.2.3",
            "{\"a\":1,}",
            "// c\n1",
            "\u{feff}1",
        ] {
            assert!(skip(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nesting_ends_at_a_thousand() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(skip(&nested(1000)).is_ok());
        assert!(skip(&nested(1001)).is_err());
        assert!(skip(&("{\"a\":".repeat(1000) + "1" + &"}".repeat(1000))).is_ok());
    }

    #[test]
    fn long_strings_end_at_their_quote() {
        for length in [0, 1, 15, 16, 17, 40] {
            let text = format!("\"{}\" ", "é".repeat(length));
            assert_eq!(Cursor::new(&text).string().unwrap().chars().count(), length);
        }
        assert_eq!(Cursor::new(r#""a\"b\ud83d\ude00""#).string().unwrap(), "a\"b😀");
        assert!(Cursor::new(r#""\ud83d""#).string().is_err());
    }

    #[test]
    fn short_integers_are_read_at_once() {
        for (text, value) in [
            ("5,", Some(5)),
            (" -07}", Some(-7)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("1.0", None),
            ("1e3", None),
            ("9223372036854775807", None),
            ("-", None),
            ("1x", None),
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!(cursor.integer(), value, "{text}");
            assert_eq!(cursor.position() > 0, value.is_some() || text.starts_with(' '));
        }
    }

    #[test]
    fn numbers_are_as_long_as_java_takes_them() {
        let ones = |count: usize| "1".repeat(count);
        for good in [
            ones(1000),
            format!("-{}", ones(1000)),
            format!("0.{}", ones(999)),
            format!("{}e+1", ones(999)),
            format!("{}{}.5", "0".repeat(1000), ones(1)),
            "1e2147483647".into(),
            "0.1e-2147483646".into(),
            "1e00000000000000000009".into(),
        ] {
            assert!(skip(&good).is_ok(), "{good}");
        }
        for bad in [
            ones(1001),
            format!("0.{}", ones(1000)),
            format!("{}e1", ones(1000)),
            "1e2147483648".into(),
            "0.1e-2147483647".into(),
            "0e99999999999".into(),
            "1e-99999999999999999999".into(),
        ] {
            assert!(skip(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn leading_zeros_are_noticed() {
        for (text, seen) in [("0", false), ("0.5", false), ("10", false), ("00", true), ("-07.5", true)] {
            let mut cursor = Cursor::new(text);
            cursor.number().unwrap();
            assert_eq!(cursor.leading_zero, seen, "{text}");
        }
    }
}
