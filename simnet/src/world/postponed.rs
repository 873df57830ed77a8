//! Inputs that are handed to a machine late.
//!
//! Most of what arrives in a network that announces blocks says that a peer has a block which the receiver
//! has too: the machine notes who has it, and does nothing else. Such inputs wait here, with their
//! times, until the machine is to be told something else, and are handed in before that, in order. The
//! machine gets the same calls with the same times and comes to the same state; but with thousands of
//! nodes each visit to a machine is to cold memory, and this makes one visit for each block instead of a
//! dozen.

use herald_fetcher::{Input, Outcome, Time};

use crate::model::block::{BlockIndex, PeerId};
use crate::model::chain::{NodeId, NodeView};
use crate::policy::Machine;

use super::World;

/// How many inputs wait at a node at most; the next one hands them all in.
const POSTPONED_MAX: usize = 16;

/// A peer shows that it has a block which the receiver has in its chain, or is importing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostponedInput {
    at: Time,
    peer: PeerId,
    block: BlockIndex,
    kind: PostponedKind,
}

impl PostponedInput {
    pub(crate) fn block(&self) -> BlockIndex {
        self.block
    }
}

/// How the peer shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostponedKind {
    /// By announcing it.
    Announced,
    /// By pushing it, with the body that belongs to its header.
    Pushed,
}

impl<M: Machine> World<'_, M> {
    /// Postpones an input where the machine's state allows it, and says whether it did.
    pub(super) fn postpone(
        &mut self,
        id: NodeId,
        peer: PeerId,
        block: BlockIndex,
        kind: PostponedKind,
    ) -> bool {
        let at = self.now;
        let ingress = self.ingress_mut(id);
        if !ingress.may_postpone || ingress.newest != block {
            return false;
        }
        if ingress.postponed.capacity() == 0 {
            // Every block fills it again.
            ingress.postponed.reserve_exact(POSTPONED_MAX);
        }
        ingress.postponed.push(PostponedInput { at, peer, block, kind });
        if ingress.postponed.len() >= POSTPONED_MAX {
            self.hand_in_postponed(id);
        }
        true
    }

    /// The newest block failed its import or is gone: the head counts as the newest.
    pub(super) fn forget_newest(&mut self, id: NodeId) {
        let head = self.node(id).chain.head();
        self.ingress_mut(id).newest = head;
    }

    /// Hands in all that was postponed at a node.
    pub(super) fn hand_in_postponed(&mut self, id: NodeId) {
        if self.ingress(id).postponed.is_empty() {
            return;
        }
        let mut postponed = core::mem::take(&mut self.ingress_mut(id).postponed);
        let depth = self.scenario.chain.finality_depth;
        let (Some(node), Some(machine)) = (self.nodes.get(id.index()), self.machines.get_mut(id.index()))
        else {
            unreachable!("nodes are never removed")
        };
        let view = NodeView { chain: &node.chain, blocks: &self.blocks, finality_depth: depth };
        for PostponedInput { at, peer, block, kind } in postponed.drain(..) {
            let data = self.blocks.get(block);
            let input = match kind {
                PostponedKind::Announced => Input::Announced { peer, hash: data.hash, number: data.number },
                PostponedKind::Pushed => {
                    let (header, body) = (self.blocks.header(block), self.blocks.body(block));
                    Input::Pushed { peer, block: herald_fetcher::Block { header, body } }
                }
            };
            match machine.handle(at, input, &view) {
                Outcome::Admission(admission) => self.recorder.admitted(admission),
                Outcome::Done | Outcome::Connection(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {}
            }
        }
        let answered = machine.poll_output().is_some() || !machine.may_postpone();
        self.ingress_mut(id).postponed = postponed;
        if answered {
            self.violate(
                Some(id),
                "a machine that lets such inputs be postponed acts on one about a block that its node has"
                    .into(),
            );
        }
    }
}
