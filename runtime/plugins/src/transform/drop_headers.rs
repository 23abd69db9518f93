//! `org.apache.kafka.connect.transforms.DropHeaders`: removes headers by name.

use millstream_api::{Batch, Config, ConnectorKind, HeadersBuilder, Result, Transform, Transformed};

use super::edit::Step;
use super::outcome::all_rows;
use super::settings::{DROP_HEADERS, configured};

/// Removes all headers of some names.
#[derive(Default)]
pub(crate) struct DropHeaders {
    names: Vec<String>,
}

impl Step for DropHeaders {}

impl Transform for DropHeaders {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        self.names = configured(&DROP_HEADERS, config, &["headers"])?.list("headers").to_vec();
        Ok(())
    }

    fn apply(&mut self, mut batch: Batch) -> Transformed {
        let drops = |key: &str| self.names.iter().any(|name| name == key);
        let rows = 0..batch.len();
        if rows.clone().any(|row| batch.headers.row(row).iter().any(|header| drops(&header.key))) {
            let mut kept = HeadersBuilder::with_capacity(batch.len());
            for row in rows {
                for header in batch.headers.row(row).iter().filter(|header| !drops(&header.key)) {
                    kept.push(header.clone());
                }
                kept.end_row();
            }
            batch.headers = kept.finish();
        }
        all_rows(batch, Vec::new())
    }
}
