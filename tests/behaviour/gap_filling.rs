//! One missing block holds its descendants back, and releases them all when it comes.

use herald_fetcher::Admission;

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, BOB, blocks_on, genesis};

#[test]
fn the_gap_is_fetched_from_whoever_gave_what_lies_above() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 12);
        for block in blocks[1..].iter().rev() {
            let pushed = net.push_meanwhile(ALICE, block);
            assert_eq!(pushed, Admission::Accepted);
        }
        let served = net.serve(&blocks, 1_000);
        assert_eq!(served.imported, (1..=12).collect::<Vec<_>>());
    });
}

#[test]
fn a_push_fills_the_gap_and_the_fetch_is_cancelled() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 4);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::Accepted);
        let ask = net.expect_header_request_to(ALICE, &blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[3]), Admission::Accepted);
        let above = net.expect_header_request_to(ALICE, &blocks[2]);
        assert_eq!(net.push(BOB, &blocks[2]), Admission::Accepted);
        net.expect_cancel(above);
        assert_eq!(net.push(BOB, &blocks[0]), Admission::Accepted);
        net.expect_cancel(ask);
        for block in &blocks {
            net.import(block);
        }
    });
}
