//! What one peer does not answer is asked of more, twice as many in each round, and whoever comes late
//! to a round that wants more is asked at once.

use std::time::Duration;

use herald_fetcher::{Admission, Config, Failure, Hedge, Output, Reason};

use crate::harness::{Ask, Net, plain, with};
use crate::toy::{ALICE, BOB, CAROL, MALLORY, Peer, Toy, child, genesis, made_up_hash, siblings_on};

type Block = herald_fetcher::BlockOf<Toy>;

/// Rounds of 100 ms, headers first, and 5 s to answer.
fn rounds() -> Config {
    let ms = Duration::from_millis(100);
    plain().with(|config| config.hedge = Hedge::After { min: ms, max: ms })
}

/// Who is asked for the header of a block in what the fetcher said last.
fn asked(net: &mut Net, block: &Block) -> Vec<Ask> {
    let requests = net.drain().into_iter().filter_map(|output| match output {
        Output::RequestHeader { request, peer, hash } if hash == block.hash() => Some(Ask { peer, request }),
        _ => None,
    });
    requests.collect()
}

fn peers(asks: &[Ask]) -> Vec<Peer> {
    asks.iter().map(|ask| ask.peer).collect()
}

#[test]
fn each_round_asks_twice_as_many_and_who_has_waited_longest_first() {
    let mut net = Net::new(rounds());
    let announcers: Vec<_> = (1..=12).map(Peer).collect();
    net.connect(&announcers);
    let block = child(&genesis());
    for &peer in &announcers {
        net.announce_meanwhile(peer, &block);
    }
    assert_eq!(peers(&asked(&mut net, &block)), announcers[..1]);
    for round in [&announcers[1..3], &announcers[3..7], &announcers[7..]] {
        net.advance(99);
        net.assert_quiet();
        net.advance(1);
        assert_eq!(peers(&asked(&mut net, &block)), round);
    }
    assert_eq!(net.counters().hedges, 11);
}

#[test]
fn forty_silent_announcers_delay_an_honest_one_by_the_logarithm_of_their_number() {
    let mut net = Net::new(Config::default());
    let colluders: Vec<_> = (1_000..1_040).map(Peer).collect();
    net.connect(&colluders);
    net.connect(&[ALICE]);
    let block = child(&genesis());
    for &peer in colluders.iter().chain([&ALICE]) {
        net.announce_meanwhile(peer, &block);
    }
    let start = net.now();
    let honest = loop {
        if let Some(ask) = asked(&mut net, &block).into_iter().find(|ask| ask.peer == ALICE) {
            break ask;
        }
        net.advance_until_output();
    };
    // 1 + 2 + 4 + 8 + 16 + 32 cover them, and the rounds of unmeasured peers take 250 ms.
    assert_eq!(net.now().since(start), Duration::from_millis(5 * 250));
    net.deliver_header(honest, &block);
    net.drain();
    let body = net.advance_for_all(0).into_iter().find_map(|output| match output {
        Output::RequestBodies { request, peer: ALICE, .. } => Some(Ask { peer: ALICE, request }),
        _ => None,
    });
    let body = body.expect("who gave the header is asked for the body");
    net.deliver_body(body, &[&block]);
    net.drain();
    assert_eq!(net.status().in_stage(herald_fetcher::StageName::Importing), 1);
}

#[test]
fn a_round_that_all_of_it_failed_is_over_at_once() {
    with(rounds(), |net| {
        net.connect(&[ALICE, BOB, CAROL]);
        let block = child(&genesis());
        for peer in [ALICE, BOB, CAROL] {
            net.announce_meanwhile(peer, &block);
        }
        let first = net.expect_header_request_to(ALICE, &block);
        net.fail(first, Failure::Refused);
        net.expect_penalty(ALICE, Reason::Refusal);
        let (bob, carol) =
            (net.expect_header_request_to(BOB, &block), net.expect_header_request_to(CAROL, &block));
        net.fail(bob, Failure::Disconnected);
        net.assert_quiet();
        net.fail(carol, Failure::Disconnected);
    });
}

#[test]
fn whoever_announces_after_a_round_that_found_nobody_is_asked_at_once() {
    with(rounds(), |net| {
        net.connect(&[MALLORY, BOB, CAROL]);
        let block = child(&genesis());
        net.announce(MALLORY, &block);
        let silent = net.expect_header_request_to(MALLORY, &block);
        net.advance(300);
        net.assert_quiet();
        net.announce(BOB, &block);
        let second = net.expect_header_request_to(BOB, &block);
        net.deliver_header(second, &block);
        net.expect_cancel(silent);
        let silent = net.expect_body_request_to(BOB, &[&block]);
        // The same for bodies.
        net.advance(300);
        net.expect_body_request_to(MALLORY, &[&block]);
        net.announce(CAROL, &block);
        let body = net.expect_body_request_to(CAROL, &[&block]);
        net.deliver_body(body, &[&block]);
        net.drain();
        let _ = silent;
        net.disconnect(BOB);
        net.disconnect(MALLORY);
        net.disconnect(CAROL);
        net.verdict(&block, herald_fetcher::Verdict::LocalFault);
        net.drain();
    });
}

#[test]
fn an_announcer_of_a_child_fills_a_round_too() {
    with(rounds(), |net| {
        net.connect(&[MALLORY, BOB]);
        let block = child(&genesis());
        net.announce(MALLORY, &block);
        let silent = net.expect_header_request_to(MALLORY, &block);
        net.advance(300);
        assert_eq!(net.push(BOB, &child(&block)), Admission::Accepted);
        let second = net.expect_header_request_to(BOB, &block);
        net.deliver_header(second, &block);
        net.expect_cancel(silent);
        let body = net.expect_body_request_to(BOB, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
        net.import(&child(&block));
    });
}

#[test]
fn a_hash_waits_for_whichever_of_its_announcers_has_a_request_left_first() {
    with(plain().with(|config| config.requests_per_peer = 1), |net| {
        net.connect(&[MALLORY, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        assert_eq!(net.announce_as(MALLORY, made_up_hash(1), 1), Admission::Accepted);
        net.expect_header_request_for(made_up_hash(1));
        net.announce(BOB, &blocks[0]);
        let other = net.expect_header_request_to(BOB, &blocks[0]);
        // She announced it first, and is never free again.
        net.announce(MALLORY, &blocks[1]);
        net.announce(BOB, &blocks[1]);
        net.fail(other, Failure::Disconnected);
        let ask = net.expect_header_request_to(BOB, &blocks[1]);
        net.deliver_header(ask, &blocks[1]);
        let body = net.expect_body_request_to(BOB, &[&blocks[1]]);
        net.deliver_body(body, &[&blocks[1]]);
        net.import(&blocks[1]);
        net.disconnect(MALLORY);
    });
}

#[test]
fn a_round_is_filled_by_a_request_that_gets_free() {
    with(rounds().with(|config| config.requests_per_peer = 1), |net| {
        net.connect(&[MALLORY, BOB]);
        let blocks = siblings_on(&genesis(), 2);
        net.announce(BOB, &blocks[0]);
        let busy = net.expect_header_request_to(BOB, &blocks[0]);
        net.announce(MALLORY, &blocks[1]);
        let silent = net.expect_header_request_to(MALLORY, &blocks[1]);
        net.announce(BOB, &blocks[1]);
        net.advance(250);
        net.assert_quiet();
        net.fail(busy, Failure::Disconnected);
        let ask = net.expect_header_request_to(BOB, &blocks[1]);
        net.deliver_header(ask, &blocks[1]);
        net.expect_cancel(silent);
        let body = net.expect_body_request_to(BOB, &[&blocks[1]]);
        net.deliver_body(body, &[&blocks[1]]);
        net.import(&blocks[1]);
    });
}

#[test]
fn who_was_only_slow_is_asked_again_when_nobody_else_is_left_and_a_liar_never() {
    with(plain(), |net| {
        net.connect(&[ALICE, MALLORY]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let slow = net.expect_header_request_to(ALICE, &block);
        net.announce(MALLORY, &block);
        net.advance(5_000);
        net.expect_cancel(slow);
        net.expect_penalty(ALICE, Reason::Silence);
        let liar = net.expect_header_request_to(MALLORY, &block);
        net.reply_headers(liar, &[]);
        net.expect_penalty(MALLORY, Reason::EmptyReply);
        let again = net.expect_header_request_to(ALICE, &block);
        net.advance(9_999);
        net.deliver_header(again, &block);
        let body = net.expect_body_request_to(ALICE, &[&block]);
        net.deliver_body(body, &[&block]);
        net.import(&block);
    });
}

#[test]
fn a_host_that_says_at_once_that_the_time_ran_out_is_asked_eight_times_at_most() {
    with(plain(), |net| {
        net.connect(&[ALICE]);
        let block = child(&genesis());
        net.announce(ALICE, &block);
        let mut times = 0;
        while let Some(Output::RequestHeader { request, peer, .. }) =
            net.drain().into_iter().find(|output| matches!(output, Output::RequestHeader { .. }))
        {
            times += 1;
            net.fail(Ask { peer, request }, Failure::TimedOut);
        }
        assert_eq!((times, net.counters().penalties(Reason::Silence)), (8, 1));
    });
}

#[test]
fn bodies_are_asked_of_as_many_as_there_is_room_for_their_replies() {
    let config = rounds().with(|config| config.largest_reply = config.bytes_total / 4);
    let mut net = Net::new(config);
    let announcers: Vec<_> = (1..=9).map(Peer).collect();
    net.connect(&announcers);
    let block = child(&genesis());
    for &peer in &announcers {
        net.announce_meanwhile(peer, &block);
    }
    let header = asked(&mut net, &block)[0];
    net.deliver_header(header, &block);
    let mut rounds = vec![net.drain().len()];
    for _ in 0..3 {
        rounds.push(net.advance_for_all(100).len());
    }
    // Half of the total, and what no share rounds to, holds two.
    assert_eq!(rounds, [1, 2, 2, 2]);
}
