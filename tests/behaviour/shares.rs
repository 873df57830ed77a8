//! Limits on peers, blocks and bytes: nobody uses the share of another, and a quiet fetcher is small.

use herald_fetcher::{Admission, Config, Connection, End, Fetcher, Reason, Verdict};

use crate::harness::{plain, with};
use crate::toy::{ALICE, BOB, CAROL, MALLORY, Peer, Toy, block, genesis, made_up_hash, siblings_on};

#[test]
fn one_peer_cannot_use_the_bytes_of_another() {
    // Four peer slots of 10,000 bytes each set aside, and 40,000 for whoever needs them.
    let config = plain().with(|config| {
        config.peers = 3;
        config.importing = 1;
        config.bytes_per_peer = 50_000;
        config.bytes_total = 80_000;
    });
    with(config, |net| {
        net.connect(&[ALICE, BOB, MALLORY]);
        let orphan = |n: u64| block(made_up_hash(n), 9, &[7; 9_900], n);
        let mut taken = 0;
        for n in 0..8 {
            let admission = net.push(MALLORY, &orphan(n));
            net.drain();
            match admission {
                Admission::Accepted => taken += 1,
                other => assert_eq!(other, Admission::PeerLimit),
            }
        }
        assert_eq!((taken, net.peer(MALLORY).bytes), (5, 50_000));
        // The common half is used up; each other has its own share yet, and no more.
        for peer in [ALICE, BOB] {
            assert_eq!(net.push(peer, &orphan(100 + u64::from(peer.0))), Admission::Accepted);
            net.drain();
            let more = block(made_up_hash(9), 9, b"more", u64::from(peer.0));
            assert_eq!(net.push(peer, &more), Admission::TotalLimit);
        }
        assert_eq!(net.status().bytes_held, 70_000);
        for peer in [ALICE, BOB, MALLORY] {
            net.disconnect(peer);
            net.drain();
        }
    });
}

#[test]
fn peers_beyond_the_limit_have_no_slot() {
    with(plain().with(|config| config.peers = 2), |net| {
        net.connect(&[ALICE, BOB]);
        let connect =
            |net: &mut crate::harness::Net, peer| net.step(|net| net.fetcher.peer_connected(net.now(), peer));
        assert_eq!(connect(net, CAROL), Connection::TooMany);
        assert_eq!(connect(net, ALICE), Connection::Duplicate);
        let block = crate::toy::child(&genesis());
        assert_eq!(net.announce_as(CAROL, block.hash(), 1), Admission::UnknownPeer);
        assert_eq!(net.push(CAROL, &block), Admission::UnknownPeer);
        net.disconnect(CAROL);
        net.disconnect(BOB);
        assert_eq!(connect(net, CAROL), Connection::Accepted);
    });
}

#[test]
fn peers_that_come_and_go_while_the_host_is_slow_are_bounded() {
    let config = plain().with(|config| {
        config.peers = 2;
        config.importing = 3;
    });
    with(config, |net| {
        let blocks = siblings_on(&genesis(), 3);
        for (n, block) in (10..).zip(&blocks) {
            net.connect(&[Peer(n)]);
            assert_eq!(net.push(Peer(n), block), Admission::Accepted);
            net.expect_verify(block);
            net.disconnect(Peer(n));
        }
        net.connect(&[ALICE, BOB]);
        for block in &blocks {
            net.verdict(block, Verdict::LocalFault);
        }
    });
}

#[test]
fn the_host_gets_so_many_at_once_lowest_first() {
    with(plain().with(|config| config.importing = 2), |net| {
        net.connect(&[ALICE]);
        let blocks = siblings_on(&genesis(), 4);
        let tip = &blocks[0];
        let above = crate::toy::siblings_on(tip, 1).remove(0);
        net.advance_chain(std::slice::from_ref(tip));
        net.expect_announce(tip);
        for block in [&blocks[1], &blocks[2]] {
            assert_eq!(net.push(ALICE, block), Admission::Accepted);
            net.expect_verify(block);
        }
        assert_eq!(net.push(ALICE, &above), Admission::Accepted);
        assert_eq!(net.push(ALICE, &blocks[3]), Admission::Accepted);
        net.verdict(&blocks[1], Verdict::LocalFault);
        net.expect_verify(&blocks[3]);
        net.verdict(&blocks[2], Verdict::LocalFault);
        net.expect_verify(&above);
        net.import_verified(&[&blocks[3], &above]);
    });
}

#[test]
fn a_quiet_fetcher_with_25_peers_is_below_4_kb() {
    with(Config::default(), |net| {
        net.connect(&(0..25).map(Peer).collect::<Vec<_>>());
        assert!(net.fetcher.memory_bytes() < 4_096, "{}", net.fetcher.memory_bytes());
    });
}

#[test]
fn after_a_busy_time_it_is_small_again() {
    with(Config::default(), |net| {
        net.connect(&(0..25).map(Peer).collect::<Vec<_>>());
        let quiet = net.fetcher.memory_bytes();
        for n in 0..8_u32 {
            let first = u64::from(n) * 1_000;
            assert_eq!(net.flood(Peer(n), (first..first + 256).map(made_up_hash)), 256);
        }
        assert!(net.fetcher.memory_bytes() > 30 * quiet);
        for n in 0..8 {
            net.disconnect(Peer(n));
            net.drain();
        }
        net.connect(&(0..8).map(Peer).collect::<Vec<_>>());
        // What is left at the end of a usual time is what stays.
        let block = crate::toy::child(&genesis());
        net.announce(Peer(0), &block);
        net.fetch(&block);
        net.import(&block);
        assert!(net.fetcher.memory_bytes() < 2 * quiet, "{}", net.fetcher.memory_bytes());
    });
}

#[test]
fn the_bound_follows_from_the_configuration() {
    let bound = Fetcher::<Toy>::memory_bound;
    let default = bound(&Config::default());
    assert!(default > Config::default().bytes_total);
    // What the fetcher takes for itself is a fraction of what it may hold for others.
    assert!(default < 2 * Config::default().bytes_total, "{default}");
    assert!(bound(&Config::default().with(|config| config.peers = 16)) < default);
    assert!(bound(&Config::default().with(|config| config.announcements_per_peer = 16)) < default);
}

#[test]
fn a_fetched_block_for_which_there_is_no_room_at_all_ends_without_blame() {
    let config = plain().with(|config| {
        config.peers = 3;
        config.importing = 1;
        config.bytes_per_peer = 50_000;
        config.bytes_total = 80_000;
    });
    with(config, |net| {
        net.connect(&[ALICE, MALLORY]);
        for n in 0..5 {
            let orphan = block(made_up_hash(n), 9, &[7; 9_900], n);
            assert_eq!(net.push(MALLORY, &orphan), Admission::Accepted);
            net.drain();
        }
        // Ten thousand bytes are hers whatever he does, and this is more.
        let large = crate::toy::large_child(&genesis(), 9_901);
        net.announce(ALICE, &large);
        net.fetch(&large);
        assert_eq!(net.ends(End::NoCapacity), 1);
        let fits = crate::toy::large_child(&genesis(), 9_900);
        net.announce(ALICE, &fits);
        net.fetch(&fits);
        net.import(&fits);
        assert!(Reason::ALL.iter().all(|&reason| net.counters().penalties(reason) == 0));
        net.disconnect(MALLORY);
        net.drain();
    });
}
