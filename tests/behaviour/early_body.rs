//! Header and body asked for together: whichever comes first waits for the other.

use std::time::Duration;

use herald_fetcher::{Admission, BodyRequest, Config, End, Hedge, Reason};

use crate::harness::{Ask, Net, plain, with};
use crate::toy::HEADER_BYTES;
use crate::toy::{
    ALICE, BOB, MALLORY, Peer, Toy, block as block_of, child, genesis, large_child, made_up_hash,
};

type Block = herald_fetcher::BlockOf<Toy>;

fn together() -> Config {
    plain().with(|config| config.body_request = BodyRequest::WithHeader)
}

fn ask_both(net: &mut Net, peer: Peer, block: &Block) -> (Ask, Ask) {
    net.announce(peer, block);
    let header = net.expect_header_request_to(peer, block);
    (header, net.expect_body_request_to(peer, &[block]))
}

fn another() -> Block {
    block_of(genesis().hash(), 1, b"another", 9)
}

#[test]
fn the_header_first() {
    with(together(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        let (header, body) = ask_both(net, ALICE, &block);
        net.deliver_header(header, &block);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn the_body_first() {
    with(together(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        let (header, body) = ask_both(net, ALICE, &block);
        net.deliver_body(body, &[&block]);
        net.assert_quiet();
        net.deliver_header(header, &block);
        net.import(&block);
    });
}

#[test]
fn a_body_that_does_not_match_is_laid_on_its_giver_when_the_header_tells() {
    with(together(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let block = child(&genesis());
        let (header, body) = ask_both(net, MALLORY, &block);
        net.announce(ALICE, &block);
        net.deliver_body(body, &[&another()]);
        net.deliver_header(header, &block);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn an_early_reply_with_nothing_is_an_empty_reply() {
    with(together(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let block = child(&genesis());
        let (header, body) = ask_both(net, MALLORY, &block);
        net.announce(ALICE, &block);
        net.deliver_body(body, &[]);
        net.expect_penalty(MALLORY, Reason::EmptyReply);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn an_early_reply_with_too_much_is_an_oversized_reply() {
    with(together(), |net| {
        net.connect(&[MALLORY]);
        let block = child(&genesis());
        let (header, body) = ask_both(net, MALLORY, &block);
        assert_eq!(net.reply_bodies(body, &[&block, &another()]).len(), 2);
        net.expect_penalty(MALLORY, Reason::OversizedReply);
        net.deliver_header(header, &block);
        assert_eq!(net.ends(End::NobodyLeft), 1);
    });
}

#[test]
fn an_early_body_beyond_the_limits_is_asked_for_again_without_blame() {
    let config = together().with(|config| {
        config.bytes_per_peer = 2_000;
        config.bytes_total = 400_000;
    });
    with(config, |net| {
        net.connect(&[ALICE]);
        let fits = large_child(&genesis(), 2_000 - HEADER_BYTES);
        let (header, body) = ask_both(net, ALICE, &fits);
        net.deliver_body(body, &[&large_child(&genesis(), 2_001)]);
        assert_eq!(net.peer(ALICE).bytes, 0);
        net.deliver_header(header, &fits);
        let body = net.expect_body_request_to(ALICE, &[&fits]);
        net.deliver_body(body, &[&fits]);
        net.import(&fits);
    });
}

#[test]
fn a_holder_that_leaves_takes_its_body_along_but_not_the_header_asked_of_another() {
    let hedge = Hedge::After { min: Duration::from_millis(50), max: Duration::from_secs(1) };
    let limits = together().with(|config| {
        config.bytes_per_peer = 2_000;
        config.bytes_total = 400_000;
        config.hedge = hedge;
    });
    with(limits, |net| {
        net.connect(&[ALICE, BOB]);
        // For Bob, what Alice holds would go beyond his limit.
        assert_eq!(net.push(BOB, &block_of(made_up_hash(1), 40, &[7; 1_600], 0)), Admission::Deferred);
        let block = large_child(&genesis(), 500);
        let (slow, body) = ask_both(net, ALICE, &block);
        net.announce(BOB, &block);
        net.deliver_body(body, &[&block]);
        net.advance_until_output();
        let header = net.expect_header_request_to(BOB, &block);
        net.disconnect(ALICE);
        net.assert_quiet();
        assert_ne!(slow, header);
        net.deliver_header(header, &block);
        net.expect_body_request_to(BOB, &[&block]);
        net.disconnect(BOB);
    });
}

#[test]
fn a_header_that_fails_takes_an_early_body_along_to_the_next() {
    with(together(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let block = child(&genesis());
        let (header, body) = ask_both(net, MALLORY, &block);
        net.announce(ALICE, &block);
        net.deliver_body(body, &[&block]);
        net.reply_headers(header, &[]);
        net.expect_penalty(MALLORY, Reason::EmptyReply);
        // The body is here: only the header is asked for.
        let header = net.expect_header_request_to(ALICE, &block);
        net.deliver_header(header, &block);
        net.import(&block);
    });
}
