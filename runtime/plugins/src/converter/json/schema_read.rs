//! The schema part of an envelope into an Arrow field.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use millstream_api::{Error, Result, schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::builder::Builder;
use super::cursor::Cursor;
use super::encode::{Encoder, Style};
use super::json_texts::without_leading_zeros;

/// Name of the field of a whole key or value. Never written; the same everywhere so that equal schemas are equal fields.
const ROOT: &str = "value";

/// Levels of schemas within schemas.
const MAX_DEPTH: usize = 100;

/// A schema as JSON has it. What Java ignores when it has another type is a [`Value`].
#[derive(Deserialize)]
struct Declared<'a> {
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    optional: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    doc: Value,
    #[serde(default)]
    parameters: Value,
    #[serde(default, borrow, deserialize_with = "given")]
    default: Option<&'a RawValue>,
    #[serde(default, borrow)]
    items: Option<&'a RawValue>,
    #[serde(default, borrow)]
    keys: Option<&'a RawValue>,
    #[serde(default, borrow)]
    values: Option<&'a RawValue>,
    #[serde(default, borrow)]
    fields: Option<&'a RawValue>,
    #[serde(default)]
    field: Value,
}

/// Tells a null that was given from nothing given.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The field of a schema; `None` for the JSON text `null`, which is no schema. `replace_null`: nulls in defaults become the defaults
/// of their own schemas.
pub(super) fn read_schema(text: &str, replace_null: bool) -> Result<Option<FieldRef>> {
    if text.trim() == "null" {
        return Ok(None);
    }
    let read = |text: &str| field_of(&parse(text, "schema")?, ROOT, "schema", 0, replace_null);
    match read(text) {
        Ok(field) => Ok(Some(Arc::new(field))),
        // Numbers may have leading zeros, which are no JSON to others.
        Err(error) => match without_leading_zeros(text) {
            clean if clean != text => Ok(Some(Arc::new(read(&clean)?))),
            _ => Err(error),
        },
    }
}

fn parse<'a>(text: &'a str, path: &str) -> Result<Declared<'a>> {
    serde_json::from_str(text).map_err(|e| {
        let what = if e.is_data() { "expected an object that names each attribute once" } else { "it is not JSON" };
        wrong(path, what)
    })
}

fn wrong(path: &str, what: impl std::fmt::Display) -> Error {
    Error::data(format!("the schema cannot be read at {path}: {what}"))
}

fn field_of(declared: &Declared<'_>, name: &str, path: &str, depth: usize, replace_null: bool) -> Result<Field> {
    if depth >= MAX_DEPTH {
        return Err(wrong(path, format_args!("more than {MAX_DEPTH} levels of nesting")));
    }
    let kind = declared.kind.as_str().ok_or_else(|| wrong(path, "it needs a type, as text"))?;
    let optional = declared.optional == Value::Bool(true);
    let child = |text: Option<&RawValue>, name: &str| {
        let path = format!("{path}.{name}");
        let text = text.ok_or_else(|| wrong(&path, format_args!("{kind} needs it")))?;
        let arrow_name = match name {
            "items" => "item",
            "keys" => "key",
            _ => "value",
        };
        field_of(&parse(text.get(), &path)?, arrow_name, &path, depth + 1, replace_null)
    };
    let data_type = match kind {
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        "string" => DataType::Utf8,
        "bytes" => DataType::Binary,
        "array" => DataType::List(Arc::new(child(declared.items, "items")?)),
        "map" => {
            let mut key = child(declared.keys, "keys")?;
            if key.is_nullable() {
                key = schema::with_meta(key.with_nullable(false), [(schema::OPTIONAL, "true".to_owned())]);
            }
            let pair = Fields::from(vec![key, child(declared.values, "values")?]);
            DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
        }
        "struct" => DataType::Struct(fields_of(declared.fields, path, depth, replace_null)?),
        _ => {
            return Err(wrong(
                path,
                "the type is unknown (int8, int16, int32, int64, float, double, boolean, string, bytes, array, map or struct)",
            ));
        }
    };
    let field = describe(declared, Field::new(name, data_type, optional), path)?;
    with_default(declared, field, path, replace_null)
}

fn fields_of(declared: Option<&RawValue>, path: &str, depth: usize, replace_null: bool) -> Result<Fields> {
    let path = format!("{path}.fields");
    let list: Vec<&RawValue> = declared
        .and_then(|text| serde_json::from_str(text.get()).ok())
        .ok_or_else(|| wrong(&path, "struct needs it, an array"))?;
    let mut fields: Vec<FieldRef> = Vec::with_capacity(list.len());
    let mut names = std::collections::HashSet::new();
    for (index, text) in list.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        let declared = parse(text.get(), &path)?;
        let name = declared.field.as_str().ok_or_else(|| wrong(&path, "it needs a field, its name as text"))?;
        if !names.insert(name.to_owned()) {
            return Err(wrong(&path, format_args!("the field {name} is there twice")));
        }
        fields.push(Arc::new(field_of(&declared, name, &path, depth + 1, replace_null)?));
    }
    Ok(fields.into())
}

/// Name, version, documentation and parameters; the logical types become Arrow's own.
fn describe(declared: &Declared<'_>, field: Field, path: &str) -> Result<Field> {
    let mut parameters = declared.parameters.as_object().cloned().unwrap_or_default();
    if parameters.values().any(|value| !value.is_string()) {
        return Err(wrong(path, "parameters need to be text"));
    }
    // Java takes the low bits of one that is too large.
    let version = declared.version.as_i64().filter(|_| declared.version.is_i64()).map(|v| v as i32);
    let mut metadata = field.metadata().clone();
    if let Some(doc) = declared.doc.as_str() {
        metadata.insert(schema::DOC.to_owned(), doc.to_owned());
    }
    let (name, optional) = (declared.name.as_str(), field.is_nullable());
    let logical = match (name, field.data_type()) {
        (Some(schema::DECIMAL), DataType::Binary) => {
            let scale = parameters.get(schema::SCALE).and_then(Value::as_str).and_then(|text| text.parse::<i32>().ok());
            let scale = scale.ok_or_else(|| wrong(path, "a Decimal needs the parameter scale, a whole number"))?;
            let field = schema::decimal_field(field.name(), scale, optional);
            let implied = field.data_type() != &DataType::Binary;
            if implied && parameters.len() == 1 && parameters.get(schema::SCALE) == Some(&scale.to_string().into()) {
                parameters.clear();
            }
            implied.then(|| field.data_type().clone())
        }
        (Some(schema::DATE), DataType::Int32) => Some(DataType::Date32),
        (Some(schema::TIME), DataType::Int32) => Some(schema::time_type()),
        (Some(schema::TIMESTAMP), DataType::Int64) => Some(schema::timestamp_type()),
        _ => None,
    };
    // What the Arrow type says is not said again.
    if logical.is_none() || version != Some(1) {
        if let Some(name) = name {
            metadata.insert(schema::NAME.to_owned(), name.to_owned());
        }
        if let Some(version) = version {
            metadata.insert(schema::VERSION.to_owned(), version.to_string());
        }
    }
    if !parameters.is_empty() {
        metadata.insert(schema::PARAMETERS.to_owned(), Value::Object(parameters).to_string());
    }
    let data_type = logical.unwrap_or_else(|| field.data_type().clone());
    Ok(field.with_data_type(data_type).with_metadata(metadata))
}

/// The default is read as a payload of the schema and kept as the payload the converter would write.
fn with_default(declared: &Declared<'_>, field: Field, path: &str, replace_null: bool) -> Result<Field> {
    let Some(text) = declared.default else { return Ok(field) };
    if text.get() == "null" && field.is_nullable() {
        return Ok(field);
    }
    let field = Arc::new(field);
    let mut builder = Builder::new(&field, replace_null)?;
    let read = builder.read(&mut Cursor::new(text.get()));
    read.map_err(|misfit| wrong(&format!("{path}.default"), misfit.into_error("default", 0)))?;
    let (built, array) = builder.finish()?;
    let mut payload = Vec::new();
    Encoder::new(&built, &array, Style { replace_null, ..Style::CANONICAL })?
        .write(0, &mut payload)
        .map_err(|unwritable| wrong(&format!("{path}.default"), unwritable))?;
    let payload = String::from_utf8_lossy(&payload).into_owned();
    Ok(schema::with_meta(field.as_ref().clone(), [(schema::DEFAULT, payload)]))
}
