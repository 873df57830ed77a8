//! Replies that the fetcher did not ask for, or not of this peer, come back unharmed.

use std::slice::from_ref;

use herald_fetcher::{Failure, Reason, RequestId};

use crate::harness::{Ask, plain, with};
use crate::toy::{ALICE, BOB, MALLORY, blocks_on, child, genesis};

#[test]
fn a_reply_from_the_wrong_peer_changes_nothing() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.reply_headers(header.as_from(MALLORY), &[&block]), from_ref(&block.header));
        assert_eq!(net.reply_headers(header.as_from(BOB), &[&block]), from_ref(&block.header));
        net.fail(header.as_from(MALLORY), Failure::Malformed);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        assert_eq!(net.reply_bodies(body.as_from(MALLORY), &[&block]), from_ref(&block.body));
        net.fail(body.as_from(MALLORY), Failure::Oversized);
        assert_eq!(net.counters().replies_unmatched, 5);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_reply_to_an_old_request_comes_back() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let old = net.expect_header_request_to(ALICE, &block);
        net.announce(BOB, &block);
        net.advance(5_000);
        net.expect_cancel(old);
        net.expect_penalty(ALICE, Reason::Silence);
        let new = net.expect_header_request_to(BOB, &block);
        assert_eq!(net.reply_headers(old, &[&block]), from_ref(&block.header));
        net.fail(old, Failure::TimedOut);
        net.deliver_header(new, &block);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        // Twice is once too often.
        assert_eq!(net.reply_bodies(body, &[&block]), from_ref(&block.body));
        assert_eq!(net.counters().replies_unmatched, 3);
    });
}

#[test]
fn what_a_downloader_asked_for_comes_back_whole_and_in_order() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 4);
        let all: Vec<_> = blocks.iter().collect();
        let theirs = Ask { peer: ALICE, request: RequestId::new(1 << 63 | 5) };
        let headers: Vec<_> = blocks.iter().map(|block| block.header.clone()).collect();
        let bodies: Vec<_> = blocks.iter().map(|block| block.body.clone()).collect();
        assert_eq!(net.reply_headers(theirs, &all), headers);
        assert_eq!(net.reply_bodies(theirs, &all), bodies);
        // Even if the fetcher follows one of them at that moment.
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        assert_eq!(net.reply_headers(theirs, &all), headers);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        assert_eq!(net.reply_bodies(theirs, &all), bodies);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
    });
}

#[test]
fn a_reply_of_the_wrong_kind_comes_back() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.reply_bodies(header, &[&block]), from_ref(&block.body));
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        assert_eq!(net.reply_headers(body, &[&block]), from_ref(&block.header));
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}
