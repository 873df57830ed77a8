//! A second peer is asked when the first takes unusually long; the first answer wins.

use herald_fetcher::{Admission, BodyRequest, Config, Hedge, Reason};

use crate::harness::{Ask, Net, plain, with};
use crate::toy::{ALICE, BOB, CAROL, Toy, blocks_on, child, genesis};

type Block = herald_fetcher::BlockOf<Toy>;

fn hedging() -> Config {
    plain().with(|config| config.hedge = Config::default().hedge)
}

/// Alice was asked for a header, and Bob 250 ms later: what a peer that was never measured is given.
fn hedged(net: &mut Net, block: &Block) -> (Ask, Ask) {
    net.connect(&[ALICE, BOB]);
    net.announce(ALICE, block);
    let first = net.expect_header_request_to(ALICE, block);
    net.announce(BOB, block);
    net.advance(249);
    net.assert_quiet();
    net.advance(1);
    let second = net.expect_header_request_to(BOB, block);
    assert_eq!(net.counters().hedges, 1);
    (first, second)
}

#[test]
fn the_second_wins_and_the_first_is_cancelled_without_blame() {
    with(hedging(), |net| {
        let block = child(&genesis());
        let (first, second) = hedged(net, &block);
        net.deliver_header(second, &block);
        net.expect_cancel(first);
        let body = net.expect_body_request_to(BOB, &[&block]);
        assert_eq!(net.reply_headers(first, &[&block]).len(), 1);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        assert!(Reason::ALL.iter().all(|&reason| net.counters().penalties(reason) == 0));
    });
}

#[test]
fn the_first_may_still_win() {
    with(hedging(), |net| {
        let block = child(&genesis());
        let (first, second) = hedged(net, &block);
        net.deliver_header(first, &block);
        net.expect_cancel(second);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn one_that_fails_leaves_the_other_running() {
    with(hedging(), |net| {
        let block = child(&genesis());
        let (first, second) = hedged(net, &block);
        net.connect(&[CAROL]);
        net.announce(CAROL, &block);
        // The second round wanted two.
        let third = net.expect_header_request_to(CAROL, &block);
        net.reply_headers(second, &[]);
        net.expect_penalty(BOB, Reason::EmptyReply);
        net.advance(4_749);
        net.assert_quiet();
        net.advance(1);
        net.expect_cancel(first);
        net.expect_penalty(ALICE, Reason::Silence);
        // Nobody else is left, and the third round wanted four.
        let again = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(again, &block);
        net.expect_cancel(third);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn bodies_are_hedged_too() {
    with(hedging(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.announce(BOB, &block);
        net.deliver_header(header, &block);
        let first = net.expect_body_request_to(ALICE, &[&block]);
        net.advance(1_000);
        let second = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(second, &[&block]);
        net.expect_cancel(first);
        net.import(&block);
    });
}

#[test]
fn the_wait_is_the_usual_answering_time_of_the_peer_and_a_margin() {
    with(hedging(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.advance(100);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        // One measurement of 100 ms: a deviation of 50 ms is assumed, and four of them added.
        net.connect(&[BOB]);
        net.announce(ALICE, &blocks[1]);
        let asked = net.expect_header_request(&blocks[1]);
        let other = if asked.peer == ALICE { BOB } else { ALICE };
        net.announce(other, &blocks[1]);
        net.advance(299);
        net.assert_quiet();
        net.advance(1);
        let second = net.expect_header_request_to(other, &blocks[1]);
        net.deliver_header(second, &blocks[1]);
        net.expect_cancel(asked);
        let body = net.expect_body_request_to(other, &[&blocks[1]]);
        net.deliver_body(body, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_peer_that_was_overtaken_is_not_asked_first_again() {
    with(hedging(), |net| {
        let block = child(&genesis());
        let (first, second) = hedged(net, &block);
        net.advance(100);
        net.deliver_header(second, &block);
        net.expect_cancel(first);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        // Both are there to be asked when the window reaches the block, Alice first: but she takes longer.
        let far = blocks_on(&block, 33).pop().expect("33 blocks");
        for peer in [ALICE, BOB] {
            assert_eq!(net.announce_as(peer, far.hash(), far.number()), Admission::Deferred);
        }
        let next = child(&block);
        net.advance_chain(std::slice::from_ref(&next));
        net.expect_announce(&next);
        let header = net.expect_header_request_to(BOB, &far);
        net.fail(header, herald_fetcher::Failure::Disconnected);
        let header = net.expect_header_request_to(ALICE, &far);
        net.fail(header, herald_fetcher::Failure::Disconnected);
        assert!(net.peer(ALICE).header_answer_us > net.peer(BOB).header_answer_us);
    });
}

#[test]
fn without_another_announcer_nothing_is_hedged() {
    with(hedging(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.advance(4_999);
        assert_eq!(net.counters().hedges, 0);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn geth_never_asks_a_second_before_the_first_has_failed() {
    assert_eq!(Config::geth().hedge, Hedge::Off);
    with(Config::geth(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.announce(BOB, &block);
        net.advance_until_output();
        let header = net.expect_header_request(&block);
        // The hash is given up 5 s after its announcement.
        net.advance(4_499);
        net.assert_quiet();
        net.deliver_header(header, &block);
        net.advance(100);
        let body = net.expect_body_request(&[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_silent_first_announcer_costs_one_wait_not_two() {
    with(hedging().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.announce(BOB, &block);
        net.advance(1_000);
        let second = net.expect_header_request_to(BOB, &block);
        net.deliver_header(second, &block);
        net.expect_cancel(header);
        // Her body is not waited for either.
        net.advance(0);
        let second = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(second, &[&block]);
        net.expect_cancel(body);
        net.import(&block);
    });
}
