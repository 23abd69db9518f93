//! An Arrow field as the schema part of an envelope.

use arrow::datatypes::{DataType, Field, TimeUnit};
use millstream_api::{Error, Result, schema};

use super::encode::{Style, default_payload};
use super::escape::write_string;

/// Appends the schema with its attributes in Java's order: type, items or keys and values or fields, optional, name, version, doc,
/// parameters, default, and within a struct the field's name.
pub(super) fn write_schema(out: &mut Vec<u8>, field: &Field, style: Style) -> Result<()> {
    write(out, field, None, style)
}

fn write(out: &mut Vec<u8>, field: &Field, in_struct: Option<&str>, style: Style) -> Result<()> {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(type_name(field)?.as_bytes());
    out.push(b'"');
    match field.data_type() {
        DataType::List(item) => {
            out.extend_from_slice(b",\"items\":");
            write(out, item, None, style)?;
        }
        DataType::Map(entries, _) => {
            if let DataType::Struct(pair) = entries.data_type() {
                for (attribute, part) in [&b",\"keys\":"[..], b",\"values\":"].iter().zip(pair) {
                    out.extend_from_slice(attribute);
                    write(out, part, None, style)?;
                }
            }
        }
        DataType::Struct(fields) => {
            out.extend_from_slice(b",\"fields\":[");
            for (index, field) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, field, Some(field.name()), style)?;
            }
            out.push(b']');
        }
        _ => {}
    }
    let optional = field.is_nullable() || field.metadata().get(schema::OPTIONAL).is_some_and(|value| value == "true");
    out.extend_from_slice(if optional { b",\"optional\":true" } else { b",\"optional\":false" });
    if let Some(name) = schema::name(field) {
        out.extend_from_slice(b",\"name\":");
        write_string(out, name.as_bytes());
    }
    if let Some(version) = schema::version(field) {
        out.extend_from_slice(b",\"version\":");
        out.extend_from_slice(itoa::Buffer::new().format(version).as_bytes());
    }
    if let Some(doc) = schema::doc(field) {
        out.extend_from_slice(b",\"doc\":");
        write_string(out, doc.as_bytes());
    }
    let parameters = schema::parameters(field);
    if !parameters.is_empty() {
        out.extend_from_slice(b",\"parameters\":");
        for (index, (key, value)) in parameters.iter().enumerate() {
            out.push(if index == 0 { b'{' } else { b',' });
            write_string(out, key.as_bytes());
            out.push(b':');
            write_string(out, value.as_str().unwrap_or_default().as_bytes());
        }
        out.push(b'}');
    }
    if let Some(default) = default_payload(field, style)? {
        out.extend_from_slice(b",\"default\":");
        out.extend_from_slice(&default);
    }
    if let Some(name) = in_struct {
        out.extend_from_slice(b",\"field\":");
        write_string(out, name.as_bytes());
    }
    out.push(b'}');
    Ok(())
}

fn type_name(field: &Field) -> Result<&'static str> {
    Ok(match field.data_type() {
        DataType::Int8 => "int8",
        DataType::Int16 => "int16",
        DataType::Int32 | DataType::Date32 | DataType::Time32(TimeUnit::Millisecond) => "int32",
        DataType::Int64 | DataType::Timestamp(TimeUnit::Millisecond, _) => "int64",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Boolean => "boolean",
        DataType::Utf8 => "string",
        DataType::Binary | DataType::Decimal128(..) | DataType::Decimal256(..) => "bytes",
        DataType::List(_) => "array",
        DataType::Map(..) => "map",
        DataType::Struct(_) => "struct",
        other => {
            return Err(Error::internal(format!(
                "the column {} has the type {other}, which is no type of Connect",
                field.name()
            )));
        }
    })
}
