//! The binary stream of `COPY ... TO STDOUT`: a header, rows of length-prefixed fields, a trailer.

use millstream_api::{Error, Result};

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
const HEADER: usize = 19;

/// The fields of one row, within the bytes they came in.
#[derive(Clone, Copy)]
pub struct RowFields<'a> {
    bytes: &'a [u8],
    /// Start and end of each; `None` is null.
    ranges: &'a [Option<(usize, usize)>],
}

impl<'a> RowFields<'a> {
    /// The bytes of a field; `None` is null.
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        let (start, end) = (*self.ranges.get(i)?)?;
        self.bytes.get(start..end)
    }
}

/// Splits the stream into rows. The server sends a row per message, but nothing relies on that.
#[derive(Debug)]
pub struct CopyParser {
    fields: usize,
    carry: Vec<u8>,
    ranges: Vec<Option<(usize, usize)>>,
    header_done: bool,
    ended: bool,
}

/// What a look at the bytes gave.
enum Step {
    /// A row, and where the next one begins.
    Row(usize),
    /// The end of the stream.
    End,
    /// Not all of it is here yet.
    More,
}

fn malformed(what: &str) -> Error {
    Error::retriable(format!("the stream of rows is damaged: {what}"))
}

impl CopyParser {
    /// For rows of this many fields.
    pub fn new(fields: usize) -> Self {
        Self { fields, carry: Vec::new(), ranges: Vec::with_capacity(fields), header_done: false, ended: false }
    }

    /// Takes the next bytes and calls `row` for each row that is complete, in order.
    pub fn feed(&mut self, message: &[u8], mut row: impl FnMut(RowFields<'_>) -> Result<()>) -> Result<()> {
        if self.carry.is_empty() {
            let used = self.consume(message, &mut row)?;
            self.carry.extend_from_slice(message.get(used..).unwrap_or_default());
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.carry);
        bytes.extend_from_slice(message);
        let used = self.consume(&bytes, &mut row)?;
        bytes.drain(..used.min(bytes.len()));
        self.carry = bytes;
        Ok(())
    }

    /// True once the trailer has been seen. A stream that ends without it was cut off.
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    fn consume(&mut self, bytes: &[u8], row: &mut impl FnMut(RowFields<'_>) -> Result<()>) -> Result<usize> {
        let mut at = 0;
        if !self.header_done {
            let Some(header) = bytes.get(..HEADER) else { return Ok(0) };
            if !header.starts_with(SIGNATURE) {
                return Err(malformed("it does not begin as it should"));
            }
            let extension = u32::from_be_bytes([header[15], header[16], header[17], header[18]]) as usize;
            if bytes.len() - HEADER < extension {
                return Ok(0);
            }
            at = HEADER + extension;
            self.header_done = true;
        }
        while !self.ended {
            match self.step(bytes, at)? {
                Step::More => break,
                Step::Row(next) => {
                    row(RowFields { bytes, ranges: &self.ranges })?;
                    at = next;
                }
                Step::End => {
                    self.ended = true;
                    at = bytes.len();
                }
            }
        }
        Ok(at)
    }

    fn step(&mut self, bytes: &[u8], mut at: usize) -> Result<Step> {
        let Some(count) = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()) else { return Ok(Step::More) };
        let count = i16::from_be_bytes(*count);
        if count == -1 {
            return Ok(Step::End);
        }
        if usize::try_from(count).ok() != Some(self.fields) {
            return Err(malformed("a row has another number of fields than was asked for"));
        }
        at += 2;
        self.ranges.clear();
        for _ in 0..self.fields {
            let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(Step::More) };
            let length = i32::from_be_bytes(*length);
            at += 4;
            if length == -1 {
                self.ranges.push(None);
                continue;
            }
            let length = usize::try_from(length).map_err(|_| malformed("a field has a negative length"))?;
            if bytes.len() - at < length {
                return Ok(Step::More);
            }
            self.ranges.push(Some((at, at + length)));
            at += length;
        }
        Ok(Step::Row(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 2, 9, 9]);
        for (one, two) in [(Some(&b"abc"[..]), None), (Some(b""), Some(&b"x"[..]))] {
            bytes.extend(2i16.to_be_bytes());
            for field in [one, two] {
                bytes.extend(field.map_or(-1, |field| field.len() as i32).to_be_bytes());
                bytes.extend(field.unwrap_or_default());
            }
        }
        bytes.extend((-1i16).to_be_bytes());
        bytes
    }

    fn rows(parts: &[&[u8]]) -> Result<Vec<Vec<Option<Vec<u8>>>>> {
        let mut parser = CopyParser::new(2);
        let mut rows = Vec::new();
        for part in parts {
            parser.feed(part, |row| {
                rows.push((0..2).map(|i| row.get(i).map(<[u8]>::to_vec)).collect());
                Ok(())
            })?;
        }
        if parser.is_complete() { Ok(rows) } else { Err(malformed("cut off")) }
    }

    #[test]
    fn any_cut_of_the_stream_gives_the_same_rows() {
        let bytes = stream();
        let whole = rows(&[&bytes]).unwrap();
        assert_eq!(whole, [[Some(b"abc".to_vec()), None], [Some(vec![]), Some(b"x".to_vec())]]);
        for cut in 0..bytes.len() {
            let (one, two) = bytes.split_at(cut);
            assert_eq!(rows(&[one, two]).unwrap(), whole, "{cut}");
            assert!(rows(&[one]).is_err(), "{cut}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(rows(&single).unwrap(), whole);
    }

    #[test]
    fn damage_is_noticed() {
        let mut bytes = stream();
        bytes[0] = b'X';
        assert!(rows(&[&bytes]).is_err());
        let mut bytes = stream();
        bytes[22] = 3;
        assert!(rows(&[&bytes]).unwrap_err().to_string().contains("number of fields"));
    }
}
