//! What combinations of keys are wrong, and which keys do not apply.

use millstream_api::{ConfigValues, Secret};

use super::{ColumnChoice, Mode, keys};
use crate::tables::full_match;

const LEGACY: [&str; 4] = [keys::WHITELIST, keys::BLACKLIST, keys::TS_COLUMN, keys::INC_COLUMN];
const NEW: [&str; 4] = [keys::INCLUDE, keys::EXCLUDE, keys::TS_MAPPING, keys::INC_MAPPING];
const FILTERS: [&str; 4] = [keys::WHITELIST, keys::BLACKLIST, keys::INCLUDE, keys::EXCLUDE];

fn is_set(values: &ConfigValues, key: &str) -> bool {
    values.text(key).is_some_and(|text| !text.trim().is_empty())
        || !values.list(key).is_empty()
        || values.password(key).is_some_and(|secret: &Secret| !secret.expose().is_empty())
}

/// Checks every rule that takes more than one key, whatever the mode.
pub fn check_rules(values: &mut ConfigValues) {
    let mode = check_mode(values);
    if values.text(keys::CREDENTIALS).is_some_and(|class| class != keys::DEFAULT_CREDENTIALS) {
        values.error(
            keys::CREDENTIALS,
            "Credentials providers are Java classes and cannot be loaded here; only the default is there",
        );
    }
    if values.get(keys::ATTEMPTS).is_some_and(|value| !value.errors.is_empty()) && values.int(keys::ATTEMPTS).is_none()
    {
        // Tools count two errors for a text that is no number.
        values.error(keys::ATTEMPTS, "connection.attempts must be a number from 1 on");
    }
    let isolation = values.text(keys::ISOLATION).unwrap_or_default().to_owned();
    if isolation.eq_ignore_ascii_case("sql_server_snapshot")
        && values.text(keys::DIALECT) != Some("SqlServerDatabaseDialect")
    {
        values.error(keys::ISOLATION, "SQL_SERVER_SNAPSHOT is for SQL Server only");
    }
    check_regexes(values);
    let mappings_fine = check_mappings(values);
    // What goes with what depends on the mode.
    let Some(mode) = mode else { return };
    let (has_query, has_masked) = (is_set(values, keys::QUERY), is_set(values, keys::QUERY_MASKED));
    if has_query && has_masked {
        for key in [keys::QUERY, keys::QUERY_MASKED] {
            values.error(key, "query and query.masked cannot both be set");
        }
    }
    if has_query || has_masked {
        check_query(values, mode);
    } else {
        check_filters(values, mode, mappings_fine);
    }
}

/// What this release cannot do yet; said only of a configuration that is right in itself.
pub fn check_availability(values: &mut ConfigValues) {
    if Mode::parse(values.text(keys::MODE).unwrap_or_default()) != Some(Mode::Timestamp) {
        values.error(keys::MODE, "Only mode timestamp is available in this release; bulk, incrementing and timestamp+incrementing will follow");
    }
    for key in [keys::QUERY, keys::QUERY_MASKED] {
        if is_set(values, key) {
            values.error(key, "Queries are not available in this release; read a table or a view");
        }
    }
}

/// Hides the keys that the mode does not use.
pub fn hide_unused(values: &mut ConfigValues) {
    let mut hidden = vec![keys::QUERY_MASKED];
    if let Some(mode) = Mode::parse(values.text(keys::MODE).unwrap_or_default()) {
        hidden.push(keys::TS_INITIAL);
        if !mode.has_timestamp() {
            hidden.extend([keys::TS_COLUMN, keys::TS_MAPPING]);
        }
        if !mode.has_incrementing() {
            hidden.extend([keys::INC_COLUMN, keys::INC_MAPPING]);
        }
        if mode == Mode::Bulk {
            hidden.push(keys::NON_NULL);
        }
    }
    for key in hidden {
        if let Some(value) = values.get_mut(key) {
            value.visible = false;
        }
    }
}

fn check_mode(values: &mut ConfigValues) -> Option<Mode> {
    let word = values.text(keys::MODE).unwrap_or_default().to_owned();
    let mode = Mode::parse(&word);
    if mode.is_none() {
        let what = if word.is_empty() { "mode is missing" } else { "mode is not one of the known words" };
        values.error(
            keys::MODE,
            format!("{what}: bulk, incrementing, timestamp or timestamp+incrementing, in lower case"),
        );
    }
    mode
}

fn check_regexes(values: &mut ConfigValues) {
    for key in [keys::INCLUDE, keys::EXCLUDE] {
        let wrong = values.list(key).iter().find_map(|pattern| full_match(pattern).err());
        if let Some(error) = wrong {
            values.error(key, error.to_string());
        }
    }
}

fn check_mappings(values: &mut ConfigValues) -> bool {
    let mut fine = true;
    for key in [keys::TS_MAPPING, keys::INC_MAPPING] {
        if let Err(error) = ColumnChoice::of(&[], values.list(key)) {
            values.error(key, error.to_string());
            fine = false;
        }
    }
    fine
}

fn check_query(values: &mut ConfigValues, mode: Mode) {
    let filters: Vec<_> = FILTERS.into_iter().filter(|key| is_set(values, key)).collect();
    for key in filters.iter().copied() {
        values.error(key, "A query replaces the tables, so no list of tables can be set beside it");
    }
    if !filters.is_empty() {
        for key in [keys::QUERY, keys::QUERY_MASKED] {
            values.error(key, "A query replaces the tables, so it cannot be set beside a list of tables");
        }
    }
    if mode.has_incrementing() && !is_set(values, keys::INC_COLUMN) {
        values.error(keys::INC_COLUMN, "A query has no auto-increment column: name the incrementing column");
    }
    require_timestamp_column(values, mode);
}

fn check_filters(values: &mut ConfigValues, mode: Mode, mappings_fine: bool) {
    let legacy: Vec<_> = LEGACY.into_iter().filter(|key| is_set(values, key)).collect();
    let new: Vec<_> = NEW.into_iter().filter(|key| is_set(values, key)).collect();
    if !legacy.is_empty() && !new.is_empty() {
        for key in legacy.iter().chain(&new) {
            values.error(
                key,
                format!(
                    "The older keys ({}) and the newer ones ({}) cannot be mixed",
                    legacy.join(", "),
                    new.join(", ")
                ),
            );
        }
        return;
    }
    if is_set(values, keys::EXCLUDE) && !is_set(values, keys::INCLUDE) {
        values.error(keys::EXCLUDE, "table.exclude.list needs a table.include.list that it takes from");
    }
    if legacy.is_empty() && new.is_empty() {
        for key in FILTERS {
            values.error(key, "Say which tables to read, by one of the table lists");
        }
        return;
    }
    if new.is_empty() {
        require_timestamp_column(values, mode);
    } else if mappings_fine {
        check_mode_and_mappings(values, mode);
    }
}

fn require_timestamp_column(values: &mut ConfigValues, mode: Mode) {
    if mode.has_timestamp() && !is_set(values, keys::TS_COLUMN) && !is_set(values, keys::TS_MAPPING) {
        values.error(keys::TS_COLUMN, "The mode needs a timestamp column");
    }
}

/// The first mapping that the mode needs or forbids.
fn check_mode_and_mappings(values: &mut ConfigValues, mode: Mode) {
    for (key, needed) in [(keys::TS_MAPPING, mode.has_timestamp()), (keys::INC_MAPPING, mode.has_incrementing())] {
        if is_set(values, key) != needed {
            let verb = if needed { "needs" } else { "does not go with" };
            values.error(keys::MODE, format!("This mode {verb} {key}"));
            return;
        }
    }
}
