//! Strings as Kafka Connect's JSON writer escapes them.

use millstream_api::json_scan::plain_length;

/// Appends UTF-8 text as a JSON string, quotes included. Escaped are quote, backslash, control characters (short forms where JSON has them,
/// else upper-case hexadecimal) and characters beyond the basic plane (as surrogate pairs); other text stays as it is.
#[inline]
pub(crate) fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let (plain, rest) = text.split_at(plain_length::<true>(text));
    out.extend_from_slice(plain);
    if !rest.is_empty() {
        write_escaped(out, &String::from_utf8_lossy(rest));
    }
    out.push(b'"');
}

#[cold]
fn write_escaped(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\0'..' ' => write_unit(out, character as u16),
            '\u{10000}'.. => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write_unit(out, *unit);
                }
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn write_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(b"0123456789ABCDEF"[usize::from(unit >> shift & 0xf)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_wherever_they_stand() {
        for before in [0, 1, 15, 16, 17] {
            let mut out = Vec::new();
            write_string(&mut out, format!("{}é\u{1f}\"😀z", "a".repeat(before)).as_bytes());
            let expected = format!("\"{}é\\u001F\\\"\\uD83D\\uDE00z\"", "a".repeat(before));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
