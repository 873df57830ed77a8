//! Who leaves before a block is judged is named for it all the same.

use core::time::Duration;

use herald_fetcher::{Admission, Reason, Verdict};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, MALLORY, block, child, genesis};

#[test]
fn a_header_that_proves_invalid_is_laid_on_one_that_left() {
    with_each(|net| {
        for n in 0..100 {
            net.connect(&[MALLORY]);
            let bad = block(genesis().hash(), 1, b"bad", n);
            assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
            net.expect_verify(&bad);
            net.disconnect(MALLORY);
            net.verdict(&bad, Verdict::Invalid);
            net.expect_late_penalty(MALLORY, Reason::InvalidHeader);
        }
        assert_eq!(net.counters().penalties(Reason::InvalidHeader), 100);
    });
}

#[test]
fn so_is_a_block_that_fails_its_import() {
    with(plain(), |net| {
        net.connect(&[MALLORY]);
        let bad = child(&genesis());
        net.announce(MALLORY, &bad);
        net.fetch(&bad);
        net.expect_verify(&bad);
        net.verdict(&bad, Verdict::Valid);
        net.expect_import(&bad);
        net.disconnect(MALLORY);
        net.imported(&bad, Verdict::Invalid);
        net.expect_late_penalty(MALLORY, Reason::InvalidBlock);
        assert_eq!(net.status().bad_blocks, 1);
    });
}

#[test]
fn one_that_has_come_again_is_named_as_the_one_that_left() {
    with(plain(), |net| {
        net.connect(&[MALLORY]);
        let bad = child(&genesis());
        assert_eq!(net.push(MALLORY, &bad), Admission::Accepted);
        net.expect_verify(&bad);
        net.disconnect(MALLORY);
        net.connect(&[MALLORY]);
        net.verdict(&bad, Verdict::Invalid);
        net.expect_late_penalty(MALLORY, Reason::InvalidHeader);
        assert_eq!(net.push(MALLORY, &bad), Admission::BadBlock);
        net.expect_penalty(MALLORY, Reason::InvalidHeader);
    });
}

#[test]
fn one_that_left_is_blamed_for_nothing_that_is_no_fault_of_its_own() {
    with(plain(), |net| {
        let verdicts =
            [Verdict::Valid, Verdict::LocalFault, Verdict::Future { wait: Duration::from_secs(1) }];
        for (n, verdict) in (0..).zip(verdicts) {
            net.connect(&[ALICE]);
            let block = block(genesis().hash(), 1, b"good", n);
            assert_eq!(net.push(ALICE, &block), Admission::Accepted);
            net.expect_verify(&block);
            net.disconnect(ALICE);
            net.verdict(&block, verdict);
            if verdict == Verdict::Valid {
                net.expect_import(&block);
                net.imported(&block, Verdict::LocalFault);
            }
        }
        assert_eq!(Reason::ALL.map(|reason| net.counters().penalties(reason)), [0; Reason::ALL.len()]);
    });
}
