//! What `Config::geth()` takes over of geth that no promise of ours covers: a fetch has 5 s from the
//! announcement, and a block goes to the root of those that lack it.

use core::time::Duration;

use herald_fetcher::{Admission, Config, End, FetchExpiry, Reason};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, Peer, child, genesis};

#[test]
fn a_hash_is_given_up_five_seconds_after_its_first_announcement() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        net.advance(500);
        let header = net.expect_header_request_to(ALICE, &block);
        net.advance(4_400);
        // There is another who has it: geth forgets it all the same.
        net.announce(BOB, &block);
        net.advance(99);
        net.assert_quiet();
        net.advance(1);
        net.expect_cancel(header);
        assert_eq!(net.ends(End::Expired), 1);
        assert_eq!(net.counters().penalties(Reason::Silence), 0);
    });
}

#[test]
fn once_its_header_is_here_only_its_lifetime_ends_it() {
    let lives =
        [Config::geth(), plain().with(|c| c.fetch_expiry = FetchExpiry::After(Duration::from_secs(5)))];
    for config in lives {
        with(config, |net| {
            net.connect(&[ALICE]);
            let block = child(&child(&genesis()));
            net.announce_meanwhile(ALICE, &block);
            net.fetch(&block);
            let parent = net.expect_header_request_to(ALICE, &child(&genesis()));
            net.fail(parent, herald_fetcher::Failure::Disconnected);
            net.advance_for_all(60_000);
            // It, and the parent that is sought for it.
            assert_eq!((net.ends(End::Expired), net.status().entries), (0, 2));
            net.advance_for_all(60_000);
            assert!(net.ends(End::Expired) > 0);
            net.advance_for_all(120_000);
        });
    }
}

#[test]
fn a_push_lengthens_it_too() {
    with(Config::geth(), |net| {
        net.connect(&[ALICE, BOB]);
        let block = child(&child(&genesis()));
        net.announce(ALICE, &block);
        net.advance(400);
        assert_eq!(net.push(BOB, &block), Admission::Accepted);
        let parent = net.expect_header_request(&child(&genesis()));
        net.fail(parent, herald_fetcher::Failure::Disconnected);
        net.drain();
        net.advance_for_all(60_000);
        assert!(net.status().entries > 0, "the block waits for its parent");
        net.advance_for_all(60_000);
    });
}

#[test]
fn a_block_goes_to_the_root_of_those_that_lack_it() {
    with(Config::geth(), |net| {
        let peers: Vec<_> = (0..20).map(Peer).collect();
        net.connect(&peers);
        let block = child(&genesis());
        // Eleven have announced it, and nine lack it.
        for &peer in &peers[..11] {
            net.announce(peer, &block);
        }
        net.fetch(&block);
        let told = net.import(&block);
        assert_eq!((told.relayed.len(), told.announced.len()), (3, 6));
    });
}
