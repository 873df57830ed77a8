//! A peer that never answers holds its own requests and hashes until their ends, and nobody else's.

use herald_fetcher::{End, FetchExpiry, Output, Reason};

use crate::harness::{plain, with, with_each};
use crate::toy::{ALICE, MALLORY, child, genesis, made_up_hash};

#[test]
fn it_cannot_hold_more_than_its_share() {
    with_each(|net| {
        net.connect(&[ALICE, MALLORY]);
        assert_eq!(net.flood(MALLORY, (0..300).map(made_up_hash)), 256);
        let limit = net.fetcher.config().requests_per_peer;
        assert!(net.peer(MALLORY).requests <= limit);
        let mut tip = genesis();
        for _ in 0..10 {
            tip = child(&tip);
            net.announce_meanwhile(ALICE, &tip);
            let served = net.serve_beside(MALLORY, std::slice::from_ref(&tip), 700);
            assert_eq!(served.imported.len(), 1);
            assert!(net.peer(MALLORY).requests <= limit);
        }
        // Every hash ends by its lifetime, and then nothing is left of it.
        net.advance_for_all(120_000);
        assert_eq!(net.status().entries, 0);
        // Where geth's hashes end before its deadlines, nobody has failed to answer in time.
        let blamed = net.counters().penalties(Reason::Silence);
        match net.fetcher.config().fetch_expiry {
            FetchExpiry::Lifetime => assert!(blamed >= 8),
            _ => assert_eq!((blamed, net.ends(End::Expired)), (0, 256)),
        }
    });
}

#[test]
fn each_silence_is_one_penalty_and_the_next_hash_is_asked_for() {
    with(plain().with(|config| config.requests_per_peer = 1), |net| {
        net.connect(&[MALLORY]);
        assert_eq!(net.flood(MALLORY, (0..3).map(made_up_hash)), 3);
        let mut asked = 0;
        let mut penalties = 0;
        for output in net.advance_for_all(20_000) {
            match output {
                Output::RequestHeader { .. } => asked += 1,
                Output::Penalise { peer: MALLORY, reason: Reason::Silence, .. } => penalties += 1,
                Output::Cancel { .. } => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
        // The first request went out in the flood; when each was asked for, the first is again.
        assert_eq!((asked, penalties), (3, 3));
        net.disconnect(MALLORY);
        net.drain();
    });
}
