//! The cursor: which columns it is made of, and its value in a row and in a page.

use millstream_api::{Error, Result};

use crate::instant::{Clock, Instant, PgTimestamp, TimestampKind};
use crate::tables::TableId;
use crate::types::CatalogColumn;

/// The timestamp columns of a table, found in its catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorColumns {
    /// Index in the table's columns, and kind, in the order in which they are looked at.
    pub columns: Vec<(usize, TimestampKind)>,
    /// What they are compared as.
    pub kind: TimestampKind,
}

impl CursorColumns {
    /// Finds the columns by name: exact, else the only one that differs in case alone.
    pub fn find(table: &TableId, names: &[String], columns: &[CatalogColumn]) -> Result<Self> {
        let found = names
            .iter()
            .map(|name| {
                let index = find(table, name, columns)?;
                let column = &columns[index];
                let kind = column.timestamp_kind().ok_or_else(|| {
                    Error::config(format!(
                        "column {} of table {table} is of type {}, not timestamp or timestamptz",
                        column.name, column.type_name
                    ))
                    .hint("name a timestamp column, or cast it in a view")
                })?;
                Ok((index, kind))
            })
            .collect::<Result<Vec<_>>>()?;
        if found.is_empty() {
            return Err(Error::config(format!("no timestamp column is named for table {table}")));
        }
        // COALESCE of both kinds is an instant.
        let kind = match found.iter().any(|(_, kind)| *kind == TimestampKind::WithZone) {
            true => TimestampKind::WithZone,
            false => TimestampKind::WithoutZone,
        };
        Ok(Self { columns: found, kind })
    }

    /// Refuses columns that may all be null: such rows would never be read.
    pub fn check_not_null(&self, table: &TableId, columns: &[CatalogColumn]) -> Result<()> {
        if self.columns.iter().any(|(index, _)| columns[*index].not_null) {
            return Ok(());
        }
        let names: Vec<_> = self.columns.iter().map(|(index, _)| columns[*index].name.as_str()).collect();
        Err(Error::config(format!("{} of table {table} may be null: such rows are never read", names.join(", ")))
            .hint("declare the column NOT NULL, or set validate.non.null to false"))
    }

    /// The cursor's value of a row; `None` when all columns are null.
    pub fn value<'a>(&self, clock: Clock, field: impl Fn(usize) -> Option<&'a [u8]>) -> Option<PgTimestamp> {
        let (raw, kind) = self.columns.iter().find_map(|(index, kind)| Some((field(*index)?, *kind)))?;
        let value = PgTimestamp(i64::from_be_bytes(raw.try_into().ok()?));
        if kind == self.kind || value == PgTimestamp::INFINITY || value == PgTimestamp::NEG_INFINITY {
            return Some(value);
        }
        Some(clock.timestamp(self.kind, clock.instant(kind, value)))
    }
}

fn find(table: &TableId, name: &str, columns: &[CatalogColumn]) -> Result<usize> {
    if let Some(index) = columns.iter().position(|column| column.name == name) {
        return Ok(index);
    }
    let lower = name.to_lowercase();
    let mut alike = columns.iter().enumerate().filter(|(_, column)| column.name.to_lowercase() == lower);
    match (alike.next(), alike.next()) {
        (Some((index, _)), None) => Ok(index),
        (None, _) => Err(Error::config(format!("table {table} has no column {name}"))
            .hint("look at timestamp.column.name or timestamp.columns.mapping")),
        (Some((_, one)), Some((_, other))) => Err(Error::config(format!(
            "table {table} has columns {} and {}, and {name} is neither",
            one.name, other.name
        ))),
    }
}

/// How far a table has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// As stored, or nowhere yet.
    Stored(Option<Instant>),
    /// As a row of this task said, in its column's own type.
    Read(PgTimestamp, TimestampKind),
}

impl Position {
    /// The exclusive lower bound, as columns of this kind compare it.
    pub fn lower_bound(self, clock: Clock, kind: TimestampKind) -> Option<PgTimestamp> {
        match self {
            Self::Stored(None) => None,
            Self::Stored(Some(instant)) => Some(clock.timestamp(kind, instant)),
            Self::Read(value, read_as) if read_as == kind => Some(value),
            Self::Read(value, read_as) => Some(clock.timestamp(kind, clock.instant(read_as, value))),
        }
    }
}

/// Follows the cursor through the rows of a page, so that no offset is ever past an unfinished group of equal timestamps.
#[derive(Clone, Debug)]
pub struct GroupTracker {
    kind: TimestampKind,
    clock: Clock,
    current: Option<PgTimestamp>,
    completed: Option<PgTimestamp>,
    stored: Option<Instant>,
}

impl GroupTracker {
    /// Before the first row of a page; `stored` is the offset that holds so far.
    pub fn new(kind: TimestampKind, clock: Clock, stored: Option<Instant>) -> Self {
        Self { kind, clock, current: None, completed: None, stored }
    }

    /// Takes the next row's value. True when it begins a new group: everything before it is complete.
    pub fn begin_row(&mut self, value: PgTimestamp) -> bool {
        let Some(current) = self.current.replace(value) else { return true };
        if current == value {
            return false;
        }
        self.completed = Some(current);
        let done = self.clock.instant(self.kind, current);
        // Around a skipped hour instants can step back: then the stored offset waits, as it always has.
        if self.clock.instant(self.kind, value).micros() > done.micros() {
            self.stored = Some(done);
        }
        true
    }

    /// After the last row of a page: its last group is complete too.
    pub fn end_page(&mut self) {
        if let Some(current) = self.current {
            self.completed = Some(current);
            self.stored = Some(self.clock.instant(self.kind, current));
        }
    }

    /// Forgets the group that has begun, and tells which it was.
    pub fn forget_current(&mut self) -> Option<PgTimestamp> {
        std::mem::replace(&mut self.current, self.completed)
    }

    /// The last completed group of this page.
    pub fn completed(&self) -> Option<PgTimestamp> {
        self.completed
    }

    /// What is to be stored once all completed groups are durable.
    pub fn stored(&self) -> Option<Instant> {
        self.stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::CalendarSystem;
    use crate::zone::Zone;

    const UTC: Clock = Clock { zone: Zone::Utc, calendar: CalendarSystem::Legacy };

    fn column(name: &str, type_oid: u32, not_null: bool) -> CatalogColumn {
        CatalogColumn {
            name: name.to_owned(),
            type_oid,
            type_name: format!("type {type_oid}"),
            is_enum: false,
            modifier: -1,
            not_null,
            indexed: false,
            money_digits: 2,
        }
    }

    fn find(names: &[&str], columns: &[CatalogColumn]) -> Result<CursorColumns> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        CursorColumns::find(&TableId::new("public", "users"), &names, columns)
    }

    #[test]
    fn names_are_exact_first() {
        let columns = [column("ts", 1114, true), column("TS", 1114, true), column("Other", 1184, false)];
        assert_eq!(find(&["TS"], &columns).unwrap().columns, [(1, TimestampKind::WithoutZone)]);
        assert_eq!(find(&["other"], &columns).unwrap().kind, TimestampKind::WithZone);
        for (names, part) in [(&["Ts"][..], "ts and TS"), (&["nope"], "no column nope"), (&[], "no timestamp column")] {
            let error = find(names, &columns).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let text = [column("ts", 25, true)];
        assert!(find(&["ts"], &text).unwrap_err().to_string().contains("type 25"));
    }

    #[test]
    fn one_column_must_not_be_null() {
        let table = TableId::new("public", "users");
        let columns = [column("a", 1114, false), column("b", 1114, true)];
        find(&["a", "b"], &columns).unwrap().check_not_null(&table, &columns).unwrap();
        let error = find(&["a"], &columns).unwrap().check_not_null(&table, &columns).unwrap_err();
        assert!(error.to_string().contains("a of table public.users"));
    }

    #[test]
    fn the_first_value_counts() {
        let columns = [column("a", 1114, false), column("b", 1184, false)];
        let cursor = find(&["a", "b"], &columns).unwrap();
        let (one, two) = (1i64.to_be_bytes(), 2i64.to_be_bytes());
        assert_eq!(cursor.value(UTC, |i| (i == 1).then_some(&two[..])), Some(PgTimestamp(2)));
        assert_eq!(cursor.value(UTC, |i| Some(if i == 0 { &one[..] } else { &two })), Some(PgTimestamp(1)));
        assert_eq!(cursor.value(UTC, |_| None), None);
        let new_york = Clock { zone: Zone::parse("America/New_York").unwrap(), ..UTC };
        assert_eq!(cursor.value(new_york, |i| (i == 0).then_some(&one[..])), Some(PgTimestamp(18_000_000_001)));
    }

    #[test]
    fn offsets_stay_before_unfinished_groups() {
        let mut tracker = GroupTracker::new(TimestampKind::WithoutZone, UTC, None);
        let mut offsets = Vec::new();
        let rows = [1, 1, 2, 2, 3];
        for (i, row) in rows.iter().enumerate() {
            tracker.begin_row(PgTimestamp(*row));
            match rows.get(i + 1) {
                Some(next) => {
                    let mut ahead = tracker.clone();
                    ahead.begin_row(PgTimestamp(*next));
                    offsets.push(ahead.stored().map(|at| at.micros));
                }
                None => {
                    tracker.end_page();
                    offsets.push(tracker.stored().map(|at| at.micros));
                }
            }
        }
        assert_eq!(offsets, [None, Some(1), Some(1), Some(2), Some(3)]);
        assert_eq!(tracker.completed(), Some(PgTimestamp(3)));
    }
}
