//! The setting `schema`: fields with their types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use millstream_api::schema::{NAME, decimal_field, time_type, timestamp_type, with_meta};

/// Twelve fields of common types, about 300 bytes as JSON.
pub(crate) const DEFAULT: &str = "id:sequence,customer:string(12),email:string(24),active:boolean,quantity:int32,\
    account:int64,score:float64,price:decimal(2),created:timestamp,birthday:date?,note:string(40)?,region:string(8)";

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sequence,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    /// Letters and digits, this many.
    String(u32),
    /// Bytes, this many.
    Bytes(u32),
    /// Of this scale.
    Decimal(u8),
    Date,
    Time,
    Timestamp,
}

/// One field of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// The most bytes or letters of one value.
const LONGEST: u32 = 1 << 26;

impl Made {
    /// Reads `name:type`, such as `price:decimal(2)?`.
    fn read(text: &str) -> Result<Made, String> {
        let Some((name, kind)) = text.rsplit_once(':') else {
            return Err(format!("field {text:?} needs a name and a type, such as id:int64"));
        };
        let (name, kind) = (name.trim(), kind.trim());
        if name.is_empty() {
            return Err(format!("field {text:?} has no name"));
        }
        let (kind, optional) = match kind.strip_suffix('?') {
            Some(kind) => (kind.trim_end(), true),
            None => (kind, false),
        };
        let (word, size) = match kind.strip_suffix(')').and_then(|kind| kind.split_once('(')) {
            Some((word, size)) => {
                let size = size.trim().parse::<u32>();
                (word.trim(), Some(size.map_err(|_| format!("field {name}: the size in {kind:?} is no number"))?))
            }
            None => (kind, None),
        };
        let sized = |longest: u32, default: u32| match size {
            Some(size) if size > longest => Err(format!("field {name}: {word} takes a size up to {longest}")),
            size => Ok(size.unwrap_or(default)),
        };
        let kind = match word {
            "string" => Kind::String(sized(LONGEST, 16)?),
            "bytes" => Kind::Bytes(sized(LONGEST, 16)?),
            "decimal" => Kind::Decimal(u8::try_from(sized(18, 2)?).unwrap_or_default()),
            word => {
                let kind = match word {
                    "sequence" => Kind::Sequence,
                    "boolean" => Kind::Boolean,
                    "int8" => Kind::Int8,
                    "int16" => Kind::Int16,
                    "int32" => Kind::Int32,
                    "int64" => Kind::Int64,
                    "float32" => Kind::Float32,
                    "float64" => Kind::Float64,
                    "date" => Kind::Date,
                    "time" => Kind::Time,
                    "timestamp" => Kind::Timestamp,
                    _ => return Err(format!("field {name}: unknown type {word:?}; types are {TYPES}")),
                };
                if size.is_some() {
                    return Err(format!("field {name}: {word} takes no size"));
                }
                kind
            }
        };
        Ok(Made { name: name.to_owned(), kind, optional })
    }

    fn field(&self) -> Field {
        let kind = match self.kind {
            Kind::Sequence | Kind::Int64 => DataType::Int64,
            Kind::Boolean => DataType::Boolean,
            Kind::Int8 => DataType::Int8,
            Kind::Int16 => DataType::Int16,
            Kind::Int32 => DataType::Int32,
            Kind::Float32 => DataType::Float32,
            Kind::Float64 => DataType::Float64,
            Kind::String(_) => DataType::Utf8,
            Kind::Bytes(_) => DataType::Binary,
            Kind::Decimal(scale) => return decimal_field(&self.name, scale.into(), self.optional),
            Kind::Date => DataType::Date32,
            Kind::Time => time_type(),
            Kind::Timestamp => timestamp_type(),
        };
        Field::new(&self.name, kind, self.optional)
    }
}

const TYPES: &str = "sequence, boolean, int8, int16, int32, int64, float32, float64, string(length), bytes(length), \
    decimal(scale), date, time and timestamp, each with ? for optional";

/// Reads all fields; names must differ.
pub(crate) fn read(fields: &[String]) -> Result<Vec<Made>, String> {
    let mut made: Vec<Made> = Vec::with_capacity(fields.len());
    for text in fields {
        let field = Made::read(text)?;
        if made.iter().any(|other| other.name == field.name) {
            return Err(format!("field {} is there twice", field.name));
        }
        made.push(field);
    }
    if made.is_empty() {
        return Err("a record needs at least one field, such as id:sequence".to_owned());
    }
    Ok(made)
}

/// The schema of the records: a struct of this name.
pub(crate) fn record(name: &str, made: &[Made]) -> (FieldRef, Fields) {
    let fields: Fields = made.iter().map(Made::field).collect();
    let record = Field::new("value", DataType::Struct(fields.clone()), false);
    (Arc::new(with_meta(record, [(NAME, name.to_owned())])), fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<Made>, String> {
        read(&text.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn fields_are_read() {
        let made = of(DEFAULT).unwrap();
        assert_eq!(made.len(), 12);
        assert_eq!(made[0], Made { name: "id".into(), kind: Kind::Sequence, optional: false });
        assert_eq!(made[7].kind, Kind::Decimal(2));
        assert_eq!(made[10], Made { name: "note".into(), kind: Kind::String(40), optional: true });
        assert_eq!(of("a : string ( 3 ) ?").unwrap()[0].kind, Kind::String(3));
        let (record, fields) = record("row", &made);
        assert_eq!(millstream_api::schema::name(&record), Some("row"));
        assert_eq!(fields[7].data_type(), &DataType::Decimal128(38, 2));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("a", "needs a name and a type"),
            (":int8", "has no name"),
            ("a:int7", "unknown type \"int7\""),
            ("a:int8(3)", "int8 takes no size"),
            ("a:string(x)", "is no number"),
            ("a:string(99999999)", "up to 67108864"),
            ("a:decimal(19)", "up to 18"),
            ("a:int8,a:int16", "a is there twice"),
            ("a:", "unknown type"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(read(&[]).is_err());
    }
}
