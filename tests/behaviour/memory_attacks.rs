//! A flood of hashes or of blocks fills the flooder's own allowance, and nothing else.

use herald_fetcher::{Admission, Config, Output, Reason, StageName};

use crate::harness::{Net, plain, with, with_each};
use crate::toy::{ALICE, BOB, MALLORY, Peer, block, blocks_on, genesis, made_up_hash};

/// One honest peer's blocks are followed as if nothing else were the matter.
#[track_caller]
fn honest_blocks_pass(net: &mut Net) {
    for block in blocks_on(&genesis(), 3) {
        net.announce_meanwhile(ALICE, &block);
        // The flooder's requests may run into their deadlines meanwhile.
        let mut outputs = net.drain();
        while !outputs.iter().any(|out| matches!(out, Output::RequestHeader { peer: ALICE, .. })) {
            assert!(net.ring_until(net.in_ms(1_000)), "the honest peer is not asked");
            outputs = net.drain();
        }
        net.put_back(outputs.into_iter().filter(concerns_alice).collect());
        net.fetch(&block);
        net.import(&block);
    }
}

fn concerns_alice(output: &Output<crate::toy::Toy>) -> bool {
    matches!(output, Output::RequestHeader { peer: ALICE, .. } | Output::RequestBodies { peer: ALICE, .. })
}

#[test]
fn a_flood_of_hashes() {
    with_each(|net| {
        net.connect(&[ALICE, MALLORY]);
        assert_eq!(net.flood(MALLORY, (0..1_000).map(made_up_hash)), 256);
        assert_eq!(net.status().entries, 256);
        let penalties = net.counters().penalties(Reason::Flooding);
        assert_eq!(penalties, (1_000 - 256) / 256);
        honest_blocks_pass(net);
        net.disconnect(MALLORY);
        net.drain();
    });
}

#[test]
fn a_flood_of_hashes_from_several_peers_leaves_each_its_own_allowance() {
    with_each(|net| {
        net.connect(&[ALICE]);
        let floods: Vec<_> = (10..13).map(Peer).collect();
        net.connect(&floods);
        for &peer in &floods {
            let first = u64::from(peer.0) * 1_000;
            assert_eq!(net.flood(peer, (first..first + 300).map(made_up_hash)), 256);
        }
        assert_eq!(net.status().entries, 768);
        honest_blocks_pass(net);
        for peer in floods {
            net.disconnect(peer);
            net.drain();
        }
    });
}

#[test]
fn a_flood_of_blocks() {
    with_each(|net| {
        net.connect(&[ALICE, MALLORY]);
        for n in 0..200 {
            let orphan = block(made_up_hash(n), 2 + n % 30, b"an orphan", n);
            let admission = net.push_meanwhile(MALLORY, &orphan);
            let expected = if n < 64 { Admission::Accepted } else { Admission::PeerLimit };
            assert_eq!(admission, expected);
        }
        let mallory = net.peer(MALLORY);
        assert_eq!((mallory.blocks, mallory.announcements), (64, 64));
        assert_eq!(net.status().in_stage(StageName::Queued), 64);
        net.drain();
        honest_blocks_pass(net);
        net.disconnect(MALLORY);
        net.drain();
    });
}

#[test]
fn refusals_make_no_penalty_before_they_are_many() {
    with(plain().with(|config| config.announcements_per_peer = 1), |net| {
        net.connect(&[MALLORY]);
        let _ = net.announce_as(MALLORY, made_up_hash(0), 1);
        net.expect_header_request_for(made_up_hash(0));
        for n in 1..=255 {
            assert_eq!(net.announce_as(MALLORY, made_up_hash(n), 1), Admission::PeerLimit);
        }
        assert_eq!(net.announce_as(MALLORY, made_up_hash(256), 1), Admission::PeerLimit);
        net.expect_penalty(MALLORY, Reason::Flooding);
        net.disconnect(MALLORY);
    });
}

#[test]
fn the_allowance_is_free_again_when_the_hashes_have_ended() {
    let config = Config::geth().with(|config| {
        config.announcements_per_peer = 4;
        config.requests_per_peer = 2;
    });
    with(config, |net| {
        net.connect(&[BOB]);
        for round in 0..3 {
            for n in 0..4 {
                assert_eq!(net.announce_as(BOB, made_up_hash(round * 4 + n), 1), Admission::Accepted);
            }
            assert_eq!(net.announce_as(BOB, made_up_hash(1_000), 1), Admission::PeerLimit);
            net.advance_for_all(120_000);
            assert_eq!(net.status().entries, 0);
        }
    });
}

#[test]
fn blocks_far_larger_than_a_peers_bytes_are_refused() {
    let config = plain().with(|config| {
        config.bytes_per_peer = 10_000;
        config.bytes_total = 2_000_000;
    });
    with(config, |net| {
        net.connect(&[ALICE, MALLORY]);
        let huge = crate::toy::large_child(&genesis(), 10_000);
        assert_eq!(net.push(MALLORY, &huge), Admission::PeerLimit);
        assert_eq!(net.peer(MALLORY).bytes, 0);
        let fits = crate::toy::large_child(&genesis(), 9_900);
        assert_eq!(net.push(MALLORY, &fits), Admission::Accepted);
        assert_eq!(net.peer(MALLORY).bytes, fits.retained_bytes() as u64);
        net.import(&fits);
    });
}
