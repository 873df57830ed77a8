//! Bodies gathered into one request: order does not matter, and each block stands for itself.

use herald_fetcher::{Admission, BlockOf, Config, End, Output, Reason};

use crate::harness::{Ask, Net, with};
use crate::toy::{ALICE, BOB, Toy, block, genesis, siblings_on};

/// Headers of so many blocks that Alice announced are here, and their bodies are asked of her.
fn batch(net: &mut Net, count: u64) -> (Vec<BlockOf<Toy>>, Ask) {
    net.connect(&[ALICE]);
    let blocks = siblings_on(&genesis(), count);
    for block in &blocks {
        net.announce(ALICE, block);
    }
    net.advance(500);
    let asked = net.expect_header_requests_to(ALICE, &blocks);
    for (ask, block) in asked.into_iter().zip(&blocks) {
        net.deliver_header(ask, block);
    }
    net.advance(99);
    net.assert_quiet();
    net.advance(1);
    let ask = net.expect_body_request_to(ALICE, &blocks.iter().collect::<Vec<_>>());
    (blocks, ask)
}

#[test]
fn headers_that_come_within_the_window_share_one_request() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 3);
        net.deliver_body(ask, &[&blocks[0], &blocks[1], &blocks[2]]);
        for block in &blocks {
            net.expect_verify(block);
        }
        net.import_verified(&[&blocks[0], &blocks[1], &blocks[2]]);
    });
}

#[test]
fn bodies_may_come_in_any_order() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 3);
        net.deliver_body(ask, &[&blocks[2], &blocks[0], &blocks[1]]);
        for block in [&blocks[2], &blocks[0], &blocks[1]] {
            net.expect_verify(block);
        }
        net.import_verified(&[&blocks[0], &blocks[1], &blocks[2]]);
    });
}

#[test]
fn what_a_reply_leaves_out_is_asked_for_again() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 3);
        // Honest peers cut a reply short where it grows too large.
        net.deliver_body(ask, &[&blocks[0], &blocks[1]]);
        net.expect_verify(&blocks[0]);
        net.expect_verify(&blocks[1]);
        let rest = net.expect_body_request_to(ALICE, &[&blocks[2]]);
        net.import_verified(&[&blocks[0], &blocks[1]]);
        net.deliver_body(rest, &[&blocks[2]]);
        net.import(&blocks[2]);
    });
}

#[test]
fn what_is_left_out_again_is_an_empty_reply() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 2);
        net.connect(&[BOB]);
        net.announce(BOB, &blocks[1]);
        net.deliver_body(ask, &[&blocks[0]]);
        net.expect_verify(&blocks[0]);
        let rest = net.expect_body_request(&[&blocks[1]]);
        net.import_verified(&[&blocks[0]]);
        net.deliver_body(rest, &[]);
        net.expect_penalty(rest.peer, Reason::EmptyReply);
        let last = net.expect_body_request(&[&blocks[1]]);
        assert_ne!(last.peer, rest.peer);
        net.deliver_body(last, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}

#[test]
fn an_extra_body_is_an_oversized_reply_and_the_rest_is_taken() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 2);
        let extra = block(genesis().hash(), 1, b"extra", 99);
        assert_eq!(net.reply_bodies(ask, &[&extra, &blocks[0], &blocks[1]]), [extra.body]);
        net.expect_verify(&blocks[0]);
        net.expect_verify(&blocks[1]);
        net.expect_penalty(ALICE, Reason::OversizedReply);
        net.import_verified(&[&blocks[0], &blocks[1]]);
    });
}

#[test]
fn a_wrong_body_among_right_ones_costs_its_own_block_only() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 3);
        let wrong = block(genesis().hash(), 1, b"wrong", 99);
        assert_eq!(net.reply_bodies(ask, &[&blocks[0], &wrong, &blocks[2]]), [wrong.body]);
        net.expect_verify(&blocks[0]);
        net.expect_verify(&blocks[2]);
        net.expect_penalty(ALICE, Reason::WrongBody);
        assert_eq!(net.ends(End::NobodyLeft), 1);
        net.import_verified(&[&blocks[0], &blocks[2]]);
    });
}

#[test]
fn a_silent_peer_is_blamed_once_for_the_whole_request() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 3);
        net.advance(10_000);
        net.expect_cancel(ask);
        net.expect_penalty(ALICE, Reason::Silence);
        // With nobody else she is asked again, for all of it at once.
        net.expect_body_request_to(ALICE, &[&blocks[0], &blocks[1], &blocks[2]]);
        net.disconnect(ALICE);
        assert_eq!(net.ends(End::NobodyLeft), 3);
    });
}

#[test]
fn a_request_that_fails_is_made_again_as_one() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 3);
        net.connect(&[BOB]);
        blocks.iter().for_each(|block| net.announce(BOB, block));
        net.reply_bodies(ask, &[]);
        net.expect_penalty(ALICE, Reason::EmptyReply);
        let all: Vec<_> = blocks.iter().collect();
        let again = net.expect_body_request_to(BOB, &all);
        net.deliver_body(again, &all);
        for block in &blocks {
            net.expect_verify(block);
        }
        net.import_verified(&all);
    });
}

#[test]
fn a_block_that_is_pushed_meanwhile_leaves_the_request_and_its_body_is_no_fault() {
    with(Config::geth(), |net| {
        let (blocks, ask) = batch(net, 2);
        net.connect(&[BOB]);
        assert_eq!(net.push(BOB, &blocks[0]), Admission::Accepted);
        net.import(&blocks[0]);
        // She knows nothing of that, and cuts her reply after the first.
        assert_eq!(net.reply_bodies(ask, &[&blocks[0]]), [blocks[0].body.clone()]);
        let rest = net.expect_body_request_to(ALICE, &[&blocks[1]]);
        net.deliver_body(rest, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_request_has_no_more_hashes_than_configured() {
    with(Config::geth().with(|config| config.bodies_per_request = 2), |net| {
        net.connect(&[ALICE]);
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
        let sizes = net.drain().into_iter().map(|output| match output {
            Output::RequestBodies { hashes, .. } => hashes.len(),
            other => panic!("expected a request for bodies, found {other:?}"),
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [2, 1]);
        net.disconnect(ALICE);
    });
}
