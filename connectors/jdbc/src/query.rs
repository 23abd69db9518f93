//! The SQL of a page.

use crate::cursor::CursorColumns;
use crate::instant::{Clock, PgTimestamp, TimestampKind};
use crate::tables::Quoting;
use crate::types::CatalogColumn;

/// Which rows of a table are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Later than the first, before the second.
    Between(Option<PgTimestamp>, PgTimestamp),
    /// Exactly at this timestamp.
    At(PgTimestamp),
}

/// Where a page ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageEnd<'a> {
    /// With the last row.
    All,
    /// After this many rows and all others with the last one's timestamp.
    RowsWithTies(u64),
    /// Where the user's own SQL says.
    Suffix(&'a str),
}

/// What a page's SQL is made of.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'a> {
    /// The table as SQL.
    pub table: &'a str,
    /// How identifiers are written.
    pub quoting: Quoting,
    /// All columns of the table.
    pub columns: &'a [CatalogColumn],
    /// Which of them are read.
    pub read: &'a [usize],
    /// Which of them are the cursor.
    pub cursor: &'a CursorColumns,
    /// Zone and calendar.
    pub clock: Clock,
}

impl PageQuery<'_> {
    /// `COPY` of a page, ordered by the cursor.
    pub fn sql(&self, rows: Rows, end: &PageEnd<'_>) -> String {
        let cursor = self.cursor_sql();
        let literal = |value: PgTimestamp| value.literal(self.cursor.kind);
        let condition = match rows {
            Rows::Between(lower, upper) => {
                // Rows at -infinity have never been read.
                let lower = literal(lower.unwrap_or(PgTimestamp::NEG_INFINITY));
                format!("{cursor} > {lower} AND {cursor} < {}", literal(upper))
            }
            Rows::At(value) => format!("{cursor} = {}", literal(value)),
        };
        let end = match end {
            PageEnd::All => String::new(),
            PageEnd::RowsWithTies(rows) => format!(" FETCH FIRST {rows} ROWS WITH TIES"),
            PageEnd::Suffix(suffix) => format!(" {suffix}"),
        };
        copy(&format!("SELECT {} FROM {} WHERE {condition} ORDER BY {cursor} ASC{end}", self.selected(), self.table))
    }

    fn selected(&self) -> String {
        selected(self.quoting, self.columns, self.read)
    }

    fn cursor_sql(&self) -> String {
        let parts: Vec<_> = self
            .cursor
            .columns
            .iter()
            .map(|(index, kind)| {
                let column = self.quoting.identifier(&self.columns[*index].name);
                match (kind, self.cursor.kind) {
                    // Without this the session's zone, UTC, would count.
                    (TimestampKind::WithoutZone, TimestampKind::WithZone) => {
                        format!("timezone({}, {column})", self.clock.zone.sql())
                    }
                    _ => column,
                }
            })
            .collect();
        match &parts[..] {
            [one] => one.clone(),
            _ => format!("COALESCE({})", parts.join(",")),
        }
    }
}

/// `COPY` of a whole table.
#[cfg(test)]
pub fn whole_table(table: &str, quoting: Quoting, columns: &[CatalogColumn], read: &[usize]) -> String {
    copy(&format!("SELECT {} FROM {table}", selected(quoting, columns, read)))
}

fn selected(quoting: Quoting, columns: &[CatalogColumn], read: &[usize]) -> String {
    read.iter().map(|index| quoting.identifier(&columns[*index].name)).collect::<Vec<_>>().join(",")
}

fn copy(select: &str) -> String {
    format!("COPY ({select}) TO STDOUT (FORMAT binary)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::CalendarSystem;
    use crate::zone::Zone;

    #[test]
    fn pages() {
        let column = |name: &str, type_oid| CatalogColumn {
            name: name.to_owned(),
            type_oid,
            type_name: String::new(),
            is_enum: false,
            modifier: -1,
            not_null: true,
            indexed: true,
            money_digits: 2,
        };
        let columns = [column("id", 23), column("t\"s", 1114), column("tz", 1184), column("arr", 1007)];
        let clock = Clock { zone: Zone::parse("GMT+3").unwrap(), calendar: CalendarSystem::Legacy };
        let one = CursorColumns { columns: vec![(1, TimestampKind::WithoutZone)], kind: TimestampKind::WithoutZone };
        let query = PageQuery {
            table: "\"s\".\"t\"",
            quoting: Quoting::Always,
            columns: &columns,
            read: &[0, 1],
            cursor: &one,
            clock,
        };
        let (lower, upper) = (PgTimestamp(0), PgTimestamp(1_000_000));
        assert_eq!(
            query.sql(Rows::Between(Some(lower), upper), &PageEnd::RowsWithTies(10)),
            "COPY (SELECT \"id\",\"t\"\"s\" FROM \"s\".\"t\" WHERE \"t\"\"s\" > timestamp '2000-01-01 00:00:00.000000' AND \
             \"t\"\"s\" < timestamp '2000-01-01 00:00:01.000000' ORDER BY \"t\"\"s\" ASC FETCH FIRST 10 ROWS WITH TIES) \
             TO STDOUT (FORMAT binary)"
        );
        let both = CursorColumns {
            columns: vec![(2, TimestampKind::WithZone), (1, TimestampKind::WithoutZone)],
            kind: TimestampKind::WithZone,
        };
        let query = PageQuery { quoting: Quoting::Never, table: "s.t", cursor: &both, ..query };
        assert_eq!(
            query.sql(Rows::Between(None, upper), &PageEnd::Suffix("LIMIT 2")),
            "COPY (SELECT id,t\"s FROM s.t WHERE COALESCE(tz,timezone(interval '10800 seconds', t\"s)) > timestamp with time \
             zone '-infinity' AND COALESCE(tz,timezone(interval '10800 seconds', t\"s)) < timestamp with time zone \
             '2000-01-01 00:00:01.000000+00' ORDER BY COALESCE(tz,timezone(interval '10800 seconds', t\"s)) ASC LIMIT 2) TO \
             STDOUT (FORMAT binary)"
        );
        assert!(query.sql(Rows::At(upper), &PageEnd::All).contains(" = timestamp with time zone '2000-01-01 00:00:01"));
    }
}
