//! A Parquet file that grows in memory and gives its bytes away as soon as a part of them is complete.

use std::collections::VecDeque;
use std::io::{self, Write};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use bytes::{Bytes, BytesMut};
use millstream_api::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// Encoded bytes after which a row group is closed and leaves memory.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;
/// A dictionary that grows beyond this does not pay: its column goes on without.
const DICTIONARY_BYTES: usize = 256 * 1024;

/// Memory of a part grows from here.
const SMALLEST_PIECE: usize = 64 * 1024;

/// What all files of a task share.
#[derive(Clone, Debug)]
pub(crate) struct FileSettings {
    /// Bytes of a part.
    pub(crate) part_size: usize,
    pub(crate) compression: Compression,
}

/// A file being written.
pub(crate) struct ParquetFile {
    writer: ArrowWriter<Parts>,
}

/// Where encoded bytes go until they are taken: pieces of the size of a part, so that a part sent is memory set free.
#[derive(Debug)]
struct Parts {
    size: usize,
    complete: VecDeque<Bytes>,
    filling: BytesMut,
}

impl Parts {
    fn len(&self) -> usize {
        self.complete.iter().map(Bytes::len).sum::<usize>() + self.filling.len()
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.filling.len() >= self.size {
            self.complete.push_back(self.filling.split().freeze());
            self.filling = BytesMut::new();
        }
        let taken = bytes.len().min(self.size - self.filling.len());
        let needed = self.filling.len() + taken;
        if needed > self.filling.capacity() {
            // Doubling, but not beyond the part: what is reserved is held.
            let capacity = needed.max(self.filling.capacity().saturating_mul(2)).max(SMALLEST_PIECE).min(self.size);
            self.filling.reserve(capacity.max(needed) - self.filling.len());
        }
        self.filling.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ParquetFile {
    /// An empty file of this schema; `root` names the schema in the file.
    pub(crate) fn create(schema: SchemaRef, root: &str, settings: &FileSettings) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(settings.compression)
            .set_created_by(concat!("millstream-s3 version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            // List items are `element` and map entries `key_value`, as the format asks, whatever the arrays call them.
            .set_coerce_types(true)
            .build();
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            // Readers see plain Parquet; Arrow's own copy of the schema would only repeat it.
            .with_skip_arrow_metadata(true)
            .with_schema_root(root.to_owned());
        let parts = Parts { size: settings.part_size.max(1), complete: VecDeque::new(), filling: BytesMut::new() };
        let writer = ArrowWriter::try_new_with_options(parts, schema, options).map_err(cannot_write)?;
        Ok(Self { writer })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        self.writer.write(rows).map_err(cannot_write)
    }

    /// Closes the row group that is being filled, so that it can leave memory.
    pub(crate) fn close_row_group(&mut self) -> Result<()> {
        self.writer.flush().and_then(|()| self.writer.sync().map_err(Into::into)).map_err(cannot_write)
    }

    /// Bytes held by the row group that is being filled.
    pub(crate) fn row_group_bytes(&self) -> usize {
        self.writer.memory_size()
    }

    /// All bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.row_group_bytes() + self.writer.inner().len()
    }

    /// The next part that is complete.
    pub(crate) fn take_part(&mut self) -> Option<Bytes> {
        self.writer.inner_mut().complete.pop_front()
    }

    /// What there is of the part that is being filled, if it is of at least this size.
    pub(crate) fn take_unfilled_part(&mut self, least: usize) -> Option<Bytes> {
        let filling = &mut self.writer.inner_mut().filling;
        (filling.len() >= least).then(|| std::mem::take(filling).freeze())
    }

    /// The size of parts from the next one on.
    pub(crate) fn set_part_size(&mut self, size: usize) {
        self.writer.inner_mut().size = size.max(1);
    }

    /// Ends the file: writes what is open and the footer with these entries, and gives the parts that are left, the last one
    /// apart.
    pub(crate) fn finish(mut self, footer: &[(&'static str, String)]) -> Result<(VecDeque<Bytes>, Bytes)> {
        for (key, value) in footer {
            self.writer.append_key_value_metadata(KeyValue::new((*key).to_owned(), value.clone()));
        }
        self.writer.finish().map_err(cannot_write)?;
        let parts = self.writer.inner_mut();
        Ok((std::mem::take(&mut parts.complete), std::mem::take(&mut parts.filling).freeze()))
    }
}

fn cannot_write(error: parquet::errors::ParquetError) -> Error {
    Error::internal("cannot encode rows as Parquet").caused_by(error)
}
