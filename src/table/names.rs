//! Peers' names: which slot a name has, and which name a slot.

use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;

use crate::known::Holders;

use super::small::SmallTable;
use super::{PeerSlot, Slots};

/// The names of the connected peers.
///
/// They stand apart from what else is kept of a peer: finding one is most of what an announcement costs
/// in a host of many fetchers, and so a few dozens of short names take two lines of the cache.
#[derive(Debug)]
pub(crate) struct Names<P> {
    connected: SmallTable<PeerSlot, 32>,
    /// By slot. What stands here for a slot that is not connected is the last that was, or anything.
    by_slot: Vec<P>,
}

impl<P: Clone + Eq + Hash> Names<P> {
    pub(crate) fn new() -> Self {
        Self { connected: SmallTable::new(), by_slot: Vec::new() }
    }

    pub(crate) fn find(&self, name: &P, hasher: &FixedState) -> Option<PeerSlot> {
        let is = |slot: &PeerSlot| self.name(*slot) == Some(name);
        self.connected.find(|| hasher.hash_one(name), is).copied()
    }

    /// The name that was last given this slot.
    pub(crate) fn name(&self, slot: PeerSlot) -> Option<&P> {
        self.by_slot.get(slot.index())
    }

    /// The connected peers that are not among the `holders`, in the order of their slots.
    pub(crate) fn others(&self, holders: Holders<'_>) -> Slots {
        // Only connected peers hold blocks; that all do is the usual end of one.
        if holders.count() >= self.connected.len() {
            return Slots::new();
        }
        let mut others: Slots = self.connected.iter().copied().filter(|slot| !holders.has(*slot)).collect();
        others.sort_unstable();
        others
    }

    /// Adds a peer, whose name is not there yet.
    pub(crate) fn insert(&mut self, name: P, slot: PeerSlot, hasher: &FixedState) {
        let at = slot.index();
        if at >= self.by_slot.len() {
            // By little rather than by doubling: peers are few, and seldom come.
            self.by_slot.reserve_exact(at + 1 - self.by_slot.len());
            self.by_slot.resize(at + 1, name.clone());
        }
        if let Some(place) = self.by_slot.get_mut(at) {
            *place = name;
        }
        let hash = |slot: &PeerSlot| self.by_slot.get(slot.index()).map_or(0, |name| hasher.hash_one(name));
        self.connected.insert(slot, hash);
    }

    pub(crate) fn remove(&mut self, slot: PeerSlot, hasher: &FixedState) {
        let Some(name) = self.by_slot.get(slot.index()) else { return };
        self.connected.remove(|| hasher.hash_one(name), |other| *other == slot);
    }

    pub(crate) fn len(&self) -> usize {
        self.connected.len()
    }

    /// The most that one name takes.
    pub(crate) const ITEM_BYTES: usize = size_of::<P>() + SmallTable::<PeerSlot, 32>::ITEM_BYTES;

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.by_slot.capacity() * size_of::<P>() + self.connected.allocated_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use slab::Slab;

    use super::*;

    proptest! {
        /// Against a map, with few and with many.
        #[test]
        fn agrees_with_a_map(operations in prop::collection::vec((0..80_u32, 0..3_u8), 0..300)) {
            let hasher = FixedState::with_seed(1);
            let (mut names, mut slots) = (Names::new(), Slab::new());
            let mut model: BTreeMap<u32, PeerSlot> = BTreeMap::new();
            for (name, operation) in operations {
                if operation > 0 && !model.contains_key(&name) {
                    let slot = PeerSlot::new(slots.insert(()));
                    names.insert(name, slot, &hasher);
                    model.insert(name, slot);
                } else if operation == 0 && let Some(slot) = model.remove(&name) {
                    names.remove(slot, &hasher);
                    slots.remove(slot.index());
                }
                prop_assert_eq!(names.len(), model.len());
                for name in 0..80 {
                    let slot = names.find(&name, &hasher);
                    prop_assert_eq!(slot, model.get(&name).copied());
                    let found = slot.and_then(|slot| names.name(slot));
                    prop_assert_eq!(found, model.get_key_value(&name).map(|(name, _)| name));
                }
                let mut all: Vec<_> = model.values().copied().collect();
                all.sort_unstable();
                prop_assert_eq!(names.others(Holders::default()).to_vec(), all.clone());
                let odd = |slot: &&PeerSlot| slot.index() % 2 == 1;
                let bits = all.iter().filter(odd).fold(0_u128, |bits, slot| bits | 1 << slot.index());
                let (first, more) = (bits as u64, [(bits >> 64) as u64]);
                all.retain(|slot| slot.index() % 2 == 0);
                prop_assert_eq!(names.others(Holders::new(first, &more)).to_vec(), all);
            }
        }
    }
}
