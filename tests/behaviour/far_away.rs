//! Blocks far below or above the head are refused, announced or pushed.

use herald_fetcher::{Admission, Config};

use crate::harness::{Net, with, with_each};
use crate::toy::{ALICE, block, blocks_on, genesis, made_up_hash};

fn at_height_100(net: &mut Net) {
    net.advance_chain(&blocks_on(&genesis(), 100));
    net.connect(&[ALICE]);
}

#[test]
fn announcements_are_discarded() {
    with_each(|net| {
        at_height_100(net);
        for number in [0, 1, 50, 92, 165, 1_000, u64::MAX - 1, u64::MAX] {
            let expected = if number == 0 { Admission::BelowFinality } else { Admission::TooFar };
            assert_eq!(net.announce_as(ALICE, made_up_hash(number), number), expected, "{number}");
        }
        assert_eq!(net.status().entries, 0);
    });
}

#[test]
fn pushes_are_discarded() {
    with_each(|net| {
        at_height_100(net);
        for number in [1, 50, 92, 165, 1_000, u64::MAX - 1, u64::MAX] {
            let far = block(made_up_hash(1), number, b"far", number);
            assert_eq!(net.push(ALICE, &far), Admission::TooFar, "{number}");
        }
        let second_genesis = block(made_up_hash(1), 0, b"far", 0);
        assert_eq!(net.push(ALICE, &second_genesis), Admission::BelowFinality);
        assert_eq!(net.status().entries, 0);
    });
}

#[test]
fn the_window_reaches_from_7_below_to_32_above() {
    with(Config::geth(), |net| {
        at_height_100(net);
        for (number, expected) in [
            (92, Admission::TooFar),
            (93, Admission::Accepted),
            (132, Admission::Accepted),
            (133, Admission::TooFar),
        ] {
            assert_eq!(net.announce_as(ALICE, made_up_hash(number), number), expected, "{number}");
        }
        net.disconnect(ALICE);
    });
}

#[test]
fn an_uncle_just_below_the_head_is_imported() {
    with_each(|net| {
        at_height_100(net);
        let parent = &blocks_on(&genesis(), 92)[91];
        let uncle = block(parent.hash(), 93, b"an uncle", 1);
        net.announce_meanwhile(ALICE, &uncle);
        net.fetch(&uncle);
        net.import(&uncle);
        assert_eq!(net.head(), 100);
    });
}

#[test]
fn a_far_block_does_not_erase_what_was_followed() {
    with_each(|net| {
        at_height_100(net);
        let next = blocks_on(&genesis(), 101).remove(100);
        net.announce_meanwhile(ALICE, &next);
        let outputs = net.drain();
        // The same hash, said to be far away, by the same peer and by another.
        assert_eq!(net.announce_as(ALICE, next.hash(), 5_000), Admission::Duplicate);
        net.connect(&[crate::toy::MALLORY]);
        assert_eq!(net.announce_as(crate::toy::MALLORY, next.hash(), 5_000), Admission::TooFar);
        net.put_back(outputs);
        net.fetch(&next);
        net.import(&next);
    });
}
