//! A failure on our own side is laid on nobody, and the block may come again.

use core::time::Duration;

use herald_fetcher::{Admission, End, Reason, Verdict};

use crate::harness::{Net, with_each};
use crate::toy::{ALICE, BOB, child, genesis};

#[test]
fn at_the_verification() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_verify(&block);
        net.verdict(&block, Verdict::LocalFault);
        assert_eq!((net.ends(End::LocalFault), net.status().bad_blocks), (1, 0));
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.import(&block);
    });
}

#[test]
fn at_the_import() {
    // A time that has come, and then has not, is a clock set back.
    for verdict in [Verdict::LocalFault, Verdict::Future { wait: Duration::from_secs(1) }] {
        with_each(|net| a_fault_at_the_import(net, verdict));
    }
}

fn a_fault_at_the_import(net: &mut Net, verdict: Verdict) {
    net.connect(&[ALICE, BOB]);
    let block = child(&genesis());
    net.announce(ALICE, &block);
    net.fetch(&block);
    net.expect_verify(&block);
    net.verdict(&block, Verdict::Valid);
    net.expect_relay(&block);
    net.expect_import(&block);
    net.imported(&block, verdict);
    assert_eq!((net.ends(End::LocalFault), net.status().bad_blocks), (1, 0));
    assert!(Reason::ALL.iter().all(|&reason| net.counters().penalties(reason) == 0));
    assert_eq!(net.announce_as(BOB, block.hash(), 1), Admission::Accepted);
    net.fetch(&block);
    net.import(&block);
}

#[test]
fn an_answer_that_was_not_asked_for_changes_nothing() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.verdict(&block, Verdict::Invalid);
        net.imported(&block, Verdict::Invalid);
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.expect_verify(&block);
        // An import outcome before the verdict, and a second verdict after it.
        net.imported(&block, Verdict::Invalid);
        net.verdict(&block, Verdict::Valid);
        net.expect_import(&block);
        net.verdict(&block, Verdict::Invalid);
        net.imported(&block, Verdict::Valid);
        assert_eq!(net.counters().answers_unexpected, 4);
        assert_eq!(net.status().bad_blocks, 0);
    });
}
