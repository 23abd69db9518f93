//! JSON as Java shows the maps, lists and values that it stands for: `{a=1, b=[x, null]}`.
//!
//! Written from the text right into the output, since a tree of each record would cost more than all else the sink does.

use std::collections::{HashMap, HashSet};

use memchr::memchr2;
use millstream_api::java_text::write_double;

/// Appends what Java shows for a JSON value; `None` when the text is no JSON, and then anything may have been appended.
///
/// Whole numbers keep their digits, others are doubles. Of two entries of one name the later counts, at the place of the first. Half of
/// a surrogate pair, which is no text, is a question mark, as Java writes it.
pub(crate) fn append_json(text: &str, out: &mut Vec<u8>, work: &mut Work) -> Option<()> {
    work.levels.clear();
    work.entries.clear();
    let mut reader = Reader { bytes: text.as_bytes(), pos: 0 };
    loop {
        let closed = match reader.next()? {
            b'{' => work.open(true, &mut reader, out)?,
            b'[' => work.open(false, &mut reader, out)?,
            b'"' => reader.string(out).map(|()| true)?,
            b'-' | b'0'..=b'9' => reader.number(out).map(|()| true)?,
            b't' => reader.word(b"true", out).map(|()| true)?,
            b'f' => reader.word(b"false", out).map(|()| true)?,
            b'n' => reader.word(b"null", out).map(|()| true)?,
            _ => return None,
        };
        // The value has ended; with it may end those it is part of.
        if !closed {
            continue;
        }
        loop {
            let Some(level) = work.levels.last() else {
                return (reader.next().is_none() && reader.pos == text.len()).then_some(());
            };
            let is_map = level.is_map;
            if let Some(entry) = work.entries.last_mut().filter(|_| is_map) {
                entry.end = out.len();
            }
            match reader.next()? {
                b',' => {
                    reader.pos += 1;
                    out.extend_from_slice(b", ");
                    if is_map {
                        work.name(&mut reader, out)?;
                    }
                    break;
                }
                b'}' if is_map => work.close_map(out),
                b']' if !is_map => {
                    out.push(b']');
                    work.levels.pop();
                }
                _ => return None,
            }
            reader.pos += 1;
        }
    }
}

/// The maps and lists that are open, kept from value to value.
#[derive(Default)]
pub(crate) struct Work {
    levels: Vec<Level>,
    /// Entries of all open maps.
    entries: Vec<Entry>,
}

struct Level {
    is_map: bool,
    /// Where it begins in the output.
    start: usize,
    /// The place of its first entry.
    first: usize,
    /// A bit for each name; two names may share one.
    names: u64,
    /// Whether two names did.
    is_suspect: bool,
}

/// Where an entry stands in the output: `name=value`.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    /// Where the name ends.
    equals: usize,
    end: usize,
}

impl Work {
    /// Reads the beginning of a map or list; whether that is all of it.
    fn open(&mut self, is_map: bool, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Option<bool> {
        reader.pos += 1;
        let [open, close] = if is_map { *b"{}" } else { *b"[]" };
        let start = out.len();
        out.push(open);
        if reader.next()? == close {
            reader.pos += 1;
            out.push(close);
            return Some(true);
        }
        self.levels.push(Level { is_map, start, first: self.entries.len(), names: 0, is_suspect: false });
        if is_map {
            self.name(reader, out)?;
        }
        Some(false)
    }

    /// Reads a name and its colon.
    fn name(&mut self, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        if reader.next()? != b'"' {
            return None;
        }
        reader.string(out)?;
        let level = self.levels.last_mut()?;
        let name = out.get(start..)?;
        let ends = name.first().zip(name.last()).map_or(0, |(first, last)| first.wrapping_mul(7).wrapping_add(*last));
        let bit = 1 << (usize::from(ends).wrapping_add(name.len() * 11) % 64);
        level.is_suspect |= level.names & bit != 0;
        level.names |= bit;
        let equals = out.len();
        self.entries.push(Entry { start, equals, end: equals });
        if reader.next()? != b':' {
            return None;
        }
        reader.pos += 1;
        out.push(b'=');
        Some(())
    }

    fn close_map(&mut self, out: &mut Vec<u8>) {
        let Some(level) = self.levels.pop() else { return };
        let entries = self.entries.get(level.first..).unwrap_or_default();
        if level.is_suspect && has_duplicates(entries, out) {
            let unique = without_duplicates(entries, out);
            out.truncate(level.start + 1);
            out.extend_from_slice(&unique);
        }
        self.entries.truncate(level.first);
        out.push(b'}');
    }
}

fn name_of<'o>(entry: &Entry, out: &'o [u8]) -> &'o [u8] {
    out.get(entry.start..entry.equals).unwrap_or_default()
}

fn has_duplicates(entries: &[Entry], out: &[u8]) -> bool {
    if entries.len() > 24 {
        let mut seen = HashSet::with_capacity(entries.len());
        return !entries.iter().all(|entry| seen.insert(name_of(entry, out)));
    }
    let same = |at: usize, entry| entries.iter().take(at).any(|before| name_of(before, out) == name_of(entry, out));
    entries.iter().enumerate().any(|(at, entry)| same(at, entry))
}

/// The entries, each name once.
#[cold]
fn without_duplicates(entries: &[Entry], out: &[u8]) -> Vec<u8> {
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut unique: Vec<Entry> = Vec::new();
    for entry in entries {
        match places.get(name_of(entry, out)).and_then(|place| unique.get_mut(*place)) {
            Some(first) => *first = *entry,
            None => {
                places.insert(name_of(entry, out), unique.len());
                unique.push(*entry);
            }
        }
    }
    unique.iter().map(|entry| out.get(entry.start..entry.end).unwrap_or_default()).collect::<Vec<_>>().join(&b", "[..])
}

struct Reader<'t> {
    bytes: &'t [u8],
    pos: usize,
}

impl<'t> Reader<'t> {
    /// The next byte that is no blank, which is not read over.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.pos)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.pos += 1,
                byte => return Some(byte),
            }
        }
    }

    fn word(&mut self, word: &[u8], out: &mut Vec<u8>) -> Option<()> {
        if !self.bytes.get(self.pos..)?.starts_with(word) {
            return None;
        }
        out.extend_from_slice(word);
        self.pos += word.len();
        Some(())
    }

    fn number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = self.bytes.get(self.pos..)?;
        let mut is_whole = true;
        let mut length = 0;
        while let Some(byte @ (b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) = rest.get(length) {
            is_whole &= !matches!(byte, b'.' | b'e' | b'E');
            length += 1;
        }
        let number = rest.get(..length)?;
        self.pos += length;
        let digits = number.strip_prefix(b"-").unwrap_or(number);
        if is_whole {
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            // There is no negative zero among whole numbers.
            out.extend_from_slice(if digits == b"0" { digits } else { number });
        } else {
            write_double(out, std::str::from_utf8(number).ok()?.parse().ok()?);
        }
        Some(())
    }

    /// Reads a string, which begins here.
    #[inline]
    fn string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.pos += 1;
        loop {
            let rest = self.bytes.get(self.pos..)?;
            let length = memchr2(b'"', b'\\', rest)?;
            out.extend_from_slice(rest.get(..length)?);
            self.pos += length + 1;
            if rest.get(length) == Some(&b'"') {
                return Some(());
            }
            self.escape(out)?;
        }
    }

    /// Reads what follows a backslash.
    #[cold]
    fn escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.pos += 1;
        let character = match *self.bytes.get(self.pos - 1)? {
            byte @ (b'"' | b'\\' | b'/') => byte.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let pair = match unit {
                    0xd800..0xdc00 if self.bytes.get(self.pos..)?.starts_with(b"\\u") => {
                        self.pos += 2;
                        let low = self.unit()?;
                        let pair = char::decode_utf16([unit, low]).next().and_then(Result::ok);
                        if pair.is_none() {
                            self.pos -= 6;
                        }
                        pair
                    }
                    _ => char::from_u32(unit.into()),
                };
                pair.unwrap_or('?')
            }
            _ => return None,
        };
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Some(())
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.bytes.get(self.pos..self.pos + 4)?;
        self.pos += 4;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let mut out = Vec::new();
        append_json(text, &mut out, &mut Work::default())?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn values_are_shown_as_java_shows_them() {
        for (text, expected) in [
            (r#"{"a":1,"b":["x",null,1.0],"c":{"d":{},"e":[]}}"#, "{a=1, b=[x, null, 1.0], c={d={}, e=[]}}"),
            (" { \"a\" :\n[ 1 , true,false ] , \"b\":\" \" } ", "{a=[1, true, false], b= }"),
            (
                r#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","\ud83d","\ude00\ud83dx","\ud83d\u00e9"]"#,
                "[\"\\/\u{8}\u{c}\n\r\té😀, ?, ??x, ?é]",
            ),
            ("[-0,0,-0.0,1e7,1e400,12345678901234567890123]", "[0, 0, -0.0, 1.0E7, Infinity, 12345678901234567890123]"),
            ("\"text\"", "text"),
            ("null", "null"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_later_entry_of_a_name_counts() {
        assert_eq!(shown(r#"{"a":{"x":1,"x":2},"b":1,"\u0061":[3],"c":{}}"#).unwrap(), "{a=[3], b=1, c={}}");
        let many: Vec<String> = (0..100).map(|n| format!("\"n{}\":{n}", n % 99)).collect();
        let shown = shown(&format!("{{{}}}", many.join(","))).unwrap();
        assert!(shown.starts_with("{n0=99, n1=1, n2=2,") && shown.ends_with(", n98=98}"));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[1",
            "[1}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1",
            "{\"a\":1,}",
            "[1,]",
            "[,]",
            "{1:2}",
            "tru",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "1 2",
            "1-2",
            "-",
            "--1",
            "1.2.3",
            "+1",
            "[] []",
            "\"\\",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
