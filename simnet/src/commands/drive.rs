//! Runs of a scenario's policies, one after the other, and what they come to together.

use std::panic::{AssertUnwindSafe, catch_unwind};

use herald_simnet::measure::Run;
use herald_simnet::measure::bound::{BoundError, LowerBound};
use herald_simnet::measure::summary::Summary;
use herald_simnet::policy::{Machine, WithMachine};
use herald_simnet::scenario::{Policy, Scenario};
use herald_simnet::seeds::panic_message;
use herald_simnet::world::{Log, Setup, Stepped, World};

use super::progress::Progress;

/// After how many events the progress is told.
const TELL_EVERY: u64 = 1 << 14;

/// A run that panicked: a defect, with what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panicked(pub(crate) String);

/// Runs one policy to its end. The log comes back, so that whoever gave it can see whether it was
/// written to the last line.
pub(crate) fn policy(
    scenario: &Scenario,
    setup: &Setup,
    policy: Policy,
    log: Log,
) -> Result<(Run, Log), Panicked> {
    struct DriveTask<'a>(&'a Scenario, &'a Setup, Policy, Log);

    impl WithMachine for DriveTask<'_> {
        type Output = (Run, Log);

        fn run<M: Machine>(self) -> (Run, Log) {
            drive::<M>(self.0, self.1, self.2, self.3)
        }
    }

    let driven = || policy.with_machine(DriveTask(scenario, setup, policy, log));
    catch_unwind(AssertUnwindSafe(driven)).map_err(|panic| Panicked(panic_message(&*panic)))
}

fn drive<M: Machine>(scenario: &Scenario, setup: &Setup, policy: Policy, log: Log) -> (Run, Log) {
    let mut world = World::<M>::new(scenario, setup, policy);
    world.set_log(log);
    let progress = Progress::of(scenario, policy, world.end());
    while world.step() == Stepped::Done {
        if world.events().is_multiple_of(TELL_EVERY) {
            progress.at(world.now(), world.blocks_sealed(), world.events());
        }
    }
    let log = world.take_log();
    (world.finish(), log)
}

/// Runs in figures, with the lower bound, whose deliveries come along.
pub(crate) fn summaries(
    scenario: &Scenario,
    setup: &Setup,
    runs: &[Run],
) -> Result<(Vec<Summary>, Vec<u64>), BoundError> {
    // Regions and roles are the setup's, the same in every run of it.
    let Some(first) = runs.first() else { return Ok(Default::default()) };
    let mut bound = LowerBound::new(scenario, &setup.graph, &first.nodes)?;
    let summaries = runs.iter().map(|run| Summary::of(run, Some(&mut bound))).collect();
    Ok((summaries, bound.deliveries(first)))
}
