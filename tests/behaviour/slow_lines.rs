//! A large body on a slow line is told from silence, and from a reply that drips.

use std::time::Duration;

use herald_fetcher::{BodyRequest, Config, Reason, ReplyProgress, Time};

use crate::harness::{Ask, Net, plain, with};
use crate::honest::Served;
use crate::toy::{ALICE, BOB, Peer, Toy, child, genesis, large_child};

type Block = herald_fetcher::BlockOf<Toy>;

/// One request at a time, and deadlines as by default: 500 ms for who answers in 40 ms.
fn measured(progress: ReplyProgress) -> Config {
    plain().with(|config| {
        config.header_deadline = Config::default().header_deadline;
        config.body_deadline = Config::default().body_deadline;
        config.reply_progress = progress;
    })
}

/// Everybody answers for ten small blocks in 40 ms.
fn measure(net: &mut Net, peers: &[Peer]) -> Block {
    net.round_trip_ms = 40;
    let mut tip = genesis();
    for n in 0..10 * peers.len() {
        let block = child(&tip);
        net.announce(peers[n % peers.len()], &block);
        assert_eq!(net.serve(std::slice::from_ref(&block), 1_000).imported.len(), 1);
        tip = block;
    }
    tip
}

/// Alice is asked for the body of a block of 2 MiB, having been fast so far.
fn asked_for_large_body(net: &mut Net) -> (Ask, Block) {
    net.connect(&[ALICE]);
    let block = large_child(&measure(net, &[ALICE]), 2 << 20);
    net.announce(ALICE, &block);
    let header = net.expect_header_request_to(ALICE, &block);
    net.deliver_header(header, &block);
    (net.expect_body_request_to(ALICE, &[&block]), block)
}

fn progress(net: &mut Net, ask: Ask, bytes: u64) {
    net.step(|net| net.fetcher.progress(net.now(), &ask.peer, ask.request, bytes));
}

/// Eight peers that answered in 40 ms have a body that takes each of them 800 ms.
#[test]
fn a_body_larger_than_usual_is_nobodys_fault_and_not_lost() {
    for request in [BodyRequest::AfterHeader, BodyRequest::WithHeader] {
        let mut net = Net::new(Config::default().with(|config| config.body_request = request));
        let peers: Vec<_> = (1..=8).map(Peer).collect();
        net.connect(&peers);
        let block = large_child(&measure(&mut net, &peers), 2 << 20);
        for &peer in &peers {
            net.announce_meanwhile(peer, &block);
        }
        // It demands that nobody is blamed.
        net.body_transfer_ms = 760;
        let served: Served = net.serve(std::slice::from_ref(&block), 900);
        assert_eq!(served.imported, [block.number()], "{request:?}");
    }
}

#[test]
fn a_slow_line_has_as_long_as_what_has_come_takes_at_the_least_rate() {
    with(measured(ReplyProgress::Reported), |net| {
        let (body, block) = asked_for_large_body(net);
        // A sixteenth every 200 ms, 640 KiB a second, where 512 are the least.
        for part in 1..16 {
            net.advance(200);
            progress(net, body, part << 17);
        }
        net.advance(200);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        assert_eq!(net.counters().deadlines_passed, 0);
    });
}

#[test]
fn one_that_drips_is_silent() {
    with(measured(ReplyProgress::Reported), |net| {
        let (body, block) = asked_for_large_body(net);
        let start = net.now();
        let mut bytes = 0;
        // 100 bytes every 100 ms: after the first half second that is too little.
        while net.counters().penalties(Reason::Silence) == 0 {
            bytes += 100;
            progress(net, body, bytes);
            net.advance(100);
        }
        assert_eq!(net.now().since(start), Duration::from_millis(600));
        net.expect_cancel(body);
        net.expect_penalty(ALICE, Reason::Silence);
        let again = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(again, &[&block]);
        net.import(&block);
    });
}

#[test]
fn no_reply_lasts_longer_than_the_largest_at_the_least_rate() {
    with(measured(ReplyProgress::Reported), |net| {
        let (body, block) = asked_for_large_body(net);
        progress(net, body, u64::MAX);
        // 20 s for 10 MiB, after the time of the first byte.
        net.advance(20_499);
        net.assert_quiet();
        net.advance(1);
        net.expect_cancel(body);
        net.expect_penalty(ALICE, Reason::Silence);
        net.expect_body_request_to(ALICE, &[&block]);
        net.disconnect(ALICE);
    });
}

#[test]
fn without_reports_the_largest_reply_has_its_time_and_silence_ends_after_it() {
    with(measured(ReplyProgress::Unreported), |net| {
        let (body, block) = asked_for_large_body(net);
        // It is no report, and changes nothing.
        progress(net, body, 1 << 20);
        net.advance(20_499);
        net.assert_quiet();
        net.advance(1);
        net.expect_cancel(body);
        net.expect_penalty(ALICE, Reason::Silence);
        let again = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(again, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_report_that_goes_back_or_of_another_peer_changes_nothing() {
    with(measured(ReplyProgress::Reported), |net| {
        let (body, block) = asked_for_large_body(net);
        net.connect(&[BOB]);
        progress(net, body.as_from(BOB), 1 << 20);
        progress(net, body, 1 << 18);
        let due = net.fetcher.poll_timeout();
        progress(net, body, 1 << 17);
        assert_eq!(net.fetcher.poll_timeout(), due);
        assert!(due.is_some_and(|due| due > Time::ZERO));
        net.deliver_body(body, &[&block]);
        net.import(&block);
        // Late ones are nobody's.
        progress(net, body, 1 << 20);
        assert_eq!(net.counters().replies_unmatched, 0);
    });
}

#[test]
fn its_time_to_the_first_byte_is_what_is_measured() {
    with(measured(ReplyProgress::Reported), |net| {
        let (body, block) = asked_for_large_body(net);
        let before = net.peer(ALICE).body_answer_us;
        net.advance(40);
        progress(net, body, 1 << 19);
        net.advance(1_000);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        let after = net.peer(ALICE).body_answer_us;
        assert!(after <= before, "{before:?}, then {after:?}");
    });
}
