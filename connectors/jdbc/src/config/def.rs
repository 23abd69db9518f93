//! The connector's keys, in the order and with the types, defaults, groups and dependents that tools know.

use millstream_api::config::{ConfigType, Importance, Parsed, Width};
use millstream_api::{ConfigDef, ConfigKey};

use super::{DATABASE, DIALECTS, keys};
use crate::zone::Zone;

/// Group of the mode keys.
const MODE: &str = "Mode";
/// Group of the connector keys.
const CONNECTOR: &str = "Connector";

/// All keys.
pub fn config_def() -> ConfigDef {
    let def = [database(), mode(), connector(), internal()]
        .into_iter()
        .flatten()
        .fold(ConfigDef::new(), |def, key| def.key(key));
    debug_assert_eq!(def.keys().filter(|key| !key.internal).count(), 40);
    def
}

/// One of these words, in any case.
fn any_case(key: ConfigKey, words: &'static [&'static str], recommended: &'static [&'static str]) -> ConfigKey {
    key.recommend(recommended.iter().copied()).check(|value| match value {
        Parsed::Text(text) if !words.iter().any(|word| word.eq_ignore_ascii_case(text)) => {
            Err(format!("String must be one of: {}", words.join(", ")))
        }
        _ => Ok(()),
    })
}

fn database() -> Vec<ConfigKey> {
    use ConfigType::{Boolean, Class, Int, List, Long, Password, String};
    use Importance::{High, Low, Medium};
    let shown = |key: ConfigKey, order, width, name| key.shown(DATABASE, order, width, name);
    vec![
        shown(
            ConfigKey::with_default(
                keys::URL,
                String,
                "",
                High,
                "JDBC URL of the database: jdbc:postgresql://host:5432/database?parameters.",
            )
            .masked(crate::url::shown),
            1,
            Width::Long,
            "JDBC URL",
        )
        .dependents([keys::WHITELIST, keys::BLACKLIST]),
        shown(ConfigKey::nullable(keys::USER, String, High, "User to connect as."), 2, Width::Long, "JDBC User"),
        shown(
            ConfigKey::nullable(keys::PASSWORD, Password, High, "Password of the user."),
            3,
            Width::Short,
            "JDBC Password",
        ),
        shown(
            ConfigKey::with_default(
                keys::CREDENTIALS,
                Class,
                keys::DEFAULT_CREDENTIALS,
                Low,
                "Only the default, which takes connection.user and connection.password, is supported: other providers are Java classes.",
            ),
            4,
            Width::Long,
            "JDBC Credentials Provider Class",
        ),
        shown(
            ConfigKey::with_default(
                keys::ATTEMPTS,
                Int,
                3,
                Low,
                "How often a connection is tried before that counts as an error.",
            )
            .at_least(1),
            5,
            Width::Short,
            "JDBC connection attempts",
        ),
        shown(
            ConfigKey::with_default(keys::BACKOFF, Long, 10_000, Low, "Milliseconds between two attempts to connect."),
            6,
            Width::Short,
            "JDBC connection backoff in milliseconds",
        ),
        shown(
            ConfigKey::with_default(
                keys::WHITELIST,
                List,
                "",
                Medium,
                "Tables to read, by name or by schema.name, exact case.",
            ),
            7,
            Width::Long,
            "Table Whitelist",
        ),
        shown(
            ConfigKey::with_default(
                keys::BLACKLIST,
                List,
                "",
                Medium,
                "Tables not to read, by name or by schema.name, exact case. A whitelist wins.",
            ),
            8,
            Width::Long,
            "Table Blacklist",
        ),
        shown(
            ConfigKey::with_default(
                keys::INCLUDE,
                List,
                "",
                Medium,
                "Tables to read, as regular expressions that match the whole schema.name.",
            ),
            9,
            Width::Long,
            "Table Include List",
        ),
        shown(
            ConfigKey::with_default(
                keys::EXCLUDE,
                List,
                "",
                Medium,
                "Tables of the include list not to read, as regular expressions.",
            ),
            10,
            Width::Long,
            "Table Exclude List",
        ),
        shown(
            ConfigKey::nullable(
                keys::CATALOG_PATTERN,
                String,
                Medium,
                "LIKE pattern that the database's name must match.",
            ),
            11,
            Width::Short,
            "Catalog Pattern",
        ),
        shown(
            ConfigKey::nullable(keys::SCHEMA_PATTERN, String, High, "LIKE pattern that a table's schema must match."),
            12,
            Width::Short,
            "Schema Pattern",
        ),
        shown(
            ConfigKey::with_default(
                keys::PRECISION_MAPPING,
                Boolean,
                false,
                Low,
                "Old form of numeric.mapping=precision_only.",
            ),
            13,
            Width::Short,
            "Map Numeric Values By Precision",
        ),
        any_case(
            shown(
                ConfigKey::nullable(
                    keys::NUMERIC_MAPPING,
                    String,
                    Low,
                    "What NUMERIC becomes: none = Decimal; precision_only = integers where it has no fraction; best_fit = doubles too; best_fit_eager_double = doubles for every fraction.",
                ),
                14,
                Width::Short,
                "Map Numeric Values",
            ),
            keys::NUMERIC_MAPPINGS,
            keys::NUMERIC_MAPPINGS,
        ),
        shown(
            ConfigKey::with_default(keys::DIALECT, String, "", Low, "The dialect; empty = by the URL.")
                .one_of(DIALECTS.iter().copied()),
            15,
            Width::Long,
            "Database Dialect",
        ),
        any_case(
            shown(
                ConfigKey::with_default(
                    keys::CALENDAR,
                    String,
                    "LEGACY",
                    Low,
                    "Calendar of dates before 1582-10-15: LEGACY = Julian, as Java's old classes have it; PROLEPTIC_GREGORIAN = as Postgres counts.",
                ),
                16,
                Width::Medium,
                "Date Calendar System",
            ),
            &["LEGACY", "PROLEPTIC_GREGORIAN"],
            &[],
        ),
    ]
}

fn mode() -> Vec<ConfigKey> {
    use ConfigType::{Boolean, Int, List, Long, Password, String};
    use Importance::{High, Low, Medium};
    let shown = |key: ConfigKey, order, width, name| key.shown(MODE, order, width, name);
    vec![
        shown(
            ConfigKey::with_default(keys::MODE, String, "", High, "How new rows are found: timestamp (bulk, incrementing and timestamp+incrementing follow in a later release)."),
            1,
            Width::Medium,
            "Table Loading Mode",
        )
        .dependents([keys::INC_COLUMN, keys::TS_COLUMN, keys::INC_MAPPING, keys::TS_MAPPING, keys::NON_NULL]),
        shown(
            ConfigKey::with_default(keys::INC_COLUMN, String, "", Medium, "Strictly ascending column of the incrementing modes; empty = the table's first auto-increment column."),
            2,
            Width::Medium,
            "Incrementing Column Name",
        ),
        shown(
            ConfigKey::with_default(keys::TS_COLUMN, List, "", Medium, "Timestamp columns of the timestamp modes; the first that is not null counts."),
            3,
            Width::Medium,
            "Timestamp Column Name",
        ),
        shown(
            ConfigKey::with_default(keys::TS_MAPPING, List, "", Medium, "Timestamp columns by table: regex:[column|column],..., each table matching exactly one regex."),
            4,
            Width::Long,
            "Timestamp Columns Mapping",
        ),
        shown(
            ConfigKey::with_default(keys::INC_MAPPING, List, "", Medium, "Incrementing columns by table: regex:column,..., each table matching exactly one regex."),
            5,
            Width::Long,
            "Incrementing Column Mapping",
        ),
        shown(
            ConfigKey::nullable(keys::TS_INITIAL, Long, Low, "Where a table without offset begins: epoch milliseconds, exclusive; -1 = the database's present time; null = all rows."),
            6,
            Width::Medium,
            "Initial Timestamp",
        ),
        shown(
            ConfigKey::with_default(keys::NON_NULL, Boolean, true, Low, "Refuse tables whose cursor columns may be null."),
            7,
            Width::Short,
            "Validate Non Null",
        ),
        shown(
            ConfigKey::with_default(keys::QUERY, String, "", Medium, "A query to read in place of tables (follows in a later release)."),
            8,
            Width::Short,
            "Query",
        ),
        shown(
            ConfigKey::with_default(keys::QUERY_MASKED, Password, "", Medium, "The same, hidden in logs and REST answers (follows in a later release)."),
            9,
            Width::Short,
            "Query, masked",
        ),
        any_case(
            shown(
                ConfigKey::with_default(keys::QUOTING, String, "ALWAYS", Medium, "Whether identifiers are quoted in SQL."),
                10,
                Width::Medium,
                "Quote Identifiers",
            ),
            &["always", "never"],
            &["always", "never"],
        ),
        shown(
            ConfigKey::with_default(keys::SUFFIX, String, "", Low, "SQL to add at the end of each query, such as LIMIT 1000."),
            11,
            Width::Medium,
            "Query suffix",
        ),
        any_case(
            shown(
                ConfigKey::with_default(keys::ISOLATION, String, "DEFAULT", Low, "Isolation level of reading transactions."),
                12,
                Width::Medium,
                "Transaction Isolation Mode",
            ),
            keys::ISOLATION_MODES,
            keys::ISOLATION_MODES,
        ),
        shown(
            ConfigKey::with_default(keys::RETRIES, Int, -1, Low, "How many reads of a table may fail one after another before the task fails; 0 or less = no limit. Errors that cannot heal fail at once."),
            13,
            Width::Medium,
            "Query Retry Attempts",
        ),
    ]
}

fn connector() -> Vec<ConfigKey> {
    use ConfigType::{Int, List, Long, String};
    use Importance::{High, Low, Medium};
    let shown = |key: ConfigKey, order, width, name| key.shown(CONNECTOR, order, width, name);
    vec![
        shown(
            ConfigKey::with_default(
                keys::TABLE_TYPES,
                List,
                "TABLE",
                Low,
                "Kinds of tables to read: TABLE, VIEW, PARTITIONED TABLE, MATERIALIZED VIEW, FOREIGN TABLE, SYSTEM TABLE.",
            ),
            1,
            Width::Medium,
            "Table Types",
        ),
        shown(
            ConfigKey::with_default(
                keys::POLL_INTERVAL,
                Int,
                5000,
                High,
                "Milliseconds between two queries of a table. A table with a backlog is read on at once.",
            ),
            2,
            Width::Short,
            "Poll Interval (ms)",
        ),
        shown(
            ConfigKey::with_default(keys::BATCH_ROWS, Int, 1000, Low, "Accepted; batches are bounded in bytes here.")
                .at_least(1),
            3,
            Width::Short,
            "Max Rows Per Batch",
        ),
        shown(
            ConfigKey::with_default(keys::BUFFER_SIZE, Int, 0, Low, "Accepted; buffers are bounded in bytes here."),
            4,
            Width::Short,
            "Max Buffer Size",
        ),
        shown(
            ConfigKey::with_default(
                keys::LINGER,
                Long,
                5000,
                Low,
                "Accepted; rows are handed on as soon as they are there.",
            ),
            5,
            Width::Short,
            "Poll Linger (ms)",
        ),
        ConfigKey::with_default(
            keys::STARTUP_LIMIT,
            Long,
            10_000,
            Low,
            "Milliseconds that the start of the connector waits for the first list of tables.",
        ),
        shown(
            ConfigKey::with_default(
                keys::TABLE_POLL,
                Long,
                60_000,
                Low,
                "Milliseconds between two looks for new and dropped tables.",
            ),
            6,
            Width::Short,
            "Metadata Change Monitoring Interval (ms)",
        ),
        shown(
            ConfigKey::with_default(
                keys::PREFIX,
                String,
                "",
                High,
                "What stands before the table's name in its topic.",
            )
            .check(|value| match value {
                Parsed::Text(text)
                    if text.len() > 249 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) =>
                {
                    Err("only letters, digits, dot, underscore and dash may stand in a topic, 249 of them at most"
                        .to_owned())
                }
                _ => Ok(()),
            }),
            7,
            Width::Medium,
            "Topic Prefix",
        ),
        shown(
            ConfigKey::with_default(
                keys::DELAY,
                Long,
                0,
                High,
                "Milliseconds that reading stays behind the database's time, to let earlier transactions commit.",
            ),
            8,
            Width::Medium,
            "Delay Interval (ms)",
        ),
        shown(
            ConfigKey::with_default(
                keys::TIMEZONE,
                String,
                "UTC",
                Medium,
                "Time zone of timestamp and time columns without one.",
            )
            .check(|value| match value {
                Parsed::Text(text) if Zone::parse(text).is_none() => Err("not a time zone".to_owned()),
                _ => Ok(()),
            }),
            9,
            Width::Medium,
            "DB time zone",
        ),
        any_case(
            shown(
                ConfigKey::with_default(
                    keys::GRANULARITY,
                    String,
                    "connect_logical",
                    Low,
                    "What timestamps become: Connect's Timestamp, or numbers or text of finer unit.",
                ),
                10,
                Width::Medium,
                "Timestamp granularity for timestamp columns",
            ),
            keys::GRANULARITIES,
            keys::GRANULARITIES,
        ),
    ]
}

fn internal() -> Vec<ConfigKey> {
    use ConfigType::{Boolean, Int, List};
    vec![
        ConfigKey::with_default(keys::TABLES, List, "", Importance::High, "Tables of a task.").internal(),
        ConfigKey::nullable(keys::TABLES_FETCHED, Boolean, Importance::High, "Whether the list of tables is known.")
            .internal(),
        ConfigKey::with_default(keys::ENGINE_SHUTDOWN, Int, 10, Importance::Low, "Accepted; tasks end at once here.")
            .internal(),
    ]
}
