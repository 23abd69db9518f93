//! Which keys get how many errors.

use std::collections::BTreeMap;

use millstream_api::Config;
use serde_json::{Map, Value};

use super::{Database, lines, name, object, texts};
use crate::config::{check_rules, config_def, hide_unused};
use crate::plugin::check_database;

/// Case, row of the list of defects (0: not in the list, the reason stands beside it), and what we say instead.
type Difference = (&'static str, u32, &'static [(&'static str, u64)]);

const DIFFERENCES: &[Difference] = &[
    ("empty", 1, &[("mode", 1)]),
    ("only-name", 1, &[("mode", 1)]),
    ("no-mode", 1, &[("mode", 1)]),
    ("empty-mode", 1, &[("mode", 1)]),
    ("bad-mode", 1, &[("mode", 1)]),
    ("mode-upper", 1, &[("mode", 1)]),
    ("mode-plus-blank", 1, &[("mode", 1)]),
    ("auth-wrong-with-bad-mode", 1, &[("mode", 1)]),
    ("two-errors", 1, &[("mode", 1), ("batch.max.rows", 1)]),
    ("many-errors", 1, &[("mode", 1), ("connection.attempts", 1), ("poll.interval.ms", 1), ("topic.prefix", 1)]),
    ("quote.sql.identifiers=x", 2, &[("quote.sql.identifiers", 1)]),
    ("quote.sql.identifiers=", 2, &[("quote.sql.identifiers", 1)]),
    ("transaction.isolation.mode=x", 3, &[("transaction.isolation.mode", 1)]),
    ("transaction.isolation.mode=", 3, &[("transaction.isolation.mode", 1)]),
    ("numeric.mapping=Best_Fit", 4, &[]),
    ("timestamp.granularity=Nanos_Long", 4, &[]),
    ("date.calendar.system=legacy", 4, &[]),
    ("date.calendar.system=proleptic_gregorian", 4, &[]),
    ("batch.max.rows=0", 5, &[("batch.max.rows", 1)]),
    ("batch.max.rows=-1", 5, &[("batch.max.rows", 1)]),
    ("ts-mapping-no-brackets", 7, &[]),
    ("no-list-ts", 8, &[("timestamp.column.name", 1)]),
    ("missing-ts-column", 8, &[("timestamp.column.name", 1)]),
    ("nullable-ts", 8, &[("timestamp.column.name", 1)]),
    ("ts-mapping-no-match", 8, &[("timestamp.columns.mapping", 1)]),
    ("ts-no-column", 14, &[("timestamp.column.name", 1)]),
    ("tsinc-no-column", 14, &[("timestamp.column.name", 1)]),
    ("query-ts-no-column", 14, &[("timestamp.column.name", 1)]),
    ("query-cte", 10, &[]),
    ("query-paren", 10, &[]),
    ("query-values", 10, &[]),
    // Queries and other databases are not part of this release.
    ("masked-not-select", 0, &[]),
    ("query-update", 0, &[]),
    ("query-bad-sql", 0, &[]),
    ("query-missing-table", 0, &[]),
    ("sqlite-url", 0, &[("connection.url", 1)]),
    // Java counts a class that is missing twice; no class can be loaded here.
    ("jdbc.credentials.provider.class=no.such.Class", 0, &[("jdbc.credentials.provider.class", 1)]),
];

fn config_of(case: &Value, base: &Map<String, Value>, database: &Database, closed: u16) -> Config {
    let mut config = Config::new();
    let mut entries = base.clone();
    for (key, value) in object(&case["config"]) {
        entries.insert(key, value);
    }
    let own_server = !entries.get("connection.url").is_some_and(|url| url.to_string().contains("<PORT-AUTH>"));
    for (key, value) in entries {
        let Some(value) = value.as_str() else { continue };
        let value = value
            .replace("<HOST>", "127.0.0.1")
            .replace("<PORT>", &database.server.port().to_string())
            .replace("<PORT-AUTH>", &database.server.port().to_string())
            .replace("<CLOSED-PORT>", &closed.to_string())
            .replace("<DATABASE>", "postgres");
        config.set(key, value);
    }
    // The recording's server asked for no password, ours does.
    if own_server && !config.contains("connection.password") {
        config.set("connection.password", database.server.password());
    }
    if !config.contains("connection.backoff.ms") {
        config.set("connection.backoff.ms", "0");
    }
    config
}

#[tokio::test]
async fn errors_stand_on_the_recorded_keys() {
    let database = Database::start().await;
    let closed = millstream_testbed::free_port([127, 0, 0, 1].into()).unwrap();
    let mut cases = lines(include_str!("../../../../tests/golden/jdbc/validate.jsonl")).into_iter();
    let head = cases.next().unwrap();
    database.run(&texts(&head["ddl"])).await;
    database.server.create_role("u", "right").await.unwrap();
    let base = object(&head["base"]);
    let def = config_def();
    let own = |key: &str| def.get(key).is_some();
    let mut wrong = Vec::new();
    for case in cases {
        let config = config_of(&case, &base, &database, closed);
        let mut values = def.validate(&config);
        check_rules(&mut values);
        hide_unused(&mut values);
        if values.is_valid() {
            check_database(&config, &mut values).await;
        }
        let got: BTreeMap<String, u64> = values
            .iter()
            .filter(|value| !value.errors.is_empty())
            .map(|value| (value.key.name.clone(), value.errors.len() as u64))
            .collect();
        let difference = DIFFERENCES.iter().find(|(named, ..)| *named == name(&case));
        let expected: BTreeMap<String, u64> = match difference {
            Some((_, _, errors)) => errors.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect(),
            None => object(&case["errors"])
                .into_iter()
                .filter(|(key, _)| own(key))
                .map(|(key, count)| (key, count.as_u64().unwrap()))
                .collect(),
        };
        if got != expected {
            wrong.push(format!("{}: expected {expected:?}, got {got:?}", name(&case)));
        }
        let mut hidden: Vec<&str> = texts(&case["invisible"]);
        hidden.push("query.masked");
        hidden.sort_unstable();
        let mut ours: Vec<_> =
            values.iter().filter(|value| !value.visible).map(|value| value.key.name.as_str()).collect();
        ours.sort_unstable();
        if ours != hidden {
            wrong.push(format!("{}: hidden {hidden:?}, got {ours:?}", name(&case)));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
