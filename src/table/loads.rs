//! What is in flight for each peer. At rest there is none of it.

use super::PeerSlot;
use super::list::Ends;
use super::small::SmallTable;
use crate::ids::ClaimId;

/// What is held and asked for one peer, against its limits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    /// Bytes held for it.
    pub(crate) bytes: u64,
    /// Its claims, of every origin.
    pub(crate) claims: Ends<ClaimId>,
    /// Its claims but those of pushed blocks.
    pub(crate) announced: u32,
    /// Whole blocks held for it.
    pub(crate) blocks: u32,
    /// Requests in flight at it.
    pub(crate) requests: u32,
    /// Entries above the window that it caused.
    pub(crate) deferred: u32,
}

type LoadTable = SmallTable<(PeerSlot, Load), 8>;

/// The loads. A peer that is not among them has none.
///
/// One block concerns some five peers of a node's dozens: a list by slot would mostly be zeros, and
/// writing those, for each block in each of a host's many fetchers, costs more than looking.
#[derive(Debug)]
pub(crate) struct Loads(LoadTable);

impl Loads {
    /// The most that the load of one peer takes.
    pub(crate) const ITEM_BYTES: usize = LoadTable::ITEM_BYTES;

    pub(crate) fn new() -> Self {
        Self(LoadTable::new())
    }

    pub(crate) fn of(&self, slot: PeerSlot) -> Load {
        let found = self.0.find(|| hash(slot), |(other, _)| *other == slot);
        found.map(|(_, load)| *load).unwrap_or_default()
    }

    pub(crate) fn of_mut(&mut self, slot: PeerSlot) -> &mut Load {
        let new = (slot, Load::default());
        &mut self.0.find_or_insert(new, |(slot, _)| hash(*slot), |a, b| a.0 == b.0).1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Load> {
        self.0.iter().map(|(_, load)| load)
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.0.allocated_bytes()
    }
}

/// Slots are given out from the lowest, and by us: to spread them over the word is enough.
fn hash(slot: PeerSlot) -> u64 {
    (slot.index() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
