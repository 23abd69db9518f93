//! When files are closed. Pure: rows and schemas go in, cuts come out.
//!
//! Every rotation is a barrier: it closes all open files of a Kafka partition. For each record, in this order: a change of
//! schema within its output closes before it, reaching `flush.size` closes after it. The unit here is a run of rows of one
//! schema, and cuts are arithmetic.

use std::collections::HashMap;
use std::ops::Range;

use arrow::datatypes::{DataType, Field, FieldRef};
use millstream_api::schema;

/// The schema of a run of values.
#[derive(Clone, Debug)]
pub(crate) enum RunSchema {
    /// JSON text without a schema.
    Schemaless,
    /// A Connect schema.
    Connect(FieldRef),
}

impl RunSchema {
    /// True when a record of one may follow a record of the other in a file (`schema.compatibility=NONE`).
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Schemaless, Self::Schemaless) => true,
            (Self::Connect(a), Self::Connect(b)) => schema::same(a, b) || same_schema(a, b),
            _ => false,
        }
    }
}

/// Equality of Connect schemas, whichever of its Arrow types a batch's widest Decimal asked for.
fn same_schema(a: &Field, b: &Field) -> bool {
    let alike = |a: &FieldRef, b: &FieldRef| same_schema(a, b);
    if a.name() != b.name() || a.is_nullable() != b.is_nullable() {
        return false;
    }
    if schema::name(a) == Some(schema::DECIMAL) && schema::name(b) == Some(schema::DECIMAL) {
        return schema::version(a) == schema::version(b)
            && schema::doc(a) == schema::doc(b)
            && schema::default_json(a) == schema::default_json(b)
            && schema::parameters(a) == schema::parameters(b);
    }
    if a.metadata() != b.metadata() {
        return false;
    }
    match (a.data_type(), b.data_type()) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| alike(a, b))
        }
        (DataType::List(a), DataType::List(b)) | (DataType::Map(a, _), DataType::Map(b, _)) => alike(a, b),
        (a, b) => a == b,
    }
}

/// What to do next with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Close all open files of the partition.
    Rotate,
    /// Write these rows of the run to the output's file.
    Write(Range<usize>),
}

/// What decides the rotations of one Kafka partition.
#[derive(Debug)]
pub(crate) struct Rotation {
    flush_size: u64,
    /// Records in open files.
    pending: u64,
    /// The schema that files of an output have since the last rotation.
    schemas: HashMap<String, RunSchema>,
}

impl Rotation {
    /// Rotates after `flush_size` records.
    pub(crate) fn new(flush_size: u64) -> Self {
        Self { flush_size: flush_size.max(1), pending: 0, schemas: HashMap::new() }
    }

    /// The steps that a run of `rows` rows of one schema to one output takes.
    pub(crate) fn run(&mut self, output: &str, schema: &RunSchema, rows: usize) -> Vec<Step> {
        let (mut steps, mut row) = (Vec::new(), 0);
        while row < rows {
            let known = self.schemas.entry(output.to_owned()).or_insert_with(|| schema.clone());
            let changed = !known.same(schema);
            if changed && self.pending > 0 {
                self.rotate(&mut steps);
                continue;
            }
            let room = self.flush_size.saturating_sub(self.pending).max(1);
            // The incumbent looks at the remembered schema again before each record: after a record that was refused for its
            // schema, one good record is written and the next one rotates.
            let take = if changed { 1 } else { usize::try_from(room).unwrap_or(usize::MAX).min(rows - row) };
            steps.push(Step::Write(row..row + take));
            row += take;
            self.pending += take as u64;
            if self.pending >= self.flush_size {
                self.rotate(&mut steps);
            }
        }
        steps
    }

    /// What records do that are refused for their schema: it counts as seen, so it may rotate, but nothing is written.
    pub(crate) fn refused(&mut self, output: &str, schema: &RunSchema) -> bool {
        let changed = self.schemas.get(output).is_some_and(|known| !known.same(schema));
        let rotate = changed && self.pending > 0;
        if rotate {
            self.rotate(&mut Vec::new());
        }
        self.schemas.entry(output.to_owned()).or_insert_with(|| schema.clone());
        rotate
    }

    fn rotate(&mut self, steps: &mut Vec<Step>) {
        self.pending = 0;
        self.schemas.clear();
        steps.push(Step::Rotate);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn schema(name: &str) -> RunSchema {
        let fields = vec![Field::new(name, DataType::Int32, false)];
        RunSchema::Connect(Arc::new(Field::new("value", DataType::Struct(fields.into()), false)))
    }

    fn write(rows: Range<usize>) -> Step {
        Step::Write(rows)
    }

    #[test]
    fn flush_size_cuts_inside_a_run_and_across_runs() {
        let mut rotation = Rotation::new(3);
        let steps = rotation.run("p", &schema("a"), 7);
        assert_eq!(steps, [write(0..3), Step::Rotate, write(3..6), Step::Rotate, write(6..7)]);
        assert_eq!(rotation.run("p", &schema("a"), 2), [write(0..2), Step::Rotate]);
    }

    #[test]
    fn flush_size_counts_over_all_outputs_of_the_partition() {
        let mut rotation = Rotation::new(3);
        assert_eq!(rotation.run("p", &schema("a"), 2), [write(0..2)]);
        assert_eq!(rotation.run("q", &schema("b"), 2), [write(0..1), Step::Rotate, write(1..2)]);
    }

    #[test]
    fn a_change_of_schema_rotates_before() {
        let mut rotation = Rotation::new(100);
        assert_eq!(rotation.run("p", &schema("a"), 2), [write(0..2)]);
        assert_eq!(rotation.run("p", &schema("b"), 1), [Step::Rotate, write(0..1)]);
        assert_eq!(rotation.run("p", &RunSchema::Schemaless, 1), [Step::Rotate, write(0..1)]);
        assert_eq!(rotation.run("p", &RunSchema::Schemaless, 1), [write(0..1)]);
    }

    #[test]
    fn a_refused_schema_rotates_and_makes_the_next_file_short() {
        let mut rotation = Rotation::new(3);
        assert_eq!(rotation.run("p", &schema("a"), 1), [write(0..1)]);
        assert!(rotation.refused("p", &schema("bad")));
        assert_eq!(rotation.run("p", &schema("a"), 4), [write(0..1), Step::Rotate, write(1..4), Step::Rotate]);
    }

    #[test]
    fn a_refused_schema_before_anything_makes_the_first_file_short() {
        let mut rotation = Rotation::new(3);
        assert!(!rotation.refused("p", &schema("bad")));
        assert_eq!(rotation.run("p", &schema("a"), 2), [write(0..1), Step::Rotate, write(1..2)]);
    }

    #[test]
    fn the_arrow_type_of_a_decimal_is_no_change() {
        let of = |field: Field| {
            RunSchema::Connect(Arc::new(Field::new("value", DataType::Struct(vec![field].into()), false)))
        };
        let narrow = of(schema::decimal_field("d", 2, true));
        let wide = of(Field::new("d", DataType::Decimal256(76, 2), true));
        let bytes = of(schema::binary_decimal_field("d", 2, true));
        assert!(narrow.same(&wide) && wide.same(&bytes) && narrow.same(&bytes));
        assert!(!narrow.same(&of(schema::decimal_field("d", 3, true))));
        assert!(!narrow.same(&of(schema::decimal_field("d", 2, false))));
    }
}
