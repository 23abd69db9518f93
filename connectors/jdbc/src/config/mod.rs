//! The connector's configuration, parsed once; tasks never see a map of strings.

mod def;
pub mod keys;
mod mapping;
mod rules;

use std::time::Duration;

use indexmap::IndexMap;
use millstream_api::{Config, ConfigValues, Error, Result, Secret};

use crate::calendar::CalendarSystem;
use crate::instant::Clock;
use crate::tables::{Quoting, TableFilter, TableId, full_match};
use crate::types::{Granularity, NumericMapping, TypeSettings};
use crate::url::JdbcUrl;
use crate::zone::Zone;

pub use def::config_def;
pub use mapping::ColumnChoice;
pub use rules::{check_availability, check_rules, hide_unused};

/// Group of the database keys.
const DATABASE: &str = "Database";
/// Words of `dialect.name`. Only Postgres is read yet; the others are accepted, as the URL decides.
const DIALECTS: &[&str] = &[
    "",
    "Db2DatabaseDialect",
    "MySqlDatabaseDialect",
    "SybaseDatabaseDialect",
    "GenericDatabaseDialect",
    "OracleDatabaseDialect",
    "SqlServerDatabaseDialect",
    "PostgreSqlDatabaseDialect",
    "SqliteDatabaseDialect",
    "DerbyDatabaseDialect",
    "SapHanaDatabaseDialect",
    "VerticaDatabaseDialect",
];

/// How new rows are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything, each time.
    Bulk,
    /// By an ascending column.
    Incrementing,
    /// By a timestamp.
    Timestamp,
    /// By both.
    TimestampIncrementing,
}

impl Mode {
    /// By its word; exact case.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "bulk" => Self::Bulk,
            "incrementing" => Self::Incrementing,
            "timestamp" => Self::Timestamp,
            "timestamp+incrementing" => Self::TimestampIncrementing,
            _ => return None,
        })
    }

    /// True when a timestamp column is used.
    pub fn has_timestamp(self) -> bool {
        matches!(self, Self::Timestamp | Self::TimestampIncrementing)
    }

    /// True when an incrementing column is used.
    pub fn has_incrementing(self) -> bool {
        matches!(self, Self::Incrementing | Self::TimestampIncrementing)
    }
}

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// Where it is.
    pub url: JdbcUrl,
    /// Driver properties by name: the URL's, over them `connection.<name>`, over them user and password.
    pub properties: IndexMap<String, Secret>,
    /// Attempts before a failure counts, at least 1.
    pub attempts: u32,
    /// Time between attempts.
    pub backoff: Duration,
    /// `SET TRANSACTION` words for the isolation level; `None` = the server's default.
    pub isolation: Option<&'static str>,
}

/// Which tables there are to look for.
#[derive(Clone, Debug)]
pub struct DiscoveryConfig {
    /// Which of the tables found are read.
    pub filter: TableFilter,
    /// LIKE pattern of the database.
    pub catalog_pattern: Option<String>,
    /// LIKE pattern of schemas.
    pub schema_pattern: Option<String>,
    /// Kinds, in upper case.
    pub table_types: Vec<String>,
    /// Time between looks.
    pub interval: Duration,
    /// How long a start waits for the first list.
    pub startup_limit: Duration,
}

/// A whole, valid configuration.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// How to reach the database.
    pub connection: ConnectionConfig,
    /// Which tables to look for.
    pub discovery: DiscoveryConfig,
    /// How identifiers are written.
    pub quoting: Quoting,
    /// Timestamp columns.
    pub timestamp_columns: ColumnChoice,
    /// `timestamp.initial`.
    pub timestamp_initial: Option<i64>,
    /// Whether at least one cursor column must be NOT NULL.
    pub validate_non_null: bool,
    /// SQL at the end of each query, or empty.
    pub query_suffix: String,
    /// Failed reads in a row that fail the task; 0 = no limit.
    pub retry_attempts: u64,
    /// Time between two queries of a table.
    pub poll_interval: Duration,
    /// What stands before a table's name in its topic.
    pub topic_prefix: String,
    /// How far reading stays behind the database's time.
    pub delay_ms: i64,
    /// What types become.
    pub types: TypeSettings,
    /// Of a task: its tables.
    pub tables: Vec<TableId>,
    /// Of a task: whether the connector knew the tables.
    pub tables_fetched: bool,
}

impl SourceConfig {
    /// Parses and checks a configuration as far as that goes without the database.
    pub fn parse(config: &Config) -> Result<Self> {
        let mut values = config_def().validate(config);
        check_rules(&mut values);
        if values.is_valid() {
            check_availability(&mut values);
        }
        let values = values.into_valid()?;
        warn_of_oddities(&values);
        Ok(Self {
            connection: connection(config, &values)?,
            discovery: discovery(&values)?,
            quoting: match text(&values, keys::QUOTING).eq_ignore_ascii_case("never") {
                true => Quoting::Never,
                false => Quoting::Always,
            },
            timestamp_columns: ColumnChoice::of(values.list(keys::TS_COLUMN), values.list(keys::TS_MAPPING))?,
            timestamp_initial: values.int(keys::TS_INITIAL),
            validate_non_null: values.bool(keys::NON_NULL).unwrap_or(true),
            query_suffix: text(&values, keys::SUFFIX).trim().to_owned(),
            retry_attempts: values.int(keys::RETRIES).unwrap_or(-1).try_into().unwrap_or(0),
            poll_interval: millis(&values, keys::POLL_INTERVAL),
            topic_prefix: text(&values, keys::PREFIX).to_owned(),
            delay_ms: values.int(keys::DELAY).unwrap_or(0),
            types: types(&values),
            tables: TableId::parse_list(config.get(keys::TABLES).unwrap_or_default())?,
            tables_fetched: values.bool(keys::TABLES_FETCHED).unwrap_or(true),
        })
    }
}

fn text<'a>(values: &'a ConfigValues, key: &str) -> &'a str {
    values.text(key).unwrap_or_default()
}

fn millis(values: &ConfigValues, key: &str) -> Duration {
    Duration::from_millis(values.int(key).unwrap_or(0).try_into().unwrap_or(0))
}

/// How to reach the database, from keys that were found valid.
pub fn connection(config: &Config, values: &ConfigValues) -> Result<ConnectionConfig> {
    let url = JdbcUrl::parse(values.text(keys::URL).filter(|url| !url.is_empty()).ok_or_else(|| {
        Error::config("connection.url is missing").hint("set it to jdbc:postgresql://host:5432/database")
    })?)?;
    let mut properties = url.parameters.clone();
    let own = [keys::URL, keys::USER, keys::PASSWORD, keys::ATTEMPTS, keys::BACKOFF];
    for (key, value) in config.iter() {
        if let (Some(name), Some(value)) = (key.strip_prefix("connection."), value)
            && !own.contains(&key)
            && key != "connection.plugin.version"
        {
            properties.insert(name.to_owned(), Secret::new(value));
        }
    }
    if let Some(user) = values.text(keys::USER) {
        properties.insert("user".to_owned(), Secret::new(user));
    }
    if let Some(password) = values.password(keys::PASSWORD) {
        properties.insert("password".to_owned(), password.clone());
    }
    let isolation = match text(values, keys::ISOLATION).to_ascii_lowercase().as_str() {
        "read_uncommitted" => Some("READ UNCOMMITTED"),
        "read_committed" => Some("READ COMMITTED"),
        "repeatable_read" => Some("REPEATABLE READ"),
        "serializable" => Some("SERIALIZABLE"),
        _ => None,
    };
    Ok(ConnectionConfig {
        url,
        properties,
        attempts: values.int(keys::ATTEMPTS).and_then(|n| n.try_into().ok()).unwrap_or(3).max(1),
        backoff: millis(values, keys::BACKOFF),
        isolation,
    })
}

/// Which tables to look for, from keys that were found valid.
pub fn discovery(values: &ConfigValues) -> Result<DiscoveryConfig> {
    let regexes = |key| values.list(key).iter().map(|pattern| full_match(pattern)).collect::<Result<Vec<_>>>();
    // With both lists the whitelist wins, as it has since the check for both went away.
    let filter = if !values.list(keys::WHITELIST).is_empty() {
        TableFilter::Whitelist(values.list(keys::WHITELIST).to_vec())
    } else if !values.list(keys::INCLUDE).is_empty() {
        TableFilter::Patterns { include: regexes(keys::INCLUDE)?, exclude: regexes(keys::EXCLUDE)? }
    } else if !values.list(keys::BLACKLIST).is_empty() {
        TableFilter::Blacklist(values.list(keys::BLACKLIST).to_vec())
    } else {
        TableFilter::All
    };
    Ok(DiscoveryConfig {
        filter,
        catalog_pattern: values.text(keys::CATALOG_PATTERN).map(str::to_owned),
        schema_pattern: values.text(keys::SCHEMA_PATTERN).map(str::to_owned),
        table_types: values.list(keys::TABLE_TYPES).iter().map(|kind| kind.to_uppercase()).collect(),
        interval: millis(values, keys::TABLE_POLL),
        startup_limit: millis(values, keys::STARTUP_LIMIT),
    })
}

fn types(values: &ConfigValues) -> TypeSettings {
    let numeric = match values.text(keys::NUMERIC_MAPPING).map(str::to_ascii_lowercase).as_deref() {
        Some("precision_only") => NumericMapping::PrecisionOnly,
        Some("best_fit") => NumericMapping::BestFit,
        Some("best_fit_eager_double") => NumericMapping::BestFitEagerDouble,
        Some(_) => NumericMapping::None,
        None if values.bool(keys::PRECISION_MAPPING) == Some(true) => NumericMapping::PrecisionOnly,
        None => NumericMapping::None,
    };
    let calendar = match text(values, keys::CALENDAR).eq_ignore_ascii_case("LEGACY") {
        true => CalendarSystem::Legacy,
        false => CalendarSystem::ProlepticGregorian,
    };
    TypeSettings {
        clock: Clock { zone: Zone::parse(text(values, keys::TIMEZONE)).unwrap_or(Zone::Utc), calendar },
        granularity: Granularity::parse(text(values, keys::GRANULARITY)),
        numeric,
    }
}

/// Settings that are accepted but surely not meant.
fn warn_of_oddities(values: &ConfigValues) {
    if !values.list(keys::WHITELIST).is_empty() && !values.list(keys::BLACKLIST).is_empty() {
        tracing::warn!("table.whitelist and table.blacklist are both set: the whitelist counts");
    }
    let intervals = [keys::POLL_INTERVAL, keys::BUFFER_SIZE, keys::LINGER, keys::TABLE_POLL, keys::BACKOFF];
    for key in intervals.into_iter().chain([keys::STARTUP_LIMIT]) {
        if values.int(key).is_some_and(|value| value < 0) {
            tracing::warn!(key, "a negative value counts as 0");
        }
    }
    let dialect = text(values, keys::DIALECT);
    if !matches!(dialect, "" | "PostgreSqlDatabaseDialect") {
        tracing::warn!(dialect, "the database is Postgres by its URL, another dialect.name has no effect");
    }
}
