//! The table everything is measured with: 12 columns, rows made from their number alone.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use millstream_testbed::{Context, Error, Postgres, Result};
use sqlx::postgres::PgPoolCopyExt;

/// The database.
pub const DATABASE: &str = "bench";
/// The table.
pub const TABLE: &str = "bench_orders";

const CREATE: &str = "
create table bench_orders (
    id bigint primary key,
    customer_id bigint not null,
    product_id integer not null,
    quantity smallint not null,
    unit_price double precision not null,
    total numeric(12,2) not null,
    status text not null,
    email text not null,
    note text,
    active boolean not null,
    region text not null,
    updated_at timestamptz not null
)";

/// Makes the database and the table with this many rows.
pub async fn create(postgres: &Postgres, rows: u64) -> Result<()> {
    postgres.create_database(DATABASE, None).await?;
    postgres.execute(DATABASE, CREATE).await?;
    // In the order of updated_at, which has microseconds and no two rows at one time.
    let insert = format!(
        "insert into {TABLE} select g, 1 + g * 7919 % 100000, (1 + g * 104729 % 5000)::integer, (1 + g % 9)::smallint, \
         g * 31 % 100000 / 100.0::double precision, (g * 31 % 100000 * (1 + g % 9))::numeric / 100, \
         (array['new', 'paid', 'packed', 'shipped', 'delivered'])[1 + g % 5], \
         'customer' || (1 + g * 7919 % 100000) || '@example.com', \
         case when g % 4 <> 0 then 'deliver to door ' || g % 977 end, g % 10 <> 0, \
         (array['north', 'south', 'east', 'west'])[1 + g % 4], \
         timestamptz '2024-06-01 00:00:00+00' + g * interval '1003 microseconds' \
         from generate_series(1, {rows}::bigint) g"
    );
    postgres.execute(DATABASE, insert).await?;
    postgres.execute(DATABASE, format!("create index on {TABLE} (updated_at)")).await?;
    postgres.execute(DATABASE, format!("vacuum analyze {TABLE}")).await?;
    Ok(())
}

/// Who reads the COPY stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Copier {
    /// The `psql` on this machine.
    Psql,
    /// This program, throwing the bytes away.
    InProcess,
}

impl Copier {
    /// psql where it is installed.
    pub fn find() -> Copier {
        let found = Command::new("psql").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_ok_and(|status| status.success()) { Copier::Psql } else { Copier::InProcess }
    }

    /// What to call it in the table.
    pub fn name(self) -> &'static str {
        match self {
            Copier::Psql => "psql COPY (query) TO STDOUT (FORMAT binary)",
            Copier::InProcess => "COPY (query) TO STDOUT (FORMAT binary), bytes only, no psql here",
        }
    }

    /// Copies all rows in the order a source reads them; how long that took, connecting included.
    pub async fn copy(self, postgres: &Postgres) -> Result<Duration> {
        let copy = format!("copy (select * from {TABLE} order by updated_at) to stdout (format binary)");
        let started = Instant::now();
        match self {
            Copier::Psql => {
                let status = tokio::process::Command::new("psql")
                    .args(["-X", "-q", "-h", &postgres.address().to_string(), "-p", &postgres.port().to_string()])
                    .args(["-U", postgres.user(), "-d", DATABASE, "-c", &copy])
                    .env("PGPASSWORD", postgres.password())
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .kill_on_drop(true)
                    .status()
                    .await
                    .context("psql")?;
                if !status.success() {
                    return Err(Error::new(format!("psql: {status}")));
                }
            }
            Copier::InProcess => {
                let pool = sqlx::PgPool::connect(&postgres.url(DATABASE)).await?;
                let mut stream = pool.copy_out_raw(&copy).await?;
                while stream.try_next().await?.is_some() {}
            }
        }
        Ok(started.elapsed())
    }
}
