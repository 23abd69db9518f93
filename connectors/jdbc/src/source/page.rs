//! Reading a page: look at the table, decide the bounds, stream the rows. One short transaction, so that the table cannot change
//! its columns between the look and the stream.

use arrow::datatypes::FieldRef;
use futures::StreamExt;
use millstream_api::{Error, Result};
use sqlx::AssertSqlSafe;

use super::chunk::{Chunk, ChunkBuilder, ChunkLimits, CursorPlan, TableShape};
use super::copy::CopyParser;
use crate::catalog;
use crate::config::SourceConfig;
use crate::connect::Session;
use crate::cursor::{CursorColumns, Position};
use crate::horizon;
use crate::instant::{Instant, PgTimestamp, TimestampKind};
use crate::query::{PageEnd, PageQuery, Rows};
use crate::sqlstate::database_error;
use crate::tables::TableId;
use crate::types::CatalogColumn;

/// From this version on `FETCH FIRST ... WITH TIES` is known.
const WITH_TIES: i32 = 130_000;

/// What to read, and from where on.
#[derive(Clone, Copy)]
pub struct PageRequest<'a> {
    /// The table.
    pub table: &'a TableId,
    /// How far it has been read.
    pub position: Position,
    /// The offset that holds.
    pub stored: Option<Instant>,
    /// Rows to stop after, groups of equal timestamps finished.
    pub max_rows: u64,
    /// The schema of the last page.
    pub known: Option<&'a FieldRef>,
}

/// What a page was.
#[derive(Debug)]
pub struct PageSummary {
    /// Rows read.
    pub rows: u64,
    /// True when there may be more at once.
    pub full: bool,
    /// The schema.
    pub field: FieldRef,
    /// Columns that were left out.
    pub dropped: Vec<(String, String)>,
    /// True when no index begins with the cursor.
    pub unindexed: bool,
}

/// Takes the chunks of a page, in order; may wait.
pub trait ChunkSink: Send {
    /// Hands a chunk on.
    fn chunk(&mut self, chunk: Chunk, kind: TimestampKind) -> impl Future<Output = Result<()>> + Send;
}

/// Reads one page. After an error the session is to be thrown away.
pub async fn read_page(
    session: &mut Session,
    config: &SourceConfig,
    request: PageRequest<'_>,
    limits: ChunkLimits,
    sink: &mut impl ChunkSink,
) -> Result<PageSummary> {
    let table = request.table;
    let table_sql = config.quoting.table(table);
    begin(session, config.connection.isolation, table, &table_sql).await?;
    let facts = catalog::columns(&mut session.connection, table).await?;
    let cursor = find_cursor(config, table, &facts.columns)?;
    let clock = config.types.clock;
    let shape = TableShape::new(table, &facts.columns, config.types, request.known);
    let (field, read, dropped) = (shape.field.clone(), shape.read.clone(), shape.dropped.clone());
    let query = PageQuery {
        table: &table_sql,
        quoting: config.quoting,
        columns: &facts.columns,
        read: &read,
        cursor: &cursor,
        clock,
    };
    let unindexed = !is_indexed(&cursor, &facts.columns);
    let end = if !config.query_suffix.is_empty() {
        PageEnd::Suffix(&config.query_suffix)
    } else if session.server_version >= WITH_TIES && !unindexed {
        PageEnd::RowsWithTies(request.max_rows)
    } else {
        // Without an index every page would sort the whole rest again.
        PageEnd::All
    };
    let rows = bounds(config, &cursor, request.position, facts.clock);
    let plan = CursorPlan::new(&cursor, &read, clock)?;
    let check_text = session.unchecked_text;
    let mut builder = ChunkBuilder::new(table.clone(), shape, Some(plan), clock, request.stored, limits, check_text);
    let mut stream = PageStream { session, builder: &mut builder, table, kind: cursor.kind };
    stream.run(&query.sql(rows, &end), sink).await?;
    if matches!(end, PageEnd::Suffix(_)) {
        // The user's SQL may have cut the last group: it is read again, whole.
        if let Some(last) = stream.builder.forget_last_group() {
            stream.run(&query.sql(Rows::At(last), &PageEnd::All), sink).await?;
        }
    }
    let read_rows = builder.rows_of_page();
    if let Some(rest) = builder.finish()? {
        sink.chunk(rest, cursor.kind).await?;
    }
    execute(session, "COMMIT", table).await?;
    let full = matches!(end, PageEnd::RowsWithTies(max) if read_rows >= max);
    Ok(PageSummary { rows: read_rows, full, field, dropped, unindexed })
}

/// The cursor's columns of a table, checked as the settings ask.
pub fn find_cursor(config: &SourceConfig, table: &TableId, columns: &[CatalogColumn]) -> Result<CursorColumns> {
    let cursor = CursorColumns::find(table, config.timestamp_columns.of_table(table)?, columns)?;
    if config.validate_non_null {
        cursor.check_not_null(table, columns)?;
    }
    Ok(cursor)
}

fn is_indexed(cursor: &CursorColumns, columns: &[CatalogColumn]) -> bool {
    matches!(cursor.columns[..], [(index, _)] if columns.get(index).is_some_and(|column| column.indexed))
}

fn bounds(config: &SourceConfig, cursor: &CursorColumns, position: Position, clock: horizon::DatabaseClock) -> Rows {
    let upper = horizon::upper_bound(clock, config.delay_ms);
    // The bound is an instant; a column without zone is compared by the wall clock.
    let instant = config.types.clock.instant(TimestampKind::WithZone, upper);
    let upper: PgTimestamp = config.types.clock.timestamp(cursor.kind, instant);
    Rows::Between(position.lower_bound(config.types.clock, cursor.kind), upper)
}

/// Begins a transaction and keeps the table from changing until its end.
async fn begin(session: &mut Session, isolation: Option<&str>, table: &TableId, table_sql: &str) -> Result<()> {
    let isolation = isolation.map(|level| format!(" ISOLATION LEVEL {level}")).unwrap_or_default();
    execute(session, &format!("BEGIN READ ONLY{isolation}; SELECT FROM {table_sql} LIMIT 0"), table).await
}

async fn execute(session: &mut Session, sql: &str, table: &TableId) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut session.connection)
        .await
        .map(|_| ())
        .map_err(|e| database_error(format!("cannot read table {table}"), e))
}

struct PageStream<'a> {
    session: &'a mut Session,
    builder: &'a mut ChunkBuilder,
    table: &'a TableId,
    kind: TimestampKind,
}

impl PageStream<'_> {
    async fn run(&mut self, sql: &str, sink: &mut impl ChunkSink) -> Result<()> {
        stream_rows(self.session, sql, self.table, self.builder, self.kind, sink).await
    }
}

/// Streams the rows of a `COPY` into the builder, and its chunks to the sink.
pub async fn stream_rows(
    session: &mut Session,
    sql: &str,
    table: &TableId,
    builder: &mut ChunkBuilder,
    kind: TimestampKind,
    sink: &mut impl ChunkSink,
) -> Result<()> {
    let failed = |e| database_error(format!("cannot read table {table}"), e);
    let timeout = session.socket_timeout;
    let mut messages = session.connection.copy_out_raw(sql).await.map_err(failed)?;
    let mut parser = CopyParser::new(builder.fields());
    let mut full = Vec::new();
    loop {
        let next = match timeout {
            None => messages.next().await,
            Some(limit) => tokio::time::timeout(limit, messages.next()).await.map_err(|_| {
                Error::retriable(format!("the database was silent for socketTimeout while table {table} was read"))
            })?,
        };
        let Some(message) = next else { break };
        let message = message.map_err(failed)?;
        parser.feed(&message, |row| {
            full.extend(builder.push(row, message.len())?);
            Ok(())
        })?;
        for chunk in full.drain(..) {
            sink.chunk(chunk, kind).await?;
        }
    }
    if parser.is_complete() { Ok(()) } else { Err(Error::retriable(format!("the rows of table {table} were cut off"))) }
}
