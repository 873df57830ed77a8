//! Two blocks whose bodies are equal both complete.

use std::time::Duration;

use herald_fetcher::{Admission, Block, BlockOf, Config, Gather, Hedge, Reason, StageName, Verdict};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, CAROL, MALLORY, Toy, block, child, genesis};

fn twins() -> [BlockOf<Toy>; 2] {
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

#[test]
fn who_only_took_a_header_over_is_not_blamed_for_the_block_that_anothers_body_completes() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB, CAROL]);
        let [one, two] = twins();
        net.announce(ALICE, &one);
        let header_one = net.expect_header_request_to(ALICE, &one);
        net.announce(BOB, &one);
        net.deliver_header(header_one, &one);
        net.expect_body_request_to(ALICE, &[&one]);
        net.disconnect(ALICE);
        let body_one = net.expect_body_request_to(BOB, &[&one]);
        net.announce(CAROL, &two);
        let header_two = net.expect_header_request_to(CAROL, &two);
        net.deliver_header(header_two, &two);
        let body_two = net.expect_body_request_to(CAROL, &[&two]);
        net.deliver_body(body_two, &[&two]);
        net.expect_cancel(body_one);
        net.expect_verify(&one);
        net.expect_verify(&two);
        // Bob gave nothing of it.
        net.verdict(&one, Verdict::Invalid);
        net.assert_quiet();
        net.import_verified(&[&two]);
    });
}

/// The body serves both, and only then the peer is asked for more: the second does not
/// end for want of somebody to ask.
#[test]
fn one_that_waits_for_a_busy_peer_is_served_before_that_is_asked_again() {
    let ms = Duration::from_millis;
    let (gather, hedge) = (Gather { window: ms(100) }, Hedge::After { min: ms(10), max: ms(50) });
    let config = plain().with(|config| {
        config.requests_per_peer = 1;
        config.gather = gather;
        config.hedge = hedge;
    });
    with(config, |net| {
        net.connect(&[ALICE, MALLORY]);
        let parent = child(&genesis());
        let [one, two] = [1, 2].map(|salt| block(parent.hash(), 2, b"the same transactions", salt));
        net.announce(ALICE, &one);
        let header = net.expect_header_request_to(ALICE, &one);
        net.announce(MALLORY, &one);
        net.deliver_header(header, &one);
        net.advance(100);
        let body = net.expect_body_request_to(ALICE, &[&one]);
        net.announce(MALLORY, &two);
        let header = net.expect_header_request_to(MALLORY, &two);
        net.deliver_header(header, &two);
        net.advance(50);
        let hedge = net.expect_body_request_to(MALLORY, &[&one]);
        // The second waits for a busy peer that proves to be a forger.
        net.advance(50);
        let forged = Block { header: two.header.clone(), body: parent.body.clone() };
        assert_eq!(net.push(MALLORY, &forged), Admission::WrongBody);
        net.expect_penalty(MALLORY, Reason::WrongBody);
        net.deliver_body(body, &[&one]);
        net.expect_cancel(hedge);
        let header = net.expect_header_request(&parent);
        net.assert_quiet();
        assert_eq!(net.status().in_stage(StageName::Queued), 2);
        net.deliver_header(header, &parent);
        net.advance(100);
        let body = net.expect_body_request(&[&parent]);
        net.deliver_body(body, &[&parent]);
        net.import(&parent);
        net.expect_verify(&one);
        net.expect_verify(&two);
        net.import_verified(&[&one, &two]);
    });
}
