//! NUMERIC in its binary form: groups of four decimal digits.

use arrow::datatypes::i256;
use num_bigint::BigInt;

use super::ValueError;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEG_INFINITY: u16 = 0xF000;
const POWERS: [u64; 5] = [1, 10, 100, 1_000, 10_000];
const FLOAT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A NUMERIC as the server sent it.
#[derive(Clone, Copy, Debug)]
pub struct Numeric<'a> {
    negative: bool,
    /// Power of 10000 of the first group.
    weight: i32,
    /// Two bytes per group.
    groups: &'a [u8],
}

/// A number, or not.
#[derive(Clone, Copy, Debug)]
pub enum Parsed<'a> {
    /// A finite number.
    Number(Numeric<'a>),
    /// `NaN`.
    NotANumber,
    /// `Infinity` or `-Infinity`.
    Infinite,
}

/// An integer that can hold what a NUMERIC becomes.
pub trait Wide: Sized {
    /// 0.
    fn zero() -> Self;
    /// `self * factor + addend`; `None` when it does not fit.
    fn mul_add(self, factor: u64, addend: u64) -> Option<Self>;
    /// With the opposite sign.
    fn negated(self) -> Self;
}

impl Wide for i128 {
    fn zero() -> Self {
        0
    }

    fn mul_add(self, factor: u64, addend: u64) -> Option<Self> {
        self.checked_mul(i128::from(factor))?.checked_add(i128::from(addend))
    }

    fn negated(self) -> Self {
        -self
    }
}

impl Wide for i256 {
    fn zero() -> Self {
        Self::ZERO
    }

    fn mul_add(self, factor: u64, addend: u64) -> Option<Self> {
        self.checked_mul(Self::from_i128(i128::from(factor)))?.checked_add(Self::from_i128(i128::from(addend)))
    }

    fn negated(self) -> Self {
        self.wrapping_neg()
    }
}

impl Wide for BigInt {
    fn zero() -> Self {
        Self::ZERO
    }

    fn mul_add(self, factor: u64, addend: u64) -> Option<Self> {
        Some(self * factor + addend)
    }

    fn negated(self) -> Self {
        -self
    }
}

impl<'a> Numeric<'a> {
    /// Parses the binary form.
    pub fn parse(bytes: &'a [u8]) -> Result<Parsed<'a>, ValueError> {
        let (header, groups) = bytes.split_first_chunk::<8>().ok_or(ValueError::Malformed)?;
        let [count, weight, sign, _] = [0, 2, 4, 6].map(|i| u16::from_be_bytes([header[i], header[i + 1]]));
        if groups.len() != usize::from(count) * 2 {
            return Err(ValueError::Malformed);
        }
        if groups.chunks_exact(2).any(|group| u16::from_be_bytes([group[0], group[1]]) > 9_999) {
            return Err(ValueError::Malformed);
        }
        match sign {
            0 | NEGATIVE => {
                Ok(Parsed::Number(Self { negative: sign == NEGATIVE, weight: i32::from(weight as i16), groups }))
            }
            NAN => Ok(Parsed::NotANumber),
            INFINITY | NEG_INFINITY => Ok(Parsed::Infinite),
            _ => Err(ValueError::Malformed),
        }
    }

    fn len(&self) -> usize {
        self.groups.len() / 2
    }

    fn group(&self, i: usize) -> u64 {
        match self.groups.get(i * 2..i * 2 + 2) {
            Some(&[high, low]) => u64::from(u16::from_be_bytes([high, low])),
            _ => 0,
        }
    }

    /// The value times 10^`scale`, exactly.
    pub fn unscaled<T: Wide>(&self, scale: i32) -> Result<T, ValueError> {
        let mut count = self.len();
        // The power of ten that the digits, read as one integer, are to be multiplied with.
        let mut shift = i64::from(self.weight + 1) * 4 - count as i64 * 4 + i64::from(scale);
        while shift <= -4 && count > 0 {
            count -= 1;
            if self.group(count) != 0 {
                return Err(ValueError::Scale);
            }
            shift += 4;
        }
        if count == 0 {
            return Ok(T::zero());
        }
        let mut value = T::zero();
        let whole = if shift < 0 { count - 1 } else { count };
        for i in 0..whole {
            value = value.mul_add(10_000, self.group(i)).ok_or(ValueError::OutOfRange)?;
        }
        if shift < 0 {
            let cut = POWERS[shift.unsigned_abs() as usize % 5];
            let last = self.group(whole);
            if !last.is_multiple_of(cut) {
                return Err(ValueError::Scale);
            }
            value = value.mul_add(10_000 / cut, last / cut).ok_or(ValueError::OutOfRange)?;
        } else {
            while shift > 0 {
                let step = shift.min(4) as usize;
                value = value.mul_add(POWERS[step], 0).ok_or(ValueError::OutOfRange)?;
                shift -= step as i64;
            }
        }
        Ok(if self.negative { value.negated() } else { value })
    }

    /// The value as an integer; with a fraction it is refused.
    pub fn integer(&self) -> Result<i128, ValueError> {
        self.unscaled(0).map_err(|e| if e == ValueError::Scale { ValueError::Fraction } else { e })
    }

    /// The nearest double.
    pub fn float(&self) -> f64 {
        let count = self.len();
        let exponent = (self.weight + 1) * 4 - count as i32 * 4;
        let small = (0..count).try_fold(0u64, |value, i| value.checked_mul(10_000)?.checked_add(self.group(i)));
        let magnitude = match small {
            // Both are exact as doubles, so one rounding gives the nearest double.
            Some(digits) if digits <= 1 << 53 && (-22..=22).contains(&exponent) => {
                let power = FLOAT_POWERS[exponent.unsigned_abs() as usize];
                if exponent < 0 { digits as f64 / power } else { digits as f64 * power }
            }
            _ => {
                let mut text = String::with_capacity(count * 4 + 8);
                for i in 0..count {
                    text.push_str(&format!("{:04}", self.group(i)));
                }
                text.push_str(&format!("e{exponent}"));
                text.parse().unwrap_or(f64::NAN)
            }
        };
        if self.negative { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The binary form of `digits * 10^-scale`, as the server makes it: zero groups at both ends are left out.
    pub fn wire(digits: &BigInt, scale: u32) -> Vec<u8> {
        let text = digits.magnitude().to_string();
        let scale = scale as usize;
        let text = format!("{text:0>width$}", width = scale + 1);
        let (whole, fraction) = text.split_at(text.len() - scale);
        let whole = format!("{whole:0>width$}", width = whole.len().div_ceil(4) * 4);
        let fraction = format!("{fraction:0<width$}", width = fraction.len().div_ceil(4) * 4);
        let mut weight = (whole.len() / 4) as i16 - 1;
        let all = whole + &fraction;
        let mut groups: Vec<u16> = (0..all.len() / 4).map(|i| all[i * 4..i * 4 + 4].parse().unwrap()).collect();
        while groups.last() == Some(&0) {
            groups.pop();
        }
        while groups.first() == Some(&0) {
            groups.remove(0);
            weight -= 1;
        }
        let negative = digits.sign() == num_bigint::Sign::Minus;
        let mut bytes = Vec::new();
        for word in [groups.len() as u16, weight as u16, if negative { NEGATIVE } else { 0 }, scale as u16] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(groups.iter().flat_map(|group| group.to_be_bytes()));
        bytes
    }

    fn number(bytes: &[u8]) -> Numeric<'_> {
        match Numeric::parse(bytes).unwrap() {
            Parsed::Number(number) => number,
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        #[test]
        fn every_number_comes_back_at_every_scale(digits in "-?[1-9][0-9]{0,60}|0", scale in 0u32..40, more in 0i32..200) {
            let digits: BigInt = digits.parse().unwrap();
            let bytes = wire(&digits, scale);
            let number = number(&bytes);
            let exact = &digits * BigInt::from(10).pow(more as u32);
            prop_assert_eq!(number.unscaled::<BigInt>(scale as i32 + more).unwrap(), exact.clone());
            match number.unscaled::<i128>(scale as i32 + more) {
                Ok(value) => prop_assert_eq!(BigInt::from(value), exact.clone()),
                Err(e) => {
                    prop_assert_eq!(e, ValueError::OutOfRange);
                    prop_assert!(exact.magnitude().bits() > 126);
                }
            }
            if let Ok(value) = number.unscaled::<i256>(scale as i32 + more) {
                prop_assert_eq!(value.to_string(), exact.to_string());
            }
            let float: f64 = format!("{digits}e-{scale}").parse().unwrap();
            prop_assert_eq!(number.float(), float);
        }

        #[test]
        fn a_smaller_scale_is_exact_or_refused(digits in -10_000_000_000i64..10_000_000_000, scale in 0u32..12, less in 1u32..12) {
            let bytes = wire(&BigInt::from(digits), scale);
            let cut = 10i64.pow(less);
            let result = number(&bytes).unscaled::<i128>(scale as i32 - less as i32);
            if digits % cut == 0 {
                prop_assert_eq!(result.unwrap(), i128::from(digits / cut));
            } else {
                prop_assert_eq!(result.unwrap_err(), ValueError::Scale);
            }
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..40), scale in -50i32..3000) {
            if let Ok(Parsed::Number(number)) = Numeric::parse(&bytes)
                && number.weight.abs() < 100
            {
                let _ = number.unscaled::<i128>(scale);
                let _ = number.unscaled::<i256>(scale);
                let _ = number.unscaled::<BigInt>(scale);
                number.float();
            }
        }
    }

    #[test]
    fn special_values() {
        for (sign, infinite) in [(NAN, false), (INFINITY, true), (NEG_INFINITY, true)] {
            let mut bytes = vec![0, 0, 0, 0];
            bytes.extend(sign.to_be_bytes());
            bytes.extend([0, 0]);
            assert_eq!(matches!(Numeric::parse(&bytes).unwrap(), Parsed::Infinite), infinite);
        }
        assert!(Numeric::parse(&[0, 1, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(Numeric::parse(&[0, 0, 0, 0, 0, 1, 0, 0]).is_err());
        assert!(Numeric::parse(&[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]).is_err());
        assert_eq!(number(&wire(&BigInt::from(15), 1)).integer(), Err(ValueError::Fraction));
    }
}
