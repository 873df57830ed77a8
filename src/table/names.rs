//! Peers' places by their names.

use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use slab::Slab;

use super::{Peer, PeerSlot};

/// So many names are looked through one by one.
///
/// In a host of many fetchers, finding a peer is most of what an announcement costs: a list of 25
/// short names takes one visit to memory, a hash table and the name beyond it three, one after
/// another.
const FEW: usize = 32;

#[derive(Debug)]
pub(crate) enum Names<P> {
    /// A list.
    Few(Vec<(P, PeerSlot)>),
    /// A hash table; for good, once there were many.
    Many(HashTable<PeerSlot>),
}

impl<P: Clone + Eq + Hash> Names<P> {
    pub(crate) const fn new() -> Self {
        Self::Few(Vec::new())
    }

    pub(crate) fn find(&self, name: &P, peers: &Slab<Peer<P>>, hasher: &FixedState) -> Option<PeerSlot> {
        match self {
            Self::Few(list) => list.iter().find(|(other, _)| other == name).map(|&(_, slot)| slot),
            Self::Many(table) => {
                let same = |slot: &PeerSlot| peers.get(slot.index()).is_some_and(|peer| peer.id == *name);
                table.find(hasher.hash_one(name), same).copied()
            }
        }
    }

    /// Adds a peer that has its place already.
    pub(crate) fn insert(&mut self, name: P, slot: PeerSlot, peers: &Slab<Peer<P>>, hasher: &FixedState) {
        let key = |slot: &PeerSlot| peers.get(slot.index()).map_or(0, |peer| hasher.hash_one(&peer.id));
        match self {
            Self::Few(list) if list.len() < FEW => {
                list.reserve_exact(1);
                list.push((name, slot));
            }
            Self::Few(list) => {
                let mut table = HashTable::with_capacity(list.len() + 1);
                for slot in list.iter().map(|&(_, slot)| slot).chain([slot]) {
                    table.insert_unique(key(&slot), slot, key);
                }
                *self = Self::Many(table);
            }
            Self::Many(table) => {
                table.insert_unique(key(&slot), slot, key);
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &P, slot: PeerSlot, hasher: &FixedState) {
        match self {
            Self::Few(list) => list.retain(|(_, other)| *other != slot),
            Self::Many(table) => {
                if let Ok(found) = table.find_entry(hasher.hash_one(name), |other| *other == slot) {
                    found.remove();
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(list) => list.len(),
            Self::Many(table) => table.len(),
        }
    }

    /// What one name takes in the list.
    pub(crate) const FEW_BYTES: usize = size_of::<(P, PeerSlot)>();

    pub(crate) fn allocated_bytes(&self) -> usize {
        match self {
            Self::Few(list) => list.capacity() * Self::FEW_BYTES,
            Self::Many(table) => table.allocation_size(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map, with few and with many.
        #[test]
        fn agrees_with_a_map(operations in prop::collection::vec((0..60_u32, 0..3_u8), 0..300)) {
            let hasher = FixedState::with_seed(1);
            let (mut names, mut peers) = (Names::new(), Slab::new());
            let mut model: BTreeMap<u32, PeerSlot> = BTreeMap::new();
            for (name, operation) in operations {
                if operation > 0 && !model.contains_key(&name) {
                    let slot = PeerSlot::new(peers.insert(Peer::new(name)));
                    names.insert(name, slot, &peers, &hasher);
                    model.insert(name, slot);
                } else if operation == 0 && let Some(slot) = model.remove(&name) {
                    names.remove(&name, slot, &hasher);
                    peers.remove(slot.index());
                }
                prop_assert_eq!(names.len(), model.len());
                for name in 0..60 {
                    prop_assert_eq!(names.find(&name, &peers, &hasher), model.get(&name).copied());
                }
            }
        }
    }
}
