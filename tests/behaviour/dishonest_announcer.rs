//! Five honest announcers after one dishonest: the block is imported, and one peer is blamed.

use herald_fetcher::{Failure, Reason};

use crate::harness::{Ask, Net, plain, with};
use crate::toy::{MALLORY, Peer, Toy, block, child, genesis};

type Block = herald_fetcher::BlockOf<Toy>;

/// Mallory announces first and is asked first; then come five honest peers.
fn announced_by_six(net: &mut Net, block: &Block) -> Ask {
    net.connect(&[MALLORY]);
    net.connect(&(1..=5).map(Peer).collect::<Vec<_>>());
    net.announce(MALLORY, block);
    let asked = net.expect_header_request_to(MALLORY, block);
    for peer in (1..=5).map(Peer) {
        net.announce(peer, block);
    }
    asked
}

/// The first honest peer is asked, and the block is imported.
fn goes_on_with_the_honest(net: &mut Net, block: &Block) {
    let header = net.expect_header_request_to(Peer(1), block);
    net.deliver_header(header, block);
    let body = net.expect_body_request_to(Peer(1), &[block]);
    net.deliver_body(body, &[block]);
    net.import(block);
    let blamed: u64 = Reason::ALL.iter().map(|&reason| net.counters().penalties(reason)).sum();
    assert_eq!(blamed, 1);
}

#[test]
fn who_is_silent_about_the_header() {
    with(plain(), |net| {
        let block = child(&genesis());
        let asked = announced_by_six(net, &block);
        net.advance(5_000);
        net.expect_cancel(asked);
        net.expect_penalty(MALLORY, Reason::Silence);
        goes_on_with_the_honest(net, &block);
    });
}

#[test]
fn who_answers_with_nothing() {
    with(plain(), |net| {
        let block = child(&genesis());
        let asked = announced_by_six(net, &block);
        net.reply_headers(asked, &[]);
        net.expect_penalty(MALLORY, Reason::EmptyReply);
        goes_on_with_the_honest(net, &block);
    });
}

#[test]
fn who_answers_with_another_header() {
    with(plain(), |net| {
        let block = child(&genesis());
        let asked = announced_by_six(net, &block);
        let other = self::block(genesis().hash(), 1, b"another", 0);
        assert_eq!(net.reply_headers(asked, &[&other]), [other.header]);
        net.expect_penalty(MALLORY, Reason::WrongHeader);
        goes_on_with_the_honest(net, &block);
    });
}

#[test]
fn who_refuses() {
    with(plain(), |net| {
        let block = child(&genesis());
        let asked = announced_by_six(net, &block);
        net.fail(asked, Failure::Refused);
        net.expect_penalty(MALLORY, Reason::Refusal);
        goes_on_with_the_honest(net, &block);
    });
}

#[test]
fn who_gives_the_header_but_a_wrong_body() {
    with(plain(), |net| {
        let block = child(&genesis());
        let asked = announced_by_six(net, &block);
        net.deliver_header(asked, &block);
        let body = net.expect_body_request_to(MALLORY, &[&block]);
        let other = self::block(genesis().hash(), 1, b"another", 0);
        net.reply_bodies(body, &[&other]);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        let body = net.expect_body_request_to(Peer(1), &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn who_lied_about_the_number() {
    with(plain(), |net| {
        net.connect(&[MALLORY]);
        net.connect(&(1..=5).map(Peer).collect::<Vec<_>>());
        let block = child(&genesis());
        let _ = net.announce_as(MALLORY, block.hash(), 17);
        let asked = net.expect_header_request_to(MALLORY, &block);
        for peer in (1..=5).map(Peer) {
            net.announce(peer, &block);
        }
        net.fail(asked, Failure::Disconnected);
        let header = net.expect_header_request_to(Peer(1), &block);
        net.deliver_header(header, &block);
        net.expect_penalty(MALLORY, Reason::WrongNumber);
        let body = net.expect_body_request_to(Peer(1), &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}
