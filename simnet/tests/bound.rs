//! The lower bound is one: no delivery of a real run is faster.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, missing_docs, reason = "tests")]

use herald_simnet::measure::NEVER;
use herald_simnet::measure::bound::LowerBound;
use herald_simnet::scenario::by_name;
use herald_simnet::world::{self, Setup};

#[test]
fn no_delivery_is_faster_than_the_bound() {
    for name in ["quickstart", "sub-second", "adversary-answer-late"] {
        let mut scenario = by_name(name).expect("it is shipped").scenario().expect("it is sound");
        scenario.nodes = 60;
        scenario.chain.warm_up = 2;
        let setup = Setup::new(&scenario).unwrap();
        for &policy in &scenario.policies {
            let run = world::run(&scenario, &setup, policy);
            let mut bound = LowerBound::new(&scenario, &setup.graph, &run.nodes).unwrap();
            let mut held = 0;
            for block in run.blocks.iter().filter(|block| block.hash.is_some()) {
                let least = bound.imported(block.sealer, block.bytes);
                for (node, &found) in block.imported.iter().enumerate().filter(|(_, found)| **found != NEVER)
                {
                    assert!(
                        found >= least[node],
                        "{name}, {policy:?}, node {node}: {found} < {}",
                        least[node]
                    );
                    held += 1;
                }
            }
            assert!(held > 100, "{name} under {policy:?} shows nothing");
        }
    }
}
