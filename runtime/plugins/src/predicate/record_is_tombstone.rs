//! `org.apache.kafka.connect.transforms.predicates.RecordIsTombstone`: records whose value is null.

use std::sync::LazyLock;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use millstream_api::{Batch, Config, ConfigDef, Predicate, Result};

pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(ConfigDef::new);

/// Holds for a null value, with or without schema.
#[derive(Default)]
pub(crate) struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn configure(&mut self, _config: &Config) -> Result<()> {
        Ok(())
    }

    fn test(&mut self, batch: &Batch) -> BooleanArray {
        BooleanBuffer::collect_bool(batch.len(), |row| batch.value.is_null(row)).into()
    }
}
