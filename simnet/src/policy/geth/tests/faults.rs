//! What geth does that herald must not: each was seen in geth itself, or follows from its source.

use herald_fetcher::Failure;

use super::*;

/// The hash is lost to this node until somebody announces or pushes it anew.
#[test]
fn when_the_one_asked_is_silent_nobody_else_is_asked() {
    let mut rig = Rig::new(3);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    for peer in [A, B, C] {
        let _ = rig.announce(peer, block);
    }
    rig.advance(MILLI(500));
    assert_eq!(rig.header_requests().len(), 1);
    rig.advance(MILLI(60_000));
    rig.wake();
    assert_eq!(rig.header_requests(), []);
    assert_eq!(rig.story(block).last(), Some(&Step::Out(End::Expired)));
}

/// 5 s count from the announcement, but nothing wakes the loop at their end.
#[test]
fn a_fetch_expires_only_when_something_else_happens() {
    let mut rig = Rig::new(2);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    let request = rig.asked_for_header(A, block);
    rig.advance(MILLI(4_500));
    assert_eq!(rig.announce(B, block), Admission::Duplicate, "not older than 5 s yet");
    rig.advance(MILLI(4_000));
    assert_eq!(rig.announce(B, block), Admission::Duplicate, "this announcement is what wakes the loop");
    assert_eq!(rig.headers(A, request, &[block]).len(), 1, "too late, though within the 10 s");
    assert_eq!(rig.announce(B, block), Admission::Accepted);
    assert_eq!(rig.penalties(), []);
}

#[test]
fn a_body_that_never_comes_keeps_its_hash_for_ever() {
    for answer in ["empty", "other", "refused", "gone"] {
        let mut rig = Rig::new(2);
        let [block, other] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
        let request = rig.asked_for_body(A, block);
        match answer {
            "empty" => assert!(rig.bodies(A, request, &[]).is_empty()),
            "other" => assert_eq!(rig.bodies(A, request, &[other]).len(), 1),
            "refused" => drop(rig.act(Input::RequestFailed { peer: A, request, failure: Failure::Refused })),
            _ => drop(rig.act(Input::PeerGone { peer: A })),
        }
        rig.advance(Duration::from_secs(3_600));
        rig.wake();
        assert_eq!(rig.model.holdings().entries, 1, "{answer}");
        assert_eq!(rig.announce(B, block), Admission::Duplicate, "{answer}");
        rig.advance(MILLI(1_000));
        assert!(rig.header_requests().is_empty() && rig.body_requests().is_empty(), "{answer}");
        let expected = if answer == "refused" { vec![(A, Reason::Silence)] } else { Vec::new() };
        assert_eq!(rig.penalties(), expected, "{answer}");
    }
}

/// One silent peer held 2,048 requests of the real geth; here as many, before it is dropped.
#[test]
fn the_limit_covers_only_hashes_not_yet_asked_for() {
    let mut rig = Rig::new(1);
    for _ in 0..8 {
        for _ in 0..256 {
            let block = rig.child_of(BlockIndex::GENESIS, 1);
            assert_eq!(rig.announce(A, block), Admission::Accepted);
        }
        let over = rig.child_of(BlockIndex::GENESIS, 1);
        assert_eq!(rig.announce(A, over), Admission::PeerLimit);
        rig.advance(MILLI(500));
    }
    assert_eq!(rig.model.holdings().requests, 2_048);
}

#[test]
fn an_announcement_is_counted_once_and_discounted_again_and_again() {
    let mut rig = Rig::new(1);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    let request = rig.asked_for_header(A, block);
    let announce_new = |rig: &mut Rig| {
        let other = rig.child_of(BlockIndex::GENESIS, 1);
        rig.announce(A, other)
    };
    for _ in 0..256 {
        assert_eq!(announce_new(&mut rig), Admission::Accepted);
    }
    assert_eq!(announce_new(&mut rig), Admission::PeerLimit);
    rig.headers(A, request, &[block]);
    rig.advance(MILLI(100));
    // Leaving fetching and fetched lowered the count by two, and none of the 256 is gone.
    assert_eq!(rig.header_requests(), []);
    for _ in 0..2 {
        assert_eq!(announce_new(&mut rig), Admission::Accepted);
    }
    assert_eq!(announce_new(&mut rig), Admission::PeerLimit);
    assert_eq!(rig.model.holdings().announcements, 258 + 1);
}

#[test]
fn a_hash_announced_twice_by_a_peer_counts_twice() {
    let mut rig = Rig::new(1);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    for _ in 0..256 {
        assert_eq!(rig.announce(A, block), Admission::Accepted);
    }
    assert_eq!(rig.announce(A, block), Admission::PeerLimit);
}

/// A peer with as many queued blocks as it may have pushes the hash of its choice.
#[test]
fn a_push_over_the_limit_erases_what_others_announced() {
    let mut rig = Rig::new(3);
    let parent = rig.child_of(BlockIndex::GENESIS, 1);
    for _ in 0..64 {
        let block = rig.child_of(parent, 1);
        assert_eq!(rig.push(A, block), Admission::Accepted);
    }
    let [announced, fetching, completing] = [(); 3].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    let body = rig.asked_for_body(B, completing);
    let header = rig.asked_for_header(B, fetching);
    let _ = rig.announce(B, announced);
    let _ = rig.announce(C, announced);
    for block in [announced, fetching, completing] {
        assert_eq!(rig.push(A, block), Admission::PeerLimit);
        assert_eq!(rig.story(block).last(), Some(&Step::Out(End::NoCapacity)));
    }
    assert_eq!(rig.headers(B, header, &[fetching]).len(), 1);
    assert_eq!(rig.bodies(B, body, &[completing]).len(), 1);
    rig.advance(MILLI(1_000));
    assert_eq!(rig.header_requests(), []);
    assert_eq!(rig.penalties(), []);
}

#[test]
fn a_push_from_far_away_erases_what_others_announced() {
    let mut rig = Rig::new(2);
    let (_, far) = rig.line(BlockIndex::GENESIS, 33);
    assert_eq!(rig.announce_number(B, far, 1), Admission::Accepted);
    assert_eq!(rig.push(A, far), Admission::TooFar);
    assert_eq!(rig.story(far).last(), Some(&Step::Out(End::Passed)));
    rig.assert_at_rest_but_for_the_timer();
}

#[test]
fn what_a_dropped_peer_gave_and_announced_stays() {
    let mut rig = Rig::new(2);
    let parent = rig.child_of(BlockIndex::GENESIS, 1);
    for _ in 0..64 {
        let block = rig.child_of(parent, 1);
        let _ = rig.push(A, block);
    }
    let announced = rig.child_of(BlockIndex::GENESIS, 1);
    let _ = rig.announce(A, announced);
    rig.feed(Input::PeerGone { peer: A });
    rig.advance(Duration::from_secs(3_600));
    let held = rig.model.holdings();
    assert_eq!((held.blocks, held.requests), (64, 0));
    assert_eq!(rig.header_requests(), [], "the one drawn is gone, and nobody is asked");
    assert!(rig.story(announced).contains(&Step::In(StageName::Fetching)));
}

#[test]
fn a_block_whose_parent_is_not_there_is_dropped() {
    let mut rig = Rig::new(2);
    let [head, uncle] = [(); 2].map(|()| rig.child_of(BlockIndex::GENESIS, 1));
    let _ = rig.push(A, head);
    rig.import(head);
    let _ = rig.push(A, uncle);
    let nephew = rig.child_of(uncle, 1);
    // The uncle is with the host at this very moment.
    assert_eq!(rig.push(B, nephew), Admission::Accepted);
    assert_eq!(rig.story(nephew).last(), Some(&Step::Out(End::NobodyLeft)));
    rig.import(uncle);
    assert!(!rig.handed_over().contains(&rig.hash(nephew)));
    rig.assert_at_rest();
}

#[test]
fn nothing_wakes_a_queued_block_when_the_chain_advances_by_another_way() {
    let mut rig = Rig::new(1);
    let parent = rig.child_of(BlockIndex::GENESIS, 1);
    let child = rig.child_of(parent, 1);
    let _ = rig.push(A, child);
    rig.insert(parent);
    rig.feed(Input::ChainAdvanced { blocks: vec![(rig.hash(parent), 1)] });
    rig.advance(Duration::from_secs(60));
    assert!(rig.handed_over().is_empty());
    rig.wake();
    assert_eq!(rig.handed_over(), [rig.hash(child)]);
}

#[test]
fn a_block_already_whole_is_fetched_all_the_same() {
    let mut rig = Rig::new(2);
    let (_, ahead) = rig.line(BlockIndex::GENESIS, 2);
    let _ = rig.push(A, ahead);
    assert_eq!(rig.announce(B, ahead), Admission::Accepted);
    rig.advance(MILLI(500));
    let (request, ..) = rig.header_requests()[0];
    assert_eq!(rig.headers(B, request, &[ahead]).len(), 1, "and its header is then not wanted");
}

#[test]
fn a_block_imported_by_another_way_leaves_the_queue_but_not_completing() {
    let mut rig = Rig::new(2);
    let parent = rig.child_of(BlockIndex::GENESIS, 1);
    let block = rig.child_of(parent, 1);
    let request = rig.asked_for_body(A, block);
    let _ = rig.push(B, block);
    rig.insert(parent);
    rig.insert(block);
    rig.wake();
    assert_eq!(rig.bodies(A, request, &[]).len(), 0);
    rig.advance(Duration::from_secs(3_600));
    rig.wake();
    let held = rig.model.holdings();
    assert_eq!((held.entries, held.blocks, held.announcements), (1, 0, 1));
}

#[test]
fn an_invalid_block_is_taken_again_and_again_and_blamed_on_nobody() {
    let mut rig = Rig::new(2);
    let block = rig.child_of(BlockIndex::GENESIS, 1);
    for _ in 0..3 {
        assert_eq!(rig.push(A, block), Admission::Accepted);
        rig.verdict(block, Verdict::Valid);
        rig.imported(block, Verdict::Invalid);
    }
    assert_eq!(rig.imports().len(), 3);
    assert_eq!(rig.relays().len(), 1, "and passed on the first time, as its header is valid");
    assert_eq!(rig.penalties(), []);
}

impl Rig {
    /// Geth's fetch timer runs on after its hash is gone, and then finds nothing.
    fn assert_at_rest_but_for_the_timer(&mut self) {
        self.advance(MILLI(500));
        assert_eq!(self.header_requests(), []);
        self.assert_at_rest();
    }
}
