//! Range sync as a state machine, on virtual time, against peers in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::U256;
use herald_node::network::{PeerId, RequestFailure, Serve};
use herald_node::sync::{HeadNews, RangeSync, SyncChain, SyncFault, SyncOutput, SyncRequestId};
use herald_proto::message::Reply;
use herald_proto::{Block, Limits, Message, MessageCode};
use tokio::time::Instant;

use crate::support::chain::{MemoryChain, chain, child, extend, full_chain, full_child};
use crate::support::synced::SyncedChain;

/// What a peer does when asked.
#[derive(Clone)]
enum Behaviour {
    Honest,
    Silent,
    /// Answers requests for bodies with other blocks' bodies.
    WrongBodies,
    /// Leaves a gap in its headers.
    GapInHeaders,
    /// Answers with nothing.
    Empty,
}

struct Peer {
    chain: Arc<MemoryChain>,
    behaviour: Behaviour,
}

struct World {
    sync: RangeSync,
    chain: SyncedChain,
    peers: BTreeMap<PeerId, Peer>,
    now: Instant,
    dropped: Vec<(PeerId, SyncFault)>,
    requests: usize,
}

impl World {
    fn new(chain: SyncedChain) -> Self {
        let (sync, peers, now) = (RangeSync::new(), BTreeMap::new(), Instant::now());
        Self { sync, chain, peers, now, dropped: Vec::new(), requests: 0 }
    }

    /// A peer connects, and all that follows happens.
    fn connect(&mut self, blocks: &[Block], behaviour: Behaviour) -> PeerId {
        let peer = self.know(blocks, behaviour);
        self.tell(peer, HeadNews::Status);
        peer
    }

    fn know(&mut self, blocks: &[Block], behaviour: Behaviour) -> PeerId {
        let peer = PeerId::random();
        self.peers.insert(peer, Peer { chain: MemoryChain::new(blocks.to_vec()), behaviour });
        peer
    }

    fn tell(&mut self, peer: PeerId, news: HeadNews) {
        let status = self.peers[&peer].chain.status();
        let difficulty = Some(status.total_difficulty);
        let (chain, now) = (&self.chain, self.now);
        let output = self.sync.on_head(chain, now, peer, status.head, difficulty, news);
        self.run(output);
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        let output = self.sync.tick(&self.chain, self.now);
        self.run(output);
    }

    fn run(&mut self, mut output: Option<SyncOutput>) {
        while let Some(wanted) = output {
            self.requests += 1;
            assert!(self.requests < 10_000, "sync does not come to an end");
            output = match wanted {
                SyncOutput::RequestHeaders { request, peer, headers } => {
                    let remote = &self.peers[&peer];
                    if matches!(remote.behaviour, Behaviour::Silent) {
                        self.fail(peer, request)
                    } else {
                        let mut reply = Reply::headers(request.as_u64(), &Limits::default());
                        if !matches!(remote.behaviour, Behaviour::Empty) {
                            remote.chain.headers(&headers, &mut reply);
                        }
                        let mut answer = decode_headers(reply);
                        if matches!(remote.behaviour, Behaviour::GapInHeaders) && answer.len() > 2 {
                            answer.remove(1);
                        }
                        self.sync.on_headers(&self.chain, self.now, peer, request, answer)
                    }
                }
                SyncOutput::RequestBodies { request, peer, mut hashes } => {
                    assert!(hashes.len() <= 64);
                    let remote = &self.peers[&peer];
                    if matches!(remote.behaviour, Behaviour::WrongBodies) {
                        hashes = vec![remote.chain.block(0).unwrap().hash()];
                    }
                    let mut reply = Reply::bodies(request.as_u64(), &Limits::default());
                    remote.chain.bodies(&hashes, &mut reply);
                    let answer = decode_bodies(reply);
                    self.sync.on_bodies(&self.chain, self.now, peer, request, answer)
                }
                SyncOutput::Import(blocks) => {
                    let result = self.chain.import(blocks);
                    self.sync.imported(&self.chain, self.now, result)
                }
                SyncOutput::Drop { peer, fault } => {
                    self.dropped.push((peer, fault));
                    self.sync.on_gone(&self.chain, self.now, peer)
                }
            };
        }
    }

    fn fail(&mut self, peer: PeerId, request: SyncRequestId) -> Option<SyncOutput> {
        self.sync.on_failed(&self.chain, self.now, peer, request, RequestFailure::Timeout)
    }
}

fn decode_headers(reply: Reply) -> Vec<herald_proto::Header> {
    let code = MessageCode::BlockHeaders.to_byte();
    match Message::decode(code, &reply.finish(), &Limits::default()) {
        Ok(Message::BlockHeaders { headers, .. }) => headers,
        other => panic!("{other:?}"),
    }
}

fn decode_bodies(reply: Reply) -> Vec<herald_proto::Body> {
    let code = MessageCode::BlockBodies.to_byte();
    match Message::decode(code, &reply.finish(), &Limits::default()) {
        Ok(Message::BlockBodies { bodies, .. }) => bodies,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_chain_catches_up_over_several_batches() {
    for blocks in [chain(500, 1), full_chain(500, 1)] {
        let mut world = World::new(SyncedChain::new(&blocks[..1]));
        world.connect(&blocks, Behaviour::Honest);
        assert_eq!(world.chain.head_hash(), blocks[500].hash());
        assert_eq!(world.dropped, []);
        assert_eq!(world.sync.deadline(), None, "nothing is left to do");
        world.connect(&extend(blocks, 1, 1, child), Behaviour::Honest);
        assert_eq!(world.chain.number(), 501, "and it is free for the next");
    }
}

#[test]
fn one_block_behind_is_caught_up_on_connecting() {
    let blocks = full_chain(20, 1);
    for behind in [1, 2, 7, 20] {
        let mut world = World::new(SyncedChain::new(&blocks[..=20 - behind]));
        world.connect(&blocks, Behaviour::Honest);
        assert_eq!(world.chain.head_hash(), blocks[20].hash(), "{behind} behind");
    }
}

#[test]
fn another_branch_is_followed_from_the_common_ancestor() {
    for (common, ours, theirs) in [(6, 3, 4), (0, 10, 11), (100, 1, 50), (40, 90, 91), (9, 1, 1)] {
        let trunk = chain(common, 0);
        let mine = extend(trunk.clone(), ours, 1, child);
        let peers = extend(trunk, theirs, 2, full_child);
        let mut world = World::new(SyncedChain::new(&mine));
        world.connect(&peers, Behaviour::Honest);
        let head = peers.last().unwrap().hash();
        assert!(world.chain.contains(&head), "common {common}, ours {ours}, theirs {theirs}");
        assert_eq!(world.chain.head_hash() == head, theirs > ours, "equal weight keeps the first");
        assert!(world.requests < 30, "the search takes few requests: {}", world.requests);
    }
}

#[test]
fn a_lighter_or_known_head_is_left_alone() {
    let blocks = chain(10, 0);
    let lighter = extend(blocks[..5].to_vec(), 2, 9, child);
    let mut world = World::new(SyncedChain::new(&blocks));
    world.connect(&lighter, Behaviour::Honest);
    world.connect(&blocks, Behaviour::Honest);
    assert_eq!(world.requests, 0);
}

#[test]
fn a_branch_that_leaves_below_the_finalized_block_is_not_followed() {
    let trunk = chain(5, 0);
    let mine = extend(trunk.clone(), 20, 1, child);
    let peers = extend(trunk, 30, 2, child);
    let mut chain = SyncedChain::new(&mine);
    chain.finalized = 10;
    let mut world = World::new(chain);
    let peer = world.connect(&peers, Behaviour::Honest);
    assert_eq!(world.dropped, [(peer, SyncFault::BelowFinality)]);
    assert_eq!(world.chain.imports(), 0);
}

#[test]
fn who_lies_or_stalls_is_dropped_and_another_takes_over() {
    let blocks = full_chain(200, 1);
    let better = extend(blocks.clone(), 5, 1, full_child);
    let cases = [
        (Behaviour::Silent, SyncFault::NoAnswer(RequestFailure::Timeout)),
        (Behaviour::WrongBodies, SyncFault::WrongBody),
        (Behaviour::GapInHeaders, SyncFault::BrokenLink),
        (Behaviour::Empty, SyncFault::HeadUnknown),
    ];
    for (behaviour, fault) in cases {
        let mut world = World::new(SyncedChain::new(&blocks[..1]));
        let liar = world.know(&better, behaviour);
        let honest = world.know(&blocks, Behaviour::Honest);
        for peer in [liar, honest] {
            let status = world.peers[&peer].chain.status();
            let later = world.now;
            let td = Some(status.total_difficulty);
            let (chain, head) = (&world.chain, status.head);
            let output = world.sync.on_head(chain, later, peer, head, td, HeadNews::Near);
            world.run(output);
        }
        world.advance(Duration::from_secs(60));
        assert_eq!(world.dropped, [(liar, fault)], "the heavier claim came first");
        assert_eq!(world.chain.head_hash(), blocks[200].hash());
    }
}

#[test]
fn an_invalid_block_costs_its_source_and_keeps_what_was_before() {
    let blocks = chain(100, 1);
    let mut chain = SyncedChain::new(&blocks[..1]);
    chain.refused = Some(blocks[70].hash());
    let mut world = World::new(chain);
    let peer = world.connect(&blocks, Behaviour::Honest);
    assert_eq!(world.dropped, [(peer, SyncFault::InvalidBlock("refused"))]);
    assert_eq!(world.chain.head_hash(), blocks[69].hash());
}

#[test]
fn a_head_near_ours_is_the_fetchers_for_a_while() {
    let blocks = chain(10, 1);
    let mut world = World::new(SyncedChain::new(&blocks[..10]));
    let peer = world.know(&blocks, Behaviour::Honest);
    world.tell(peer, HeadNews::Near);
    assert_eq!(world.requests, 0);
    let due = world.sync.deadline().unwrap();
    world.advance(due - world.now);
    assert_eq!(world.chain.head_hash(), blocks[10].hash());

    let longer = extend(blocks.clone(), 1, 1, child);
    let second = world.know(&longer, Behaviour::Honest);
    world.tell(second, HeadNews::Near);
    world.chain.import(vec![longer[11].clone()]).unwrap();
    let before = world.requests;
    world.advance(Duration::from_secs(60));
    assert_eq!(world.requests, before, "the fetcher was faster");
}

#[test]
fn an_announcement_far_ahead_starts_at_once() {
    let blocks = chain(100, 1);
    let mut world = World::new(SyncedChain::new(&blocks[..1]));
    let peer = world.know(&blocks, Behaviour::Honest);
    let (chain, now, head) = (&world.chain, world.now, blocks[100].hash());
    let output = world.sync.on_head(chain, now, peer, head, None, HeadNews::Far);
    world.run(output);
    assert_eq!(world.chain.head_hash(), head);
}

#[test]
fn replies_from_elsewhere_change_nothing() {
    let blocks = chain(10, 1);
    let mut world = World::new(SyncedChain::new(&blocks[..1]));
    let (peer, other) = (PeerId::random(), PeerId::random());
    let (chain, now) = (&world.chain, world.now);
    let (head, td) = (blocks[10].hash(), Some(U256::from(11)));
    let output = world.sync.on_head(chain, now, peer, head, td, HeadNews::Status);
    let Some(SyncOutput::RequestHeaders { request, .. }) = output else { panic!("{output:?}") };
    let target = vec![blocks[10].header.clone()];
    assert!(world.sync.on_headers(chain, now, other, request, target.clone()).is_none());
    assert!(world.sync.on_headers(chain, now, peer, request.next(), target.clone()).is_none());
    assert!(world.sync.on_headers(chain, now, peer, request, target.clone()).is_some());
    assert!(world.sync.on_headers(chain, now, peer, request, target).is_none(), "answered");
    assert!(world.sync.on_gone(chain, now, peer).is_none());
    let next = world.sync.on_head(chain, now, other, head, td, HeadNews::Status);
    assert!(matches!(next, Some(SyncOutput::RequestHeaders { peer, .. }) if peer == other), "{next:?}");
}
