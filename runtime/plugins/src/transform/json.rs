//! Values without schema: JSON text, edited row by row where it is touched and copied where not.

use std::borrow::Cow;
use std::convert::Infallible;

use arrow::array::{Array, AsArray, NullBufferBuilder, StringArray};
use millstream_api::{Column, EntryPlace, Error, OutlineBuilder, Result, RowFailure};

use super::edit::{Edited, Input};
use crate::converter::json::cursor::{Cursor, Kind, SyntaxError};
use crate::converter::json::escape::write_string;
use crate::converter::json::text::Bytes;

/// What becomes of a row's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// It stays.
    Same,
    /// What was written takes its place.
    Written,
    /// Neither value nor schema is left.
    Null,
}

/// Edits the text of every row that has one. `edit` appends the new text to an empty buffer; it counts only when the answer is
/// [`Row::Written`]. Nothing is copied as long as no row changes.
pub(crate) fn edit_rows<'a>(
    input: Input<'a>,
    mut edit: impl FnMut(usize, &'a str, &mut Vec<u8>) -> Result<Row>,
) -> Result<Edited> {
    let texts: &'a StringArray = input.column.array().as_string();
    let mut failures = Vec::new();
    let mut written: Option<Texts> = None;
    let mut new = Vec::new();
    for row in 0..texts.len() {
        if input.column.is_null(row) {
            if let Some(written) = &mut written {
                written.push_null();
            }
            continue;
        }
        let text = texts.value(row);
        new.clear();
        let state = edit(row, text, &mut new).unwrap_or_else(|error| {
            failures.push(RowFailure { row, error });
            Row::Null
        });
        if state == Row::Same && written.is_none() {
            continue;
        }
        let written = written.get_or_insert_with(|| Texts::copied(input.column, row));
        let room = match state {
            Row::Same => written.push(text.as_bytes()),
            Row::Written => written.push(&new),
            Row::Null => {
                written.push_null();
                true
            }
        };
        if !room {
            let error = Error::data(format!("the {} does not fit into a batch of 2 GiB", input.part.word()));
            failures.push(RowFailure { row, error });
            written.push_null();
        }
    }
    let Some(texts) = written else { return Ok(input.column.clone().into()) };
    Ok(Edited { column: texts.finish()?, failures })
}

/// JSON texts one after the other.
pub(crate) struct Texts {
    bytes: Bytes,
    nulls: NullBufferBuilder,
    outline: OutlineBuilder,
    /// Whether the outline is that of all texts.
    is_outlined: bool,
}

impl Texts {
    pub fn new(rows: usize) -> Self {
        let mut bytes = Bytes::default();
        bytes.reserve(rows);
        let outline = OutlineBuilder::default();
        Self { bytes, nulls: NullBufferBuilder::new(rows), outline, is_outlined: false }
    }

    /// With room for as many rows as the column has, of which the first ones are taken over. Outlined if the column is.
    pub fn copied(column: &Column, rows: usize) -> Self {
        let texts: &StringArray = column.array().as_string();
        let mut copy = Self::new(texts.len());
        copy.is_outlined = column.outline().is_some();
        copy.outline.reserve(texts.len());
        let bounds = texts.value_offsets().first().zip(texts.value_offsets().last());
        copy.bytes.reserve_bytes(bounds.map_or(0, |(start, end)| (end - start) as usize) * 5 / 4);
        for row in 0..rows {
            let entries = column.outline().map(|outline| outline.row(row)).unwrap_or_default();
            if texts.is_null(row) || !copy.push_outlined(texts.value(row), entries) {
                copy.push_null();
            }
        }
        copy
    }

    /// False, and nothing is appended, when there is no room for the text.
    pub fn push(&mut self, text: &[u8]) -> bool {
        self.is_outlined = false;
        let room = self.bytes.push(text);
        if room {
            self.nulls.append_non_null();
        }
        room
    }

    /// As [`Texts::push`], with the places of the text's entries, if they are to be known.
    pub fn push_outlined(&mut self, text: &str, entries: &[EntryPlace]) -> bool {
        self.push_with(|out, outline| {
            out.extend_from_slice(text.as_bytes());
            entries.iter().for_each(|entry| outline.entry(*entry));
        })
    }

    /// As [`Texts::push_outlined`], with the text and the entries that `write` appends.
    #[inline]
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>, &mut OutlineBuilder)) -> bool {
        let outline = &mut self.outline;
        let room = self.bytes.push_with(|out| {
            write(out, outline);
            Ok::<_, Infallible>(())
        });
        let room = room.unwrap_or(false);
        if room {
            self.outline.end_row();
            self.nulls.append_non_null();
        } else {
            self.outline.drop_row();
        }
        room
    }

    pub fn push_null(&mut self) {
        self.bytes.push_empty();
        self.outline.end_row();
        self.nulls.append_null();
    }

    /// A schemaless column; rows without text are absent.
    pub fn finish(mut self) -> Result<Column> {
        let nulls = self.nulls.finish();
        let (offsets, data) = self.bytes.into_parts();
        let absent = nulls.as_ref().map(|nulls| !nulls.inner());
        let array = StringArray::try_new(offsets, data, nulls)
            .map_err(|e| Error::internal("edited JSON is no text").caused_by(e))?;
        let mut column = Column::schemaless(array);
        if self.is_outlined {
            column = column.with_outline(self.outline.finish());
        }
        Ok(match absent {
            Some(absent) => column.with_absent(absent),
            None => column,
        })
    }
}

/// An entry of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub name: Name<'a>,
    /// The value's text, without blanks around it.
    pub value: &'a str,
    /// Name and value as they stand there, from the name's quote on.
    text: &'a str,
}

impl<'a> Entry<'a> {
    /// An entry that stands nowhere yet.
    pub fn new(name: Name<'a>, value: &'a str) -> Self {
        Self { name, value, text: "" }
    }
}

/// The name of an entry as it stands between its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub raw: &'a str,
}

impl<'a> Name<'a> {
    /// The name itself.
    pub fn text(self) -> Cow<'a, str> {
        if !self.raw.contains('\\') {
            return Cow::Borrowed(self.raw);
        }
        let quoted = format!("\"{}\"", self.raw);
        // A lone surrogate is no text, and no name that anyone asks for.
        serde_json::from_str::<String>(&quoted).map_or(Cow::Borrowed(self.raw), Cow::Owned)
    }

    /// True when this is the name.
    pub fn is(self, name: &str) -> bool {
        if self.raw.contains('\\') { self.text() == name } else { self.raw == name }
    }
}

/// The entries of an object in their order; a name may stand there twice. Names and values are checked to be JSON.
pub(crate) struct Object<'a> {
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Object<'a> {
    pub fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Reads another object. False when the text is null; an error when it is neither.
    pub fn read(&mut self, text: &'a str, part: &str) -> Result<bool> {
        self.entries.clear();
        match kind_of(text, part)? {
            Kind::Null => Ok(false),
            Kind::Object => self.read_entries(&mut Cursor::new(text)).map(|()| true).map_err(|e| not_json(part, e)),
            kind => Err(no_map(part, kind)),
        }
    }

    /// Reads the object of a row, as [`Object::read`] does; where its column has an outline, by that.
    pub fn read_row(&mut self, input: Input<'a>, row: usize, text: &'a str) -> Result<bool> {
        let Some(outline) = input.column.outline().filter(|_| text.starts_with('{')) else {
            return self.read(text, input.part.word());
        };
        self.entries.clear();
        let mut start = 1;
        for EntryPlace { colon, end } in outline.row(row) {
            let (colon, end) = (*colon as usize, *end as usize);
            let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
            let name = Name { raw: part(start + 1, colon.saturating_sub(1)) };
            self.entries.push(Entry { name, value: part(colon + 1, end), text: part(start, end) });
            start = end + 1;
        }
        Ok(true)
    }

    fn read_entries(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        cursor.expect(b'{', "an object")?;
        if cursor.eat(b'}') {
            return cursor.end();
        }
        loop {
            cursor.skip_blanks();
            let begin = cursor.position();
            let raw = raw_string(cursor)?;
            cursor.expect(b':', "a colon")?;
            cursor.skip_blanks();
            let start = cursor.position();
            cursor.skip_value()?;
            let (value, text) = (cursor.slice_from(start), cursor.slice_from(begin));
            self.entries.push(Entry { name: Name { raw }, value, text });
            if !cursor.eat(b',') {
                break;
            }
        }
        cursor.expect(b'}', "a comma or the end of an object")?;
        cursor.end()
    }

    /// The value of a name: the last one, as Java reads it.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.entries.iter().rev().find(|entry| entry.name.is(name)).map(|entry| entry.value)
    }
}

/// An object that is written entry by entry.
pub(crate) struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> ObjectWriter<'o> {
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    fn comma(&mut self) {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(b',');
        }
    }

    /// An entry as it came, but for blanks around its colon.
    pub fn entry(&mut self, entry: Entry<'_>) {
        // A quote before the name, a quote and the colon behind it.
        if entry.text.len() == entry.name.raw.len() + entry.value.len() + 3 {
            self.comma();
            self.out.extend_from_slice(entry.text.as_bytes());
            return;
        }
        self.raw(entry.name.raw).extend_from_slice(entry.value.as_bytes());
    }

    /// A name as it stands between quotes; the value's text is to be appended.
    pub fn raw(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A name; the value's text is to be appended.
    pub fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        write_string(self.out, name.as_bytes());
        self.out.push(b':');
        self.out
    }

    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// A value as Java sees it once JsonConverter has read it without a schema.
#[derive(Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Boolean(bool),
    /// A whole number that a long holds.
    Long(i64),
    /// A whole number beyond; Java keeps its low bits, here nothing of it is lost.
    Big(&'a str),
    /// A number with a point or an exponent.
    Double(f64),
    String(Cow<'a, str>),
    Array,
    Object,
}

impl<'a> Json<'a> {
    /// Reads one value. The error names `what` it is.
    pub fn read(text: &'a str, what: &str) -> Result<Self> {
        Self::parse(text).map_err(|e| not_json(what, e))
    }

    /// Reads one value.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let cursor = &mut Cursor::new(text);
        let kind = cursor.kind()?;
        let value = match kind {
            Kind::Null => cursor.null().map(|()| Self::Null)?,
            Kind::Boolean => Self::Boolean(cursor.boolean()?),
            Kind::String => Self::String(cursor.string()?),
            Kind::Number => {
                if let Some(value) = cursor.integer() {
                    cursor.end()?;
                    return Ok(Self::Long(value));
                }
                let at = cursor.position();
                let text = cursor.number()?;
                if text.contains(['.', 'e', 'E']) {
                    Self::Double(text.parse().map_err(|_| SyntaxError { expected: "a number", at })?)
                } else {
                    text.parse().map_or(Self::Big(text), Self::Long)
                }
            }
            Kind::Array => cursor.skip_value().map(|()| Self::Array)?,
            Kind::Object => cursor.skip_value().map(|()| Self::Object)?,
        };
        cursor.end()?;
        Ok(value)
    }
}

/// The kind of a value, judged by its first byte.
pub(crate) fn kind_of(text: &str, part: &str) -> Result<Kind> {
    Cursor::new(text).kind().map_err(|e| not_json(part, e))
}

/// What stands between the quotes of a string.
pub(crate) fn raw_string<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, SyntaxError> {
    cursor.skip_blanks();
    let start = cursor.position();
    cursor.skip_string()?;
    let quoted = cursor.slice_from(start);
    Ok(quoted.get(1..quoted.len() - 1).unwrap_or_default())
}

/// The error of a value that is no map.
pub(crate) fn no_map(part: &str, kind: Kind) -> Error {
    Error::data(format!("the {part} is no map but {}", kind_word(kind)))
}

/// The error of a text that is not JSON.
pub(crate) fn not_json(what: &str, error: SyntaxError) -> Error {
    Error::data(format!("the {what} is not JSON: expected {} at byte {}", error.expected, error.at))
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a text",
        Kind::Array => "a list",
        Kind::Object => "a map",
    }
}

/// The error of a text that says `null` where a value is needed.
pub(crate) fn is_null(part: &str) -> Error {
    Error::data(format!("the {part} is null"))
}
