//! One test for each behaviour of geth that is modelled, and one for each of its faults.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    reason = "tests"
)]

mod behaviour;
mod faults;

use std::time::Duration;

use herald_fetcher::{
    Admission, Block, BlockHash, BlockOf, Config, End, Event, Events, Hashes, Input, Outcome, Output, Reason,
    RequestId, StageName, Time, Verdict,
};

use super::GethModel;
use crate::model::block::{BlockData, BlockIndex, Blocks, Flaw, PeerId, Sim, SimBody, SimHeader};
use crate::model::chain::{NodeChain, NodeId, NodeView};
use crate::policy::{Holdings, Machine as _};

const MILLI: fn(u64) -> Duration = Duration::from_millis;
const A: PeerId = PeerId(0);
const B: PeerId = PeerId(1);
const C: PeerId = PeerId(2);

/// One model, its chain, and a clock that only moves when told to.
struct Rig {
    model: GethModel,
    blocks: Blocks,
    chain: NodeChain,
    now: Time,
    /// What came out since it was last looked at, without the events.
    outputs: Vec<Output<Sim>>,
    events: Vec<Event<PeerId>>,
}

impl Rig {
    fn new(peers: u32) -> Self {
        Self::seeded(7, peers)
    }

    fn seeded(seed: u64, peers: u32) -> Self {
        let mut rig = Self {
            model: GethModel::new(
                std::sync::Arc::new(Config::geth().with(|config| config.events = Events::On)),
                seed,
            ),
            blocks: Blocks::new(BlockHash::repeat_byte(0xee)),
            chain: NodeChain::default(),
            now: Time::ZERO,
            outputs: Vec::new(),
            events: Vec::new(),
        };
        for peer in 0..peers {
            rig.feed(Input::PeerConnected { peer: PeerId(peer) });
        }
        rig
    }

    /// Makes a block with a body of its own, or without one where `body_bytes` is 0.
    fn child_of(&mut self, parent: BlockIndex, body_bytes: u32) -> BlockIndex {
        let commitment = if body_bytes == 0 { 0 } else { self.blocks.len() as u64 };
        self.child_with(parent, body_bytes, commitment)
    }

    fn child_with(&mut self, parent: BlockIndex, body_bytes: u32, commitment: u64) -> BlockIndex {
        let hash = BlockHash::from(alloy_primitives::U256::from(self.blocks.len()) << 192);
        let parent = self.blocks.get(parent).clone();
        self.blocks.add(BlockData {
            id: BlockIndex::GENESIS,
            hash,
            number: parent.number + 1,
            parent: parent.id,
            parent_hash: parent.hash,
            commitment,
            header_bytes: 500,
            body_bytes,
            total_difficulty: parent.total_difficulty + 1,
            sealed_at: Time::ZERO,
            sealer: NodeId(0),
            flaw: Flaw::None,
            slot: None,
        })
    }

    /// Makes a line of blocks on top of `parent`, and returns its first and its last.
    fn line(&mut self, parent: BlockIndex, length: u64) -> (BlockIndex, BlockIndex) {
        let first = self.child_of(parent, 100);
        let last = (1..length).fold(first, |tip, _| self.child_of(tip, 100));
        (first, last)
    }

    fn hash(&self, id: BlockIndex) -> BlockHash {
        self.blocks.get(id).hash
    }

    fn block(&self, id: BlockIndex) -> BlockOf<Sim> {
        Block { header: self.blocks.header(id), body: self.blocks.body(id) }
    }

    fn act(&mut self, input: Input<Sim>) -> Outcome<Sim> {
        let view = NodeView { chain: &self.chain, blocks: &self.blocks, finality_depth: 0 };
        let outcome = self.model.handle(self.now, input, &view);
        while let Some(output) = self.model.poll_output() {
            match output {
                Output::Event(event) => self.events.push(event),
                other => self.outputs.push(other),
            }
        }
        assert_eq!(self.model.check(), Ok(()));
        outcome
    }

    /// The same, where what it says is of no interest.
    fn feed(&mut self, input: Input<Sim>) {
        let _ = self.act(input);
    }

    /// Lets time pass, with a tick whenever one is due.
    fn advance(&mut self, span: Duration) {
        let end = self.now.after(span);
        while let Some(at) = self.model.poll_timeout().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.feed(Input::Tick);
        }
        self.now = end;
    }

    fn announce_number(&mut self, peer: PeerId, id: BlockIndex, number: u64) -> Admission {
        let hash = self.hash(id);
        match self.act(Input::Announced { peer, hash, number }) {
            Outcome::Admission(admission) => admission,
            other => panic!("not an admission: {other:?}"),
        }
    }

    fn announce(&mut self, peer: PeerId, id: BlockIndex) -> Admission {
        let number = self.blocks.get(id).number;
        self.announce_number(peer, id, number)
    }

    fn push_block(&mut self, peer: PeerId, block: BlockOf<Sim>) -> Admission {
        match self.act(Input::Pushed { peer, block }) {
            Outcome::Admission(admission) => admission,
            other => panic!("not an admission: {other:?}"),
        }
    }

    fn push(&mut self, peer: PeerId, id: BlockIndex) -> Admission {
        let block = self.block(id);
        self.push_block(peer, block)
    }

    fn headers(&mut self, peer: PeerId, request: RequestId, ids: &[BlockIndex]) -> Vec<SimHeader> {
        let headers = ids.iter().map(|&id| self.blocks.header(id)).collect();
        match self.act(Input::Headers { peer, request, headers }) {
            Outcome::Headers(unknown) => unknown,
            other => panic!("not headers: {other:?}"),
        }
    }

    fn bodies(&mut self, peer: PeerId, request: RequestId, ids: &[BlockIndex]) -> Vec<SimBody> {
        let bodies = ids.iter().map(|&id| self.blocks.body(id)).collect();
        match self.act(Input::Bodies { peer, request, bodies }) {
            Outcome::Bodies(unknown) => unknown,
            other => panic!("not bodies: {other:?}"),
        }
    }

    fn verdict(&mut self, id: BlockIndex, verdict: Verdict) {
        let hash = self.hash(id);
        self.feed(Input::Verdict { hash, verdict });
    }

    fn imported(&mut self, id: BlockIndex, verdict: Verdict) {
        let hash = self.hash(id);
        self.feed(Input::Imported { hash, verdict });
    }

    /// Puts a block into the chain, and tells the model nothing.
    fn insert(&mut self, id: BlockIndex) {
        let _ = self.chain.insert(self.blocks.get(id), &self.blocks);
    }

    /// Verifies a block that the model handed over, and imports it.
    fn import(&mut self, id: BlockIndex) {
        self.verdict(id, Verdict::Valid);
        self.insert(id);
        self.imported(id, Verdict::Valid);
    }

    /// Wakes the loop with an announcement that it refuses.
    fn wake(&mut self) {
        let far = BlockHash::repeat_byte(0xff);
        self.feed(Input::Announced { peer: A, hash: far, number: u64::MAX });
    }

    fn taken<T>(&mut self, wanted: impl Fn(&Output<Sim>) -> Option<T>) -> Vec<T> {
        let found = self.outputs.iter().filter_map(&wanted).collect();
        self.outputs.retain(|output| wanted(output).is_none());
        found
    }

    fn header_requests(&mut self) -> Vec<(RequestId, PeerId, BlockHash)> {
        self.taken(|output| match output {
            Output::RequestHeader { request, peer, hash } => Some((*request, *peer, *hash)),
            _ => None,
        })
    }

    fn body_requests(&mut self) -> Vec<(RequestId, PeerId, Vec<BlockHash>)> {
        self.taken(|output| match output {
            Output::RequestBodies { request, peer, hashes } => {
                Some((*request, *peer, Hashes::clone(hashes).into()))
            }
            _ => None,
        })
    }

    fn penalties(&mut self) -> Vec<(PeerId, Reason)> {
        self.taken(|output| match output {
            Output::Penalise { peer, reason, .. } => Some((*peer, *reason)),
            _ => None,
        })
    }

    fn relays(&mut self) -> Vec<Vec<PeerId>> {
        self.taken(|output| match output {
            Output::Relay { peers, .. } => Some(peers.clone()),
            _ => None,
        })
    }

    fn announcements(&mut self) -> Vec<Vec<PeerId>> {
        self.taken(|output| match output {
            Output::Announce { peers, .. } => Some(peers.clone()),
            _ => None,
        })
    }

    fn handed_over(&mut self) -> Vec<BlockHash> {
        self.taken(|output| match output {
            Output::VerifyHeader { header } => Some(header.block().hash),
            _ => None,
        })
    }

    fn imports(&mut self) -> Vec<BlockHash> {
        self.taken(|output| match output {
            Output::Import { block } => Some(block.header.block().hash),
            _ => None,
        })
    }

    /// The stages and ends of a hash, in order.
    fn story(&self, id: BlockIndex) -> Vec<Step> {
        let wanted = self.hash(id);
        let step = |event: &Event<PeerId>| match event {
            Event::Entered { hash, stage, .. } if *hash == wanted => Some(Step::In(*stage)),
            Event::Ended { hash, end } if *hash == wanted => Some(Step::Out(*end)),
            Event::Entered { .. } | Event::Ended { .. } => None,
        };
        self.events.iter().filter_map(step).collect()
    }

    /// Announces a block from `peer`, and waits until its header is asked for.
    fn asked_for_header(&mut self, peer: PeerId, id: BlockIndex) -> RequestId {
        assert_eq!(self.announce(peer, id), Admission::Accepted);
        self.advance(MILLI(500));
        let (request, asked, hash) = self.header_requests().pop().unwrap();
        assert_eq!((asked, hash), (peer, self.hash(id)));
        request
    }

    /// The same, until its body is asked for.
    fn asked_for_body(&mut self, peer: PeerId, id: BlockIndex) -> RequestId {
        let request = self.asked_for_header(peer, id);
        assert_eq!(self.headers(peer, request, &[id]).len(), 0);
        self.advance(MILLI(100));
        let (request, asked, hashes) = self.body_requests().pop().unwrap();
        assert_eq!((asked, hashes), (peer, vec![self.hash(id)]));
        request
    }

    fn assert_at_rest(&self) {
        assert_eq!(self.model.holdings(), Holdings::default());
        assert_eq!(self.model.poll_timeout(), None);
    }
}

/// A step of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    In(StageName),
    Out(End),
}
