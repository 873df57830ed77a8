//! A body request that is never answered ends at its deadline, and another announcer is asked.

use herald_fetcher::{Admission, BodyRequest, Config, End, Failure, Reason};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, child, genesis};

#[test]
fn another_announcer_is_asked_at_the_deadline() {
    for (config, ms) in [(plain(), 5_000), (Config::geth(), 10_000)] {
        with(config, |net| {
            net.connect(&[ALICE, BOB]);
            let block = child(&genesis());
            net.announce_meanwhile(ALICE, &block);
            net.advance_until_output();
            let header = net.expect_header_request_to(ALICE, &block);
            net.announce(BOB, &block);
            net.deliver_header(header, &block);
            net.advance_until_output();
            let silent = net.expect_body_request(&[&block]);
            net.advance(ms - 1);
            net.assert_quiet();
            net.advance(1);
            net.expect_cancel(silent);
            net.expect_penalty(silent.peer, Reason::Silence);
            let second = net.expect_body_request(&[&block]);
            assert_ne!(second.peer, silent.peer);
            net.deliver_body(second, &[&block]);
            net.import(&block);
        });
    }
}

#[test]
fn without_another_announcer_the_same_is_asked_again_with_twice_the_time_and_not_blamed_again() {
    for (config, ms) in [(plain(), 5_000), (Config::geth(), 10_000)] {
        with(config, |net| {
            net.connect(&[ALICE]);
            let block = child(&genesis());
            net.announce_meanwhile(ALICE, &block);
            net.advance_until_output();
            let header = net.expect_header_request_to(ALICE, &block);
            net.deliver_header(header, &block);
            net.advance_until_output();
            let silent = net.expect_body_request(&[&block]);
            net.advance(ms);
            net.expect_cancel(silent);
            net.expect_penalty(ALICE, Reason::Silence);
            let again = net.expect_body_request_to(ALICE, &[&block]);
            net.advance(2 * ms - 1);
            net.assert_quiet();
            net.advance(1);
            net.expect_cancel(again);
            let again = net.expect_body_request_to(ALICE, &[&block]);
            net.advance(4 * ms - 1);
            net.deliver_body(again, &[&block]);
            net.import(&block);
            assert_eq!(net.counters().penalties(Reason::Silence), 1);
        });
    }
}

#[test]
fn a_peer_that_failed_for_a_hash_is_not_asked_again_for_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.fail(header, Failure::Disconnected);
        assert_eq!(net.ends(End::NobodyLeft), 1);
        // As long as another keeps the entry alive, repeating the announcement does not help.
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.announce(BOB, &block);
        net.fail(header, Failure::Refused);
        net.expect_penalty(ALICE, Reason::Refusal);
        let header = net.expect_header_request_to(BOB, &block);
        assert_eq!(net.announce_as(ALICE, block.hash(), 1), Admission::Duplicate);
        net.fail(header, Failure::Refused);
        net.expect_penalty(BOB, Reason::Refusal);
        assert_eq!(net.ends(End::NobodyLeft), 2);
    });
}

#[test]
fn header_and_body_asked_for_together_fail_as_one_fault() {
    with(plain().with(|config| config.body_request = BodyRequest::WithHeader), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.advance(5_000);
        net.expect_cancel(header);
        net.expect_penalty(ALICE, Reason::Silence);
        net.expect_header_request_to(ALICE, &block);
        net.expect_cancel(body);
        assert_eq!(net.counters().penalties(Reason::Silence), 1);
        net.disconnect(ALICE);
    });
}
