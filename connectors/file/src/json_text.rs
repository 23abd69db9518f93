//! JSON as Java shows the maps, lists and values that it stands for: `{a=1, b=[x, null]}`.
//!
//! Written from the text right into the output, since a tree of each record would cost more than all else the sink does.

use std::collections::HashMap;

use millstream_api::java_text::write_double;
use millstream_api::json_scan::{digits_length, plain_length, same_short};

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

/// More entries than this are not compared each with each.
const MANY: usize = 64;

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
    /// Whether two entries have one name.
    has_duplicates: bool,
}

/// Where an entry stands in the output: `name=value`.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    /// Where the name ends.
    equals: usize,
    end: usize,
    /// A hash of the name.
    hash: u64,
}

/// Of a name's length, begin and end.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let word = |chunk: Option<&[u8; 8]>| chunk.map(|chunk| u64::from_le_bytes(*chunk));
    let ends = word(name.first_chunk()).zip(word(name.last_chunk())).map(|(first, last)| first ^ last.rotate_left(29));
    let ends = ends.unwrap_or_else(|| name.iter().fold(0, |ends, byte| ends << 8 | u64::from(*byte)));
    (ends ^ (name.len() as u64).rotate_left(56)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
        self.levels.push(Level { is_map, start, first: self.entries.len(), names: 0, has_duplicates: false });
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
        let hash = hash(name);
        let bit = 1 << (hash >> 58);
        if level.names & bit != 0 && !level.has_duplicates {
            let others = self.entries.get(level.first..).unwrap_or_default();
            // Among many it is looked for when all are there.
            level.has_duplicates = others.len() > MANY
                || others.iter().any(|other| other.hash == hash && same_short(name_of(other, out), name));
        }
        level.names |= bit;
        let equals = out.len();
        self.entries.push(Entry { start, equals, end: equals, hash });
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
        if level.has_duplicates {
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

/// True when Java surely writes the double of this text so: it is from 10^-3 up to 10^7, and has few enough digits, the last no zero but for
/// one behind the point. No other text of as few digits stands for that double, and none of fewer.
fn is_written_so(number: &[u8], whole: usize, fraction: usize) -> bool {
    let leads =
        number.first() != Some(&b'0') || (whole == 1 && number.get(2..).is_some_and(|tail| !tail.starts_with(b"000")));
    let ends = fraction == 1 || number.last() != Some(&b'0');
    leads && ends && whole <= 7 && whole + fraction <= 15 && number != b"0.0"
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
        let sign = usize::from(rest.first() == Some(&b'-'));
        let whole = digits_length(rest.get(sign..)?);
        let mut end = sign + whole;
        let mut fraction = 0;
        if rest.get(end) == Some(&b'.') {
            fraction = digits_length(rest.get(end + 1..)?);
            end += 1 + fraction;
            if fraction == 0 {
                return None;
            }
        }
        let has_exponent = matches!(rest.get(end), Some(b'e' | b'E'));
        if has_exponent {
            end += 1 + usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            end += Some(digits_length(rest.get(end..)?)).filter(|digits| *digits > 0)?;
        }
        let number = rest.get(..end).filter(|_| whole > 0)?;
        self.pos += end;
        if fraction == 0 && !has_exponent {
            // There is no negative zero among whole numbers.
            out.extend_from_slice(if number == b"-0" { b"0" } else { number });
        } else if !has_exponent && is_written_so(number.get(sign..)?, whole, fraction) {
            out.extend_from_slice(number);
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
            let length = plain_length::<false>(rest);
            out.extend_from_slice(rest.get(..length)?);
            self.pos += length + 1;
            match rest.get(length)? {
                b'"' => return Some(()),
                b'\\' => self.escape(out)?,
                // A control character.
                _ => return None,
            }
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
    use proptest::prelude::*;

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
    fn doubles_are_not_copied_unless_java_writes_them_so() {
        for (text, expected) in [
            ("1.50", "1.5"),
            ("1.0", "1.0"),
            ("0.0", "0.0"),
            ("-0.0", "-0.0"),
            ("10.00", "10.0"),
            ("0.001", "0.001"),
            ("0.0009", "9.0E-4"),
            ("0.00", "0.0"),
            ("9999999.5", "9999999.5"),
            ("10000000.5", "1.00000005E7"),
            ("123456.123456789", "123456.123456789"),
            ("0.12345678901234567", "0.12345678901234566"),
            ("12345.12345678901", "12345.12345678901"),
            ("2.5e0", "2.5"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn doubles_are_those_of_java(whole in 0..20_000_000_u64, fraction in "[0-9]{1,16}", magnitude in 0..8_u32, sign: bool) {
            let text = format!("{}{}.{fraction}", if sign { "-" } else { "" }, whole / 10_u64.pow(magnitude));
            let mut expected = Vec::new();
            write_double(&mut expected, text.parse().unwrap());
            prop_assert_eq!(shown(&text).unwrap(), String::from_utf8(expected).unwrap());
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
