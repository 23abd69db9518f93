//! `org.apache.kafka.connect.transforms.predicates.TopicNameMatches`: records of topics whose whole name matches an expression.

use std::sync::{Arc, LazyLock};

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use millstream_api::config::{ConfigType, Importance};
use millstream_api::{Batch, Config, ConfigDef, ConfigKey, Error, Predicate, Result};

use crate::transform::settings::regular_expression;
use millstream_api::java_regex::JavaRegex;

const PATTERN: &str = "pattern";

pub(crate) static DEF: LazyLock<ConfigDef> = LazyLock::new(|| {
    let doc = "The regular expression, as of Java, that the whole name of a record's topic must match.";
    let pattern = ConfigKey::required(PATTERN, ConfigType::String, Importance::Medium, doc).not_empty();
    ConfigDef::new().key(regular_expression(pattern))
});

/// Holds for records of topics whose name matches; keeps its answer for the last topic.
#[derive(Default)]
pub(crate) struct TopicNameMatches {
    pattern: Option<JavaRegex>,
    last: Option<(Arc<str>, bool)>,
}

impl TopicNameMatches {
    fn holds(&mut self, topic: &Arc<str>) -> bool {
        if let Some((last, answer)) = &self.last
            && last == topic
        {
            return *answer;
        }
        let answer = self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(topic).unwrap_or(false));
        self.last = Some((topic.clone(), answer));
        answer
    }
}

impl Predicate for TopicNameMatches {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = DEF.validate(config).into_valid()?;
        let pattern = JavaRegex::new(values.text(PATTERN).unwrap_or_default())
            .map_err(|e| Error::config(format!("Invalid value for configuration {PATTERN}: {e}")))?;
        *self = Self { pattern: Some(pattern), last: None };
        Ok(())
    }

    fn test(&mut self, batch: &Batch) -> BooleanArray {
        match self.holds(&batch.topic) {
            true => BooleanBuffer::new_set(batch.len()).into(),
            false => BooleanBuffer::new_unset(batch.len()).into(),
        }
    }
}
