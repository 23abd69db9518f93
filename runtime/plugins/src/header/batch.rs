//! The headers of a batch through a header converter, both ways.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, BinaryArray, UInt32Array};
use bytes::Bytes;
use indexmap::IndexMap;
use millstream_api::{Column, Converter, Error, Header, HeaderValue, Headers, HeadersBuilder, RowFailure, TypedValue};

use crate::transform::again;

/// Reads the header values of `rows` records that are bytes; values that are typed already stay. Values of one key are read
/// together.
///
/// A record with a value that cannot be read is among the failures, ascending, and that value stays bytes.
pub fn decode_headers(
    converter: &mut dyn Converter,
    topic: &str,
    headers: &Headers,
    rows: usize,
) -> (Headers, Vec<RowFailure>) {
    if headers.is_empty() {
        return (headers.clone(), Vec::new());
    }
    let mut by_key: IndexMap<&str, Keyed<'_>> = IndexMap::new();
    for row in 0..rows {
        for header in headers.row(row) {
            if let HeaderValue::Raw(bytes) = &header.value {
                let keyed = by_key.entry(&header.key).or_default();
                keyed.payloads.push(bytes.as_deref());
                keyed.rows.push(row);
            }
        }
    }
    let mut failures = Vec::new();
    for keyed in by_key.values_mut() {
        keyed.decode(converter, topic, &mut failures);
    }
    let mut out = HeadersBuilder::with_capacity(rows);
    for row in 0..rows {
        for header in headers.row(row) {
            let value = match &header.value {
                HeaderValue::Raw(_) => by_key.get_mut(&*header.key).and_then(Keyed::next),
                HeaderValue::Typed(_) => None,
            };
            out.push(match value {
                Some(value) => Header { key: header.key.clone(), value: HeaderValue::Typed(value) },
                None => header.clone(),
            });
        }
        out.end_row();
    }
    (out.finish(), sorted(failures))
}

/// The values of one header key, in order.
#[derive(Default)]
struct Keyed<'a> {
    payloads: Vec<Option<&'a [u8]>>,
    /// The record of each payload.
    rows: Vec<usize>,
    values: Vec<Option<TypedValue>>,
    taken: usize,
}

impl Keyed<'_> {
    fn decode(&mut self, converter: &mut dyn Converter, topic: &str, failures: &mut Vec<RowFailure>) {
        let decoded = converter.decode(topic, &BinaryArray::from_opt_vec(std::mem::take(&mut self.payloads)));
        self.values = vec![None; self.rows.len()];
        for run in decoded.runs {
            let column = Arc::new(run.column);
            for (row, value) in run.rows.clone().enumerate() {
                if let Some(place) = self.values.get_mut(value) {
                    *place = Some(TypedValue::new(column.clone(), row));
                }
            }
        }
        for failure in decoded.failures {
            if let Some(place) = self.values.get_mut(failure.row) {
                *place = None;
            }
            let row = self.rows.get(failure.row).copied().unwrap_or_default();
            failures.push(RowFailure { row, error: failure.error });
        }
    }

    fn next(&mut self) -> Option<TypedValue> {
        let value = self.values.get(self.taken).cloned().flatten();
        self.taken += 1;
        value
    }
}

/// Writes the header values of `rows` records that are typed; bytes stay as they are. Values of one column are written together,
/// and a value that many records share is written once.
///
/// A record with a value that cannot be written is among the failures, ascending, and that value becomes null.
pub fn encode_headers(
    converter: &mut dyn Converter,
    topic: &str,
    headers: &Headers,
    rows: usize,
) -> (Headers, Vec<RowFailure>) {
    if headers.is_empty() {
        return (headers.clone(), Vec::new());
    }
    let mut columns: HashMap<*const Column, Written<'_>> = HashMap::new();
    for row in 0..rows {
        for header in headers.row(row) {
            if let HeaderValue::Typed(value) = &header.value {
                let written = columns.entry(Arc::as_ptr(value.column())).or_insert_with(|| Written::of(value.column()));
                written.want(value.row());
            }
        }
    }
    for written in columns.values_mut() {
        written.encode(converter, topic);
    }
    let mut failures = Vec::new();
    let mut out = HeadersBuilder::with_capacity(rows);
    for row in 0..rows {
        for header in headers.row(row) {
            let HeaderValue::Typed(value) = &header.value else {
                out.push(header.clone());
                continue;
            };
            let bytes = match columns.get(&Arc::as_ptr(value.column())).map(|written| written.bytes(value.row())) {
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => {
                    failures.push(RowFailure { row, error: error.at(format!("header {}", header.key)) });
                    None
                }
                None => None,
            };
            out.push(Header { key: header.key.clone(), value: HeaderValue::Raw(bytes) });
        }
        out.end_row();
    }
    (out.finish(), sorted(failures))
}

/// A column of header values, and the bytes of those that are asked for.
struct Written<'a> {
    column: &'a Column,
    /// Rows of the column, each once, and where the bytes of each are.
    places: HashMap<usize, usize>,
    rows: Vec<u32>,
    payloads: BinaryArray,
    bytes: Bytes,
    failures: HashMap<usize, Error>,
}

impl<'a> Written<'a> {
    fn of(column: &'a Column) -> Self {
        Self {
            column,
            places: HashMap::new(),
            rows: Vec::new(),
            payloads: BinaryArray::new_null(0),
            bytes: Bytes::new(),
            failures: HashMap::new(),
        }
    }

    fn want(&mut self, row: usize) {
        let next = self.rows.len();
        if *self.places.entry(row).or_insert(next) == next {
            self.rows.push(row as u32);
        }
    }

    fn encode(&mut self, converter: &mut dyn Converter, topic: &str) {
        match self.column.take(&UInt32Array::from(std::mem::take(&mut self.rows))) {
            Ok(column) => {
                let encoded = converter.encode(topic, &column);
                self.bytes = Bytes::copy_from_slice(encoded.payloads.value_data());
                self.payloads = encoded.payloads;
                self.failures = encoded.failures.into_iter().map(|failure| (failure.row, failure.error)).collect();
            }
            Err(error) => self.failures = self.places.values().map(|place| (*place, again(&error))).collect(),
        }
    }

    fn bytes(&self, row: usize) -> Result<Option<Bytes>, Error> {
        let Some(place) = self.places.get(&row).copied() else { return Ok(None) };
        if let Some(error) = self.failures.get(&place) {
            return Err(again(error));
        }
        if place >= self.payloads.len() || self.payloads.is_null(place) {
            return Ok(None);
        }
        let offsets = self.payloads.value_offsets();
        let range = offsets.get(place).copied().zip(offsets.get(place + 1).copied());
        Ok(range.map(|(start, end)| self.bytes.slice(start as usize..end as usize)))
    }
}

/// One failure a record.
fn sorted(mut failures: Vec<RowFailure>) -> Vec<RowFailure> {
    failures.sort_by_key(|failure| failure.row);
    failures.dedup_by_key(|failure| failure.row);
    failures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{converter, header_converter};

    fn raw(key: &str, text: Option<&'static [u8]>) -> Header {
        Header::raw(key, text.map(Bytes::from_static))
    }

    #[test]
    fn values_are_read_by_key_and_written_back() {
        let headers = Headers::from_rows([
            vec![raw("a", Some(b"1")), raw("b", Some(b"x"))],
            vec![],
            vec![raw("a", Some(b"300")), raw("a", None), raw("b", Some(b"\xff"))],
        ]);
        let mut simple = header_converter("SimpleHeaderConverter").unwrap();
        let (typed, failures) = decode_headers(simple.as_mut(), "t", &headers, 3);
        assert!(failures.is_empty());
        let types: Vec<String> = (0..3)
            .flat_map(|row| typed.row(row).to_vec())
            .map(|header| match header.value {
                HeaderValue::Typed(value) => value.to_column().field().data_type().to_string(),
                HeaderValue::Raw(_) => "raw".to_owned(),
            })
            .collect();
        assert_eq!(types, ["Int8", "Utf8", "Int16", "Int16", "Utf8"]);
        let (written, failures) = encode_headers(simple.as_mut(), "t", &typed, 3);
        assert!(failures.is_empty());
        assert_eq!(written.row(0), headers.row(0));
        assert_eq!(written.row(2)[..2], headers.row(2)[..2]);
        assert_eq!(written.row(2)[2].bytes().map(|b| &b[..]), Some("\u{fffd}".as_bytes()));
        assert!(written.row(1).is_empty());
    }

    #[test]
    fn a_shared_value_is_written_for_every_record() {
        let column = Arc::new(super::super::literal("[1,2]").unwrap());
        let rows = (0..4).map(|row| if row == 1 { vec![] } else { vec![Header::typed("k", column.clone(), 0)] });
        let mut json = converter("JsonConverter").unwrap();
        let (written, failures) = encode_headers(json.as_mut(), "t", &Headers::from_rows(rows), 4);
        assert!(failures.is_empty() && written.row(1).is_empty());
        let text = written.row(3)[0].bytes().unwrap();
        assert!(text.ends_with(b"\"payload\":[1,2]}"), "{text:?}");
    }

    #[test]
    fn what_cannot_be_converted_names_its_record() {
        let headers =
            Headers::from_rows([vec![raw("a", Some(b"abcd"))], vec![raw("a", Some(b"x")), raw("a", Some(b"y"))]]);
        let mut integer = header_converter("IntegerConverter").unwrap();
        let (read, failures) = decode_headers(integer.as_mut(), "t", &headers, 2);
        assert_eq!(failures.iter().map(|failure| failure.row).collect::<Vec<_>>(), [1]);
        assert_eq!(read.row(1), headers.row(1), "what cannot be read stays");
        let mut boolean = header_converter("BooleanConverter").unwrap();
        let (written, failures) = encode_headers(boolean.as_mut(), "t", &read, 2);
        assert_eq!(failures.iter().map(|failure| failure.row).collect::<Vec<_>>(), [0]);
        assert!(failures[0].error.to_string().contains("header a"));
        assert_eq!(written.row(0)[0], raw("a", None));
    }
}
