//! Peers that answer in no time at all: nothing divides by it, waits for it, or takes it amiss.

use herald_fetcher::{Config, Time};

use crate::harness::with;
use crate::toy::{ALICE, BOB, blocks_on, genesis};

#[test]
fn from_announcement_to_import_no_time_passes() {
    with(Config::default(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 200);
        for block in &blocks {
            net.announce_meanwhile(ALICE, block);
            net.announce_meanwhile(BOB, block);
            let served = net.serve(&blocks, 0);
            assert_eq!(served.imported.len(), 1);
        }
        assert_eq!(net.now(), Time::ZERO);
        let counters = net.counters();
        assert_eq!((counters.hedges, counters.deadlines_passed), (0, 0));
        assert_eq!(counters.requests, 400);
    });
}

#[test]
fn after_answers_in_no_time_a_normal_answer_is_not_late() {
    with(Config::default(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 30);
        for block in &blocks[..20] {
            net.announce_meanwhile(ALICE, block);
            net.serve(&blocks, 0);
        }
        net.round_trip_ms = 400;
        for block in &blocks[20..] {
            net.announce_meanwhile(ALICE, block);
            assert_eq!(net.serve(&blocks, 1_000).imported.len(), 1);
        }
        assert_eq!(net.counters().deadlines_passed, 0);
    });
}
