//! What the table takes, and when it gives it back.

use alloy_primitives::B256;

use crate::types::{BlockNumber, Types};

use super::alarms::Alarms;
use super::claims::slab_entry;
use super::loads::Loads;
use super::names::Names;
use super::requests::Requests;
use super::siblings::Siblings;
use super::work::ByHash;
use super::{Claim, Entry, EntryId, Peer, PeerSlot, Round, Stage, Table, Work};

/// Capacities up to this many entries are not worth keeping: growing them again costs less than
/// finding them outside the caches.
const QUIET_ENTRIES: usize = 64;

impl<T: Types> Table<T> {
    /// Nothing is followed: gives memory back, but for that of a burst that was used since the last
    /// such moment.
    pub(super) fn release(&mut self) {
        let Some(work) = self.work.as_mut().filter(|work| work.entries.is_empty()) else { return };
        debug_assert!(work.requests.is_empty(), "a request ends before the last of its entries");
        let (busiest, capacity) = (core::mem::take(&mut work.busiest), work.entries.capacity());
        if capacity <= QUIET_ENTRIES || busiest * 4 <= capacity {
            self.work = None;
        }
    }

    /// Bytes allocated for the peers' names and measurements.
    pub(crate) fn peer_bytes(&self) -> usize {
        let peers = self.peers.capacity() * size_of::<slab_entry::Sized<Peer<T::PeerId>>>();
        peers + self.names.allocated_bytes()
    }

    /// Bytes allocated for what is followed, the held headers and bodies not counted.
    pub(crate) fn work_bytes(&self) -> usize {
        let Some(work) = &self.work else { return 0 };
        let entries = work.entries.capacity() * size_of::<slab_entry::Sized<Entry<T>>>();
        let siblings = work.by_parent.allocated_bytes() + work.by_body.allocated_bytes();
        let ordered = (work.by_number.len() + work.ready.len()) * ORDERED_ITEM_BYTES;
        let parts = work.claims.allocated_bytes()
            + work.alarms.allocated_bytes()
            + work.requests.allocated_bytes()
            + work.loads.allocated_bytes();
        let rounds: usize = work.entries.iter().map(|(_, entry)| round_bytes(&entry.stage)).sum();
        let by_hash = work.by_hash.allocated_bytes();
        let relieved = work.relieved_peers.capacity() * size_of::<PeerSlot>();
        size_of::<Work<T>>() + entries + by_hash + siblings + ordered + parts + relieved + rounds
    }

    /// The most that one item of each kind takes, with its part of every index, in a structure that
    /// is full to a power of two.
    pub(crate) fn item_sizes() -> ItemSizes {
        let entry = size_of::<slab_entry::Sized<Entry<T>>>()
            + ByHash::ITEM_BYTES
            + Alarms::ENTRY_BYTES
            + Siblings::<B256>::LIST_BYTES
            + Siblings::<T::Commitment>::LIST_BYTES
            // One request for several bodies at most; all others are for it alone.
            + Requests::ENTRY_BYTES
            + 2 * ORDERED_ITEM_BYTES;
        let peer = size_of::<slab_entry::Sized<Peer<T::PeerId>>>()
            + Loads::ITEM_BYTES
            // In the list of those of which a limit gave way.
            + size_of::<PeerSlot>()
            + Names::<T::PeerId>::ITEM_BYTES;
        ItemSizes {
            entry: entry as u64,
            claim: size_of::<slab_entry::Sized<Claim>>() as u64,
            // With its place in the list of the entry that it is for.
            request: (Requests::ITEM_BYTES + Round::REQUEST_BYTES) as u64,
            peer: peer as u64,
            fixed: size_of::<Work<T>>() as u64,
        }
    }
}

/// What an entry's list of requests takes outside of it.
fn round_bytes<T: Types>(stage: &Stage<T>) -> usize {
    match stage {
        Stage::Fetching { round, .. } | Stage::Completing { round, .. } => round.allocated_bytes(),
        Stage::Announced(_) | Stage::Fetched { .. } | Stage::Queued { .. } | Stage::Importing { .. } => 0,
    }
}

/// Bytes of one item of each kind; see [`Table::item_sizes`].
pub(crate) struct ItemSizes {
    pub(crate) entry: u64,
    pub(crate) claim: u64,
    pub(crate) request: u64,
    pub(crate) peer: u64,
    /// Whatever is followed.
    pub(crate) fixed: u64,
}

/// What one item of a B-tree set of numbers takes at most: nodes are at least half full except the
/// root, and hold eleven.
const ORDERED_ITEM_BYTES: usize = 2 * size_of::<(BlockNumber, EntryId)>() + 24;
