//! Distributions, each a function of one random word.
//!
//! One word for each draw, whatever comes out: so the words of a [`Stream`] never shift, and a keyed
//! draw serves any distribution. Logarithms, powers and cosines are libm's own code, not the
//! platform's, so that all platforms agree to the last bit.

use core::f64::consts::TAU;
use core::ops::Range;
use core::time::Duration;

use super::random::{Stream, scramble};

/// A number in [0, 1), with 53 random bits.
#[must_use]
pub const fn unit(word: u64) -> f64 {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    (word >> 11) as f64 * STEP
}

/// A number below `bound`, or 0 where `bound` is 0.
///
/// The upper half of a product instead of a rejection, since a draw has one word only. The bias is
/// below `bound` in 2^64.
#[must_use]
pub const fn below(word: u64, bound: u64) -> u64 {
    ((word as u128 * bound as u128) >> 64) as u64
}

/// A number of `range`, or its start where it is empty.
#[must_use]
pub const fn range(word: u64, range: Range<u64>) -> u64 {
    range.start + below(word, range.end.saturating_sub(range.start))
}

/// An index below `count`, or 0 where `count` is 0.
#[must_use]
pub const fn index(word: u64, count: usize) -> usize {
    below(word, count as u64) as usize
}

/// True in `probability` of the cases: never at 0 (or NaN), always at 1.
#[must_use]
pub const fn chance(word: u64, probability: f64) -> bool {
    unit(word) < probability
}

/// The wait for the next event of a Poisson process whose events are `mean` apart on average.
#[must_use]
pub fn exponential(word: u64, mean: Duration) -> Duration {
    // 1 - unit lies in (0, 1]: its logarithm is finite.
    from_nanos(-libm::log(1.0 - unit(word)) * mean.as_nanos() as f64)
}

/// A normally distributed number (Box and Muller's, its cosine half).
#[must_use]
pub fn normal(word: u64, mean: f64, deviation: f64) -> f64 {
    let radius = (-2.0 * libm::log(1.0 - unit(word))).sqrt();
    mean + deviation * radius * libm::cos(TAU * unit(scramble(word)))
}

/// A number whose logarithm is normally distributed with `mu` and `sigma`; its median is e^`mu`.
#[must_use]
pub fn lognormal(word: u64, mu: f64, sigma: f64) -> f64 {
    libm::exp(normal(word, mu, sigma))
}

/// A number from `scale` up, with a tail that falls as the power `shape`; its mean is
/// `scale * shape / (shape - 1)`, infinite where `shape` is 1 or less.
#[must_use]
pub fn pareto(word: u64, scale: f64, shape: f64) -> f64 {
    scale / libm::pow(1.0 - unit(word), 1.0 / shape)
}

/// A whole number of nanoseconds, cut; negative and NaN give zero, too large the largest u64.
#[must_use]
pub const fn from_nanos(nanos: f64) -> Duration {
    Duration::from_nanos(nanos as u64)
}

/// Puts `items` in random order (Fisher and Yates).
pub fn shuffle<T>(stream: &mut Stream, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, index(stream.word(), last + 1));
    }
}

/// A table to draw indices with given weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    /// The sums of the weights up to and with each index, rising; the last is the total.
    sums: Vec<f64>,
}

/// Why weights cannot be drawn from.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum WeightsError {
    /// A weight below zero, infinite or not a number.
    #[error("weight {index} is {weight}: give a finite number that is not negative")]
    Weight {
        /// Which one.
        index: usize,
        weight: f64,
    },
    /// No weight, or all are zero.
    #[error("no weight is above zero: at least one must be")]
    NoneAboveZero,
    /// The sum is infinite.
    #[error("the weights' sum is not finite: scale them down")]
    Sum,
}

impl Weighted {
    /// A table of `weights`, which need not add up to 1.
    ///
    /// # Errors
    ///
    /// Where a weight is negative or not finite, where none is above zero, or where their sum overflows.
    pub fn new(weights: &[f64]) -> Result<Self, WeightsError> {
        let mut total = 0.0;
        let mut sums = Vec::with_capacity(weights.len());
        for (index, &weight) in weights.iter().enumerate() {
            if !weight.is_finite() || weight < 0.0 {
                return Err(WeightsError::Weight { index, weight });
            }
            total += weight;
            sums.push(total);
        }
        if total == f64::INFINITY {
            Err(WeightsError::Sum)
        } else if total > 0.0 {
            Ok(Self { sums })
        } else {
            Err(WeightsError::NoneAboveZero)
        }
    }

    /// An index, each as often as its weight says; never one whose weight is zero.
    #[must_use]
    pub fn pick(&self, word: u64) -> usize {
        let total = self.sums.last().copied().unwrap_or_default();
        let point = unit(word) * total;
        let index = self.sums.partition_point(|&sum| sum <= point);
        // The product may round up to the total; then the last index with a weight is meant.
        if index < self.sums.len() { index } else { self.sums.partition_point(|&sum| sum < total) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::super::random::{Concern, Seed};
    use super::*;

    const DRAWS: usize = 200_000;

    fn words() -> impl Iterator<Item = u64> {
        Seed::new(42).stream(Concern::Fuzz, 0).take(DRAWS)
    }

    /// Mean and standard deviation of what `draw` gives.
    fn moments(draw: impl Fn(u64) -> f64) -> (f64, f64) {
        let (sum, squares) = words().map(draw).fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
        let mean = sum / DRAWS as f64;
        (mean, (squares / DRAWS as f64 - mean * mean).sqrt())
    }

    fn near((mean, deviation): (f64, f64), expected: (f64, f64)) {
        let close = |a: f64, b: f64| (a - b).abs() < 0.03 * b.abs().max(1.0);
        assert!(
            close(mean, expected.0) && close(deviation, expected.1),
            "{mean} and {deviation}, not {expected:?}"
        );
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        near(moments(|word| 100.0 * unit(word)), (50.0, 28.8675));
        near(moments(|word| below(word, 101) as f64), (50.0, 29.1548));
        near(moments(|word| range(word, 1_000..1_101) as f64), (1_050.0, 29.1548));
        near(moments(|word| 100.0 * f64::from(u8::from(chance(word, 0.25)))), (25.0, 43.3013));
        let mean = Duration::from_micros(700);
        near(moments(|word| exponential(word, mean).as_nanos() as f64), (700_000.0, 700_000.0));
        near(moments(|word| normal(word, 30.0, 7.0)), (30.0, 7.0));
        // e^(mu + sigma²/2), and that times sqrt(e^sigma² - 1).
        near(moments(|word| lognormal(word, 3.0, 0.5)), (22.7599, 12.1297));
        // scale·shape/(shape-1), and scale·sqrt(shape/(shape-2))/(shape-1).
        near(moments(|word| pareto(word, 10.0, 6.0)), (12.0, 2.4495));
    }

    #[test]
    fn draws_are_pinned_to_the_bit() {
        let word = 0x0123_4567_89ab_cdef;
        let bits = |x: f64| format!("{:016x}", x.to_bits());
        let drawn = [
            bits(unit(word)),
            format!("{:016x}", exponential(word, Duration::from_millis(13_300)).as_nanos()),
            bits(normal(word, 0.0, 1.0)),
            bits(lognormal(word, 0.0, 1.0)),
            bits(pareto(word, 1.0, 1.16)),
        ];
        assert_eq!(drawn, GOLDEN);
    }

    #[test]
    fn the_ends_are_finite_and_in_range() {
        for word in [0, 1, u64::MAX - 1, u64::MAX] {
            assert!((0.0..1.0).contains(&unit(word)));
            assert_eq!(below(word, 0), 0);
            assert_eq!(below(word, 1), 0);
            assert!(below(word, 10) < 10);
            assert!((5..8).contains(&range(word, 5..8)));
            assert_eq!(range(word, 8..8), 8);
            assert!(!chance(word, 0.0) && chance(word, 1.0) && !chance(word, f64::NAN));
            // 53 bits of a uniform: nothing is further out than 36.8 means.
            assert!(exponential(word, Duration::from_secs(1)) < Duration::from_secs(37));
            assert!(normal(word, 0.0, 1.0).abs() < 8.6);
            assert!(pareto(word, 1.0, 1.0).is_finite());
        }
        assert_eq!(from_nanos(-1.0), Duration::ZERO);
        assert_eq!(from_nanos(f64::NAN), Duration::ZERO);
        assert_eq!(from_nanos(f64::INFINITY), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn weights_are_kept_and_zero_is_never_drawn() {
        let table = Weighted::new(&[0.0, 3.0, 0.0, 1.0, 0.0]).unwrap();
        let mut counts = [0; 5];
        words().for_each(|word| counts[table.pick(word)] += 1);
        assert_eq!([counts[0], counts[2], counts[4]], [0; 3]);
        assert!((counts[1] as f64 / DRAWS as f64 - 0.75).abs() < 0.01, "{counts:?}");
        assert_eq!((table.pick(0), table.pick(u64::MAX)), (1, 3));
        // The unit's largest value times this total rounds to the total itself.
        let tiny = Weighted::new(&[f64::MIN_POSITIVE * f64::EPSILON, 0.0]).unwrap();
        assert_eq!(tiny.pick(u64::MAX), 0);
    }

    #[test]
    fn weights_that_cannot_be_drawn_from_are_refused() {
        assert_eq!(Weighted::new(&[]), Err(WeightsError::NoneAboveZero));
        assert_eq!(Weighted::new(&[0.0, 0.0]), Err(WeightsError::NoneAboveZero));
        assert_eq!(Weighted::new(&[1.0, -2.0]), Err(WeightsError::Weight { index: 1, weight: -2.0 }));
        assert!(matches!(Weighted::new(&[f64::NAN]), Err(WeightsError::Weight { index: 0, .. })));
        assert_eq!(Weighted::new(&[f64::MAX, f64::MAX]), Err(WeightsError::Sum));
    }

    #[test]
    fn a_shuffle_reaches_every_order_equally_often() {
        let mut stream = Seed::new(7).stream(Concern::Topology, 0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut stream, &mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Six standard deviations around 1,000.
        assert!(counts.values().all(|count| count.abs_diff(1_000) < 190), "{counts:?}");
    }

    // Worked out apart from this code, in Python on glibc: the two libraries agree here.
    const GOLDEN: [&str; 5] =
        ["3f723456789abc80", "000000000387f96b", "3fb4e1fb25dd4b40", "3ff15c213c332a41", "3ff00fc23a4619ba"];
}
