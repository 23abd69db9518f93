//! `org.apache.kafka.connect.transforms.predicates.HasHeaderKey`: records with a header of a name.

use std::sync::LazyLock;

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use millstream_api::config::{ConfigType, Importance};
use millstream_api::{Batch, Config, ConfigDef, ConfigKey, Predicate, Result};

const NAME: &str = "name";

pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    let doc = "The name of the header that records must have, upper and lower case as written.";
    ConfigDef::new().key(ConfigKey::required(NAME, ConfigType::String, Importance::Medium, doc).not_empty())
});

/// Holds for records with at least one header of the name.
#[derive(Default)]
pub(crate) struct HasHeaderKey {
    /// Null names no header.
    name: Option<String>,
}

impl Predicate for HasHeaderKey {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = DEF.validate(config).into_valid()?;
        self.name = values.text(NAME).map(str::to_owned);
        Ok(())
    }

    fn test(&mut self, batch: &Batch) -> BooleanArray {
        let has = |row| batch.headers.row(row).iter().any(|header| Some(&*header.key) == self.name.as_deref());
        match batch.headers.is_empty() {
            true => BooleanBuffer::new_unset(batch.len()).into(),
            false => BooleanBuffer::collect_bool(batch.len(), has).into(),
        }
    }
}
