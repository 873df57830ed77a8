//! What is cheap to say costs the others nothing: headers that nobody verifies, numbers, late pushes, and
//! bodies of other blocks.

use herald_fetcher::Reason;

use crate::harness::{Ask, Net, plain, with};
use crate::toy::{ALICE, MALLORY, Toy, block, child, genesis, siblings_on};

type Block = herald_fetcher::BlockOf<Toy>;

/// Mallory and Alice are asked for the body of a block each.
fn one_body_asked_of_each(net: &mut Net) -> ([Block; 2], [Ask; 2]) {
    net.connect(&[MALLORY, ALICE]);
    let blocks: [Block; 2] = siblings_on(&genesis(), 2).try_into().expect("two");
    let asks = [(MALLORY, &blocks[0]), (ALICE, &blocks[1])].map(|(peer, block)| {
        net.announce(peer, block);
        let header = net.expect_header_request_to(peer, block);
        net.deliver_header(header, block);
        net.expect_body_request_to(peer, &[block])
    });
    (blocks, asks)
}

#[test]
fn the_body_of_another_awaited_block_is_a_wrong_body() {
    with(plain(), |net| {
        let (blocks, [ask, other]) = one_body_asked_of_each(net);
        net.announce(ALICE, &blocks[0]);
        // It is of use all the same, and so it does not come back.
        net.deliver_body(ask, &[&blocks[1]]);
        net.expect_cancel(other);
        net.expect_verify(&blocks[1]);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.expect_verify(&blocks[0]);
        net.import_verified(&[&blocks[0], &blocks[1]]);
    });
}

#[test]
fn an_equal_body_of_another_block_is_right() {
    with(plain(), |net| {
        net.connect(&[MALLORY, ALICE]);
        let twins = [0, 1].map(|salt| block(genesis().hash(), 1, b"the same", salt));
        let [one, other] = [(MALLORY, &twins[0]), (ALICE, &twins[1])].map(|(peer, block)| {
            net.announce(peer, block);
            let header = net.expect_header_request_to(peer, block);
            net.deliver_header(header, block);
            net.expect_body_request_to(peer, &[block])
        });
        net.deliver_body(one, &[&twins[1]]);
        net.expect_verify(&twins[0]);
        net.expect_cancel(other);
        net.expect_verify(&twins[1]);
        net.import_verified(&[&twins[0], &twins[1]]);
        assert_eq!(net.counters().penalties(Reason::WrongBody), 0);
    });
}

#[test]
fn strange_bodies_come_back_as_strange_headers_do() {
    with(plain(), |net| {
        let (blocks, [ask, other]) = one_body_asked_of_each(net);
        let strange = child(&child(&genesis()));
        assert_eq!(net.reply_bodies(ask, &[&strange]), [strange.body.clone()]);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        net.deliver_body(other, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}
