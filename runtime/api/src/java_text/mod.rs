//! Numbers and dates as Java 17 prints them: in JSON, in text converters, in records of the worker's topics.

mod date;
mod digits;

pub use date::write_date;
use digits::Digits;

/// Appends what Java's `Double.toString` gives (`100.0`, `1.0E10`, `1.0E-4`, `NaN`, `-Infinity`).
pub fn write_double(out: &mut Vec<u8>, value: f64) {
    if !write_special(out, value) {
        let bits = value.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        if exponent == 0 {
            let shift = fraction.leading_zeros() as i32 - 11;
            write_digits(out, &Digits::of(1 - shift - 1023, fraction << shift, 53 - shift));
        } else {
            write_digits(out, &Digits::of(exponent - 1023, fraction | (1 << 52), 53));
        }
    }
}

/// Appends what Java's `Float.toString` gives.
pub fn write_float(out: &mut Vec<u8>, value: f32) {
    if !write_special(out, value.into()) {
        let bits = value.to_bits();
        let fraction = u64::from(bits & ((1 << 23) - 1));
        let exponent = ((bits >> 23) & 0xff) as i32;
        if exponent == 0 {
            let shift = fraction.leading_zeros() as i32 - 40;
            write_digits(out, &Digits::of(1 - shift - 127, fraction << (shift + 29), 24 - shift));
        } else {
            write_digits(out, &Digits::of(exponent - 127, (fraction | (1 << 23)) << 29, 24));
        }
    }
}

/// Writes the sign, and all of a zero, a NaN or an infinity (then true).
fn write_special(out: &mut Vec<u8>, value: f64) -> bool {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return true;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value == 0.0 {
        out.extend_from_slice(b"0.0");
    } else if value.is_infinite() {
        out.extend_from_slice(b"Infinity");
    } else {
        return false;
    }
    true
}

/// Java's layout: plain from 10^-3 up to 10^7, else with an exponent; always a digit after the point.
fn write_digits(out: &mut Vec<u8>, number: &Digits) {
    let digits = number.digits();
    match number.exponent() {
        exponent @ 1..8 => {
            let whole = (exponent as usize).min(digits.len());
            out.extend(digits[..whole].iter().map(|digit| digit + b'0'));
            out.resize(out.len() + (exponent as usize - whole), b'0');
            out.push(b'.');
            write_or_zero(out, &digits[whole..]);
        }
        exponent @ -2..=0 => {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + exponent.unsigned_abs() as usize, b'0');
            write_or_zero(out, digits);
        }
        exponent => {
            let (first, rest) = digits.split_at(digits.len().min(1));
            write_or_zero(out, first);
            out.push(b'.');
            write_or_zero(out, rest);
            out.push(b'E');
            out.extend_from_slice(itoa::Buffer::new().format(exponent - 1).as_bytes());
        }
    }
}

fn write_or_zero(out: &mut Vec<u8>, digits: &[u8]) {
    if digits.is_empty() {
        out.push(b'0');
    }
    out.extend(digits.iter().map(|digit| digit + b'0'));
}

/// Appends what Java's `BigDecimal.toString` gives for these decimal digits (a `-` may lead) and this scale: `1.23`, `1E-10`, `1.56E+4`.
pub fn write_decimal(out: &mut Vec<u8>, unscaled: &str, scale: i64) {
    let digits = unscaled.strip_prefix('-').unwrap_or(unscaled).as_bytes();
    if unscaled.starts_with('-') {
        out.push(b'-');
    }
    let adjusted = digits.len() as i64 - 1 - scale;
    if scale >= 0 && adjusted >= -6 {
        let scale = scale as usize;
        match digits.len().checked_sub(scale) {
            Some(whole) if whole > 0 => {
                out.extend_from_slice(&digits[..whole]);
                if scale > 0 {
                    out.push(b'.');
                    out.extend_from_slice(&digits[whole..]);
                }
            }
            _ => {
                out.extend_from_slice(b"0.");
                out.resize(out.len() + (scale - digits.len()), b'0');
                out.extend_from_slice(digits);
            }
        }
        return;
    }
    let (first, rest) = digits.split_at(digits.len().min(1));
    out.extend_from_slice(first);
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest);
    }
    out.extend_from_slice(if adjusted < 0 { b"E" } else { b"E+" });
    out.extend_from_slice(itoa::Buffer::new().format(adjusted).as_bytes());
}

#[cfg(test)]
mod tests;
