//! `org.apache.kafka.connect.transforms.TimestampRouter`: topics named after the time of their records.

use arrow::array::{Array, UInt32Array};
use indexmap::IndexMap;
use millstream_api::{Batch, Config, ConnectorKind, Error, Result, RowFailure, Transform, Transformed};

use super::edit::Step;
use super::outcome::{all_failed, select};
use super::settings::TIMESTAMP_ROUTER;
use crate::java::date_pattern::DatePattern;

/// Gives each record a topic made of its own and its timestamp, in UTC. Rows of one topic stay together.
#[derive(Default)]
pub(crate) struct TimestampRouter {
    topic: String,
    pattern: Option<DatePattern>,
}

impl TimestampRouter {
    fn route(&self, batch: &Batch, pattern: &DatePattern) -> Result<Transformed> {
        let missing = |row| RowFailure { row, error: Error::data("TimestampRouter: the record has no timestamp") };
        let Some(timestamps) = &batch.timestamps else {
            return Ok(Transformed { parts: Vec::new(), failures: (0..batch.len()).map(missing).collect() });
        };
        let named = self.topic.replace("${topic}", &batch.topic);
        let step = pattern.step();
        let mut topics: IndexMap<String, Vec<u32>> = IndexMap::new();
        let mut failures = Vec::new();
        let mut last: Option<(i64, usize)> = None;
        let mut text = String::new();
        for row in 0..batch.len() {
            if timestamps.is_null(row) {
                failures.push(missing(row));
                continue;
            }
            let millis = timestamps.value(row);
            let period = millis.div_euclid(step);
            let place = match last {
                Some((known, place)) if known == period => place,
                _ => {
                    text.clear();
                    pattern.format(millis, &mut text);
                    let entry = topics.entry(named.replace("${timestamp}", &text));
                    let place = entry.index();
                    entry.or_default();
                    last = Some((period, place));
                    place
                }
            };
            if let Some((_, rows)) = topics.get_index_mut(place) {
                rows.push(row as u32);
            }
        }
        let parts = topics.into_iter().map(|(topic, rows)| {
            let rows = UInt32Array::from(rows);
            let mut part = select(batch.clone(), &rows)?;
            part.topic = topic.into();
            Ok((part, rows))
        });
        Ok(Transformed { parts: parts.collect::<Result<_>>()?, failures })
    }
}

impl Step for TimestampRouter {}

impl Transform for TimestampRouter {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        let values = TIMESTAMP_ROUTER.validate(config).into_valid()?;
        let pattern = values.text("timestamp.format").unwrap_or_default();
        let parsed = DatePattern::new(pattern)
            .map_err(|e| Error::config(format!("Invalid value {pattern} for configuration timestamp.format: {e}")))?;
        *self = Self { topic: values.text("topic.format").unwrap_or_default().to_owned(), pattern: Some(parsed) };
        Ok(())
    }

    fn apply(&mut self, batch: Batch) -> Transformed {
        let Some(pattern) = &self.pattern else {
            return all_failed(batch.len(), &Error::internal("TimestampRouter has no settings"));
        };
        self.route(&batch, pattern).unwrap_or_else(|error| all_failed(batch.len(), &error))
    }
}
