//! Fuzzing: scenarios drawn from seeds, run, and held against what must always hold.
//!
//! A seed is one scenario with every option drawn ([`draw`]), and one run of it. While it runs, the
//! world checks each thing that a machine wants done, and the machine's own invariants; in the end
//! nothing may be left in any machine, and the part of the network that was healed must agree
//! ([`Core`](crate::scenario::Core)). What fails can be run again from its seed alone, and told event
//! by event ([`replay`]).

mod draw;
mod examine;
mod marks;
pub mod replay;

use std::num::NonZeroUsize;

pub use draw::{BLOCKS_MAX, NODES_MAX, draw};
pub use examine::{Examined, FuzzFailure, examine, examine_with};
pub use marks::Marks;

use crate::seeds::{self, SeedProgress};

/// What became of many seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fuzzed {
    /// How many were run.
    pub seeds: u64,
    /// Events in all of them.
    pub events: u64,
    /// Those that failed, by seed.
    pub failures: Vec<FuzzFailure>,
    /// Which situations were reached.
    pub marks: Marks,
}

/// Examines the scenarios of `seeds` on `jobs` threads. The result does not depend on how many.
///
/// `progress` is called from any of them, in any order.
pub fn fuzz(seeds: &[u64], jobs: NonZeroUsize, progress: impl Fn(SeedProgress) + Sync) -> Fuzzed {
    let take = |fuzzed: &mut Fuzzed, seed| fuzzed.take(examine(&draw(seed)));
    let mut all = Fuzzed::default();
    for part in seeds::gather(seeds, jobs, take, progress) {
        all.seeds += part.seeds;
        all.events += part.events;
        all.failures.extend(part.failures);
        all.marks.add(&part.marks);
    }
    all.failures.sort_by_key(|failure| failure.seed);
    all
}

impl Fuzzed {
    fn take(&mut self, examined: Examined) {
        self.seeds += 1;
        self.events += examined.events;
        self.failures.extend(examined.failure);
        self.marks.add(&examined.marks);
    }
}
