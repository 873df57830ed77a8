//! The wait for a push follows what pushes do: none while there are none, and not longer than them.

use herald_fetcher::{Admission, Config};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, BOB, CAROL, Toy, child, genesis};

type Block = herald_fetcher::BlockOf<Toy>;

/// Alice announces, and Bob pushes 40 ms later: six times, which makes it the rule.
fn pushes_are_the_rule(net: &mut Net) -> Block {
    net.connect(&[ALICE, BOB]);
    let mut tip = genesis();
    for _ in 0..6 {
        tip = child(&tip);
        net.announce(ALICE, &tip);
        let header = net.expect_header_request_to(ALICE, &tip);
        net.advance(40);
        assert_eq!(net.push(BOB, &tip), Admission::Accepted);
        net.expect_cancel(header);
        net.import(&tip);
    }
    tip
}

#[test]
fn a_block_that_will_be_pushed_is_not_asked_for() {
    with(plain(), |net| {
        let block = child(&pushes_are_the_rule(net));
        net.announce(ALICE, &block);
        net.advance(40);
        assert_eq!(net.push(BOB, &block), Admission::Accepted);
        net.import(&block);
        assert_eq!(net.counters().requests, 6);
    });
}

#[test]
fn one_that_is_not_is_asked_for_after_half_as_much_again() {
    with(plain(), |net| {
        let block = child(&pushes_are_the_rule(net));
        net.announce(ALICE, &block);
        net.advance(59);
        net.assert_quiet();
        net.advance(1);
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        // That was one too many: the next is asked for at once.
        let next = child(&block);
        net.announce(ALICE, &next);
        let header = net.expect_header_request_to(ALICE, &next);
        assert_eq!(net.push(BOB, &next), Admission::Accepted);
        net.expect_cancel(header);
        net.import(&next);
    });
}

#[test]
fn each_announcer_is_waited_for_by_its_own_measure() {
    with(plain(), |net| {
        let block = child(&pushes_are_the_rule(net));
        net.announce(BOB, &block);
        let header = net.expect_header_request_to(BOB, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn one_who_is_never_followed_by_a_push_ends_the_wait_for_others() {
    with(plain(), |net| {
        let block = child(&pushes_are_the_rule(net));
        net.connect(&[CAROL]);
        net.announce(ALICE, &block);
        net.advance(10);
        net.announce(CAROL, &block);
        let header = net.expect_header_request(&block);
        let (asked, block_of) = (header.peer, &block);
        net.deliver_header(header, block_of);
        let body = net.expect_body_request_to(asked, &[block_of]);
        net.deliver_body(body, &[block_of]);
        net.import(block_of);
    });
}

#[test]
fn the_shortest_of_the_announcers_waits_counts() {
    with(plain(), |net| {
        let tip = pushes_are_the_rule(net);
        // Carol's blocks are pushed too, but after 20 ms.
        net.connect(&[CAROL]);
        let mut tip = tip;
        for _ in 0..6 {
            tip = child(&tip);
            net.announce(CAROL, &tip);
            let header = net.expect_header_request_to(CAROL, &tip);
            net.advance(20);
            assert_eq!(net.push(BOB, &tip), Admission::Accepted);
            net.expect_cancel(header);
            net.import(&tip);
        }
        let block = child(&tip);
        net.announce(ALICE, &block);
        net.advance(10);
        net.announce(CAROL, &block);
        net.advance(29);
        net.assert_quiet();
        net.advance(1);
        let header = net.expect_header_request(&block);
        assert_eq!(net.push(BOB, &block), Admission::Accepted);
        net.expect_cancel(header);
        net.import(&block);
    });
}

#[test]
fn geth_waits_half_a_second_whatever_happens() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE, BOB]);
        let mut tip = genesis();
        for _ in 0..3 {
            tip = child(&tip);
            net.announce(ALICE, &tip);
            net.advance(499);
            net.assert_quiet();
            net.advance(1);
            let header = net.expect_header_request_to(ALICE, &tip);
            assert_eq!(net.push(BOB, &tip), Admission::Accepted);
            net.expect_cancel(header);
            net.import(&tip);
            net.advance(1_000);
        }
    });
}

#[test]
fn announcements_within_geths_slack_share_a_wake_up() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE]);
        let blocks = crate::toy::blocks_on(&genesis(), 3);
        net.announce(ALICE, &blocks[0]);
        net.advance(100);
        net.announce(ALICE, &blocks[1]);
        net.advance(1);
        net.announce(ALICE, &blocks[2]);
        net.advance(399);
        net.expect_header_requests_to(ALICE, &blocks[..2]);
        net.advance(100);
        net.advance(1);
        net.expect_header_request_to(ALICE, &blocks[2]);
        net.disconnect(ALICE);
    });
}
