//! `org.apache.kafka.connect.converters.ByteArrayConverter`: bytes pass as they are.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, BinaryArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use millstream_api::{
    Column, Config, ConfigDef, Converter, ConverterRole, Decoded, DecodedRun, Encoded, Error, Result, RowFailure,
    schema,
};

use super::{converter_type, with_role};

static DEF: LazyLock<ConfigDef> = LazyLock::new(|| ConfigDef::new().key(converter_type()));
static FIELD: LazyLock<FieldRef> = LazyLock::new(|| Arc::new(Field::new("value", DataType::Binary, true)));

/// The settings, as REST shows them.
pub(crate) fn config_def() -> &'static ConfigDef {
    &DEF
}

/// Reads payloads as optional bytes; writes bytes, and nothing else.
pub(crate) struct ByteArrayConverter;

impl Converter for ByteArrayConverter {
    fn configure(&mut self, config: &Config, role: ConverterRole) -> Result<()> {
        DEF.validate(&with_role(config, role)).into_valid().map(drop)
    }

    fn decode(&mut self, _topic: &str, payloads: &BinaryArray) -> Decoded {
        one_run(FIELD.clone(), Arc::new(payloads.clone()))
    }

    fn encode(&mut self, _topic: &str, column: &Column) -> Encoded {
        let array = column.array();
        // A Decimal that Arrow holds as bytes is no bytes to Connect.
        let is_bytes = array.data_type() == &DataType::Binary && schema::name(column.field()) != Some(schema::DECIMAL);
        if is_bytes && column.absent_rows().is_none() {
            return Encoded { payloads: array.as_binary::<i32>().clone(), failures: Vec::new() };
        }
        let mut failures = Vec::new();
        let payloads = (0..column.len())
            .map(|row| {
                if column.is_null(row) {
                    return None;
                }
                if !is_bytes {
                    let error = Error::data("ByteArrayConverter writes bytes only, and the column has another type")
                        .hint("use JsonConverter or StringConverter for other types");
                    failures.push(RowFailure { row, error });
                    return None;
                }
                Some(array.as_binary::<i32>().value(row))
            })
            .collect();
        // Java refuses even a null when the schema is of another type. A Decimal's is bytes.
        let may_be_null = schema::name(column.field()) == Some(schema::DECIMAL);
        if !is_bytes && !may_be_null && !column.is_schemaless() && !column.is_all_absent() {
            for row in (0..column.len()).filter(|row| column.array().is_null(*row) && !column.is_absent(*row)) {
                let error = Error::data("ByteArrayConverter writes bytes only, and the column has another type");
                failures.push(RowFailure { row, error });
            }
            failures.sort_by_key(|failure| failure.row);
        }
        Encoded { payloads, failures }
    }
}

/// All rows as one run of a converter that reads everything under one schema.
pub(super) fn one_run(field: FieldRef, array: arrow::array::ArrayRef) -> Decoded {
    let rows = 0..array.len();
    if rows.is_empty() {
        return Decoded::default();
    }
    match Column::new(field, array) {
        Ok(column) => Decoded { runs: vec![DecodedRun { rows, column }], failures: Vec::new() },
        Err(error) => Decoded {
            runs: vec![DecodedRun { column: Column::absent(rows.len()), rows }],
            failures: vec![RowFailure { row: 0, error }],
        },
    }
}
