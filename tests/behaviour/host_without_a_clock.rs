//! A host whose clock makes no sense costs a few verifications, and never the fetcher.

use core::time::Duration;

use herald_fetcher::{Admission, End, Time, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, child, genesis};

/// The host takes `ms` to say "now is too early" of one block, until the fetcher gives it up. How
/// often the block was verified.
fn verifications(net: &mut Net, ms: u64, wait: Duration) -> u32 {
    net.connect(&[ALICE]);
    let block = child(&genesis());
    assert_eq!(net.push(ALICE, &block), Admission::Accepted);
    let mut verified = 0;
    while net.status().entries > 0 {
        assert!(verified < 1_000, "it is verified for ever");
        net.expect_verify(&block);
        verified += 1;
        net.set_now(net.in_ms(ms));
        net.verdict(&block, Verdict::Future { wait });
        if net.status().entries > 0 {
            net.advance_until_output();
        }
    }
    assert_eq!(net.ends(End::TooFarInFuture), 1);
    verified
}

#[test]
fn a_time_that_has_come_already_is_not_verified_for_ever() {
    for ms in [0, 1, 100, 10_000] {
        // At once, and then after 10, 20, 40 ms and so on; the next would be beyond 30 s.
        with(plain(), |net| assert_eq!(verifications(net, ms, Duration::ZERO), 14));
    }
}

#[test]
fn nor_is_one_that_is_always_a_nanosecond_away() {
    with(plain(), |net| assert_eq!(verifications(net, 100, Duration::from_nanos(1)), 14));
}

#[test]
fn a_clock_that_is_slewed_while_it_waits_costs_the_difference() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        for ms in [2_000, 10] {
            net.expect_verify(&block);
            net.verdict(&block, Verdict::Future { wait: Duration::from_millis(ms) });
            net.advance(ms - 1);
            net.assert_quiet();
            net.advance(1);
        }
        net.import(&block);
    });
}

#[test]
fn a_reading_after_the_end_of_time_changes_nothing() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = crate::toy::blocks_on(&genesis(), 2);
        net.announce(ALICE, &blocks[0]);
        let header = net.expect_header_request_to(ALICE, &blocks[0]);
        let due = net.fetcher.poll_timeout();
        for wild in [Time::MAX, Time::from_nanos(Time::LATEST.as_nanos() + 1)] {
            net.step(|net| net.fetcher.tick(wild, &net.chain));
        }
        assert_eq!((net.counters().time_out_of_range, net.fetcher.poll_timeout()), (2, due));
        net.deliver_header(header, &blocks[0]);
        let body = net.expect_body_request_to(ALICE, &[&blocks[0]]);
        net.deliver_body(body, &[&blocks[0]]);
        net.import(&blocks[0]);
        // What is heard of afterwards has its whole life before it.
        net.announce(ALICE, &blocks[1]);
        net.fetch(&blocks[1]);
        net.import(&blocks[1]);
        assert_eq!(net.counters().time_went_back, 0);
    });
}
