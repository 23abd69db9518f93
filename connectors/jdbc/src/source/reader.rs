//! The reader: a task of its own that reads page after page and stays a little ahead of the worker.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::FieldRef;
use millstream_api::{Batch, Error, ErrorKind, MemoryBudget, Reservation, Result, SourceBatch, SourcePartition};
use tokio::sync::mpsc;
use tokio::time::Instant as Moment;

use super::chunk::{Chunk, ChunkLimits};
use super::page::{ChunkSink, PageRequest, PageSummary, read_page};
use crate::config::SourceConfig;
use crate::connect::{Session, connect};
use crate::cursor::Position;
use crate::instant::{Instant, PgTimestamp, TimestampKind};
use crate::offsets::offset_of;
use crate::sqlstate::database_error;
use crate::tables::TableId;

/// A page of an indexed table is about this long, in bytes of the wire.
const PAGE_BYTES: u64 = 64 << 20;
/// Rows of a page, whatever their width. The first page, before the width is known, has the fewest.
const PAGE_ROWS: std::ops::RangeInclusive<u64> = 10_000..=500_000;
/// The first pause after a failed read; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A batch on its way to the worker, counted against the memory budget until it is taken.
pub struct Ready {
    /// The batch.
    pub batch: SourceBatch,
    /// Its memory.
    pub held: Reservation,
}

/// A table and how far it has been read.
pub struct TableState {
    /// The table.
    pub id: TableId,
    /// Where its records go.
    pub topic: Arc<str>,
    /// What its offsets stand under.
    pub partition: Arc<SourcePartition>,
    /// How far it has been read.
    pub position: Position,
    /// The offset that holds.
    pub stored: Option<Instant>,
    due: Moment,
    max_rows: u64,
    schema: Option<FieldRef>,
    warned: HashSet<String>,
    failures: u64,
    refusals: u32,
}

impl TableState {
    /// To be read from a stored offset on.
    pub fn new(id: TableId, topic: String, partition: SourcePartition, stored: Option<Instant>) -> Self {
        Self {
            id,
            topic: topic.into(),
            partition: Arc::new(partition),
            position: Position::Stored(stored),
            stored,
            due: Moment::now(),
            max_rows: *PAGE_ROWS.start(),
            schema: None,
            warned: HashSet::new(),
            failures: 0,
            refusals: 0,
        }
    }

    fn warn_once(&mut self, key: String, warn: impl FnOnce()) {
        if self.warned.insert(key) {
            warn();
        }
    }
}

/// Reads tables in turn and hands batches over.
pub struct Reader {
    /// Settings.
    pub config: Arc<SourceConfig>,
    /// The tables, at least one.
    pub tables: Vec<TableState>,
    /// When chunks are handed on.
    pub limits: ChunkLimits,
    /// The worker's memory.
    pub budget: MemoryBudget,
    /// To the task. Holds few batches, so that a slow worker slows the database's stream.
    pub out: mpsc::Sender<Result<Ready>>,
    /// True while `timestamp.initial` asks for the database's present time.
    pub begin_now: bool,
}

impl Reader {
    /// Reads until the task is gone or an error is final.
    pub async fn run(mut self) {
        let mut session = None;
        loop {
            let Some(next) = (0..self.tables.len()).min_by_key(|i| self.tables[*i].due) else { return };
            tokio::select! {
                () = tokio::time::sleep_until(self.tables[next].due) => {}
                () = self.out.closed() => return,
            }
            match self.read(&mut session, next).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Stopped => return,
                Err(error) => {
                    // Whatever went wrong may have left the connection amid an answer.
                    session = None;
                    let (error, pause) = self.judge(next, error);
                    let last = !error.is_retriable();
                    if self.out.send(Err(error)).await.is_err() || last {
                        return;
                    }
                    self.tables[next].due = Moment::now() + pause;
                }
            }
        }
    }

    /// One query of a table, and more at once while there is a backlog.
    async fn read(&mut self, session: &mut Option<Session>, index: usize) -> Result<()> {
        let mut open = match session.take() {
            Some(session) => session,
            None => connect(&self.config.connection).await?,
        };
        if self.begin_now {
            let now = present_time(&mut open).await?;
            for table in self.tables.iter_mut().filter(|table| table.position == Position::Stored(None)) {
                table.position = Position::Stored(Some(now));
                table.stored = Some(now);
            }
            self.begin_now = false;
        }
        loop {
            let started = Moment::now();
            let summary = self.read_one_page(&mut open, index).await?;
            let table = &mut self.tables[index];
            table.failures = 0;
            table.refusals = 0;
            if !summary.full {
                table.due = started + self.config.poll_interval;
                break;
            }
        }
        *session = Some(open);
        Ok(())
    }

    async fn read_one_page(&mut self, session: &mut Session, index: usize) -> Result<PageSummary> {
        let table = &mut self.tables[index];
        let (id, schema) = (table.id.clone(), table.schema.clone());
        let request = PageRequest {
            table: &id,
            position: table.position,
            stored: table.stored,
            max_rows: table.max_rows,
            known: schema.as_ref(),
        };
        let mut sink = Sink { table, out: &self.out, budget: &self.budget, bytes: 0, repeats: false };
        let result = read_page(session, &self.config, request, self.limits, &mut sink).await;
        let (bytes, repeats) = (sink.bytes, sink.repeats);
        if result.is_err() && repeats {
            tracing::warn!(table = %id, "rows of one timestamp were handed on in part: they will come again");
        }
        let summary = result?;
        if let Some(width) = bytes.checked_div(summary.rows) {
            table.max_rows = (PAGE_BYTES / width.max(1)).clamp(*PAGE_ROWS.start(), *PAGE_ROWS.end());
            tracing::debug!(table = %id, rows = summary.rows, bytes, full = summary.full, "page read");
        }
        table.schema = Some(summary.field.clone());
        for (column, kind) in &summary.dropped {
            table.warn_once(format!("{column} {kind}"), || {
                tracing::warn!(table = %id, column, r#type = kind, "columns of this type are left out");
            });
        }
        if summary.unindexed {
            table.warn_once(String::new(), || {
                tracing::warn!(table = %id, "no index begins with the timestamp column: every query sorts all new rows");
            });
        }
        Ok(summary)
    }

    /// What an error means for the task, and how long to wait if it goes on.
    fn judge(&mut self, index: usize, error: Error) -> (Error, Duration) {
        let limit = self.config.retry_attempts;
        let table = &mut self.tables[index];
        table.failures += 1;
        let doublings = table.failures.min(7) as u32 - 1;
        let pause = (FIRST_PAUSE * 2u32.pow(doublings)).min(LONGEST_PAUSE);
        match error.kind() {
            ErrorKind::Retriable if limit > 0 && table.failures >= limit => {
                let message = format!("table {} could not be read {} times in a row", table.id, table.failures);
                (Error::fatal(message).hint("query.retry.attempts bounds the tries").caused_by(error), pause)
            }
            ErrorKind::Retriable => (error.at(format!("table {}", table.id)), pause),
            // Refused by the database: once more with a fresh look at the table, as it may just be replaced.
            ErrorKind::Fatal | ErrorKind::NotFound if table.refusals == 0 => {
                table.refusals += 1;
                (error.with_kind(ErrorKind::Retriable), pause)
            }
            ErrorKind::NotFound => (error.with_kind(ErrorKind::Fatal), pause),
            _ => (error, pause),
        }
    }
}

/// The database's time, for `timestamp.initial=-1`.
async fn present_time(session: &mut Session) -> Result<Instant> {
    use sqlx::Row as _;
    let failed = |e| database_error("cannot read the database's time", e);
    let row = sqlx::query("select floor(extract(epoch from current_timestamp) * 1000)::int8")
        .fetch_one(&mut session.connection)
        .await
        .map_err(failed)?;
    Ok(Instant::of_millis(row.try_get(0).map_err(failed)?))
}

struct Sink<'a> {
    table: &'a mut TableState,
    out: &'a mpsc::Sender<Result<Ready>>,
    budget: &'a MemoryBudget,
    bytes: u64,
    /// True while rows of an unfinished group are with the worker.
    repeats: bool,
}

impl ChunkSink for Sink<'_> {
    async fn chunk(&mut self, chunk: Chunk, kind: TimestampKind) -> Result<()> {
        self.bytes += chunk.bytes as u64;
        let held = self.budget.reserve(chunk.value.byte_size());
        let batch = Batch::of_values(self.table.topic.clone(), chunk.value);
        let batch = SourceBatch {
            batch,
            partition: self.table.partition.clone(),
            offset: Some(offset_of(chunk.stored)),
            failures: chunk.failures,
        };
        // Once it is in the channel the worker gets it, so the position moves with the sending.
        let permit = self.out.reserve().await.map_err(|_| Error::stopped("the task is stopping"))?;
        permit.send(Ok(Ready { batch, held }));
        self.repeats = chunk.within_group;
        self.table.stored = chunk.stored;
        if let Some(completed) = chunk.completed {
            self.table.position = position(completed, kind);
        }
        Ok(())
    }
}

fn position(completed: PgTimestamp, kind: TimestampKind) -> Position {
    Position::Read(completed, kind)
}
