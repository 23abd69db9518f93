//! A value without schema as a tree, for those who print it.

use std::borrow::Cow;

use indexmap::IndexMap;
use millstream_api::java_text::write_double;

use super::cursor::{Cursor, Kind, SyntaxError};

/// Levels of nesting that are shown: a tree is walked by recursion.
const MAX_DEPTH: usize = 200;

/// A JSON value. Of two entries of one name the later counts, at the place of the first.
#[derive(Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Boolean(bool),
    /// As it stands in the text.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Tree<'a>>),
    Object(IndexMap<Cow<'a, str>, Tree<'a>>),
}

impl<'a> Tree<'a> {
    /// The value of a text that is JSON, of at most 200 levels.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let tree = Self::read(&mut cursor, MAX_DEPTH).ok()?;
        cursor.end().ok().map(|()| tree)
    }

    fn read(cursor: &mut Cursor<'a>, levels: usize) -> Result<Self, SyntaxError> {
        let kind = cursor.kind()?;
        let Some(inside) = levels.checked_sub(usize::from(matches!(kind, Kind::Array | Kind::Object))) else {
            return Err(SyntaxError { expected: "at most 200 levels of nesting", at: cursor.position() });
        };
        Ok(match kind {
            Kind::Null => cursor.null().map(|()| Self::Null)?,
            Kind::Boolean => Self::Boolean(cursor.boolean()?),
            Kind::Number => Self::Number(cursor.number()?),
            Kind::String => Self::String(string(cursor)?),
            Kind::Array => {
                let mut items = Vec::new();
                cursor.expect(b'[', "an array")?;
                if !cursor.eat(b']') {
                    loop {
                        items.push(Self::read(cursor, inside)?);
                        if !cursor.eat(b',') {
                            break;
                        }
                    }
                    cursor.expect(b']', "the end of an array")?;
                }
                Self::Array(items)
            }
            Kind::Object => {
                let mut entries = IndexMap::new();
                cursor.expect(b'{', "an object")?;
                if !cursor.eat(b'}') {
                    loop {
                        let name = string(cursor)?;
                        cursor.expect(b':', "a colon")?;
                        entries.insert(name, Self::read(cursor, inside)?);
                        if !cursor.eat(b',') {
                            break;
                        }
                    }
                    cursor.expect(b'}', "the end of an object")?;
                }
                Self::Object(entries)
            }
        })
    }
}

/// The content of a string. Half of a surrogate pair, which is no text, is a question mark, as Java writes it.
fn string<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, SyntaxError> {
    cursor.skip_blanks();
    let (start, before) = (cursor.position(), cursor.clone());
    if let Ok(content) = cursor.string() {
        return Ok(content);
    }
    *cursor = before;
    cursor.skip_string()?;
    let text = cursor.slice_from(start);
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut characters = text.get(1..text.len() - 1).unwrap_or_default().chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match characters.next() {
            Some('u') => {
                let digits = characters.as_str().get(..4).unwrap_or_default();
                characters = characters.as_str().get(4..).unwrap_or_default().chars();
                u16::from_str_radix(digits, 16).unwrap_or_default()
            }
            Some('b') => 8,
            Some('f') => 12,
            Some('n') => 10,
            Some('r') => 13,
            Some('t') => 9,
            other => other.map_or(0, |other| other as u16),
        });
    }
    Ok(char::decode_utf16(units).map(|character| character.unwrap_or('?')).collect::<String>().into())
}

/// Appends a number as Java shows it: whole numbers keep their digits, others are doubles.
pub(crate) fn write_number(out: &mut Vec<u8>, number: &str) {
    if number.contains(['.', 'e', 'E']) {
        let value = number.parse::<f64>().unwrap_or_default();
        // Java's decimal numbers have no negative zero; what is too small for a double becomes one.
        let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
        let is_zero = !mantissa.contains(|digit: char| ('1'..='9').contains(&digit));
        return write_double(out, if is_zero { 0.0 } else { value });
    }
    match number.parse::<i64>() {
        Ok(whole) => out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes()),
        Err(_) => out.extend_from_slice(number.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json_has_a_tree() {
        let tree = Tree::parse(r#" {"a":[1,-0.0,1e400],"b":null,"a":{"\ud83d\ude00":"\ud83dx\n"}} "#).unwrap();
        let Tree::Object(entries) = &tree else { panic!("{tree:?}") };
        assert_eq!(entries.len(), 2);
        let inner = IndexMap::from([(Cow::from("😀"), Tree::String("?x\n".into()))]);
        assert_eq!(entries.get_index(0).unwrap().1, &Tree::Object(inner));
        assert!(Tree::parse(&("[".repeat(200) + &"]".repeat(200))).is_some());
        assert!(Tree::parse(&("[".repeat(201) + &"]".repeat(201))).is_none());
        for text in ["", "1 2", "[1,]", "{\"a\"}", "\"", &"[".repeat(10_000)] {
            assert_eq!(Tree::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_shown_as_java_shows_them() {
        for (number, shown) in [
            ("1", "1"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("-1e-400", "-0.0"),
            ("1e3", "1000.0"),
            ("1e400", "Infinity"),
            ("12345678901234567890", "12345678901234567890"),
        ] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), shown);
        }
    }
}
