//! Nothing at or below the finalized block is fetched or imported.

use herald_fetcher::{Admission, End, Verdict};

use crate::harness::{Net, plain, with, with_each};
use crate::toy::{ALICE, block, blocks_on, child, genesis, made_up_hash};

fn at_height_10(net: &mut Net, finalized: u64) {
    net.advance_chain(&blocks_on(&genesis(), 10));
    net.chain.finalized = finalized;
    net.connect(&[ALICE]);
}

#[test]
fn what_is_finalized_is_refused_at_the_door() {
    with_each(|net| {
        at_height_10(net, 8);
        for number in [3, 7, 8] {
            assert_eq!(net.announce_as(ALICE, made_up_hash(number), number), Admission::BelowFinality);
            let rival = block(made_up_hash(9), number, b"rival", number);
            assert_eq!(net.push(ALICE, &rival), Admission::BelowFinality);
        }
        assert_eq!(net.announce_as(ALICE, made_up_hash(9), 9), Admission::Accepted);
        net.drain();
        net.disconnect(ALICE);
    });
}

#[test]
fn a_header_that_is_finalized_by_the_time_it_comes_ends_there() {
    with(plain(), |net| {
        at_height_10(net, 0);
        let rival = block(blocks_on(&genesis(), 8)[7].hash(), 9, b"rival", 1);
        net.announce(ALICE, &rival);
        let header = net.expect_header_request_to(ALICE, &rival);
        net.chain.finalized = 9;
        net.deliver_header(header, &rival);
        assert_eq!(net.ends(End::Passed), 1);
    });
}

#[test]
fn a_waiting_block_ends_when_finality_passes_it() {
    with(plain(), |net| {
        at_height_10(net, 0);
        let orphan = block(made_up_hash(1), 9, b"orphan", 1);
        assert_eq!(net.push(ALICE, &orphan), Admission::Accepted);
        let ask = net.expect_header_request_for(made_up_hash(1));
        net.chain.finalized = 9;
        net.advance_chain(&[]);
        assert_eq!(net.ends(End::Passed), 1);
        // Whose parent is not of use any more ends with its request.
        net.reply_headers(ask, &[]);
        net.expect_penalty(ALICE, herald_fetcher::Reason::EmptyReply);
    });
}

#[test]
fn the_floor_bounds_the_search_for_parents() {
    with(plain(), |net| {
        at_height_10(net, 8);
        let orphan = block(made_up_hash(1), 9, b"orphan", 1);
        assert_eq!(net.push(ALICE, &orphan), Admission::Accepted);
        net.expect_out_of_reach(ALICE, &orphan);
        net.advance_for_all(120_000);
        assert_eq!((net.ends(End::Expired), net.counters().requests), (1, 0));
    });
}

#[test]
fn a_block_that_waits_for_its_turn_is_not_imported_below_the_floor() {
    with(plain().with(|config| config.importing = 1), |net| {
        at_height_10(net, 0);
        let tip = &blocks_on(&genesis(), 8)[7];
        let (first, second) = (block(tip.hash(), 9, b"a", 1), block(tip.hash(), 9, b"b", 2));
        assert_eq!(net.push(ALICE, &first), Admission::Accepted);
        net.expect_verify(&first);
        assert_eq!(net.push(ALICE, &second), Admission::Accepted);
        net.chain.finalized = 9;
        net.verdict(&first, Verdict::LocalFault);
        assert_eq!((net.ends(End::LocalFault), net.ends(End::Passed)), (1, 1));
        let next = child(&blocks_on(&genesis(), 10)[9]);
        assert_eq!(net.push(ALICE, &next), Admission::Accepted);
        net.import(&next);
    });
}
