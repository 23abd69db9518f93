//! Casts of values without schema.

use millstream_api::Result;
use millstream_api::java_text::{write_double, write_float};
use millstream_api::json_scan::digits_length;

use super::{To, refused};
use crate::converter::json::escape::write_string;
use crate::java::number::{Decimal, float, whole};
use crate::transform::json::{Json, Row, not_json};

/// Appends the JSON of the cast value, which errors call `what`; [`Row::Same`], and nothing appended, where the text stays as it is.
///
/// Numbers are what JsonConverter makes of them: longs, or doubles when they have a point or an exponent. A whole number beyond a
/// long, which Java has wrapped by then, keeps its digits and its size, and is cut where a cast cuts.
pub(super) fn cast_text(text: &str, to: To, what: impl Fn() -> String, out: &mut Vec<u8>) -> Result<Row> {
    if matches!(to, To::Int64 | To::String) && is_long(text) {
        if to == To::Int64 {
            return Ok(Row::Same);
        }
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return Ok(Row::Written);
    }
    let value = Json::parse(text).map_err(|e| {
        let what = what();
        not_json(what.strip_prefix("the ").unwrap_or(&what), e)
    })?;
    match (&value, to) {
        (Json::Null, _) | (Json::String(_), To::String) => return Ok(Row::Same),
        (Json::Array | Json::Object, _) => return Err(refused(&format!("a list or map ({})", what()), to)),
        _ => {}
    }
    let no = || refused(&what(), to);
    match to {
        To::Int8 | To::Int16 | To::Int32 | To::Int64 => {
            let number = long(&value, to).ok_or_else(no)?;
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        To::Float32 => {
            let number: f32 = match &value {
                Json::Boolean(value) => f32::from(u8::from(*value)),
                Json::Long(value) => *value as f32,
                Json::Double(value) => *value as f32,
                Json::Big(text) => text.parse().map_err(|_| no())?,
                Json::String(text) => float(text).ok_or_else(no)?,
                _ => return Err(no()),
            };
            quoted_unless(number.is_finite(), out, |out| write_float(out, number));
        }
        To::Float64 => {
            let number: f64 = match &value {
                Json::Boolean(value) => f64::from(u8::from(*value)),
                Json::Long(value) => *value as f64,
                Json::Double(value) => *value,
                Json::Big(text) => text.parse().map_err(|_| no())?,
                Json::String(text) => float(text).ok_or_else(no)?,
                _ => return Err(no()),
            };
            quoted_unless(number.is_finite(), out, |out| write_double(out, number));
        }
        To::Boolean => {
            let truth = match &value {
                Json::Boolean(value) => *value,
                Json::Long(value) => *value != 0,
                Json::Double(value) => *value as i64 != 0,
                Json::Big(text) => Decimal::parse(text).ok_or_else(no)?.long() != 0,
                Json::String(text) => text.eq_ignore_ascii_case("true"),
                _ => return Err(no()),
            };
            out.extend_from_slice(if truth { b"true" } else { b"false" });
        }
        To::String => {
            let mut printed = Vec::new();
            match &value {
                Json::Boolean(value) => printed.extend_from_slice(if *value { b"true" } else { b"false" }),
                Json::Long(value) => printed.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
                Json::Big(text) => printed.extend_from_slice(text.as_bytes()),
                Json::Double(value) => write_double(&mut printed, *value),
                _ => return Err(no()),
            }
            write_string(out, &printed);
        }
    }
    Ok(Row::Written)
}

/// True when the text is a long as Java writes it.
fn is_long(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_written_so = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', ..] => digits_length(digits) == digits.len(),
        _ => false,
    };
    is_written_so && (digits.len() < 19 || text.parse::<i64>().is_ok())
}

/// The number as the type has it, or `None` where there is none.
fn long(value: &Json<'_>, to: To) -> Option<i64> {
    let cut = |value: i64| match to {
        To::Int8 => (value as i8).into(),
        To::Int16 => (value as i16).into(),
        To::Int32 => (value as i32).into(),
        _ => value,
    };
    Some(match value {
        Json::Boolean(value) => (*value).into(),
        Json::Long(value) => cut(*value),
        Json::Big(text) => cut(Decimal::parse(text)?.long()),
        // A double first becomes the nearest int, of which then bits are cut.
        Json::Double(value) if to == To::Int64 => *value as i64,
        Json::Double(value) => cut((*value as i32).into()),
        Json::String(text) => whole(text).filter(|value| cut(*value) == *value)?,
        _ => return None,
    })
}

fn quoted_unless(plain: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if !plain {
        out.push(b'"');
    }
    write(out);
    if !plain {
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_are_told_by_their_text() {
        let longs = [0, 7, -7, 10, i64::MAX, i64::MIN, 999_999_999_999_999_999];
        assert!(longs.iter().all(|long| is_long(&long.to_string())));
        for other in [
            "",
            "-",
            "-0",
            "00",
            "07",
            "-07",
            "1.0",
            "1e3",
            "9223372036854775808",
            "-9223372036854775809",
            "1 ",
            "\"1\"",
        ] {
            assert!(!is_long(other), "{other}");
        }
    }
}
