//! What becomes of maps of the same names.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use millstream_api::json_scan::same_short;

use super::slots::{Slots, Source, Task};
use super::{EntryEdit, rows::Map};

/// How much of names plans are kept for, in bytes, so that data whose names never repeat takes no more.
const MOST_BYTES: usize = 1 << 20;

/// What becomes of a map.
#[derive(Debug)]
pub(super) struct Plan {
    /// The names of its entries, as they stand between quotes.
    names: Vec<Box<str>>,
    /// The variant of each transformation.
    variants: Vec<u8>,
    /// What is to be made, in this order.
    pub tasks: Vec<Task>,
    /// What is to be written, in this order.
    pub pieces: Vec<Piece>,
    /// The map is written as it came.
    pub same: bool,
}

/// A part of the map that is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Neighbouring entries as they came.
    Entries { first: usize, count: usize },
    /// A name in its quotes with the colon behind, and a value.
    Entry { name: Box<str>, source: Source },
}

impl Plan {
    fn new(edits: &[&mut dyn EntryEdit], variants: &[u8], map: &Map<'_>) -> Self {
        let names: Vec<Box<str>> = map.names().map(Box::from).collect();
        let mut slots = Slots::new(names.iter().map(|name| &**name));
        for (place, (edit, variant)) in edits.iter().zip(variants).enumerate() {
            slots.edit = place;
            edit.plan(*variant, &mut slots);
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for slot in slots.list {
            let source = match slot.source {
                Source::Entry(place) if names.get(place) == Some(&slot.raw) => {
                    match pieces.last_mut() {
                        Some(Piece::Entries { first, count }) if *first + *count == place => *count += 1,
                        _ => pieces.push(Piece::Entries { first: place, count: 1 }),
                    }
                    continue;
                }
                source => source,
            };
            pieces.push(Piece::Entry { name: format!("\"{}\":", slot.raw).into(), source });
        }
        let same = match pieces.as_slice() {
            [] => names.is_empty(),
            [piece] => *piece == Piece::Entries { first: 0, count: names.len() },
            _ => false,
        };
        Self { names, variants: variants.into(), tasks: slots.tasks, pieces, same }
    }

    #[inline]
    fn is_for(&self, variants: &[u8], map: &Map<'_>) -> bool {
        self.names.len() == map.len()
            && self.names.iter().zip(map.names()).all(|(ours, theirs)| same_short(ours.as_bytes(), theirs.as_bytes()))
            && self.variants == variants
    }

    fn byte_size(&self) -> usize {
        size_of::<Self>() + self.names.iter().map(|name| 4 * name.len() + 128).sum::<usize>()
    }
}

/// The plans for the names seen so far.
#[derive(Default)]
pub(crate) struct Plans {
    plans: Vec<Plan>,
    /// By a hash of their names and variants.
    places: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    bytes: usize,
    /// The one used last.
    last: usize,
}

impl Plans {
    /// The plan for a map, made if it is not there. The edits must be the same each time.
    #[inline]
    pub(super) fn of(&mut self, edits: &[&mut dyn EntryEdit], variants: &[u8], map: &Map<'_>) -> Option<&Plan> {
        if !self.plans.get(self.last).is_some_and(|plan| plan.is_for(variants, map)) {
            self.last = self.find(edits, variants, map);
        }
        self.plans.get(self.last)
    }

    fn find(&mut self, edits: &[&mut dyn EntryEdit], variants: &[u8], map: &Map<'_>) -> usize {
        let mut names: Vec<u8> = variants.to_vec();
        for name in map.names() {
            // A quote stands in no name as it is written.
            names.push(b'"');
            names.extend_from_slice(name.as_bytes());
        }
        let hash = self.hasher.hash_one(&names);
        let known = self.places.get(&hash).into_iter().flatten();
        let fits = |place: &&usize| self.plans.get(**place).is_some_and(|plan| plan.is_for(variants, map));
        if let Some(place) = known.copied().find(|place| fits(&place)) {
            return place;
        }
        if self.bytes > MOST_BYTES {
            self.plans.clear();
            self.places.clear();
            self.bytes = 0;
        }
        let plan = Plan::new(edits, variants, map);
        self.bytes += plan.byte_size();
        self.plans.push(plan);
        self.places.entry(hash).or_default().push(self.plans.len() - 1);
        self.plans.len() - 1
    }
}
