//! Running a failure again, event by event.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use herald_fetcher::BlockHash;
use thiserror::Error;

use super::FuzzFailure;
use super::examine::{broken, grant_overtime, step};
use crate::model::chain::NodeId;
use crate::policy::{Machine, WithMachine};
use crate::scenario::{Policy, Scenario, ScenarioError, ScenarioFileError};
use crate::seeds::panic_message;
use crate::world::{Log, LogEntry, Setup, Stepped, World};

/// Entries at the end of a failure's file.
pub const LAST_ENTRIES: usize = 200;

/// What of a run is told.
///
/// Callers make it: end with `..Filter::default()`, fields will be added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what happens at this node, or comes from it.
    pub node: Option<NodeId>,
    /// Only what is about this block.
    pub block: Option<BlockFilter>,
    /// Only from this event on.
    pub from_event: u64,
}

/// Which blocks are told of. In text a number, or a hash of 64 hexadecimal digits.
///
/// Closed: a block has a hash and a number, and nothing else to name it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockFilter {
    /// The one with this hash.
    Hash(BlockHash),
    /// Any of this number.
    Number(u64),
}

/// A text that is neither a block's number nor its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give a number, or a hash of 64 hexadecimal digits")]
pub struct BlockFilterError;

impl FromStr for BlockFilter {
    type Err = BlockFilterError;

    fn from_str(text: &str) -> Result<Self, BlockFilterError> {
        let number = text.parse().map(Self::Number);
        number.or_else(|_| text.parse().map(Self::Hash)).map_err(|_| BlockFilterError)
    }
}

impl Filter {
    /// Whether this is to be told.
    pub fn takes(&self, entry: &LogEntry) -> bool {
        let node = self.node.is_none_or(|node| entry.node == Some(node) || entry.peer == Some(node));
        let block = self.block.is_none_or(|wanted| match wanted {
            BlockFilter::Hash(hash) => entry.block == Some(hash),
            BlockFilter::Number(number) => entry.number == Some(number),
        });
        entry.event >= self.from_event && node && block
    }
}

/// Runs a scenario again under one policy, up to its end or its first broken predicate, and tells
/// what happens. Gives what did not hold.
///
/// # Errors
/// [`ScenarioError`] where it cannot be run.
pub fn replay(
    scenario: &Scenario,
    policy: Policy,
    tell: &mut dyn FnMut(&LogEntry),
) -> Result<Option<FuzzFailure>, ScenarioError> {
    struct ReplayTask<'a>(&'a Scenario, Policy, &'a mut dyn FnMut(&LogEntry));

    impl WithMachine for ReplayTask<'_> {
        type Output = Result<Option<FuzzFailure>, ScenarioError>;

        fn run<M: Machine>(self) -> Self::Output {
            replay_with::<M>(self.0, self.1, self.2)
        }
    }

    policy.with_machine(ReplayTask(scenario, policy, tell))
}

/// The same with a machine of the caller's own.
///
/// # Errors
/// As [`replay`].
pub fn replay_with<M: Machine>(
    scenario: &Scenario,
    policy: Policy,
    tell: &mut dyn FnMut(&LogEntry),
) -> Result<Option<FuzzFailure>, ScenarioError> {
    Ok(follow::<M>(scenario, &Setup::new(scenario)?, policy, tell))
}

fn follow<M: Machine>(
    scenario: &Scenario,
    setup: &Setup,
    policy: Policy,
    tell: &mut dyn FnMut(&LogEntry),
) -> Option<FuzzFailure> {
    let mut world = World::<M>::new(scenario, setup, policy);
    grant_overtime(scenario, &mut world);
    let violation = loop {
        world.set_log(Log::keep(usize::MAX));
        let done = catch_unwind(AssertUnwindSafe(|| step(&mut world)));
        world.take_log().entries().for_each(&mut *tell);
        match done {
            Ok(Stepped::Done) => {}
            Ok(Stepped::Over) => break broken(scenario, &world.finish()),
            Err(panic) => {
                break Some(crate::measure::BrokenInvariant {
                    at: world.now(),
                    event: world.events(),
                    node: None,
                    what: panic_message(panic.as_ref()),
                });
            }
        }
    };
    violation.map(|violation| FuzzFailure { seed: scenario.seed, policy: Some(policy), violation })
}

/// A failure as a file: its scenario in TOML, which `simnet replay` and `simnet run` read, and in
/// comments what failed and the last that happened before.
///
/// # Errors
/// [`ScenarioFileError`] where the scenario cannot be written as TOML.
pub fn to_file(
    scenario: &Scenario,
    failure: &FuzzFailure,
    last: &[LogEntry],
) -> Result<String, ScenarioFileError> {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "# {failure}");
    let _ = writeln!(
        text,
        "# simnet {}, `simnet replay` of this file runs it again\n",
        env!("CARGO_PKG_VERSION")
    );
    text.push_str(&scenario.to_toml()?);
    let _ = writeln!(text, "\n# The last {} entries before:", last.len());
    for entry in last {
        let _ = writeln!(text, "# {entry}");
    }
    Ok(text)
}
