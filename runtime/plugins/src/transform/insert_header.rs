//! `org.apache.kafka.connect.transforms.InsertHeader`: a header that every record gets.

use std::sync::Arc;

use millstream_api::{Batch, Column, Config, ConnectorKind, Header, HeadersBuilder, Result, Transform, Transformed};

use super::edit::Step;
use super::outcome::all_rows;
use super::settings::INSERT_HEADER;
use crate::header::literal;

/// Adds one header, after those that are there. Its value was read once, and is shared by all records.
#[derive(Default)]
pub(crate) struct InsertHeader {
    header: Option<Header>,
}

impl Step for InsertHeader {}

impl Transform for InsertHeader {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        let values = INSERT_HEADER.validate(config).into_valid()?;
        let value: Column = literal(values.text("value.literal").unwrap_or_default())?;
        self.header = Some(Header::typed(values.text("header").unwrap_or_default(), Arc::new(value), 0));
        Ok(())
    }

    fn apply(&mut self, mut batch: Batch) -> Transformed {
        if let Some(header) = &self.header {
            let mut headers = HeadersBuilder::with_capacity(batch.len());
            for row in 0..batch.len() {
                for known in batch.headers.row(row) {
                    headers.push(known.clone());
                }
                headers.push(header.clone());
                headers.end_row();
            }
            batch.headers = headers.finish();
        }
        all_rows(batch, Vec::new())
    }
}
