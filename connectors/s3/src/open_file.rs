//! A file being filled: rows go in, and complete parts leave for S3 while it grows.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use millstream_api::{MemoryBudget, Reservation, Result, TopicPartition};

use crate::inference::{Columns, Rows, Sample};
use crate::parquet_file::{FileSettings, ParquetFile, Shape};
use crate::upload::{Object, Upload, Uploader};

/// Smallest part S3 takes.
const LEAST_PART: usize = 5 * 1024 * 1024;
/// S3 takes 10,000 parts: they double after so many, which is enough for any object.
const PARTS_OF_A_SIZE: usize = 1500;
/// Closing a row group below this early would free little and make files of crumbs.
const WORTH_CLOSING: usize = 1024 * 1024;
/// Root of the schema of files without a Connect schema.
const SCHEMALESS_ROOT: &str = "schema";

enum Content {
    /// Rows with a schema.
    Typed(ParquetFile),
    /// JSON rows, while the columns are open.
    Sampling(Sample),
    /// JSON rows of fixed columns.
    Inferred(Columns, ParquetFile),
}

/// One open file of a Kafka partition.
pub(crate) struct OpenFile {
    object: Object,
    origin: TopicPartition,
    start: i64,
    end: i64,
    rows: u64,
    content: Content,
    upload: Option<Upload>,
    parts: usize,
    memory: Reservation,
}

/// The offsets and the number of rows that are added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) rows: usize,
}

impl OpenFile {
    /// A file for rows with a schema, beginning at `start`.
    pub(crate) fn typed(
        object: Object,
        origin: TopicPartition,
        start: i64,
        shape: &Shape,
        settings: &FileSettings,
        budget: &MemoryBudget,
    ) -> Result<Self> {
        let file = ParquetFile::create(shape.schema.clone(), &shape.root, settings)?;
        Ok(Self::new(object, origin, start, Content::Typed(file), budget))
    }

    /// A file for JSON rows, beginning at `start`.
    pub(crate) fn schemaless(object: Object, origin: TopicPartition, start: i64, budget: &MemoryBudget) -> Self {
        Self::new(object, origin, start, Content::Sampling(Sample::default()), budget)
    }

    fn new(object: Object, origin: TopicPartition, start: i64, content: Content, budget: &MemoryBudget) -> Self {
        let memory = budget.reserve(0);
        Self { object, origin, start, end: start, rows: 0, content, upload: None, parts: 0, memory }
    }

    /// Offset of its first record.
    pub(crate) fn start(&self) -> i64 {
        self.start
    }

    /// Its upload, when parts of it are on their way.
    pub(crate) fn upload(&self) -> Option<&Upload> {
        self.upload.as_ref()
    }

    /// Adds rows of the file's schema.
    pub(crate) fn write(&mut self, rows: &RecordBatch, span: Span) -> Result<()> {
        if let Content::Typed(file) = &mut self.content {
            file.write(rows)?;
        }
        self.added(span);
        Ok(())
    }

    /// Adds JSON rows.
    pub(crate) fn write_json(&mut self, rows: &Rows, span: Span, settings: &FileSettings) -> Result<()> {
        let rest = match &mut self.content {
            Content::Sampling(sample) => sample.take(rows),
            _ => Some(rows.clone()),
        };
        if matches!(&self.content, Content::Sampling(sample) if sample.is_full()) && rest.is_some() {
            self.fix_columns(false, settings)?;
        }
        if let (Content::Inferred(columns, file), Some(rest)) = (&mut self.content, rest) {
            file.write(&columns.rows(&rest)?)?;
        }
        self.added(span);
        Ok(())
    }

    fn added(&mut self, span: Span) {
        self.end = span.last;
        self.rows += span.rows as u64;
        self.memory.resize(self.held());
    }

    /// Bytes of memory held by rows and by parts that are not sent yet.
    fn held(&self) -> usize {
        match &self.content {
            Content::Typed(file) | Content::Inferred(_, file) => file.memory(),
            Content::Sampling(sample) => sample.memory(),
        }
    }

    /// Bytes that [`OpenFile::relieve`] could set free or shrink.
    pub(crate) fn relief(&self) -> usize {
        let bytes = match &self.content {
            Content::Typed(file) | Content::Inferred(_, file) => file.row_group_bytes(),
            Content::Sampling(sample) => sample.memory(),
        };
        if bytes >= WORTH_CLOSING { bytes } else { 0 }
    }

    /// Encodes what waits, so that it can leave memory. Never moves the file's end.
    pub(crate) fn relieve(&mut self, settings: &FileSettings, uploader: &Uploader) -> Result<()> {
        match &mut self.content {
            Content::Typed(file) | Content::Inferred(_, file) => file.close_row_group()?,
            Content::Sampling(_) => self.fix_columns(false, settings)?,
        }
        self.send_parts(uploader, settings);
        if let Content::Typed(file) | Content::Inferred(_, file) = &mut self.content
            && let Some(part) = file.take_unfilled_part(LEAST_PART)
        {
            self.send(part, uploader);
        }
        self.memory.resize(self.held());
        Ok(())
    }

    fn fix_columns(&mut self, complete: bool, settings: &FileSettings) -> Result<()> {
        let Content::Sampling(sample) = &mut self.content else { return Ok(()) };
        let (columns, waiting) = std::mem::take(sample).fix(complete);
        let mut file = ParquetFile::create(columns.schema().clone(), SCHEMALESS_ROOT, settings)?;
        for rows in waiting {
            file.write(&columns.rows(&rows)?)?;
        }
        self.content = Content::Inferred(columns, file);
        Ok(())
    }

    /// Sends the parts that are complete.
    pub(crate) fn send_parts(&mut self, uploader: &Uploader, settings: &FileSettings) {
        while let Content::Typed(file) | Content::Inferred(_, file) = &mut self.content {
            file.set_part_size(settings.part_size << (self.parts / PARTS_OF_A_SIZE).min(8));
            match file.take_part() {
                Some(part) => self.send(part, uploader),
                None => break,
            }
        }
        self.memory.resize(self.held());
    }

    fn send(&mut self, part: Bytes, uploader: &Uploader) {
        self.upload.get_or_insert_with(|| uploader.start(self.object.clone())).part(uploader.hold(part));
        self.parts += 1;
    }

    /// Ends the file and sends what is left of it.
    pub(crate) fn finish(mut self, settings: &FileSettings, uploader: &Uploader) -> Result<Upload> {
        self.fix_columns(true, settings)?;
        let marks = [("millstream-end-offset", self.end.to_string()), ("millstream-records", self.rows.to_string())];
        let mut footer = vec![
            ("millstream-topic", self.origin.topic.to_string()),
            ("millstream-partition", self.origin.partition.to_string()),
            ("millstream-start-offset", self.start.to_string()),
        ];
        footer.extend(marks.clone());
        let (parts, rest) = match self.content {
            Content::Typed(file) | Content::Inferred(_, file) => file.finish(&footer)?,
            Content::Sampling(_) => Default::default(),
        };
        let upload = match self.upload {
            Some(upload) => upload,
            None => {
                let mut object = self.object;
                object.metadata.extend(marks);
                uploader.start(object)
            }
        };
        for part in parts {
            upload.part(uploader.hold(part));
        }
        upload.finish(uploader.hold(rest));
        Ok(upload)
    }
}
