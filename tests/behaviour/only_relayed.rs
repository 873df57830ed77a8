//! Nobody answers for what it did not say: a relayer cannot serve a block yet, and a body that came
//! ahead is its provider's alone.

use std::time::Duration;

use herald_fetcher::{Admission, BodyRequest, Config, End, Hedge, Output, Reason, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, BOB, MALLORY, block, blocks_on, child, genesis, large_child, siblings_on};

fn nobody_is_blamed(net: &Net) {
    assert_eq!(Reason::ALL.map(|reason| net.counters().penalties(reason)), [0; Reason::ALL.len()]);
}

/// Bob holds as many blocks as he may, and relays one that Mallory pushed before.
fn relayed_beyond_his_allowance(net: &mut Net) -> herald_fetcher::BlockOf<crate::toy::Toy> {
    net.connect(&[MALLORY, BOB]);
    let chain = blocks_on(&genesis(), 3);
    assert_eq!(net.push(BOB, &chain[1]), Admission::Accepted);
    net.expect_header_request_to(BOB, &chain[0]);
    let relayed = block(chain[1].hash(), 3, b"relayed", 7);
    assert_eq!(net.push(MALLORY, &relayed), Admission::Accepted);
    assert_eq!(net.push(BOB, &relayed), Admission::Duplicate);
    relayed
}

#[test]
fn a_relayer_is_not_asked_for_what_it_only_relayed() {
    with(plain().with(|config| config.blocks_per_peer = 1), |net| {
        relayed_beyond_his_allowance(net);
        net.disconnect(MALLORY);
        net.assert_quiet();
        assert_eq!(net.ends(End::NobodyLeft), 1);
        nobody_is_blamed(net);
        net.disconnect(BOB);
    });
}

#[test]
fn a_relayer_that_announces_the_block_later_is_asked() {
    with(plain().with(|config| config.blocks_per_peer = 1), |net| {
        let relayed = relayed_beyond_his_allowance(net);
        assert_eq!(net.announce_as(BOB, relayed.hash(), 3), Admission::Duplicate);
        net.disconnect(MALLORY);
        net.expect_header_request_to(BOB, &relayed);
        net.disconnect(BOB);
    });
}

#[test]
fn so_is_one_whose_own_push_was_the_first() {
    with(plain(), |net| {
        net.connect(&[BOB]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(BOB, &blocks[1]), Admission::Accepted);
        let parent = net.expect_header_request_to(BOB, &blocks[0]);
        // One announcement for the parent, and one more with his word for the child.
        assert_eq!(net.peer(BOB).announcements, 1);
        assert_eq!(net.announce_as(BOB, blocks[1].hash(), 2), Admission::Duplicate);
        assert_eq!(net.peer(BOB).announcements, 2);
        net.deliver_header(parent, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_relayer_with_room_takes_the_block_over_and_gives_its_parent() {
    with(plain(), |net| {
        net.connect(&[MALLORY, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(MALLORY, &blocks[1]), Admission::Accepted);
        net.expect_header_request_to(MALLORY, &blocks[0]);
        assert_eq!(net.push(BOB, &blocks[1]), Admission::Duplicate);
        net.disconnect(MALLORY);
        assert_eq!(net.peer(BOB).blocks, 1);
        let header = net.expect_header_request_to(BOB, &blocks[0]);
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

fn together() -> Config {
    plain().with(|config| config.body_request = BodyRequest::WithHeader)
}

#[test]
fn a_body_without_its_header_leaves_with_its_provider() {
    with(together(), |net| {
        net.connect(&[MALLORY, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        let mut early = Vec::new();
        for block in &blocks {
            net.announce(MALLORY, block);
            net.expect_header_request_to(MALLORY, block);
            early.push(net.expect_body_request_to(MALLORY, &[block]));
            net.announce(BOB, block);
        }
        let garbage = large_child(&genesis(), 11 << 20);
        for ask in early {
            net.deliver_body(ask, &[&garbage]);
        }
        assert!(net.peer(MALLORY).bytes >= 22 << 20);
        net.disconnect(MALLORY);
        assert_eq!(net.peer(BOB).bytes, 0);
        let ask =
            |block| (net.expect_header_request_to(BOB, block), net.expect_body_request_to(BOB, &[block]));
        let asked: Vec<_> = blocks.iter().map(ask).collect();
        for ((header, body), block) in asked.into_iter().zip(&blocks) {
            net.deliver_header(header, block);
            net.deliver_body(body, &[block]);
            net.expect_verify(block);
        }
        net.import_verified(&[&blocks[0], &blocks[1]]);
        nobody_is_blamed(net);
    });
}

#[test]
fn the_header_of_another_goes_on_without_it() {
    let hedge = Hedge::After { min: Duration::from_millis(50), max: Duration::from_secs(1) };
    with(together().with(|config| config.hedge = hedge), |net| {
        net.connect(&[MALLORY, ALICE]);
        let block = child(&genesis());
        net.announce(MALLORY, &block);
        net.expect_header_request_to(MALLORY, &block);
        let early = net.expect_body_request_to(MALLORY, &[&block]);
        net.announce(ALICE, &block);
        net.deliver_body(early, &[&large_child(&genesis(), 1 << 20)]);
        net.advance_until_output();
        let header = net.expect_header_request_to(ALICE, &block);
        net.disconnect(MALLORY);
        net.assert_quiet();
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.expect_verify(&block);
        net.verdict(&block, Verdict::Valid);
        assert!(matches!(net.drain().as_slice(), [Output::Import { .. }]));
        net.imported(&block, Verdict::Valid);
        nobody_is_blamed(net);
    });
}
