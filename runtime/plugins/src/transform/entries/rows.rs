//! Plans carried out, row by row.

use arrow::array::{Array, AsArray, StringArray};
use millstream_api::{Column, EntryPlace, Error, OutlineBuilder, Result, RowFailure};

use super::EntryEdit;
use super::plan::{Piece, Plan, Plans};
use super::slots::Source;
use crate::converter::json::cursor::{Cursor, Kind, SyntaxError};
use crate::transform::edit::Input;
use crate::transform::json::{Row, Texts, is_null, kind_of, no_map, not_json};

/// What transformations made of a column.
pub(crate) struct EditedEntries {
    /// As long as the input. What failed rows hold does not count.
    pub column: Column,
    /// Rows that could not be edited, each with the place of the transformation that could not; in order.
    pub failures: Vec<(usize, RowFailure)>,
}

/// Where an entry stands in its text.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Where its name begins and ends, without the quotes.
    name: (u32, u32),
    /// Where its value begins and ends.
    value: (u32, u32),
}

fn part_of(text: &str, (start, end): (u32, u32)) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// The map of a row.
#[derive(Default)]
pub(super) struct Map<'t> {
    text: &'t str,
    places: Vec<Place>,
    /// Nothing stands between its tokens.
    is_tight: bool,
}

impl<'t> Map<'t> {
    #[inline]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    #[inline]
    pub fn names(&self) -> impl Iterator<Item = &'t str> {
        let text = self.text;
        self.places.iter().map(move |place| part_of(text, place.name))
    }

    fn value(&self, place: usize) -> &'t str {
        self.places.get(place).map_or("", |place| part_of(self.text, place.value))
    }

    #[inline]
    fn outlined(&mut self, text: &'t str, outline: &[EntryPlace]) {
        self.text = text;
        self.is_tight = true;
        self.places.clear();
        let mut quote = 1;
        self.places.extend(outline.iter().map(|&EntryPlace { colon, end }| {
            let name = (quote + 1, colon.saturating_sub(1));
            quote = end + 1;
            Place { name, value: (colon + 1, end) }
        }));
    }

    fn read(&mut self, text: &'t str) -> Result<(), SyntaxError> {
        self.text = text;
        self.places.clear();
        let mut cursor = Cursor::new(text);
        cursor.expect(b'{', "an object")?;
        let mut bytes = 1;
        if !cursor.eat(b'}') {
            loop {
                cursor.skip_blanks();
                let quote = cursor.position() as u32;
                cursor.skip_string()?;
                let name = (quote + 1, cursor.position() as u32 - 1);
                cursor.expect(b':', "a colon")?;
                cursor.skip_blanks();
                let value = cursor.position() as u32;
                cursor.skip_value()?;
                let value = (value, cursor.position() as u32);
                self.places.push(Place { name, value });
                // Two quotes, a colon, and a comma or the brace at the end.
                bytes += name.1 - name.0 + value.1 - value.0 + 4;
                if !cursor.eat(b',') {
                    cursor.expect(b'}', "a comma or the end of an object")?;
                    break;
                }
            }
        }
        self.is_tight = bytes as usize == text.len();
        cursor.end()
    }
}

/// A value that was made: a part of the map's text, or of what was written aside.
#[derive(Clone, Copy)]
enum Made {
    OfMap(u32, u32),
    Aside(usize, usize),
}

/// What there is for one row at a time, kept from row to row.
#[derive(Default)]
struct Work<'t> {
    map: Map<'t>,
    variants: Vec<u8>,
    made: Vec<Made>,
    aside: Vec<u8>,
    new: Vec<u8>,
}

impl<'t> Work<'t> {
    fn value<'s>(&'s self, source: &'s Source) -> &'s [u8] {
        match source {
            Source::Entry(place) => self.map.value(*place).as_bytes(),
            Source::Text(text) => text.as_bytes(),
            Source::Made(task) => match self.made.get(*task) {
                Some(Made::OfMap(start, end)) => part_of(self.map.text, (*start, *end)).as_bytes(),
                Some(Made::Aside(start, end)) => self.aside.get(*start..*end).unwrap_or_default(),
                None => &[],
            },
        }
    }

    /// Makes the values that the plan wants made. The error is that of a transformation.
    fn make(
        &mut self,
        plan: &Plan,
        edits: &mut [&mut dyn EntryEdit],
        input: Input<'_>,
        row: usize,
    ) -> Result<(), (usize, Error)> {
        self.made.clear();
        self.aside.clear();
        for task in &plan.tasks {
            let Some(edit) = edits.get_mut(task.edit) else { continue };
            let mut new = std::mem::take(&mut self.new);
            new.clear();
            let value = std::str::from_utf8(self.value(&task.of)).unwrap_or("null");
            let done = edit.make(task.what, value, input, row, &mut new);
            let same = done.map_err(|error| (task.edit, error))? != Row::Written;
            let made = match &task.of {
                Source::Entry(place) if same => self
                    .map
                    .places
                    .get(*place)
                    .map_or(Made::Aside(0, 0), |place| Made::OfMap(place.value.0, place.value.1)),
                Source::Made(before) if same => self.made.get(*before).copied().unwrap_or(Made::Aside(0, 0)),
                of => {
                    let start = self.aside.len();
                    match of {
                        Source::Text(text) if same => self.aside.extend_from_slice(text.as_bytes()),
                        _ => self.aside.extend_from_slice(&new),
                    }
                    Made::Aside(start, self.aside.len())
                }
            };
            self.made.push(made);
            self.new = new;
        }
        Ok(())
    }

    /// Appends the new map. The outline is right where nothing stands between the tokens of the old one.
    #[inline]
    fn write(&self, plan: &Plan, out: &mut Vec<u8>, outline: &mut OutlineBuilder) {
        let begin = out.len();
        out.push(b'{');
        for piece in &plan.pieces {
            if out.len() > begin + 1 {
                out.push(b',');
            }
            match piece {
                Piece::Entry { name, source } => {
                    out.extend_from_slice(name.as_bytes());
                    let colon = (out.len() - begin - 1) as u32;
                    out.extend_from_slice(self.value(source));
                    outline.entry(EntryPlace { colon, end: (out.len() - begin) as u32 });
                }
                Piece::Entries { first, count } => {
                    let places = self.map.places.get(*first..first + count).unwrap_or_default();
                    if self.map.is_tight {
                        let (Some(head), Some(tail)) = (places.first(), places.last()) else { continue };
                        let from = head.name.0 - 1;
                        let moved = ((out.len() - begin) as u32).wrapping_sub(from);
                        out.extend_from_slice(part_of(self.map.text, (from, tail.value.1)).as_bytes());
                        for place in places {
                            let (colon, end) = (place.value.0 - 1, place.value.1);
                            outline
                                .entry(EntryPlace { colon: colon.wrapping_add(moved), end: end.wrapping_add(moved) });
                        }
                        continue;
                    }
                    for (at, place) in places.iter().enumerate() {
                        out.extend_from_slice(if at > 0 { b",\"" } else { b"\"" });
                        out.extend_from_slice(part_of(self.map.text, place.name).as_bytes());
                        out.extend_from_slice(b"\":");
                        out.extend_from_slice(part_of(self.map.text, place.value).as_bytes());
                    }
                }
            }
        }
        out.push(b'}');
    }
}

/// Edits the maps of a column by these transformations, one after the other. Nothing is copied as long as no row changes.
pub(crate) fn edit_entries(
    edits: &mut [&mut dyn EntryEdit],
    plans: &mut Plans,
    input: Input<'_>,
) -> Result<EditedEntries> {
    let texts: &StringArray = input.column.array().as_string();
    let outline = input.column.outline();
    let part = input.part.word();
    let mut failures: Vec<(usize, RowFailure)> = Vec::new();
    let mut work = Work::default();
    let mut written: Option<Texts> = None;
    for row in 0..texts.len() {
        let refusing = |error: Error| edits.iter().position(|edit| edit.refuses_null()).map(|edit| (edit, error));
        if input.column.is_null(row) {
            failures.extend(refusing(is_null(part)).map(|(edit, error)| (edit, RowFailure { row, error })));
            if let Some(written) = &mut written {
                written.push_null();
            }
            continue;
        }
        let text = texts.value(row);
        let entries = outline.map(|outline| outline.row(row)).unwrap_or_default();
        let done = match kind_of(text, part) {
            Ok(Kind::Null) => refusing(is_null(part)).map_or(Ok(None), Err),
            Ok(Kind::Object) => {
                let read = match outline {
                    Some(_) => {
                        work.map.outlined(text, entries);
                        Ok(())
                    }
                    None => work.map.read(text).map_err(|e| (0, not_json(part, e))),
                };
                work.variants.clear();
                work.variants.extend(edits.iter().map(|edit| edit.variant(input, row)));
                read.and_then(|()| {
                    let plan = plans.of(edits, &work.variants, &work.map);
                    let plan = plan.ok_or_else(|| (0, Error::internal("a map has no plan")))?;
                    work.make(plan, edits, input, row)?;
                    Ok((!plan.same).then_some(plan))
                })
            }
            Ok(kind) => Err((0, no_map(part, kind))),
            Err(error) => Err((0, error)),
        };
        let room = match done {
            Ok(None) => written.as_mut().is_none_or(|written| written.push_outlined(text, entries)),
            Ok(Some(plan)) => {
                let written = written.get_or_insert_with(|| Texts::copied(input.column, row));
                written.push_with(|out, outline| work.write(plan, out, outline))
            }
            Err((edit, error)) => {
                failures.push((edit, RowFailure { row, error }));
                if let Some(written) = &mut written {
                    written.push_null();
                }
                true
            }
        };
        if !room {
            let error = Error::data(format!("the {part} does not fit into a batch of 2 GiB"));
            failures.push((edits.len().saturating_sub(1), RowFailure { row, error }));
            written.get_or_insert_with(|| Texts::copied(input.column, row)).push_null();
        }
    }
    let column = match written {
        Some(texts) => texts.finish()?,
        None => input.column.clone(),
    };
    Ok(EditedEntries { column, failures })
}
