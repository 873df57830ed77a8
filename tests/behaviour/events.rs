//! Observers see every step of a hash, where they asked to.

use herald_fetcher::{Admission, End, Event, Events, StageName, Verdict};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, child, genesis};

#[test]
fn each_stage_that_is_entered_and_how_it_ended() {
    with(plain().with(|config| config.events = Events::On), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        let hash = block.hash();
        let entered = |stage| Event::Entered { hash, stage, from: Some(ALICE) };
        net.announce(ALICE, &block);
        net.expect_event(&entered(StageName::Announced));
        let header = net.expect_header_request_to(ALICE, &block);
        net.expect_event(&entered(StageName::Fetching));
        net.deliver_header(header, &block);
        net.expect_event(&entered(StageName::Fetched));
        net.expect_event(&entered(StageName::Completing));
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.expect_event(&entered(StageName::Importing));
        net.expect_verify(&block);
        net.verdict(&block, Verdict::Valid);
        net.expect_import(&block);
        net.imported(&block, Verdict::Valid);
        net.expect_event(&Event::Ended { hash, end: End::Imported });
    });
}

#[test]
fn a_queued_block_names_its_giver() {
    with(plain().with(|config| config.events = Events::On), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&child(&genesis()));
        assert_eq!(net.push(BOB, &block), Admission::Accepted);
        net.expect_event(&Event::Entered { hash: block.hash(), stage: StageName::Queued, from: Some(BOB) });
        net.drain();
        net.disconnect(BOB);
        net.drain();
    });
}

#[test]
fn the_counters_tell_the_same() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.fetch(&block);
        net.import(&block);
        let _ = net.announce_as(ALICE, block.hash(), 1);
        let counters = net.counters();
        assert_eq!(counters.admissions(Admission::Accepted), 1);
        assert_eq!(counters.admissions(Admission::Known), 1);
        assert_eq!((counters.requests, counters.ends(End::Imported)), (2, 1));
    });
}
