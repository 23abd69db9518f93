//! Encoded payloads of a batch, in one piece of memory.

use arrow::array::{BinaryArray, NullBufferBuilder};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use millstream_api::{Column, Encoded, Error, Result, RowFailure};

/// Payloads one after the other, with the rows that failed.
pub(crate) struct Arena {
    data: Vec<u8>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    failures: Vec<RowFailure>,
}

impl Arena {
    /// With room for so many payloads of so many bytes in all (a guess).
    pub fn new(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { data: Vec::with_capacity(bytes), offsets, nulls: NullBufferBuilder::new(rows), failures: Vec::new() }
    }

    /// A null payload.
    pub fn push_null(&mut self) {
        self.offsets.push(self.data.len() as i32);
        self.nulls.append_null();
    }

    /// The payload that `write` appends; a failure of the row when it cannot, or when the batch grows beyond 2 GiB.
    #[inline]
    pub fn push(&mut self, row: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) {
        let start = self.data.len();
        let written = write(&mut self.data);
        match (written, i32::try_from(self.data.len())) {
            (Ok(()), Ok(end)) => {
                self.offsets.push(end);
                self.nulls.append_non_null();
            }
            (written, _) => {
                self.data.truncate(start);
                let full = || Error::data("the payloads of one batch do not fit into 2 GiB");
                self.failures.push(RowFailure { row, error: written.err().unwrap_or_else(full) });
                self.push_null();
            }
        }
    }

    /// Only null payloads.
    pub fn nulls(self, rows: usize) -> Encoded {
        Encoded { payloads: BinaryArray::new_null(rows), failures: self.failures }
    }

    /// The batch.
    pub fn finish(self) -> Result<Encoded> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let payloads = BinaryArray::try_new(offsets, Buffer::from_vec(self.data), self.nulls.build())
            .map_err(|e| Error::internal("the payloads of a batch do not line up").caused_by(e))?;
        Ok(Encoded { payloads, failures: self.failures })
    }
}

/// What becomes of a column that cannot be written at all: every row that has something to write fails.
pub(crate) fn all_failed(column: &Column, error: &Error) -> Encoded {
    let rows = (0..column.len()).filter(|row| !column.is_absent(*row));
    let failures = rows.map(|row| RowFailure { row, error: Error::new(error.kind(), error.to_string()) }).collect();
    Encoded { payloads: BinaryArray::new_null(column.len()), failures }
}
