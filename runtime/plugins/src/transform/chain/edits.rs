//! Neighbouring transformations that edit nothing but entries of the same maps do it in one go.

use std::ops::Range;

use arrow::array::UInt32Array;
use millstream_api::{Batch, Consumed, RowFailure};

use super::{Chain, ChainFailure, Piece, Stage, hand_on, offsets_of};
use crate::transform::edit::Input;
use crate::transform::entries::{EntryEdit, edit_entries};
use crate::transform::outcome::{again, all_rows};
use crate::transform::part::Part;

impl Chain {
    /// How many stages from this one on edit nothing but entries of the same part, whatever the record; at least one.
    pub(super) fn neighbours(&mut self, first: usize) -> usize {
        let mut parts = self.stages.iter_mut().skip(first).map(|stage| {
            let entries = if stage.condition.is_some() { None } else { stage.transform.entries() };
            entries.map(|(part, _)| part)
        });
        match parts.next() {
            Some(Some(part)) => 1 + parts.take_while(|next| *next == Some(part)).count(),
            _ => 1,
        }
    }

    /// Sends a piece through stages that are neighbours.
    pub(super) fn pass(
        &mut self,
        stages: Range<usize>,
        batch: Batch,
        rows: UInt32Array,
        from: Option<Consumed<'_>>,
        next: &mut Vec<Piece>,
        failures: &mut Vec<ChainFailure>,
    ) {
        if stages.len() > 1 && self.edits_text(stages.start, &batch) {
            return self.edit(stages, batch, &rows, from, next, failures);
        }
        let mut pieces = vec![(batch, rows)];
        for stage in self.stages.get_mut(stages).unwrap_or_default() {
            for (batch, rows) in std::mem::take(&mut pieces) {
                match stage.apply(batch, &rows, from) {
                    Ok(done) => stage.hand_on(done, &rows, &mut pieces, failures),
                    Err(error) => failures.extend(rows.values().iter().map(|row| stage.failure(*row, again(&error)))),
                }
            }
        }
        next.extend(pieces);
    }

    /// True when the part that the stage edits is text.
    fn edits_text(&mut self, stage: usize, batch: &Batch) -> bool {
        let edited = self.stages.get_mut(stage).and_then(|stage| stage.transform.entries());
        edited.map(|(part, _)| part.of(batch)).is_some_and(|column| column.is_schemaless() && !column.is_all_absent())
    }

    /// Lets stages edit the maps of a piece in one go.
    fn edit(
        &mut self,
        stages: Range<usize>,
        batch: Batch,
        rows: &UInt32Array,
        from: Option<Consumed<'_>>,
        next: &mut Vec<Piece>,
        failures: &mut Vec<ChainFailure>,
    ) {
        let Some(plans) = self.plans.get_mut(stages.start) else { return };
        let stages = self.stages.get_mut(stages).unwrap_or_default();
        let (parts, mut edits): (Vec<Part>, Vec<&mut dyn EntryEdit>) =
            stages.iter_mut().filter_map(|stage| stage.transform.entries()).unzip();
        let Some(part) = parts.first().copied() else { return };
        let column = part.of(&batch).clone();
        let offsets = from.map(|from| offsets_of(rows, from));
        let from = from.zip(offsets.as_ref()).map(|(from, offsets)| Consumed { partition: from.partition, offsets });
        let edited = edit_entries(&mut edits, plans, Input { part, column: &column, batch: &batch, from });
        let (column, failed) = match edited {
            Ok(edited) => (edited.column, edited.failures),
            // Only a defect leads here.
            Err(error) => {
                let failed = |row| (0, RowFailure { row, error: again(&error) });
                (column, (0..batch.len()).map(failed).collect())
            }
        };
        // Which stage failed a row; of others it is the last one's doing.
        let by_stage: Vec<(usize, usize)> = failed.iter().map(|(stage, failure)| (failure.row, *stage)).collect();
        let failed = failed.into_iter().map(|(_, failure)| failure).collect();
        let done = all_rows(part.replaced(batch, column), failed);
        hand_on(done.parts, rows, next);
        failures.extend(done.failures.into_iter().filter_map(|failure| {
            let known = by_stage.binary_search_by_key(&failure.row, |(row, _)| *row).ok();
            let place = known.and_then(|place| by_stage.get(place)).map(|(_, stage)| *stage);
            let stage: &Stage = place.and_then(|place| stages.get(place)).or(stages.last())?;
            Some(stage.failure(rows.values().get(failure.row).copied()?, failure.error))
        }));
    }
}
