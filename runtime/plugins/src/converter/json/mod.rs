//! `org.apache.kafka.connect.json.JsonConverter`.
//!
//! With schemas, a payload is an envelope `{"schema":..,"payload":..}`; without, it is plain JSON, which stays text until
//! something needs a field of it. Written bytes are those of Kafka Connect 4.3; the module `decode` lists where reading is
//! stricter. The last schema's bytes are kept, so that an envelope with the same schema costs one comparison and its payload is
//! read straight into the columns of that schema.

mod builder;
pub(crate) mod cursor;
mod decimal;
mod decode;
pub(crate) mod defaults;
mod encode;
mod envelope;
pub(crate) mod escape;
mod json_texts;
mod misfit;
mod rows;
mod schema_read;
mod schema_write;
mod settings;
pub(crate) mod text;
pub(crate) mod tree;
mod unicode;

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BinaryArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::FieldRef;
use millstream_api::{Column, Config, Converter, ConverterRole, Decoded, Encoded, Error, Result, schema};

use super::arena::{Arena, all_failed};
use cursor::{Cursor, Kind};
use encode::Encoder;
use misfit::part_name;
use rows::{Rows, Shape};
use settings::Settings;

pub(crate) use settings::config_def;

/// Bytes of schema text that the cache holds at most, whatever `schemas.cache.size` allows.
const CACHE_BYTES: usize = 4 << 20;

/// Reads and writes records as JSON.
pub(crate) struct JsonConverter {
    role: ConverterRole,
    settings: Settings,
    shapes: Vec<Shape>,
    by_schema: HashMap<Box<[u8]>, usize>,
    cached_bytes: usize,
    current: usize,
    rendered: Option<Rendered>,
}

/// The last schema that was written.
struct Rendered {
    field: FieldRef,
    prefix: Vec<u8>,
}

impl JsonConverter {
    /// With the settings' defaults, for values.
    pub fn new() -> Self {
        Self {
            role: ConverterRole::Value,
            settings: Settings::default(),
            shapes: Vec::new(),
            by_schema: HashMap::new(),
            cached_bytes: 0,
            current: 0,
            rendered: None,
        }
    }

    /// Forgets schemas when there are too many; only between batches, since a run in progress points at its shape.
    fn trim_cache(&mut self) {
        if self.by_schema.len() > self.settings.cache_size || self.cached_bytes > CACHE_BYTES {
            self.by_schema.clear();
            self.shapes.clear();
            self.cached_bytes = 0;
            self.current = 0;
        }
    }

    /// The shape for the schema text of an envelope. Texts of one meaning share a shape, so that they run on in one batch.
    fn shape_of(&mut self, text: &str) -> Result<usize> {
        if let Some(place) = self.by_schema.get(text.as_bytes()) {
            return Ok(*place);
        }
        let field =
            schema_read::read_schema(text, self.settings.style.replace_null)?.unwrap_or_else(schema::schemaless_field);
        let known = self.shapes.iter().position(|shape| schema::same(shape.builder.field(), &field));
        let place = match known {
            Some(place) => place,
            None => {
                self.shapes.push(Shape::new(&field, self.settings.style.replace_null)?);
                self.shapes.len() - 1
            }
        };
        self.cached_bytes += text.len();
        self.by_schema.insert(text.as_bytes().into(), place);
        Ok(place)
    }

    /// The shape that all payloads have when they come without envelope.
    fn bare_shape(&mut self) -> Result<usize> {
        if self.shapes.is_empty() {
            let field = self.settings.content.clone().unwrap_or_else(schema::schemaless_field);
            self.shapes.push(Shape::new(&field, self.settings.style.replace_null)?);
        }
        Ok(0)
    }

    fn read_bare(&mut self, rows: &mut Rows, bytes: &[u8]) {
        let part = part_name(self.role);
        let place = match self.bare_shape() {
            Ok(place) => place,
            Err(error) => return rows.push_failed(&mut self.shapes, error),
        };
        let text = match unicode::text_of(bytes) {
            Ok(text) => text,
            Err(error) => return rows.push_failed(&mut self.shapes, error.into_error(part, 0)),
        };
        let mut cursor = Cursor::new(&text);
        cursor.skip_blanks();
        // Blank text and null have, without a schema, neither value nor schema.
        if self.settings.content.is_none() {
            let mut rest = cursor.clone();
            if rest.at_end() || (rest.kind() == Ok(Kind::Null) && rest.null().and_then(|()| rest.end()).is_ok()) {
                return rows.push_absent(&mut self.shapes);
            }
        }
        rows.push(
            &mut self.shapes,
            place,
            |builder| {
                builder.read(&mut cursor)?;
                Ok(cursor.end()?)
            },
            |misfit: Box<misfit::Misfit>| misfit.into_error(part, 0),
        );
    }

    fn read_envelope(&mut self, rows: &mut Rows, bytes: &[u8]) {
        let part = part_name(self.role);
        if let Some(shape) = self.shapes.get(self.current)
            && !shape.prefix.is_empty()
            && let Some(rest) = bytes.strip_prefix(shape.prefix.as_slice())
            && let Ok(text) = simdutf8::basic::from_utf8(rest)
        {
            let read = rows.try_push(&mut self.shapes, self.current, |builder| -> misfit::Fit {
                let mut cursor = Cursor::new(text);
                builder.read(&mut cursor)?;
                cursor.expect(b'}', "the end of the envelope")?;
                Ok(cursor.end()?)
            });
            // An envelope may go on with another payload; what is wrong with it the long way tells.
            if read.is_ok() {
                return;
            }
        }
        let text = match unicode::text_of(bytes) {
            Ok(text) => text,
            Err(error) => return rows.push_failed(&mut self.shapes, error.into_error(part, 0)),
        };
        let parts = match envelope::split(&text) {
            Ok(parts) => parts,
            Err(misfit) => return rows.push_failed(&mut self.shapes, misfit.into_error(part, 0)),
        };
        let place = match self.shape_of(parts.schema) {
            Ok(place) => place,
            Err(error) => return rows.push_failed(&mut self.shapes, error),
        };
        let Some(shape) = self.shapes.get_mut(place) else { return };
        if shape.is_schemaless() {
            if parts.payload == "null" {
                return rows.push_absent(&mut self.shapes);
            }
        } else if parts.schema_first && matches!(text, std::borrow::Cow::Borrowed(_)) {
            shape.prefix.clear();
            shape.prefix.extend_from_slice(bytes.get(..parts.payload_start).unwrap_or_default());
            self.current = place;
        }
        rows.push(
            &mut self.shapes,
            place,
            |builder| builder.read(&mut Cursor::new(parts.payload)),
            |misfit| misfit.into_error(part, parts.payload_start),
        );
    }

    /// What stands before a payload of this schema; rendered once as long as the schema stays.
    fn render(&mut self, field: &FieldRef) -> Result<&[u8]> {
        let known = self.rendered.as_ref().is_some_and(|rendered| schema::same(&rendered.field, field));
        if !known {
            let mut prefix = b"{\"schema\":".to_vec();
            if schema::is_schemaless(field) {
                prefix.extend_from_slice(b"null");
            } else {
                schema_write::write_schema(&mut prefix, field, self.settings.style)?;
            }
            prefix.extend_from_slice(b",\"payload\":");
            self.rendered = Some(Rendered { field: field.clone(), prefix });
        }
        Ok(self.rendered.as_ref().map_or(&[], |rendered| rendered.prefix.as_slice()))
    }

    fn encode_rows(&mut self, column: &Column) -> Result<Encoded> {
        if column.is_all_absent() {
            return Ok(Arena::new(0, 0).nulls(column.len()));
        }
        let part = part_name(self.role);
        let (schemas, style) = (self.settings.schemas, self.settings.style);
        // Texts that are known to stand as they are written are the payloads.
        if !schemas && let Some((texts, _)) = column.array().as_string_opt::<i32>().zip(column.outline()) {
            let absent = column.absent_rows().map(|absent| NullBuffer::new(!absent));
            let nulls = NullBuffer::union(texts.nulls(), absent.as_ref());
            let payloads = BinaryArray::try_new(texts.offsets().clone(), texts.values().clone(), nulls)
                .map_err(|e| Error::internal("the payloads of a batch do not line up").caused_by(e))?;
            return Ok(Encoded { payloads, failures: Vec::new() });
        }
        let prefix: &[u8] = if schemas { self.render(column.field())? } else { &[] };
        let encoder = Encoder::new(column.field(), column.array(), style)?;
        let schemaless = column.is_schemaless();
        // What the arrays hold is about what the payloads will.
        let mut arena = Arena::new(column.len(), column.len() * (prefix.len() + 16) + column.byte_size() * 3 / 2);
        for row in 0..column.len() {
            // Neither value nor schema: a null payload, whatever the other rows of the run have.
            if column.is_absent(row) || (schemaless && column.array().is_null(row)) {
                arena.push_null();
                continue;
            }
            arena.push(row, |out| {
                out.extend_from_slice(prefix);
                encoder.write(row, out).map_err(|e| Error::data(format!("the {part} cannot be written: {e}")))?;
                if schemas {
                    out.push(b'}');
                }
                Ok(())
            });
        }
        arena.finish()
    }
}

impl Converter for JsonConverter {
    fn configure(&mut self, config: &Config, role: ConverterRole) -> Result<()> {
        *self = Self { role, settings: Settings::of(config, role)?, ..Self::new() };
        Ok(())
    }

    fn decode(&mut self, _topic: &str, payloads: &BinaryArray) -> Decoded {
        let mut rows = Rows::new(payloads.len());
        let bare = !self.settings.schemas || self.settings.content.is_some();
        if !bare {
            self.trim_cache();
        }
        for row in 0..payloads.len() {
            if payloads.is_null(row) {
                rows.push_absent(&mut self.shapes);
            } else if bare {
                self.read_bare(&mut rows, payloads.value(row));
            } else {
                self.read_envelope(&mut rows, payloads.value(row));
            }
        }
        rows.finish(&mut self.shapes)
    }

    fn encode(&mut self, _topic: &str, column: &Column) -> Encoded {
        self.encode_rows(column).unwrap_or_else(|error| all_failed(column, &error))
    }
}
