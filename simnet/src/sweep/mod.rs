//! Many seeds of one scenario, side by side, on one machine or in shards on several.
//!
//! A sweep yields raw rows, one for each seed, policy and block. Rows of shards are merged; figures
//! over seeds are made from rows alone, so that a merged sweep and one in one piece say the same.

pub mod figures;
pub mod rows;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::measure::summary::Summary;
use crate::measure::verdict::{Assertion, AssertionHeld, RunOutcome, ScenarioVerdict};
use crate::scenario::{Policy, Scenario};
use crate::seeds::{self, SeedProgress, panic_message};
use rows::SweepRow;

/// What a sweep came to, in an order that does not depend on how many jobs ran.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Swept {
    /// The raw rows, sorted.
    pub rows: Vec<SweepRow>,
    /// Assertions that did not hold under [`Policy::Herald`]: the seed, and which.
    pub failed: Vec<(u64, Assertion)>,
    /// What broke: the seed, the policy where it is known, and what it was.
    pub broken: Vec<(u64, Option<Policy>, String)>,
}

impl Swept {
    /// What it comes to.
    pub fn outcome(&self) -> RunOutcome {
        if !self.broken.is_empty() {
            RunOutcome::Broken
        } else if self.failed.is_empty() {
            RunOutcome::Holds
        } else {
            RunOutcome::Failed
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
    progress: impl Fn(SeedProgress) + Sync,
) -> Swept {
    let digest = scenario.digest();
    let take = |swept: &mut Swept, seed| {
        let scenario = Scenario { seed, ..scenario.clone() };
        match catch_unwind(AssertUnwindSafe(|| world(&scenario))) {
            Ok(summaries) => {
                swept.take(seed, &digest, &ScenarioVerdict::of(&scenario.assertions, &summaries), &summaries)
            }
            Err(panic) => swept.broken.push((seed, None, panic_message(&*panic))),
        }
    };
    let mut all = Swept::default();
    for part in seeds::gather(seeds, jobs, take, progress) {
        all.rows.extend(part.rows);
        all.failed.extend(part.failed);
        all.broken.extend(part.broken);
    }
    all.rows.sort_by_key(SweepRow::key);
    all.failed.sort_by_key(|(seed, assertion)| (*seed, assertion.label()));
    all.broken.sort();
    all
}

impl Swept {
    fn take(&mut self, seed: u64, digest: &str, verdict: &ScenarioVerdict, summaries: &[Summary]) {
        self.rows.extend(summaries.iter().flat_map(|summary| rows::of(digest, summary)));
        let failed = verdict.rows.iter().filter(|row| row.held() == AssertionHeld::No);
        self.failed.extend(failed.map(|row| (seed, row.assertion)));
        self.broken.extend(verdict.broken.iter().map(|(policy, what)| (seed, Some(*policy), what.clone())));
    }
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
        assert!(swept.rows.is_sorted_by_key(SweepRow::key));
        assert_eq!(swept.rows[0].policy, Policy::Herald);
        for jobs in [2, 3, 40] {
            assert_eq!(sweep(jobs), swept);
        }
    }

    #[test]
    fn a_failed_assertion_and_a_panic_are_named_with_their_seeds() {
        let swept = sweep(2);
        assert_eq!(swept.failed, [(7, Assertion::Converged)]);
        assert_eq!(swept.broken, [(13, None, "panicked: unlucky".to_string())]);
        assert_eq!(swept.outcome(), RunOutcome::Broken);
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
}
