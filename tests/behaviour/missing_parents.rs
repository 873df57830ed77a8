//! A block whose parent is missing fetches it, waits for it, and goes on the moment it lands.

use herald_fetcher::{Admission, End, Failure, Reason, Verdict};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, MALLORY, Peer, block, blocks_on, child, genesis, made_up_hash};

#[test]
fn a_chain_of_them_is_fetched_down_to_what_we_have() {
    with_each(|net| {
        net.connect(&[ALICE]);
        net.round_trip_ms = 10;
        let blocks = blocks_on(&genesis(), 8);
        assert_eq!(net.push(ALICE, &blocks[7]), Admission::Accepted);
        let served = net.serve(&blocks, 2_000);
        assert_eq!(served.imported, (1..=8).collect::<Vec<_>>());
        assert_eq!(served.header_requests.len(), 7);
        assert_eq!(net.counters().parents_sought, 7);
    });
}

#[test]
fn of_an_announced_block_too() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 3);
        net.announce(ALICE, &blocks[2]);
        let served = net.serve(&blocks, 2_000);
        assert_eq!(served.imported, [1, 2, 3]);
    });
}

#[test]
fn a_child_that_comes_while_its_parent_is_with_the_host() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 3);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        // The parent is being verified: nothing is asked for.
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.verdict(&blocks[0], Verdict::Valid);
        net.expect_import(&blocks[0]);
        // The parent is being imported: nothing either.
        assert_eq!(net.push(ALICE, &blocks[2]), Admission::Accepted);
        net.imported(&blocks[0], herald_fetcher::Verdict::Valid);
        net.import(&blocks[1]);
        net.import(&blocks[2]);
        assert_eq!(net.counters().parents_sought, 0);
    });
}

#[test]
fn a_child_that_comes_while_its_parent_is_being_fetched() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        assert_eq!(net.push(BOB, &blocks[1]), Admission::Accepted);
        // Who has the child has the parent.
        net.fail(header, herald_fetcher::Failure::Disconnected);
        let header = net.expect_header_request_to(BOB, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn the_childs_other_announcers_are_alternates() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(BOB, &blocks[1]);
        net.reply_headers(header, &[]);
        net.expect_penalty(ALICE, Reason::EmptyReply);
        let header = net.expect_header_request_to(BOB, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_new_announcer_of_the_child_revives_a_search_that_failed() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.reply_headers(header, &[]);
        net.expect_penalty(ALICE, Reason::EmptyReply);
        assert_eq!(net.ends(End::NobodyLeft), 1);
        net.announce(BOB, &blocks[1]);
        let header = net.expect_header_request_to(BOB, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn the_search_is_charged_to_the_givers_allowance() {
    with(plain().with(|config| config.announcements_per_peer = 2), |net| {
        net.connect(&[MALLORY]);
        for n in 0..5 {
            let orphan = block(made_up_hash(n), 5, b"orphan", n);
            assert_eq!(net.push(MALLORY, &orphan), Admission::Accepted);
            if n < 2 {
                net.expect_header_request_for(made_up_hash(n));
            }
        }
        assert_eq!((net.peer(MALLORY).announcements, net.peer(MALLORY).blocks), (2, 5));
        net.disconnect(MALLORY);
    });
}

#[test]
fn a_parent_whose_number_is_not_the_childs_less_one_condemns_the_child() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let parent = child(&genesis());
        let crooked = block(parent.hash(), 5, b"crooked", 0);
        assert_eq!(net.push(MALLORY, &crooked), Admission::Accepted);
        let header = net.expect_header_request_to(MALLORY, &parent);
        net.announce(ALICE, &parent);
        net.deliver_header(header, &parent);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
        // The parent itself is as good as any, and nobody lied about its number.
        let body = net.expect_body_request_to(MALLORY, &[&parent]);
        net.deliver_body(body, &[&parent]);
        net.import(&parent);
        assert_eq!(net.announce_as(ALICE, crooked.hash(), 5), Admission::BadBlock);
    });
}

#[test]
fn the_window_bounds_the_depth() {
    with(plain().with(|config| config.window_below = 2), |net| {
        net.advance_chain(&blocks_on(&genesis(), 10));
        net.connect(&[ALICE]);
        let fork = block(made_up_hash(1), 8, b"a fork", 0);
        assert_eq!(net.push(ALICE, &fork), Admission::Accepted);
        net.expect_out_of_reach(ALICE, &fork);
        // The host's range sync may bring the parent.
        net.disconnect(ALICE);
    });
}

#[test]
fn a_new_announcer_does_not_take_the_search_below_the_finality_floor() {
    with(plain(), |net| {
        net.advance_chain(&blocks_on(&genesis(), 10));
        net.chain.finalized = 8;
        net.connect(&[ALICE, BOB]);
        let orphan = block(made_up_hash(1), 9, b"orphan", 0);
        assert_eq!(net.push(ALICE, &orphan), Admission::Accepted);
        net.expect_out_of_reach(ALICE, &orphan);
        net.announce(BOB, &orphan);
        net.assert_quiet();
        net.disconnect(ALICE);
        net.disconnect(BOB);
    });
}

#[test]
fn an_announcer_of_a_block_far_up_revives_the_search_far_down() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 4);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[2]), Admission::Accepted);
        assert_eq!(net.push(ALICE, &blocks[3]), Admission::Accepted);
        net.reply_headers(header, &[]);
        net.expect_penalty(ALICE, Reason::EmptyReply);
        net.announce(BOB, &blocks[3]);
        let header = net.expect_header_request_to(BOB, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        for block in &blocks {
            net.import(block);
        }
    });
}

#[test]
fn a_parent_that_stands_on_a_bad_block_condemns_the_child_that_waits_for_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let blocks = blocks_on(&genesis(), 3);
        assert_eq!(net.push(MALLORY, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        net.verdict(&blocks[0], Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
        assert_eq!(net.push(MALLORY, &blocks[2]), Admission::Accepted);
        let header = net.expect_header_request_to(MALLORY, &blocks[1]);
        net.deliver_header(header, &blocks[1]);
        net.expect_penalty(MALLORY, Reason::InvalidAncestor);
        net.expect_penalty(MALLORY, Reason::InvalidAncestor);
        assert_eq!(net.ends(End::Invalid), 3);
        assert_eq!(net.announce_as(ALICE, blocks[2].hash(), 3), Admission::BadBlock);
    });
}

#[test]
fn a_block_whose_parent_was_found_bad_while_it_was_deferred_is_not_gone_on_with() {
    with(plain(), |net| {
        net.connect(&[MALLORY]);
        let bad = block(genesis().hash(), 32, b"bad", 0);
        let deferred = block(bad.hash(), 33, b"on a bad one", 0);
        assert_eq!(net.push(MALLORY, &deferred), Admission::Deferred);
        assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
        net.expect_verify(&bad);
        net.verdict(&bad, Verdict::Invalid);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
        let next = child(&genesis());
        net.advance_chain(std::slice::from_ref(&next));
        net.expect_announce(&next);
        net.expect_penalty(MALLORY, Reason::InvalidAncestor);
        assert_eq!(net.ends(End::Invalid), 2);
    });
}

#[test]
fn a_parent_that_a_liar_put_above_the_window_is_fetched_for_its_child() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.announce_as(MALLORY, blocks[0].hash(), 40), Admission::Deferred);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let header = net.expect_header_request_to(MALLORY, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn however_many_pushed_a_block_the_last_of_them_is_asked_for_its_parent_too() {
    with(plain(), |net| {
        let pushers: Vec<_> = (1..=100).map(Peer).collect();
        net.connect(&pushers);
        let blocks = blocks_on(&genesis(), 2);
        for &pusher in &pushers {
            let expected = if pusher == pushers[0] { Admission::Accepted } else { Admission::Duplicate };
            assert_eq!(net.push_meanwhile(pusher, &blocks[1]), expected);
        }
        let mut ask = net.expect_header_request(&blocks[0]);
        for _ in 1..pushers.len() {
            net.fail(ask, Failure::Disconnected);
            ask = net.expect_header_request(&blocks[0]);
        }
        assert_eq!(ask.peer, pushers[99]);
        net.deliver_header(ask, &blocks[0]);
        let body = net.expect_body_request_to(pushers[99], &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}
