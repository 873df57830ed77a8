//! What geth does as it should.

use herald_fetcher::{Failure, StageName};
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::*;

#[test]
fn a_block_is_announced_fetched_completed_imported_and_announced_on() {
    let mut rig = Rig::new(10);
    let block = rig.child_of(BlockIndex::GENESIS, 1_000);
    assert_eq!(rig.announce(A, block), Admission::Accepted);
    rig.advance(MILLI(499));
    assert_eq!(rig.header_requests(), []);
    rig.advance(MILLI(1));
    let (request, ..) = rig.header_requests()[0];
    rig.headers(A, request, &[block]);
    rig.advance(MILLI(99));
    assert_eq!(rig.body_requests(), []);
    rig.advance(MILLI(1));
    let (request, peer, hashes) = rig.body_requests().pop().unwrap();
    assert_eq!((peer, hashes), (A, vec![rig.hash(block)]));
    assert_eq!(rig.model.holdings().bytes, 500);
    assert!(rig.bodies(A, request, &[block]).is_empty());
    assert_eq!(rig.model.holdings().bytes, 2_000);
    assert_eq!(rig.handed_over(), [rig.hash(block)]);
    rig.verdict(block, Verdict::Valid);
    assert_eq!(rig.imports(), [rig.hash(block)]);
    let relayed = rig.relays().pop().unwrap();
    assert_eq!(relayed.len(), 3, "nine peers lack it");
    assert!(!relayed.contains(&A));
    rig.insert(block);
    rig.imported(block, Verdict::Valid);
    let told = rig.announcements().pop().unwrap();
    assert_eq!(told.len(), 6);
    assert!(told.iter().all(|peer| *peer != A && !relayed.contains(peer)));
    assert_eq!(rig.penalties(), []);
    let stages = StageName::ALL.map(Step::In);
    assert_eq!(rig.story(block), [&stages[..], &[Step::Out(End::Imported)]].concat());
    rig.assert_at_rest();
}

#[test]
fn what_is_older_than_400_ms_is_fetched_along() {
    let mut rig = Rig::new(1);
    let [first, along, later] = [(); 3].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    let _ = rig.announce(A, first);
    rig.advance(MILLI(99));
    let _ = rig.announce(A, along);
    rig.advance(MILLI(1));
    let _ = rig.announce(A, later);
    rig.advance(MILLI(400));
    let asked: Vec<_> = rig.header_requests().into_iter().map(|(_, _, hash)| hash).collect();
    assert_eq!(asked, [rig.hash(first), rig.hash(along)]);
    rig.advance(MILLI(99));
    assert_eq!(rig.header_requests(), []);
    rig.advance(MILLI(1));
    assert_eq!(rig.header_requests()[0].2, rig.hash(later));
}

#[test]
fn the_one_asked_is_drawn_from_all_announcers() {
    let asked = |seed| {
        let mut rig = Rig::seeded(seed, 3);
        let block = rig.child_of(BlockIndex::GENESIS, 1);
        for peer in [A, B, C] {
            let _ = rig.announce(peer, block);
        }
        rig.advance(MILLI(500));
        let requests = rig.header_requests();
        assert_eq!(requests.len(), 1);
        requests[0].1
    };
    let drawn: Vec<PeerId> = (0..30).map(asked).collect();
    assert!([A, B, C].iter().all(|peer| drawn.contains(peer)));
    assert_eq!(drawn, (0..30).map(asked).collect::<Vec<_>>());
}

#[test]
fn an_empty_body_is_not_asked_for() {
    let mut rig = Rig::new(1);
    let block = rig.child_of(BlockIndex::GENESIS, 0);
    let request = rig.asked_for_header(A, block);
    rig.headers(A, request, &[block]);
    assert_eq!(rig.handed_over(), [rig.hash(block)]);
    rig.import(block);
    rig.advance(MILLI(200));
    assert_eq!(rig.body_requests(), []);
    rig.assert_at_rest();
}

#[test]
fn one_request_asks_a_peer_for_all_its_bodies() {
    let mut rig = Rig::new(2);
    let [one, two, other] = [(); 3].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    for (peer, block) in [(A, one), (A, two), (B, other)] {
        let _ = rig.announce(peer, block);
    }
    rig.advance(MILLI(500));
    for (request, peer, hash) in rig.header_requests() {
        let id = rig.blocks.find(&hash).unwrap();
        rig.headers(peer, request, &[id]);
    }
    rig.advance(MILLI(100));
    let asked: Vec<_> = rig.body_requests().into_iter().map(|(_, peer, hashes)| (peer, hashes)).collect();
    assert_eq!(asked, [(A, vec![rig.hash(one), rig.hash(two)]), (B, vec![rig.hash(other)])]);
}

#[test]
fn a_push_during_the_wait_saves_the_request() {
    let mut rig = Rig::new(2);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    let _ = rig.announce(A, block);
    let _ = rig.push(B, block);
    rig.import(block);
    rig.advance(MILLI(1_000));
    assert_eq!(rig.header_requests(), []);
    assert_eq!(rig.announce(A, block), Admission::Known);
    rig.assert_at_rest();
}

#[test]
fn identical_bodies_complete_both_blocks() {
    let mut rig = Rig::new(1);
    let [one, two] = [(); 2].map(|()| rig.child_with(BlockIndex::GENESIS, 100, 42));
    let _ = rig.announce(A, one);
    let _ = rig.announce(A, two);
    rig.advance(MILLI(500));
    for (request, peer, hash) in rig.header_requests() {
        let id = rig.blocks.find(&hash).unwrap();
        rig.headers(peer, request, &[id]);
    }
    rig.advance(MILLI(100));
    let (request, ..) = rig.body_requests().pop().unwrap();
    assert!(rig.bodies(A, request, &[one]).is_empty());
    assert_eq!(rig.handed_over().len(), 2);
}

#[test]
fn another_number_than_announced_drops_the_peer() {
    let mut rig = Rig::new(1);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    let _ = rig.announce_number(A, block, 9);
    rig.advance(MILLI(500));
    let (request, ..) = rig.header_requests()[0];
    rig.headers(A, request, &[block]);
    assert_eq!(rig.penalties(), [(A, Reason::WrongNumber)]);
    rig.assert_at_rest();
}

#[test]
fn a_header_that_does_not_verify_drops_its_provider_whatever_the_cause() {
    for verdict in [Verdict::Invalid, Verdict::LocalFault] {
        let mut rig = Rig::new(2);
        let block = rig.child_of(BlockIndex::GENESIS, 1);
        let _ = rig.push(A, block);
        rig.verdict(block, verdict);
        assert_eq!(rig.penalties(), [(A, Reason::InvalidHeader)]);
        assert!(rig.relays().is_empty() && rig.imports().is_empty());
        rig.assert_at_rest();
    }
}

#[test]
fn a_peer_that_is_gone_is_not_dropped_again() {
    let mut rig = Rig::new(1);
    let [asked, pushed] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    rig.asked_for_header(A, asked);
    let _ = rig.push(A, pushed);
    rig.feed(Input::PeerGone { peer: A });
    rig.verdict(pushed, Verdict::Invalid);
    rig.advance(MILLI(10_000));
    assert_eq!(rig.penalties(), []);
}

#[test]
fn a_block_in_the_chain_is_known_however_it_comes() {
    let mut rig = Rig::new(1);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    rig.insert(block);
    assert_eq!(rig.push(A, block), Admission::Known);
    assert_eq!(rig.announce(A, block), Admission::Known);
    assert!(rig.handed_over().is_empty());
    rig.assert_at_rest();
}

#[test]
fn memory_is_what_it_holds_and_a_little_more() {
    let mut rig = Rig::new(25);
    assert!(rig.model.memory().bytes < 4_096, "{:?}", rig.model.memory());
    assert_eq!(rig.model.memory().bound, None);
    let parent = rig.child_of(BlockIndex::GENESIS, 1);
    let quiet = rig.model.memory().bytes;
    let child = rig.child_of(parent, 100_000);
    let _ = rig.push(A, child);
    let more = rig.model.memory().bytes - quiet;
    assert!((100_500..105_000).contains(&more), "{more}");
}

#[test]
fn a_silent_peer_is_dropped_after_ten_seconds() {
    let mut rig = Rig::new(2);
    let [one, two] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    let header = rig.asked_for_header(A, one);
    rig.feed(Input::RequestFailed { peer: A, request: header, failure: Failure::Refused });
    rig.advance(MILLI(9_999));
    assert_eq!(rig.penalties(), []);
    rig.advance(MILLI(1));
    assert_eq!(rig.penalties(), [(A, Reason::Silence)]);
    rig.asked_for_body(B, two);
    rig.advance(MILLI(10_000));
    assert_eq!(rig.penalties(), [(B, Reason::Silence)]);
    assert_eq!(rig.model.machine_counters().deadlines_passed, 2);
}

#[test]
fn a_reply_that_is_none_or_too_large_drops_the_peer() {
    for (failure, reason) in
        [(Failure::Malformed, Reason::MalformedReply), (Failure::Oversized, Reason::OversizedReply)]
    {
        let mut rig = Rig::new(1);
        let block = rig.child_of(BlockIndex::GENESIS, 1);
        let request = rig.asked_for_header(A, block);
        rig.feed(Input::RequestFailed { peer: A, request, failure });
        assert_eq!(rig.penalties(), [(A, reason)]);
    }
}

#[test]
fn what_was_not_asked_for_comes_back() {
    let mut rig = Rig::new(2);
    let [asked, other] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    let request = rig.asked_for_header(A, asked);
    assert_eq!(rig.headers(B, request, &[asked]).len(), 1, "another peer's reply");
    assert_eq!(rig.headers(A, RequestId::new(99), &[asked]).len(), 1, "another request's reply");
    assert_eq!(rig.model.machine_counters().replies_unmatched, 2);
    assert_eq!(rig.headers(A, request, &[other]).len(), 1, "another header");
    assert_eq!(rig.headers(A, request, &[asked]).len(), 1, "a second reply");
    let third = rig.child_of(BlockIndex::GENESIS, 1);
    let request = rig.asked_for_body(A, third);
    assert_eq!(rig.bodies(B, request, &[third]).len(), 1);
    assert_eq!(rig.bodies(A, request, &[other]).len(), 1);
    assert_eq!(rig.penalties(), []);
}

#[test]
fn announcements_are_limited_and_kept_within_the_window() {
    let mut rig = Rig::new(2);
    let (first, head) = rig.line(BlockIndex::GENESIS, 20);
    let line: Vec<_> =
        (first.index()..=head.index()).map(|at| BlockIndex(u32::try_from(at).unwrap())).collect();
    for id in line {
        rig.insert(id);
    }
    let block = rig.child_of(head, 1);
    for number in [0, 12, 53, u64::MAX] {
        assert_eq!(rig.announce_number(A, block, number), Admission::TooFar);
    }
    for number in [13, 52] {
        assert_eq!(rig.announce_number(A, block, number), Admission::Accepted);
    }
    for _ in 2..256 {
        let other = rig.child_of(head, 1);
        assert_eq!(rig.announce(A, other), Admission::Accepted);
    }
    assert_eq!(rig.announce(A, block), Admission::PeerLimit);
    assert_eq!(rig.announce(B, block), Admission::Accepted);
    assert_eq!(rig.announce(PeerId(77), block), Admission::UnknownPeer);
}

#[test]
fn blocks_above_the_head_wait_for_their_height() {
    let mut rig = Rig::new(1);
    let (_, parent) = rig.line(BlockIndex::GENESIS, 2);
    let child = rig.child_of(parent, 1);
    let first = rig.blocks.get(parent).parent;
    assert_eq!(rig.push(A, child), Admission::Accepted);
    assert_eq!(rig.push(A, parent), Admission::Accepted);
    assert_eq!(rig.push(A, parent), Admission::Duplicate);
    assert!(rig.handed_over().is_empty());
    let _ = rig.push(A, first);
    for block in [first, parent, child] {
        assert_eq!(rig.handed_over(), [rig.hash(block)]);
        rig.import(block);
    }
    rig.assert_at_rest();
}

#[test]
fn a_queued_block_that_the_chain_has_passed_by_more_than_seven_is_forgotten() {
    for (height, expected) in [(9, Step::In(StageName::Importing)), (10, Step::Out(End::Passed))] {
        let mut rig = Rig::new(1);
        let parent = rig.child_of(BlockIndex::GENESIS, 1);
        let side = rig.child_of(parent, 1);
        let _ = rig.push(A, side);
        rig.insert(parent);
        let (first, last) = rig.line(parent, height - 1);
        for at in first.index()..=last.index() {
            rig.insert(BlockIndex(u32::try_from(at).unwrap()));
        }
        rig.wake();
        assert_eq!(rig.story(side).last(), Some(&expected), "at height {height}");
    }
}

#[test]
fn a_header_that_came_gives_its_hash_new_time() {
    let mut rig = Rig::new(2);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    let request = rig.asked_for_header(A, block);
    rig.advance(MILLI(4_450));
    rig.headers(A, request, &[block]);
    rig.advance(MILLI(90));
    rig.wake();
    rig.advance(MILLI(10));
    assert_eq!(rig.body_requests().len(), 1);
}

#[test]
fn a_wrong_body_pushed_is_dropped_without_a_word() {
    let mut rig = Rig::new(1);
    let [block, other] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    let mixed = Block { header: rig.blocks.header(block), body: rig.blocks.body(other) };
    assert_eq!(rig.push_block(A, mixed), Admission::WrongBody);
    assert!(rig.outputs.is_empty());
    rig.assert_at_rest();
}

#[test]
fn an_own_block_goes_to_the_square_root_and_is_announced_to_the_rest() {
    let mut rig = Rig::new(17);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    rig.insert(block);
    let sealed = rig.block(block);
    rig.feed(Input::Sealed { block: sealed });
    assert_eq!(rig.relays()[0].len(), 4);
    assert_eq!(rig.announcements()[0].len(), 13);
}

#[test]
fn a_failed_import_is_not_announced() {
    for outcome in [Verdict::Invalid, Verdict::LocalFault] {
        let mut rig = Rig::new(9);
        let block = rig.child_of(BlockIndex::GENESIS, 1);
        let _ = rig.push(A, block);
        rig.verdict(block, Verdict::Valid);
        rig.imported(block, outcome);
        assert!(rig.announcements().is_empty());
        rig.assert_at_rest();
    }
}

#[test]
fn a_block_of_the_near_future_is_imported_at_its_time_and_not_relayed() {
    let mut rig = Rig::new(4);
    let [near, far] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    for (block, seconds) in [(near, 7), (far, 31)] {
        let _ = rig.push(A, block);
        rig.verdict(block, Verdict::Future { wait: MILLI(seconds * 1_000) });
    }
    assert_eq!(rig.story(far).last(), Some(&Step::Out(End::TooFarInFuture)));
    rig.advance(MILLI(9_999));
    assert!(rig.imports().is_empty());
    rig.advance(MILLI(1));
    assert_eq!(rig.imports(), [rig.hash(near)]);
    rig.insert(near);
    rig.imported(near, Verdict::Valid);
    assert_eq!(rig.story(near).last(), Some(&Step::Out(End::Imported)));
    assert!(rig.relays().is_empty() && rig.announcements().is_empty());
    assert_eq!(rig.penalties(), []);
    rig.assert_at_rest();
}

#[test]
fn a_copy_of_a_block_that_the_chain_keeps_is_not_imported_beside_it() {
    // Pushed again before its time, and still imported when that comes; or pushed while it is imported.
    for again_at in [8_000, 10_000] {
        let mut rig = Rig::new(4);
        let block = rig.child_of(BlockIndex::GENESIS, 1);
        let _ = rig.push(A, block);
        rig.verdict(block, Verdict::Future { wait: MILLI(7_000) });
        rig.advance(MILLI(again_at));
        let _ = rig.push(B, block);
        rig.verdict(block, Verdict::Valid);
        rig.advance(MILLI(11_000 - again_at));
        assert_eq!(rig.imports(), [rig.hash(block)]);
        rig.insert(block);
        rig.imported(block, Verdict::Valid);
        rig.advance(MILLI(10_000));
        assert!(rig.imports().is_empty());
        assert_eq!(rig.announcements().len(), 1, "the copy's way through the fetcher announces it");
        rig.assert_at_rest();
    }
}

#[test]
fn a_silent_peer_is_dropped_once_however_much_it_was_asked() {
    let mut rig = Rig::new(2);
    let blocks = [(); 3].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    for block in blocks {
        let _ = rig.announce(A, block);
    }
    rig.advance(MILLI(500));
    assert_eq!(rig.header_requests().len(), 3);
    rig.advance(MILLI(10_000));
    assert_eq!(rig.penalties(), [(A, Reason::Silence)]);
}

#[test]
fn after_shutdown_it_is_empty_and_silent() {
    let mut rig = Rig::new(2);
    let [one, two, three] = [(); 3].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    rig.asked_for_body(A, one);
    let _ = rig.announce(A, two);
    let _ = rig.push(B, three);
    rig.feed(Input::Shutdown);
    for block in [one, two, three] {
        assert_eq!(rig.story(block).last(), Some(&Step::Out(End::Shutdown)));
    }
    rig.outputs.clear();
    assert_eq!(rig.announce(A, two), Admission::Stopped);
    assert_eq!(rig.push(A, two), Admission::Stopped);
    rig.advance(MILLI(60_000));
    assert!(rig.outputs.is_empty());
    rig.assert_at_rest();
}

#[test]
fn a_peer_is_known_to_have_its_last_1024_blocks() {
    let mut rig = Rig::new(1);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    rig.insert(block);
    let sealed = |rig: &mut Rig| {
        let block = rig.block(block);
        rig.feed(Input::Sealed { block });
        rig.relays().len()
    };
    let _ = rig.announce(A, block);
    assert_eq!(sealed(&mut rig), 0);
    for _ in 0..1_024 {
        let other = rig.child_of(block, 1);
        let _ = rig.announce(A, other);
    }
    assert_eq!(sealed(&mut rig), 1);
}

/// A world in which anything happens at any time. The rig checks the model after every step.
fn anything(seed: u64) -> Vec<String> {
    let mut random = rand_xoshiro::Xoshiro128PlusPlus::seed_from_u64(seed);
    let mut draw = move |below: u32| random.next_u32() % below;
    let mut rig = Rig::seeded(seed, 4);
    let mut trace = Vec::new();
    let mut requests: Vec<(PeerId, RequestId)> = Vec::new();
    for _ in 0..2_000 {
        if draw(10) == 0 || rig.blocks.len() < 3 {
            let parent = BlockIndex(draw(u32::try_from(rig.blocks.len()).unwrap()));
            let (bytes, commitment) = (draw(3) * 50, u64::from(draw(20)));
            rig.child_with(parent, bytes, commitment);
        }
        let block = BlockIndex(draw(u32::try_from(rig.blocks.len()).unwrap()));
        let peer = PeerId(draw(5));
        let (asked, request) = match requests.len() {
            0 => (peer, RequestId::new(1)),
            count => requests[draw(u32::try_from(count).unwrap()) as usize],
        };
        let parent = rig.blocks.get(block).parent;
        match draw(14) {
            0..=2 => drop(rig.announce(peer, block)),
            3 => drop(rig.announce_number(peer, block, u64::from(draw(60)))),
            4 => drop(rig.push(peer, block)),
            5 | 6 => drop(rig.headers(asked, request, &[block])),
            7 | 8 => drop(rig.bodies(asked, request, &[block, parent])),
            9 => {
                rig.verdict(block, [Verdict::Valid, Verdict::Invalid, Verdict::LocalFault][draw(3) as usize])
            }
            10 if rig.chain.has(parent) => rig.import(block),
            10 => rig.imported(block, Verdict::Invalid),
            11 => {
                let wait = MILLI(u64::from(draw(40_000)));
                rig.verdict(block, Verdict::Future { wait });
            }
            12 => drop(rig.act(match draw(3) {
                0 => Input::PeerConnected { peer },
                1 => Input::PeerGone { peer },
                _ => Input::RequestFailed { peer: asked, request, failure: Failure::Malformed },
            })),
            _ => rig.advance(MILLI(u64::from(draw(800)))),
        }
        requests.extend(rig.outputs.iter().filter_map(|output| match output {
            Output::RequestHeader { request, peer, .. } | Output::RequestBodies { request, peer, .. } => {
                Some((*peer, *request))
            }
            _ => None,
        }));
        trace.extend(rig.outputs.drain(..).map(|output| format!("{:?} {output:?}", rig.now)));
        trace.extend(rig.events.drain(..).map(|event| format!("{:?} {event:?}", rig.now)));
        assert!(rig.model.memory().bytes >= rig.model.holdings().bytes);
    }
    let ids: std::collections::BTreeSet<_> = requests.iter().map(|(_, request)| request.as_u64()).collect();
    assert_eq!(ids.len(), requests.len(), "a request's number is never used again");
    assert!(ids.first().is_none_or(|&first| first > 0));
    rig.feed(Input::Shutdown);
    rig.assert_at_rest();
    trace
}

#[test]
fn it_holds_together_and_repeats_itself_whatever_happens() {
    for seed in 0..12 {
        let first = anything(seed);
        assert!(first.len() > 100);
        assert_eq!(first, anything(seed));
    }
}
