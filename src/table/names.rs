//! Peers' places by their names, and which places are taken.

use core::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use slab::Slab;

use crate::known::Holders;

use super::{Peer, PeerSlot, Presence, Slots};

/// So many names are looked through one by one.
///
/// In a host of many fetchers, finding a peer is most of what an announcement costs: a list of 25
/// short names takes one or two lines of memory, a hash table and the name beyond it three, one
/// after another.
const FEW: u32 = 32;

#[derive(Debug)]
pub(crate) enum Names<P> {
    /// A list by place, and a bit for each place that is taken; what the list has for the others is
    /// the last that had it, or anything.
    Few { here: u64, list: Vec<P> },
    /// A hash table; for good, once there were many, or a place beyond the bits.
    Many(HashTable<PeerSlot>),
}

impl<P: Clone + Eq + Hash> Names<P> {
    pub(crate) const fn new() -> Self {
        Self::Few { here: 0, list: Vec::new() }
    }

    pub(crate) fn find(&self, name: &P, peers: &Slab<Peer<P>>, hasher: &FixedState) -> Option<PeerSlot> {
        match self {
            Self::Few { here, list } => {
                let is_it = |&(place, other): &(usize, &P)| other == name && here >> place & 1 == 1;
                list.iter().enumerate().find(is_it).map(|(place, _)| PeerSlot::new(place))
            }
            Self::Many(table) => {
                let same = |slot: &PeerSlot| peers.get(slot.index()).is_some_and(|peer| peer.id == *name);
                table.find(hasher.hash_one(name), same).copied()
            }
        }
    }

    /// The name of a connected peer.
    pub(crate) fn name<'a>(&'a self, slot: PeerSlot, peers: &'a Slab<Peer<P>>) -> Option<&'a P> {
        match self {
            Self::Few { list, .. } => list.get(slot.index()),
            Self::Many(_) => peers.get(slot.index()).map(|peer| &peer.id),
        }
    }

    /// The connected peers that are not among the `holders`, in the order of their places.
    pub(crate) fn others(&self, holders: Holders<'_>, peers: &Slab<Peer<P>>) -> Slots {
        match self {
            Self::Few { here, .. } => places(here & !holders.first()).collect(),
            // Only connected peers hold blocks; that all do is the usual end of one.
            Self::Many(table) if holders.count() >= table.len() => Slots::new(),
            Self::Many(_) => {
                let lacks = |(place, peer): &(usize, &Peer<P>)| {
                    peer.presence == Presence::Here && !holders.has(PeerSlot::new(*place))
                };
                peers.iter().filter(lacks).map(|(place, _)| PeerSlot::new(place)).collect()
            }
        }
    }

    /// Adds a peer that has its place already.
    pub(crate) fn insert(&mut self, name: P, slot: PeerSlot, peers: &Slab<Peer<P>>, hasher: &FixedState) {
        let key = |slot: &PeerSlot| peers.get(slot.index()).map_or(0, |peer| hasher.hash_one(&peer.id));
        let place = slot.index();
        match self {
            Self::Few { here, list } if here.count_ones() < FEW && place < u64::BITS as usize => {
                if place >= list.len() {
                    list.reserve_exact(place + 1 - list.len());
                    list.resize(place + 1, name.clone());
                }
                if let Some(other) = list.get_mut(place) {
                    *other = name;
                }
                *here |= 1 << place;
            }
            Self::Few { here, .. } => {
                let mut table = HashTable::with_capacity(here.count_ones() as usize + 1);
                for slot in places(*here).chain([slot]) {
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
            Self::Few { here, .. } => *here &= !(1 << slot.index()),
            Self::Many(table) => {
                if let Ok(found) = table.find_entry(hasher.hash_one(name), |other| *other == slot) {
                    found.remove();
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few { here, .. } => here.count_ones() as usize,
            Self::Many(table) => table.len(),
        }
    }

    /// What one name takes in the list.
    pub(crate) const FEW_BYTES: usize = size_of::<P>();

    pub(crate) fn allocated_bytes(&self) -> usize {
        match self {
            Self::Few { list, .. } => list.capacity() * Self::FEW_BYTES,
            Self::Many(table) => table.allocation_size(),
        }
    }
}

/// The places whose bits are set, in order.
fn places(mut bits: u64) -> impl Iterator<Item = PeerSlot> {
    core::iter::from_fn(move || {
        let place = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(PeerSlot::new(place as usize))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map, with few and with many.
        #[test]
        fn agrees_with_a_map(operations in prop::collection::vec((0..80_u32, 0..3_u8), 0..300)) {
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
                for name in 0..80 {
                    let slot = names.find(&name, &peers, &hasher);
                    prop_assert_eq!(slot, model.get(&name).copied());
                    let found = slot.and_then(|slot| names.name(slot, &peers));
                    prop_assert_eq!(found, model.get_key_value(&name).map(|(name, _)| name));
                }
                let mut all: Vec<_> = model.values().copied().collect();
                all.sort_unstable();
                prop_assert_eq!(names.others(Holders::default(), &peers).to_vec(), all.clone());
                let odd = |slot: &&PeerSlot| slot.index() % 2 == 1;
                let bits = all.iter().filter(odd).fold(0_u128, |bits, slot| bits | 1 << slot.index());
                let (first, more) = (bits as u64, [(bits >> 64) as u64]);
                all.retain(|slot| slot.index() % 2 == 0);
                prop_assert_eq!(names.others(Holders::new(first, &more), &peers).to_vec(), all);
            }
        }
    }
}
