//! `org.apache.kafka.connect.storage.SimpleHeaderConverter`: header values as text, whose type is found by what it looks like.

use std::sync::LazyLock;

use arrow::array::{Array, BinaryArray};
use millstream_api::{
    Column, Config, ConfigDef, Converter, ConverterRole, Decoded, DecodedRun, Encoded, Error, Result, RowFailure,
};

use super::column::column_of;
use super::parse::parse;
use super::print::print;
use super::value::{Kind, Typed};
use crate::converter::{Arena, all_failed};
use crate::java::utf8;

/// Without settings.
pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(ConfigDef::new);

/// Reads header values by inference; prints any value.
#[derive(Default)]
pub(crate) struct SimpleHeaderConverter;

impl SimpleHeaderConverter {
    fn encode_rows(column: &Column) -> Result<Encoded> {
        if column.is_all_absent() {
            return Ok(Arena::new(0, 0).nulls(column.len()));
        }
        let mut arena = Arena::new(column.len(), column.byte_size());
        for row in 0..column.len() {
            if column.is_null(row) {
                arena.push_null();
            } else {
                arena.push(row, |out| print(column.field(), column.array(), row, out));
            }
        }
        arena.finish()
    }
}

/// Values cut where the type changes; nulls go with what stands before or after.
fn runs(values: &[Option<Typed>]) -> Vec<std::ops::Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut kind: Option<&Kind> = None;
    for (row, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        if kind.is_some_and(|kind| *kind != value.kind) {
            runs.push(start..row);
            start = row;
        }
        kind = Some(&value.kind);
    }
    if start < values.len() {
        runs.push(start..values.len());
    }
    runs
}

impl Converter for SimpleHeaderConverter {
    fn configure(&mut self, _config: &Config, _role: ConverterRole) -> Result<()> {
        Ok(())
    }

    fn decode(&mut self, _topic: &str, payloads: &BinaryArray) -> Decoded {
        // Java reads what is no UTF-8 with replacement characters.
        let read = |row: usize| payloads.is_valid(row).then(|| utf8::text(payloads.value(row)));
        let values: Vec<Option<Typed>> = (0..payloads.len()).map(|row| parse(&read(row)?)).collect();
        let mut decoded = Decoded::default();
        for rows in runs(&values) {
            let column = column_of(values.get(rows.clone()).unwrap_or_default()).unwrap_or_else(|error| {
                let again = |row| RowFailure { row, error: Error::new(error.kind(), error.to_string()) };
                decoded.failures.extend(rows.clone().map(again));
                Column::absent(rows.len())
            });
            decoded.runs.push(DecodedRun { rows, column });
        }
        decoded
    }

    fn encode(&mut self, _topic: &str, column: &Column) -> Encoded {
        Self::encode_rows(column).unwrap_or_else(|error| all_failed(column, &error))
    }
}
