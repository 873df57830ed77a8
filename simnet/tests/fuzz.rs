//! The fuzzer itself: it passes what is sound, finds what is not, and its reproduction is right.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use herald_fetcher::{Config, Fetcher, Input, Outcome, Output, Time};
use herald_simnet::fuzz::replay::{replay, replay_with, to_file};
use herald_simnet::fuzz::{FuzzFailure, draw, examine, examine_with, fuzz};
use herald_simnet::model::block::Sim;
use herald_simnet::model::chain::NodeView;
use herald_simnet::policy::{Holdings, Machine, MachineCounters, MemoryUse};
use herald_simnet::scenario::{Policy, Scenario};

#[test]
fn thirty_seeds_hold_for_any_number_of_jobs() {
    let seeds: Vec<u64> = (0..30).collect();
    let fuzzed = fuzz(&seeds, NonZeroUsize::MIN, |_| ());
    assert_eq!(fuzzed.failures, []);
    assert_eq!(fuzzed.seeds, 30);
    assert!(fuzzed.events > 30_000, "{} events are no run", fuzzed.events);
    assert_eq!(fuzz(&seeds, NonZeroUsize::new(2).unwrap(), |_| ()), fuzzed);
}

/// A fetcher that one input does not reach.
struct Deaf<const WHICH: u8>(Fetcher<Sim>);

/// A peer's going.
const TO_GOING: u8 = 0;
/// The time.
const TO_TIME: u8 = 1;
/// The import's outcome.
const TO_IMPORT: u8 = 2;

impl<const WHICH: u8> Machine for Deaf<WHICH> {
    fn new(config: Arc<Config>, seed: u64) -> Self {
        Self(Machine::new(config, seed))
    }

    fn handle(&mut self, now: Time, input: Input<Sim>, chain: &NodeView<'_>) -> Outcome<Sim> {
        match (&input, WHICH) {
            (Input::PeerGone { .. }, TO_GOING)
            | (Input::Tick, TO_TIME)
            | (Input::Imported { .. }, TO_IMPORT) => Outcome::Done,
            (_, _) => self.0.handle(now, input, chain),
        }
    }

    fn poll_output(&mut self) -> Option<Output<Sim>> {
        Machine::poll_output(&mut self.0)
    }

    /// One that hears no time must not ask for it either: it would be woken without end.
    fn poll_timeout(&self) -> Option<Time> {
        if WHICH == TO_TIME { None } else { Machine::poll_timeout(&self.0) }
    }

    fn memory(&self) -> MemoryUse {
        Machine::memory(&self.0)
    }

    fn machine_counters(&self) -> MachineCounters {
        Machine::machine_counters(&self.0)
    }

    fn holdings(&self) -> Holdings {
        Machine::holdings(&self.0)
    }

    fn check(&self) -> Result<(), String> {
        Machine::check(&self.0)
    }
}

/// The first seed of the first hundred under which a machine fails.
fn first_failure<M: Machine>() -> (Scenario, FuzzFailure) {
    let failed = (0..100).map(draw).find_map(|scenario| {
        let failure = examine_with::<M>(&scenario).failure?;
        Some((scenario, failure))
    });
    failed.expect("a machine so broken fails under one of a hundred seeds")
}

#[test]
fn a_machine_that_asks_who_is_gone_is_found_and_its_failure_runs_again() {
    let (scenario, failure) = first_failure::<Deaf<TO_GOING>>();
    assert!(failure.violation.what.contains("which is gone"), "{failure}");
    let mut last = Vec::new();
    let again =
        replay_with::<Deaf<TO_GOING>>(&scenario, Policy::Herald, &mut |entry| last.push(entry.clone()));
    assert_eq!(again.unwrap(), Some(failure.clone()));
    let end = last.last().unwrap();
    assert_eq!((end.event, end.at), (failure.violation.event, failure.violation.at));
    // The file that it leaves is the same scenario.
    let text = to_file(&scenario, &failure, &last).unwrap();
    assert!(text.starts_with(&format!("# {failure}\n")), "{text}");
    assert_eq!(Scenario::parse(&text, Path::new("failure.toml")).unwrap(), scenario);
}

#[test]
fn a_machine_that_forgets_time_or_an_import_is_found() {
    let (_, late) = first_failure::<Deaf<TO_TIME>>();
    assert!(late.violation.what.contains("outlives its time"), "{late}");
    let (_, stuck) = first_failure::<Deaf<TO_IMPORT>>();
    assert!(stuck.violation.what.contains("and has answered"), "{stuck}");
}

#[test]
fn a_sound_seed_runs_again_the_same() {
    let scenario = draw(5);
    assert_eq!(examine(&scenario).failure, None);
    let mut events = 0;
    let failure = replay(&scenario, Policy::Herald, &mut |entry| events = entry.event).unwrap();
    assert_eq!(failure, None);
    assert!(events > 0);
}
