//! What each transformation makes of one value under a schema, written to be plain.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike, Days, NaiveDate};
use millstream_api::java_text::{write_decimal, write_double, write_float};
use millstream_api::schema;
use num_bigint::BigInt;

use super::record::{V, default};

pub type Made = Result<(FieldRef, V), ()>;

fn fields_of(field: &Field) -> Result<&Fields, ()> {
    match field.data_type() {
        DataType::Struct(fields) => Ok(fields),
        _ => Err(()),
    }
}

fn parts_of(value: &V) -> &[V] {
    match value {
        V::Struct(parts) => parts,
        other => panic!("{other:?} is no struct"),
    }
}

fn get(field: &Field, value: &V, replace: bool) -> V {
    match value {
        V::Null if replace => default(field).unwrap_or(V::Null),
        value => value.clone(),
    }
}

/// A struct schema with name, version, documentation and parameters of another; `Err` when a name is there twice.
fn struct_of(root: &Field, fields: Vec<FieldRef>) -> Result<FieldRef, ()> {
    for (place, field) in fields.iter().enumerate() {
        if field.name().is_empty() || fields[..place].iter().any(|other| other.name() == field.name()) {
            return Err(());
        }
    }
    let mut metadata = root.metadata().clone();
    metadata.remove(schema::DEFAULT);
    Ok(Arc::new(Field::new("value", DataType::Struct(fields.into()), false).with_metadata(metadata)))
}

fn named(field: &Field, name: &str) -> FieldRef {
    Arc::new(field.clone().with_name(name))
}

pub fn replace_field(
    field: &FieldRef,
    value: &V,
    exclude: &[String],
    include: &[String],
    renames: &[(String, String)],
    replace: bool,
) -> Made {
    let (mut fields, mut parts) = (Vec::new(), Vec::new());
    for (part, value) in fields_of(field)?.iter().zip(parts_of(value)) {
        let name = part.name();
        if exclude.contains(name) || !(include.is_empty() || include.contains(name)) {
            continue;
        }
        let renamed = renames.iter().rev().find(|(old, _)| old == name).map_or(name, |(_, new)| new);
        fields.push(named(part, renamed));
        parts.push(get(part, value, replace));
    }
    Ok((struct_of(field, fields)?, V::Struct(parts)))
}

pub fn extract_field(field: &FieldRef, value: &V, path: &[String], replace: bool) -> Made {
    let (mut field, mut value) = (field.clone(), value.clone());
    for step in path {
        let fields = fields_of(&field)?.clone();
        let (index, next) = fields.find(step).ok_or(())?;
        value = match value {
            V::Null => V::Null,
            value => get(next, &parts_of(&value)[index], replace),
        };
        field = next.clone();
    }
    Ok((named(&field, "value"), value))
}

pub fn value_to_key(field: &FieldRef, value: &V, names: &[String], replace: bool) -> Made {
    let fields = fields_of(field)?;
    let found: Vec<_> = names.iter().map(|name| fields.find(name).ok_or(())).collect::<Result<_, _>>()?;
    let parts = found.iter().map(|(index, field)| get(field, &parts_of(value)[*index], replace)).collect();
    let root = Field::new("value", DataType::Null, false);
    Ok((struct_of(&root, found.iter().map(|(_, field)| (*field).clone()).collect())?, V::Struct(parts)))
}

pub fn hoist_field(field: &FieldRef, value: &V, name: &str) -> Made {
    let value = match value {
        V::Null if !field.is_nullable() => Some(default(field).ok_or(())?),
        _ => Some(value.clone()),
    };
    let root = Field::new("value", DataType::Null, false);
    Ok((struct_of(&root, vec![named(field, name)])?, V::Struct(value.into_iter().collect())))
}

/// `inserts`: schema and value of each field.
pub fn insert_field(field: &FieldRef, value: &V, inserts: &[(Field, V)], replace: bool) -> Made {
    let mut fields: Vec<FieldRef> = fields_of(field)?.iter().cloned().collect();
    let mut parts: Vec<V> = fields.iter().zip(parts_of(value)).map(|(f, v)| get(f, v, replace)).collect();
    for (field, value) in inserts {
        if *value == V::Null && !field.is_nullable() {
            return Err(());
        }
        fields.push(Arc::new(field.clone()));
        parts.push(value.clone());
    }
    Ok((struct_of(field, fields)?, V::Struct(parts)))
}

pub fn flatten(field: &FieldRef, value: &V, delimiter: &str) -> Made {
    let mut flat = Vec::new();
    flatten_into(fields_of(field)?, value, "", delimiter, field.is_nullable(), &mut flat)?;
    let (fields, parts): (Vec<_>, Vec<_>) = flat.into_iter().unzip();
    Ok((struct_of(field, fields)?, V::Struct(parts)))
}

fn flatten_into(
    fields: &Fields,
    value: &V,
    prefix: &str,
    delimiter: &str,
    optional: bool,
    flat: &mut Vec<(FieldRef, V)>,
) -> Result<(), ()> {
    for (index, field) in fields.iter().enumerate() {
        let name =
            if prefix.is_empty() { field.name().clone() } else { format!("{prefix}{delimiter}{}", field.name()) };
        let optional = optional || field.is_nullable();
        let part = if *value == V::Null { V::Null } else { get(field, &parts_of(value)[index], true) };
        match field.data_type() {
            DataType::Struct(fields) => flatten_into(fields, &part, &name, delimiter, optional, flat)?,
            DataType::Map(..) => return Err(()),
            _ => flat.push((Arc::new(named(field, &name).as_ref().clone().with_nullable(optional)), part)),
        }
    }
    Ok(())
}

pub fn mask_field(field: &FieldRef, value: &V, names: &[String], replacement: Option<&str>, replace: bool) -> Made {
    let mut parts = Vec::new();
    for (part, value) in fields_of(field)?.iter().zip(parts_of(value)) {
        let value = get(part, value, replace);
        parts.push(if names.contains(part.name()) { mask(part, value, replacement)? } else { value });
    }
    Ok((field.clone(), V::Struct(parts)))
}

/// `replacement` is a whole number, or nothing that is a number.
fn mask(field: &Field, value: V, replacement: Option<&str>) -> Result<V, ()> {
    let number = || replacement.unwrap_or("0").parse::<i64>().map_err(drop);
    let zero = |masked: V| if replacement.is_none() { Ok(masked) } else { Err(()) };
    match value {
        V::Null => Ok(V::Null),
        V::Text(_) => Ok(V::Text(replacement.unwrap_or_default().to_owned())),
        V::Whole(_) => Ok(V::Whole(cut(field.data_type(), number()?))),
        V::Float(_) => Ok(V::Float((number()? as f32).to_bits())),
        V::Double(_) => Ok(V::Double((number()? as f64).to_bits())),
        V::Decimal(_, scale) => {
            let number = BigInt::from(number()?);
            let digits = match field.data_type() {
                DataType::Decimal128(..) => 38,
                DataType::Decimal256(..) => 76,
                _ => 1000,
            };
            let unscaled = match u32::try_from(scale) {
                Ok(scale) => number * BigInt::from(10).pow(scale),
                Err(_) if number == BigInt::ZERO => number,
                Err(_) => return Err(()),
            };
            if unscaled.magnitude().to_string().len() > digits { Err(()) } else { Ok(V::Decimal(unscaled, scale)) }
        }
        V::Boolean(_) => zero(V::Boolean(false)),
        V::Date(_) => zero(V::Date(0)),
        V::Time(_) => zero(V::Time(0)),
        V::Timestamp(_) => zero(V::Timestamp(0)),
        V::List(_) => zero(V::List(Vec::new())),
        V::Map(_) => zero(V::Map(Vec::new())),
        V::Bytes(_) | V::Struct(_) => Err(()),
    }
}

/// The low bits, as many as the type has.
fn cut(data_type: &DataType, value: i64) -> i64 {
    let bits = match data_type {
        DataType::Int8 => 8,
        DataType::Int16 => 16,
        DataType::Int32 => 32,
        _ => 64,
    };
    value << (64 - bits) >> (64 - bits)
}

pub fn cast(field: &FieldRef, value: &V, casts: &[(String, DataType)], replace: bool) -> Made {
    let (mut fields, mut parts) = (Vec::new(), Vec::new());
    for (part, value) in fields_of(field)?.iter().zip(parts_of(value)) {
        let value = get(part, value, replace);
        let Some((_, to)) = casts.iter().rev().find(|(name, _)| name == part.name()) else {
            fields.push(part.clone());
            parts.push(value);
            continue;
        };
        let mut cast = Field::new(part.name(), to.clone(), part.is_nullable());
        if let Some(default) = default(part) {
            let text = default_text(part, cast_value(default, to)?);
            cast = schema::with_meta(cast, [(schema::DEFAULT, text)]);
        }
        fields.push(Arc::new(cast));
        parts.push(cast_value(value, to)?);
    }
    let data_type = DataType::Struct(fields.into());
    Ok((Arc::new(field.as_ref().clone().with_data_type(data_type)), V::Struct(parts)))
}

fn default_text(field: &Field, cast: V) -> String {
    match cast {
        V::Text(_) if field.data_type() == &DataType::Utf8 => schema::default_json(field).unwrap().to_owned(),
        V::Text(text) => format!("\"{text}\""),
        V::Whole(value) => value.to_string(),
        V::Boolean(value) => value.to_string(),
        V::Float(bits) => printed(|out| write_float(out, f32::from_bits(bits))),
        V::Double(bits) => printed(|out| write_double(out, f64::from_bits(bits))),
        other => panic!("{other:?}"),
    }
}

fn printed(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

fn cast_value(value: V, to: &DataType) -> Result<V, ()> {
    if *to == DataType::Utf8 {
        return text_of(value);
    }
    // As a whole number, cut to 64 bits, and as a double and a float.
    let (long, double, float) = match value {
        V::Null => return Ok(V::Null),
        V::Whole(v) | V::Date(v) | V::Time(v) | V::Timestamp(v) => (v, v as f64, v as f32),
        V::Boolean(v) => (v.into(), f64::from(u8::from(v)), f32::from(u8::from(v))),
        V::Float(bits) => {
            (float_to_whole(f32::from_bits(bits).into(), to), f32::from_bits(bits).into(), f32::from_bits(bits))
        }
        V::Double(bits) => {
            (float_to_whole(f64::from_bits(bits), to), f64::from_bits(bits), f64::from_bits(bits) as f32)
        }
        V::Decimal(unscaled, scale) => {
            let text = printed(|out| write_decimal(out, &unscaled.to_string(), scale));
            let ten = |power: i64| BigInt::from(10).pow(power as u32);
            let whole = if scale >= 0 { unscaled / ten(scale) } else { unscaled * ten(-scale) };
            let low: BigInt = ((whole % (BigInt::from(1) << 64)) + (BigInt::from(1) << 64)) % (BigInt::from(1) << 64);
            (u64::try_from(low).unwrap() as i64, text.parse().unwrap(), text.parse().unwrap())
        }
        V::Text(text) => return text_to(&text, to),
        V::Bytes(_) | V::List(_) | V::Map(_) | V::Struct(_) => return Err(()),
    };
    Ok(match to {
        DataType::Float32 => V::Float(float.to_bits()),
        DataType::Float64 => V::Double(double.to_bits()),
        DataType::Boolean => V::Boolean(long != 0),
        to => V::Whole(cut(to, long)),
    })
}

fn float_to_whole(value: f64, to: &DataType) -> i64 {
    if matches!(to, DataType::Int8 | DataType::Int16 | DataType::Int32) { (value as i32).into() } else { value as i64 }
}

/// Texts of the tests are digits, or no numbers.
fn text_to(text: &str, to: &DataType) -> Result<V, ()> {
    Ok(match to {
        DataType::Boolean => V::Boolean(text.to_lowercase() == "true"),
        DataType::Float32 => V::Float(text.trim_matches(|c| c <= ' ').parse::<f32>().map_err(drop)?.to_bits()),
        DataType::Float64 => V::Double(text.trim_matches(|c| c <= ' ').parse::<f64>().map_err(drop)?.to_bits()),
        to => {
            let value = text.parse::<i64>().map_err(drop)?;
            if cut(to, value) == value { V::Whole(value) } else { return Err(()) }
        }
    })
}

fn text_of(value: V) -> Result<V, ()> {
    let date = |millis: i64| {
        let day = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + Days::new(millis.max(0) as u64 / 86_400_000 % 146_097);
        // Calendars repeat after 400 years.
        let year = i64::from(day.year()) + millis.max(0) / 86_400_000 / 146_097 * 400;
        let time = DateTime::from_timestamp_millis(millis.rem_euclid(86_400_000)).unwrap().format("%H:%M:%S%.3fZ");
        let day = format!("{year}-{}", day.format("%m-%d"));
        match millis {
            ..86_400_000 => time.to_string(),
            _ if millis % 86_400_000 == 0 => day,
            _ => format!("{day}T{time}"),
        }
    };
    Ok(V::Text(match value {
        V::Null => return Ok(V::Null),
        V::Whole(v) => v.to_string(),
        V::Float(bits) => printed(|out| write_float(out, f32::from_bits(bits))),
        V::Double(bits) => printed(|out| write_double(out, f64::from_bits(bits))),
        V::Boolean(v) => v.to_string(),
        V::Text(text) => text,
        V::Bytes(bytes) => STANDARD.encode(bytes),
        V::Decimal(unscaled, scale) => printed(|out| write_decimal(out, &unscaled.to_string(), scale)),
        V::Date(days) => date(days * 86_400_000),
        V::Time(millis) | V::Timestamp(millis) => date(millis),
        V::List(_) | V::Map(_) | V::Struct(_) => return Err(()),
    }))
}

/// The schema of InsertField's timestamp.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

pub fn set_schema_metadata(field: &FieldRef, value: &V, name: &str, version: Option<i32>, replace: bool) -> Made {
    let version = version.map(|version| (schema::VERSION, version.to_string()));
    let named = schema::with_meta(field.as_ref().clone(), [(schema::NAME, name.to_owned())].into_iter().chain(version));
    let value = match value {
        V::Struct(parts) => {
            V::Struct(fields_of(field)?.iter().zip(parts).map(|(field, value)| get(field, value, replace)).collect())
        }
        value => value.clone(),
    };
    Ok((Arc::new(named), value))
}

/// Of the field `name`, to a type of milliseconds. Texts of the tests are no dates.
pub fn timestamp_converter(field: &FieldRef, value: &V, name: &str, to: &DataType, replace: bool) -> Made {
    const DAY: i64 = 86_400_000;
    let absent = *value == V::Null;
    let (mut fields, mut parts) = (Vec::new(), Vec::new());
    for (index, part) in fields_of(field)?.iter().enumerate() {
        // Of a struct that is null, the schema is what counts.
        let value = if absent { V::Null } else { get(part, &parts_of(value)[index], replace) };
        if part.name() != name {
            fields.push(part.clone());
            parts.push(value);
            continue;
        }
        let instant = matches!(
            part.data_type(),
            DataType::Int64 | DataType::Utf8 | DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(..)
        );
        let millis = match value {
            _ if !instant && !absent => return Err(()),
            V::Null => None,
            V::Whole(millis) | V::Time(millis) | V::Timestamp(millis) => Some(millis),
            V::Date(days) => Some(days * DAY),
            _ => return Err(()),
        };
        fields.push(Arc::new(Field::new(part.name(), to.clone(), part.is_nullable())));
        parts.push(millis.map_or(V::Null, |millis| match to {
            DataType::Int64 => V::Whole(millis),
            DataType::Time32(_) => V::Time(millis.rem_euclid(DAY)),
            _ => V::Timestamp(millis),
        }));
    }
    let value = if absent { V::Null } else { V::Struct(parts) };
    // Optional as it was, unlike after other transformations.
    Ok((Arc::new(field.as_ref().clone().with_data_type(DataType::Struct(fields.into()))), value))
}
