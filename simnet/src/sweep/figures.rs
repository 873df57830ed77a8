//! Figures over seeds, made from rows alone. The seed is the unit: blocks of one run are not
//! independent of each other, runs of different seeds are.

use std::fmt;

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

use super::rows::SweepRow;
use crate::measure::stats::Estimate;
use crate::measure::table::{TextTable, nanos};
use crate::scenario::Policy;

/// What is looked at, one value for each seed and policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Figure {
    /// The mean over a seed's blocks of the time until 50 of 100 nodes had imported the block.
    #[strum(to_string = "imported, 50 %")]
    ImportedP50,
    /// The same for 90.
    #[strum(to_string = "imported, 90 %")]
    ImportedP90,
    /// The same for 99.
    #[strum(to_string = "imported, 99 %")]
    ImportedP99,
    /// The same for all.
    #[strum(to_string = "imported, all")]
    ImportedP100,
    /// The mean over a seed's blocks of the lower bound until 50 of 100 have.
    #[strum(to_string = "bound, 50 %")]
    BoundP50,
    /// The same for 99.
    #[strum(to_string = "bound, 99 %")]
    BoundP99,
    /// Bytes of blocks received for each byte of block.
    #[strum(to_string = "redundancy")]
    Redundancy,
    /// The share of deliveries that did not happen.
    #[strum(to_string = "not reached")]
    NotReached,
    /// Requests that were not answered by their deadline.
    #[strum(to_string = "timeouts")]
    Timeouts,
}

impl Figure {
    /// All figures, in the order in which tables show them.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in tables; files have the variant's own name in snake case.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// Its value in one run, in nanoseconds where it is a time; `None` where there is none: nothing was
    /// sealed, or one of the blocks did not reach so many.
    fn of(self, run: &[SweepRow]) -> Option<f64> {
        match self {
            Self::ImportedP50 => mean_time(run, |row| row.imported_p50_ns),
            Self::ImportedP90 => mean_time(run, |row| row.imported_p90_ns),
            Self::ImportedP99 => mean_time(run, |row| row.imported_p99_ns),
            Self::ImportedP100 => mean_time(run, |row| row.imported_p100_ns),
            Self::BoundP50 => mean_time(run, |row| row.bound_p50_ns),
            Self::BoundP99 => mean_time(run, |row| row.bound_p99_ns),
            Self::Redundancy => run.first()?.redundancy,
            Self::NotReached => {
                let all: u64 = run.iter().map(|row| row.deliveries).sum();
                let missing: u64 = run.iter().map(|row| row.not_reached).sum();
                (all > 0).then(|| missing as f64 / all as f64)
            }
            Self::Timeouts => Some(run.first()?.timeouts as f64),
        }
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::ImportedP50
            | Self::ImportedP90
            | Self::ImportedP99
            | Self::ImportedP100
            | Self::BoundP50
            | Self::BoundP99 => {
                let sign = if value < 0.0 { "-" } else { "" };
                format!("{sign}{}", nanos(libm::round(libm::fabs(value)) as u64))
            }
            Self::Redundancy | Self::Timeouts => format!("{value:.3}"),
            Self::NotReached => format!("{:.3} %", value * 100.0),
        }
    }
}

fn mean_time(run: &[SweepRow], time: impl Fn(&SweepRow) -> Option<u64>) -> Option<f64> {
    let looked_for: Vec<&SweepRow> = run.iter().filter(|row| row.deliveries > 0).collect();
    let times: Option<Vec<f64>> = looked_for.iter().map(|row| time(row).map(|time| time as f64)).collect();
    Estimate::of(&times?).map(|estimate| estimate.mean)
}

/// One figure of one policy over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Across {
    /// Under which policy.
    pub policy: Policy,
    /// What was looked at, and in which unit.
    pub figure: Figure,
    /// How many seeds ran.
    pub seeds: u64,
    /// In how many of them there is no such value: a block did not reach so many nodes.
    pub without: u64,
    /// The mean and its 95 % interval. `None` as soon as one seed has no value: a mean over the others
    /// would hide the worst.
    pub estimate: Option<Estimate>,
    /// The median over seeds, by nearest rank; seeds without a value come last.
    pub median: Option<f64>,
    /// The 95th percentile over seeds.
    pub p95: Option<f64>,
    /// The largest over seeds.
    pub max: Option<f64>,
    /// The mean difference to [`Policy::Herald`] on the same seed, positive where this is more; only
    /// where both have a value for each seed.
    pub over_herald: Option<Estimate>,
}

/// A sweep in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// Which scenario: [`Scenario::digest`](crate::scenario::Scenario::digest).
    pub scenario: String,
    /// How many seeds.
    pub seeds: u64,
    /// Each figure of each policy.
    pub figures: Vec<Across>,
}

impl Figures {
    /// From sorted rows, as [`run`](super::run) and [`merge`](super::rows::merge) give them.
    pub fn of(rows: &[SweepRow]) -> Self {
        let runs: Vec<&[SweepRow]> = rows.chunk_by(|a, b| (a.seed, a.policy) == (b.seed, b.policy)).collect();
        let mut seeds: Vec<u64> = rows.iter().map(|row| row.seed).collect();
        seeds.dedup();
        let mut figures = Vec::new();
        for &policy in Policy::ALL {
            for &figure in Figure::ALL {
                figures.extend(across(&runs, policy, figure));
            }
        }
        let scenario = rows.first().map_or(String::new(), |row| row.scenario.clone());
        Self { scenario, seeds: seeds.len() as u64, figures }
    }
}

/// The value of each seed under a policy.
fn values(runs: &[&[SweepRow]], policy: Policy, figure: Figure) -> Vec<(u64, Option<f64>)> {
    let mine =
        runs.iter().filter_map(|run| Some((run.first()?, *run))).filter(|(row, _)| row.policy == policy);
    mine.map(|(row, run)| (row.seed, figure.of(run))).collect()
}

fn across(runs: &[&[SweepRow]], policy: Policy, figure: Figure) -> Option<Across> {
    let by_seed = values(runs, policy, figure);
    let found: Vec<f64> = by_seed.iter().filter_map(|(_, value)| *value).collect();
    if found.is_empty() && (by_seed.is_empty() || matches!(figure, Figure::BoundP50 | Figure::BoundP99)) {
        return None; // The policy did not run, or the bound was not computed.
    }
    let herald = (policy != Policy::Herald).then(|| values(runs, Policy::Herald, figure));
    let seeds = by_seed.len();
    let whole = found.len() == seeds;
    let mut sorted = found.clone();
    sorted.sort_by(f64::total_cmp);
    let percentile = |percent: usize| sorted.get((seeds * percent).div_ceil(100).max(1) - 1).copied();
    Some(Across {
        policy,
        figure,
        seeds: seeds as u64,
        without: (seeds - found.len()) as u64,
        estimate: Estimate::of(&found).filter(|_| whole),
        median: percentile(50),
        p95: percentile(95),
        max: percentile(100),
        over_herald: herald.and_then(|herald| paired(&by_seed, &herald)),
    })
}

fn paired(these: &[(u64, Option<f64>)], herald: &[(u64, Option<f64>)]) -> Option<Estimate> {
    if these.len() != herald.len() {
        return None;
    }
    let pairs = these.iter().zip(herald).map(|((seed, value), (other, base))| {
        (seed == other).then_some(())?;
        Some((*value)? - (*base)?)
    });
    Estimate::of(&pairs.collect::<Option<Vec<f64>>>()?)
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headings = ["policy", "figure", "mean", "95 % interval", "median", "p95", "most", "over herald"];
        let mut table = TextTable::new(headings, 2);
        for row in &self.figures {
            let show = |value: f64| row.figure.show(value);
            let or_not = |value: Option<f64>| value.map_or_else(|| "not reached".into(), show);
            let mean = match &row.estimate {
                Some(estimate) => show(estimate.mean),
                None => format!("not in {} of {}", row.without, row.seeds),
            };
            let interval = |estimate: &Estimate| {
                let (low, high) = estimate.interval();
                estimate.half_width.map(|_| format!("{} to {}", show(low), show(high)))
            };
            let spread = row.estimate.as_ref().and_then(interval).unwrap_or_else(|| "-".into());
            let over = row.over_herald.as_ref().map_or_else(
                || "-".into(),
                |over| match over.half_width {
                    Some(half) => format!("{} ± {}", show(over.mean), show(half)),
                    None => show(over.mean),
                },
            );
            let cells = [row.policy.label().into(), row.figure.label().into(), mean, spread];
            let cells = cells.into_iter().chain([row.median, row.p95, row.max].map(or_not));
            table.row(cells.chain([over]));
        }
        write!(f, "{} seeds\n{table}", self.seeds)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]
    use super::*;
    use crate::measure::NEVER;
    use crate::measure::summary::Summary;
    use crate::measure::tests::{MS, run};
    use crate::sweep::rows;

    fn sweep(lost: Option<u64>) -> Vec<SweepRow> {
        let mut all = Vec::new();
        for seed in 1..=4 {
            for (policy, late) in [(Policy::Herald, 0), (Policy::GethModel, 40 + 2 * seed)] {
                let mut run = run();
                (run.seed, run.policy) = (seed, policy);
                for block in &mut run.blocks {
                    block.imported[3] += (10 * seed + late) * MS;
                    if lost == Some(seed) && policy == Policy::GethModel {
                        block.imported[3] = NEVER;
                    }
                }
                all.extend(rows::of("digest", &Summary::of(&run, None)));
            }
        }
        all
    }

    fn find(figures: &Figures, policy: Policy, figure: Figure) -> &Across {
        figures.figures.iter().find(|row| (row.policy, row.figure) == (policy, figure)).unwrap()
    }

    #[test]
    fn the_seed_is_the_unit() {
        let figures = Figures::of(&sweep(None));
        assert_eq!(figures.seeds, 4);
        let herald = find(&figures, Policy::Herald, Figure::ImportedP100);
        // Two blocks, 310 and 320 ms and 10 ms more for each seed: 325, 335, 345, 355.
        let ms = MS as f64;
        let estimate = herald.estimate.unwrap();
        assert_eq!((estimate.values, estimate.mean), (4, 340.0 * ms));
        let half = 3.1824 * libm::sqrt(500.0 / 3.0) / 2.0 * ms;
        assert!((estimate.half_width.unwrap() - half).abs() < 1.0);
        let found = (herald.median, herald.p95, herald.max);
        assert_eq!(found, (Some(335.0 * ms), Some(355.0 * ms), Some(355.0 * ms)));

        // Paired: what the seeds have in common falls out; 42, 44, 46, 48 remain.
        let over = find(&figures, Policy::GethModel, Figure::ImportedP100).over_herald.unwrap();
        assert_eq!(over.mean, 45.0 * ms);
        assert!((over.deviation.unwrap() - libm::sqrt(20.0 / 3.0) * ms).abs() < 1.0);
        assert_eq!(herald.over_herald, None);
    }

    #[test]
    fn a_seed_that_did_not_reach_all_is_never_averaged_away() {
        let figures = Figures::of(&sweep(Some(2)));
        let geth = find(&figures, Policy::GethModel, Figure::ImportedP100);
        assert_eq!((geth.without, geth.estimate, geth.over_herald, geth.max), (1, None, None, None));
        assert!(geth.median.is_some());
        let share = find(&figures, Policy::GethModel, Figure::NotReached);
        assert_eq!(share.max, Some(1.0 / 3.0));
        let text = figures.to_string();
        assert!(text.contains("not in 1 of 4") && text.contains("33.333 %"), "{text}");
        assert!(serde_json::to_string(&figures).unwrap().contains(r#""figure":"imported_p100""#));
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(Figures::of(&[]), Figures { scenario: String::new(), seeds: 0, figures: vec![] });
    }
}
