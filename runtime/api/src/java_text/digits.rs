//! The decimal digits that Java 17 draws of a binary floating-point number.

use num_bigint::BigUint;

/// Decimal digits of a positive number: `0.d1d2d3.. * 10^exponent`.
pub(super) struct Digits {
    digits: [u8; 24],
    len: usize,
    exponent: i32,
}

/// What the digits drawn so far leave: whether the rest is below half a unit in the last place (`low`), whether rounding up is
/// (`high`), and how twice the rest compares with one unit.
struct Stop {
    low: bool,
    high: bool,
    difference: std::cmp::Ordering,
}

impl Digits {
    /// The digits, each 0 to 9; at least one.
    pub(super) fn digits(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    /// Where the point is, counted from before the first digit.
    pub(super) fn exponent(&self) -> i32 {
        self.exponent
    }

    /// The digits the JDK draws before version 19: those of Steele and White's free-format algorithm with a symmetric
    /// half-unit, which now and then gives one digit more than the shortest text would need (1.0E23 is 9.999999999999999E22).
    /// `fraction` has its highest bit at 52; the value is `fraction / 2^52 * 2^exponent`.
    pub(super) fn of(exponent: i32, fraction: u64, significant: i32) -> Self {
        let tail = fraction.trailing_zeros() as i32;
        let fraction_bits = 53 - tail;
        let tiny_bits = (fraction_bits - exponent - 1).max(0);
        if tiny_bits == 0 && (-21..=62).contains(&exponent) && fraction_bits < 64 {
            return Self::of_whole(exponent, fraction, significant);
        }
        let mut decimal = estimate_exponent(fraction, exponent);
        let (b5, s5) = ((-decimal).max(0), decimal.max(0));
        let mut b2 = b5 + tiny_bits + exponent;
        let mut s2 = s5 + tiny_bits;
        let mut m2 = b2 - significant;
        b2 -= fraction_bits - 1;
        let common = b2.min(s2);
        b2 -= common;
        s2 -= common;
        m2 -= common;
        if fraction_bits == 1 {
            m2 -= 1;
        }
        if m2 < 0 {
            b2 -= m2;
            s2 -= m2;
            m2 = 0;
        }
        let fraction = fraction >> tail;
        let b_bits = fraction_bits + b2 + bits_of_5_pow(b5);
        let s_bits = s2 + 1 + bits_of_5_pow(s5 + 1);
        let mut drawn = Self { digits: [0; 24], len: 0, exponent: 0 };
        let stop = if b_bits < 64 && s_bits < 64 {
            let five = |power: i32| 5u64.pow(power as u32);
            let (b, s, m) = ((fraction * five(b5)) << b2, five(s5) << s2, five(b5) << m2);
            drawn.draw_small(b, s, m, &mut decimal)
        } else if b_bits < 120 && s_bits < 120 {
            let five = |power: i32| 5u128.pow(power as u32);
            let (b, s, m) = ((u128::from(fraction) * five(b5)) << b2, five(s5) << s2, five(b5) << m2);
            drawn.draw_wide(b, s, m, &mut decimal)
        } else {
            let five = |power: i32| BigUint::from(5u8).pow(power as u32);
            let (b, s, m) = ((BigUint::from(fraction) * five(b5)) << b2, five(s5) << s2, five(b5) << m2);
            drawn.draw_big(b, s, m, &mut decimal)
        };
        drawn.exponent = decimal + 1;
        let last_is_odd = drawn.len > 0 && drawn.digits[drawn.len - 1] & 1 == 1;
        let up = stop.high
            && (!stop.low
                || match stop.difference {
                    std::cmp::Ordering::Equal => last_is_odd,
                    other => other.is_gt(),
                });
        if up {
            drawn.round_up();
        }
        drawn
    }

    /// A number without binary digits after the point.
    fn of_whole(exponent: i32, fraction: u64, significant: i32) -> Self {
        let mut value = if exponent >= 52 { fraction << (exponent - 52) } else { fraction >> (52 - exponent) };
        let mut places = 0;
        // Digits beyond the precision of the type are rounded off: as many as a power of two of that size surely has.
        let spare = exponent - significant - 1;
        if exponent > significant && spare > 1 {
            places = (f64::from(spare) * std::f64::consts::LOG10_2) as u32;
            let power = 10u64.pow(places);
            let rest = value % power;
            value = value / power + u64::from(rest >= power >> 1 && places > 0);
        }
        let mut exponent = places as i32;
        while value != 0 && value % 10 == 0 {
            value /= 10;
            exponent += 1;
        }
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(value).as_bytes();
        let mut digits = [0; 24];
        for (digit, byte) in digits.iter_mut().zip(text) {
            *digit = byte - b'0';
        }
        Self { digits, len: text.len(), exponent: exponent + text.len() as i32 }
    }

    fn push(&mut self, digit: u8) {
        if let Some(place) = self.digits.get_mut(self.len) {
            *place = digit;
            self.len += 1;
        }
    }

    /// True once there is no room: only a defect could draw that many.
    fn is_full(&self) -> bool {
        self.len >= self.digits.len()
    }

    /// Takes the next digit. A leading zero only moves the point, and in scientific form the first digit is never the last.
    fn take(&mut self, q: u8, first: &mut bool, low: &mut bool, high: &mut bool, decimal: &mut i32) {
        if *first && q == 0 && !*high {
            *decimal -= 1;
        } else {
            self.push(q);
        }
        if *first && (*decimal < -3 || *decimal >= 8) {
            (*low, *high) = (false, false);
        }
        *first = false;
    }

    fn draw_small(&mut self, mut b: u64, s: u64, mut m: u64, decimal: &mut i32) -> Stop {
        let tens = s * 10;
        let (mut low, mut high);
        let mut first = true;
        loop {
            let q = b / s;
            b = 10 * (b - q * s);
            m = m.wrapping_mul(10);
            // Java's words are signed. Half a unit that overflows counts as more than any rest; a sum that does so does not.
            let overflow = m as i64 <= 0;
            low = overflow || b < m;
            high = overflow || b.wrapping_add(m) as i64 > tens as i64;
            self.take(q as u8, &mut first, &mut low, &mut high, decimal);
            if low || high || self.is_full() {
                return Stop { low, high, difference: (b << 1).cmp(&tens) };
            }
        }
    }

    fn draw_wide(&mut self, mut b: u128, s: u128, mut m: u128, decimal: &mut i32) -> Stop {
        let tens = s * 10;
        // Numbers below ten have one.
        let power = s.is_power_of_two().then(|| s.trailing_zeros());
        let (mut low, mut high);
        let mut first = true;
        loop {
            let (q, rest) = divided(b, s, power);
            b = 10 * rest;
            m = m.saturating_mul(10);
            low = b < m;
            high = b.saturating_add(m) >= tens;
            self.take(q as u8, &mut first, &mut low, &mut high, decimal);
            if low || high || self.is_full() {
                return Stop { low, high, difference: (b << 1).cmp(&tens) };
            }
        }
    }

    fn draw_big(&mut self, mut b: BigUint, s: BigUint, mut m: BigUint, decimal: &mut i32) -> Stop {
        let tens = &s * 10u8;
        let (mut low, mut high);
        let mut first = true;
        loop {
            let q = &b / &s;
            b = (b - &q * &s) * 10u8;
            m *= 10u8;
            let q = q.iter_u64_digits().next().unwrap_or(0);
            low = b < m;
            high = &b + &m >= tens;
            self.take(q as u8, &mut first, &mut low, &mut high, decimal);
            if low || high || self.is_full() {
                return Stop { low, high, difference: (b << 1u8).cmp(&tens) };
            }
        }
    }

    fn round_up(&mut self) {
        for place in (0..self.len).rev() {
            if self.digits[place] < 9 {
                self.digits[place] += 1;
                return;
            }
            self.digits[place] = 0;
        }
        self.digits[0] = 1;
        self.exponent += 1;
    }
}

/// The quotient, which is a digit, and the rest. `power`: that of two which the divisor is, if it is one.
#[inline]
fn divided(number: u128, divisor: u128, power: Option<u32>) -> (u128, u128) {
    if let Some(power) = power {
        return (number >> power, number & (divisor - 1));
    }
    // Quicker than a division of such numbers.
    let (mut digit, mut rest) = (0, number);
    for bit in [8, 4, 2, 1] {
        if rest >= divisor * bit {
            rest -= divisor * bit;
            digit += bit;
        }
    }
    (digit, rest)
}

/// Java's quick guess of `floor(log10)`; at most one too high, which the first digit then shows.
#[allow(clippy::approx_constant)] // Java's own digits: with others the guess would differ.
fn estimate_exponent(fraction: u64, exponent: i32) -> i32 {
    let mantissa = f64::from_bits((1023 << 52) | (fraction & ((1 << 52) - 1)));
    let guess = (mantissa - 1.5) * 0.289529654 + 0.176091259 + f64::from(exponent) * 0.301029995663981;
    guess.floor() as i32
}

/// Bits that `5^power` takes, as Java counts them.
fn bits_of_5_pow(power: i32) -> i32 {
    const BITS: [i32; 27] =
        [0, 3, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33, 35, 38, 40, 42, 45, 47, 49, 52, 54, 56, 59, 61];
    usize::try_from(power).ok().and_then(|power| BITS.get(power).copied()).unwrap_or(power * 3)
}
