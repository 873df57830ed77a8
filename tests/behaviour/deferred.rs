//! A few blocks of each peer just above the window are kept until the window reaches them.

use herald_fetcher::{Admission, BodyRequest, Config, End, Reason};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, MALLORY, block, blocks_on, genesis, made_up_hash};

#[test]
fn an_announcement_is_taken_up_when_the_head_moves() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 35);
        let ahead = &blocks[33];
        assert_eq!(net.announce_as(ALICE, ahead.hash(), 34), Admission::Deferred);
        net.advance_chain(&blocks[..1]);
        net.expect_announce(&blocks[0]);
        net.advance_chain(&blocks[1..2]);
        net.expect_announce(&blocks[1]);
        let header = net.expect_header_request_to(ALICE, ahead);
        assert_eq!((net.peer(ALICE).deferred, net.counters().deferred_taken_up), (0, 1));
        net.advance_chain(&blocks[2..33]);
        net.expect_announce(&blocks[32]);
        net.deliver_header(header, ahead);
        let body = net.expect_body_request_to(ALICE, &[ahead]);
        net.deliver_body(body, &[ahead]);
        net.import(ahead);
    });
}

#[test]
fn a_pushed_block_is_taken_up_when_the_head_moves() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 40);
        assert_eq!(net.push(ALICE, &blocks[39]), Admission::Deferred);
        assert_eq!(net.push(ALICE, &blocks[39]), Admission::Duplicate);
        assert_eq!((net.peer(ALICE).deferred, net.peer(ALICE).blocks), (1, 1));
        net.advance_chain(&blocks[..39]);
        net.expect_announce(&blocks[38]);
        net.import(&blocks[39]);
    });
}

#[test]
fn a_deferred_hash_makes_room_for_its_own_block() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 40);
        for ahead in &blocks[35..39] {
            assert_eq!(net.announce_as(ALICE, ahead.hash(), ahead.number()), Admission::Deferred);
        }
        assert_eq!(net.push(ALICE, &blocks[39]), Admission::TooFar);
        assert_eq!(net.push(ALICE, &blocks[38]), Admission::Deferred);
        assert_eq!((net.peer(ALICE).deferred, net.peer(ALICE).blocks), (4, 1));
        net.disconnect(ALICE);
    });
}

#[test]
fn four_for_each_peer_and_no_more() {
    with(Config::default(), |net| {
        net.connect(&[ALICE, BOB]);
        for (n, peer) in [(0, ALICE), (10, BOB)] {
            for number in 40..43 {
                assert_eq!(net.announce_as(peer, made_up_hash(n + number), number), Admission::Deferred);
            }
            let pushed = block(made_up_hash(0), 43, b"ahead", n);
            assert_eq!(net.push(peer, &pushed), Admission::Deferred);
            assert_eq!(net.announce_as(peer, made_up_hash(n + 44), 44), Admission::TooFar);
            assert_eq!(net.push(peer, &block(made_up_hash(0), 45, b"ahead", n)), Admission::TooFar);
            assert_eq!(net.peer(peer).deferred, 4);
        }
        net.disconnect(ALICE);
        net.disconnect(BOB);
        assert_eq!(net.ends(End::NobodyLeft), 8);
    });
}

#[test]
fn geth_keeps_none() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE]);
        assert_eq!(net.announce_as(ALICE, made_up_hash(1), 33), Admission::TooFar);
        assert_eq!(net.push(ALICE, &block(made_up_hash(0), 33, b"ahead", 0)), Admission::TooFar);
    });
}

#[test]
fn when_its_announcer_leaves_another_defers_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        assert_eq!(net.announce_as(ALICE, made_up_hash(1), 40), Admission::Deferred);
        assert_eq!(net.announce_as(BOB, made_up_hash(1), 40), Admission::Deferred);
        assert_eq!((net.peer(ALICE).deferred, net.peer(BOB).deferred), (1, 0));
        net.disconnect(ALICE);
        assert_eq!(net.peer(BOB).deferred, 1);
        net.disconnect(BOB);
        assert_eq!(net.ends(End::NobodyLeft), 1);
    });
}

#[test]
fn a_number_too_high_does_not_keep_the_block_from_those_who_announce_the_right_one() {
    with(plain(), |net| {
        net.connect(&[MALLORY, BOB, ALICE]);
        let blocks = blocks_on(&genesis(), 35);
        for (ahead, number) in [(&blocks[33], 34), (&blocks[34], 35)] {
            assert_eq!(net.announce_as(MALLORY, ahead.hash(), 60), Admission::Deferred);
            assert_eq!(net.announce_as(BOB, ahead.hash(), 50), Admission::Deferred);
            assert_eq!(net.announce_as(ALICE, ahead.hash(), number), Admission::Deferred);
        }
        net.advance_chain(&blocks[..2]);
        net.expect_announce(&blocks[1]);
        net.expect_header_request_to(MALLORY, &blocks[33]);
        net.disconnect(MALLORY);
        net.expect_header_request_to(BOB, &blocks[33]);
        net.advance_chain(&blocks[2..3]);
        net.expect_announce(&blocks[2]);
        net.expect_header_request_to(BOB, &blocks[34]);
        net.disconnect(BOB);
        net.expect_header_request_to(ALICE, &blocks[33]);
        net.expect_header_request_to(ALICE, &blocks[34]);
        net.disconnect(ALICE);
    });
}

#[test]
fn a_liar_whose_allowance_is_used_up_does_not_end_what_others_announced() {
    with(plain().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[MALLORY, ALICE]);
        for n in 40..44 {
            assert_eq!(net.announce_as(MALLORY, made_up_hash(n), n), Admission::Deferred);
        }
        let ahead = block(made_up_hash(1), 40, b"ahead", 0);
        assert_eq!(net.announce_as(MALLORY, ahead.hash(), 5), Admission::Accepted);
        let header = net.expect_header_request_to(MALLORY, &ahead);
        let body = net.expect_body_request_to(MALLORY, &[&ahead]);
        net.announce(ALICE, &ahead);
        net.deliver_body(body, &[&ahead]);
        net.deliver_header(header, &ahead);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        assert_eq!((net.peer(MALLORY).deferred, net.peer(ALICE).deferred), (4, 1));
        assert_eq!(net.peer(ALICE).blocks, 1);
        net.disconnect(MALLORY);
        net.disconnect(ALICE);
    });
}
