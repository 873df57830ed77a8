//! A peer is asked so much at once and no more; what waits for a busy peer is asked of it when a request ends.

use herald_fetcher::{BodyRequest, Config, Reason};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, genesis, siblings_on};

fn one_request() -> Config {
    plain().with(|config| config.requests_per_peer = 1)
}

#[test]
fn the_next_is_asked_for_when_the_request_has_ended() {
    with(one_request(), |net| {
        net.connect(&[ALICE]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(ALICE, &blocks[1]);
        assert_eq!(net.peer(ALICE).requests, 1);
        // The body of the first comes before the header of the second.
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.expect_verify(&blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[1]);
        net.import_verified(&[&blocks[0]]);
        net.deliver_header(header, &blocks[1]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[1]]);
        net.deliver_body(body, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_failure_ends_a_request_too() {
    with(one_request(), |net| {
        net.connect(&[ALICE]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(ALICE, &blocks[1]);
        net.reply_headers(header, &[]);
        net.expect_penalty(ALICE, Reason::EmptyReply);
        let header = net.expect_header_request_to(ALICE, &blocks[1]);
        net.fail(header, herald_fetcher::Failure::Disconnected);
    });
}

#[test]
fn another_announcer_that_is_not_busy_is_asked_at_once() {
    with(one_request(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let first = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(ALICE, &blocks[1]);
        net.announce(BOB, &blocks[1]);
        let second = net.expect_header_request_to(BOB, &blocks[1]);
        for (ask, block) in [(second, &blocks[1]), (first, &blocks[0])] {
            net.deliver_header(ask, block);
            let body = net.expect_body_request_to(ask.peer, &[block]);
            net.deliver_body(body, &[block]);
            net.import(block);
        }
    });
}

#[test]
fn a_push_takes_a_waiting_hash_out_of_the_queue() {
    with(one_request(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(ALICE, &blocks[1]);
        assert_eq!(net.push(BOB, &blocks[1]), herald_fetcher::Admission::Accepted);
        net.import(&blocks[1]);
        net.fail(header, herald_fetcher::Failure::Disconnected);
    });
}

#[test]
fn a_push_ends_the_request_of_the_fetch_that_it_ends() {
    with(one_request(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let first = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(ALICE, &blocks[1]);
        assert_eq!(net.push(BOB, &blocks[0]), herald_fetcher::Admission::Accepted);
        net.expect_cancel(first);
        net.expect_verify(&blocks[0]);
        let second = net.expect_header_request_to(ALICE, &blocks[1]);
        net.import_verified(&[&blocks[0]]);
        net.fail(second, herald_fetcher::Failure::Disconnected);
    });
}

#[test]
fn no_body_is_asked_for_early_of_a_busy_peer() {
    with(one_request().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[ALICE]);
        let block = crate::toy::child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn by_default_a_peer_is_asked_sixteen_things_at_once() {
    with(Config::default(), |net| {
        net.connect(&[ALICE]);
        let blocks = siblings_on(&genesis(), 50);
        net.round_trip_ms = 30;
        for block in &blocks {
            net.announce_meanwhile(ALICE, block);
            assert!(net.peer(ALICE).requests <= 16);
        }
        assert_eq!(net.peer(ALICE).requests, 16);
        let served = net.serve(&blocks, 2_000);
        assert_eq!(served.imported.len(), 50);
    });
}
