//! What waits for something that never happens ends when its lifetime is over.

use std::time::Duration;

use herald_fetcher::{Admission, Config, End, Reason};

use crate::harness::{plain, with};
use crate::toy::{ALICE, block, genesis, made_up_hash};

#[test]
fn a_block_whose_parent_never_comes() {
    for (config, ms, again) in [(plain(), 5_000, 3), (Config::geth(), 10_000, 2)] {
        with(config, |net| {
            net.connect(&[ALICE]);
            let orphan = block(made_up_hash(1), 5, b"orphan", 0);
            assert_eq!(net.push(ALICE, &orphan), Admission::Accepted);
            let ask = net.expect_header_request_for(made_up_hash(1));
            net.advance(ms);
            net.expect_cancel(ask);
            net.expect_penalty(ALICE, Reason::Silence);
            // She is asked for it again, each time with twice as much, in vain.
            net.expect_header_request_for(made_up_hash(1));
            assert_eq!(net.advance_for_all(119_999 - ms).len(), 2 * again);
            assert_eq!(net.ends(End::Expired), 0);
            net.advance_for_all(1);
            assert_eq!(net.ends(End::Expired), 2);
            assert_eq!(net.counters().penalties(Reason::Silence), 1);
        });
    }
}

#[test]
fn a_hash_that_the_window_never_reaches() {
    with(Config::default(), |net| {
        net.connect(&[ALICE]);
        assert_eq!(net.announce_as(ALICE, made_up_hash(1), 40), Admission::Deferred);
        let far = block(made_up_hash(2), 41, b"far", 0);
        assert_eq!(net.push(ALICE, &far), Admission::Deferred);
        assert_eq!(net.peer(ALICE).deferred, 2);
        net.advance(119_999);
        assert_eq!(net.status().entries, 2);
        net.advance(1);
        assert_eq!(net.ends(End::Expired), 2);
    });
}

#[test]
fn a_hash_that_waits_for_a_busy_peer_behind_slower_ones() {
    let lifetime = Duration::from_secs(8);
    let config = plain().with(|config| {
        config.requests_per_peer = 1;
        config.lifetime = lifetime;
    });
    with(config, |net| {
        net.connect(&[ALICE]);
        assert_eq!(net.flood(ALICE, (0..3).map(made_up_hash)), 3);
        net.advance_for_all(8_000);
        // The first after its request, the second while it is asked for, the third unasked.
        assert_eq!((net.ends(End::Expired), net.counters().requests), (3, 2));
    });
}

#[test]
fn the_time_with_the_host_is_not_counted() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = crate::toy::child(&genesis());
        net.announce(ALICE, &block);
        net.fetch(&block);
        net.expect_verify(&block);
        net.advance(1_000_000);
        net.verdict(&block, herald_fetcher::Verdict::Valid);
        net.expect_import(&block);
        net.advance(1_000_000);
        net.imported(&block, herald_fetcher::Verdict::Valid);
        assert_eq!(net.ends(End::Imported), 1);
    });
}
