//! Bytes as text, as Java's `new String(bytes, UTF_8)` reads them.

use std::borrow::Cow;

/// The text of bytes; what is none becomes the replacement character, as often as in Java: a surrogate, which is none on its own, once.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(malformed(bytes)),
    }
}

#[cold]
fn malformed(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] | [0xed, 0xa0..=0xbf, after @ ..] => {
                out.extend_from_slice("\u{fffd}".as_bytes());
                after
            }
            _ => {
                out.push(*first);
                after
            }
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_replaced() {
        for (bytes, read) in [
            (&b"a\xc3\xa9"[..], "a\u{e9}"),
            (b"\xff\xfea", "\u{fffd}\u{fffd}a"),
            (b"\xed\xa0\x80a", "\u{fffd}a"),
            (b"\xed\xa0a", "\u{fffd}a"),
            (b"\xed\xa0", "\u{fffd}"),
            (b"\xe0\x80\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            (b"\xe2\x82", "\u{fffd}"),
            (b"\xf4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(text(bytes), read, "{bytes:x?}");
        }
    }
}
