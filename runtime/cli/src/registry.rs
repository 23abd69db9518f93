//! The one table of the connectors in this binary.

use std::sync::Arc;

use millstream_api::ConnectorPlugin;

/// Every connector there is.
pub(crate) fn connectors() -> Vec<Arc<dyn ConnectorPlugin>> {
    vec![
        millstream_file::source(),
        millstream_file::sink(),
        millstream_jdbc::source(),
        millstream_s3::sink(),
        millstream_datagen::source(),
        millstream_datagen::sink(),
    ]
}
