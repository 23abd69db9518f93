//! A seeded source of choices.

/// SplitMix64: the same seed makes the same cases everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub fn byte(&mut self, from: &[u8]) -> u8 {
        from[self.below(from.len())]
    }

    /// A whole number whose bits are of any length.
    pub fn integer(&mut self, bits: u32) -> i64 {
        let shift = 64 - bits + self.below(bits as usize) as u32;
        let value = (self.next() as i64) >> shift;
        match self.below(8) {
            0 => (i64::MAX >> (64 - bits)).wrapping_sub(value & 1),
            1 => (i64::MIN >> (64 - bits)).wrapping_add(value & 1),
            2 => value & 1,
            _ => value,
        }
    }

    /// A float of any kind: short decimals, any bits, the ends of the range.
    pub fn float(&mut self) -> f64 {
        const ENDS: [f64; 16] = [
            0.0,
            -0.0,
            1.0,
            1e7,
            9_999_999.999,
            1e-3,
            9.99e-4,
            1e23,
            2e-3,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            123_456_789_012_345_680.0,
        ];
        match self.below(4) {
            0 => ENDS[self.below(ENDS.len())],
            1 => self.integer(40) as f64 / 10f64.powi(self.below(12) as i32),
            2 => self.integer(64) as f64,
            _ => f64::from_bits(self.next()),
        }
    }
}
