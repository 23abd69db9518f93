//! Numbers in texts, as Java's number classes read them.

use num_bigint::BigInt;
use std::str::FromStr;

/// Digits that a number may have once its exponent is written out: memory stays bounded whatever the exponent.
const MOST_DIGITS: u64 = 10_000;

/// As `Long.parseLong`: an optional sign and digits, nothing else. Narrower types are a matter of range.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// As `Double.parseDouble` and `Float.parseFloat`: blanks around it, a letter for the type behind it, `NaN` and `Infinity`. Numbers in
/// hexadecimal notation are not read.
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
    if known { number.parse().ok() } else { None }
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
        ] {
            assert_eq!(float::<f64>(text), Some(value), "{text}");
        }
        assert!(float::<f64>("-NaN").is_some_and(f64::is_nan));
        assert_eq!(float::<f32>("16777217"), Some(16_777_216.0));
        for text in ["", " ", "abc", "inf", "nan", "infinity", "1e", "1.2.3", "f", "1ff", "0x1p3", "1,5"] {
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
