//! Applying a conversion to arrays. Whole columns at a time; a value that does not fit is told by its row and left null or
//! empty.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, FixedSizeBinaryBuilder, ListArray, MapArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;
use millstream_api::{Error, Result};

use super::decimal;
use super::shape::Conversion;

/// A row that cannot be written.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// Its number in the batch.
    pub(crate) row: usize,
    /// Why, naming the field.
    pub(crate) why: String,
}

/// Takes a row number and why its value does not fit.
pub(super) type Report<'a> = dyn FnMut(usize, String) + 'a;

/// The array as the writer takes it.
pub(super) fn convert(conversion: &Conversion, array: &ArrayRef, report: &mut Report<'_>) -> Result<ArrayRef> {
    match conversion {
        Conversion::Keep => Ok(array.clone()),
        Conversion::Widen => compute::cast(array, &DataType::Int32).map_err(mismatch),
        Conversion::Fixed(size) => fixed(*size, array, report),
        Conversion::Decimal(target) => decimal::convert(target, array, report),
        Conversion::DecimalText(scale) => decimal::to_text(*scale, array),
        Conversion::List(item, inner) => {
            let list = downcast::<ListArray>(array)?;
            let values = under(inner, list.values(), list.offsets(), report)?;
            list_array(item, list.offsets(), values, list.nulls())
        }
        Conversion::Struct(fields, inner) => {
            let values = downcast::<StructArray>(array)?;
            let columns = values
                .columns()
                .iter()
                .zip(inner)
                .zip(fields)
                .map(|((column, inner), field)| {
                    convert(inner, column, &mut |row, why| report(row, format!("{}: {why}", field.name())))
                })
                .collect::<Result<Vec<_>>>()?;
            struct_array(fields, columns, values.nulls().cloned(), values.len())
        }
        Conversion::Map(entries, inner) => {
            let map = downcast::<MapArray>(array)?;
            let pairs: ArrayRef = Arc::new(map.entries().clone());
            let pairs = under(inner, &pairs, map.offsets(), report)?;
            let entries = retyped(entries, &pairs);
            let pairs = downcast::<StructArray>(&pairs)?.clone();
            Ok(Arc::new(
                MapArray::try_new(entries, map.offsets().clone(), pairs, map.nulls().cloned(), false)
                    .map_err(mismatch)?,
            ))
        }
        Conversion::Pairs(element, inner) => {
            let map = downcast::<MapArray>(array)?;
            let pairs: ArrayRef = Arc::new(map.entries().clone());
            let pairs = under(inner, &pairs, map.offsets(), report)?;
            list_array(element, map.offsets(), pairs, map.nulls())
        }
        Conversion::Default(inner, default) => {
            let array = convert(inner, array, report)?;
            let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else { return Ok(array) };
            let given = BooleanArray::new(nulls.inner().clone(), None);
            compute::kernels::zip::zip(&given, &array, default.as_ref()).map_err(mismatch)
        }
    }
}

/// Converts items; what does not fit is told by the row that holds the item.
fn under(
    inner: &Conversion,
    items: &ArrayRef,
    offsets: &OffsetBuffer<i32>,
    report: &mut Report<'_>,
) -> Result<ArrayRef> {
    convert(inner, items, &mut |item, why| {
        // A slice of a list keeps all items: those outside of its rows are nobody's.
        let row = offsets.partition_point(|&start| start as usize <= item);
        if (1..offsets.len()).contains(&row) {
            report(row - 1, why);
        }
    })
}

/// The field with the type the array has: names and metadata within a type are the file schema's business, not the array's.
fn retyped(field: &FieldRef, array: &ArrayRef) -> FieldRef {
    Arc::new(Field::new(field.name(), array.data_type().clone(), field.is_nullable()))
}

fn list_array(
    item: &FieldRef,
    offsets: &OffsetBuffer<i32>,
    values: ArrayRef,
    nulls: Option<&NullBuffer>,
) -> Result<ArrayRef> {
    let item = retyped(item, &values);
    Ok(Arc::new(ListArray::try_new(item, offsets.clone(), values, nulls.cloned()).map_err(mismatch)?))
}

fn struct_array(fields: &Fields, columns: Vec<ArrayRef>, nulls: Option<NullBuffer>, len: usize) -> Result<ArrayRef> {
    let fields: Fields = fields.iter().zip(&columns).map(|(field, column)| retyped(field, column)).collect();
    Ok(Arc::new(StructArray::try_new_with_length(fields, columns, nulls, len).map_err(mismatch)?))
}

fn fixed(size: i32, array: &ArrayRef, report: &mut Report<'_>) -> Result<ArrayRef> {
    let values = downcast::<arrow::array::BinaryArray>(array)?;
    let mut fixed = FixedSizeBinaryBuilder::with_capacity(values.len(), size);
    let nothing = vec![0; usize::try_from(size).unwrap_or_default()];
    for row in 0..values.len() {
        let value = (!values.is_null(row)).then(|| values.value(row));
        match value {
            None => fixed.append_null(),
            Some(bytes) if bytes.len() == nothing.len() => fixed.append_value(bytes).map_err(mismatch)?,
            Some(bytes) => {
                report(row, format!("{} bytes where the schema says {size}", bytes.len()));
                fixed.append_value(&nothing).map_err(mismatch)?;
            }
        }
    }
    Ok(Arc::new(fixed.finish()))
}

pub(super) fn downcast<A: Array + 'static>(array: &ArrayRef) -> Result<&A> {
    array
        .as_any()
        .downcast_ref::<A>()
        .ok_or_else(|| Error::internal(format!("a column holds {}, not what its schema says", array.data_type())))
}

fn mismatch(error: ArrowError) -> Error {
    Error::internal("a column cannot be brought into the form of its file").caused_by(error)
}
