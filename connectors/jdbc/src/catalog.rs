//! What the database says of its tables and columns. Names are looked up exactly, never as patterns.

use millstream_api::{Error, Result};
use sqlx::{PgConnection, Row};

use crate::config::DiscoveryConfig;
use crate::horizon::DatabaseClock;
use crate::instant::PgTimestamp;
use crate::sqlstate::database_error;
use crate::tables::{TableFilter, TableId};
use crate::types::CatalogColumn;

/// Kinds of tables as pgjdbc names them, and how the catalog tells them apart.
const TABLES: &str = r#"
select kind, nspname::text, relname::text
from (
  select n.nspname, c.relname,
    case
      when n.nspname in ('pg_catalog', 'information_schema') or n.nspname = 'pg_toast' then
        case c.relkind when 'r' then 'SYSTEM TABLE' when 'v' then 'SYSTEM VIEW' end
      when n.nspname ~ '^pg_temp_' then
        case c.relkind when 'r' then 'TEMPORARY TABLE' when 'v' then 'TEMPORARY VIEW' end
      else
        case c.relkind when 'r' then 'TABLE' when 'p' then 'PARTITIONED TABLE' when 'v' then 'VIEW'
          when 'm' then 'MATERIALIZED VIEW' when 'f' then 'FOREIGN TABLE' end
    end as kind
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and ($2::text is null or n.nspname like $2)
    and ($3::text is null or pg_catalog.current_database() like $3)
    and ($4::text[] is null or c.relname = any ($4) or n.nspname || '.' || c.relname = any ($4)
      or '"' || n.nspname || '"."' || c.relname || '"' = any ($4))
) found
where kind = any ($1)"#;

/// The tables that the settings ask for, by kind, schema and name.
pub async fn tables(connection: &mut PgConnection, config: &DiscoveryConfig) -> Result<Vec<TableId>> {
    let names = match &config.filter {
        TableFilter::Whitelist(names) => Some(names.clone()),
        _ => None,
    };
    let rows = sqlx::query(TABLES)
        .bind(&config.table_types)
        .bind(&config.schema_pattern)
        .bind(&config.catalog_pattern)
        .bind(names)
        .fetch_all(connection)
        .await
        .map_err(|e| database_error("cannot list the tables", e))?;
    let mut found = rows
        .iter()
        .map(|row| {
            Ok((row.try_get::<String, _>(0)?, TableId::new(row.try_get::<String, _>(1)?, row.try_get::<String, _>(2)?)))
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()
        .map_err(|e| database_error("cannot read the list of tables", e))?;
    found.sort();
    Ok(found.into_iter().map(|(_, table)| table).filter(|table| config.filter.accepts(table)).collect())
}

/// Columns of one table, with domains resolved to their base types.
const COLUMNS: &str = r"
with recursive base (attnum, typid, typmod, not_null) as (
  select a.attnum, a.atttypid, a.atttypmod,
    a.attnotnull and not exists (select from pg_catalog.pg_constraint k
      where k.conrelid = a.attrelid and k.contype = 'n' and not k.convalidated and a.attnum = any (k.conkey))
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and a.attnum > 0 and not a.attisdropped
  union all
  select b.attnum, t.typbasetype, case when b.typmod = -1 then t.typtypmod else b.typmod end, b.not_null or t.typnotnull
  from base b join pg_catalog.pg_type t on t.oid = b.typid and t.typtype = 'd'
)
select a.attname::text, t.oid, t.typname::text, t.typtype = 'e', b.typmod, b.not_null,
  exists (select from pg_catalog.pg_index i
    join pg_catalog.pg_class x on x.oid = i.indexrelid
    join pg_catalog.pg_am m on m.oid = x.relam and m.amname = 'btree'
    where i.indrelid = c.oid and i.indisvalid and i.indpred is null and i.indkey[0] = a.attnum),
  case when t.oid = 790 then pg_catalog.scale((0::money)::numeric) else 0 end,
  (extract(epoch from current_timestamp - timestamptz '2000-01-01 00:00:00+00') * 1000000)::int8
from base b
join pg_catalog.pg_type t on t.oid = b.typid and t.typtype <> 'd'
join pg_catalog.pg_namespace n on n.nspname = $1
join pg_catalog.pg_class c on c.relname = $2 and c.relnamespace = n.oid
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = b.attnum
order by b.attnum";

/// A table as it is at this moment.
#[derive(Debug)]
pub struct TableFacts {
    /// Its columns, in their order.
    pub columns: Vec<CatalogColumn>,
    /// The database's time, of the transaction that looked.
    pub clock: DatabaseClock,
}

/// Looks a table up. One that is not there (any more) is an error of kind `NotFound`.
pub async fn columns(connection: &mut PgConnection, table: &TableId) -> Result<TableFacts> {
    let what = || format!("cannot look at the columns of {table}");
    let rows = sqlx::query(COLUMNS)
        .bind(&table.schema)
        .bind(&table.name)
        .fetch_all(connection)
        .await
        .map_err(|e| database_error(what(), e))?;
    let first = rows.first().ok_or_else(|| {
        Error::not_found(format!("table {table} does not exist, or has no columns")).hint("was it dropped or renamed?")
    })?;
    let read = |e| database_error(what(), e);
    let now = PgTimestamp(first.try_get(8).map_err(read)?);
    let columns = rows.iter().map(column).collect::<Result<Vec<_>, sqlx::Error>>().map_err(read)?;
    Ok(TableFacts { columns, clock: DatabaseClock { now } })
}

fn column(row: &sqlx::postgres::PgRow) -> Result<CatalogColumn, sqlx::Error> {
    Ok(CatalogColumn {
        name: row.try_get(0)?,
        type_oid: row.try_get::<sqlx::postgres::types::Oid, _>(1)?.0,
        type_name: row.try_get(2)?,
        is_enum: row.try_get(3)?,
        modifier: row.try_get(4)?,
        not_null: row.try_get(5)?,
        indexed: row.try_get(6)?,
        money_digits: row.try_get::<i32, _>(7)?.try_into().unwrap_or(0),
    })
}
