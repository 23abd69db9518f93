//! `org.apache.kafka.connect.transforms.ReplaceField`: fields left out, or renamed.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::FieldRef;
use millstream_api::{Config, Error, Result};

use super::edit::{Edit, Edited, Input, Nulls};
use super::entries::{EntryEdit, Slots};
use super::json::Row;
use super::plans::Plans;
use super::settings::{REPLACE_FIELD, REPLACE_NULL, configured, rename_item};
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

impl ReplaceField {
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
        let values = configured(&REPLACE_FIELD, config, &["exclude", "include"])?;
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

    fn entries(&mut self) -> Option<&mut dyn EntryEdit> {
        Some(self)
    }
}

impl EntryEdit for ReplaceField {
    fn plan(&self, _variant: u8, slots: &mut Slots) {
        let mut names: Vec<Option<String>> =
            slots.list().iter().map(|slot| self.name(slot.name()).map(str::to_owned)).collect();
        // Of two entries of one name the later counts, where a new name made them two.
        let mut later: HashSet<String> = HashSet::new();
        for name in names.iter_mut().rev() {
            if let Some(target) = name.clone().filter(|name| self.targets.contains(name))
                && !later.insert(target)
            {
                *name = None;
            }
        }
        slots.rename(|place| names.get_mut(place).and_then(Option::take));
    }

    fn make(&mut self, _what: usize, _value: &str, _: Input<'_>, _row: usize, _out: &mut Vec<u8>) -> Result<Row> {
        Ok(Row::Same)
    }
}
