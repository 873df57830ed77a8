//! The chain grows by other ways: what was followed of it ends, what waited for it goes on.

use herald_fetcher::{Admission, End, Failure};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, blocks_on, child, genesis};

#[test]
fn a_fetch_ends_and_its_requests_are_cancelled() {
    with_each(|net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.advance_until_output();
        let header = net.expect_header_request(&block);
        let early = net.take_body_request(&block);
        net.advance_chain(std::slice::from_ref(&block));
        net.expect_cancel(header);
        if let Some(early) = early {
            net.expect_cancel(early);
        }
        assert_eq!(net.expect_announce(&block), [BOB]);
        assert_eq!(net.ends(End::InChain), 1);
        net.fail(header, Failure::Disconnected);
        assert_eq!(net.counters().replies_unmatched, 1);
    });
}

#[test]
fn waiting_children_go_on_without_their_parent_being_fetched() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 3);
        assert_eq!(net.push(ALICE, &blocks[2]), Admission::Accepted);
        let header = net.expect_header_request_to(ALICE, &blocks[1]);
        net.advance_chain(&blocks[..2]);
        net.expect_cancel(header);
        net.expect_verify(&blocks[2]);
        // Who has the child has its parent.
        assert_eq!(net.expect_announce(&blocks[1]), [BOB]);
        net.import_verified(&[&blocks[2]]);
    });
}

#[test]
fn only_the_head_is_announced() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 5);
        net.advance_chain(&blocks);
        assert_eq!(net.expect_announce(&blocks[4]), [ALICE, BOB]);
        // Not a block below it.
        net.advance_chain(&blocks[..2]);
    });
}

#[test]
fn what_the_head_has_passed_is_forgotten() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let orphan = crate::toy::block(crate::toy::made_up_hash(1), 3, b"orphan", 0);
        assert_eq!(net.push(ALICE, &orphan), Admission::Accepted);
        let ask = net.expect_header_request_for(crate::toy::made_up_hash(1));
        let blocks = blocks_on(&genesis(), 11);
        net.advance_chain(&blocks[..10]);
        net.expect_announce(&blocks[9]);
        assert_eq!(net.ends(End::Passed), 0);
        net.advance_chain(&blocks[10..]);
        net.expect_announce(&blocks[10]);
        assert_eq!(net.ends(End::Passed), 1);
        net.fail(ask, Failure::Disconnected);
    });
}

#[test]
fn a_block_that_is_with_the_host_ends_by_the_hosts_answer() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_verify(&block);
        net.chain.insert(&block);
        net.advance_chain(std::slice::from_ref(&block));
        net.expect_announce(&block);
        net.verdict(&block, herald_fetcher::Verdict::Valid);
        net.expect_import(&block);
        net.imported(&block, herald_fetcher::Verdict::Valid);
        assert_eq!(net.ends(End::Imported), 1);
    });
}

#[test]
fn those_who_announced_it_are_not_told_of_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.advance_chain(&blocks[..1]);
        net.expect_cancel(header);
        assert_eq!(net.expect_announce(&blocks[0]), [BOB]);
        net.announce(BOB, &blocks[1]);
        let header = net.expect_header_request_to(BOB, &blocks[1]);
        net.seal(&blocks[1]);
        net.expect_cancel(header);
        assert_eq!(net.expect_relay(&blocks[1]), [ALICE]);
    });
}
