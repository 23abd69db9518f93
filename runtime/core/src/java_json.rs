//! Compact JSON text exactly as Java's Jackson writes it, so that records of both workers have equal bytes.

use std::io;

use millstream_api::java_text::write_double;
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
        let mut text = Vec::new();
        write_double(&mut text, value);
        writer.write_all(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_jacksons() {
        let value = json!({"b": "a\u{1b}\"\\/\n\u{7f}é", "a": [1, -1.5, null, true], "c": [1e10, 1e23, 5e-324]});
        let text = String::from_utf8(to_vec(&value)).unwrap();
        assert_eq!(
            text,
            "{\"b\":\"a\\u001B\\\"\\\\/\\n\u{7f}é\",\"a\":[1,-1.5,null,true],\"c\":[1.0E10,9.999999999999999E22,4.9E-324]}"
        );
    }
}
