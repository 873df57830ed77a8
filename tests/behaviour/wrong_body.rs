//! A body that is not its header's speaks against the peer that sent it, never against the block.

use herald_fetcher::{Admission, Block, BlockOf, Reason};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, MALLORY, Toy, body, child, genesis};

/// The header of `block` with a body that is not its own.
fn forged(block: &BlockOf<Toy>) -> BlockOf<Toy> {
    Block { header: block.header.clone(), body: body(b"forged") }
}

#[test]
fn a_good_header_pushed_with_a_wrong_body_does_not_poison_its_hash() {
    with_each(|net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        assert_eq!(net.push(MALLORY, &forged(&block)), Admission::WrongBody);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        assert_eq!((net.status().bad_blocks, net.status().entries), (0, 0));
        net.announce_meanwhile(ALICE, &block);
        net.fetch(&block);
        net.import(&block);
    });
}

#[test]
fn a_forged_push_does_not_disturb_a_fetch() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        assert_eq!(net.push(MALLORY, &forged(&block)), Admission::WrongBody);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        assert_eq!(net.push(MALLORY, &forged(&block)), Admission::WrongBody);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn an_announcer_that_forges_is_not_asked_any_more() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB, MALLORY]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.announce(MALLORY, &block);
        net.announce(BOB, &block);
        let _ = net.push(MALLORY, &forged(&block));
        net.expect_penalty(MALLORY, Reason::WrongBody);
        net.reply_headers(header, &[]);
        net.expect_penalty(ALICE, Reason::EmptyReply);
        let header = net.expect_header_request_to(BOB, &block);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_wrong_body_in_a_reply_does_not_poison_the_hash_either() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        net.announce(MALLORY, &block);
        let header = net.expect_header_request_to(MALLORY, &block);
        net.deliver_header(header, &block);
        let asked = net.expect_body_request_to(MALLORY, &[&block]);
        net.reply_bodies(asked, &[&forged(&block)]);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        assert_eq!(net.status().entries, 0);
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.import(&block);
    });
}
