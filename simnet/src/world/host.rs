//! What a node does around its machine: carries its outputs out, hands messages in, verifies, imports,
//! and disconnects peers whose penalties add up.

use herald_fetcher::{
    Admission, End, Failure, Input, Outcome, Output, PenaltyOutcome, Presence, Reason, Verdict,
};

use crate::engine::{Concern, draw};
use crate::model::block::{BlockIndex, Flaw, PeerId, Sim};
use crate::model::chain::{HeadChange, NodeId};
use crate::policy::{Machine, OnPenalty};

use super::World;
use super::event::{SimMessage, WorldEvent};
use super::link::LinkState;
use super::net::later;
use super::postponed::PostponedKind;

impl<M: Machine> World<'_, M> {
    /// A message is inside its receiver.
    pub(super) fn receive(&mut self, node: NodeId, peer: PeerId, message: SimMessage) {
        if self.ingress(node).hostile.is_some() && self.hostile_receives(node, peer, message) {
            return;
        }
        match message {
            SimMessage::Announce { block, number } => {
                let honest = self.ingress(node).newest == block && self.blocks.get(block).number == number;
                if honest && self.postpone(node, peer, block, PostponedKind::Announced) {
                    return;
                }
                let hash = self.blocks.get(block).hash;
                let outcome = self.tell(node, Input::Announced { peer, hash, number });
                self.noticed(node, peer, block, number, outcome);
            }
            SimMessage::Push { header, body } => {
                if header == body && self.postpone(node, peer, header, PostponedKind::Pushed) {
                    return;
                }
                let number = self.blocks.get(header).number;
                let block = herald_fetcher::Block {
                    header: self.blocks.header(header),
                    body: self.blocks.body(body),
                };
                let outcome = self.tell(node, Input::Pushed { peer, block });
                self.noticed(node, peer, header, number, outcome);
            }
            SimMessage::GetHeader { .. } | SimMessage::GetBody { .. } | SimMessage::GetBodies { .. } => {
                self.serve(node, peer, message);
            }
            SimMessage::Header { request, block } => {
                let headers = vec![self.blocks.header(block)];
                self.filtered(node, Input::Headers { peer, request, headers });
            }
            SimMessage::NoHeader { request } => {
                self.filtered(node, Input::Headers { peer, request, headers: Vec::new() });
            }
            SimMessage::Body { request, block } => {
                let bodies = vec![self.blocks.body(block)];
                self.filtered(node, Input::Bodies { peer, request, bodies });
            }
            SimMessage::Bodies { request, list } => {
                let bodies = self.lists.take(list).into_iter().map(|id| self.blocks.body(id)).collect();
                self.filtered(node, Input::Bodies { peer, request, bodies });
            }
            SimMessage::Refused { request } => self.failed(node, peer, request, Failure::Refused),
            SimMessage::Junk { request } => self.failed(node, peer, request, Failure::Malformed),
            SimMessage::Oversized { request } => self.failed(node, peer, request, Failure::Oversized),
            SimMessage::Status { head } => self.greeted(node, peer, head),
            SimMessage::GetRange { head } => self.serve_range(node, peer, head),
            SimMessage::Range { list } => self.range_arrived(node, peer, list),
        }
    }

    /// Hands a reply in; what the machine did not ask for has no other taker here.
    fn filtered(&mut self, node: NodeId, input: Input<Sim>) {
        match self.tell(node, input) {
            Outcome::Done
            | Outcome::Connection(_)
            | Outcome::Admission(_)
            | Outcome::Headers(_)
            | Outcome::Bodies(_) => {}
        }
    }

    fn failed(&mut self, node: NodeId, peer: PeerId, request: herald_fetcher::RequestId, failure: Failure) {
        let _ = self.tell(node, Input::RequestFailed { peer, request, failure });
    }

    /// A peer named a block: does that show that this node has fallen behind?
    fn noticed(&mut self, node: NodeId, peer: PeerId, block: BlockIndex, number: u64, outcome: Outcome<Sim>) {
        let Outcome::Admission(admission) = outcome else { return };
        self.recorder.admitted(admission);
        self.watch_announced(node, peer, block, admission);
        let far_ahead = number > self.node(node).chain.head_number() + 1;
        if far_ahead && admission != Admission::Duplicate && admission != Admission::Known {
            self.fallen_behind(node, peer, block);
        }
    }

    /// Carries out all that a machine wants, in order.
    pub(super) fn carry_out_all(&mut self, id: NodeId) {
        let mut to_disconnect = Vec::new();
        while let Some(output) = self.machine_mut(id).poll_output() {
            if !self.log.is_off() {
                self.log_output(id, &output);
            }
            self.carry_out(id, output, &mut to_disconnect);
        }
        self.arm(id);
        for peer in to_disconnect {
            self.disconnect(peer);
        }
    }

    fn carry_out(&mut self, id: NodeId, output: Output<Sim>, to_disconnect: &mut Vec<PeerId>) {
        match output {
            Output::RequestHeader { request, peer, hash } => {
                let Some(block) = self.named(id, &hash) else { return };
                self.expect_connected(id, peer);
                self.watch_asked(id, peer, block);
                self.send(peer, SimMessage::GetHeader { request, block });
            }
            Output::RequestBodies { request, peer, hashes } => {
                self.expect_connected(id, peer);
                self.request_bodies(id, request, peer, &hashes);
            }
            // What is on its way cannot be called back.
            Output::Cancel { .. } => {}
            Output::VerifyHeader { header } => self.verify(id, header.0.id),
            Output::Import { block } => {
                if block.header.0.commitment != block.body.0.commitment {
                    self.violate(Some(id), "an import of a body that is not the header's".into());
                }
                self.import(id, block.header.0.id);
            }
            Output::ImportHeader { header } => self.import(id, header.0.id),
            Output::Relay { block, peers } => self.relay(id, block.header.0.id, &peers),
            Output::Announce { hash, peers, .. } => self.announce(id, &hash, &peers),
            Output::Penalise { peer, reason, presence } => {
                self.expect_presence(id, peer, presence);
                if self.penalised(id, peer, reason) {
                    to_disconnect.push(peer);
                }
            }
            Output::OutOfReach { peer, hash, .. } => {
                if let Some(block) = self.named(id, &hash) {
                    self.fallen_behind(id, peer, block);
                }
            }
            Output::Event(event) => {
                self.watch_event(id, &event);
                self.recorder.event(self.now, id, &event, &self.blocks);
                if let herald_fetcher::Event::Ended { hash, end } = event {
                    self.given_up(id, &hash, end);
                }
            }
        }
    }

    /// A machine follows a block no more. If it was better than what is here and did not come in, that
    /// is for the range sync.
    fn given_up(&mut self, id: NodeId, hash: &herald_fetcher::BlockHash, end: End) {
        match end {
            End::Imported | End::InChain | End::Invalid | End::Shutdown => return,
            End::NobodyLeft
            | End::Expired
            | End::Passed
            | End::TooFarInFuture
            | End::NoCapacity
            | End::BadBody
            | End::LocalFault => {}
        }
        let Some(block) = self.blocks.find(hash) else { return };
        let (data, head) = (self.blocks.get(block), self.blocks.get(self.node(id).chain.head()));
        if data.flaw == Flaw::None && data.beats(head) {
            for peer in self.node(id).links() {
                if self.near_end(peer).state == LinkState::Up {
                    self.fallen_behind(id, peer, block);
                }
            }
        }
    }

    /// The block that a machine names.
    fn named(&mut self, id: NodeId, hash: &herald_fetcher::BlockHash) -> Option<BlockIndex> {
        let block = self.blocks.find(hash);
        if block.is_none() {
            self.violate(Some(id), format!("the machine names {hash}, which nobody ever told it"));
        }
        block
    }

    /// A machine may only speak of peers that it has been told are there.
    fn expect_connected(&mut self, id: NodeId, peer: PeerId) {
        if self.near_end(peer).state != LinkState::Up {
            self.violate(Some(id), format!("the machine asks {}, which is gone", self.route(peer).to.0));
        }
    }

    /// A peer that is said to be there must be.
    fn expect_presence(&mut self, id: NodeId, peer: PeerId, presence: Presence) {
        match presence {
            Presence::Connected => self.expect_connected(id, peer),
            Presence::Gone => {}
        }
    }

    fn request_bodies(
        &mut self,
        id: NodeId,
        request: herald_fetcher::RequestId,
        peer: PeerId,
        hashes: &herald_fetcher::Hashes,
    ) {
        match **hashes {
            [hash] => {
                let Some(block) = self.named(id, &hash) else { return };
                self.watch_asked(id, peer, block);
                self.send(peer, SimMessage::GetBody { request, block });
            }
            _ => {
                let list: Vec<BlockIndex> = hashes.iter().filter_map(|hash| self.blocks.find(hash)).collect();
                for &block in &list {
                    self.watch_asked(id, peer, block);
                }
                let list = self.lists.add(list);
                self.send(peer, SimMessage::GetBodies { request, list });
            }
        }
    }

    fn verify(&mut self, id: NodeId, block: BlockIndex) {
        self.parent_is_here(id, block);
        let life = self.node(id).life;
        let at = self.now.after(self.scenario.chain.header_check.duration());
        self.queue.push(at, WorldEvent::Verified { node: id, life, block });
    }

    fn parent_is_here(&mut self, id: NodeId, block: BlockIndex) {
        let parent = self.blocks.get(block).parent;
        if !self.node(id).chain.has(parent) {
            self.violate(Some(id), "a block goes to the host before its parent is in the chain".into());
        }
    }

    /// A header check is done.
    pub(super) fn verified(&mut self, id: NodeId, block: BlockIndex) {
        let data = self.blocks.get(block);
        let (hash, due) = (data.hash, later(data.sealed_at, self.setup.skew(id)));
        let verdict = match data.flaw {
            Flaw::Header | Flaw::Phantom => Verdict::Invalid,
            Flaw::None | Flaw::Body if due > self.now => Verdict::Future { wait: due.since(self.now) },
            Flaw::None | Flaw::Body => Verdict::Valid,
        };
        let _ = self.tell(id, Input::Verdict { hash, verdict });
    }

    fn import(&mut self, id: NodeId, block: BlockIndex) {
        self.parent_is_here(id, block);
        if self.node(id).importing.contains(&block) {
            self.violate(Some(id), "the same block goes to import twice at once".into());
        }
        let span = self.scenario.chain.import.nanos();
        let now = self.now;
        let node = self.node_mut(id);
        node.importing.push(block);
        node.import_free = later(node.import_free.max(now), span);
        let (at, life) = (node.import_free, node.life);
        self.ingress_mut(id).newest = block;
        self.queue.push(at, WorldEvent::Imported { node: id, life, block });
    }

    /// An import is done.
    pub(super) fn imported(&mut self, id: NodeId, block: BlockIndex) {
        self.node_mut(id).importing.retain(|it| *it != block);
        let data = self.blocks.get(block);
        let (hash, number, flaw) = (data.hash, data.number, data.flaw);
        let verdict = match flaw {
            Flaw::Body | Flaw::Phantom | Flaw::Header => Verdict::Invalid,
            Flaw::None if self.fails_here(id, block) => Verdict::LocalFault,
            Flaw::None => Verdict::Valid,
        };
        let came_in = verdict == Verdict::Valid;
        if came_in {
            self.take_in(id, block);
        } else {
            self.forget_newest(id);
        }
        let _ = self.tell(id, Input::Imported { hash, verdict });
        if came_in {
            let _ = self.tell(id, Input::ChainAdvanced { blocks: vec![(hash, number)] });
        }
    }

    /// Whether this import fails by the node's own fault.
    fn fails_here(&self, id: NodeId, block: BlockIndex) -> bool {
        let share = self.scenario.chain.local_fault;
        let key = u64::from(id.0) << 32 | u64::from(block.0);
        let spared = self.setup.is_spared(id, self.now);
        !spared && share > 0.0 && draw::chance(self.draw(Concern::Fault, key, self.now.as_nanos()), share)
    }

    /// A block comes into a node's chain.
    pub(super) fn take_in(&mut self, id: NodeId, block: BlockIndex) {
        self.hand_in_postponed(id);
        let data = std::sync::Arc::clone(self.blocks.get(block));
        let Some(node) = self.nodes.get_mut(id.index()) else { return };
        if node.chain.has(block) {
            return;
        }
        let before = node.chain.head();
        let change = node.chain.insert(&data, &self.blocks);
        self.ingress_mut(id).newest = block;
        let honest = self.ingress(id).hostile.is_none();
        self.recorder.imported(self.now, id, &data);
        if honest && change != HeadChange::None {
            self.recorder.head_moved(before, block, change);
        }
    }

    fn relay(&mut self, id: NodeId, block: BlockIndex, peers: &[PeerId]) {
        self.spread(id, peers, SimMessage::Push { header: block, body: block });
    }

    fn announce(&mut self, id: NodeId, hash: &herald_fetcher::BlockHash, peers: &[PeerId]) {
        let Some(block) = self.named(id, hash) else { return };
        if !self.node(id).chain.has(block) {
            return self.violate(Some(id), "a block is announced before it is in the chain".into());
        }
        let number = self.blocks.get(block).number;
        self.spread(id, peers, SimMessage::Announce { block, number });
    }

    /// Sends a message to several peers; a hostile node may keep it from some.
    fn spread(&mut self, id: NodeId, peers: &[PeerId], message: SimMessage) {
        let hostile = self.ingress(id).hostile.is_some();
        let prepared = self.prepare(message);
        for &peer in peers {
            if !hostile || self.spreads_honestly(id, peer) {
                self.send_prepared(peer, prepared);
            }
        }
    }

    /// A machine blames a peer: whether that one goes for it.
    fn penalised(&mut self, id: NodeId, peer: PeerId, reason: Reason) -> bool {
        let culprit = self.route(peer).to;
        if self.ingress(id).hostile.is_none() {
            self.recorder.penalised(culprit, reason);
            let innocent = self.ingress(culprit).hostile.is_none();
            if innocent && self.scenario.assertions.no_honest_penalised && !reason.befalls_honest_peers() {
                let what = format!("honest node {} is blamed for {}", culprit.0, reason.label());
                self.violate(Some(id), what);
            }
        }
        match M::ON_PENALTY {
            OnPenalty::Disconnect => true,
            OnPenalty::Score => self.scores.add(self.now, peer, reason) == PenaltyOutcome::Disconnect,
        }
    }

    /// Ends a connection for good, from this side. One that has ended already is not made again.
    pub(super) fn disconnect(&mut self, peer: PeerId) {
        match self.near_end(peer).state {
            LinkState::Up => {
                self.close_far_end(peer);
                self.hang_up(peer, LinkState::Banned);
            }
            LinkState::Down => self.near_end_mut(peer).state = LinkState::Banned,
            LinkState::Banned => {}
        }
    }
}
