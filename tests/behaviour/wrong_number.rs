//! A number that is not the header's is laid on those who claimed it, and on nobody else.

use herald_fetcher::{Admission, Config, End, Reason};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, CAROL, MALLORY, child, genesis};

#[test]
fn the_liar_is_blamed_when_the_header_comes() {
    with_each(|net| {
        net.connect(&[MALLORY]);
        let block = child(&genesis());
        assert_eq!(net.announce_as(MALLORY, block.hash(), 2), Admission::Accepted);
        net.advance_until_output();
        let header = net.expect_header_request_to(MALLORY, &block);
        let early = net.take_body_request(&block);
        net.deliver_header(header, &block);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        if let Some(early) = early {
            // The body that was asked for already is as good as any: the hash is what counts.
            net.deliver_body(early, &[&block]);
            net.import(&block);
        } else {
            net.advance(100);
            assert_eq!(net.ends(End::NobodyLeft), 1);
        }
    });
}

#[test]
fn a_lie_announced_first_spoils_nothing_for_the_others() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE, BOB]);
        let block = child(&genesis());
        assert_eq!(net.announce_as(MALLORY, block.hash(), 30), Admission::Accepted);
        let header = net.expect_header_request_to(MALLORY, &block);
        net.announce(ALICE, &block);
        net.announce(BOB, &block);
        net.deliver_header(header, &block);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_lie_that_lies_above_the_window_does_not_defer_the_block() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let block = child(&genesis());
        assert_eq!(net.announce_as(MALLORY, block.hash(), 40), Admission::Deferred);
        net.announce(ALICE, &block);
        // Both have it, as far as we know; the first is asked.
        let header = net.expect_header_request_to(MALLORY, &block);
        net.deliver_header(header, &block);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn all_liars_are_blamed_and_no_one_else() {
    with(plain(), |net| {
        let liars = [MALLORY, BOB];
        net.connect(&[ALICE, MALLORY, CAROL, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.announce_as(MALLORY, block.hash(), 2), Admission::Accepted);
        net.announce(CAROL, &block);
        assert_eq!(net.announce_as(BOB, block.hash(), 3), Admission::Accepted);
        net.deliver_header(header, &block);
        for liar in liars {
            net.expect_penalty(liar, Reason::WrongNumber);
        }
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_push_proves_who_lied() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        assert_eq!(net.announce_as(MALLORY, block.hash(), 2), Admission::Accepted);
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        net.import(&block);
    });
}

#[test]
fn a_lie_after_the_header_is_refused_at_once() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        assert_eq!(net.announce_as(MALLORY, block.hash(), 2), Admission::WrongNumber);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        assert_eq!(net.peer(MALLORY).announcements, 0);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn one_lie_is_one_penalty_even_if_the_fetch_starts_over() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.announce_as(MALLORY, block.hash(), 2), Admission::Accepted);
        net.deliver_header(header, &block);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.announce(BOB, &block);
        // The whole block comes by another way while the body is asked for.
        assert_eq!(net.push(BOB, &block), Admission::Accepted);
        net.expect_cancel(body);
        net.import(&block);
        assert_eq!(net.counters().penalties(Reason::WrongNumber), 1);
    });
}
