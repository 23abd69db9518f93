//! Values without schema: JSON text, checked, and kept without blanks, with the places of its entries.

use arrow::buffer::{Buffer, OffsetBuffer};
use millstream_api::{EntryPlace, Outline, OutlineBuilder};

use super::cursor::{Cursor, Kind, SyntaxError};
use super::encode::write_compact;
use super::misfit::{Fit, Wrong};
use super::text::Bytes;

/// Texts one after the other.
#[derive(Default)]
pub(super) struct JsonTexts {
    texts: Bytes,
    outline: OutlineBuilder,
    /// The first names of objects, each as it stood there last, in its quotes and with its colon: the next object mostly has the same.
    names: Vec<Vec<u8>>,
}

/// As many names are remembered, and of names as many bytes.
const MOST_NAMES: usize = 128;

impl JsonTexts {
    pub fn reserve(&mut self, rows: usize) {
        self.texts.reserve(rows);
        self.outline.reserve(rows);
    }

    pub fn push_empty(&mut self) {
        self.texts.push_empty();
        self.outline.end_row();
    }

    pub fn truncate(&mut self, len: usize) {
        self.texts.truncate(len);
        self.outline.truncate(len);
    }

    /// The texts, and the outline of them.
    pub fn finish(self) -> (OffsetBuffer<i32>, Buffer, Outline) {
        let (offsets, data) = self.texts.into_parts();
        (offsets, data, self.outline.finish())
    }

    /// Reads one value as the next text. After an error rests of it may be there.
    pub fn read(&mut self, cursor: &mut Cursor<'_>) -> Fit {
        cursor.skip_blanks();
        cursor.blanks = false;
        let text = self.outlined(cursor)?;
        if cursor.leading_zero {
            let text = without_leading_zeros(text);
            self.outline.drop_row();
            let mut again = Cursor::new(&text);
            let text = self.outlined(&mut again)?;
            return self.push(text, again.blanks);
        }
        self.push(text, cursor.blanks)
    }

    /// Reads over a value; its text, and its entries in the open row of the outline.
    #[inline]
    fn outlined<'a>(&mut self, cursor: &mut Cursor<'a>) -> Result<&'a str, SyntaxError> {
        let start = cursor.position();
        if cursor.kind()? != Kind::Object {
            cursor.skip_value()?;
            return Ok(cursor.slice_from(start));
        }
        cursor.expect(b'{', "an object")?;
        if cursor.eat(b'}') {
            return Ok(cursor.slice_from(start));
        }
        let mut place = 0;
        loop {
            match self.names.get_mut(place) {
                Some(name) if cursor.eat_short(name) => {}
                known => {
                    cursor.skip_blanks();
                    let name = cursor.position();
                    cursor.skip_string()?;
                    cursor.expect(b':', "a colon")?;
                    let name = cursor.slice_from(name).as_bytes();
                    match known {
                        // Blanks before the colon are to be noticed in each object.
                        _ if name.len() > MOST_NAMES || !name.ends_with(b"\":") => {}
                        Some(known) => {
                            known.clear();
                            known.extend_from_slice(name);
                        }
                        None if place < MOST_NAMES => self.names.push(name.to_vec()),
                        None => {}
                    }
                }
            }
            place += 1;
            let colon = cursor.position() - 1 - start;
            cursor.skip_member()?;
            let end = cursor.position() - start;
            self.outline.entry(EntryPlace { colon: colon as u32, end: end as u32 });
            if !cursor.eat(b',') {
                break;
            }
        }
        cursor.expect(b'}', "a comma or the end of an object")?;
        Ok(cursor.slice_from(start))
    }

    #[inline]
    fn push(&mut self, text: &str, blanks: bool) -> Fit {
        let room = if blanks { self.push_compact(text) } else { self.texts.push(text.as_bytes()) };
        if !room {
            return Err(Wrong::Full.into());
        }
        self.outline.end_row();
        Ok(())
    }

    /// The text without its blanks, piece by piece, so that the new places of its entries are known.
    fn push_compact(&mut self, text: &str) -> bool {
        let (text, entries) = (text.as_bytes(), self.outline.open_row());
        let pushed: Result<bool, ()> = self.texts.push_with(|out| {
            let start = out.len();
            let mut done = 0;
            for entry in entries {
                let (name, value) = (entry.colon as usize + 1, entry.end as usize);
                write_compact(out, text.get(done..name).unwrap_or_default());
                entry.colon = (out.len() - start - 1) as u32;
                write_compact(out, text.get(name..value).unwrap_or_default());
                entry.end = (out.len() - start) as u32;
                done = value;
            }
            write_compact(out, text.get(done..).unwrap_or_default());
            Ok(())
        });
        pushed.unwrap_or(false)
    }
}

/// The same JSON with numbers as everyone reads them.
pub(super) fn without_leading_zeros(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    let mut characters = text.chars().peekable();
    // Whether a digit here would be the first of a number.
    let mut fresh = true;
    while let Some(character) = characters.next() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if character == '"' {
            in_string = true;
        } else if fresh && character == '0' && characters.peek().is_some_and(char::is_ascii_digit) {
            continue;
        } else {
            let of_exponent = character == '-' && out.ends_with(['e', 'E']);
            fresh = !of_exponent && !matches!(character, '0'..='9' | '.' | 'e' | 'E' | '+');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Vec<EntryPlace>)> {
        let mut texts = JsonTexts::default();
        texts.push_empty();
        let mut cursor = Cursor::new(text);
        texts.read(&mut cursor).ok()?;
        cursor.end().ok()?;
        let (offsets, data, outline) = texts.finish();
        let text = data.get(offsets[1] as usize..offsets[2] as usize)?;
        Some((String::from_utf8(text.to_vec()).unwrap(), outline.row(1).to_vec()))
    }

    #[test]
    fn entries_are_found_in_texts_without_blanks() {
        let entries: &[(&str, &str)] =
            &[("a", "1.50"), ("", "{\"b\":[1,\" , \"]}"), ("c\\\"", "\"}\""), ("a", "7"), ("d", "[]")];
        let inner: Vec<String> = entries.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let compact = format!("{{{}}}", inner.join(","));
        let blank = " { \"a\" : 1.50 ,\t\"\":{ \"b\":[1 ,\n\" , \"] },\"c\\\"\": \"}\" , \"a\":007,\"d\":[ ]}\r\n";
        for text in [&compact, blank] {
            let (text, places) = read(text).unwrap();
            assert_eq!(text, compact);
            let mut start = 1;
            let found = places.iter().map(|EntryPlace { colon, end }| {
                let (colon, end) = (*colon as usize, *end as usize);
                let entry = (&text[start + 1..colon - 1], &text[colon + 1..end]);
                start = end + 1;
                entry
            });
            assert_eq!(found.collect::<Vec<_>>(), entries);
            assert_eq!(start, text.len());
        }
        for text in ["{}", " { } ", "[{\"a\":1}]", "12", "\"{}\"", "null"] {
            assert_eq!(read(text), Some((text.trim().replace(' ', ""), Vec::new())));
        }
        for text in ["{\"a\":1,}", "{\"a\"}", "{1:1}", "{\"a\":1", "{\"a\":}", "{,}", "{} {}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_names_of_the_last_object_are_only_a_guess() {
        let mut texts = JsonTexts::default();
        let rows =
            ["{\"a\":1,\"b\":2}", "{\"a\" :1,\"b\":2}", "{\"a\":1,\"bb\":2}", "{\"b\":2}", " {\"a\":1 , \"b\" :2}"];
        let rows = rows.iter().chain(&rows).chain(rows.iter().rev());
        for text in rows.clone() {
            texts.read(&mut Cursor::new(text)).unwrap();
        }
        let (offsets, data, outline) = texts.finish();
        for (row, text) in rows.enumerate() {
            let compact = &data[offsets[row] as usize..offsets[row + 1] as usize];
            assert_eq!(compact, text.replace(' ', "").as_bytes());
            let places = outline.row(row).iter().map(|place| (place.colon as usize, place.end as usize));
            assert!(
                places.clone().all(|(colon, end)| compact[colon] == b':' && b",}".contains(&compact[end])),
                "{text}"
            );
            assert_eq!(places.count(), text.matches(':').count());
        }
    }

    #[test]
    fn nesting_counts_the_object_itself() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(999)).is_some());
        assert!(read(&nested(1000)).is_none());
    }

    #[test]
    fn only_zeros_that_lead_are_dropped() {
        for (text, clean) in [
            ("007", "7"),
            ("-007", "-7"),
            ("00", "0"),
            ("0123.5", "123.5"),
            ("01e005", "1e005"),
            ("[00.05e-07,100]", "[0.05e-07,100]"),
            (r#"{"007":"\"007","b":01}"#, r#"{"007":"\"007","b":1}"#),
        ] {
            assert_eq!(without_leading_zeros(text), clean);
            assert!(serde_json::from_str::<serde_json::Value>(clean).is_ok());
        }
    }
}
