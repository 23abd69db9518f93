//! Transformations of one part of a record, as arrays or as text.

use arrow::array::Array;
use millstream_api::{
    Batch, Column, Config, ConnectorKind, Consumed, Error, Result, RowFailure, Transform, Transformed, schema,
};

use super::entries::{EntryEdit, Plans, edit_entries};
use super::outcome::{again, all_rows, by_column};
use super::part::Part;

/// What happens to rows whose key or value is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nulls {
    /// They go on as they are, and under the schema they have.
    Pass,
    /// They fail.
    Refuse,
    /// Those with a schema are edited like others; those without go on as they are.
    Edit,
}

/// Rows to edit.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// The part to edit.
    pub part: Part,
    /// The column to edit. Null rows may be among it: what is made of them does not count unless [`Nulls::Edit`] says so.
    pub column: &'a Column,
    /// All of the rows.
    pub batch: &'a Batch,
    /// Where a sink's rows come from.
    pub from: Option<Consumed<'a>>,
}

/// Edited rows.
pub(crate) struct Edited {
    /// As long as the input. What failed rows hold does not count. Which rows are absent need not be said again.
    pub column: Column,
    /// Rows that could not be edited, in any order.
    pub failures: Vec<RowFailure>,
}

impl From<Column> for Edited {
    fn from(column: Column) -> Self {
        Self { column, failures: Vec::new() }
    }
}

/// What one transformation does to the keys or values of a batch: the rest of its work is the same for all ([`On`]).
pub(crate) trait Edit: Send {
    /// What happens to null rows.
    const NULLS: Nulls;

    /// Takes the settings.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// Edits values under a schema. An error is every row's.
    fn typed(&mut self, input: Input<'_>) -> Result<Edited>;

    /// Edits values without schema: JSON text. Rows without text are null, and stay so. An error is every row's. Not called where
    /// there is [`Edit::entries`].
    fn schemaless(&mut self, _input: Input<'_>) -> Result<Edited> {
        Err(Error::internal("a transformation does not take values without schema"))
    }

    /// How it edits maps without schema, where it edits nothing but the entries of maps.
    fn entries(&mut self) -> Option<&mut dyn EntryEdit> {
        None
    }
}

/// A transformation that a chain has.
pub(crate) trait Step: Transform {
    /// Of which part it edits nothing but the entries of maps when there is no schema, and how: a chain then lets its neighbours edit them
    /// in one go.
    fn entries(&mut self) -> Option<(Part, &mut dyn EntryEdit)> {
        None
    }
}

/// A transformation of keys or of values.
pub(crate) struct On<E> {
    part: Part,
    edit: E,
    plans: Plans,
}

impl<E> On<E> {
    /// Edits this part of every record.
    pub fn new(part: Part, edit: E) -> Self {
        Self { part, edit, plans: Plans::default() }
    }
}

impl<E: Edit> On<E> {
    fn transform(&mut self, batch: Batch, from: Option<Consumed<'_>>) -> Transformed {
        let part = self.part;
        let column = part.of(&batch).clone();
        let refused = || Error::data(format!("the {} is null", part.word()));
        let mut failures: Vec<RowFailure> = match E::NULLS {
            Nulls::Refuse => null_rows(&column).map(|row| RowFailure { row, error: refused() }).collect(),
            Nulls::Pass | Nulls::Edit => Vec::new(),
        };
        if column.is_all_absent() || batch.is_empty() {
            return all_rows(batch, failures);
        }
        let input = Input { part, column: &column, batch: &batch, from };
        let edited = match (column.is_schemaless(), self.edit.entries()) {
            (false, _) => self.edit.typed(input),
            (true, None) => self.edit.schemaless(input),
            (true, Some(edit)) => edit_entries(&mut [edit], &mut self.plans, input).map(|edited| {
                let failures = edited.failures.into_iter().map(|(_, failure)| failure).collect();
                Edited { column: edited.column, failures }
            }),
        };
        // Whether a row's fate is the edit's to tell.
        let counts = |row: usize| match E::NULLS {
            Nulls::Pass | Nulls::Refuse => !column.is_null(row),
            Nulls::Edit => !column.is_absent(row),
        };
        let edited = match edited {
            Ok(edited) => edited,
            Err(error) => {
                let rows = (0..batch.len()).filter(|row| counts(*row));
                failures.extend(rows.map(|row| RowFailure { row, error: again(&error) }));
                return all_rows(batch, failures);
            }
        };
        failures.extend(edited.failures.into_iter().filter(|failure| counts(failure.row)));
        let out = match column.absent_rows() {
            Some(absent) if !edited.column.is_schemaless() => edited.column.with_absent(absent.clone()),
            _ => edited.column,
        };
        // A null keeps the schema it had, an absent row has none and goes with its neighbours.
        let kept = |row: usize| column.is_null(row) && !column.is_absent(row);
        let one_column = E::NULLS != Nulls::Pass
            || column.is_schemaless()
            || column.array().null_count() == 0
            || schema::same(out.field(), column.field())
            || !(0..column.len()).any(kept);
        if one_column {
            return all_rows(part.replaced(batch, out), failures);
        }
        let mut last = 0;
        let choices: Vec<usize> = (0..column.len())
            .map(|row| {
                if !column.is_absent(row) {
                    last = usize::from(kept(row));
                }
                last
            })
            .collect();
        by_column(&batch, part, &[&out, &column], failures, |row| choices.get(row).copied())
    }
}

fn null_rows(column: &Column) -> impl Iterator<Item = usize> {
    // Text that says null is refused by the edit itself.
    (0..column.len()).filter(|row| column.is_null(*row))
}

impl<E: Edit> Transform for On<E> {
    fn configure(&mut self, config: &Config, _kind: ConnectorKind) -> Result<()> {
        self.plans = Plans::default();
        self.edit.configure(config)
    }

    fn apply(&mut self, batch: Batch) -> Transformed {
        self.transform(batch, None)
    }

    fn apply_consumed(&mut self, batch: Batch, from: Consumed<'_>) -> Transformed {
        self.transform(batch, Some(from))
    }
}

impl<E: Edit> Step for On<E> {
    fn entries(&mut self) -> Option<(Part, &mut dyn EntryEdit)> {
        Some((self.part, self.edit.entries()?))
    }
}
