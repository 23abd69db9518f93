//! `org.apache.kafka.connect.transforms.InsertField`: what surrounds a record, and fixed text, as fields.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef};
use millstream_api::{Config, Error, Result, RowFailure, schema};

use super::edit::{Edit, Edited, Input, Nulls};
use super::entries::{EntryEdit, Slots};
use super::json::Row;
use super::plans::Plans;
use super::settings::{INSERT_FIELD, REPLACE_NULL, configured};
use super::structs::{Filler, StructRows, with_fields};
use crate::converter::json::escape::write_string;

/// Adds fields in a fixed order: topic, partition, offset, timestamp, static value.
#[derive(Default)]
pub(crate) struct InsertField {
    inserts: Vec<Insert>,
    replace_null: bool,
    plans: Plans<Plan>,
}

/// One field to add.
#[derive(Clone)]
struct Insert {
    name: String,
    required: bool,
    what: What,
}

#[derive(Clone, PartialEq)]
enum What {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

struct Plan {
    field: FieldRef,
    fillers: Vec<Filler>,
}

impl Insert {
    /// A `!` behind the name makes the field required, a `?` optional, which it is without either.
    fn of(name: &str, what: What) -> Self {
        let required = name.ends_with('!');
        let name = name.strip_suffix(['!', '?']).unwrap_or(name).to_owned();
        Self { name, required, what }
    }

    fn field(&self) -> Field {
        let data_type = match self.what {
            What::Topic | What::Static(_) => DataType::Utf8,
            What::Partition => DataType::Int32,
            What::Offset => DataType::Int64,
            What::Timestamp => schema::timestamp_type(),
        };
        Field::new(&self.name, data_type, !self.required)
    }

    /// The values for all rows; null where there is none.
    fn values(&self, input: Input<'_>) -> Result<ArrayRef> {
        let rows = input.batch.len();
        Ok(match &self.what {
            What::Topic => repeated(&input.batch.topic, rows)?,
            What::Static(text) => repeated(text, rows)?,
            What::Partition => match (input.from, &input.batch.partitions) {
                (Some(from), _) => Arc::new(Int32Array::from_value(from.partition, rows)),
                (None, Some(partitions)) => Arc::new(partitions.clone()),
                (None, None) => Arc::new(Int32Array::new_null(rows)),
            },
            What::Offset => Arc::new(offsets(input)?.clone()),
            What::Timestamp => Arc::new(match &input.batch.timestamps {
                Some(times) => {
                    TimestampMillisecondArray::new(times.values().clone(), times.nulls().cloned()).with_timezone("UTC")
                }
                None => TimestampMillisecondArray::new_null(rows).with_timezone("UTC"),
            }),
        })
    }

    /// Appends the value of a row that has one.
    fn write(&self, input: Input<'_>, row: usize, out: &mut Vec<u8>) -> Result<()> {
        let number: i64 = match &self.what {
            What::Topic | What::Static(_) => {
                let text = if let What::Static(text) = &self.what { text } else { &*input.batch.topic };
                write_string(out, text.as_bytes());
                return Ok(());
            }
            What::Partition => match (input.from, &input.batch.partitions) {
                (Some(from), _) => from.partition.into(),
                (None, all) => all.as_ref().map(|all| all.value(row)).unwrap_or_default().into(),
            },
            What::Offset => offsets(input)?.value(row),
            What::Timestamp => input.batch.timestamps.as_ref().map(|times| times.value(row)).unwrap_or_default(),
        };
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        Ok(())
    }

    /// True when the row has the value.
    fn has(&self, input: Input<'_>, row: usize) -> bool {
        match self.what {
            What::Topic | What::Static(_) | What::Offset => true,
            What::Partition => {
                input.from.is_some() || input.batch.partitions.as_ref().is_some_and(|all| all.is_valid(row))
            }
            What::Timestamp => input.batch.timestamps.as_ref().is_some_and(|all| all.is_valid(row)),
        }
    }
}

fn offsets<'a>(input: Input<'a>) -> Result<&'a Int64Array> {
    match input.from {
        Some(from) if from.offsets.len() == input.batch.len() => Ok(from.offsets),
        Some(_) => Err(Error::internal("a batch and its offsets are not of one length")),
        None => Err(Error::data("a record of a source has no offset yet")
            .hint("offset.field of InsertField is for sink connectors only")),
    }
}

/// The same text in every row.
fn repeated(text: &str, rows: usize) -> Result<ArrayRef> {
    let size = text.len().checked_mul(rows).filter(|size| i32::try_from(*size).is_ok());
    let size = size.ok_or_else(|| Error::data("a field with the same text in every row does not fit into 2 GiB"))?;
    let mut bytes = Vec::with_capacity(size);
    for _ in 0..rows {
        bytes.extend_from_slice(text.as_bytes());
    }
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(text.len(), rows));
    StringArray::try_new(offsets, Buffer::from_vec(bytes), None)
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|e| Error::internal("repeated text is no text").caused_by(e))
}

impl Edit for InsertField {
    const NULLS: Nulls = Nulls::Pass;

    fn configure(&mut self, config: &Config) -> Result<()> {
        let values = configured(&INSERT_FIELD, config, &[])?;
        let (static_field, static_value) = (values.text("static.field"), values.text("static.value"));
        let mut inserts = Vec::new();
        for (key, what) in [
            ("topic.field", What::Topic),
            ("partition.field", What::Partition),
            ("offset.field", What::Offset),
            ("timestamp.field", What::Timestamp),
        ] {
            inserts.extend(values.text(key).map(|name| Insert::of(name, what)));
        }
        match (static_field, static_value) {
            (Some(name), Some(value)) => inserts.push(Insert::of(name, What::Static(value.to_owned()))),
            (Some(_), None) => {
                return Err(Error::config("static.value: it has no value, but static.field names a field for it"));
            }
            _ => {}
        }
        if inserts.is_empty() {
            return Err(Error::config("No field insertion configured")
                .hint("set topic.field, partition.field, offset.field, timestamp.field or static.field"));
        }
        *self = Self { inserts, replace_null: values.bool(REPLACE_NULL).unwrap_or(true), plans: Plans::default() };
        Ok(())
    }

    fn typed(&mut self, input: Input<'_>) -> Result<Edited> {
        let rows = StructRows::of(input)?;
        let (inserts, replace_null) = (&self.inserts, self.replace_null);
        let plan = self.plans.of(input.column.field(), || {
            let fields = rows.fields.iter().cloned().chain(inserts.iter().map(|insert| Arc::new(insert.field())));
            let fillers: Result<Vec<_>> = rows.fields.iter().map(|field| Filler::of(field, replace_null)).collect();
            Ok(Plan { field: with_fields(input.column.field(), fields.collect())?, fillers: fillers? })
        })?;
        let mut columns = Vec::with_capacity(plan.fillers.len() + inserts.len());
        for (filler, column) in plan.fillers.iter().zip(rows.array.columns()) {
            columns.push(filler.fill(column)?);
        }
        let mut failures = Vec::new();
        let mut nulls = rows.nulls().cloned();
        for insert in inserts {
            let values = insert.values(input)?;
            if insert.required && values.null_count() > 0 {
                failures.extend((0..values.len()).filter(|row| !insert.has(input, *row)).map(|row| {
                    let name = &insert.name;
                    let error = Error::data(format!("the required field {name} of InsertField has no value"));
                    RowFailure { row, error: error.hint(format!("write {name}? to make the field optional")) }
                }));
                nulls = NullBuffer::union(nulls.as_ref(), values.nulls());
            }
            columns.push(values);
        }
        let column = super::structs::struct_column(&plan.field, columns, nulls, rows.array.len())?;
        Ok(Edited { column, failures })
    }

    fn entries(&mut self) -> Option<&mut dyn EntryEdit> {
        Some(self)
    }
}

impl EntryEdit for InsertField {
    /// A bit for each value that the row has.
    fn variant(&self, input: Input<'_>, row: usize) -> u8 {
        let bit = |(place, insert): (usize, &Insert)| u8::from(insert.has(input, row)) << place;
        self.inserts.iter().enumerate().map(bit).sum()
    }

    fn plan(&self, variant: u8, slots: &mut Slots) {
        let inserts = self.inserts.iter().enumerate().filter(|(place, _)| variant & (1 << place) != 0);
        // What is inserted takes the place of what was there.
        for (what, insert) in inserts {
            slots.keep(|name| name != insert.name);
            match &insert.what {
                What::Static(text) => {
                    let mut json = Vec::new();
                    write_string(&mut json, text.as_bytes());
                    slots.push(&insert.name, &String::from_utf8_lossy(&json));
                }
                _ => slots.push_made(&insert.name, what),
            }
        }
    }

    fn make(&mut self, what: usize, _value: &str, input: Input<'_>, row: usize, out: &mut Vec<u8>) -> Result<Row> {
        self.inserts.get(what).map_or(Ok(()), |insert| insert.write(input, row, out)).map(|()| Row::Written)
    }
}
