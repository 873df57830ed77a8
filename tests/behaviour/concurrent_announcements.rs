//! Blocks announced by many peers at once are fetched once each.

use crate::harness::with_each;
use crate::toy::{Peer, blocks_on, genesis};

#[test]
fn fifty_peers_announce_and_each_block_is_fetched_once() {
    with_each(|net| {
        let peers: Vec<_> = (0..50).map(Peer).collect();
        net.connect(&peers);
        net.round_trip_ms = 20;
        let blocks = blocks_on(&genesis(), 12);
        for block in &blocks {
            for &peer in &peers {
                net.announce_meanwhile(peer, block);
            }
        }
        let served = net.serve(&blocks, 2_000);
        served.assert_once(&blocks);
        assert_eq!(served.imported, (1..=12).collect::<Vec<_>>());
    });
}
