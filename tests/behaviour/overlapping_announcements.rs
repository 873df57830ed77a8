//! Blocks announced while earlier ones are still being fetched.

use crate::harness::with_each;
use crate::toy::{ALICE, BOB, blocks_on, genesis};

#[test]
fn new_announcements_do_not_disturb_fetches_under_way() {
    with_each(|net| {
        net.connect(&[ALICE, BOB]);
        // Five blocks are announced in the time that one round trip takes.
        net.round_trip_ms = 50;
        let blocks = blocks_on(&genesis(), 24);
        let mut imported = Vec::new();
        let mut requests = 0;
        for (n, block) in blocks.iter().enumerate() {
            let peer = if n % 2 == 0 { ALICE } else { BOB };
            net.announce_meanwhile(peer, block);
            let served = net.serve(&blocks, 10);
            imported.extend(served.imported);
            requests += served.header_requests.len();
        }
        let served = net.serve(&blocks, 2_000);
        imported.extend(served.imported);
        requests += served.header_requests.len();
        assert_eq!(imported, (1..=24).collect::<Vec<_>>());
        assert_eq!(requests, 24);
    });
}
