//! What is counted for a peer is exact at every stage, and zero at rest.

use herald_fetcher::{BodyRequest, Config, End, StageName, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, HEADER_BYTES, child, genesis};

/// Announcements, requests, bytes, whole blocks.
fn counts(net: &Net) -> (u32, u32, u64, u32) {
    let alice = net.peer(ALICE);
    (alice.announcements, alice.requests, alice.bytes, alice.blocks)
}

#[test]
fn one_honest_block_leaves_nothing_behind() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(counts(net), (0, 0, 0, 0));
        net.announce(ALICE, &block);
        assert_eq!(counts(net), (1, 1, 0, 0));
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        assert_eq!(counts(net), (1, 1, HEADER_BYTES as u64, 0));
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        assert_eq!(counts(net), (1, 0, block.retained_bytes() as u64, 1));
        net.expect_verify(&block);
        net.verdict(&block, Verdict::Valid);
        assert_eq!(counts(net), (0, 0, block.retained_bytes() as u64, 1));
        net.expect_import(&block);
        net.imported(&block, Verdict::Valid);
        assert_eq!(counts(net), (0, 0, 0, 0));
        assert_eq!((net.counters().requests, net.ends(End::Imported)), (2, 1));
        assert_eq!(net.counters().replies_unmatched, 0);
    });
}

#[test]
fn an_early_body_is_charged_until_its_header_comes() {
    with(plain().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        assert_eq!(counts(net), (1, 2, 0, 0));
        net.deliver_body(body, &[&block]);
        assert_eq!(counts(net), (1, 1, block.retained_bytes() as u64 - HEADER_BYTES as u64, 0));
        net.deliver_header(header, &block);
        assert_eq!(counts(net), (1, 0, block.retained_bytes() as u64, 1));
        net.import(&block);
    });
}

#[test]
fn every_stage_is_counted() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        assert_eq!(net.status().stages, [1, 0, 0, 0, 0, 0]);
        net.advance_until_output();
        assert_eq!(net.status().stages, [0, 1, 0, 0, 0, 0]);
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        assert_eq!(net.status().stages, [0, 0, 1, 0, 0, 0]);
        net.advance_until_output();
        assert_eq!(net.status().stages, [0, 0, 0, 1, 0, 0]);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        assert_eq!(net.status().in_stage(StageName::Importing), 1);
        net.import(&block);
    });
}
