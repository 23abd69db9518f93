//! Numbers in texts, as Java's number classes read them.

use std::borrow::Cow;
use std::str::FromStr;

use num_bigint::BigInt;

/// Digits that a number may have once its exponent is written out: memory stays bounded whatever the exponent.
const MOST_DIGITS: u64 = 10_000;

/// The zeros of the scripts whose digits Java reads as numbers: those of one UTF-16 unit.
const ZEROS: [u16; 36] = [
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50,
    0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// The value of a digit of any script, as `Character.digit` has it.
pub(crate) fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then(|| c as u8 - b'0');
    }
    let code = u16::try_from(u32::from(c)).ok()?;
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    u8::try_from(code - zero).ok().filter(|value| *value < 10)
}

/// The text with the digits of all scripts as those of ASCII.
pub(crate) fn with_ascii_digits(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| digit(c).map_or(c, |value| char::from(b'0' + value))).collect())
}

/// As `Long.parseLong`: an optional sign and digits, nothing else. Narrower types are a matter of range.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let text = &*with_ascii_digits(text);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// As `Double.parseDouble` and `Float.parseFloat`: blanks around it, a letter for the type behind it, `NaN`, `Infinity` and the
/// hexadecimal notation.
pub(crate) fn float<F: FromStr>(text: &str) -> Option<F> {
    let text = text.trim_matches(|character| character <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "NaN" {
        return "NaN".parse().ok();
    }
    if unsigned == "Infinity" {
        return text.parse().ok();
    }
    let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let known = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if known {
        return number.parse().ok();
    }
    let (negative, digits) = (unsigned.len() < text.len() && text.starts_with('-'), unsigned.get(2..)?);
    unsigned.get(..2)?.eq_ignore_ascii_case("0x").then_some(())?;
    let digits = digits.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(digits);
    let value = if size_of::<F>() == 4 {
        hexadecimal(digits, 24, -126).map(|value| format!("{:e}", value as f32))
    } else {
        hexadecimal(digits, 53, -1022).map(|value| format!("{value:e}"))
    };
    format!("{}{}", if negative { "-" } else { "" }, value?).parse().ok()
}

/// The nearest number of so many bits to `h.hpd`: hexadecimal digits, and a power of two in decimal ones. `lowest` is the
/// smallest power of two that has them all; below, there are fewer.
fn hexadecimal(text: &str, precision: i64, lowest: i64) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let far = if exponent.starts_with('-') { -1_000_000_000 } else { 1_000_000_000 };
    let mut power = exponent.parse::<i64>().ok().filter(|power| power.abs() < 1_000_000_000).unwrap_or(far);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut bits, mut more) = (0_u128, false);
    for (place, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let value = c.to_digit(16)?;
        let is_fraction = place >= whole.len();
        if bits >> 112 == 0 {
            bits = bits << 4 | u128::from(value);
            power -= if is_fraction { 4 } else { 0 };
        } else {
            more |= value != 0;
            power += if is_fraction { 0 } else { 4 };
        }
    }
    if bits == 0 {
        return Some(0.0);
    }
    let len = 128 - i64::from(bits.leading_zeros());
    let top = len - 1 + power;
    let kept = if top >= lowest { precision } else { precision - (lowest - top) };
    let dropped = len - kept;
    if dropped >= 128 {
        return Some(0.0);
    }
    if let Ok(count @ 1..) = u32::try_from(dropped) {
        let (high, low, half) =
            (bits.checked_shr(count).unwrap_or(0), bits & ((1 << count) - 1), 1_u128 << (count - 1));
        let up = low > half || (low == half && (more || high & 1 == 1));
        bits = high + u128::from(up);
        power += dropped;
    }
    let mut value = bits as f64;
    for _ in 0..8 {
        let step = power.clamp(-1000, 1000);
        value *= 2_f64.powi(step as i32);
        power -= step;
    }
    Some(value)
}

/// A decimal number: `unscaled * 10^-scale`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decimal {
    pub unscaled: BigInt,
    pub scale: i64,
}

impl Decimal {
    /// As `new BigDecimal(text)`: an optional sign, digits with or without a point, an optional exponent; no blanks. The scale has 32 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let text = &*with_ascii_digits(text);
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, i64::from(i32::try_from(whole(exponent)?).ok()?)),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let value = BigInt::from_str(&digits).ok()?;
        let unscaled = if mantissa.starts_with('-') { -value } else { value };
        let scale = fraction.len() as i64 - exponent;
        i32::try_from(scale).ok().map(|_| Self { unscaled, scale })
    }

    /// The low bits of the whole part, as `longValue` gives them.
    pub fn long(&self) -> i64 {
        let power = self.scale.unsigned_abs();
        let whole = match self.scale {
            0 => self.unscaled.clone(),
            1.. if power > MOST_DIGITS => BigInt::ZERO,
            // 10^64 and more is a multiple of 2^64.
            ..0 if power >= 64 => BigInt::ZERO,
            1.. => &self.unscaled / BigInt::from(10).pow(power as u32),
            ..0 => &self.unscaled * BigInt::from(10).pow(power as u32),
        };
        low_bits(&whole)
    }
}

/// The low 64 bits, in two's complement.
pub(crate) fn low_bits(value: &BigInt) -> i64 {
    let bytes = value.to_signed_bytes_le();
    let mut low = if value.sign() == num_bigint::Sign::Minus { [0xff; 8] } else { [0; 8] };
    for (place, byte) in low.iter_mut().zip(bytes) {
        *place = byte;
    }
    i64::from_le_bytes(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        for (text, value) in [("12", Some(12)), ("-7", Some(-7)), ("+7", Some(7)), ("007", Some(7))] {
            assert_eq!(whole(text), value, "{text}");
        }
        assert_eq!(whole("-9223372036854775808"), Some(i64::MIN));
        assert_eq!((whole("-١٢"), whole("１0"), whole("Ⅷ"), whole("𝟏")), (Some(-12), Some(10), None, None));
        for text in ["", "-", "+-1", "1.0", " 1", "1 ", "1e3", "9223372036854775808", "0x1", "1_0", "true"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn floats() {
        for (text, value) in [
            (" 7 ", 7.0),
            ("1.5f", 1.5),
            ("1D", 1.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1e3", -1000.0),
            ("+1E-2d", 0.01),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
            ("\t1\n", 1.0),
            ("0x1p3", 8.0),
            ("-0X.8P1f", -1.0),
            ("0x1.fffffffffffff8p1023", f64::INFINITY),
            ("0x1.fffffffffffff7p1023", f64::MAX),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.0000001p-1075", 5e-324),
            ("0x0p99999999999", 0.0),
            ("0x1p99999999999", f64::INFINITY),
        ] {
            assert_eq!(float::<f64>(text), Some(value), "{text}");
        }
        assert!(float::<f64>("-NaN").is_some_and(f64::is_nan));
        assert_eq!(float::<f32>("16777217"), Some(16_777_216.0));
        for text in
            ["", " ", "abc", "inf", "nan", "infinity", "1e", "1.2.3", "f", "1ff", "0x1", "0x1p", "0xp1", "0x.p1", "1,5"]
        {
            assert_eq!(float::<f64>(text), None, "{text}");
        }
    }

    #[test]
    fn decimals() {
        for (text, unscaled, scale) in
            [("123", 123, 0), ("-1.50", -150, 2), ("+.5", 5, 1), ("5.", 5, 0), ("1e3", 1, -3), ("1.5E-2", 15, 3)]
        {
            assert_eq!(Decimal::parse(text), Some(Decimal { unscaled: unscaled.into(), scale }), "{text}");
        }
        for text in [
            "",
            ".",
            "e3",
            " 1",
            "1 ",
            "NaN",
            "1e",
            "1.2.3",
            "--1",
            "1e99999999999",
            "1f",
            "1e-2147483648",
            "0.1e-2147483647",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        for (text, long) in [
            ("1.9", 1),
            ("-1.9", -1),
            ("1e3", 1000),
            ("9223372036854775808", i64::MIN),
            ("18446744073709551617", 1),
            ("-18446744073709551617", -1),
            ("1e70", 0),
            ("5e-20000", 0),
            ("1e2000000000", 0),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().long(), long, "{text}");
        }
    }
}
