//! Payloads into builders, driven by the schema.
//!
//! Unlike Kafka Connect's converter this one makes nothing up. What Java turns into another value in silence is refused here:
//!
//! | Payload | Java | here |
//! |---|---|---|
//! | not of the schema's type (text for a number, a number for text, ...) | 0, false, null or empty | refused |
//! | an integer too large for its type | its low bits | refused |
//! | a fraction for an integer | cut off | refused (`1e3` and `2.0` are whole, and taken) |
//! | a float out of range | Infinity | refused |
//! | `"NaN"`, `"Infinity"`, `"-Infinity"`, `-0.0` as float, as the converter itself writes them | 0.0 | that value |
//! | a number for a Decimal | keeps its own scale | the schema's scale; refused if digits would be lost |
//! | text after the value | ignored | refused |

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use super::builder::{Builder, Members, Values};
use super::cursor::{Cursor, Kind};
use super::decimal::{BASE64, Decimals, Unscaled, lenient_base64};
use super::misfit::{Fit, Misfit, Wrong};
use super::text::Bytes;
use base64::Engine;

impl Builder {
    /// Reads one value as the next row. After an error the builder holds rests of it: [`Builder::truncate`] removes them.
    pub fn read(&mut self, cursor: &mut Cursor<'_>) -> Fit {
        let kind = cursor.kind()?;
        if kind == Kind::Null {
            cursor.null()?;
            return self.read_nothing();
        }
        match &mut self.values {
            Values::Int8(v) => v.push(read_integer(cursor, kind, "int8")?),
            Values::Int16(v) => v.push(read_integer(cursor, kind, "int16")?),
            Values::Int32(v) => v.push(read_integer(cursor, kind, "int32")?),
            Values::Int64(v) => v.push(read_integer(cursor, kind, "int64")?),
            // Rounded once: a double in between would now and then give the neighbour.
            Values::Float32(v) => v.push(read_float(cursor, kind, "float", f32::is_finite)?),
            Values::Float64(v) => v.push(read_float(cursor, kind, "double", f64::is_finite)?),
            Values::Boolean(v) => match kind {
                Kind::Boolean => v.append(cursor.boolean()?),
                _ => return Err(Misfit::expected("boolean")),
            },
            Values::String(v) => match kind {
                Kind::String => full_unless(v.push(cursor.string()?.as_bytes()))?,
                _ => return Err(Misfit::expected("string")),
            },
            Values::Bytes(v) => read_bytes(v, cursor, kind)?,
            Values::Decimal(v) => read_decimal(v, cursor, kind)?,
            Values::Date(v) => v.push(read_whole(cursor, kind, "Date (days since 1970-01-01 as int32)")?),
            Values::Time(v) => {
                let expected = "Time (milliseconds of a day as int32)";
                let value = read_whole(cursor, kind, expected)?;
                // Java takes the end of the day too.
                if !(0..=86_400_000).contains(&value) {
                    return Err(Misfit::expected(expected));
                }
                v.push(value);
            }
            Values::Timestamp(v) => v.push(read_whole(cursor, kind, "Timestamp (epoch milliseconds as int64)")?),
            Values::List { offsets, items } => {
                let count = read_items(items, cursor, kind)?;
                offsets.push(count);
            }
            Values::Map { offsets, keys, values, .. } => {
                let start = offsets.last().map_or(0, |start| *start as usize);
                let end = match &mut keys.values {
                    Values::String(names) => {
                        let end = read_object_map(names, start, values, cursor, kind)?;
                        let added = end.saturating_sub(keys.nulls.len());
                        keys.nulls.append_n_non_nulls(added);
                        end
                    }
                    _ => read_pairs(keys, values, cursor, kind)?,
                };
                offsets.push(i32::try_from(end).map_err(|_| Wrong::Full)?);
            }
            Values::Struct(members) => read_struct(members, self.nulls.len(), cursor, kind)?,
            Values::Json(v) => v.read(cursor)?,
        }
        self.nulls.append_non_null();
        Ok(())
    }

    /// Takes a null, or a field that is not there: the default if there is one, else null if the schema takes it.
    fn read_nothing(&mut self) -> Fit {
        if let Some(default) = self.default.clone() {
            return self.read(&mut Cursor::new(&default));
        }
        if !self.is_optional() {
            return Err(Misfit::expected("a value, as the field is required,"));
        }
        self.push_null();
        Ok(())
    }
}

fn full_unless(room: bool) -> Fit {
    if room { Ok(()) } else { Err(Wrong::Full.into()) }
}

#[inline]
fn read_integer<T: TryFrom<i64>>(cursor: &mut Cursor<'_>, kind: Kind, expected: &'static str) -> Fit<T> {
    if kind != Kind::Number {
        return Err(Misfit::expected(expected));
    }
    let value = match cursor.integer() {
        Some(value) => Some(value),
        None => {
            let text = cursor.number()?;
            text.parse::<i64>().ok().or_else(|| whole_number(text))
        }
    };
    value.and_then(|value| T::try_from(value).ok()).ok_or_else(|| Misfit::expected(expected))
}

/// Of a logical type, as [`read_integer`], but neither point nor exponent is taken: Java refuses them here.
fn read_whole<T: TryFrom<i64>>(cursor: &mut Cursor<'_>, kind: Kind, expected: &'static str) -> Fit<T> {
    if kind != Kind::Number {
        return Err(Misfit::expected(expected));
    }
    let value = match cursor.integer() {
        Some(value) => Some(value),
        None => cursor.number()?.parse::<i64>().ok(),
    };
    value.and_then(|value| T::try_from(value).ok()).ok_or_else(|| Misfit::expected(expected))
}

/// A number with a point or an exponent that is whole all the same.
fn whole_number(text: &str) -> Option<i64> {
    match Unscaled::of_number(text, 0)? {
        Unscaled::Small(value) => i64::try_from(value).ok(),
        Unscaled::Big(_) => None,
    }
}

fn read_float<F: FromStr + Copy>(
    cursor: &mut Cursor<'_>,
    kind: Kind,
    expected: &'static str,
    is_finite: fn(F) -> bool,
) -> Fit<F> {
    let value = match kind {
        Kind::Number => cursor.number()?.parse::<F>().ok().filter(|value| is_finite(*value)),
        Kind::String => match cursor.string()?.as_ref() {
            special @ ("NaN" | "Infinity" | "-Infinity") => special.parse().ok(),
            _ => None,
        },
        _ => None,
    };
    value.ok_or_else(|| Misfit::expected(expected))
}

fn read_bytes(bytes: &mut Bytes, cursor: &mut Cursor<'_>, kind: Kind) -> Fit {
    if kind != Kind::String {
        return Err(Misfit::expected("bytes as a base64 string"));
    }
    let text = cursor.string()?;
    if let Ok(room) = bytes.push_with(|data| BASE64.decode_vec(text.as_bytes(), data)) {
        return full_unless(room);
    }
    let decoded = lenient_base64(&text).ok_or_else(|| Misfit::expected("bytes as a base64 string"))?;
    full_unless(bytes.push(&decoded))
}

fn read_decimal(decimals: &mut Decimals, cursor: &mut Cursor<'_>, kind: Kind) -> Fit {
    const EXPECTED: &str = "Decimal of the schema's scale (a number, or its bytes as a base64 string)";
    let value = match kind {
        Kind::Number => Unscaled::of_number(cursor.number()?, decimals.scale()),
        Kind::String => {
            let text = cursor.string()?;
            let mut small = [0; 48];
            match BASE64.decode_slice(text.as_bytes(), &mut small) {
                Ok(len) => small.get(..len).and_then(Unscaled::of_bytes),
                Err(_) => lenient_base64(&text).and_then(|bytes| Unscaled::of_bytes(&bytes)),
            }
        }
        _ => None,
    };
    full_unless(decimals.push(value.ok_or_else(|| Misfit::expected(EXPECTED))?))
}

/// Reads an array; how many items the column has then.
fn read_items(items: &mut Builder, cursor: &mut Cursor<'_>, kind: Kind) -> Fit<i32> {
    if kind != Kind::Array {
        return Err(Misfit::expected("array"));
    }
    cursor.expect(b'[', "an array")?;
    let start = items.len();
    if !cursor.eat(b']') {
        loop {
            items.read(cursor).map_err(|e| e.in_item(items.len() - start))?;
            if !cursor.eat(b',') {
                cursor.expect(b']', "a comma or the end of an array")?;
                break;
            }
        }
    }
    Ok(i32::try_from(items.len()).map_err(|_| Wrong::Full)?)
}

/// Reads a map with string keys, an object; how many entries the column has then.
fn read_object_map(
    names: &mut Bytes,
    start: usize,
    values: &mut Builder,
    cursor: &mut Cursor<'_>,
    kind: Kind,
) -> Fit<usize> {
    if kind != Kind::Object {
        return Err(Misfit::expected("map with string keys (an object)"));
    }
    let again = cursor.clone();
    read_entries(names, start, values, cursor, |_| true)?;
    let unique = if names.len() - start <= 16 {
        (start..names.len()).all(|a| (start..a).all(|b| names.value(a) != names.value(b)))
    } else {
        let mut seen = HashSet::new();
        (start..names.len()).all(|entry| seen.insert(names.value(entry)))
    };
    if !unique {
        // A key given twice counts the last time, as in Java.
        let mut last = HashMap::new();
        for entry in start..names.len() {
            last.insert(names.value(entry).to_vec(), entry - start);
        }
        let counts: HashSet<usize> = last.into_values().collect();
        names.truncate(start);
        values.truncate(start);
        *cursor = again;
        read_entries(names, start, values, cursor, |entry| counts.contains(&entry))?;
    }
    Ok(names.len())
}

/// Reads the entries of an object that are wanted, by their number.
fn read_entries(
    names: &mut Bytes,
    start: usize,
    values: &mut Builder,
    cursor: &mut Cursor<'_>,
    wanted: impl Fn(usize) -> bool,
) -> Fit {
    cursor.expect(b'{', "an object")?;
    if cursor.eat(b'}') {
        return Ok(());
    }
    for entry in 0.. {
        let name = cursor.string()?;
        cursor.expect(b':', "a colon")?;
        if wanted(entry) {
            full_unless(names.push(name.as_bytes()))?;
            values.read(cursor).map_err(|e| e.in_item(names.len() - 1 - start))?;
        } else {
            cursor.skip_value()?;
        }
        if !cursor.eat(b',') {
            cursor.expect(b'}', "a comma or the end of an object")?;
            break;
        }
    }
    Ok(())
}

/// Reads a map with other keys, an array of pairs; how many entries the column has then.
fn read_pairs(keys: &mut Builder, values: &mut Builder, cursor: &mut Cursor<'_>, kind: Kind) -> Fit<usize> {
    const EXPECTED: &str = "map with other than string keys (an array of pairs)";
    if kind != Kind::Array {
        return Err(Misfit::expected(EXPECTED));
    }
    let (start, again) = (keys.len(), cursor.clone());
    read_each_pair(keys, values, cursor, |_| true)?;
    let mut last = HashMap::new();
    let twice = (start..keys.len()).filter_map(|row| Some((keys.values.key_bits(row)?, row)));
    let twice = twice.filter(|(key, row)| last.insert(*key, row - start).is_some()).count() > 0;
    if twice {
        // A key given twice counts the last time, as in Java.
        let counts: HashSet<usize> = last.into_values().collect();
        keys.truncate(start);
        values.truncate(start);
        *cursor = again;
        read_each_pair(keys, values, cursor, |entry| counts.contains(&entry))?;
    }
    Ok(keys.len())
}

/// Reads the pairs that are wanted, by their number.
fn read_each_pair(
    keys: &mut Builder,
    values: &mut Builder,
    cursor: &mut Cursor<'_>,
    wanted: impl Fn(usize) -> bool,
) -> Fit {
    const PAIR: &str = "pair of key and value (an array of two)";
    cursor.expect(b'[', "an array")?;
    if cursor.eat(b']') {
        return Ok(());
    }
    for entry in 0.. {
        if cursor.kind()? != Kind::Array {
            return Err(Misfit::expected(PAIR).in_item(entry));
        }
        if wanted(entry) {
            cursor.expect(b'[', "an array")?;
            keys.read(cursor).map_err(|e| e.in_item(entry))?;
            if !cursor.eat(b',') {
                return Err(Misfit::expected(PAIR).in_item(entry));
            }
            values.read(cursor).map_err(|e| e.in_item(entry))?;
            cursor.expect(b']', "the end of a pair")?;
        } else {
            cursor.skip_value()?;
        }
        if !cursor.eat(b',') {
            cursor.expect(b']', "a comma or the end of an array")?;
            break;
        }
    }
    Ok(())
}

/// Reads an object into the row `row` of each field. Fields mostly come in the schema's order, so the next one is tried first.
fn read_struct(members: &mut Members, row: usize, cursor: &mut Cursor<'_>, kind: Kind) -> Fit {
    if kind != Kind::Object {
        return Err(Misfit::expected("struct (an object)"));
    }
    cursor.expect(b'{', "an object")?;
    if !cursor.eat(b'}') {
        let mut next = 0;
        loop {
            let expected = members.list.get(next).is_some_and(|member| cursor.eat_bytes(&member.key));
            let place = if expected { Some(next) } else { members.by_name.get(cursor.string()?.as_ref()).copied() };
            cursor.expect(b':', "a colon")?;
            match place.and_then(|place| members.list.get_mut(place)) {
                Some(member) => {
                    // A name given twice counts the last time, as in Java.
                    if member.builder.len() > row {
                        member.builder.truncate(row);
                    }
                    member.builder.read(cursor).map_err(|e| e.in_field(&member.name))?;
                    next = place.unwrap_or(next) + 1;
                }
                None => cursor.skip_value()?,
            }
            if !cursor.eat(b',') {
                cursor.expect(b'}', "a comma or the end of an object")?;
                break;
            }
        }
    }
    for member in &mut members.list {
        if member.builder.len() == row {
            member.builder.read_nothing().map_err(|e| e.in_field(&member.name))?;
        }
    }
    Ok(())
}
