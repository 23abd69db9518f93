//! `org.apache.kafka.connect.transforms.ReplaceField`: fields left out, or renamed.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::FieldRef;
use millstream_api::{Config, Error, Result};

use super::edit::{Edit, Edited, Input, Nulls};
use super::json::{Object, ObjectWriter, Row, edit_rows};
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
        edit_rows(input, |_, text, out| {
            if !object.read(text, input.part.word())? {
                return Ok(Row::Same);
            }
            let same = |old: &str| self.name(old).is_some_and(|new| new == old);
            if object.entries.iter().all(|entry| same(&entry.name.text())) {
                return Ok(Row::Same);
            }
            let mut writer = ObjectWriter::new(out);
            for (place, entry) in object.entries.iter().enumerate() {
                let old = entry.name.text();
                let Some(new) = self.name(&old) else { continue };
                // Of two entries of one name the later counts.
                let later = object.entries.get(place + 1..).unwrap_or_default();
                if self.targets.contains(new) && later.iter().any(|later| self.name(&later.name.text()) == Some(new)) {
                    continue;
                }
                if new == old {
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
