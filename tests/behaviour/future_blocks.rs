//! A block that is valid but for our clock is imported when its time has come; nobody is blamed.

use core::time::Duration;

use herald_fetcher::{Admission, End, Reason, Verdict};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, blocks_on, child, genesis};

#[test]
fn it_is_kept_and_not_relayed_until_its_time() {
    with_each(|net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_verify(&block);
        net.verdict(&block, later(12_000));
        assert_eq!(net.push(BOB, &block), Admission::Duplicate);
        net.advance(11_999);
        net.assert_quiet();
        net.advance(1);
        net.import(&block);
    });
}

#[test]
fn its_children_wait_for_it() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        net.verdict(&blocks[0], later(3_000));
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        net.advance(3_000);
        net.import(&blocks[0]);
        net.import(&blocks[1]);
    });
}

#[test]
fn one_too_far_in_the_future_is_dropped_without_blame() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_verify(&block);
        net.verdict(&block, later(30_001));
        assert_eq!((net.ends(End::TooFarInFuture), net.status().bad_blocks), (1, 0));
        assert!(Reason::ALL.iter().all(|&reason| net.counters().penalties(reason) == 0));
    });
}

#[test]
fn a_host_that_puts_it_off_again_and_again_does_not_keep_it_for_ever() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        let mut verified = 0;
        while net.status().entries > 0 {
            net.expect_verify(&block);
            verified += 1;
            net.verdict(&block, later(30_000));
            net.advance(30_000);
        }
        // 120 s of lifetime and 30 s of future.
        assert_eq!((verified, net.ends(End::TooFarInFuture)), (6, 1));
    });
}

#[test]
fn when_its_giver_leaves_another_that_has_it_keeps_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = crate::toy::siblings_on(&genesis(), 2);
        for block in &blocks {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
            net.expect_verify(block);
        }
        net.announce(BOB, &blocks[0]);
        net.disconnect(ALICE);
        for block in &blocks {
            net.verdict(block, later(1_000));
        }
        assert_eq!(net.ends(End::NobodyLeft), 1);
        net.advance(1_000);
        net.import(&blocks[0]);
    });
}

#[test]
fn its_time_may_come_after_its_lifetime() {
    let lifetime = std::time::Duration::from_secs(1);
    with(plain().with(|config| config.lifetime = lifetime), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_verify(&block);
        net.verdict(&block, later(20_000));
        net.advance(20_000);
        net.import(&block);
    });
}

/// Valid, but only so long from now.
fn later(ms: u64) -> Verdict {
    Verdict::Future { wait: Duration::from_millis(ms) }
}
