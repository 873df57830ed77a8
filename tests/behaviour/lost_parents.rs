//! A block whose parent ended without coming into the chain is not stuck: the parent is searched
//! anew, of all who have any block above it, and in no loop.

use herald_fetcher::{Admission, Config, Failure, Output, Reason, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, BOB, MALLORY, Peer, Toy, block, blocks_on, genesis, made_up_hash};

type Block = herald_fetcher::BlockOf<Toy>;

/// Who is asked for this header from now on, and when, in milliseconds, while nobody answers.
fn asked_for(net: &mut Net, wanted: &Block, ms: u64) -> Vec<(u64, Peer)> {
    let start = net.now();
    let mut asked = Vec::new();
    let end = net.in_ms(ms);
    loop {
        for output in net.drain() {
            if let Output::RequestHeader { peer, hash, .. } = output
                && hash == wanted.hash()
            {
                asked.push((net.now().since(start).as_millis() as u64, peer));
            }
        }
        if !net.ring_until(end) {
            return asked;
        }
    }
}

/// The parent was fetched, and its import fails on our side while its child is fetched.
fn parent_fails_here(net: &mut Net, blocks: &[Block]) {
    net.announce(BOB, &blocks[0]);
    net.fetch(&blocks[0]);
    net.expect_verify(&blocks[0]);
    net.verdict(&blocks[0], Verdict::Valid);
    net.expect_import(&blocks[0]);
    net.announce(BOB, &blocks[1]);
    net.fetch(&blocks[1]);
    net.imported(&blocks[0], Verdict::LocalFault);
}

#[test]
fn after_a_local_fault_it_is_fetched_again() {
    with(Config::default(), |net| {
        net.connect(&[BOB]);
        net.round_trip_ms = 50;
        let blocks = blocks_on(&genesis(), 2);
        parent_fails_here(net, &blocks);
        let served = net.serve(&blocks, 1_500);
        assert_eq!(served.imported, [1, 2]);
    });
}

#[test]
fn a_host_that_fails_at_once_every_time_is_not_asked_in_a_loop() {
    let mut net = Net::new(Config::default());
    net.connect(&[BOB]);
    let blocks = blocks_on(&genesis(), 2);
    parent_fails_here(&mut net, &blocks);
    let (mut tries, end) = (0, net.in_ms(60_000));
    loop {
        let Some(output) = net.next_output() else {
            if !net.ring_until(end) {
                break;
            }
            continue;
        };
        match output {
            Output::RequestHeader { request, peer, .. } => {
                let header = vec![blocks[0].header.clone()];
                let back =
                    net.quiet_step(|net| net.fetcher.headers(net.now(), &peer, request, header, &net.chain));
                assert!(back.is_empty());
            }
            Output::RequestBodies { request, peer, .. } => {
                let body = vec![blocks[0].body.clone()];
                let _ = net.quiet_step(|net| net.fetcher.bodies(net.now(), &peer, request, body, &net.chain));
            }
            Output::VerifyHeader { .. } => {
                tries += 1;
                let hash = blocks[0].hash();
                net.quiet_step(|net| net.fetcher.verdict(net.now(), hash, Verdict::LocalFault, &net.chain));
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    // After 1, 2, 4, 8 and 16 s, and the sixth beyond the minute.
    assert_eq!(tries, 5);
    assert_eq!(net.counters().penalties(Reason::Silence), 0);
}

#[test]
fn an_announcer_of_a_later_block_is_asked_for_what_a_silent_provider_kept() {
    with(plain(), |net| {
        net.connect(&[MALLORY, BOB]);
        net.round_trip_ms = 50;
        let blocks = blocks_on(&genesis(), 4);
        // She gives the second block and keeps the first.
        assert_eq!(net.push(MALLORY, &blocks[1]), Admission::Accepted);
        let ask = net.expect_header_request_to(MALLORY, &blocks[0]);
        net.fail(ask, Failure::Refused);
        net.expect_penalty(MALLORY, Reason::Refusal);
        net.announce(BOB, &blocks[2]);
        let served = net.serve(&blocks, 400);
        assert_eq!(served.imported, [1, 2, 3]);
        assert!(served.header_requests.contains(&(BOB, blocks[0].hash())));
    });
}

#[test]
fn whoever_has_a_block_far_above_is_asked_without_announcing_what_lies_between() {
    with(plain(), |net| {
        net.connect(&[MALLORY, BOB]);
        let blocks = blocks_on(&genesis(), 4);
        assert_eq!(net.push(MALLORY, &blocks[1]), Admission::Accepted);
        let ask = net.expect_header_request_to(MALLORY, &blocks[0]);
        assert_eq!(net.push(MALLORY, &blocks[2]), Admission::Accepted);
        assert_eq!(net.push(BOB, &blocks[3]), Admission::Accepted);
        net.fail(ask, Failure::Refused);
        net.expect_penalty(MALLORY, Reason::Refusal);
        let ask = net.expect_header_request_to(BOB, &blocks[0]);
        net.deliver_header(ask, &blocks[0]);
        let body = net.expect_body_request_to(BOB, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        blocks.iter().for_each(|block| drop(net.import(block)));
    });
}

#[test]
fn with_nobody_else_the_same_are_asked_again_after_growing_pauses() {
    let mut net = Net::new(plain());
    net.connect(&[ALICE]);
    let blocks = blocks_on(&genesis(), 2);
    assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
    let ask = net.expect_header_request_to(ALICE, &blocks[0]);
    net.reply_headers(ask, &[]);
    net.expect_penalty(ALICE, Reason::EmptyReply);
    let asked = asked_for(&mut net, &blocks[0], 1_000);
    assert_eq!(asked, [(1_000, ALICE)]);
}

#[test]
fn a_parent_that_is_announced_by_itself_gets_the_owners_of_its_children() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let ask = net.expect_header_request_to(ALICE, &blocks[0]);
        net.fail(ask, Failure::Disconnected);
        net.announce(BOB, &blocks[0]);
        let ask = net.expect_header_request_to(BOB, &blocks[0]);
        net.fail(ask, Failure::Disconnected);
        let ask = net.expect_header_request_to(ALICE, &blocks[0]);
        net.deliver_header(ask, &blocks[0]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_provider_whose_allowance_gets_free_is_asked_in_that_step() {
    with(plain().with(|config| config.announcements_per_peer = 1), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.announce_as(ALICE, made_up_hash(1), 1), Admission::Accepted);
        let other = net.expect_header_request_for(made_up_hash(1));
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.assert_quiet();
        net.fail(other, Failure::Disconnected);
        let ask = net.expect_header_request_to(ALICE, &blocks[0]);
        net.deliver_header(ask, &blocks[0]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn a_parent_out_of_reach_is_told_again_until_the_host_acts() {
    with(plain().with(|config| config.window_below = 2), |net| {
        net.advance_chain(&blocks_on(&genesis(), 10));
        net.connect(&[ALICE]);
        let fork = block(made_up_hash(1), 8, b"a fork", 0);
        assert_eq!(net.push(ALICE, &fork), Admission::Accepted);
        net.expect_out_of_reach(ALICE, &fork);
        for pause in [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000] {
            net.advance(pause - 1);
            net.assert_quiet();
            net.advance(1);
            net.expect_out_of_reach(ALICE, &fork);
        }
        net.disconnect(ALICE);
    });
}

#[test]
fn a_parent_that_proves_to_be_in_the_chain_already_sets_its_children_free() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let ask = net.expect_header_request_to(ALICE, &blocks[0]);
        // The host does not say so.
        net.chain.insert(&blocks[0]);
        net.deliver_header(ask, &blocks[0]);
        net.import(&blocks[1]);
    });
}
