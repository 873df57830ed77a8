//! After its shutdown a fetcher is empty and silent, whatever it was at.

use herald_fetcher::{Admission, Config, Connection, Failure, Verdict};

use crate::harness::{Ask, Net, with_each};
use crate::toy::{ALICE, BOB, CAROL, Toy, block, blocks_on, child, genesis, made_up_hash};

type Block = herald_fetcher::BlockOf<Toy>;

/// A fetcher with something in every stage, and an output that nobody has fetched.
fn busy(net: &mut Net) -> (Ask, Vec<Block>) {
    net.connect(&[ALICE, BOB]);
    let blocks = blocks_on(&genesis(), 5);
    net.announce(ALICE, &blocks[3]);
    net.advance_until_output();
    let fetching = net.expect_header_request(&blocks[3]);
    net.drain();
    // Two with the host, one of them importing; one that waits for its parent.
    assert_eq!(net.push(ALICE, &blocks[0]), Admission::Accepted);
    net.expect_verify(&blocks[0]);
    net.verdict(&blocks[0], Verdict::Valid);
    net.drain();
    let sibling = block(genesis().hash(), 1, b"sibling", 1);
    assert_eq!(net.push(ALICE, &sibling), Admission::Accepted);
    net.expect_verify(&sibling);
    assert_eq!(net.push(BOB, &block(made_up_hash(1), 9, b"orphan", 0)), Admission::Accepted);
    net.drain();
    let _ = net.announce_as(BOB, made_up_hash(2), 7);
    net.drain();
    assert_eq!(net.status().entries, 6);
    (fetching, blocks)
}

#[test]
fn it_releases_everything_and_says_nothing() {
    with_each(|net| {
        busy(net);
        net.shutdown();
        net.assert_at_rest();
        let status = net.status();
        assert_eq!((status.peers.len(), status.known_blocks, status.bad_blocks), (0, 0, 0));
        net.advance(1_000_000);
    });
}

#[test]
fn nothing_that_comes_afterwards_wakes_it() {
    with_each(|net| {
        let (fetching, blocks) = busy(net);
        net.shutdown();
        assert_eq!(net.announce_as(ALICE, blocks[4].hash(), 5), Admission::Stopped);
        assert_eq!(net.push(ALICE, &blocks[4]), Admission::Stopped);
        assert_eq!(net.reply_headers(fetching, &[&blocks[3]]).len(), 1);
        assert_eq!(net.reply_bodies(fetching, &[&blocks[3]]).len(), 1);
        net.fail(fetching, Failure::TimedOut);
        net.verdict(&blocks[0], Verdict::Invalid);
        net.imported(&blocks[0], Verdict::Valid);
        net.advance_chain(&blocks);
        net.seal(&child(&blocks[4]));
        net.disconnect(BOB);
        let connection = net.step(|net| net.fetcher.peer_connected(net.now(), CAROL));
        assert_eq!(connection, Connection::Stopped);
        net.shutdown();
        net.advance(1_000);
    });
}

#[test]
fn what_it_had_still_to_say_is_not_said() {
    let mut net = Net::new(Config::default());
    net.connect(&[ALICE]);
    let block = child(&genesis());
    let admission = net.fetcher.announce(net.now(), &ALICE, block.hash(), 1, &net.chain);
    assert_eq!(admission, Admission::Accepted);
    net.shutdown();
    net.assert_at_rest();
}
