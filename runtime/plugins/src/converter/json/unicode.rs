//! The text of a payload in whichever Unicode encoding Java's reader recognises.

use std::borrow::Cow;

use super::cursor::SyntaxError;
use super::misfit::{Fit, Misfit};

/// UTF-8, UTF-16 or UTF-32, recognised by a byte order mark or by the zeros of the first character. A mark only counts where four
/// bytes are there.
pub(super) fn text_of(bytes: &[u8]) -> Fit<Cow<'_, str>> {
    match bytes {
        [0, 0, 0xfe, 0xff, rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xff, 0xfe, 0, 0, rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0xfe, 0xff, rest @ ..] if rest.len() > 1 => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] if rest.len() > 1 => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] if !rest.is_empty() => utf8(rest),
        [0, 0, 0, _, ..] => utf32(bytes, u32::from_be_bytes),
        [_, 0, 0, 0, ..] => utf32(bytes, u32::from_le_bytes),
        [0, _, ..] => utf16(bytes, u16::from_be_bytes),
        [_, 0, ..] => utf16(bytes, u16::from_le_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Fit<Cow<'_, str>> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => Err(not_unicode(std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len))),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Fit<Cow<'_, str>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
    text.ok().filter(|_| rest.is_empty()).map(Cow::Owned).ok_or_else(|| not_unicode(0))
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Fit<Cow<'_, str>> {
    let (units, rest) = bytes.as_chunks::<4>();
    let text: Option<String> = units.iter().map(|bytes| char::from_u32(unit(*bytes))).collect();
    text.filter(|_| rest.is_empty()).map(Cow::Owned).ok_or_else(|| not_unicode(0))
}

fn not_unicode(at: usize) -> Box<Misfit> {
    SyntaxError { expected: "Unicode text", at }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        let (utf16, utf32) = ([&b"\xfe\xff\0\x31"[..], b"\xff\xfe\x31\0"], [&b"\0\0\0\x31"[..], b"\x31\0\0\0"]);
        let marked = [&b"\0\0\xfe\xff\0\0\0\x31"[..], b"\xff\xfe\0\0\x31\0\0\0"];
        for bytes in
            [&b"1"[..], b"\xef\xbb\xbf1", b"\0\x31", b"\x31\0"].into_iter().chain(utf16).chain(utf32).chain(marked)
        {
            assert_eq!(text_of(bytes).unwrap(), "1");
        }
        for bytes in [
            &b"\"\xff\xfe\""[..],
            b"\0\x31\0",
            b"\xfe\xff",
            b"\xfe\xff\xd8\0\0\x31",
            b"\0\0\0\x31\0",
            b"\0\0\xd8\0",
            b"\0\0\xfe\xff\0\x11\0\0",
        ] {
            assert!(text_of(bytes).is_err());
        }
        assert_eq!(text_of(b"").unwrap(), "");
        assert_eq!(text_of(b"\xef\xbb\xbf").unwrap(), "\u{feff}");
    }
}
