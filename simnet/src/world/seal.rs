//! Sealing: each slot of the schedule becomes a block on its sealer's head.

use alloy_primitives::B256;
use herald_fetcher::{BlockHash, Input};

use crate::engine::{Concern, Seed};
use crate::model::block::{BlockData, BlockIndex, Flaw};
use crate::model::chain::NodeId;
use crate::policy::Machine;
use crate::scenario::AdversaryKind;

use super::World;
use super::event::SimMessage;

/// The hash of a block: of its slot and which of several it is, never of its parent, so that the same
/// slot has the same hash under every policy.
pub(crate) fn hash_of(seed: Seed, slot: u64, variant: u64) -> BlockHash {
    let mut hash = B256::ZERO;
    for (at, word) in hash.0.chunks_exact_mut(8).enumerate() {
        let key = variant << 8 | at as u64;
        word.copy_from_slice(&seed.draw(Concern::Hash, slot, key).to_le_bytes());
    }
    hash
}

/// How deep a secret branch forks off, and by how much it is heavier in the end.
const SECRET_DEPTH: u64 = 3;

impl<M: Machine> World<'_, M> {
    /// A slot has come; the sealer's node, where it is there.
    pub(super) fn seal(&mut self, slot: u32) -> Option<NodeId> {
        let planned = *self.setup.schedule.slots.get(slot as usize)?;
        if slot == self.scenario.chain.warm_up {
            self.recorder.begin_measuring();
        }
        let sealer = planned.sealer;
        if !self.ingress(sealer).online {
            return None;
        }
        let parent = self.node(sealer).chain.head();
        match self.kind_of(sealer) {
            Some(AdversaryKind::Equivocate) => self.equivocate(sealer, slot, parent),
            Some(AdversaryKind::SecretBranch) => self.release_branch(sealer, slot, parent),
            Some(AdversaryKind::InvalidBlocks) => {
                let flaw = if slot.is_multiple_of(2) { Flaw::Header } else { Flaw::Body };
                let block = self.make(sealer, slot, 0, parent, flaw);
                let number = self.blocks.get(block).number;
                // Whoever pushes vouches for the header alone; whoever is asked answers for the body.
                let announces = slot % 4 == 3;
                // What stands on an invalid block is sent first, so that it waits for its parent.
                let child = self.make(sealer, slot, 1, block, Flaw::Header);
                for peer in self.node(sealer).links() {
                    if announces {
                        self.send(peer, SimMessage::Announce { block, number });
                    } else {
                        self.send(peer, SimMessage::Push { header: child, body: child });
                        self.send(peer, SimMessage::Push { header: block, body: block });
                    }
                }
            }
            Some(
                AdversaryKind::WithholdHeader
                | AdversaryKind::WithholdBody
                | AdversaryKind::AnswerLate
                | AdversaryKind::OtherHeader
                | AdversaryKind::OtherBody
                | AdversaryKind::WrongNumber
                | AdversaryKind::Phantoms
                | AdversaryKind::FarAway
                | AdversaryKind::Junk
                | AdversaryKind::Oversized
                | AdversaryKind::Empty
                | AdversaryKind::Eclipse
                | AdversaryKind::Replay,
            )
            | None => {
                let block = self.make(sealer, slot, 0, parent, Flaw::None);
                self.own(sealer, block);
            }
        }
        Some(sealer)
    }

    /// A block of a node's own is in its chain, and its machine tells the others.
    fn own(&mut self, sealer: NodeId, block: BlockIndex) {
        self.take_in(sealer, block);
        let block =
            herald_fetcher::Block { header: self.blocks.header(block), body: self.blocks.body(block) };
        let _ = self.tell(sealer, Input::Sealed { block });
    }

    /// Two blocks for one slot, with one body: each half of the peers is sent one of them.
    fn equivocate(&mut self, sealer: NodeId, slot: u32, parent: BlockIndex) {
        let one = self.make(sealer, slot, 0, parent, Flaw::None);
        let other = self.make(sealer, slot, 1, parent, Flaw::None);
        self.take_in(sealer, one);
        self.take_in(sealer, other);
        for (at, peer) in self.node(sealer).links().enumerate() {
            let block = if at.is_multiple_of(2) { one } else { other };
            self.send(peer, SimMessage::Push { header: block, body: block });
        }
    }

    /// A branch that was kept secret, heavier by one than what it replaces: only its tip is announced.
    fn release_branch(&mut self, sealer: NodeId, slot: u32, head: BlockIndex) {
        let mut base = head;
        for _ in 0..SECRET_DEPTH {
            base = self.blocks.get(base).parent;
        }
        let length = self.blocks.get(head).number - self.blocks.get(base).number + 1;
        for step in 0..length {
            // The last one fills the slot.
            base = self.make(sealer, slot, length - 1 - step, base, Flaw::None);
            self.take_in(sealer, base);
        }
        let number = self.blocks.get(base).number;
        for peer in self.node(sealer).links() {
            self.send(peer, SimMessage::Announce { block: base, number });
        }
    }

    /// Makes one of a slot's blocks, of the slot's size. Variant 0 is the one that fills it; all of a
    /// slot have the same body.
    fn make(
        &mut self,
        sealer: NodeId,
        slot: u32,
        variant: u64,
        parent: BlockIndex,
        flaw: Flaw,
    ) -> BlockIndex {
        let body_bytes = self.setup.schedule.slots.get(slot as usize).map_or(0, |planned| planned.body_bytes);
        let key = u64::from(slot);
        let fills = (variant == 0).then_some(slot);
        self.add_block(BlockParts { sealer, slot: fills, key, variant, parent, flaw, body_bytes })
    }

    /// Adds a block to the world.
    pub(super) fn add_block(&mut self, new: BlockParts) -> BlockIndex {
        let above = self.blocks.get(new.parent);
        let body = self.seed.draw(Concern::Hash, new.key, 1 << 63) | 1;
        let data = BlockData {
            id: BlockIndex::GENESIS,
            hash: hash_of(self.seed, new.key, new.variant),
            number: above.number + 1,
            parent: new.parent,
            parent_hash: above.hash,
            // 0 is the empty body's.
            commitment: if new.body_bytes == 0 { 0 } else { body },
            header_bytes: u32::try_from(self.scenario.wire.header.0).unwrap_or(u32::MAX),
            body_bytes: new.body_bytes,
            total_difficulty: above.total_difficulty + 1,
            sealed_at: self.now,
            sealer: new.sealer,
            flaw: new.flaw,
            slot: new.slot,
        };
        let id = self.blocks.add(data);
        if let Some(slot) = new.slot {
            self.recorder.sealed(slot, id);
        }
        id
    }
}

/// What a new block is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockParts {
    pub(crate) sealer: NodeId,
    pub(crate) slot: Option<u32>,
    /// With `variant`, of which its hash is made.
    pub(crate) key: u64,
    pub(crate) variant: u64,
    pub(crate) parent: BlockIndex,
    pub(crate) flaw: Flaw,
    pub(crate) body_bytes: u32,
}
