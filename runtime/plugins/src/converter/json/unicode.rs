//! The text of a payload in whichever Unicode encoding Java's reader recognises.

use std::borrow::Cow;

use super::cursor::SyntaxError;
use super::misfit::{Fit, Misfit};

/// UTF-8, with or without byte order mark, or UTF-16, recognised by its mark or by the zero in its first character.
pub(super) fn text_of(bytes: &[u8]) -> Fit<Cow<'_, str>> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text =
            rest.is_empty().then(|| String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()));
        text.and_then(Result::ok).map(Cow::Owned).ok_or_else(|| not_unicode(0))
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => text_of(rest),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        _ => match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(_) => Err(not_unicode(std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len))),
        },
    }
}

fn not_unicode(at: usize) -> Box<Misfit> {
    SyntaxError { expected: "Unicode text", at }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_recognised() {
        for bytes in [&b"1"[..], b"\xef\xbb\xbf1", b"\0\x31", b"\x31\0", b"\xfe\xff\0\x31", b"\xff\xfe\x31\0"] {
            assert_eq!(text_of(bytes).unwrap(), "1");
        }
        for bytes in [&b"\"\xff\xfe\""[..], b"\0\x31\0", b"\xfe\xff\xd8\x00"] {
            assert!(text_of(bytes).is_err());
        }
        assert_eq!(text_of(b"").unwrap(), "");
    }
}
