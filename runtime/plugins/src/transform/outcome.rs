//! Results of transformations put together: one column for all rows, or one for some and another for the rest.

use arrow::array::UInt32Array;
use millstream_api::{Batch, Column, Error, Result, RowFailure, Transformed};

use super::part::Part;

/// The same error for another row: an [`Error`] belongs to one.
pub(crate) fn again(error: &Error) -> Error {
    let same = Error::new(error.kind(), error.message());
    let same = error.places().iter().fold(same, |same, place| same.at(place.clone()));
    match error.hint_text() {
        Some(hint) => same.hint(hint),
        None => same,
    }
}

/// Every row as it is in `batch`, but for the rows that failed. Failures may come in any order; of two for a row the first counts.
pub(crate) fn all_rows(batch: Batch, failures: Vec<RowFailure>) -> Transformed {
    if failures.is_empty() {
        let rows = numbers(0..batch.len());
        let parts = if batch.is_empty() { Vec::new() } else { vec![(batch, rows)] };
        return Transformed { parts, failures };
    }
    chosen(&batch, failures, |_| Some(0), |batch, _| batch)
}

/// Every row that did not fail with the column that `choose` names for it: the columns are as long as the batch. `None` leaves a
/// row out. Rows stay in order: a part ends where the next row has another column.
pub(crate) fn by_column(
    batch: &Batch,
    part: Part,
    columns: &[&Column],
    failures: Vec<RowFailure>,
    choose: impl Fn(usize) -> Option<usize>,
) -> Transformed {
    let parts: Vec<Batch> = columns.iter().map(|column| part.replaced(batch.clone(), (*column).clone())).collect();
    chosen(batch, failures, choose, |batch, choice| parts.get(choice).cloned().unwrap_or(batch))
}

fn chosen(
    batch: &Batch,
    mut failures: Vec<RowFailure>,
    choose: impl Fn(usize) -> Option<usize>,
    of: impl Fn(Batch, usize) -> Batch,
) -> Transformed {
    failures.sort_by_key(|failure| failure.row);
    failures.dedup_by_key(|failure| failure.row);
    let mut failed = failures.iter().map(|failure| failure.row).peekable();
    let mut runs: Vec<(usize, Vec<u32>)> = Vec::new();
    for row in 0..batch.len() {
        if failed.next_if_eq(&row).is_some() {
            continue;
        }
        let Some(choice) = choose(row) else { continue };
        match runs.last_mut() {
            Some((last, rows)) if *last == choice => rows.push(row as u32),
            _ => runs.push((choice, vec![row as u32])),
        }
    }
    let parts: Result<Vec<_>> = runs
        .into_iter()
        .map(|(choice, rows)| {
            let rows = UInt32Array::from(rows);
            Ok((select(of(batch.clone(), choice), &rows)?, rows))
        })
        .collect();
    match parts {
        Ok(parts) => Transformed { parts, failures },
        Err(error) => all_failed(batch.len(), &error),
    }
}

/// These rows, without a copy where they are neighbours.
pub(crate) fn select(batch: Batch, rows: &UInt32Array) -> Result<Batch> {
    match (rows.values().first(), rows.values().last()) {
        (Some(&first), Some(&last)) if (last - first) as usize + 1 == rows.len() => {
            Ok(if rows.len() == batch.len() { batch } else { batch.slice(first as usize, rows.len()) })
        }
        _ => batch.take(rows),
    }
}

/// No row could be transformed.
pub(crate) fn all_failed(rows: usize, error: &Error) -> Transformed {
    let failures = (0..rows).map(|row| RowFailure { row, error: again(error) }).collect();
    Transformed { parts: Vec::new(), failures }
}

fn numbers(rows: std::ops::Range<usize>) -> UInt32Array {
    UInt32Array::from_iter_values(rows.map(|row| row as u32))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, StringArray};

    use super::*;

    fn column(texts: &[&str]) -> Column {
        Column::schemaless(StringArray::from(texts.to_vec()))
    }

    fn shown(transformed: &Transformed) -> Vec<(Vec<u32>, Vec<String>)> {
        let texts =
            |batch: &Batch| batch.value.array().as_string::<i32>().iter().flatten().map(str::to_owned).collect();
        transformed.parts.iter().map(|(batch, rows)| (rows.values().to_vec(), texts(batch))).collect()
    }

    #[test]
    fn rows_keep_their_order_and_their_numbers() {
        let batch = Batch::of_values("t", column(&["a", "b", "c", "d", "e"]));
        let other = column(&["A", "B", "C", "D", "E"]);
        let failed = |row| RowFailure { row, error: Error::data("no") };
        let choose = |row: usize| Some(usize::from(row >= 3)).filter(|_| row != 1);
        let out =
            by_column(&batch, Part::Value, &[&batch.value, &other], vec![failed(4), failed(4), failed(0)], choose);
        assert_eq!(shown(&out), [(vec![2], vec!["c".to_owned()]), (vec![3], vec!["D".to_owned()])]);
        assert_eq!(out.failures.iter().map(|f| f.row).collect::<Vec<_>>(), [0, 4]);
        let out = all_rows(batch, vec![failed(2)]);
        assert_eq!(out.parts.len(), 1);
        assert_eq!(out.parts[0].1.values(), &[0, 1, 3, 4]);
    }

    #[test]
    fn an_error_is_told_again_in_full() {
        let error = Error::data("a").at("b").hint("c");
        assert_eq!(again(&error).trace(), error.trace());
    }
}
