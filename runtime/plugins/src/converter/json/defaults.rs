//! Defaults of schemas as values, and values as defaults of schemas.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{Field, FieldRef};
use millstream_api::{Error, Result, schema};

use super::builder::Builder;
use super::cursor::Cursor;
use super::encode::{Encoder, Style};

/// The schema's default as an array of one row, of the schema's own type; `None` without one.
pub(crate) fn default_array(field: &FieldRef) -> Result<Option<ArrayRef>> {
    let Some(text) = schema::default_json(field) else { return Ok(None) };
    let unusable = || Error::data(format!("the default of the schema {} is no value of it", field.name()));
    let mut builder = Builder::new(field, true)?;
    builder.read(&mut Cursor::new(text)).map_err(|_| unusable())?;
    let (_, array) = builder.finish()?;
    if array.data_type() == field.data_type() { Ok(Some(array)) } else { Err(unusable()) }
}

/// The first row as [`schema::DEFAULT`] holds it. `field` is the row's schema.
pub(crate) fn default_text(field: &Field, array: &ArrayRef) -> Result<String> {
    let unusable =
        |why: String| Error::data(format!("the default of the schema {} cannot be written: {why}", field.name()));
    let mut text = Vec::new();
    let encoder = Encoder::new(field, array, Style { replace_null: false, ..Style::CANONICAL })?;
    encoder.write(0, &mut text).map_err(|unwritable| unusable(unwritable.to_string()))?;
    String::from_utf8(text).map_err(|e| unusable(e.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Decimal128Array;

    use super::*;

    #[test]
    fn a_default_is_a_value_and_back() {
        let field = schema::with_meta(schema::decimal_field("d", 2, true), [(schema::DEFAULT, "\"ew==\"".to_owned())]);
        let field = Arc::new(field);
        let array = default_array(&field).unwrap().unwrap();
        let expected = Decimal128Array::from(vec![123]).with_precision_and_scale(38, 2).unwrap();
        assert_eq!(array.to_data(), expected.to_data());
        assert_eq!(default_text(&field, &array).unwrap(), "\"ew==\"");
        let wrong = schema::with_meta(field.as_ref().clone(), [(schema::DEFAULT, "[]".to_owned())]);
        assert!(default_array(&Arc::new(wrong)).is_err());
        assert!(default_array(&Arc::new(schema::decimal_field("d", 2, true))).unwrap().is_none());
    }
}
