//! What is said of many measurements of one thing.

use serde::{Deserialize, Serialize};

/// The middle of the rounds, and where four in five of them lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub p10: f64,
    pub p90: f64,
}

impl Spread {
    /// `None` if there are no samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            p10: quantile(&sorted, 0.1)?,
            p90: quantile(&sorted, 0.9)?,
        })
    }
}

/// Between two samples, as far as the quantile lies between their ranks.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = part * last as f64;
    let below = *sorted.get(rank.floor() as usize)?;
    let above = *sorted.get(rank.ceil() as usize)?;
    Some(below + (above - below) * rank.fract())
}

/// The median of the ratios of rounds that were next to each other in time, so that what
/// disturbed a whole round disturbs both sides of a ratio.
pub fn ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let pairs = ours.iter().zip(theirs);
    let ratios: Vec<f64> = pairs.map(|(ours, theirs)| ours / theirs).collect();
    Spread::of(&ratios).map(|spread| spread.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).expect("samples");
        assert_eq!(spread.median, 2.5);
    }

    #[test]
    fn four_in_five_lie_in_the_spread() {
        let samples: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        let spread = Spread::of(&samples).expect("samples");
        assert_eq!((spread.p10, spread.median, spread.p90), (1.0, 5.0, 9.0));
    }

    #[test]
    fn one_sample_has_no_spread() {
        let spread = Spread::of(&[7.0]).expect("a sample");
        assert_eq!((spread.p10, spread.median, spread.p90), (7.0, 7.0, 7.0));
    }

    #[test]
    fn of_nothing_nothing_is_said() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(ratio(&[], &[]), None);
    }

    #[test]
    fn a_round_that_was_slow_for_both_leaves_the_ratio() {
        assert_eq!(ratio(&[1.0, 10.0, 1.0], &[2.0, 20.0, 2.0]), Some(0.5));
        assert_eq!(ratio(&[1.0, 9.0, 2.0], &[1.0, 1.0, 1.0]), Some(2.0));
    }
}
