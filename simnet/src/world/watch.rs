//! Predicates over what a machine ends, for runs that check: was there really nobody left to ask, and
//! was there really something to wait for?

use std::collections::{BTreeMap, BTreeSet};

use herald::{Admission, End, Event, StageName};

use crate::model::block::{BlockId, PeerId};
use crate::model::chain::NodeId;
use crate::policy::Machine;
use crate::scenario::Policy;

use super::World;

/// What each node follows.
#[derive(Debug, Default)]
pub(crate) struct Watch(BTreeMap<(NodeId, BlockId), Followed>);

/// One hash at one node.
#[derive(Debug, Default)]
struct Followed {
    /// Honest peers that announced it and were never asked for it.
    unasked: BTreeSet<PeerId>,
    asked: BTreeSet<PeerId>,
    /// Where it is.
    stage: Option<StageName>,
}

impl<M: Machine> World<'_, M> {
    /// Whether ends are watched: geth's model breaks these predicates, as geth does.
    fn watches(&self) -> bool {
        self.scenario.check_stride > 0 && self.policy != Policy::GethModel
    }

    /// A node took a peer's announcement.
    pub(super) fn watch_announced(&mut self, id: NodeId, peer: PeerId, block: BlockId, admission: Admission) {
        let honest = self.gate(self.route(peer).to).hostile.is_none();
        if self.watches() && honest && admission.is_taken() {
            let Some(followed) = self.watch.0.get_mut(&(id, block)) else { return };
            if !followed.asked.contains(&peer) {
                followed.unasked.insert(peer);
            }
        }
    }

    /// A node asks a peer.
    pub(super) fn watch_asked(&mut self, id: NodeId, peer: PeerId, block: BlockId) {
        if let Some(followed) = self.watch.0.get_mut(&(id, block)) {
            followed.unasked.remove(&peer);
            followed.asked.insert(peer);
        }
    }

    /// A peer of a node is gone, or the node starts anew: what it said counts no more.
    pub(super) fn watch_gone(&mut self, id: NodeId, peer: PeerId) {
        if !self.watches() {
            return;
        }
        let range = (id, BlockId(0))..=(id, BlockId(u32::MAX));
        for (_, followed) in self.watch.0.range_mut(range) {
            followed.unasked.remove(&peer);
        }
    }

    /// A machine tells of a step.
    pub(super) fn watch_event(&mut self, id: NodeId, event: &Event<PeerId>) {
        if !self.watches() {
            return;
        }
        let (Event::Entered { hash, .. } | Event::Ended { hash, .. }) = event;
        let Some(block) = self.blocks.find(hash) else { return };
        let end = match event {
            Event::Entered { stage, .. } => {
                self.watch.0.entry((id, block)).or_default().stage = Some(*stage);
                return;
            }
            Event::Ended { end, .. } => end,
        };
        let Followed { unasked, stage, .. } = self.watch.0.remove(&(id, block)).unwrap_or_default();
        match end {
            // Above the window nobody is asked yet, and each peer keeps only so many hashes for later.
            End::NobodyLeft if !unasked.is_empty() && !self.is_above_window(id, block) => {
                self.violate(Some(id), "nobody was left to ask, but an honest announcer never was".into());
            }
            End::Expired if stage == Some(StageName::Queued) && self.could_have_gone_on(id, block) => {
                let what = "a block's life ended while it was whole, its parent here and a turn free";
                self.violate(Some(id), what.into());
            }
            End::NobodyLeft
            | End::Expired
            | End::Imported
            | End::InChain
            | End::Passed
            | End::Invalid
            | End::TooFarInFuture
            | End::NoRoom
            | End::LocalFault
            | End::Shutdown => {}
        }
    }

    fn is_above_window(&self, id: NodeId, block: BlockId) -> bool {
        self.blocks.get(block).number > self.node(id).chain.head_number() + self.config.window_above
    }

    /// Whether a whole block waited for nothing.
    fn could_have_gone_on(&self, id: NodeId, block: BlockId) -> bool {
        let data = self.blocks.get(block);
        let node = self.node(id);
        let head = node.chain.head_number();
        let within = data.number + self.config.window_below >= head
            && data.number <= head + self.config.window_above
            && (self.scenario.chain.finality_depth == 0
                || data.number + self.scenario.chain.finality_depth > head);
        let due = super::net::later(data.sealed_at, self.setup.skew(id)) <= self.now;
        let range = (id, BlockId(0))..=(id, BlockId(u32::MAX));
        let with_host =
            self.watch.0.range(range).filter(|(_, other)| other.stage == Some(StageName::Importing)).count();
        let turn = with_host < self.config.importing as usize;
        within && due && node.chain.has(data.parent) && turn
    }
}
