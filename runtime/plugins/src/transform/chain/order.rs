//! Pieces of a batch put back into the order of their rows.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, UInt32Array, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::interleave;
use arrow::datatypes::FieldRef;
use indexmap::IndexMap;
use millstream_api::{Batch, Column, Error, HeadersBuilder, Result, schema};

use super::Piece;
use crate::transform::outcome::select;

/// The place of a row: the piece, and the row there.
type Place = (usize, usize);

/// The same rows in order. Pieces of one topic and one schema become one where they can.
///
/// `strict`: row numbers ascend over all pieces; else over the pieces of each topic.
pub(super) fn in_order(pieces: Vec<Piece>, strict: bool) -> Result<Vec<Piece>> {
    if is_ordered(&pieces, strict) {
        return Ok(pieces);
    }
    // The rows of all topics together, or of each topic, by the first row of each.
    let mut lanes: IndexMap<Option<&str>, Vec<(u32, Place)>> = IndexMap::new();
    for (number, (batch, rows)) in pieces.iter().enumerate() {
        let lane = lanes.entry((!strict).then_some(&*batch.topic)).or_default();
        lane.extend(rows.values().iter().enumerate().map(|(row, origin)| (*origin, (number, row))));
    }
    for lane in lanes.values_mut() {
        lane.sort_unstable_by_key(|(origin, _)| *origin);
    }
    lanes.sort_by(|_, a, _, b| a.first().cmp(&b.first()));
    let groups = groups(&pieces);
    let mut done = Vec::new();
    for lane in lanes.into_values() {
        let group = |(_, (number, _)): &(u32, Place)| groups.get(*number);
        for run in lane.chunk_by(|a, b| group(a) == group(b)) {
            done.push(joined(&pieces, run)?);
        }
    }
    Ok(done)
}

fn is_ordered(pieces: &[Piece], strict: bool) -> bool {
    let mut ends: HashMap<Option<&str>, u32> = HashMap::new();
    pieces.iter().all(|(batch, rows)| {
        let (Some(first), Some(last)) = (rows.values().first(), rows.values().last()) else { return true };
        ends.insert((!strict).then_some(&*batch.topic), *last).is_none_or(|end| end < *first)
    })
}

/// What all pieces of a group have.
struct Group<'a> {
    topic: &'a str,
    /// `None` while all rows are without schema, which go with any.
    key: Option<&'a FieldRef>,
    value: Option<&'a FieldRef>,
}

/// For each piece the group of those that it can be joined with.
fn groups(pieces: &[Piece]) -> Vec<usize> {
    fn field(column: &Column) -> Option<&FieldRef> {
        (!column.is_all_absent()).then(|| column.field())
    }
    fn fits(ours: Option<&FieldRef>, theirs: Option<&FieldRef>) -> bool {
        ours.zip(theirs).is_none_or(|(ours, theirs)| schema::same(ours, theirs))
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    pieces
        .iter()
        .map(|(batch, _)| {
            let (key, value) = (field(&batch.key), field(&batch.value));
            let found = groups
                .iter()
                .position(|group| *group.topic == *batch.topic && fits(group.key, key) && fits(group.value, value));
            let place = found.unwrap_or_else(|| {
                groups.push(Group { topic: &batch.topic, key: None, value: None });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(place) {
                group.key = group.key.or(key);
                group.value = group.value.or(value);
            }
            place
        })
        .collect()
}

fn joined(pieces: &[Piece], run: &[(u32, Place)]) -> Result<Piece> {
    let origins = UInt32Array::from_iter_values(run.iter().map(|(origin, _)| *origin));
    let first = run.first().map_or(0, |(_, (number, _))| *number);
    if run.iter().all(|(_, (number, _))| *number == first) {
        let rows = UInt32Array::from_iter_values(run.iter().map(|(_, (_, row))| *row as u32));
        return Ok((select(pieces[first].0.clone(), &rows)?, origins));
    }
    let places: Vec<Place> = run.iter().map(|(_, place)| *place).collect();
    let batches: Vec<&Batch> = pieces.iter().map(|(batch, _)| batch).collect();
    let mut headers = HeadersBuilder::with_capacity(places.len());
    for (number, row) in &places {
        for header in batches[*number].headers.row(*row) {
            headers.push(header.clone());
        }
        headers.end_row();
    }
    let partition = |(number, row): &Place| value(batches[*number].partitions.as_ref()?, *row, Int32Array::value);
    let timestamp = |(number, row): &Place| value(batches[*number].timestamps.as_ref()?, *row, Int64Array::value);
    let has = |some: fn(&Batch) -> bool| places.iter().any(|(number, _)| some(batches[*number]));
    let batch = Batch {
        topic: batches[first].topic.clone(),
        partitions: has(|batch| batch.partitions.is_some()).then(|| places.iter().map(partition).collect()),
        key: column(&batches, &places, |batch| &batch.key)?,
        value: column(&batches, &places, |batch| &batch.value)?,
        timestamps: has(|batch| batch.timestamps.is_some()).then(|| places.iter().map(timestamp).collect()),
        headers: headers.finish(),
    };
    Ok((batch, origins))
}

fn value<A: Array, T>(array: &A, row: usize, get: fn(&A, usize) -> T) -> Option<T> {
    array.is_valid(row).then(|| get(array, row))
}

fn column(batches: &[&Batch], places: &[Place], of: fn(&Batch) -> &Column) -> Result<Column> {
    let mut used: Vec<usize> = places.iter().map(|(number, _)| *number).collect();
    used.sort_unstable();
    used.dedup();
    let columns: Vec<&Column> = used.iter().map(|number| of(batches[*number])).collect();
    let Some(model) = columns.iter().find(|column| !column.is_all_absent()) else {
        return Ok(Column::absent(places.len()));
    };
    let field: &FieldRef = model.field();
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .map(|column| match column.field().data_type() == field.data_type() {
            true => column.array().clone(),
            false => new_null_array(field.data_type(), column.len()),
        })
        .collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    let inner = |number: usize| used.binary_search(&number).unwrap_or_default();
    let indices: Vec<Place> = places.iter().map(|(number, row)| (inner(*number), *row)).collect();
    let array = interleave(&arrays, &indices).map_err(|e| Error::internal("cannot join rows").caused_by(e))?;
    let absent = BooleanBuffer::collect_bool(places.len(), |place| {
        let (number, row) = indices[place];
        columns[number].is_absent(row)
    });
    Ok(Column::new(field.clone(), array)?.with_absent(absent))
}
