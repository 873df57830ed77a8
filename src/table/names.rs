//! The connected peers by their names.

use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::known::Holders;

use super::PeerSlot;
use super::small::SmallTable;

/// Peers with their names, without an allocation for as many as most nodes have.
pub(crate) type Named<'a, P> = SmallVec<[(PeerSlot, &'a P); 32]>;

type Items<P> = SmallTable<(P, PeerSlot), 32>;

/// The connected peers' names, each with its slot.
///
/// They stand apart from what else is kept of a peer: in a host of many fetchers, finding one is most
/// of what an announcement costs, and some dozens of short names take a few lines of the cache.
#[derive(Debug)]
pub(crate) struct Names<P>(Items<P>);

impl<P: Clone + Eq + Hash> Names<P> {
    /// The most that one name takes.
    pub(crate) const ITEM_BYTES: usize = Items::<P>::ITEM_BYTES;

    pub(crate) fn new() -> Self {
        Self(Items::new())
    }

    pub(crate) fn find(&self, name: &P, hasher: &FixedState) -> Option<PeerSlot> {
        self.0.find(|| hasher.hash_one(name), |(other, _)| other == name).map(|(_, slot)| *slot)
    }

    /// The peers that are not among the `holders`, in the order of their slots.
    pub(crate) fn others(&self, holders: Holders<'_>) -> Named<'_, P> {
        // Only connected peers hold blocks; that all do is the usual end of one.
        if holders.count() >= self.0.len() {
            return Named::new();
        }
        let lacking = self.0.iter().filter(|(_, slot)| !holders.has(*slot));
        let mut others: Named<'_, P> = lacking.map(|(name, slot)| (*slot, name)).collect();
        others.sort_unstable_by_key(|(slot, _)| *slot);
        others
    }

    /// Adds a peer, whose name is not there yet.
    pub(crate) fn insert(&mut self, name: P, slot: PeerSlot, hasher: &FixedState) {
        self.0.insert((name, slot), |(name, _)| hasher.hash_one(name));
    }

    pub(crate) fn remove(&mut self, name: &P, hasher: &FixedState) {
        self.0.remove(|| hasher.hash_one(name), |(other, _)| other == name);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.0.allocated_bytes()
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
                    names.remove(&name, &hasher);
                    slots.remove(slot.index());
                }
                prop_assert_eq!(names.len(), model.len());
                for name in 0..80 {
                    let slot = names.find(&name, &hasher);
                    prop_assert_eq!(slot, model.get(&name).copied());
                }
                let mut all: Vec<_> = model.iter().map(|(name, slot)| (*slot, name)).collect();
                all.sort_unstable();
                prop_assert_eq!(names.others(Holders::default()).to_vec(), all.clone());
                let odd = |peer: &&(PeerSlot, &u32)| peer.0.index() % 2 == 1;
                let bits = all.iter().filter(odd).fold(0_u128, |bits, peer| bits | 1 << peer.0.index());
                let (first, more) = (bits as u64, [(bits >> 64) as u64]);
                all.retain(|peer| peer.0.index() % 2 == 0);
                prop_assert_eq!(names.others(Holders::new(first, &more)).to_vec(), all);
            }
        }
    }
}
