//! One scenario, run and held against what must hold.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use herald_fetcher::Time;

use super::Marks;
use crate::measure::{BrokenInvariant, Run};
use crate::policy::{Machine, WithMachine};
use crate::scenario::{Policy, Scenario};
use crate::seeds::panic_message;
use crate::world::{Setup, Stepped, World};

/// What an examination found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Examined {
    /// The first thing that did not hold.
    pub failure: Option<FuzzFailure>,
    /// Which situations were reached.
    pub marks: Marks,
    /// How many events there were.
    pub events: u64,
}

/// What did not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FuzzFailure {
    /// The scenario's seed.
    pub seed: u64,
    /// Under which policy.
    pub policy: Option<Policy>,
    /// What did not hold. What only the end of a run shows is given its last event.
    pub violation: BrokenInvariant,
}

impl fmt::Display for FuzzFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BrokenInvariant { at, event, node, what } = &self.violation;
        write!(f, "seed {}", self.seed)?;
        if let Some(policy) = self.policy {
            write!(f, ", {}", policy.label())?;
        }
        let nanos = at.as_nanos();
        write!(f, ": event {event} at {}.{:09} s", nanos / 1_000_000_000, nanos % 1_000_000_000)?;
        if let Some(node) = node {
            write!(f, ", node {}", node.index())?;
        }
        write!(f, ": {what}")
    }
}

/// Runs a scenario under each of its policies up to the first failure.
pub fn examine(scenario: &Scenario) -> Examined {
    struct ExamineTask<'a>(&'a Scenario, &'a Setup, Policy);

    impl WithMachine for ExamineTask<'_> {
        type Output = Result<Run, BrokenInvariant>;

        fn run<M: Machine>(self) -> Self::Output {
            run_caught::<M>(self.0, self.1, self.2)
        }
    }

    examine_by(scenario, |setup, policy| policy.with_machine(ExamineTask(scenario, setup, policy)))
}

/// The same with a machine of the caller's own, for all policies.
pub fn examine_with<M: Machine>(scenario: &Scenario) -> Examined {
    examine_by(scenario, |setup, policy| run_caught::<M>(scenario, setup, policy))
}

fn examine_by(scenario: &Scenario, run: impl Fn(&Setup, Policy) -> Result<Run, BrokenInvariant>) -> Examined {
    let mut examined = Examined { failure: None, marks: Marks::default(), events: 0 };
    let fail = |policy, violation| Some(FuzzFailure { seed: scenario.seed, policy, violation });
    let setup = match catch_unwind(AssertUnwindSafe(|| Setup::new(scenario))) {
        Ok(Ok(setup)) => setup,
        Ok(Err(error)) => {
            examined.failure = fail(None, before_all(format!("the scenario cannot be run: {error}")));
            return examined;
        }
        Err(panic) => {
            examined.failure = fail(None, before_all(panic_message(panic.as_ref())));
            return examined;
        }
    };
    for &policy in &scenario.policies {
        let violation = match run(&setup, policy) {
            Ok(run) => {
                examined.events += run.events;
                examined.marks.add(&Marks::of(&run));
                broken(scenario, &run)
            }
            Err(violation) => Some(violation),
        };
        if let Some(violation) = violation {
            examined.failure = fail(Some(policy), violation);
            break;
        }
    }
    examined
}

fn before_all(what: String) -> BrokenInvariant {
    BrokenInvariant { at: Time::ZERO, event: 0, node: None, what }
}

/// Runs a world to its end. A panic is a violation like any other, at the event that it happened in.
fn run_caught<M: Machine>(
    scenario: &Scenario,
    setup: &Setup,
    policy: Policy,
) -> Result<Run, BrokenInvariant> {
    let world = catch_unwind(AssertUnwindSafe(|| World::<M>::new(scenario, setup, policy)));
    let mut world = world.map_err(|panic| before_all(panic_message(panic.as_ref())))?;
    grant_overtime(scenario, &mut world);
    let ended = catch_unwind(AssertUnwindSafe(|| while step(&mut world) == Stepped::Done {}));
    match ended {
        Ok(()) => Ok(world.finish()),
        Err(panic) => Err(BrokenInvariant {
            at: world.now(),
            event: world.events(),
            node: None,
            what: panic_message(panic.as_ref()),
        }),
    }
}

/// How long after its end a run may go on for what is still under way.
const OVERTIME: Duration = Duration::from_secs(86_400);
/// And for how many events: range syncs that chase each other must not go on for ever.
const EVENTS_MAX: u64 = 3_000_000;

/// Lets a run go on after its end until nothing is under way, where nothing may be left: how long that
/// takes depends on how far the last block has to go, and who gives up on the way.
pub(super) fn grant_overtime<M: Machine>(scenario: &Scenario, world: &mut World<'_, M>) {
    if scenario.assertions.nothing_left {
        world.extend(world.end().after(OVERTIME));
    }
}

/// The next event.
pub(super) fn step<M: Machine>(world: &mut World<'_, M>) -> Stepped {
    if world.events() < EVENTS_MAX { world.step() } else { Stepped::Over }
}

/// What a run broke, or what its end does not show although it must.
pub(super) fn broken(scenario: &Scenario, run: &Run) -> Option<BrokenInvariant> {
    if let Some(violation) = &run.violation {
        return Some(violation.clone());
    }
    let asserted = &scenario.assertions;
    let what = if asserted.nothing_left && run.not_empty > 0 {
        format!("{} honest nodes still hold something when all has come to its end", run.not_empty)
    } else if asserted.converged && run.astray > 0 {
        format!(
            "{} nodes that nothing was wrong with any more do not have their neighbours' head",
            run.astray
        )
    } else if asserted.memory_bounded && over_bound(run) {
        "a fetcher's memory was above its formula's bound".into()
    } else {
        return None;
    };
    Some(BrokenInvariant { at: run.ended_at, event: run.events, node: None, what })
}

fn over_bound(run: &Run) -> bool {
    run.nodes.iter().any(|node| node.memory_bound.is_some_and(|bound| node.memory_peak > bound))
}
