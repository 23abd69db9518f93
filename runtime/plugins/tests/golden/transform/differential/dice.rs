//! A seeded source of choices: the same seed, the same cases.

/// An xorshift generator.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 16) % limit.max(1) as u64) as usize
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub fn word(&mut self, of: &[&str]) -> String {
        self.pick(of).to_owned()
    }

    /// A whole number of so many bits: small ones, any, and the ends of the range.
    pub fn whole(&mut self, bits: u32) -> i64 {
        let any = self.next() as i64 >> (64 - bits);
        match self.below(5) {
            0 => [0, 1, -1, i64::MAX >> (64 - bits), i64::MIN >> (64 - bits)][self.below(5)],
            1 => any % 10,
            2 => any >> self.below(bits as usize),
            _ => any,
        }
    }
}
