//! Names of the keys and of the words they take.

/// The URL.
pub const URL: &str = "connection.url";
/// The user.
pub const USER: &str = "connection.user";
/// The password.
pub const PASSWORD: &str = "connection.password";
/// The credentials provider.
pub const CREDENTIALS: &str = "jdbc.credentials.provider.class";
/// The only one there is.
pub const DEFAULT_CREDENTIALS: &str = "io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider";
/// Attempts to connect.
pub const ATTEMPTS: &str = "connection.attempts";
/// Time between them.
pub const BACKOFF: &str = "connection.backoff.ms";
/// Tables to read.
pub const WHITELIST: &str = "table.whitelist";
/// Tables not to read.
pub const BLACKLIST: &str = "table.blacklist";
/// Patterns of tables to read.
pub const INCLUDE: &str = "table.include.list";
/// Patterns of tables not to read.
pub const EXCLUDE: &str = "table.exclude.list";
/// Pattern of the database.
pub const CATALOG_PATTERN: &str = "catalog.pattern";
/// Pattern of schemas.
pub const SCHEMA_PATTERN: &str = "schema.pattern";
/// Old form of the next.
pub const PRECISION_MAPPING: &str = "numeric.precision.mapping";
/// What NUMERIC becomes.
pub const NUMERIC_MAPPING: &str = "numeric.mapping";
/// Its words.
pub const NUMERIC_MAPPINGS: &[&str] = &["none", "precision_only", "best_fit", "best_fit_eager_double"];
/// The dialect.
pub const DIALECT: &str = "dialect.name";
/// The calendar.
pub const CALENDAR: &str = "date.calendar.system";
/// The mode.
pub const MODE: &str = "mode";
/// Incrementing column.
pub const INC_COLUMN: &str = "incrementing.column.name";
/// Timestamp columns.
pub const TS_COLUMN: &str = "timestamp.column.name";
/// Timestamp columns by table.
pub const TS_MAPPING: &str = "timestamp.columns.mapping";
/// Incrementing columns by table.
pub const INC_MAPPING: &str = "incrementing.column.mapping";
/// Where to begin.
pub const TS_INITIAL: &str = "timestamp.initial";
/// Whether cursor columns must not be null.
pub const NON_NULL: &str = "validate.non.null";
/// A query.
pub const QUERY: &str = "query";
/// A hidden query.
pub const QUERY_MASKED: &str = "query.masked";
/// Quoting of identifiers.
pub const QUOTING: &str = "quote.sql.identifiers";
/// End of each query.
pub const SUFFIX: &str = "query.suffix";
/// Isolation level.
pub const ISOLATION: &str = "transaction.isolation.mode";
/// Its words.
pub const ISOLATION_MODES: &[&str] =
    &["default", "read_uncommitted", "read_committed", "repeatable_read", "serializable", "sql_server_snapshot"];
/// Failed reads in a row before the task fails.
pub const RETRIES: &str = "query.retry.attempts";
/// Kinds of tables.
pub const TABLE_TYPES: &str = "table.types";
/// Time between queries.
pub const POLL_INTERVAL: &str = "poll.interval.ms";
/// Rows of a batch.
pub const BATCH_ROWS: &str = "batch.max.rows";
/// Rows of the buffer.
pub const BUFFER_SIZE: &str = "max.buffer.size";
/// Time to collect.
pub const LINGER: &str = "poll.linger.ms";
/// Time for the first list of tables.
pub const STARTUP_LIMIT: &str = "table.monitoring.startup.polling.limit.ms";
/// Time between looks for tables.
pub const TABLE_POLL: &str = "table.poll.interval.ms";
/// Topic prefix.
pub const PREFIX: &str = "topic.prefix";
/// Delay of the upper bound.
pub const DELAY: &str = "timestamp.delay.interval.ms";
/// Zone of timestamps without one.
pub const TIMEZONE: &str = "db.timezone";
/// What timestamps become.
pub const GRANULARITY: &str = "timestamp.granularity";
/// Its words.
pub const GRANULARITIES: &[&str] = &[
    "connect_logical",
    "micros_long",
    "micros_string",
    "micros_iso_datetime_string",
    "nanos_long",
    "nanos_string",
    "nanos_iso_datetime_string",
];
/// Tables of a task.
pub const TABLES: &str = "tables";
/// Whether they are known.
pub const TABLES_FETCHED: &str = "tables.fetched";
/// Time for a task to end.
pub const ENGINE_SHUTDOWN: &str = "engine.shutdown.timeout";
