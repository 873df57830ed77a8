//! Percentiles that do not lose what never arrived, and means with their intervals.

use serde::Serialize;

use super::NEVER;

/// Spans in nanoseconds, sorted; [`NEVER`] comes last and counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    sorted: Vec<u64>,
    reached: usize,
}

impl Spans {
    /// Sorts them.
    pub fn new(mut spans: Vec<u64>) -> Self {
        spans.sort_unstable();
        let reached = spans.partition_point(|span| *span != NEVER);
        Self { sorted: spans, reached }
    }

    /// How many there are, those that never happened included.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// How many never happened.
    pub fn not_reached(&self) -> u64 {
        (self.sorted.len() - self.reached) as u64
    }

    /// Those that happened, sorted.
    pub fn reached(&self) -> &[u64] {
        self.sorted.get(..self.reached).unwrap_or_default()
    }

    /// All of them, sorted, [`NEVER`] last.
    pub fn as_slice(&self) -> &[u64] {
        &self.sorted
    }

    /// The smallest span that at least `percent` of 100 do not exceed (nearest rank).
    ///
    /// `None` where so many are not reached that it falls on one of them, or where there is none.
    pub fn percentile(&self, percent: u32) -> Option<u64> {
        let rank = (self.sorted.len() as u128 * u128::from(percent)).div_ceil(100).max(1);
        let index = usize::try_from(rank - 1).ok()?;
        self.sorted.get(index).copied().filter(|span| *span != NEVER)
    }

    /// The percentiles that all reports show.
    pub fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50: self.percentile(50),
            p90: self.percentile(90),
            p99: self.percentile(99),
            p100: self.percentile(100),
        }
    }
}

/// Nearest-rank percentiles in nanoseconds; `None` is "not reached".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Quantiles {
    /// Half.
    pub p50: Option<u64>,
    /// 90 of 100.
    pub p90: Option<u64>,
    /// 99 of 100.
    pub p99: Option<u64>,
    /// All.
    pub p100: Option<u64>,
}

impl Quantiles {
    /// They, each with its number.
    pub const fn all(&self) -> [(u32, Option<u64>); 4] {
        [(50, self.p50), (90, self.p90), (99, self.p99), (100, self.p100)]
    }
}

/// A mean over independent values, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// How many values.
    pub values: u64,
    /// Arithmetic mean, in the unit of the values.
    pub mean: f64,
    /// Their sample standard deviation (over n - 1); `None` for a single value.
    pub deviation: Option<f64>,
    /// Half the width of the 95 % interval of the mean, by Student's t; `None` for a single value.
    pub half_width: Option<f64>,
}

impl Estimate {
    /// From independent values, in an order that is always the same: sums of floats depend on it.
    /// `None` where there is none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count as f64;
        let deviation = (count > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            libm::sqrt(squares / (count - 1) as f64)
        });
        let half_width =
            deviation.map(|deviation| t_975(count as u64 - 1) * deviation / libm::sqrt(count as f64));
        Some(Self { values: count as u64, mean, deviation, half_width })
    }

    /// The 95 % interval; the mean alone where there is a single value.
    pub fn interval(&self) -> (f64, f64) {
        let half = self.half_width.unwrap_or(0.0);
        (self.mean - half, self.mean + half)
    }
}

/// The 97.5 % quantile of Student's t for 1 to 30 degrees of freedom, as in every table of it.
const T_975: [f64; 30] = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604,
    2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555,
    2.0518, 2.0484, 2.0452, 2.0423,
];

/// The 97.5 % quantile of the normal distribution.
const Z_975: f64 = 1.959_963_984_540_054;

/// The 97.5 % quantile of Student's t, right to four digits after the point: a table, and above it
/// Fisher and Cornish's series about the normal quantile (Abramowitz and Stegun, 26.7.5).
pub fn t_975(degrees: u64) -> f64 {
    let listed = degrees.checked_sub(1).and_then(|index| usize::try_from(index).ok());
    if let Some(t) = listed.and_then(|index| T_975.get(index)) {
        return *t;
    }
    if degrees == 0 { f64::INFINITY } else { t_975_series(degrees as f64) }
}

fn t_975_series(degrees: f64) -> f64 {
    let z = Z_975;
    let z2 = z * z;
    let first = z * (z2 + 1.0) / 4.0;
    let second = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let third = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    z + (first + (second + third / degrees) / degrees) / degrees
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_are_the_nearest_rank() {
        let spans = Spans::new((1..=200).rev().collect());
        assert_eq!(spans.quantiles().all(), [50, 90, 99, 100].map(|p| (p, Some(u64::from(p) * 2))));
        // The textbook's example: five values, the 30th percentile is the second.
        let five = Spans::new(vec![15, 20, 35, 40, 50]);
        assert_eq!([5, 30, 40, 50, 100].map(|p| five.percentile(p).unwrap()), [15, 20, 20, 35, 50]);
        assert_eq!(Spans::new(vec![7]).percentile(0), Some(7));
    }

    #[test]
    fn what_never_arrived_counts_and_comes_last() {
        let mut spans: Vec<u64> = (1..=98).collect();
        spans.insert(0, NEVER);
        spans.push(NEVER);
        let spans = Spans::new(spans);
        assert_eq!((spans.len(), spans.not_reached()), (100, 2));
        assert_eq!(spans.percentile(98), Some(98));
        assert_eq!(spans.percentile(99), None);
        assert_eq!(Spans::default().quantiles(), Quantiles::default());
        assert_eq!(Spans::new(vec![NEVER]).percentile(50), None);
    }

    #[test]
    fn t_agrees_with_its_closed_forms_and_with_published_tables() {
        // One degree of freedom is Cauchy's distribution: tan(0.475 pi). Two: (2p - 1) / sqrt(2p(1 - p)).
        // Four: 2 sqrt(q - 1) with q = cos(acos(sqrt a) / 3) / sqrt a and a = 4p(1 - p).
        let (p, pi) = (0.975, core::f64::consts::PI);
        assert!((t_975(1) - libm::tan(pi * (p - 0.5))).abs() < 5e-5);
        assert!((t_975(2) - (2.0 * p - 1.0) / libm::sqrt(2.0 * p * (1.0 - p))).abs() < 5e-5);
        let root = libm::sqrt(4.0 * p * (1.0 - p));
        let q = libm::cos(libm::acos(root) / 3.0) / root;
        assert!((t_975(4) - 2.0 * libm::sqrt(q - 1.0)).abs() < 5e-5);

        for (degrees, t) in [(40, 2.0211), (60, 2.0003), (120, 1.9799), (1_000, 1.9623), (u64::MAX, Z_975)] {
            assert!((t_975(degrees) - t).abs() < 5.1e-5, "{degrees}: {}", t_975(degrees));
        }
        // Where table and series meet, they agree.
        assert!((T_975[29] - t_975_series(30.0)).abs() < 5.1e-5);
        assert_eq!(t_975(0), f64::INFINITY);
    }

    #[test]
    fn an_estimate_is_that_of_the_textbook() {
        // Mean 5, squares 32, deviation sqrt(32/7).
        let estimate = Estimate::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(estimate.mean, 5.0);
        let deviation = libm::sqrt(32.0 / 7.0);
        assert_eq!(estimate.deviation, Some(deviation));
        let half = 2.3646 * deviation / libm::sqrt(8.0);
        assert!((estimate.half_width.unwrap() - half).abs() < 1e-12);
        assert_eq!(
            estimate.interval(),
            (5.0 - estimate.half_width.unwrap(), 5.0 + estimate.half_width.unwrap())
        );
        assert_eq!(Estimate::of(&[]), None);
        let single = Estimate::of(&[3.0]).unwrap();
        assert_eq!((single.deviation, single.interval()), (None, (3.0, 3.0)));
    }

    proptest! {
        #[test]
        fn a_percentile_has_its_share_at_or_below_it(
            spans in proptest::collection::vec(prop_oneof![0_u64..50, Just(NEVER)], 1..80),
            percent in 1_u32..=100,
        ) {
            let all = spans.len();
            let below = |limit: u64| spans.iter().filter(|span| **span <= limit).count();
            match Spans::new(spans.clone()).percentile(percent) {
                Some(found) => {
                    prop_assert!(below(found) * 100 >= all * percent as usize);
                    prop_assert!(found == 0 || below(found - 1) * 100 < all * percent as usize);
                }
                None => prop_assert!(below(NEVER - 1) * 100 < all * percent as usize),
            }
        }
    }
}
