//! `org.apache.kafka.connect.transforms.Flatten`: fields of fields as fields of one struct or map.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use indexmap::IndexMap;
use millstream_api::{Config, Error, Result, schema};
use serde_json::value::RawValue;

use super::edit::{Edit, Edited, Input, Nulls};
use super::json::{Entry, Name, ObjectWriter, Row, edit_rows, kind_of, no_map, not_json, raw_string};
use super::plans::Plans;
use super::settings::FLATTEN;
use super::structs::{Filler, StructRows, masked, type_word, with_fields};
use crate::converter::json::cursor::{Cursor, Kind, SyntaxError};
use crate::converter::json::escape::write_string;

/// Takes structs and maps apart, whatever their depth; arrays stay. Columns are moved, not copied.
#[derive(Default)]
pub(crate) struct Flatten {
    delimiter: String,
    /// The delimiter as it stands in a JSON string.
    escaped: String,
    plans: Plans<Plan>,
}

struct Plan {
    field: FieldRef,
    nodes: Vec<Node>,
}

/// What becomes of one column of a struct.
struct Node {
    filler: Filler,
    /// For a struct: of its columns.
    inner: Option<Vec<Node>>,
}

/// Works out the flat fields.
struct Planner<'a> {
    delimiter: &'a str,
    flat: Vec<FieldRef>,
}

impl Planner<'_> {
    /// `default` is that of the struct itself, of which its fields have theirs unless they have one of their own.
    fn nodes(&mut self, fields: &Fields, prefix: &str, optional: bool, default: Option<&str>) -> Result<Vec<Node>> {
        let unreadable = || Error::data("the default of a struct is not the JSON of one");
        let parts: HashMap<String, &RawValue> =
            default.map(serde_json::from_str).transpose().map_err(|_| unreadable())?.unwrap_or_default();
        let mut nodes = Vec::with_capacity(fields.len());
        for field in fields {
            let name =
                if prefix.is_empty() { field.name().clone() } else { [prefix, self.delimiter, field.name()].concat() };
            let optional = optional || field.is_nullable();
            let inherited = parts.get(field.name()).map(|part| part.get()).filter(|part| *part != "null");
            let default = schema::default_json(field).or(inherited);
            let inner = match field.data_type() {
                DataType::Struct(fields) => Some(self.nodes(fields, &name, optional, default)?),
                DataType::Map(..) => {
                    let what = type_word(field.data_type());
                    return Err(Error::data(format!("Flatten does not support {what} (field {name})"))
                        .hint("leave the field out with ReplaceField before, or send the records without schema"));
                }
                _ => {
                    self.flat.push(Arc::new(flat_field(field, name, optional, default)));
                    None
                }
            };
            nodes.push(Node { filler: Filler::of(field, true)?, inner });
        }
        Ok(nodes)
    }
}

fn flat_field(field: &Field, name: String, optional: bool, default: Option<&str>) -> Field {
    let mut flat = field.clone().with_name(name).with_nullable(optional);
    if let Some(default) = default {
        flat = schema::with_meta(flat, [(schema::DEFAULT, default.to_owned())]);
    }
    flat
}

/// Appends the flat columns of a struct. `nulls`: where the struct is null, and so are they.
fn collect(nodes: &[Node], array: &StructArray, nulls: Option<&NullBuffer>, out: &mut Vec<ArrayRef>) -> Result<()> {
    for (node, column) in nodes.iter().zip(array.columns()) {
        let column = masked(&node.filler.fill(column)?, nulls)?;
        match &node.inner {
            None => out.push(column),
            Some(inner) => collect(inner, column.as_struct(), column.nulls(), out)?,
        }
    }
    Ok(())
}

/// A map taken apart in one pass.
#[derive(Default)]
struct Walk<'a> {
    /// Names joined, as they stand in JSON strings.
    names: String,
    /// Of each flat entry: where its name is, and its value.
    flat: Vec<(Range<usize>, &'a str)>,
    nested: bool,
}

impl<'a> Walk<'a> {
    fn read(&mut self, text: &'a str, delimiter: &str) -> Result<(), SyntaxError> {
        let mut cursor = Cursor::new(text);
        let mut name = String::new();
        // How much of the name is that of each open map.
        let mut open = vec![0];
        cursor.expect(b'{', "an object")?;
        let mut closed = cursor.eat(b'}');
        loop {
            while closed {
                open.pop();
                if open.is_empty() {
                    return cursor.end();
                }
                closed = !cursor.eat(b',');
                if closed {
                    cursor.expect(b'}', "a comma or the end of an object")?;
                }
            }
            let prefix = open.last().copied().unwrap_or_default();
            name.truncate(prefix);
            if prefix > 0 {
                name.push_str(delimiter);
            }
            name.push_str(raw_string(&mut cursor)?);
            cursor.expect(b':', "a colon")?;
            if cursor.kind()? == Kind::Object {
                self.nested = true;
                open.push(name.len());
                cursor.expect(b'{', "an object")?;
                closed = cursor.eat(b'}');
                continue;
            }
            let start = cursor.position();
            cursor.skip_value()?;
            let from = self.names.len();
            self.names.push_str(&name);
            self.flat.push((from..self.names.len(), cursor.slice_from(start)));
            if !cursor.eat(b',') {
                cursor.expect(b'}', "a comma or the end of an object")?;
                closed = true;
            }
        }
    }

    /// Writes the flat map. Of two entries of one name the later counts, at the place of the first.
    fn write(&self, out: &mut Vec<u8>) {
        let mut entries = IndexMap::with_capacity(self.flat.len());
        for (name, value) in &self.flat {
            let name = Name { raw: self.names.get(name.clone()).unwrap_or_default() };
            entries.entry(name.text()).or_insert((name, *value)).1 = value;
        }
        let mut writer = ObjectWriter::new(out);
        for (name, value) in entries.into_values() {
            writer.entry(Entry::new(name, value));
        }
        writer.end();
    }
}

impl Edit for Flatten {
    const NULLS: Nulls = Nulls::Pass;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = FLATTEN.validate(config).into_valid()?;
        let delimiter = values.text("delimiter").unwrap_or("null").to_owned();
        let mut quoted = Vec::new();
        write_string(&mut quoted, delimiter.as_bytes());
        let quoted = String::from_utf8_lossy(&quoted);
        let escaped = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
        *self = Self { delimiter, escaped, plans: Plans::default() };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let rows = StructRows::of(input)?;
        let (root, delimiter) = (input.column.field(), &self.delimiter);
        let plan = self.plans.of(root, || {
            let mut planner = Planner { delimiter, flat: Vec::new() };
            let nodes = planner.nodes(rows.fields, "", root.is_nullable(), schema::default_json(root))?;
            Ok(Plan { field: with_fields(root, planner.flat)?, nodes })
        })?;
        let mut columns = Vec::new();
        collect(&plan.nodes, rows.array, None, &mut columns)?;
        Ok(rows.rebuilt(&plan.field, columns)?.into())
    }

    fn schemaless(&mut self, input: Input<'_>) -> Result<Edited> {
        let part = input.part.word();
        edit_rows(input, |_, text, out| {
            match kind_of(text, part)? {
                Kind::Object => {}
                Kind::Null => return Ok(Row::Same),
                kind => return Err(no_map(part, kind)),
            }
            let mut walk = Walk::default();
            walk.read(text, &self.escaped).map_err(|e| not_json(part, e))?;
            if !walk.nested {
                return Ok(Row::Same);
            }
            walk.write(out);
            Ok(Row::Written)
        })
    }
}
