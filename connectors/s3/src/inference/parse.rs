//! Parsing of a batch's JSON texts, once.

use std::ops::Range;

use arrow::array::{Array, StringArray};
use sonic_rs::{JsonContainerTrait as _, Value};

/// A value nested deeper than this is refused: what walks it may recurse.
const DEEPEST: usize = 1000;

/// Parsed values of consecutive rows.
#[derive(Debug)]
pub(crate) struct Documents {
    values: Values,
    /// `ends[i]`: bytes of text of rows 0 to i.
    ends: Vec<usize>,
}

#[derive(Debug)]
enum Values {
    /// One array for all rows: one allocation for the whole batch.
    Together(Value),
    /// A value for each row.
    Each(Vec<Value>),
}

/// A row that is no JSON text that can be taken.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Its number.
    pub(crate) row: usize,
    /// Why.
    pub(crate) why: String,
}

/// Parses texts; none may be null. With refused rows there are no documents: the caller leaves them out and comes again.
pub(crate) fn parse(texts: &StringArray) -> Result<Documents, Vec<Refused>> {
    let rows = texts.len();
    let (mut ends, mut total) = (Vec::with_capacity(rows), 0);
    let mut refused = Vec::new();
    for row in 0..rows {
        let text = texts.value(row);
        total += text.len();
        ends.push(total);
        if is_too_deep(text.as_bytes()) {
            refused.push(Refused { row, why: format!("the JSON value is nested deeper than {DEEPEST}") });
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut joined = Vec::with_capacity(total + rows + 2);
    joined.push(b'[');
    for row in 0..rows {
        if row > 0 {
            joined.push(b',');
        }
        joined.extend_from_slice(texts.value(row).as_bytes());
    }
    joined.push(b']');
    if let Ok(value) = sonic_rs::from_slice::<Value>(&joined)
        && value.as_array().is_some_and(|items| items.len() == rows)
    {
        return Ok(Documents { values: Values::Together(value), ends });
    }
    let mut each = Vec::with_capacity(rows);
    for row in 0..rows {
        match sonic_rs::from_str::<Value>(texts.value(row)) {
            Ok(value) => each.push(value),
            // The parser's own text quotes the value, which must not reach a log.
            Err(error) => {
                refused.push(Refused { row, why: format!("the value is not valid JSON (at byte {})", error.offset()) });
            }
        }
    }
    if refused.is_empty() { Ok(Documents { values: Values::Each(each), ends }) } else { Err(refused) }
}

fn is_too_deep(text: &[u8]) -> bool {
    let opening = |byte: &u8| matches!(byte, b'[' | b'{');
    if text.len() <= DEEPEST || text.iter().filter(|byte| opening(byte)).count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > DEEPEST {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

impl Documents {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The values of some rows.
    pub(super) fn values(&self, rows: Range<usize>) -> impl Iterator<Item = &Value> {
        let all: &[Value] = match &self.values {
            Values::Together(array) => array.as_array().map_or(&[], |array| array.as_slice()),
            Values::Each(values) => values,
        };
        all.get(rows).unwrap_or_default().iter()
    }

    /// Bytes of text of some rows.
    pub(super) fn text_bytes(&self, rows: Range<usize>) -> usize {
        self.before(rows.end) - self.before(rows.start)
    }

    /// How many of these rows it takes to reach `bytes` of text.
    pub(super) fn rows_until(&self, rows: Range<usize>, bytes: usize) -> usize {
        let goal = self.before(rows.start) + bytes;
        let row = self.ends.partition_point(|end| *end < goal);
        if bytes == 0 { 0 } else { row + 1 - rows.start }
    }

    fn before(&self, row: usize) -> usize {
        row.checked_sub(1).and_then(|row| self.ends.get(row)).copied().unwrap_or(0)
    }
}
