//! A verified block goes whole to the square root of the peers, and its hash to all others that
//! lack it, once each.

use std::collections::BTreeSet;

use herald_fetcher::{Admission, FanOut, Verdict};

use crate::harness::{Net, plain, with};
use crate::toy::{Peer, Toy, blocks_on, child, genesis};

fn connect_16(net: &mut Net) -> Vec<Peer> {
    let peers: Vec<_> = (0..16).map(Peer).collect();
    net.connect(&peers);
    peers
}

#[test]
fn to_the_square_root_whole_and_to_the_rest_by_hash() {
    with(plain(), |net| {
        let peers = connect_16(net);
        let block = child(&genesis());
        assert_eq!(net.push(peers[0], &block), Admission::Accepted);
        net.expect_verify(&block);
        net.verdict(&block, Verdict::Valid);
        // Relayed when the header is verified, before the import.
        let relayed = net.expect_relay(&block);
        net.expect_import(&block);
        net.imported(&block, Verdict::Valid);
        let announced = net.expect_announce(&block);
        assert_eq!((relayed.len(), announced.len()), (4, 11));
        let told: BTreeSet<_> = relayed.into_iter().chain(announced).collect();
        assert_eq!(told, peers[1..].iter().copied().collect());
    });
}

#[test]
fn who_announced_or_pushed_it_is_not_told() {
    with(plain(), |net| {
        let peers = connect_16(net);
        let block = child(&genesis());
        for &peer in &peers[..5] {
            net.announce_meanwhile(peer, &block);
        }
        net.fetch(&block);
        net.expect_verify(&block);
        assert_eq!(net.push(peers[5], &block), Admission::Duplicate);
        net.verdict(&block, Verdict::Valid);
        let relayed = net.expect_relay(&block);
        net.expect_import(&block);
        // These announce it while it is being imported.
        let late: Vec<_> =
            peers[6..].iter().copied().filter(|peer| !relayed.contains(peer)).take(3).collect();
        assert_eq!(net.announce_as(late[0], block.hash(), 1), Admission::Known);
        assert_eq!(net.announce_as(late[1], block.hash(), 1), Admission::Known);
        assert_eq!(net.push(late[2], &block), Admission::Duplicate);
        net.imported(&block, Verdict::Valid);
        let announced = net.expect_announce(&block);
        assert_eq!((relayed.len(), announced.len()), (4, 3));
        let told = relayed.iter().chain(&announced);
        assert!(told.clone().all(|peer| !peers[..6].contains(peer) && !late.contains(peer)));
    });
}

#[test]
fn nobody_is_told_twice() {
    with(plain(), |net| {
        let peers = connect_16(net);
        let block = child(&genesis());
        assert_eq!(net.push(peers[0], &block), Admission::Accepted);
        let told = net.import(&block);
        assert_eq!(told.relayed.len() + told.announced.len(), 15);
        net.advance_chain(std::slice::from_ref(&block));
        net.seal(&block);
        // Except who is new.
        net.disconnect(peers[3]);
        net.connect(&[Peer(99)]);
        net.advance_chain(std::slice::from_ref(&block));
        assert_eq!(net.expect_announce(&block), [Peer(99)]);
    });
}

/// How many are told whole, and by hash, of a block that one of 16 peers pushed.
fn told(fan_out: FanOut) -> (usize, usize) {
    let mut counts = (0, 0);
    with(plain().with(|config| config.fan_out = fan_out), |net| {
        let peers = connect_16(net);
        let block = child(&genesis());
        assert_eq!(net.push(peers[0], &block), Admission::Accepted);
        let told = net.import(&block);
        counts = (told.relayed.len(), told.announced.len());
    });
    counts
}

#[test]
fn the_fan_out_is_configured() {
    assert_eq!(told(FanOut::None), (0, 15));
    assert_eq!(told(FanOut::SquareRoot), (4, 11));
    assert_eq!(told(FanOut::SquareRootOfLacking), (3, 12));
    assert_eq!(told(FanOut::All), (15, 0));
}

#[test]
fn whom_a_block_is_relayed_to_differs_from_block_to_block() {
    with(plain(), |net| {
        let peers = connect_16(net);
        let mut relayed = BTreeSet::new();
        for block in blocks_on(&genesis(), 10) {
            assert_eq!(net.push(peers[0], &block), Admission::Accepted);
            relayed.extend(net.import(&block).relayed);
        }
        assert!(relayed.len() > 8, "{relayed:?}");
    });
}

#[test]
fn the_oldest_known_block_is_forgotten_first() {
    with(plain().with(|config| config.known_blocks = 2), |net| {
        net.connect(&[Peer(0), Peer(1)]);
        let blocks = blocks_on(&genesis(), 3);
        for block in &blocks {
            assert_eq!(net.push(Peer(0), block), Admission::Accepted);
            net.import(block);
        }
        assert_eq!(net.status().known_blocks, 2);
    });
}

fn relays_and_announces(net: &mut Net, block: &herald_fetcher::BlockOf<Toy>) -> (usize, usize) {
    net.seal(block);
    (net.expect_relay(block).len(), net.expect_announce(block).len())
}

#[test]
fn a_block_sealed_here_goes_to_all() {
    with(plain(), |net| {
        connect_16(net);
        let block = child(&genesis());
        assert_eq!(relays_and_announces(net, &block), (4, 12));
        assert_eq!(net.announce_as(Peer(0), block.hash(), 1), Admission::Known);
    });
}

#[test]
fn what_stands_on_a_block_sealed_here_goes_on() {
    with(plain(), |net| {
        net.connect(&[Peer(0), Peer(1)]);
        let blocks = blocks_on(&genesis(), 2);
        assert_eq!(net.push(Peer(0), &blocks[1]), Admission::Accepted);
        let header = net.expect_header_request(&blocks[0]);
        net.seal(&blocks[0]);
        // The sealed block itself is not asked for any more.
        net.expect_cancel(header);
        // Who has its child has it.
        assert_eq!(net.expect_relay(&blocks[0]), [Peer(1)]);
        net.import(&blocks[1]);
    });
}
