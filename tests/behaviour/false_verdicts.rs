//! A host that is wrong about a block, or not ready for it, does not condemn the branch for ever.

use herald_fetcher::{Admission, Reason, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{ALICE, BOB, Toy, blocks_on, child, genesis};

type Block = herald_fetcher::BlockOf<Toy>;

/// Alice pushes a block, and the host says that its header is invalid.
fn refuse(net: &mut Net, block: &Block) {
    assert_eq!(net.push(ALICE, block), Admission::Accepted);
    net.expect_verify(block);
    net.verdict(block, Verdict::Invalid);
    net.expect_penalty(ALICE, Reason::InvalidHeader);
}

#[test]
fn a_bad_hash_is_refused_for_a_minute_and_twice_as_long_each_time() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        for seconds in [60, 120, 240] {
            refuse(net, &block);
            net.advance(seconds * 1_000 - 1);
            assert_eq!(net.announce_as(BOB, block.hash(), 1), Admission::BadBlock);
            net.advance(1);
        }
        // The host has come to its senses.
        net.announce(BOB, &block);
        net.fetch(&block);
        net.import(&block);
    });
}

#[test]
fn what_stands_on_it_is_refused_no_longer_than_it_is() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 4);
        refuse(net, &blocks[0]);
        // Each child comes late in the time of its parent: they would be refused for minutes in turn.
        for child in &blocks[1..] {
            net.advance(19_000);
            assert_eq!(net.push(ALICE, child), Admission::BadBlock);
            net.expect_penalty(ALICE, Reason::InvalidAncestor);
        }
        net.advance(3_000);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.import(&blocks[0]);
        for block in &blocks[1..] {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
            net.import(block);
        }
    });
}

#[test]
fn nor_are_those_that_waited_for_it() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let blocks = blocks_on(&genesis(), 3);
        assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
        net.expect_verify(&blocks[0]);
        for block in &blocks[1..] {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
        }
        net.verdict(&blocks[0], Verdict::Invalid);
        net.expect_penalty(ALICE, Reason::InvalidHeader);
        net.expect_penalty(ALICE, Reason::InvalidAncestor);
        net.expect_penalty(ALICE, Reason::InvalidAncestor);
        net.advance(60_000);
        for block in &blocks {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
            net.import(block);
        }
    });
}

#[test]
fn a_hash_is_forgotten_on_request_and_its_branch_with_it() {
    with(plain(), |net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 2);
        refuse(net, &blocks[0]);
        assert_eq!(net.push(ALICE, &blocks[1]), Admission::BadBlock);
        net.expect_penalty(ALICE, Reason::InvalidAncestor);
        net.step(|net| net.fetcher.forget(net.now(), &blocks[0].hash()));
        assert_eq!(net.status().bad_blocks, 0);
        for block in &blocks {
            net.announce(BOB, block);
            net.fetch(block);
            net.import(block);
        }
    });
}

#[test]
fn a_block_that_the_host_took_back_is_taken_again_once_it_is_forgotten() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        assert_eq!(net.push(ALICE, &block), Admission::Accepted);
        net.import(&block);
        net.chain = crate::toy::Chain::new();
        assert_eq!(net.announce_as(ALICE, block.hash(), 1), Admission::Known);
        net.step(|net| net.fetcher.forget(net.now(), &block.hash()));
        net.announce(ALICE, &block);
        net.fetch(&block);
        net.import(&block);
    });
}
