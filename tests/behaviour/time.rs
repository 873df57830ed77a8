//! Time comes from the host; where it goes back it is clamped and counted.

use herald_fetcher::Time;

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, child, genesis};

#[test]
fn time_that_goes_back_is_clamped_and_counted() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        net.advance(1_000);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        let due = net.fetcher.poll_timeout();
        assert_eq!(due, Some(net.in_ms(5_000)));
        let earlier = Time::from_nanos(17);
        net.step(|net| net.fetcher.tick(earlier, &net.chain));
        let _ = net.step(|net| net.fetcher.announce(earlier, &BOB, block.hash(), 1, &net.chain));
        assert_eq!(net.counters().time_went_back, 2);
        assert_eq!(net.fetcher.poll_timeout(), due);
        net.deliver_header(header, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        assert_eq!(net.counters().time_went_back, 2);
    });
}

#[test]
fn a_jump_to_the_end_of_time_ends_everything_and_blames_nobody() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        net.step(|net| net.fetcher.tick(Time::LATEST, &net.chain));
        // Deadline and lifetime are over at once: that was our clock, or our sleep, not her silence.
        net.expect_cancel(header);
        assert_eq!(net.ends(herald_fetcher::End::Expired), 1);
    });
}

#[test]
fn a_reply_in_time_is_taken_even_if_it_is_handed_in_late() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        let late = net.in_ms(6_000);
        let back = net.step(|net| {
            net.fetcher.headers(late, &ALICE, header.request, vec![block.header.clone()], &net.chain)
        });
        assert!(back.is_empty());
        net.set_now(late);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_timer_that_is_not_due_does_not_ring() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let header = net.expect_header_request_to(ALICE, &block);
        for _ in 0..100 {
            net.step(|net| net.fetcher.tick(net.now(), &net.chain));
        }
        net.fail(header, herald_fetcher::Failure::Disconnected);
    });
}
