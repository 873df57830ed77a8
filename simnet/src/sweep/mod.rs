//! Many seeds of one scenario, side by side, on one machine or in shards on several.
//!
//! A sweep yields raw rows, one for each seed, policy and block. Rows of shards are merged; figures
//! over seeds are made from rows alone, so that a merged sweep and one in one piece say the same.

pub mod figures;
pub mod rows;

use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use thiserror::Error;

use crate::measure::summary::Summary;
use crate::measure::verdict::{Held, Outcome, Verdict};
use crate::scenario::{Policy, Scenario};
use rows::Row;

/// Which seeds: from the first, up to the second, which is not one of them. In text `A..B`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(Range<u64>);

/// One of several parts of a sweep. In text `I/N`, with I from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: NonZeroU64,
}

/// A range of seeds or a shard that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// No range of seeds.
    #[error("seeds are given as A..B, two whole numbers with A below B, B not included; not {0:?}")]
    Seeds(String),
    /// No shard.
    #[error("a shard is given as I/N, with I from 0 to N - 1; not {0:?}")]
    Shard(String),
    /// More than a sweep holds in memory.
    #[error("{seeds} seeds in one sweep are more than {SEEDS_MAX}: run shards, and merge them")]
    TooMany {
        /// How many.
        seeds: u64,
    },
}

/// The most seeds of one sweep, all shards together: their rows have to fit in memory.
pub const SEEDS_MAX: u64 = 1_000_000;

impl Seeds {
    /// From `range`.
    ///
    /// # Errors
    /// It is empty, or has more than [`SEEDS_MAX`].
    pub fn new(range: Range<u64>) -> Result<Self, SelectionError> {
        if range.is_empty() {
            return Err(SelectionError::Seeds(format!("{}..{}", range.start, range.end)));
        }
        match range.end - range.start {
            seeds if seeds > SEEDS_MAX => Err(SelectionError::TooMany { seeds }),
            _ => Ok(Self(range)),
        }
    }

    /// Those of a shard, in order: every N-th, so that shards cost about the same.
    pub fn of(&self, shard: Shard) -> Vec<u64> {
        self.0.clone().filter(|seed| (seed - self.0.start) % shard.of == shard.index).collect()
    }
}

impl FromStr for Seeds {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once("..").and_then(|(a, b)| Some(number(a)?..number(b)?));
        Self::new(parts.ok_or_else(|| SelectionError::Seeds(text.into()))?)
    }
}

impl Shard {
    /// The whole sweep.
    pub const ALL: Self = Self { index: 0, of: NonZeroU64::MIN };
}

impl FromStr for Shard {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shard = text.split_once('/').and_then(|(index, of)| {
            let shard = Self { index: number(index)?, of: NonZeroU64::new(number(of)?)? };
            (shard.index < shard.of.get()).then_some(shard)
        });
        shard.ok_or_else(|| SelectionError::Shard(text.into()))
    }
}

/// Digits alone: the standard library would take a plus sign too.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// How far a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The seed that has just been finished.
    pub seed: u64,
    /// How many are finished.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

/// What a sweep came to, in an order that does not depend on how many jobs ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Swept {
    /// The raw rows, sorted.
    pub rows: Vec<Row>,
    /// Assertions that did not hold under [`Policy::Herald`]: the seed, and which.
    pub failed: Vec<(u64, String)>,
    /// What broke: the seed, the policy where it is known, and what it was.
    pub broken: Vec<(u64, Option<Policy>, String)>,
}

impl Swept {
    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        if !self.broken.is_empty() {
            Outcome::Broken
        } else if self.failed.is_empty() {
            Outcome::Holds
        } else {
            Outcome::Failed
        }
    }
}

/// Runs `world` for each seed on `jobs` threads.
///
/// `world` gets the scenario with the seed set, and gives a summary for each policy. One that panics
/// is a broken seed: the others go on. `progress` is called from any of the threads, in any order.
pub fn run(
    scenario: &Scenario,
    seeds: &[u64],
    jobs: NonZeroUsize,
    world: impl Fn(&Scenario) -> Vec<Summary> + Sync,
    progress: impl Fn(Progress) + Sync,
) -> Swept {
    let digest = rows::digest(scenario);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut swept = Swept { rows: Vec::new(), failed: Vec::new(), broken: Vec::new() };
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
            let scenario = Scenario { seed, ..scenario.clone() };
            match catch_unwind(AssertUnwindSafe(|| world(&scenario))) {
                Ok(summaries) => {
                    swept.take(seed, &digest, &Verdict::of(&scenario.assertions, &summaries), &summaries)
                }
                Err(panic) => swept.broken.push((seed, None, words(panic.as_ref()))),
            }
            progress(Progress { seed, done: done.fetch_add(1, Ordering::Relaxed) + 1, total: seeds.len() });
        }
        swept
    };
    let parts = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.get().min(seeds.len())).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|w| w.join().expect("a panic of the world is caught")).collect::<Vec<_>>()
    });
    let mut all = Swept { rows: Vec::new(), failed: Vec::new(), broken: Vec::new() };
    for part in parts {
        all.rows.extend(part.rows);
        all.failed.extend(part.failed);
        all.broken.extend(part.broken);
    }
    all.rows.sort_by_key(Row::key);
    all.failed.sort();
    all.broken.sort();
    all
}

impl Swept {
    fn take(&mut self, seed: u64, digest: &str, verdict: &Verdict, summaries: &[Summary]) {
        self.rows.extend(summaries.iter().flat_map(|summary| rows::of(digest, summary)));
        let failed = verdict.rows.iter().filter(|row| row.held() == Held::No);
        self.failed.extend(failed.map(|row| (seed, row.assertion.clone())));
        self.broken.extend(verdict.broken.iter().map(|(policy, what)| (seed, Some(*policy), what.clone())));
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", words.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]
    use std::sync::Mutex;

    use super::*;
    use crate::measure::tests::{self, MS};

    fn world(scenario: &Scenario) -> Vec<Summary> {
        assert!(scenario.seed != 13, "unlucky");
        let mut run = tests::run();
        run.seed = scenario.seed;
        run.blocks[0].imported[1] += scenario.seed * MS;
        run.astray = u32::from(scenario.seed == 7);
        let mut other = run.clone();
        other.policy = Policy::GethModel;
        vec![Summary::of(&other, None), Summary::of(&run, None)]
    }

    fn sweep(jobs: usize) -> Swept {
        let mut scenario = tests::scenario();
        scenario.assertions.converged = true;
        let seeds: Vec<u64> = (1..20).collect();
        run(&scenario, &seeds, NonZeroUsize::new(jobs).unwrap(), world, |_| ())
    }

    #[test]
    fn rows_are_sorted_and_the_same_for_any_number_of_jobs() {
        let swept = sweep(1);
        assert_eq!(swept.rows.len(), 18 * 2 * 2);
        assert!(swept.rows.is_sorted_by_key(Row::key));
        assert_eq!(swept.rows[0].policy, Policy::Herald);
        for jobs in [2, 3, 40] {
            assert_eq!(sweep(jobs), swept);
        }
    }

    #[test]
    fn a_failed_assertion_and_a_panic_are_named_with_their_seeds() {
        let swept = sweep(2);
        assert_eq!(swept.failed, [(7, "converged".to_string())]);
        assert_eq!(swept.broken, [(13, None, "panicked: unlucky".to_string())]);
        assert_eq!(swept.outcome(), Outcome::Broken);
    }

    #[test]
    fn progress_counts_every_seed_once() {
        let seen = Mutex::new(Vec::new());
        let jobs = NonZeroUsize::new(2).unwrap();
        let _ = run(&tests::scenario(), &[1, 2, 3], jobs, world, |at| seen.lock().unwrap().push(at));
        let mut seen = seen.into_inner().unwrap();
        seen.sort_by_key(|at| at.done);
        assert_eq!(seen.iter().map(|at| (at.done, at.total)).collect::<Vec<_>>(), [(1, 3), (2, 3), (3, 3)]);
    }

    #[test]
    fn shards_part_the_seeds() {
        let seeds: Seeds = "5..12".parse().unwrap();
        let shard = |text: &str| seeds.of(text.parse().unwrap());
        assert_eq!((shard("0/3"), shard("1/3"), shard("2/3")), (vec![5, 8, 11], vec![6, 9], vec![7, 10]));
        assert_eq!(seeds.of(Shard::ALL).len(), 7);
        for text in ["", "5", "5..5", "6..5", "5..=6", "+1..3", "a..b", "1..99999999999999999999", "..3"] {
            assert_eq!(text.parse::<Seeds>(), Err(SelectionError::Seeds(text.into())), "{text}");
        }
        for text in ["", "1", "1/0", "3/3", "-1/3", "1/3/5", "0/"] {
            assert_eq!(text.parse::<Shard>(), Err(SelectionError::Shard(text.into())), "{text}");
        }
        assert_eq!("0..1000001".parse::<Seeds>(), Err(SelectionError::TooMany { seeds: 1_000_001 }));
    }
}
