//! A block is handed to the host once, however often it comes.

use herald_fetcher::{Admission, Config, Verdict};

use crate::harness::{with, with_each};
use crate::toy::{ALICE, BOB, CAROL, child, genesis};

#[test]
fn fetched_and_pushed_and_announced_again() {
    with_each(|net| {
        net.connect(&[ALICE, BOB, CAROL]);
        let block = child(&genesis());
        net.announce_meanwhile(ALICE, &block);
        net.fetch(&block);
        net.expect_verify(&block);
        assert_eq!(net.push(BOB, &block), Admission::Duplicate);
        assert_eq!(net.push(BOB, &block), Admission::Duplicate);
        assert_eq!(net.announce_as(CAROL, block.hash(), 1), Admission::Accepted);
        net.verdict(&block, Verdict::Valid);
        net.expect_import(&block);
        assert_eq!(net.push(CAROL, &block), Admission::Duplicate);
        assert_eq!(net.announce_as(BOB, block.hash(), 1), Admission::Known);
        net.imported(&block, Verdict::Valid);
        assert_eq!(net.push(BOB, &block), Admission::Known);
        assert_eq!(net.announce_as(CAROL, block.hash(), 1), Admission::Known);
    });
}

#[test]
fn a_block_of_the_chain_is_not_followed_even_if_it_is_not_remembered() {
    with(Config::default().with(|config| config.known_blocks = 1), |net| {
        let (one, two) = (child(&genesis()), child(&child(&genesis())));
        net.advance_chain(&[one.clone(), two]);
        net.connect(&[ALICE]);
        assert_eq!(net.announce_as(ALICE, one.hash(), 1), Admission::Known);
        assert_eq!(net.push(ALICE, &one), Admission::Known);
    });
}

#[test]
fn quiet_is_when_nothing_but_imports_is_under_way() {
    with_each(|net| {
        net.connect(&[ALICE]);
        assert!(net.fetcher.is_quiet(), "nothing is followed");
        let block = child(&genesis());
        net.announce_meanwhile(ALICE, &block);
        assert!(!net.fetcher.is_quiet(), "it waits for a push");
        net.fetch(&block);
        net.expect_verify(&block);
        assert!(!net.fetcher.is_quiet(), "its header is verified");
        net.verdict(&block, Verdict::Valid);
        net.expect_import(&block);
        assert!(net.fetcher.is_quiet(), "it is imported");
        net.connect(&[BOB]);
        // Each call of the harness expects that nothing more comes of it.
        assert_eq!(net.announce_as(BOB, block.hash(), 1), Admission::Known);
        assert_eq!(net.push(BOB, &block), Admission::Duplicate);
        assert!(net.fetcher.is_quiet());
        let next = child(&block);
        net.announce_meanwhile(BOB, &next);
        assert!(!net.fetcher.is_quiet(), "another one is followed beside it");
        net.fetch(&next);
        net.imported(&block, Verdict::Valid);
        net.import(&next);
    });
}
