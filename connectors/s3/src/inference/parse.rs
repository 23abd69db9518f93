//! Parsing of a batch's JSON texts, once.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::Range;
use std::sync::LazyLock;

use arrow::array::{Array, StringArray};
use sonic_rs::{JsonContainerTrait as _, JsonValueTrait as _, Value};

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
    /// One array for all rows, a mark between two: one allocation for the whole batch.
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
    if let Some(together) = together(texts, total) {
        return Ok(Documents { values: Values::Together(together), ends });
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

/// Parses all rows as one array. A row that is no JSON value can only spoil it: the mark between rows is in no row, so the marks
/// stand where they should only if each row is exactly one value.
fn together(texts: &StringArray, total: usize) -> Option<Value> {
    let rows = texts.len();
    let mark = mark();
    let mut joined = Vec::with_capacity(total + rows * (mark.len() + 4) + 2);
    joined.push(b'[');
    for row in 0..rows {
        if row > 0 {
            joined.extend_from_slice(b",\"");
            joined.extend_from_slice(mark.as_bytes());
            joined.extend_from_slice(b"\",");
        }
        joined.extend_from_slice(texts.value(row).as_bytes());
    }
    joined.push(b']');
    let value = sonic_rs::from_slice::<Value>(&joined).ok()?;
    let items = value.as_array()?;
    let marked = items.iter().skip(1).step_by(2).all(|item| item.as_str() == Some(mark));
    (marked && items.len() + 1 == 2 * rows).then_some(value)
}

/// A text no record can know of: random, and another in each process.
fn mark() -> &'static str {
    static MARK: LazyLock<String> = LazyLock::new(|| {
        let random = || RandomState::new().build_hasher().finish();
        format!("{:016x}{:016x}", random(), random())
    });
    &MARK
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
        let (all, stride): (&[Value], usize) = match &self.values {
            Values::Together(array) => (array.as_array().map_or(&[], |array| array.as_slice()), 2),
            Values::Each(values) => (values, 1),
        };
        all.get(rows.start * stride..).unwrap_or_default().iter().step_by(stride).take(rows.len())
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
