//! `org.apache.kafka.connect.transforms.ReplaceField`: fields left out, or renamed.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::FieldRef;
use millstream_api::{Config, Error, Result};

use super::edit::{Edit, Edited, Input, Nulls};
use super::json::{Name, Object, ObjectWriter, Row, edit_rows};
use super::plans::Plans;
use super::settings::{REPLACE_FIELD, REPLACE_NULL, rename_item};
use super::structs::{Filler, StructRows, renamed, with_fields};

/// Which fields stay, and what they are called then. Columns are moved, not copied.
#[derive(Default)]
pub(crate) struct ReplaceField {
    exclude: HashSet<String>,
    include: HashSet<String>,
    renames: HashMap<String, String>,
    targets: HashSet<String>,
    replace_null: bool,
    plans: Plans<Plan>,
}

struct Plan {
    field: FieldRef,
    /// Places of the fields that stay, in order.
    kept: Vec<(usize, Filler)>,
}

/// What becomes of an entry of an object.
struct Fate {
    /// Its name as it stands between the quotes.
    raw: String,
    /// The name it has in the result; `None` when it is left out.
    name: Option<String>,
    /// Whether that is the name it had.
    same: bool,
    /// Whether another entry may get that name too.
    is_target: bool,
}

impl ReplaceField {
    fn fate(&self, name: Name<'_>) -> Fate {
        let old = name.text();
        let new = self.name(&old);
        Fate {
            raw: name.raw.to_owned(),
            name: new.map(str::to_owned),
            same: new == Some(&*old),
            is_target: new.is_some_and(|new| self.targets.contains(new)),
        }
    }

    /// The name that a field has in the result; `None` when it is left out.
    fn name<'n>(&'n self, old: &'n str) -> Option<&'n str> {
        let stays = !self.exclude.contains(old) && (self.include.is_empty() || self.include.contains(old));
        stays.then(|| self.renames.get(old).map_or(old, String::as_str))
    }

    fn plan(&self, input: Input<'_>) -> Result<Plan> {
        let (mut fields, mut kept) = (Vec::new(), Vec::new());
        for (index, field) in StructRows::of(input)?.fields.iter().enumerate() {
            if let Some(name) = self.name(field.name()) {
                fields.push(renamed(field, name));
                kept.push((index, Filler::of(field, self.replace_null)?));
            }
        }
        Ok(Plan { field: with_fields(input.column.field(), fields)?, kept })
    }
}

impl Edit for ReplaceField {
    const NULLS: Nulls = Nulls::Pass;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = REPLACE_FIELD.validate(config).into_valid()?;
        let set = |name: &str| values.list(name).iter().cloned().collect();
        let renames: HashMap<String, String> = values
            .list("renames")
            .iter()
            .map(|item| rename_item(item).map(|(old, new)| (old.to_owned(), new.to_owned())).map_err(Error::config))
            .collect::<Result<_>>()?;
        *self = Self {
            exclude: set("exclude"),
            include: set("include"),
            targets: renames.values().cloned().collect(),
            renames,
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
        };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let mut plans = std::mem::take(&mut self.plans);
        let plan = plans.of(input.column.field(), || self.plan(input));
        self.plans = plans;
        let (plan, rows) = (plan?, StructRows::of(input)?);
        let columns: Result<Vec<_>> =
            plan.kept.iter().map(|(index, filler)| filler.fill(rows.column(*index)?)).collect();
        Ok(rows.rebuilt(&plan.field, columns?)?.into())
    }

    fn schemaless(&mut self, input: Input<'_>) -> Result<Edited> {
        let mut object = Object::new();
        let mut fates: Vec<Fate> = Vec::new();
        edit_rows(input, |_, text, out| {
            if !object.read(text, input.part.word())? {
                return Ok(Row::Same);
            }
            // Mostly the names are those of the row before, in its order.
            for (place, entry) in object.entries.iter().enumerate() {
                match fates.get_mut(place) {
                    Some(fate) if fate.raw == entry.name.raw => {}
                    Some(fate) => *fate = self.fate(entry.name),
                    None => fates.push(self.fate(entry.name)),
                }
            }
            let fates = fates.get(..object.entries.len()).unwrap_or_default();
            if fates.iter().all(|fate| fate.same) {
                return Ok(Row::Same);
            }
            let mut writer = ObjectWriter::new(out);
            for (place, (entry, fate)) in object.entries.iter().zip(fates).enumerate() {
                let Some(new) = &fate.name else { continue };
                // Of two entries of one name the later counts.
                let later = fates.get(place + 1..).unwrap_or_default();
                if fate.is_target && later.iter().any(|later| later.name.as_ref() == Some(new)) {
                    continue;
                }
                if fate.same {
                    writer.entry(*entry);
                } else {
                    writer.name(new).extend_from_slice(entry.value.as_bytes());
                }
            }
            writer.end();
            Ok(Row::Written)
        })
    }
}
