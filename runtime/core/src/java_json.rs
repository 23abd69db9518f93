//! Compact JSON text exactly as Java's Jackson writes it, so that records of both workers have equal bytes.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// The JSON text of a value: no blanks, keys in the order given, UTF-8 unescaped.
///
/// Differs from serde_json's own text in two ways that Jackson has: control characters are escaped with upper-case digits, and
/// floating-point numbers are laid out as `Double.toString` does (`1.0E10`).
pub fn to_vec(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing a Value into memory cannot fail: its keys are texts and a Vec takes all bytes.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, Jackson));
    out
}

struct Jackson;

impl Formatter for Jackson {
    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        let short: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(writer, "\\u{byte:04X}"),
        };
        writer.write_all(short)
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(double(value).as_bytes())
    }
}

/// `Double.toString` of Java 19 and later (the shortest digits that read back as the same number).
pub fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0" } else { "0.0" }.to_owned();
    }
    if (1e-3..1e7).contains(&value.abs()) {
        // Debug writes the shortest digits in plain notation and keeps ".0" in this range.
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_jacksons() {
        let value = json!({"b": "a\u{1b}\"\\/\n\u{7f}é", "a": [1, -1.5, null, true], "c": 1e10});
        let text = String::from_utf8(to_vec(&value)).unwrap();
        assert_eq!(text, "{\"b\":\"a\\u001B\\\"\\\\/\\n\u{7f}é\",\"a\":[1,-1.5,null,true],\"c\":1.0E10}");
    }

    #[test]
    fn doubles_are_javas() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.001, "0.001"),
            (0.000123, "1.23E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (-1.2345e22, "-1.2345E22"),
            (-0.0, "-0.0"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
        ] {
            assert_eq!(double(value), text);
        }
    }
}
