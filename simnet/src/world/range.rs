//! Catching up: a plain range sync, for what announcements cannot bring.
//!
//! As in a real host, the fetcher is for blocks near the head. A node that was away, or on the small
//! side of a partition, asks a peer that claims a better head for the blocks in between.

use std::collections::VecDeque;

use herald_fetcher::{Input, Outcome, Time};

use crate::model::block::{BlockIndex, Flaw, PeerId};
use crate::model::chain::NodeId;
use crate::policy::Machine;

use super::World;
use super::event::{SimMessage, WorldEvent};
use super::net::later;

/// Blocks in one reply.
const RANGE_MAX: usize = 64;
/// How long after a sign that it is behind a node looks again; geth's `forceSyncCycle`.
const PATIENCE: core::time::Duration = core::time::Duration::from_secs(10);

/// What a node does to catch up.
#[derive(Debug)]
pub(crate) struct Catching {
    /// Who claims what, the latest last; few.
    claims: VecDeque<(PeerId, BlockIndex)>,
    /// Who has been asked, and when that was.
    asked: Option<(PeerId, Time)>,
    /// Blocks of a reply that are still to be imported.
    left: usize,
    /// Whether the reply was full, so that there is more.
    more: bool,
}

/// Claims that a node remembers.
const CLAIMS_MAX: usize = 8;

impl<M: Machine> World<'_, M> {
    /// A peer's greeting: its head may be better than ours.
    pub(super) fn greeted(&mut self, id: NodeId, peer: PeerId, head: BlockIndex) {
        let node = self.node(id);
        let (theirs, ours) = (self.blocks.get(head), self.blocks.get(node.chain.head()));
        if node.chain.has(head) || !theirs.beats(ours) {
            return;
        }
        if theirs.number > ours.number + 1 {
            self.claim(id, peer, head);
            self.ask_range(id, peer);
        } else {
            let input = Input::Announced { peer, hash: theirs.hash, number: theirs.number };
            match self.tell(id, input) {
                Outcome::Admission(admission) => self.recorder.admitted(admission),
                Outcome::Done | Outcome::Connection(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {}
            }
            self.fallen_behind(id, peer, head);
        }
    }

    /// A sign that a node is behind: if it still is after a while, it asks.
    pub(super) fn fallen_behind(&mut self, id: NodeId, peer: PeerId, block: BlockIndex) {
        if self.claim(id, peer, block) {
            let life = self.node(id).life;
            self.queue.push(self.now.after(PATIENCE), WorldEvent::CatchUp { node: id, life });
        }
    }

    /// Remembers a claim; whether it is the first.
    fn claim(&mut self, id: NodeId, peer: PeerId, block: BlockIndex) -> bool {
        let node = self.node_mut(id);
        let first = node.catching.is_none();
        let catching = node.catching.get_or_insert_with(|| {
            Box::new(Catching { claims: VecDeque::new(), asked: None, left: 0, more: false })
        });
        catching.claims.retain(|(by, _)| *by != peer);
        if catching.claims.len() == CLAIMS_MAX {
            catching.claims.pop_front();
        }
        catching.claims.push_back((peer, block));
        first
    }

    /// Looks whether what was claimed is here by now, and asks for it if not.
    pub(super) fn catch_up(&mut self, id: NodeId) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(id.index()) else { return };
        let Some(catching) = node.catching.as_mut() else { return };
        let ours = self.blocks.get(node.chain.head());
        let chain = &node.chain;
        catching.claims.retain(|&(_, block)| {
            let theirs = self.blocks.get(block);
            !chain.has(block) && theirs.flaw == Flaw::None && theirs.number + 1 >= ours.number
        });
        if catching.asked.is_some_and(|(_, at)| now >= at.after(PATIENCE)) && catching.left == 0 {
            // No answer: the next one's turn.
            if let Some((silent, _)) = catching.asked.take() {
                catching.claims.retain(|(by, _)| *by != silent);
            }
        }
        if catching.claims.is_empty() && catching.asked.is_none() && catching.left == 0 {
            node.catching = None;
            return;
        }
        let (life, busy) = (node.life, catching.asked.is_some() || catching.left > 0);
        let next = catching.claims.back().map(|(peer, _)| *peer);
        match next {
            // It looks again by itself.
            Some(peer) if !busy => self.ask_range(id, peer),
            Some(_) | None => self.queue.push(now.after(PATIENCE), WorldEvent::CatchUp { node: id, life }),
        }
    }

    fn ask_range(&mut self, id: NodeId, peer: PeerId) {
        let now = self.now;
        let node = self.node_mut(id);
        let (head, life) = (node.chain.head(), node.life);
        let Some(catching) = node.catching.as_mut() else { return };
        if catching.asked.is_some() || catching.left > 0 {
            return;
        }
        catching.asked = Some((peer, now));
        self.queue.push(now.after(PATIENCE), WorldEvent::CatchUp { node: id, life });
        self.send(peer, SimMessage::GetRange { head });
    }

    /// Answers with what follows after the last block that both have.
    pub(super) fn serve_range(&mut self, id: NodeId, peer: PeerId, theirs: BlockIndex) {
        let mut branch = Vec::new();
        let (mut ours, mut theirs) = (self.node(id).chain.head(), theirs);
        while ours != theirs {
            if self.blocks.get(ours).number >= self.blocks.get(theirs).number {
                branch.push(ours);
                ours = self.blocks.get(ours).parent;
            } else {
                theirs = self.blocks.get(theirs).parent;
            }
        }
        branch.reverse();
        branch.truncate(RANGE_MAX);
        let list = self.lists.add(branch);
        self.send(peer, SimMessage::Range { list });
    }

    /// A range has come: its blocks are imported one after the other.
    pub(super) fn range_arrived(&mut self, id: NodeId, peer: PeerId, list: u32) {
        let range = self.lists.take(list);
        let (now, span) = (self.now, self.scenario.chain.import.nanos());
        let Some(node) = self.nodes.get_mut(id.index()) else { return };
        let life = node.life;
        let Some(catching) = node.catching.as_mut() else { return };
        if catching.asked.is_none_or(|(asked, _)| asked != peer) {
            return;
        }
        catching.asked = None;
        catching.left = range.len();
        catching.more = range.len() == RANGE_MAX;
        if !catching.more {
            // That is all it has.
            catching.claims.retain(|(by, _)| *by != peer);
        }
        for block in range {
            node.import_free = later(node.import_free.max(now), span);
            self.queue.push(node.import_free, WorldEvent::RangeImported { node: id, life, block });
        }
    }

    /// One block of a range is through the import.
    pub(super) fn range_imported(&mut self, id: NodeId, block: BlockIndex) {
        let data = self.blocks.get(block);
        let (hash, number, parent, sound) = (data.hash, data.number, data.parent, data.flaw == Flaw::None);
        let here = self.node(id).chain.has(block);
        if sound && !here && self.node(id).chain.has(parent) {
            self.take_in(id, block);
            let _ = self.tell(id, Input::ChainAdvanced { blocks: vec![(hash, number)] });
        }
        let Some(catching) = self.node_mut(id).catching.as_mut() else { return };
        catching.left = catching.left.saturating_sub(1);
        if catching.left == 0 && catching.more {
            catching.more = false;
            if let Some(&(peer, _)) = catching.claims.back() {
                self.ask_range(id, peer);
            }
        }
    }

    /// Whom a node has asked for a range is gone.
    pub(super) fn peer_of_range_gone(&mut self, id: NodeId, peer: PeerId) {
        if let Some(catching) = self.node_mut(id).catching.as_mut() {
            catching.claims.retain(|(by, _)| *by != peer);
            catching.asked = catching.asked.take_if(|(asked, _)| *asked != peer);
        }
    }
}
