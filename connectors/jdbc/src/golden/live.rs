//! What no recording holds: failures of the database, long tables, changes while a task runs, the contract's battery.

use std::time::Duration;

use async_trait::async_trait;
use millstream_api::conformance::source::{SourceWorld, run};
use millstream_api::{Config, ConnectorPlugin, ErrorKind, SourceTask};

use super::Database;
use super::play::Player;
use crate::config::config_def;
use crate::plugin::JdbcSource;
use crate::source::JdbcSourceTask;
use crate::source::testing::ChunkLimits;

fn users(database: &Database) -> Config {
    database.config([
        ("mode", "timestamp"),
        ("timestamp.column.name", "ts"),
        ("table.whitelist", "users"),
        ("topic.prefix", "db."),
        ("poll.interval.ms", "50"),
        ("table.poll.interval.ms", "100"),
        ("connection.attempts", "1"),
    ])
}

const USERS: &str = "create table users (id int primary key, name text, ts timestamptz not null)";

/// Rows `from` to `to`, each with a timestamp of its own, in the past.
fn insert(from: usize, to: usize) -> String {
    format!(
        "insert into users select i, 'row ' || i, timestamptz '2024-01-01' + i * interval '1 ms' from generate_series({from}, {to}) i"
    )
}

/// Polls until the task fails for good.
async fn fails(player: &mut Player<'_>) -> millstream_api::Error {
    for _ in 0..400 {
        if let Err(error) = player.poll().await {
            return error;
        }
    }
    panic!("the task goes on");
}

#[tokio::test]
async fn pages_of_a_long_table_are_complete_and_in_order() {
    let database = Database::start().await;
    database.run(&[USERS, "create index on users (ts)", &insert(1, 45_000)]).await;
    // A group of equal timestamps around the end of the first page, which has 10,000 rows.
    database.run(&["update users set ts = '2024-01-01 00:00:09.99' where id between 9990 and 10500"]).await;
    let mut player = Player::new(&database, users(&database));
    player.limits = ChunkLimits { bytes: 10_000, max_bytes: 20_000, max_rows: 1_000_000 };
    player.start().await.unwrap();
    player.wait_records("db.users", 45_000).await.unwrap();
    player.watch(Duration::from_millis(300)).await.unwrap();
    let ids: Vec<u64> = player.topics["db.users"]
        .iter()
        .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap()["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), 45_000);
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 45_000);
    // Outside of the group the order is that of the timestamps.
    assert!(ids[..9_989].is_sorted() && ids[10_500..].is_sorted());
    let transactions = database
        .server
        .count(
            "postgres",
            "select count(*) from pg_stat_activity where state like 'idle in transaction%' and state_change < now() - \
             interval '200 ms'",
        )
        .await
        .unwrap();
    assert_eq!(transactions, 0);
    player.stop().await;
}

#[tokio::test]
async fn a_restarted_database_is_read_on_without_a_gap() {
    let database = Database::start().await;
    database.run(&[USERS, "create index on users (ts)", &insert(1, 100)]).await;
    let mut player = Player::new(&database, users(&database));
    player.start().await.unwrap();
    player.wait_records("db.users", 100).await.unwrap();
    database.server.crash().await.unwrap();
    player.watch(Duration::from_millis(300)).await.unwrap();
    database.server.run().await.unwrap();
    database.run(&[&insert(101, 200)]).await;
    player.wait_records("db.users", 200).await.unwrap();
    player.watch(Duration::from_millis(200)).await.unwrap();
    assert_eq!(player.count("db.users"), 200);
    player.stop().await;
}

#[tokio::test]
async fn what_cannot_heal_fails_the_task() {
    let database = Database::start().await;
    for (change, part) in [
        ("drop table users", "public.users"),
        ("alter table users rename ts to other", "no column ts"),
        ("alter table users alter ts drop not null", "may be null"),
        ("revoke select on users from reader", "42501"),
    ] {
        database.empty().await;
        database
            .run(&[
                USERS,
                &insert(1, 3),
                "do $$ begin if not exists (select from pg_roles where rolname = 'reader') then create role reader login \
                 password 'it''s secret'; end if; end $$",
                "grant usage on schema public to reader",
                "grant select on users to reader",
            ])
            .await;
        let mut config = users(&database);
        config.set("connection.user", "reader");
        config.set("connection.password", "it's secret");
        // The connector must not notice first.
        config.set("table.poll.interval.ms", "60000");
        let mut player = Player::new(&database, config);
        player.start().await.unwrap();
        player.wait_records("db.users", 3).await.unwrap();
        database.run(&[change]).await;
        let error = fails(&mut player).await;
        assert!(matches!(error.kind(), ErrorKind::Fatal | ErrorKind::Config), "{error:?}");
        assert!(error.to_string().contains(part) && error.to_string().contains("users"), "{change}: {error}");
        assert!(!error.trace().contains("secret"));
        player.stop().await;
    }
}

#[tokio::test]
async fn tries_are_bounded_when_asked() {
    let database = Database::start().await;
    database.run(&[USERS, &insert(1, 1)]).await;
    let mut config = users(&database);
    config.set("query.retry.attempts", "2");
    let mut player = Player::new(&database, config);
    player.start().await.unwrap();
    player.wait_records("db.users", 1).await.unwrap();
    database.server.stop().await.unwrap();
    let error = fails(&mut player).await;
    assert!(error.to_string().contains("2 times in a row"), "{error}");
    player.stop().await;
}

#[tokio::test]
async fn schema_changes_show_at_the_next_query() {
    let database = Database::start().await;
    database.run(&[USERS, &insert(1, 1)]).await;
    let mut player = Player::new(&database, users(&database));
    player.config.set("value.converter.schemas.enable", "true");
    player.start().await.unwrap();
    player.wait_records("db.users", 1).await.unwrap();
    database
        .run(&[
            "alter table users add extra int not null default 7, drop name",
            "insert into users values (2, '2024-02-01')",
        ])
        .await;
    player.wait_records("db.users", 2).await.unwrap();
    let last = player.topics["db.users"].last().unwrap();
    assert!(last.contains(r#"{"type":"int32","optional":false,"field":"extra"}"#), "{last}");
    assert!(last.contains(r#""payload":{"id":2,"ts":1706745600000,"extra":7}"#), "{last}");
    database
        .run(&["alter table users alter extra drop not null", "insert into users values (3, '2024-03-01', null)"])
        .await;
    player.wait_records("db.users", 3).await.unwrap();
    let last = player.topics["db.users"].last().unwrap();
    assert!(last.contains(r#"{"type":"int32","optional":true,"field":"extra"}"#), "{last}");
    player.stop().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_converted_fails_alone() {
    let database = Database::start().await;
    database
        .run(&[
            "create table users (id int, d date, ts timestamp not null)",
            "insert into users values (1, '2024-01-01', '2024-01-01'), (2, 'infinity', '2024-01-02'), (3, null, '2024-01-03'), (4, '-infinity', '2024-01-04')",
        ])
        .await;
    let mut player = Player::new(&database, users(&database));
    player.limits = ChunkLimits::default();
    player.start().await.unwrap();
    player.wait_records("db.users", 2).await.unwrap();
    assert_eq!(player.failures.len(), 2);
    let text = player.failures[0].to_string();
    assert!(text.contains("column d of table public.users") && text.contains("row 2"), "{text}");
    assert_eq!(player.failures[0].kind(), ErrorKind::Data);
    // The position is past the failed rows.
    assert_eq!(player.trace.last().unwrap().1, r#"{"timestamp_nanos":0,"timestamp":1704326400000}"#);
    player.stop().await;
}

#[tokio::test]
async fn tables_come_and_go() {
    let database = Database::start().await;
    let mut config = users(&database);
    config.remove("table.whitelist");
    config.set("table.blacklist", "none");
    let mut player = Player::new(&database, config.clone());
    // No table yet: the task fails, the connector goes on looking.
    let error = player.start().await.unwrap_err();
    assert!(error.to_string().contains("nothing to read"), "{error}");
    assert_eq!(player.task_configs[0].get("tables"), Some(""));
    database.run(&[USERS]).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while *player.host.requests.lock().unwrap() == 0 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    player.stop().await;
    player.start().await.unwrap();
    assert_eq!(player.task_configs[0].get("tables"), Some("\"public\".\"users\""));
    // A second table of the name would share the topic.
    database.run(&["create schema other", "create table other.users (id int, ts timestamp not null)"]).await;
    while player.host.errors.lock().unwrap().is_empty() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let text = player.host.errors.lock().unwrap()[0].to_string();
    assert!(text.contains("other.users and public.users"), "{text}");
    player.stop().await;
    let error = player.start().await.unwrap_err();
    assert!(error.to_string().contains("other.users and public.users"), "{error}");
    player.stop().await;
}

#[tokio::test]
async fn passwords_are_never_shown() {
    let database = Database::start().await;
    let mut config = users(&database);
    config.remove("connection.user");
    config.remove("connection.password");
    let url = format!("{}?user=nobody_here&password=hunter2", database.server.jdbc_url("postgres"));
    config.set("connection.url", url);
    let plugin = JdbcSource::new();
    let mut values = config_def().validate(&config);
    plugin.validate(&config, &mut values).await;
    let errors = &values.get("connection.url").unwrap().errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(!errors[0].contains("hunter2") && errors[0].contains("28P01"), "{errors:?}");
    let parsed = crate::config::SourceConfig::parse(&config).unwrap();
    assert!(!format!("{parsed:?}").contains("hunter2"));
}

#[tokio::test]
async fn other_modes_are_said_to_be_missing() {
    let database = Database::start().await;
    database.run(&[USERS]).await;
    let mut config = users(&database);
    config.set("mode", "bulk");
    let plugin = JdbcSource::new();
    let mut values = config_def().validate(&config);
    plugin.validate(&config, &mut values).await;
    assert!(values.get("mode").unwrap().errors[0].contains("Only mode timestamp"));
    assert_eq!(values.error_count(), 1);
}

struct World {
    database: Database,
    rows: usize,
}

#[async_trait]
impl SourceWorld for World {
    fn task(&self) -> (Box<dyn SourceTask>, Config) {
        let mut config = users(&self.database);
        config.set("tables", "\"public\".\"users\"");
        config.set("tables.fetched", "true");
        config.set("timestamp.granularity", "micros_long");
        let limits = ChunkLimits { bytes: 200, max_bytes: 1 << 20, max_rows: 5 };
        (Box::new(JdbcSourceTask::with_limits(limits)), config)
    }

    async fn add_rows(&mut self, rows: usize) -> Result<(), String> {
        self.database.run(&[&insert(self.rows + 1, self.rows + rows)]).await;
        self.rows += rows;
        Ok(())
    }

    fn broken_config(&self) -> Option<Config> {
        Some(self.database.config([("mode", "timestamp")]))
    }
}

#[tokio::test]
async fn the_contract_of_source_tasks_holds() {
    let database = Database::start().await;
    database.run(&[USERS, "create index on users (ts)"]).await;
    run(&mut World { database, rows: 0 }).await.unwrap();
}
