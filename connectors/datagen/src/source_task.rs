//! The source task.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, StructArray};
use arrow::datatypes::{FieldRef, Fields};
use async_trait::async_trait;
use millstream_api::config::Parsed;
use millstream_api::{
    Batch, Column, Config, Error, Result, SourceBatch, SourceOffset, SourcePartition, SourceTask, SourceTaskContext,
};
use serde_json::json;
use tokio::time::Instant;

use crate::generate::{column, seed_of};
use crate::schema::{self, Made};
use crate::source::DEF;

/// Key of a source partition: the task's number.
pub(crate) const TASK: &str = "task";
/// Key of a source offset: the number of the next row.
pub(crate) const ROW: &str = "row";

/// How long a poll waits at most.
const LONGEST_POLL: Duration = Duration::from_millis(500);

/// A task's settings, checked.
pub(crate) struct Settings {
    topic: Arc<str>,
    made: Vec<Made>,
    record: FieldRef,
    fields: Fields,
    key: Option<usize>,
    /// Rows per second; 0 is no limit.
    rate: f64,
    max_rows: u64,
    seed: i64,
    batch_size: u64,
}

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings> {
        let values = DEF.validate(config).into_valid()?;
        let wrong =
            |key: &str, reason: String| Error::config(format!("Invalid value for configuration {key}: {reason}"));
        let made = schema::read(values.list("schema")).map_err(|reason| wrong("schema", reason))?;
        let key = match values.text("key.field") {
            None => None,
            Some(key) => {
                let index = made.iter().position(|field| field.name == key);
                Some(index.ok_or_else(|| wrong("key.field", format!("{key} is no field of schema")))?)
            }
        };
        let (record, fields) = schema::record(values.text("schema.name").unwrap_or("datagen"), &made);
        Ok(Settings {
            topic: values.text("topic").unwrap_or_default().into(),
            made,
            record,
            fields,
            key,
            rate: match values.get("rate").map(|value| &value.parsed) {
                Some(Parsed::Double(rate)) => *rate,
                _ => 0.0,
            },
            max_rows: values.int("max.rows").and_then(|rows| u64::try_from(rows).ok()).unwrap_or(u64::MAX),
            seed: values.int("seed").unwrap_or(0),
            batch_size: values.int("batch.size").and_then(|size| u64::try_from(size).ok()).unwrap_or(1000),
        })
    }
}

/// Makes rows from the stored number on.
pub(crate) struct DatagenTask {
    state: Option<Making>,
}

struct Making {
    settings: Settings,
    seed: u64,
    partition: Arc<SourcePartition>,
    /// The next row.
    row: u64,
    /// When the rate began to count, and the row of that moment.
    since: (Instant, u64),
}

impl DatagenTask {
    pub(crate) fn new() -> Self {
        Self { state: None }
    }
}

#[async_trait]
impl SourceTask for DatagenTask {
    async fn start(&mut self, context: SourceTaskContext) -> Result<()> {
        let settings = Settings::read(&context.config)?;
        let partition = SourcePartition([(TASK.to_owned(), json!(context.id.task))].into_iter().collect());
        let stored = context.offsets.offsets(std::slice::from_ref(&partition)).await?;
        let row = match stored.into_iter().next().flatten().as_ref().and_then(|offset| offset.get(ROW)) {
            None => 0,
            Some(row) => row.as_u64().ok_or_else(|| {
                Error::fatal(format!("the stored {ROW} of task {} is not the number of a row", context.id.task))
                    .hint("stop the connector and set or reset its offsets")
            })?,
        };
        let seed = seed_of(settings.seed, context.id.task);
        let since = (Instant::now(), row);
        self.state = Some(Making { settings, seed, partition: Arc::new(partition), row, since });
        Ok(())
    }

    async fn poll(&mut self) -> Result<Vec<SourceBatch>> {
        let making = self.state.as_mut().ok_or_else(|| Error::internal("poll before start"))?;
        let rows = making.due();
        if rows == 0 {
            tokio::time::sleep(making.until_next().min(LONGEST_POLL)).await;
            return Ok(Vec::new());
        }
        Ok(vec![making.make(rows)?])
    }

    async fn stop(&mut self) {
        self.state = None;
    }
}

impl Making {
    /// Rows that may be made now.
    fn due(&self) -> u64 {
        let Settings { rate, max_rows, batch_size, .. } = self.settings;
        let mut rows = max_rows.saturating_sub(self.row).min(batch_size);
        if rate > 0.0 {
            let (since, first) = self.since;
            // A float to integer cast saturates.
            let allowed = (since.elapsed().as_secs_f64() * rate) as u64;
            rows = rows.min(allowed.saturating_sub(self.row - first));
        }
        rows
    }

    /// Until a row is due by the rate; for ever when all are made.
    fn until_next(&self) -> Duration {
        let Settings { rate, max_rows, .. } = self.settings;
        if self.row >= max_rows || rate <= 0.0 {
            return Duration::MAX;
        }
        let (since, first) = self.since;
        let next = (self.row - first + 1) as f64 / rate;
        Duration::try_from_secs_f64(next).unwrap_or(Duration::MAX).saturating_sub(since.elapsed())
    }

    fn make(&mut self, rows: u64) -> Result<SourceBatch> {
        let Settings { topic, made, record, fields, key, .. } = &self.settings;
        let count = usize::try_from(rows).unwrap_or(usize::MAX);
        let make = |(index, field)| column(field, index, self.seed, self.row, count);
        let columns = made.iter().enumerate().map(make).collect::<Result<Vec<ArrayRef>>>()?;
        let key = key.and_then(|index| Some((fields.get(index)?.clone(), columns.get(index)?.clone())));
        let values = StructArray::try_new(fields.clone(), columns, None)
            .map_err(|error| Error::internal("cannot make records").caused_by(error))?;
        let mut batch = Batch::of_values(topic.clone(), Column::new(record.clone(), Arc::new(values))?);
        if let Some((field, values)) = key {
            batch.key = Column::new(field, values)?;
        }
        self.row += rows;
        let offset = SourceOffset::Map([(ROW.to_owned(), json!(self.row))].into_iter().collect());
        Ok(SourceBatch::new(batch, self.partition.clone(), Some(offset)))
    }
}

#[cfg(test)]
mod tests;
