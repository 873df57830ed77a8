//! A peer that leaves takes only its own with it: what others can give goes on with them.

use std::time::Duration;

use herald_fetcher::{Admission, BodyRequest, Config, End, Failure, Hedge, Output, Reason, Verdict};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, CAROL, Toy, block, blocks_on, child, genesis, made_up_hash, siblings_on};

#[test]
fn between_header_and_body_another_announcer_goes_on() {
    for config in [plain(), Config::geth()] {
        with(config, |net| {
            net.connect(&[ALICE, BOB]);
            let block = child(&genesis());
            net.announce_meanwhile(ALICE, &block);
            net.advance_until_output();
            let header = net.expect_header_request_to(ALICE, &block);
            net.announce(BOB, &block);
            net.deliver_header(header, &block);
            net.advance_until_output();
            let asked = net.expect_body_request(&[&block]);
            let other = if asked.peer == ALICE { BOB } else { ALICE };
            net.disconnect(asked.peer);
            let body = net.expect_body_request_to(other, &[&block]);
            net.deliver_body(body, &[&block]);
            net.import(&block);
        });
    }
}

#[test]
fn between_header_and_body_a_lone_announcer_takes_the_hash_along() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        net.expect_body_request_to(ALICE, &[&block]);
        net.disconnect(ALICE);
        assert_eq!(net.ends(End::NobodyLeft), 1);
    });
}

#[test]
fn before_its_header_came_another_announcer_is_asked() {
    with(plain().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.expect_header_request_to(ALICE, &block);
        net.expect_body_request_to(ALICE, &[&block]);
        net.announce(BOB, &block);
        net.disconnect(ALICE);
        let header = net.expect_header_request_to(BOB, &block);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_header(header, &block);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn during_the_grace_only_lone_hashes_are_forgotten() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        net.announce(ALICE, &blocks[1]);
        net.announce(BOB, &blocks[1]);
        net.disconnect(ALICE);
        assert_eq!((net.ends(End::NobodyLeft), net.status().entries), (1, 1));
        net.fetch(&blocks[1]);
        net.import(&blocks[1]);
    });
}

#[test]
fn all_bodies_of_a_batch_are_asked_of_others() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = siblings_on(&genesis(), 3);
        for block in &blocks {
            net.announce(ALICE, block);
        }
        net.advance(500);
        let asked = net.expect_header_requests_to(ALICE, &blocks);
        for (ask, block) in asked.into_iter().zip(&blocks) {
            net.deliver_header(ask, block);
        }
        net.advance(100);
        net.expect_body_request_to(ALICE, &[&blocks[0], &blocks[1], &blocks[2]]);
        net.announce(BOB, &blocks[0]);
        net.announce(BOB, &blocks[2]);
        net.disconnect(ALICE);
        // Whoever is left is asked for what it has; what nobody has is forgotten.
        let rest = net.expect_body_request_to(BOB, &[&blocks[0], &blocks[2]]);
        assert_eq!(net.ends(End::NobodyLeft), 1);
        net.deliver_body(rest, &[&blocks[0], &blocks[2]]);
        net.expect_verify(&blocks[0]);
        net.expect_verify(&blocks[2]);
        net.import_verified(&[&blocks[0], &blocks[2]]);
    });
}

#[test]
fn what_it_pushed_is_kept_where_another_has_it_too() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB, CAROL]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(BOB, &blocks[1]);
        net.disconnect(ALICE);
        assert_eq!((net.peer(BOB).blocks, net.peer(BOB).bytes), (1, blocks[1].retained_bytes() as u64));
        let header = net.expect_header_request_to(BOB, &blocks[0]);
        net.disconnect(CAROL);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn what_it_pushed_alone_goes_with_it() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.expect_header_request_to(ALICE, &blocks[0]);
        net.disconnect(ALICE);
        assert_eq!(net.ends(End::NobodyLeft), 2);
    });
}

#[test]
fn while_the_host_imports_its_block_nothing_is_disturbed_and_nobody_else_is_blamed() {
    with_each(|net| {
        net.connect(&[ALICE, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.expect_verify(&blocks[1]);
        net.disconnect(ALICE);
        // The next with its slot is not taken for it.
        net.connect(&[CAROL]);
        net.verdict(&blocks[1], Verdict::Invalid);
        net.expect_late_penalty(ALICE, Reason::InvalidHeader);
        net.verdict(&blocks[0], Verdict::Valid);
        assert_eq!(net.expect_relay(&blocks[0]).len(), 1);
        net.expect_import(&blocks[0]);
        net.imported(&blocks[0], Verdict::Valid);
        assert_eq!(net.expect_announce(&blocks[0]).len(), 1);
    });
}

#[test]
fn while_it_leaves_it_is_asked_for_nothing() {
    let hedge = Hedge::After { min: Duration::from_millis(50), max: Duration::from_secs(1) };
    let config = plain().with(|config| {
        config.requests_per_peer = 1;
        config.bytes_per_peer = 2_000;
        config.bytes_total = 400_000;
        config.hedge = hedge;
    });
    with(config, |net| {
        net.connect(&[ALICE, BOB]);
        // With what Bob holds, what Alice gives goes beyond his limit.
        assert_eq!(net.push(BOB, &block(made_up_hash(1), 9, &[7; 1_850], 0)), Admission::Accepted);
        let header = net.expect_header_request_for(made_up_hash(1));
        net.fail(header, Failure::Disconnected);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        net.announce(BOB, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.advance_until_output();
        net.expect_body_request_to(BOB, &[&blocks[0]]);
        // Both of them could give this one, and both are busy.
        net.announce(BOB, &blocks[1]);
        net.announce(ALICE, &blocks[1]);
        net.disconnect(ALICE);
        let outputs = net.drain();
        let to_alice = |output: &Output<Toy>| matches!(output, Output::RequestHeader { peer: ALICE, .. });
        assert!(!outputs.iter().any(to_alice), "{outputs:?}");
        net.disconnect(BOB);
        net.drain();
    });
}
