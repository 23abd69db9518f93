//! Byte strings of a column, one after the other.

use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};

/// Values of a text or byte column: all bytes in one place, and where each value ends.
pub(crate) struct Bytes {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

impl Default for Bytes {
    fn default() -> Self {
        Self { offsets: vec![0], data: Vec::new() }
    }
}

impl Bytes {
    pub fn reserve(&mut self, rows: usize) {
        self.offsets.reserve(rows);
    }

    pub fn reserve_bytes(&mut self, bytes: usize) {
        self.data.reserve(bytes);
    }

    /// False when the batch would hold more than Arrow's 32-bit offsets can tell.
    #[inline]
    pub fn push(&mut self, value: &[u8]) -> bool {
        let Ok(end) = i32::try_from(self.data.len() + value.len()) else { return false };
        self.data.extend_from_slice(value);
        self.offsets.push(end);
        true
    }

    #[inline]
    pub fn push_empty(&mut self) {
        self.offsets.push(self.data.len() as i32);
    }

    /// Appends what `write` appends; nothing when it fails or there is no room.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<bool, E> {
        let start = self.data.len();
        let written = write(&mut self.data);
        match (written, i32::try_from(self.data.len())) {
            (Ok(()), Ok(end)) => {
                self.offsets.push(end);
                Ok(true)
            }
            (result, _) => {
                self.data.truncate(start);
                result.map(|()| false)
            }
        }
    }

    pub fn value(&self, index: usize) -> &[u8] {
        let bounds = self.offsets.get(index).zip(self.offsets.get(index + 1));
        bounds.and_then(|(start, end)| self.data.get(*start as usize..*end as usize)).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        self.data.truncate(self.offsets.last().map_or(0, |end| *end as usize));
    }

    pub fn into_parts(self) -> (OffsetBuffer<i32>, Buffer) {
        (OffsetBuffer::new(ScalarBuffer::from(self.offsets)), Buffer::from_vec(self.data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_forgets_the_bytes_too() {
        let mut bytes = Bytes::default();
        bytes.push(b"ab");
        bytes.push_empty();
        bytes.push(b"cd");
        bytes.truncate(1);
        bytes.push(b"e");
        assert_eq!((bytes.value(0), bytes.value(1), bytes.len()), (&b"ab"[..], &b"e"[..], 2));
        let failed: Result<bool, ()> = bytes.push_with(|data| {
            data.push(1);
            Err(())
        });
        assert!(failed.is_err());
        assert_eq!(bytes.into_parts().1.as_slice(), b"abe");
    }
}
