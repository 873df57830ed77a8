//! Blocks are imported in the order of the chain, in whatever order they become known.

use herald_fetcher::{Admission, BlockOf, Config};

use crate::harness::{with, with_each};
use crate::toy::{ALICE, BOB, Toy, blocks_on, genesis};

/// All orders of a list, by Heap's algorithm.
fn orders(blocks: &mut Vec<BlockOf<Toy>>, k: usize, visit: &mut impl FnMut(&[BlockOf<Toy>])) {
    if k <= 1 {
        return visit(blocks);
    }
    for at in 0..k {
        orders(blocks, k - 1, visit);
        let other = if k.is_multiple_of(2) { at } else { 0 };
        blocks.swap(other, k - 1);
    }
}

#[test]
fn announced_in_every_order() {
    let blocks = blocks_on(&genesis(), 4);
    for config in [Config::default(), Config::geth()] {
        orders(&mut blocks.clone(), 4, &mut |order| {
            with(config.clone(), |net| {
                net.connect(&[ALICE, BOB]);
                for block in order {
                    net.announce_meanwhile(ALICE, block);
                    net.announce_meanwhile(BOB, block);
                }
                let served = net.serve(&blocks, 2_000);
                served.assert_once(&blocks);
                assert_eq!(served.imported, [1, 2, 3, 4]);
            });
        });
    }
}

#[test]
fn pushed_in_every_order() {
    let blocks = blocks_on(&genesis(), 4);
    for config in [Config::default(), Config::geth()] {
        orders(&mut blocks.clone(), 4, &mut |order| {
            with(config.clone(), |net| {
                net.connect(&[ALICE]);
                for block in order {
                    let admission = net.push_meanwhile(ALICE, block);
                    assert_eq!(admission, Admission::Accepted);
                }
                let served = net.serve(&blocks, 0);
                assert_eq!(served.imported, [1, 2, 3, 4]);
            });
        });
    }
}

#[test]
fn some_pushed_and_some_announced() {
    with_each(|net| {
        net.connect(&[ALICE, BOB]);
        let blocks = blocks_on(&genesis(), 9);
        for (n, block) in blocks.iter().enumerate().rev() {
            if n % 3 == 0 {
                net.announce_meanwhile(BOB, block);
            } else {
                let pushed = net.push_meanwhile(ALICE, block);
                assert_eq!(pushed, Admission::Accepted);
            }
        }
        let served = net.serve(&blocks, 2_000);
        assert_eq!(served.imported, (1..=9).collect::<Vec<_>>());
    });
}
