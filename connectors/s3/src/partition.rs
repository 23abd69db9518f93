//! The files of one Kafka partition: open ones, and closed ones on their way to S3.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringArray, StructArray, UInt32Array};
use arrow::compute;
use arrow::datatypes::FieldRef;
use arrow::record_batch::RecordBatch;
use millstream_api::{Error, MemoryBudget, Result, RowFailure, SinkBatch, SinkHost, TopicPartition, schema};
use object_store::path::Path;

use crate::config::{NullValues, S3Config};
use crate::inference::{Rows, parse};
use crate::object_key::encode_partition;
use crate::open_file::{OpenFile, Span};
use crate::parquet_file::{FileSettings, Shape};
use crate::rotation::{Rotation, RunSchema, Step};
use crate::upload::{Object, Progress, Upload, Uploader};

/// What the partitions of a task share.
pub(crate) struct Tools {
    pub(crate) config: S3Config,
    pub(crate) settings: FileSettings,
    pub(crate) uploader: Uploader,
    pub(crate) budget: MemoryBudget,
    pub(crate) host: Arc<dyn SinkHost>,
}

/// Writes the records of one Kafka partition. Keyed by where records come from, never by a topic that a transformation gave
/// them: two sources cannot mix in one file.
pub(crate) struct PartitionWriter {
    origin: TopicPartition,
    directory: String,
    rotation: Rotation,
    open: Vec<(String, OpenFile)>,
    closed: Vec<Closed>,
    shape: Option<(FieldRef, Result<Arc<Shape>, String>)>,
}

struct Closed {
    start: i64,
    upload: Upload,
}

/// Rows of a batch that are to be written, and which rows of the batch they are.
struct Selected {
    values: ArrayRef,
    offsets: Int64Array,
    numbers: Option<UInt32Array>,
}

impl Selected {
    fn number(&self, row: usize) -> usize {
        self.numbers.as_ref().map_or(row, |numbers| numbers.value(row) as usize)
    }

    /// These rows without those that are refused.
    fn without(&self, refused: &[usize]) -> Result<Self> {
        let mut keep = vec![true; self.values.len()];
        for row in refused {
            if let Some(slot) = keep.get_mut(*row) {
                *slot = false;
            }
        }
        let keep = BooleanArray::from(keep);
        let numbers = match &self.numbers {
            Some(numbers) => numbers.clone(),
            None => UInt32Array::from_iter_values(0..self.values.len() as u32),
        };
        Ok(Self {
            values: compute::filter(&self.values, &keep).map_err(cannot_select)?,
            offsets: filtered(&self.offsets, &keep)?,
            numbers: Some(filtered(&numbers, &keep)?),
        })
    }

    fn span(&self, rows: std::ops::Range<usize>) -> Span {
        let last = rows.end.saturating_sub(1);
        Span { first: self.offsets.value(rows.start), last: self.offsets.value(last), rows: rows.len() }
    }
}

impl PartitionWriter {
    /// A writer without files.
    pub(crate) fn new(origin: TopicPartition, flush_size: u64) -> Self {
        Self {
            directory: encode_partition(origin.partition),
            origin,
            rotation: Rotation::new(flush_size),
            open: Vec::new(),
            closed: Vec::new(),
            shape: None,
        }
    }

    /// Takes a batch of this partition over.
    ///
    /// # Errors
    /// What fails the task; records that cannot be written are reported first.
    pub(crate) fn write(&mut self, batch: &SinkBatch, tools: &Tools) -> Result<()> {
        let Some(selected) = self.with_values(batch, tools)? else { return Ok(()) };
        let value = &batch.batch.value;
        if value.is_schemaless() {
            self.write_json(batch, selected, tools)
        } else {
            self.write_typed(batch, selected, tools)
        }
    }

    /// Deals with records without a value, and gives the others.
    fn with_values(&self, batch: &SinkBatch, tools: &Tools) -> Result<Option<Selected>> {
        let value = &batch.batch.value;
        let texts = if value.is_schemaless() { value.array().as_any().downcast_ref::<StringArray>() } else { None };
        // JSON's null is a null value too.
        let is_null = |row: usize| value.is_null(row) || texts.is_some_and(|texts| is_json_null(texts.value(row)));
        let nulls: Vec<usize> = (0..batch.len()).filter(|row| is_null(*row)).collect();
        let all = Selected { values: value.array().clone(), offsets: batch.offsets.clone(), numbers: None };
        let Some(&first) = nulls.first() else { return Ok((!batch.is_empty()).then_some(all)) };
        let NullValues::Ignore { report } = tools.config.null_values else {
            return Err(Error::fatal("a record has no value, and behavior.on.null.values is fail")
                .at(place(batch, first))
                .hint("set behavior.on.null.values=ignore to skip such records"));
        };
        if report {
            let failure = |row: &usize| RowFailure {
                row: *row,
                error: Error::data("the record has no value (behavior.on.null.values=ignore)").at(place(batch, *row)),
            };
            tools.host.report(batch, nulls.iter().map(failure).collect())?;
        }
        tracing::debug!(origin = %self.origin, records = nulls.len(), "records without value skipped");
        let selected = all.without(&nulls)?;
        Ok((!selected.values.is_empty()).then_some(selected))
    }

    fn write_typed(&mut self, batch: &SinkBatch, selected: Selected, tools: &Tools) -> Result<()> {
        let field = batch.batch.value.field();
        let run = RunSchema::Connect(field.clone());
        let output = self.output(batch);
        let shape = match self.shape(field, tools) {
            Ok(shape) => shape,
            Err(why) => {
                let refused = (0..selected.values.len()).map(|row| (row, why.clone())).collect();
                return self.refuse_all(batch, &selected, refused, &output, &run, tools);
            }
        };
        let Some(values) = selected.values.as_any().downcast_ref::<StructArray>() else {
            return Err(Error::internal("a value with a STRUCT schema is no struct").at(place(batch, 0)));
        };
        let (mut rows, misfits) = shape.rows(values)?;
        let mut selected = selected;
        if !misfits.is_empty() {
            let numbers: Vec<usize> = misfits.iter().map(|misfit| misfit.row).collect();
            let refused: Vec<_> = misfits.into_iter().map(|misfit| (misfit.row, misfit.why)).collect();
            if refused.len() == rows.num_rows() {
                return self.refuse_all(batch, &selected, refused, &output, &run, tools);
            }
            report(batch, &selected, refused, tools)?;
            rows = without(&rows, &numbers)?;
            selected = selected.without(&numbers)?;
        }
        for step in self.rotation.run(&output, &run, rows.num_rows()) {
            match step {
                Step::Rotate => self.rotate(tools)?,
                Step::Write(range) => {
                    let span = selected.span(range.clone());
                    let file = self.file(&output, batch, span.first, tools, |object, origin, start| {
                        OpenFile::typed(object, origin, start, &shape, &tools.settings, &tools.budget)
                    })?;
                    file.write(&rows.slice(range.start, range.len()), span)?;
                    file.send_parts(&tools.uploader, &tools.settings);
                }
            }
        }
        Ok(())
    }

    fn write_json(&mut self, batch: &SinkBatch, mut selected: Selected, tools: &Tools) -> Result<()> {
        let output = self.output(batch);
        let documents = loop {
            let Some(texts) = selected.values.as_any().downcast_ref::<StringArray>() else {
                return Err(Error::internal("a value without schema is no text").at(place(batch, 0)));
            };
            match parse(texts) {
                Ok(documents) => break documents,
                Err(refused) => {
                    let numbers: Vec<usize> = refused.iter().map(|refused| refused.row).collect();
                    let refused: Vec<_> = refused.into_iter().map(|refused| (refused.row, refused.why)).collect();
                    if refused.len() == selected.values.len() {
                        return self.refuse_all(batch, &selected, refused, &output, &RunSchema::Schemaless, tools);
                    }
                    report(batch, &selected, refused, tools)?;
                    selected = selected.without(&numbers)?;
                }
            }
        };
        let rows = Rows::all(Arc::new(documents));
        for step in self.rotation.run(&output, &RunSchema::Schemaless, rows.len()) {
            match step {
                Step::Rotate => self.rotate(tools)?,
                Step::Write(range) => {
                    let span = selected.span(range.clone());
                    let file = self.file(&output, batch, span.first, tools, |object, origin, start| {
                        Ok(OpenFile::schemaless(object, origin, start, &tools.budget))
                    })?;
                    file.write_json(&rows.slice(range), span, &tools.settings)?;
                    file.send_parts(&tools.uploader, &tools.settings);
                }
            }
        }
        Ok(())
    }

    /// Reports all rows of a run; that its schema was seen may close files all the same.
    fn refuse_all(
        &mut self,
        batch: &SinkBatch,
        selected: &Selected,
        refused: Vec<(usize, String)>,
        output: &str,
        run: &RunSchema,
        tools: &Tools,
    ) -> Result<()> {
        if self.rotation.refused(output, run) {
            self.rotate(tools)?;
        }
        report(batch, selected, refused, tools)
    }

    fn output(&self, batch: &SinkBatch) -> String {
        format!("{}/{}", batch.batch.topic, self.directory)
    }

    /// The Parquet form of a value schema: the last one is kept, since schemas seldom change.
    fn shape(&mut self, field: &FieldRef, tools: &Tools) -> Result<Arc<Shape>, String> {
        if let Some((known, shape)) = &self.shape
            && schema::same(known, field)
        {
            return shape.clone();
        }
        let shape = Shape::of(field, tools.config.optional_map_keys).map(Arc::new);
        self.shape = Some((field.clone(), shape.clone()));
        shape
    }

    fn file(
        &mut self,
        output: &str,
        batch: &SinkBatch,
        start: i64,
        tools: &Tools,
        create: impl FnOnce(Object, TopicPartition, i64) -> Result<OpenFile>,
    ) -> Result<&mut OpenFile> {
        let position = match self.open.iter().position(|(known, _)| known == output) {
            Some(position) => position,
            None => {
                let object = self.object(&batch.batch.topic, start, tools)?;
                self.open.push((output.to_owned(), create(object, self.origin.clone(), start)?));
                self.open.len() - 1
            }
        };
        match self.open.get_mut(position) {
            Some((_, file)) => Ok(file),
            None => Err(Error::internal("an open file is missing")),
        }
    }

    fn object(&self, topic: &str, start: i64, tools: &Tools) -> Result<Object> {
        let TopicPartition { topic: origin, partition } = &self.origin;
        let key = tools.config.layout.key(topic, &self.directory, origin, *partition, start);
        let path = Path::parse(&key).map_err(|error| {
            Error::fatal(format!("S3 takes no object named {key}"))
                .caused_by(error)
                .hint("topics.dir and directory.delim make the name")
        })?;
        let metadata = vec![("millstream-start-offset", start.to_string())];
        Ok(Object { path, metadata })
    }

    /// The barrier: all open files end here and go to S3 side by side.
    fn rotate(&mut self, tools: &Tools) -> Result<()> {
        for (_, file) in std::mem::take(&mut self.open) {
            let start = file.start();
            let upload = file.finish(&tools.settings, &tools.uploader)?;
            self.closed.push(Closed { start, upload });
        }
        Ok(())
    }

    /// The first upload that can never succeed.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.closed
            .iter()
            .map(|closed| &closed.upload)
            .chain(self.open.iter().filter_map(|(_, file)| file.upload()))
            .find_map(|upload| match upload.progress() {
                Progress::Failed(failure) => Some(failure.error()),
                _ => None,
            })
    }

    /// What keeps an upload from going on, if one is being repeated.
    pub(crate) fn trouble(&self) -> Option<Error> {
        self.closed.iter().find_map(|closed| match closed.upload.progress() {
            Progress::Running(Some(failure)) => Some(failure.error()),
            _ => None,
        })
    }

    /// The ends of the uploads of closed files, to wait for.
    pub(crate) fn uploads(&self) -> impl Iterator<Item = impl Future<Output = ()> + use<>> {
        self.closed.iter().map(|closed| closed.upload.ended())
    }

    /// The offset before which every record is in S3, or was left out on purpose; `None`: all that was delivered.
    pub(crate) fn first_open(&mut self) -> Option<i64> {
        // The object's existence is what S3 confirmed; only then its offsets stop holding the commit back.
        self.closed.retain(|closed| !matches!(closed.upload.progress(), Progress::Done));
        let closed = self.closed.iter().map(|closed| closed.start);
        closed.chain(self.open.iter().map(|(_, file)| file.start())).min()
    }

    /// Open files, for a look at their memory.
    pub(crate) fn open_files(&mut self) -> impl Iterator<Item = &mut OpenFile> {
        self.open.iter_mut().map(|(_, file)| file)
    }
}

fn report(batch: &SinkBatch, selected: &Selected, refused: Vec<(usize, String)>, tools: &Tools) -> Result<()> {
    let failures = refused.into_iter().map(|(row, why)| {
        let row = selected.number(row);
        let error = Error::data(format!("the record cannot be written to Parquet: {why}")).at(place(batch, row));
        RowFailure { row, error }
    });
    tools.host.report(batch, failures.collect())
}

fn is_json_null(text: &str) -> bool {
    // Nearly every text begins with a brace.
    !text.starts_with('{') && text.trim() == "null"
}

fn place(batch: &SinkBatch, row: usize) -> String {
    let offset = if row < batch.len() { batch.offset(row) } else { -1 };
    format!("topic {}, partition {}, offset {offset}", batch.origin.topic, batch.origin.partition)
}

fn without(rows: &RecordBatch, refused: &[usize]) -> Result<RecordBatch> {
    let mut keep = vec![true; rows.num_rows()];
    for row in refused {
        if let Some(slot) = keep.get_mut(*row) {
            *slot = false;
        }
    }
    compute::filter_record_batch(rows, &BooleanArray::from(keep)).map_err(cannot_select)
}

fn filtered<A: Array + Clone + 'static>(array: &A, keep: &BooleanArray) -> Result<A> {
    let kept = compute::filter(array, keep).map_err(cannot_select)?;
    kept.as_any().downcast_ref::<A>().cloned().ok_or_else(|| Error::internal("selecting rows changed their type"))
}

fn cannot_select(error: arrow::error::ArrowError) -> Error {
    Error::internal("cannot select rows").caused_by(error)
}
