//! A peer that announces first and is always overtaken is soon not waited for; nor is it blamed.

use herald_fetcher::{Config, Reason};

use crate::harness::Net;
use crate::toy::{ALICE, BOB, CAROL, MALLORY, child, genesis};

/// How long a block takes when this peer announces it 10 ms before Bob and Carol, who answer in 40 ms.
fn delays(net: &mut Net, blocks: usize, first: crate::toy::Peer) -> Vec<u64> {
    let mut tip = genesis();
    let mut delays = Vec::new();
    for _ in 0..blocks {
        let block = child(&tip);
        let _ = net.hear(first, &block);
        net.serve_beside(first, std::slice::from_ref(&block), 10);
        for honest in [BOB, CAROL] {
            let _ = net.hear(honest, &block);
        }
        let mut ms = 10;
        while net.head() < block.number() && ms < 10_000 {
            net.serve_beside(first, std::slice::from_ref(&block), 10);
            ms += 10;
        }
        delays.push(ms);
        tip = block;
    }
    delays
}

#[test]
fn it_costs_the_first_blocks_and_then_two_round_trips() {
    let mut net = Net::new(Config::default());
    net.connect(&[MALLORY, BOB, CAROL]);
    net.round_trip_ms = 40;
    let delays = delays(&mut net, 100, MALLORY);
    // Header and body from Bob, from his announcement on.
    assert!(delays.iter().skip(3).all(|&ms| ms <= 10 + 2 * 40 + 10), "{delays:?}");
    assert!(Reason::ALL.iter().all(|&reason| net.counters().penalties(reason) == 0));
}

#[test]
fn an_answer_or_two_make_good_for_it() {
    let mut net = Net::new(Config::default());
    net.connect(&[ALICE, BOB, CAROL]);
    net.round_trip_ms = 40;
    delays(&mut net, 10, ALICE);
    let mut tip = child(&genesis());
    for _ in 1..10 {
        tip = child(&tip);
    }
    // Alone she is asked, and answers.
    for _ in 0..5 {
        let block = child(&tip);
        let _ = net.hear(ALICE, &block);
        assert_eq!(net.serve(std::slice::from_ref(&block), 1_000).imported.len(), 1);
        tip = block;
    }
    // From now on she is waited for again, as long as she usually takes.
    let block = child(&tip);
    net.announce(ALICE, &block);
    net.drain();
    net.announce(BOB, &block);
    net.advance(0);
    net.assert_quiet();
}
