//! `org.apache.kafka.connect.transforms.Filter`: drops every record it is given.

use millstream_api::{Batch, Config, ConnectorKind, Result, Transform, Transformed};

use super::edit::Step;

/// Drops; meant with a predicate.
#[derive(Default)]
pub(crate) struct Filter;

impl Step for Filter {}

impl Transform for Filter {
    fn configure(&mut self, _config: &Config, _kind: ConnectorKind) -> Result<()> {
        Ok(())
    }

    fn apply(&mut self, _batch: Batch) -> Transformed {
        Transformed::default()
    }
}
