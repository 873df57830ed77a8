//! The traces of three small worlds, pinned: the same on every machine, in debug and in release.
//!
//! A change of the fetcher, of the model or of a draw changes them. Look at why, say so in the
//! changelog, and put the new ones into `golden.txt`.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, missing_docs, reason = "tests")]

use herald_simnet::scenario::{Policy, Scenario, by_name};
use herald_simnet::world::{self, Setup};

fn shipped(name: &str, nodes: u32, blocks: u32) -> Scenario {
    let mut scenario = by_name(name).expect("it is shipped").scenario().expect("it is sound");
    scenario.nodes = nodes;
    scenario.chain.blocks = blocks;
    scenario.chain.warm_up = 2;
    scenario
}

fn traces(scenario: &Scenario) -> Vec<String> {
    let setup = Setup::new(scenario).expect("a scenario that can be run");
    let line = |policy| {
        let run = world::run(scenario, &setup, policy);
        assert_eq!(run.violation, None);
        format!("{} {} {} {}", scenario.name, policy.label(), run.events, run.trace)
    };
    [Policy::Herald, Policy::GethModel].map(line).into()
}

#[test]
fn three_worlds_have_the_traces_that_they_had() {
    let worlds =
        [shipped("quickstart", 40, 4), shipped("churn", 60, 8), shipped("adversary-withhold-header", 50, 5)];
    let found: Vec<String> = worlds.iter().flat_map(traces).collect();
    let golden: Vec<&str> = include_str!("golden.txt").lines().collect();
    assert_eq!(found, golden, "\n{}\n", found.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let mut scenario = shipped("adversary-withhold-header", 40, 3);
    let setup = Setup::new(&scenario).unwrap();
    let one = world::run(&scenario, &setup, Policy::Herald);
    assert_eq!(one, world::run(&scenario, &setup, Policy::Herald));
    scenario.seed += 1;
    let setup = Setup::new(&scenario).unwrap();
    assert_ne!(world::run(&scenario, &setup, Policy::Herald).trace, one.trace);
}

/// With a check after each event nothing is postponed; without, most of what arrives
/// is. All that is recorded must be the same.
#[test]
fn postponing_changes_nothing() {
    let names = ["quickstart", "churn", "adversary-wrong-number", "adversary-replay", "adversary-equivocate"];
    for name in names {
        let mut scenario = shipped(name, 60, 6);
        scenario.check_stride = 0;
        let setup = Setup::new(&scenario).unwrap();
        let late = world::run(&scenario, &setup, Policy::Herald);
        scenario.check_stride = 1;
        assert_eq!(world::run(&scenario, &setup, Policy::Herald), late, "{name}");
    }
}
