//! The entries of a map while it is worked out what becomes of them.

use crate::converter::json::escape::write_string;
use crate::transform::json::Name;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The entry at this place of the map.
    Entry(usize),
    /// The value made by the task at this place.
    Made(usize),
    /// This JSON.
    Text(Box<str>),
}

/// A value to be made.
#[derive(Debug)]
pub(super) struct Task {
    /// The place of the transformation that makes it.
    pub edit: usize,
    /// Which of its values.
    pub what: usize,
    /// What it is made of.
    pub of: Source,
}

/// One entry.
#[derive(Debug)]
pub(crate) struct Slot {
    name: Box<str>,
    /// The name as it stands between quotes.
    pub(super) raw: Box<str>,
    pub(super) source: Source,
}

impl Slot {
    fn new(name: &str, source: Source) -> Self {
        Self { name: name.into(), raw: quoted(name), source }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: &str) {
        if *self.name != *name {
            (self.name, self.raw) = (name.into(), quoted(name));
        }
    }
}

fn quoted(name: &str) -> Box<str> {
    let mut quoted = Vec::new();
    write_string(&mut quoted, name.as_bytes());
    let quoted = String::from_utf8(quoted).unwrap_or_default();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().into()
}

/// The entries of a map in their order; a name may be there twice.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    pub(super) list: Vec<Slot>,
    pub(super) tasks: Vec<Task>,
    /// The place of the transformation whose turn it is.
    pub(super) edit: usize,
}

impl Slots {
    /// Those of a map with these names, as they stand between quotes.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let slot = |(place, raw): (usize, &str)| {
            let source = Source::Entry(place);
            Slot { name: Name { raw }.text().into(), raw: raw.into(), source }
        };
        Self { list: names.enumerate().map(slot).collect(), ..Self::default() }
    }

    /// All of them.
    pub fn list(&self) -> &[Slot] {
        &self.list
    }

    /// Gives each the name that `name` says for its place, or leaves it out.
    pub fn rename(&mut self, mut name: impl FnMut(usize) -> Option<String>) {
        let mut place = 0;
        self.list.retain_mut(|slot| {
            place += 1;
            name(place - 1).map(|name| slot.rename(&name)).is_some()
        });
    }

    /// Leaves out those of other names.
    pub fn keep(&mut self, keeps: impl Fn(&str) -> bool) {
        self.list.retain(|slot| keeps(&slot.name));
    }

    /// The value at this place is to be made: it is the transformation's `what`.
    pub fn make(&mut self, place: usize, what: usize) {
        let Some(slot) = self.list.get_mut(place) else { return };
        let of = std::mem::replace(&mut slot.source, Source::Made(self.tasks.len()));
        self.tasks.push(Task { edit: self.edit, what, of });
    }

    /// Another entry, with this JSON as value.
    pub fn push(&mut self, name: &str, json: &str) {
        self.list.push(Slot::new(name, Source::Text(json.into())));
    }

    /// Another entry, whose value is to be made.
    pub fn push_made(&mut self, name: &str, what: usize) {
        self.push(name, "null");
        self.make(self.list.len() - 1, what);
    }

    /// The values of these names are to be made, each the transformation's value of its place among `names`. As Java does: a name that is
    /// not there is there afterwards, with null.
    pub fn make_named<'n>(&mut self, names: impl Iterator<Item = &'n str> + Clone) {
        let mut found = vec![false; names.clone().count()];
        for place in 0..self.list.len() {
            let name = self.list.get(place).map_or("", Slot::name);
            let named = names.clone().zip(&mut found).enumerate().find(|(_, (known, _))| *known == name);
            if let Some((what, (_, found))) = named {
                *found = true;
                self.make(place, what);
            }
        }
        for (name, _) in names.zip(found).filter(|(_, found)| !found) {
            self.push(name, "null");
        }
    }
}
