//! `org.apache.kafka.connect.transforms.SetSchemaMetadata`: another name or version for the schema.

use std::sync::Arc;

use arrow::datatypes::FieldRef;
use millstream_api::{Config, Error, Result, schema};

use super::edit::{Edit, Edited, Input, Nulls};
use super::plans::Plans;
use super::settings::{REPLACE_NULL, SET_SCHEMA_METADATA, configured};
use super::structs::{Filler, StructRows};

/// Works on structs, as in Java. Columns are moved, not copied.
#[derive(Default)]
pub(crate) struct SetSchemaMetadata {
    name: Option<String>,
    version: Option<i64>,
    replace_null: bool,
    plans: Plans<Plan>,
}

struct Plan {
    field: FieldRef,
    fillers: Vec<Filler>,
}

impl Edit for SetSchemaMetadata {
    const NULLS: Nulls = Nulls::Edit;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = configured(&SET_SCHEMA_METADATA, config, &[])?;
        *self = Self {
            name: values.text("schema.name").map(str::to_owned),
            version: values.int("schema.version"),
            replace_null: values.bool(REPLACE_NULL).unwrap_or(true),
            plans: Plans::default(),
        };
        if self.name.is_none() && self.version.is_none() {
            return Err(Error::config("neither schema.name nor schema.version is set").hint("set one of them"));
        }
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let rows = StructRows::of(input)?;
        let Self { name, version, replace_null, plans } = self;
        let plan = plans.of(input.column.field(), || {
            let name = name.iter().map(|name| (schema::NAME, name.clone()));
            let version = version.iter().map(|version| (schema::VERSION, version.to_string()));
            let field = schema::with_meta(input.column.field().as_ref().clone(), name.chain(version));
            let fillers = rows.fields.iter().map(|field| Filler::of(field, *replace_null)).collect::<Result<_>>()?;
            Ok(Plan { field: Arc::new(field), fillers })
        })?;
        let columns = plan.fillers.iter().zip(rows.array.columns()).map(|(filler, column)| filler.fill(column));
        Ok(rows.rebuilt(&plan.field, columns.collect::<Result<_>>()?)?.into())
    }

    fn schemaless(&mut self, input: Input<'_>) -> Result<Edited> {
        Err(Error::data(format!("the {} has no schema, which SetSchemaMetadata could name", input.part.word())))
    }
}
