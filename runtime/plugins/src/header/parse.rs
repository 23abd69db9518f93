//! The value that a text looks like, as Java's `Values.parseString` finds it.

use std::sync::LazyLock;

use num_bigint::BigInt;

use super::tokens::{Tokens, is_blank, trimmed};
use super::value::{Entries, Kind, Merged, Typed, Value, converted, once_each};
use crate::java::date_pattern::DatePattern;
use crate::java::number::Decimal;

/// Collections in collections that are read; what is deeper stays text.
const DEEPEST: usize = 200;

/// `None` is null. What looks like nothing else is text.
pub(super) fn parse(text: &str) -> Option<Typed> {
    if text.is_empty() {
        return Some(Typed::text(""));
    }
    let mut parser = Parser { tokens: Tokens::new(text), depth: 0 };
    // Only an embedded value can fail.
    parser.value(false).unwrap_or_else(|NoValue| Some(Typed::text(text)))
}

/// What stands there is no value of a collection: all of the collection is text.
#[derive(Debug)]
struct NoValue;

type Found = Result<Option<Typed>, NoValue>;

struct Parser<'a> {
    tokens: Tokens<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn value(&mut self, embedded: bool) -> Found {
        if !self.tokens.has_next() {
            return Ok(None);
        }
        if embedded && self.tokens.eat("\"") {
            return Ok(Some(self.quoted()));
        }
        for (word, value) in [("null", None), ("true", Some(true)), ("false", Some(false))] {
            if self.tokens.eat(word) {
                if !embedded && self.tokens.has_next() {
                    return Ok(Some(Typed::text(self.tokens.text)));
                }
                return Ok(value.map(|value| Typed::new(Kind::Boolean, Value::Boolean(value))));
            }
        }
        let start = self.tokens.mark();
        match self.collection() {
            Some(Ok(found)) => return Ok(Some(found)),
            Some(Err(NoValue)) => self.tokens.rewind(start),
            None => {}
        }
        let token = self.tokens.next();
        if is_blank(token) {
            return Ok(Some(Typed::text(token)));
        }
        self.token(embedded, trimmed(token))
    }

    fn collection(&mut self) -> Option<Result<Typed, NoValue>> {
        let is_array = self.tokens.eat("[");
        if !is_array && !self.tokens.eat("{") {
            return None;
        }
        if self.depth >= DEEPEST {
            return Some(Err(NoValue));
        }
        self.depth += 1;
        let found = if is_array { self.array() } else { self.map() };
        self.depth -= 1;
        Some(found)
    }

    fn token(&mut self, embedded: bool, token: &str) -> Found {
        // Digits of other scripts, which Java's numbers take too, stay text here.
        let is_digit = token.starts_with(|first: char| first.is_ascii_digit());
        if is_digit && let Some(found) = self.temporal_tokens(token) {
            return Ok(Some(found));
        }
        if (is_digit || token.starts_with(['+', '-']))
            && let Some(number) = number(token)
        {
            return Ok(Some(number));
        }
        if embedded { Err(NoValue) } else { Ok(Some(Typed::text(self.tokens.text))) }
    }

    fn quoted(&mut self) -> Typed {
        let mut content = String::new();
        while self.tokens.has_next() {
            if self.tokens.eat("\"") {
                break;
            }
            content.push_str(self.tokens.next());
        }
        temporal(&content).unwrap_or_else(|| Typed::text(content))
    }

    fn array(&mut self) -> Result<Typed, NoValue> {
        let mut items = Vec::new();
        let mut merged = Merged::default();
        while self.tokens.has_next() {
            if self.tokens.eat("]") {
                let kind = merged.common();
                let items = match &kind {
                    Some(kind) => {
                        items.into_iter().map(|item: Option<Typed>| converted(item?, kind).map(Some)).collect()
                    }
                    None => Some(items),
                };
                return Ok(Typed::new(Kind::Array(kind.map(Box::new)), Value::Array(items.ok_or(NoValue)?)));
            }
            if self.tokens.eat(",") {
                return Err(NoValue);
            }
            let item = self.value(true)?;
            merged.add(item.as_ref());
            items.push(item);
            let place = self.tokens.mark();
            if self.tokens.eat("]") {
                self.tokens.rewind(place);
            } else if !self.tokens.eat(",") {
                return Err(NoValue);
            }
        }
        Err(NoValue)
    }

    fn map(&mut self) -> Result<Typed, NoValue> {
        let mut entries = Entries::new();
        let (mut keys, mut values) = (Merged::default(), Merged::default());
        while self.tokens.has_next() {
            if self.tokens.eat("}") {
                let (keys, values) = (keys.common().map(Box::new), values.common().map(Box::new));
                // Values have a common type only beside one of the keys.
                let values = values.filter(|_| keys.is_some());
                let kind = Kind::Map(keys, values);
                let raw = Typed::new(Kind::Map(None, None), Value::Map(once_each(entries)));
                return converted(raw, &kind).ok_or(NoValue);
            }
            if self.tokens.eat(",") {
                return Err(NoValue);
            }
            let key = self.value(true)?.ok_or(NoValue)?;
            if !self.tokens.eat(":") {
                return Err(NoValue);
            }
            let value = self.value(true)?;
            self.tokens.eat(",");
            keys.add(Some(&key));
            values.add(value.as_ref());
            entries.push((key, value));
        }
        Err(NoValue)
    }

    /// Times hold colons, which cut them into five tokens.
    fn temporal_tokens(&mut self, token: &str) -> Option<Typed> {
        let place = self.tokens.mark();
        if let Some(more) = self.tokens.next_many(4)
            && let Some(found) = temporal(&format!("{token}{more}"))
        {
            return Some(found);
        }
        self.tokens.rewind(place);
        temporal(token)
    }
}

/// A date, time or timestamp, told by the length of the text.
fn temporal(text: &str) -> Option<Typed> {
    static PATTERNS: LazyLock<[Option<DatePattern>; 3]> = LazyLock::new(|| {
        ["yyyy-MM-dd", "HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"].map(|pattern| DatePattern::new(pattern).ok())
    });
    let text = text.replace("\\:", ":");
    let [date, time, timestamp] = &*PATTERNS;
    let (kind, pattern) = match text.encode_utf16().count() {
        10 => (Kind::Date, date),
        13 => (Kind::Time, time),
        24 => (Kind::Timestamp, timestamp),
        _ => return None,
    };
    let millis = pattern.as_ref()?.parse(&text).ok()?;
    Some(Typed::new(kind, Value::Millis(millis)))
}

/// Digits of numbers that are read; what is longer stays text.
const MOST_DIGITS: usize = 10_000;

/// The smallest type that holds a number: by its range, not by its precision.
fn number(token: &str) -> Option<Typed> {
    if token.len() > MOST_DIGITS {
        return None;
    }
    let decimal = Decimal::parse(token)?;
    if let Some(whole) = whole_long(&decimal) {
        return Some(Typed::integer(whole));
    }
    if decimal.scale != 0 {
        let single: f32 = token.parse().ok()?;
        if single.is_finite() {
            return Some(Typed::new(Kind::Float32, Value::Float32(single)));
        }
        let double: f64 = token.parse().ok()?;
        if double.is_finite() {
            return Some(Typed::new(Kind::Float64, Value::Float64(double)));
        }
    }
    Some(Typed::new(Kind::Decimal(decimal.scale), Value::Decimal(decimal.unscaled)))
}

/// The number, when it has no fraction and a long holds it.
fn whole_long(decimal: &Decimal) -> Option<i64> {
    if decimal.unscaled == BigInt::ZERO {
        return Some(0);
    }
    let power = decimal.scale.unsigned_abs();
    // No number of so few digits is whole after so many places, and none after so many zeros fits.
    if power > MOST_DIGITS as u64 || (decimal.scale < 0 && power > 18) {
        return None;
    }
    let tens = BigInt::from(10).pow(power as u32);
    let whole = match decimal.scale {
        ..0 => &decimal.unscaled * tens,
        _ if &decimal.unscaled % &tens != BigInt::ZERO => return None,
        _ => &decimal.unscaled / tens,
    };
    i64::try_from(&whole).ok()
}
