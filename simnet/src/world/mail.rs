//! What a machine at rest need not hear at once.
//!
//! Most of what arrives in a network that announces blocks is news of a block that the receiver has: it
//! makes the machine note who else has it, and nothing else. Such news waits here, with its time, until
//! the machine is told something that matters, and is handed in before that, in order. The machine gets
//! the same calls with the same times and comes to the same state; but it is visited once a block
//! instead of a dozen times, and with ten thousand of them each visit is to cold memory.

use herald_fetcher::{Input, Outcome, Time};

use crate::model::block::{BlockId, PeerId};
use crate::model::chain::{NodeId, View};
use crate::policy::Machine;

use super::World;

/// Beyond so many letters a machine reads them, so that no box grows.
const LETTERS_MAX: usize = 16;

/// Word of a block that the receiver has in its chain, or imports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Letter {
    at: Time,
    peer: PeerId,
    block: BlockId,
    form: Form,
}

impl Letter {
    /// Which block it is about, as a number.
    pub(crate) fn block(&self) -> u32 {
        self.block.0
    }
}

/// How a peer shows that it has a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// It says so.
    Announced,
    /// It sends it whole, with the body that is its own.
    Pushed,
}

impl<M: Machine> World<'_, M> {
    /// Puts word of a block into the letter box, if it can wait. Whether it could.
    pub(super) fn put_by(&mut self, id: NodeId, peer: PeerId, block: BlockId, form: Form) -> bool {
        let at = self.now;
        let gate = self.gate_mut(id);
        if !gate.resting || gate.newest != block {
            return false;
        }
        if gate.mail.capacity() == 0 {
            // It will be needed with each block.
            gate.mail.reserve_exact(LETTERS_MAX);
        }
        gate.mail.push(Letter { at, peer, block, form });
        if gate.mail.len() >= LETTERS_MAX {
            self.read_mail(id);
        }
        true
    }

    /// What came last has not come in: the head counts as the newest.
    pub(super) fn forget_newest(&mut self, id: NodeId) {
        let head = self.node(id).chain.head();
        self.gate_mut(id).newest = head;
    }

    /// Hands in all that waits.
    pub(super) fn read_mail(&mut self, id: NodeId) {
        if self.gate(id).mail.is_empty() {
            return;
        }
        let mut mail = core::mem::take(&mut self.gate_mut(id).mail);
        let depth = self.scenario.chain.finality_depth;
        let (Some(node), Some(machine)) = (self.nodes.get(id.index()), self.machines.get_mut(id.index()))
        else {
            unreachable!("nodes are never removed")
        };
        let view = View { chain: &node.chain, blocks: &self.blocks, finality_depth: depth };
        for Letter { at, peer, block, form } in mail.drain(..) {
            let data = self.blocks.get(block);
            let input = match form {
                Form::Announced => Input::Announced { peer, hash: data.hash, number: data.number },
                Form::Pushed => {
                    let (header, body) = (self.blocks.header(block), self.blocks.body(block));
                    Input::Pushed { peer, block: herald_fetcher::Block { header, body } }
                }
            };
            match machine.handle(at, input, &view) {
                Outcome::Admission(admission) => self.recorder.admitted(admission),
                Outcome::Done | Outcome::Connection(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {}
            }
        }
        let answered = machine.poll_output().is_some() || !machine.may_hear_late();
        self.gate_mut(id).mail = mail;
        if answered {
            self.violate(
                Some(id),
                "a machine that may hear late acts on word of a block that its node has".into(),
            );
        }
    }
}
