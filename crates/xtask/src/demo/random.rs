//! Numbers that look random and repeat with their seed (SplitMix64), so that a demo can be
//! repeated.
//!
//! Must never be used for a secret.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

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

    /// A whole number below `end`, 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % (end as u64).max(1)) as usize
    }

    /// A time from 0 to `longest`, all equally likely.
    pub fn up_to(&mut self, longest: Duration) -> Duration {
        let fraction = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        longest.mul_f64(fraction)
    }
}

/// A seed for those who gave none: short enough to be typed again.
pub fn fresh_seed() -> u64 {
    RandomState::new().hash_one("ability-storage") % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [random.next(), random.next(), random.next()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut random = Random::new(1);
        let drawn: Vec<usize> = (0..1000).map(|_| random.below(5)).collect();
        assert!((0..5).all(|n| drawn.contains(&n)));
        assert!(drawn.iter().all(|n| *n < 5));
        assert_eq!(random.below(0), 0);
        let longest = Duration::from_millis(10);
        assert!((0..1000).all(|_| random.up_to(longest) <= longest));
    }
}
