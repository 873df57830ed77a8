//! Two blocks whose bodies are equal both complete.

use herald::{Block, Config};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, BlockExt, Toy, block, genesis};

fn twins() -> [Block<Toy>; 2] {
    [1, 2].map(|salt| block(genesis().hash(), 1, b"the same transactions", salt))
}

#[test]
fn asked_for_one_by_one() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let [one, two] = twins();
        net.announce(ALICE, &one);
        let header_one = net.expect_header_request_to(ALICE, &one);
        net.announce(BOB, &two);
        let header_two = net.expect_header_request_to(BOB, &two);
        net.deliver_header(header_one, &one);
        let body_one = net.expect_body_request_to(ALICE, &[&one]);
        net.deliver_header(header_two, &two);
        let body_two = net.expect_body_request_to(BOB, &[&two]);
        net.deliver_body(body_one, &[&one]);
        // It serves the other as well.
        net.expect_verify(&one);
        net.expect_cancel(body_two);
        net.expect_verify(&two);
        net.import_verified(&[&one, &two]);
    });
}

#[test]
fn asked_for_one_by_one_of_the_same_peer() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let [one, two] = twins();
        net.announce(ALICE, &one);
        let header_one = net.expect_header_request_to(ALICE, &one);
        net.announce(ALICE, &two);
        let header_two = net.expect_header_request_to(ALICE, &two);
        net.deliver_header(header_one, &one);
        let body_one = net.expect_body_request_to(ALICE, &[&one]);
        net.deliver_header(header_two, &two);
        let body_two = net.expect_body_request_to(ALICE, &[&two]);
        net.deliver_body(body_one, &[&one]);
        net.expect_verify(&one);
        // The peer works on the second request still.
        net.expect_cancel(body_two);
        net.expect_verify(&two);
        net.import_verified(&[&one, &two]);
    });
}

#[test]
fn asked_for_in_one_request_and_answered_once_or_twice() {
    for copies in [1, 2] {
        with(Config::geth(), |net| {
            net.connect(&[ALICE]);
            let [one, two] = twins();
            net.announce(ALICE, &one);
            net.announce(ALICE, &two);
            net.advance(500);
            let asked = net.expect_header_requests_to(ALICE, &[one.clone(), two.clone()]);
            net.deliver_header(asked[0], &one);
            net.deliver_header(asked[1], &two);
            net.advance(100);
            let bodies = net.expect_body_request_to(ALICE, &[&one, &two]);
            net.deliver_body(bodies, &[&one, &two][..copies]);
            net.expect_verify(&one);
            net.expect_verify(&two);
            net.import_verified(&[&one, &two]);
        });
    }
}
