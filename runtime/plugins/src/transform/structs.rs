//! Struct columns taken apart and put together.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Scalar, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use millstream_api::{Column, Error, Result, schema};

use super::edit::Input;
use crate::converter::json::defaults::default_array;

/// The columns of a struct.
pub(crate) struct StructRows<'a> {
    pub fields: &'a Fields,
    pub array: &'a StructArray,
}

impl<'a> StructRows<'a> {
    /// Of an input whose schema is a struct. An error is every row's.
    pub fn of(input: Input<'a>) -> Result<Self> {
        match input.column.field().data_type() {
            DataType::Struct(fields) => Ok(Self { fields, array: input.column.array().as_struct() }),
            _ => Err(not_a_struct(input.part.word(), input.column.field())),
        }
    }

    /// Which rows are null as a whole.
    pub fn nulls(&self) -> Option<&'a NullBuffer> {
        self.array.nulls()
    }

    /// The values of a field. Where the struct is null, they are anything.
    pub fn column(&self, index: usize) -> Result<&'a ArrayRef> {
        self.array.columns().get(index).ok_or_else(|| Error::internal("a struct has more fields than columns"))
    }

    /// A struct column of other fields with the same null rows. `field` is its schema.
    pub fn rebuilt(&self, field: &FieldRef, columns: Vec<ArrayRef>) -> Result<Column> {
        struct_column(field, columns, self.nulls().cloned(), self.array.len())
    }
}

/// The error of rows of this schema, when only a struct will do.
pub(crate) fn not_a_struct(part: &str, field: &Field) -> Error {
    Error::data(format!("the {part} is no struct but of the schema {}", type_word(field.data_type())))
}

/// A type as Connect calls it.
pub(crate) fn type_word(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int8 => "INT8",
        DataType::Int16 => "INT16",
        DataType::Int32 | DataType::Date32 | DataType::Time32(_) => "INT32",
        DataType::Int64 | DataType::Timestamp(..) => "INT64",
        DataType::Float32 => "FLOAT32",
        DataType::Float64 => "FLOAT64",
        DataType::Boolean => "BOOLEAN",
        DataType::Utf8 => "STRING",
        DataType::Binary | DataType::Decimal128(..) | DataType::Decimal256(..) => "BYTES",
        DataType::List(_) => "ARRAY",
        DataType::Map(..) => "MAP",
        DataType::Struct(_) => "STRUCT",
        _ => "unknown",
    }
}

/// A struct column of these parts. A null in a required field is an error unless the struct itself is null there.
pub(crate) fn struct_column(
    field: &FieldRef,
    columns: Vec<ArrayRef>,
    nulls: Option<NullBuffer>,
    rows: usize,
) -> Result<Column> {
    let DataType::Struct(fields) = field.data_type() else {
        return Err(Error::internal(format!("the column {} is no struct", field.name())));
    };
    let array = StructArray::try_new_with_length(fields.clone(), columns, nulls, rows)
        .map_err(|e| Error::internal("the fields of a struct do not fit together").caused_by(e))?;
    Column::new(field.clone(), Arc::new(array))
}

/// A struct's schema with other fields: name, version, documentation and parameters stay, optionality and default do not, as in
/// most of Kafka Connect's transformations. Two fields of one name are an error.
pub(crate) fn with_fields(root: &Field, fields: Vec<FieldRef>) -> Result<FieldRef> {
    let mut names = HashSet::with_capacity(fields.len());
    for field in &fields {
        if !names.insert(field.name().as_str()) {
            return Err(Error::data(format!("the result would have two fields of the name {:?}", field.name())));
        }
        if field.name().is_empty() {
            return Err(Error::data("the result would have a field without a name"));
        }
    }
    let mut metadata = root.metadata().clone();
    metadata.remove(schema::DEFAULT);
    Ok(Arc::new(Field::new(root.name(), DataType::Struct(fields.into()), false).with_metadata(metadata)))
}

/// The same schema under another field name.
pub(crate) fn renamed(field: &FieldRef, name: &str) -> FieldRef {
    if field.name() == name { field.clone() } else { Arc::new(field.as_ref().clone().with_name(name)) }
}

/// The name of a key's or value's own field: it has none in Connect.
pub(crate) const ROOT: &str = "value";

/// The default of a field, ready to stand in for its nulls.
pub(crate) struct Filler(Option<Scalar<ArrayRef>>);

impl Filler {
    /// `replace`: as `replace.null.with.default` says.
    pub fn of(field: &FieldRef, replace: bool) -> Result<Self> {
        let default = if replace { default_array(field)? } else { None };
        Ok(Self(default.map(Scalar::new)))
    }

    /// The values with the default in place of nulls.
    pub fn fill(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match (&self.0, array.nulls().filter(|nulls| nulls.null_count() > 0)) {
            (Some(default), Some(nulls)) => zip(&BooleanArray::new(nulls.inner().clone(), None), array, default)
                .map_err(|e| Error::internal("a default does not fit its column").caused_by(e)),
            _ => Ok(array.clone()),
        }
    }
}

/// The values with more nulls: those of what they were part of.
pub(crate) fn masked(array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<ArrayRef> {
    let Some(outer) = nulls.filter(|nulls| nulls.null_count() > 0) else { return Ok(array.clone()) };
    nullif(array, &BooleanArray::new(!outer.inner(), None))
        .map_err(|e| Error::internal("a column does not take nulls").caused_by(e))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray};

    use super::*;

    #[test]
    fn nulls_are_filled_and_kept_apart() {
        let field = Field::new("a", DataType::Int32, true);
        let field = Arc::new(schema::with_meta(field, [(schema::DEFAULT, "7".to_owned())]));
        let array: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let filled = Filler::of(&field, true).unwrap().fill(&array).unwrap();
        assert_eq!(filled.as_ref(), &Int32Array::from(vec![1, 7]));
        assert_eq!(Filler::of(&field, false).unwrap().fill(&array).unwrap().null_count(), 1);
        let nulls = NullBuffer::from(vec![false, true]);
        assert_eq!(masked(&filled, Some(&nulls)).unwrap().as_ref(), &Int32Array::from(vec![None, Some(7)]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        assert_eq!(
            masked(&text.slice(0, 2), Some(&nulls)).unwrap().as_ref(),
            &StringArray::from(vec![None, Some("b")])
        );
    }

    #[test]
    fn structs_have_each_name_once() {
        let field = |name: &str| Arc::new(Field::new(name, DataType::Int32, true));
        let root = schema::with_meta(
            Field::new(ROOT, DataType::Null, true),
            [(schema::NAME, "n".to_owned()), (schema::DEFAULT, "{}".to_owned())],
        );
        let out = with_fields(&root, vec![field("a"), field("b")]).unwrap();
        assert_eq!((schema::name(&out), schema::default_json(&out), out.is_nullable()), (Some("n"), None, false));
        assert!(with_fields(&root, vec![field("a"), field("a")]).is_err());
        assert!(with_fields(&root, vec![field("")]).is_err());
    }
}
