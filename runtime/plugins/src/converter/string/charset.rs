//! Character sets by Java's names.

mod aliases;
mod double_byte;

use std::borrow::Cow;

use crate::java::utf8;
use double_byte::DoubleByte;
use encoding_rs::{EncoderResult, Encoding};

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
    /// One of the sets of the web.
    Web(&'static Encoding),
    /// One of one and two bytes.
    Double(DoubleByte),
}

/// For messages.
pub(super) const KNOWN: &str = "UTF-8, UTF-16, UTF-16BE, UTF-16LE, US-ASCII, ISO-8859-1 to 8, 13, 15 and 16, windows-1250 to 1254 and 1256 to 1258, \
                                windows-31j, Shift_JIS, KOI8-R, IBM866 or EUC-KR";

impl Charset {
    /// By any of Java's names for it, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        let dashes = name.replace('_', "-");
        Some(match aliases::canonical(name).or_else(|| aliases::canonical(&dashes))? {
            "UTF-8" => Self::Utf8,
            "UTF-16" => Self::Utf16,
            "UTF-16BE" => Self::Utf16Be,
            "UTF-16LE" => Self::Utf16Le,
            "ISO-8859-1" => Self::Latin1,
            "US-ASCII" => Self::Ascii,
            "SHIFT_JIS" => Self::Double(DoubleByte::ShiftJis),
            "WINDOWS-31J" => Self::Double(DoubleByte::Windows31J),
            "EUC-KR" => Self::Double(DoubleByte::EucKr),
            // What is left is known to the web by the same name.
            name => Self::Web(Encoding::for_label(name.as_bytes())?),
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
            Self::Web(encoding) => encode_web(encoding, text, out),
            Self::Double(set) => set.encode(text, out),
        }
    }

    /// The text of bytes; what is none becomes the replacement character.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self, bytes) {
            (Self::Utf8, _) => utf8::text(bytes),
            (Self::Utf16, [0xff, 0xfe, rest @ ..]) => utf16(rest, u16::from_le_bytes),
            (Self::Utf16, [0xfe, 0xff, rest @ ..]) => utf16(rest, u16::from_be_bytes),
            (Self::Utf16 | Self::Utf16Be, _) => utf16(bytes, u16::from_be_bytes),
            (Self::Utf16Le, _) => utf16(bytes, u16::from_le_bytes),
            (Self::Web(encoding), _) => {
                let text = encoding.decode_without_bom_handling(bytes).0;
                match has_controls(encoding) || !text.contains(is_control) {
                    true => text,
                    false => text.replace(is_control, "\u{fffd}").into(),
                }
            }
            (Self::Double(set), _) => set.decode(bytes).into(),
            (Self::Latin1, _) => bytes.iter().map(|&byte| char::from(byte)).collect(),
            (Self::Ascii, _) => bytes
                .iter()
                .map(|&byte| if byte < 0x80 { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
                .collect(),
        }
    }
}

/// Bytes that stand for nothing are control characters to the web, in the sets that have none of these; not so to Java.
fn is_control(c: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&c)
}

fn has_controls(encoding: &'static Encoding) -> bool {
    encoding.name().starts_with("ISO")
}

fn encode_web(encoding: &'static Encoding, text: &str, out: &mut Vec<u8>) {
    let replaced;
    let mut text = text;
    if !has_controls(encoding) && text.contains(is_control) {
        replaced = text.replace(is_control, "?");
        text = &replaced;
    }
    let mut encoder = encoding.new_encoder();
    loop {
        let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len()).unwrap_or(text.len() * 4);
        out.reserve(room.max(8));
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, out, true);
        text = text.get(read..).unwrap_or_default();
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => out.push(b'?'),
        }
    }
}

/// A high surrogate is replaced together with what follows it, which is no low one.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut units = pairs.iter().map(|pair| unit(*pair));
    let mut text = String::with_capacity(bytes.len());
    let mut open = !rest.is_empty();
    while let Some(first) = units.next() {
        match first {
            0xd800..=0xdbff => {
                let second = units.next();
                // At the end, whatever bytes are left are one.
                open &= second.is_some();
                let pair = char::decode_utf16([first, second.unwrap_or_default()]).next();
                text.push(pair.and_then(Result::ok).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => text.push(char::from_u32(first.into()).unwrap_or(char::REPLACEMENT_CHARACTER)),
        }
    }
    if open {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_mean_what_they_mean_to_java_17() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/plugins/java-charsets.jsonl");
        let recorded = std::fs::read_to_string(path).unwrap();
        let mut seen = 0;
        for line in recorded.lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let name = case["charset"].as_str().unwrap();
            let charset = Charset::of_name(name).unwrap_or_else(|| panic!("{name} is not known"));
            for (byte, theirs) in case["single"].as_array().unwrap().iter().enumerate() {
                let bytes = [byte as u8];
                let text = charset.decode(&bytes);
                // Java gives nothing for the first byte of two.
                let ours: Vec<u32> = text.chars().map(u32::from).collect();
                let theirs = theirs.as_i64().unwrap();
                assert!(ours == [theirs as u32] || theirs < 0, "{name} {byte:x}: {ours:x?} instead of {theirs:x}");
            }
            let mut bytes = Vec::new();
            charset.encode(case["text"].as_str().unwrap(), &mut bytes);
            let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(written, case["written"], "{name}");
            assert_eq!(charset.decode(&bytes), case["read"].as_str().unwrap(), "{name}");
            seen += 1;
        }
        assert_eq!(seen, 23);
    }

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
        for (bytes, read) in [
            (&b"\0"[..], "\u{fffd}"),
            (b"\xd8\0\0a", "\u{fffd}"),
            (b"\xd8\0\0a\0b", "\u{fffd}b"),
            (b"\xdc\0\0a", "\u{fffd}a"),
            (b"\xd8\0", "\u{fffd}"),
            (b"\xd8\0\0", "\u{fffd}"),
            (b"\xd8\x3d\xde\0\0a\0", "\u{1f600}a\u{fffd}"),
        ] {
            assert_eq!(Charset::Utf16Be.decode(bytes), read, "{bytes:x?}");
        }
    }
}
