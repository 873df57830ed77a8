//! A hash that is being fetched is not fetched for every other peer that announces it.

use herald_fetcher::Admission;

use crate::harness::with_each;
use crate::toy::{ALICE, BOB, Peer, child, genesis};

#[test]
fn announcements_of_a_pending_hash_add_alternates_and_no_requests() {
    with_each(|net| {
        net.connect(&[ALICE]);
        net.connect(&(10..26).map(Peer).collect::<Vec<_>>());
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.advance_until_output();
        let header = net.expect_header_request_to(ALICE, &block);
        let early = net.take_body_request(&block);
        for peer in (10..26).map(Peer) {
            net.announce(peer, &block);
        }
        net.deliver_header(header, &block);
        let body = early.unwrap_or_else(|| {
            net.advance_until_output();
            net.expect_body_request(&[&block])
        });
        for peer in (10..26).map(Peer) {
            assert_eq!(net.announce_as(peer, block.hash(), 1), Admission::Duplicate);
        }
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn one_peer_that_repeats_itself_counts_once() {
    with_each(|net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce_meanwhile(ALICE, &block);
        for _ in 0..1_000 {
            assert_eq!(net.hear(ALICE, &block), Admission::Duplicate);
        }
        assert_eq!(net.peer(ALICE).announcements, 1);
        assert_eq!(net.peer(BOB).announcements, 0);
        net.fetch(&block);
        net.import(&block);
        assert_eq!(net.announce_as(ALICE, block.hash(), 1), Admission::Known);
    });
}
