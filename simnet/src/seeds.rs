//! Many seeds, run side by side on one machine or in shards on several.

use std::any::Any;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use thiserror::Error;

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
#[allow(missing_docs, reason = "a field without words of its own is what the message says it is")]
#[non_exhaustive]
pub enum SelectionError {
    /// No range of seeds.
    #[error("seeds are given as A..B, two whole numbers with A below B, B not included; not {0:?}")]
    Seeds(String),
    /// No shard.
    #[error("a shard is given as I/N, with I from 0 to N - 1; not {0:?}")]
    Shard(String),
    /// More than a sweep holds in memory.
    #[error("{seeds} seeds in one sweep are more than {SEEDS_MAX}: run shards, and merge them")]
    TooMany { seeds: u64 },
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
#[non_exhaustive]
pub struct SeedProgress {
    /// The seed that has just been finished.
    pub seed: u64,
    /// How many are finished.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

/// Takes each seed on one of `jobs` threads, and gives what each thread gathered. Which seeds fall to
/// which thread is chance; a result that must not depend on it is sorted or summed afterwards.
///
/// `progress` is called from any of the threads, in any order.
///
/// # Panics
/// Where `take` panics: a caller that goes on after that catches it in there.
pub fn gather<T: Default + Send>(
    seeds: &[u64],
    jobs: NonZeroUsize,
    take: impl Fn(&mut T, u64) + Sync,
    progress: impl Fn(SeedProgress) + Sync,
) -> Vec<T> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worker = || {
        let mut gathered = T::default();
        while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            take(&mut gathered, seed);
            progress(SeedProgress {
                seed,
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                total: seeds.len(),
            });
        }
        gathered
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.get().min(seeds.len())).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().expect("the caller catches panics")).collect()
    })
}

/// What a panic said, for a report of what broke.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", message.unwrap_or("without a word"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, missing_docs, reason = "tests")]
    use super::*;

    #[test]
    fn each_seed_is_taken_once_by_any_number_of_jobs() {
        let seeds = [7, 3, 9, 1];
        for jobs in [1, 2, 40] {
            let jobs = NonZeroUsize::new(jobs).unwrap();
            let gathered: Vec<Vec<u64>> =
                gather(&seeds, jobs, |all: &mut Vec<u64>, seed| all.push(seed), |_| ());
            let mut all = gathered.concat();
            all.sort_unstable();
            assert_eq!(all, [1, 3, 7, 9]);
        }
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
