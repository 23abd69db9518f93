//! The tables, and who writes to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use millstream_testbed::{Context, Postgres, Result};
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The database of the connectors.
pub const DATABASE: &str = "mydb";
const ROLE: &str = "kafkauser";
const PASSWORD: &str = "secret";

const USERS_AT_FIRST: u32 = 1_500;
const ORDERS_AT_FIRST: u32 = 2_000;

/// How a column's values are compared between database, topic and file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As JSON has them: integers, texts, booleans.
    Plain,
    /// A decimal number of two digits; as text such as `12.50`.
    Money,
    /// A date; as days since 1970.
    Date,
    /// A point in time; as milliseconds since 1970.
    Instant,
}

/// A table and its columns.
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
}

/// Both tables.
pub const TABLES: [Table; 2] = [
    Table {
        name: "orders",
        columns: &[
            ("id", Kind::Plain),
            ("user_id", Kind::Plain),
            ("status", Kind::Plain),
            ("amount", Kind::Money),
            ("items", Kind::Plain),
            ("note", Kind::Plain),
            ("placed_on", Kind::Date),
            ("created_at", Kind::Instant),
            ("updated_at", Kind::Instant),
        ],
    },
    Table {
        name: "users",
        columns: &[
            ("id", Kind::Plain),
            ("name", Kind::Plain),
            ("email", Kind::Plain),
            ("active", Kind::Plain),
            ("balance", Kind::Money),
            ("created_at", Kind::Instant),
            ("updated_at", Kind::Instant),
        ],
    },
];

const CREATE: &str = "
create table users (
    id bigint generated always as identity primary key,
    name text not null,
    email text not null,
    active boolean not null,
    balance numeric(12,2),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on users (updated_at);
create table orders (
    id bigint generated always as identity primary key,
    user_id bigint not null,
    status text not null,
    amount numeric(10,2) not null,
    items integer not null,
    note text,
    placed_on date not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index on orders (updated_at);
";

/// Makes role, database, tables and the first rows.
pub async fn create(postgres: &Postgres) -> Result<()> {
    postgres.create_role(ROLE, PASSWORD).await?;
    postgres.create_database(DATABASE, Some(ROLE)).await?;
    let mut connection = postgres.connect_as(DATABASE, ROLE, PASSWORD).await?;
    execute(&mut connection, CREATE).await?;
    execute(&mut connection, &insert_users(USERS_AT_FIRST)).await?;
    execute(&mut connection, &insert_orders(ORDERS_AT_FIRST)).await?;
    // As if they had come one by one during the last hours.
    for table in ["users", "orders"] {
        let spread = format!(
            "update {table} set created_at = now() - interval '6 hours' + id * interval '7 seconds', \
             updated_at = now() - interval '6 hours' + id * interval '7 seconds'"
        );
        execute(&mut connection, &spread).await?;
    }
    Ok(())
}

fn insert_users(count: u32) -> String {
    format!(
        "insert into users (name, email, active, balance) \
         select 'User ' || n, 'user' || n || '@example.com', random() < 0.9, \
                case when random() < 0.8 then (random() * 10000)::numeric(12,2) end \
         from (select coalesce((select max(id) from users), 0) + g as n from generate_series(1, {count}) g) numbers"
    )
}

fn insert_orders(count: u32) -> String {
    format!(
        "insert into orders (user_id, status, amount, items, note, placed_on) \
         select 1 + floor(random() * {USERS_AT_FIRST})::bigint, 'new', (1 + random() * 500)::numeric(10,2), \
                1 + floor(random() * 9)::integer, \
                case when random() < 0.3 then 'Please ring twice – danke!' end, current_date \
         from generate_series(1, {count})"
    )
}

const UPDATE_ORDERS: &str = "update orders set updated_at = now(), \
    status = (array['paid', 'packed', 'shipped', 'delivered'])[1 + floor(random() * 4)::integer] \
    where id in (select 1 + floor(random() * (select max(id) from orders))::bigint from generate_series(1, 20))";
const UPDATE_USERS: &str = "update users set updated_at = now(), active = not active, \
    balance = (random() * 10000)::numeric(12,2) \
    where id in (select 1 + floor(random() * (select max(id) from users))::bigint from generate_series(1, 5))";

/// How much is written.
#[derive(Clone, Copy)]
pub enum Pace {
    /// Some hundreds of rows a second.
    Brisk,
    /// A few.
    Slow,
}

/// What was written.
#[derive(Clone, Copy)]
pub struct Written {
    pub inserted: u64,
    pub updated: u64,
}

/// Inserts and updates rows until it is stopped, one statement after the other.
pub struct Writer {
    shared: Arc<Shared>,
    running: Mutex<Option<JoinHandle<Result<()>>>>,
}

#[derive(Default)]
struct Shared {
    ended: AtomicBool,
    inserted: AtomicU64,
    updated: AtomicU64,
}

impl Writer {
    pub async fn start(postgres: &Postgres, pace: Pace) -> Result<Writer> {
        let mut connection = postgres.connect_as(DATABASE, ROLE, PASSWORD).await?;
        let shared = Arc::new(Shared::default());
        let first: i64 = sqlx::query_scalar("select (select count(*) from users) + (select count(*) from orders)")
            .fetch_one(&mut connection)
            .await?;
        shared.inserted.store(first.unsigned_abs(), Ordering::Relaxed);
        let running = tokio::spawn(write(connection, shared.clone(), pace));
        Ok(Writer { shared, running: Mutex::new(Some(running)) })
    }

    /// Rows written so far, those there at the start included.
    pub fn written(&self) -> Written {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Written { inserted: read(&self.shared.inserted), updated: read(&self.shared.updated) }
    }

    /// An error when writing has failed.
    pub async fn check(&self) -> Result<()> {
        let mut running = self.running.lock().await;
        match running.take_if(|task| task.is_finished()) {
            Some(task) => task.await?.context("writing to the tables"),
            None => Ok(()),
        }
    }

    /// Ends after the statement under way.
    pub async fn stop(&self) -> Result<Written> {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(task) = self.running.lock().await.take() {
            task.await?.context("writing to the tables")?;
        }
        Ok(self.written())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

async fn write(mut connection: PgConnection, shared: Arc<Shared>, pace: Pace) -> Result<()> {
    let (orders, users, pause) = match pace {
        Pace::Brisk => (50, 8, Duration::from_millis(200)),
        Pace::Slow => (3, 1, Duration::from_secs(1)),
    };
    let statements = [
        (insert_orders(orders), &shared.inserted),
        (UPDATE_ORDERS.to_owned(), &shared.updated),
        (insert_users(users), &shared.inserted),
        (UPDATE_USERS.to_owned(), &shared.updated),
    ];
    let mut ticks = tokio::time::interval(pause);
    while !shared.ended.load(Ordering::Relaxed) {
        ticks.tick().await;
        for (statement, counter) in &statements {
            counter.fetch_add(execute(&mut connection, statement).await?, Ordering::Relaxed);
        }
    }
    Ok(())
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<u64> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.context("writing rows")?;
    Ok(done.rows_affected())
}

/// Updates this many rows of a table in one statement.
pub async fn touch(postgres: &Postgres, table: &str, rows: u64) -> Result<u64> {
    let sql = format!(
        "update {table} set updated_at = now() where id in (select id from {table} order by id desc limit {rows})"
    );
    postgres.execute(DATABASE, sql).await
}

/// All rows of a table, each value in the form of its [`Kind`].
pub async fn rows(postgres: &Postgres, table: &Table) -> Result<Vec<Map<String, Value>>> {
    let fields: Vec<String> = table
        .columns
        .iter()
        .map(|(name, kind)| match kind {
            Kind::Plain => format!("'{name}', {name}"),
            Kind::Money => format!("'{name}', {name}::text"),
            Kind::Date => format!("'{name}', {name} - date '1970-01-01'"),
            Kind::Instant => format!("'{name}', floor(extract(epoch from {name}) * 1000)::bigint"),
        })
        .collect();
    let sql = format!("select json_build_object({})::text from {}", fields.join(", "), table.name);
    let rows = postgres.rows(DATABASE, sql).await?;
    let parse = |row: &sqlx::postgres::PgRow| -> Result<Map<String, Value>> {
        Ok(serde_json::from_str(&row.try_get::<String, _>(0)?)?)
    };
    rows.iter().map(parse).collect()
}
