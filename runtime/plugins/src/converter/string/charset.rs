//! Character sets that every Java has.

use std::borrow::Cow;

/// A character set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    /// Written big-endian with a byte order mark; read by its mark, else big-endian.
    Utf16,
    Utf16Be,
    Utf16Le,
    Latin1,
    Ascii,
}

impl Charset {
    /// By Java's name or a common alias, any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().replace('_', "-").as_str() {
            "UTF-8" | "UTF8" => Self::Utf8,
            "UTF-16" | "UTF16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            "ISO-8859-1" | "ISO8859-1" | "LATIN1" => Self::Latin1,
            "US-ASCII" | "ASCII" => Self::Ascii,
            _ => return None,
        })
    }

    /// Appends the text's bytes; what the set does not have becomes a question mark.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) {
        let single = |out: &mut Vec<u8>, limit: u32| {
            out.extend(text.chars().map(|c| if u32::from(c) < limit { c as u8 } else { b'?' }));
        };
        match self {
            Self::Utf8 => out.extend_from_slice(text.as_bytes()),
            Self::Utf16 | Self::Utf16Be => {
                // Java marks no empty text.
                if self == Self::Utf16 && !text.is_empty() {
                    out.extend_from_slice(&[0xfe, 0xff]);
                }
                out.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
            }
            Self::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::Latin1 => single(out, 0x100),
            Self::Ascii => single(out, 0x80),
        }
    }

    /// The text of bytes; what is none becomes the replacement character.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self, bytes) {
            (Self::Utf8, _) => String::from_utf8_lossy(bytes),
            (Self::Utf16, [0xff, 0xfe, rest @ ..]) => utf16(rest, u16::from_le_bytes),
            (Self::Utf16, [0xfe, 0xff, rest @ ..]) => utf16(rest, u16::from_be_bytes),
            (Self::Utf16 | Self::Utf16Be, _) => utf16(bytes, u16::from_be_bytes),
            (Self::Utf16Le, _) => utf16(bytes, u16::from_le_bytes),
            (Self::Latin1, _) => bytes.iter().map(|&byte| char::from(byte)).collect(),
            (Self::Ascii, _) => bytes
                .iter()
                .map(|&byte| if byte < 0x80 { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
                .collect(),
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let mut text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !rest.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_its_own_set() {
        for name in ["UTF-8", "utf-16", "UTF-16BE", "UTF-16LE", "ISO-8859-1"] {
            let charset = Charset::of_name(name).unwrap();
            let mut bytes = Vec::new();
            charset.encode("héllo", &mut bytes);
            assert_eq!(charset.decode(&bytes), "héllo", "{name}");
        }
        assert_eq!(Charset::of_name("nope"), None);
        assert_eq!(Charset::Ascii.decode(b"a\xff"), "a\u{fffd}");
        assert_eq!(Charset::Utf16Be.decode(b"\0"), "\u{fffd}");
    }
}
