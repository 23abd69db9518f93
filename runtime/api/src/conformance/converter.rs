//! What any converter must hold to.

use arrow::array::{Array, BinaryArray};

use crate::column::Column;
use crate::convert::{Converter, Decoded, Encoded};

/// A converter and payloads to try it on.
pub struct ConverterCase<'a> {
    /// Makes a configured instance.
    pub make: &'a dyn Fn() -> Box<dyn Converter>,
    /// Payloads it can read, none of them null to it. Two at least; with different schemas, if the converter has such.
    pub good: Vec<Vec<u8>>,
    /// Payloads it must refuse; empty when it reads any bytes.
    pub bad: Vec<Vec<u8>>,
}

/// Runs the whole battery; the first broken promise comes back as a sentence.
///
/// Tried are: empty input, nulls only, payloads alone and together, bad rows between good ones, batches cut at every place,
/// one instance used again and again, and that what was read can be written and read back.
pub fn run(case: &ConverterCase<'_>) -> Result<(), String> {
    if case.good.len() < 2 {
        return Err("a case needs at least two payloads that can be read".to_owned());
    }
    empty_input(case)?;
    nulls_only(case)?;
    let alone = payloads_alone(case)?;
    bad_rows_between(case, &alone)?;
    cut_anywhere(case)?;
    written_and_read_back(case)?;
    absent_rows_are_null_payloads(case)
}

type Payloads<'a> = Vec<Option<&'a [u8]>>;

fn decode(converter: &mut dyn Converter, payloads: &Payloads<'_>, what: &str) -> Result<Decoded, String> {
    let decoded = converter.decode("topic", &BinaryArray::from_opt_vec(payloads.clone()));
    covers(&decoded, payloads.len()).map_err(|e| format!("{what}: {e}"))?;
    Ok(decoded)
}

/// Runs cover the input in order, neighbours differ, failures ascend and their rows are null.
fn covers(decoded: &Decoded, rows: usize) -> Result<(), String> {
    let mut next = 0;
    for run in &decoded.runs {
        if run.rows.start != next || run.rows.is_empty() {
            return Err(format!("a run of rows {:?} stands where row {next} was expected", run.rows));
        }
        if run.column.len() != run.rows.len() {
            return Err(format!("the run of rows {:?} holds {} values", run.rows, run.column.len()));
        }
        next = run.rows.end;
    }
    if next != rows {
        return Err(format!("runs end at row {next} of {rows}"));
    }
    for pair in decoded.runs.windows(2) {
        if crate::schema::same(pair[0].column.field(), pair[1].column.field()) {
            return Err(format!("the runs before and after row {} have one schema", pair[1].rows.start));
        }
    }
    for pair in decoded.failures.windows(2) {
        if pair[0].row >= pair[1].row {
            return Err(format!("failures are not ascending: {} before {}", pair[0].row, pair[1].row));
        }
    }
    for failure in &decoded.failures {
        if failure.row >= rows {
            return Err(format!("a failure of row {} in an input of {rows}", failure.row));
        }
        if !row_of(decoded, failure.row).is_some_and(|row| row.is_null(0)) {
            return Err(format!("row {} failed but has a value", failure.row));
        }
    }
    Ok(())
}

/// One row as a column of its own.
fn row_of(decoded: &Decoded, row: usize) -> Option<Column> {
    let run = decoded.runs.iter().find(|run| run.rows.contains(&row))?;
    Some(run.column.slice(row - run.rows.start, 1))
}

fn same_row(a: &Column, b: &Column) -> bool {
    let both_null = a.is_null(0) && b.is_null(0);
    // A row without value stands under the schema of the run it joined.
    both_null || (crate::schema::same(a.field(), b.field()) && a.array().to_data() == b.array().to_data())
}

fn same_rows(a: &Decoded, b: &Decoded, rows: usize) -> Result<(), String> {
    for row in 0..rows {
        match (row_of(a, row), row_of(b, row)) {
            (Some(a), Some(b)) if same_row(&a, &b) => {}
            _ => return Err(format!("row {row} is another value")),
        }
    }
    let failed = |decoded: &Decoded| decoded.failures.iter().map(|failure| failure.row).collect::<Vec<_>>();
    if failed(a) != failed(b) {
        return Err(format!("rows {:?} fail instead of {:?}", failed(a), failed(b)));
    }
    Ok(())
}

fn empty_input(case: &ConverterCase<'_>) -> Result<(), String> {
    let mut converter = (case.make)();
    let decoded = decode(converter.as_mut(), &Vec::new(), "empty input")?;
    if !decoded.failures.is_empty() {
        return Err("empty input: something failed".to_owned());
    }
    let encoded = converter.encode("topic", &Column::absent(0));
    if encoded.payloads.is_empty() && encoded.failures.is_empty() {
        return Ok(());
    }
    Err("an empty column: something was written".to_owned())
}

fn nulls_only(case: &ConverterCase<'_>) -> Result<(), String> {
    let mut converter = (case.make)();
    let decoded = decode(converter.as_mut(), &vec![None; 3], "nulls only")?;
    let all_null = (0..3).all(|row| row_of(&decoded, row).is_some_and(|row| row.is_null(0)));
    if decoded.runs.len() != 1 || !all_null || !decoded.failures.is_empty() {
        return Err("nulls only: expected one run of nulls".to_owned());
    }
    Ok(())
}

fn payloads_alone(case: &ConverterCase<'_>) -> Result<Vec<Column>, String> {
    let mut rows = Vec::new();
    for (index, payload) in case.good.iter().enumerate() {
        let what = format!("good payload {index}");
        let decoded = decode((case.make)().as_mut(), &vec![Some(payload)], &what)?;
        if let Some(failure) = decoded.failures.first() {
            return Err(format!("{what} failed: {}", failure.error));
        }
        rows.extend(row_of(&decoded, 0).filter(|row| !row.is_null(0)));
        if rows.len() != index + 1 {
            return Err(format!("{what} was read as null"));
        }
    }
    for (index, payload) in case.bad.iter().enumerate() {
        let decoded = decode((case.make)().as_mut(), &vec![Some(payload)], &format!("bad payload {index}"))?;
        match decoded.failures.first() {
            Some(failure) if failure.error.kind() == crate::ErrorKind::Data => {}
            Some(failure) => return Err(format!("bad payload {index}: {:?} is no error of kind Data", failure.error)),
            None => return Err(format!("bad payload {index} was read")),
        }
    }
    Ok(rows)
}

/// Good, null and bad payloads taking turns; with what each row must be: a place among the good, or nothing.
fn mixed<'a>(case: &'a ConverterCase<'_>) -> Vec<(Option<&'a [u8]>, Option<usize>)> {
    let mut rows: Vec<(Option<&[u8]>, Option<usize>)> = vec![(None, None)];
    for (index, payload) in case.good.iter().enumerate() {
        rows.push((Some(payload), Some(index)));
        rows.push((case.bad.get(index % case.bad.len().max(1)).map(Vec::as_slice), None));
        rows.push((Some(payload), Some(index)));
        if index % 2 == 0 {
            rows.push((None, None));
        }
    }
    rows.extend(case.bad.iter().map(|payload| (Some(payload.as_slice()), None)));
    rows
}

fn bad_rows_between(case: &ConverterCase<'_>, alone: &[Column]) -> Result<(), String> {
    let rows = mixed(case);
    let payloads: Payloads<'_> = rows.iter().map(|(payload, _)| *payload).collect();
    let mut converter = (case.make)();
    // Twice through one instance: what it remembers may only make it faster.
    for turn in ["first", "second"] {
        let what = format!("good, bad and null rows, {turn} time");
        let decoded = decode(converter.as_mut(), &payloads, &what)?;
        for (row, (payload, good)) in rows.iter().enumerate() {
            let failed = decoded.failures.iter().any(|failure| failure.row == row);
            let value = row_of(&decoded, row).ok_or_else(|| format!("{what}: row {row} is missing"))?;
            let kept = good.and_then(|good| alone.get(good)).is_none_or(|alone| same_row(alone, &value));
            if !kept {
                return Err(format!("{what}: row {row} is not what it is alone"));
            }
            if failed != (good.is_none() && payload.is_some()) {
                return Err(format!("{what}: row {row} failed or not against expectation"));
            }
            if good.is_none() && !value.is_null(0) {
                return Err(format!("{what}: row {row} has a value"));
            }
        }
    }
    Ok(())
}

fn cut_anywhere(case: &ConverterCase<'_>) -> Result<(), String> {
    let payloads: Payloads<'_> = mixed(case).into_iter().map(|(payload, _)| payload).collect();
    let whole = decode((case.make)().as_mut(), &payloads, "whole batch")?;
    for cut in 1..payloads.len() {
        let what = format!("batch cut at row {cut}");
        let (first, second) = payloads.split_at(cut);
        let mut converter = (case.make)();
        let mut joined = decode(converter.as_mut(), &first.to_vec(), &what)?;
        let mut rest = decode(converter.as_mut(), &second.to_vec(), &what)?;
        for run in &mut rest.runs {
            run.rows = run.rows.start + cut..run.rows.end + cut;
        }
        for failure in &mut rest.failures {
            failure.row += cut;
        }
        joined.runs.append(&mut rest.runs);
        joined.failures.append(&mut rest.failures);
        same_rows(&whole, &joined, payloads.len()).map_err(|e| format!("{what}: {e}"))?;
    }
    Ok(())
}

fn written_and_read_back(case: &ConverterCase<'_>) -> Result<(), String> {
    let mut converter = (case.make)();
    let payloads: Payloads<'_> = case.good.iter().map(|payload| Some(payload.as_slice())).chain([None]).collect();
    let decoded = decode(converter.as_mut(), &payloads, "good payloads")?;
    for run in &decoded.runs {
        let encoded = converter.encode("topic", &run.column);
        fits(&encoded, run.column.len())?;
        if let Some(failure) = encoded.failures.first() {
            return Err(format!(
                "row {} was read but cannot be written: {}",
                run.rows.start + failure.row,
                failure.error
            ));
        }
        let again = converter.decode("topic", &encoded.payloads);
        covers(&again, run.column.len())?;
        for row in 0..run.column.len() {
            let kept = row_of(&again, row).is_some_and(|value| same_row(&value, &run.column.slice(row, 1)));
            if !kept {
                return Err(format!("row {} is another value once written and read back", run.rows.start + row));
            }
        }
        // A slice is a column like any other.
        let rest = run.column.len() / 2;
        let part = converter.encode("topic", &run.column.slice(rest, run.column.len() - rest));
        if part.payloads.to_data() != encoded.payloads.slice(rest, run.column.len() - rest).to_data() {
            return Err(format!("rows {:?}: a slice is written otherwise than the whole", run.rows));
        }
    }
    Ok(())
}

fn fits(encoded: &Encoded, rows: usize) -> Result<(), String> {
    if encoded.payloads.len() != rows {
        return Err(format!("{} payloads for {rows} rows", encoded.payloads.len()));
    }
    match encoded.failures.iter().find(|failure| !encoded.payloads.is_null(failure.row)) {
        Some(failure) => Err(format!("row {} failed but has a payload", failure.row)),
        None => Ok(()),
    }
}

fn absent_rows_are_null_payloads(case: &ConverterCase<'_>) -> Result<(), String> {
    let encoded = (case.make)().encode("topic", &Column::absent(2));
    fits(&encoded, 2)?;
    if encoded.payloads.null_count() != 2 || !encoded.failures.is_empty() {
        return Err("rows without value or schema: expected null payloads".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::AsArray;
    use arrow::datatypes::{DataType, Field};

    use super::*;
    use crate::{Config, ConverterRole, DecodedRun, Error, RowFailure};

    /// Passes bytes on, except those that start with `!`. Broken on demand.
    struct Bytes {
        forgets_failures: bool,
        swaps: bool,
    }

    impl Converter for Bytes {
        fn configure(&mut self, _: &Config, _: ConverterRole) -> crate::Result<()> {
            Ok(())
        }

        fn decode(&mut self, _: &str, payloads: &BinaryArray) -> Decoded {
            if payloads.is_empty() {
                return Decoded::default();
            }
            let is_bad = |row: &usize| !payloads.is_null(*row) && payloads.value(*row).starts_with(b"!");
            let failures = (0..payloads.len())
                .filter(|row| is_bad(row) && !self.forgets_failures)
                .map(|row| RowFailure { row, error: Error::data("bad") })
                .collect();
            let mut values: Vec<_> = (0..payloads.len())
                .map(|row| (!payloads.is_null(row) && !is_bad(&row)).then(|| payloads.value(row)))
                .collect();
            if self.swaps && values.len() > 3 {
                values.swap(1, 3);
            }
            let field = Arc::new(Field::new("value", DataType::Binary, true));
            let column = Column::new(field, Arc::new(BinaryArray::from_opt_vec(values))).unwrap();
            Decoded { runs: vec![DecodedRun { rows: 0..payloads.len(), column }], failures }
        }

        fn encode(&mut self, _: &str, column: &Column) -> Encoded {
            let payloads = match column.is_all_absent() || column.is_empty() {
                true => BinaryArray::new_null(column.len()),
                false => column.array().as_binary::<i32>().clone(),
            };
            Encoded { payloads, failures: Vec::new() }
        }
    }

    fn check_bytes(forgets_failures: bool, swaps: bool) -> Result<(), String> {
        run(&ConverterCase {
            make: &move || Box::new(Bytes { forgets_failures, swaps }),
            good: vec![b"a".to_vec(), b"b".to_vec()],
            bad: vec![b"!".to_vec()],
        })
    }

    #[test]
    fn a_sound_converter_passes_and_broken_ones_do_not() {
        assert_eq!(check_bytes(false, false), Ok(()));
        assert!(check_bytes(true, false).unwrap_err().contains("was read"));
        assert!(check_bytes(false, true).is_err());
    }
}
