//! Which peers have which recent block.
//!
//! A ring of the blocks in the order in which they came, and an index of positions in it, instead of an
//! `lru` cache: looking makes no block any younger, so that the order never changes, and a host of
//! many fetchers pays for each block in each of them. Ten blocks and 25 peers take 496 bytes in two
//! allocations here, and 1,152 in thirteen there; the usual question, for the newest block, is answered
//! without following a pointer.

use core::fmt;
use core::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::ids::PeerSlot;
use crate::types::BlockHash;

/// Peer slots to a word.
const WORD: usize = u64::BITS as usize;

/// The recent blocks, oldest forgotten first, each with the peers that are known to have it.
///
/// Only verified blocks come in, so that made-up hashes push none out.
pub(crate) struct KnownBlocks {
    /// A ring as soon as it has `max` of them. What it says of the newest block's peers is out of date.
    blocks: Vec<Known>,
    /// For each block, so many more words: peers beyond the first 64.
    more: Vec<u64>,
    more_each: usize,
    index: HashTable<u32>,
    hasher: FixedState,
    /// Which block is overwritten next, once the ring is full.
    oldest: u32,
    max: u32,
    /// The position of the newest block, while it is known.
    newest_id: Option<KnownId>,
    newest: Known,
}

/// A block, and of the first 64 peer slots the bits of those that have it. A block that was removed stays
/// here until its turn, but the index does not lead to it.
struct Known {
    hash: BlockHash,
    peers: u64,
}

impl Known {
    const fn new(hash: BlockHash) -> Self {
        Self { hash, peers: 0 }
    }
}

/// A known block's position in the ring; valid until the next one is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KnownId(u32);

/// Peer slots as bits: who has a block.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Holders<'a> {
    first: u64,
    more: &'a [u64],
}

impl<'a> Holders<'a> {
    pub(crate) const fn new(first: u64, more: &'a [u64]) -> Self {
        Self { first, more }
    }

    pub(crate) fn has(&self, slot: PeerSlot) -> bool {
        let (word, bit) = (slot.index() / WORD, slot.index() % WORD);
        let word = word.checked_sub(1).map_or(Some(&self.first), |at| self.more.get(at));
        word.is_some_and(|word| word >> bit & 1 == 1)
    }

    pub(crate) fn count(&self) -> usize {
        let more: u32 = self.more.iter().map(|word| word.count_ones()).sum();
        (self.first.count_ones() + more) as usize
    }
}

impl KnownBlocks {
    pub(crate) fn new(max: u32, hasher: FixedState) -> Self {
        Self {
            blocks: Vec::new(),
            more: Vec::new(),
            more_each: 0,
            index: HashTable::new(),
            hasher,
            oldest: 0,
            max,
            newest_id: None,
            newest: Known::new(BlockHash::ZERO),
        }
    }

    /// Where a block is, if it is known.
    pub(crate) fn find(&self, hash: &BlockHash) -> Option<KnownId> {
        // Nearly all that is asked for again is the newest.
        if let Some(id) = self.newest_id
            && self.newest.hash == *hash
        {
            return Some(id);
        }
        if self.index.is_empty() {
            return None;
        }
        let is_it =
            |position: u32| self.blocks.get(position as usize).is_some_and(|known| known.hash == *hash);
        self.index.find(self.key(hash), |&position| is_it(position)).map(|&position| KnownId(position))
    }

    /// Adds a block, if it is not there.
    pub(crate) fn insert(&mut self, hash: BlockHash) -> KnownId {
        if let Some(id) = self.find(&hash) {
            return id;
        }
        self.settle_newest();
        let position =
            if self.blocks.len() < self.max as usize { self.append(hash) } else { self.replace(hash) };
        let (hasher, blocks) = (&self.hasher, &self.blocks);
        let key = |&position: &u32| blocks.get(position as usize).map_or(0, |known| key(hasher, &known.hash));
        self.index.insert_unique(key(&position), position, key);
        (self.newest_id, self.newest) = (Some(KnownId(position)), Known::new(hash));
        KnownId(position)
    }

    /// Notes that a peer has a block.
    pub(crate) fn mark(&mut self, id: KnownId, slot: PeerSlot) {
        let (word, bit) = (slot.index() / WORD, 1 << (slot.index() % WORD));
        if word > self.more_each {
            self.widen(word);
        }
        if let Some(word) = self.word_mut(id, word) {
            *word |= bit;
        }
    }

    /// The peers that are known to have a block.
    pub(crate) fn holders(&self, id: KnownId) -> Holders<'_> {
        let position = id.0 as usize;
        let first = if self.newest_id == Some(id) { Some(&self.newest) } else { self.blocks.get(position) };
        let first = first.map_or(0, |known| known.peers);
        let more = position * self.more_each..(position + 1) * self.more_each;
        Holders::new(first, self.more.get(more).unwrap_or_default())
    }

    /// All known blocks, for the check.
    pub(crate) fn ids(&self) -> impl Iterator<Item = KnownId> {
        self.index.iter().map(|&position| KnownId(position))
    }

    pub(crate) fn remove(&mut self, hash: &BlockHash) {
        let Some(id) = self.find(hash) else { return };
        self.unlist(id.0, hash);
        self.newest_id = self.newest_id.filter(|newest| *newest != id);
    }

    /// Forgets a peer, so that the next one with its slot is not taken for it.
    pub(crate) fn forget_peer(&mut self, slot: PeerSlot) {
        let (word, mask) = (slot.index() / WORD, !(1 << (slot.index() % WORD)));
        match word.checked_sub(1) {
            None => {
                let all = self.blocks.iter_mut().chain([&mut self.newest]);
                all.for_each(|known| known.peers &= mask);
            }
            Some(at) if at < self.more_each => {
                self.more.iter_mut().skip(at).step_by(self.more_each).for_each(|word| *word &= mask);
            }
            Some(_) => {}
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.max, self.hasher.clone());
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<Known>()
            + self.more.capacity() * size_of::<u64>()
            + self.index.allocation_size()
    }

    /// The most that [`allocated_bytes`](Self::allocated_bytes) can be.
    pub(crate) fn bytes_max(blocks: u32, slots: u32) -> u64 {
        let (blocks, words) = (u64::from(blocks), u64::from(slots).div_ceil(WORD as u64));
        // The index is filled to 7/8, and then doubled; each slot has a control byte.
        let index = (blocks * 8).div_ceil(7).next_power_of_two().max(4) * (size_of::<u32>() as u64 + 1) + 32;
        blocks * (size_of::<BlockHash>() as u64 + words * size_of::<u64>() as u64) + index
    }

    fn append(&mut self, hash: BlockHash) -> u32 {
        if self.blocks.len() == self.blocks.capacity() {
            // By little rather than by doubling: blocks seldom come.
            let additional = (self.blocks.len() / 16).max(2).min(self.max as usize - self.blocks.len());
            self.blocks.reserve_exact(additional);
            self.more.reserve_exact(additional * self.more_each);
        }
        self.blocks.push(Known::new(hash));
        self.more.resize(self.blocks.len() * self.more_each, 0);
        // The configured maximum has 32 bits.
        self.blocks.len() as u32 - 1
    }

    fn replace(&mut self, hash: BlockHash) -> u32 {
        let position = self.oldest;
        self.oldest = (position + 1) % self.max;
        if let Some(old) = self.blocks.get(position as usize).map(|known| known.hash) {
            self.unlist(position, &old);
        }
        for word in 0..=self.more_each {
            if let Some(word) = self.word_mut(KnownId(position), word) {
                *word = 0;
            }
        }
        if let Some(known) = self.blocks.get_mut(position as usize) {
            known.hash = hash;
        }
        position
    }

    /// The newest block is about to be one among the others.
    fn settle_newest(&mut self) {
        if let Some(KnownId(position)) = self.newest_id.take()
            && let Some(known) = self.blocks.get_mut(position as usize)
        {
            known.peers = self.newest.peers;
        }
    }

    fn unlist(&mut self, position: u32, hash: &BlockHash) {
        if let Ok(found) = self.index.find_entry(self.key(hash), |&other| other == position) {
            found.remove();
        }
    }

    fn word_mut(&mut self, id: KnownId, word: usize) -> Option<&mut u64> {
        match word.checked_sub(1) {
            None if self.newest_id == Some(id) => Some(&mut self.newest.peers),
            None => self.blocks.get_mut(id.0 as usize).map(|known| &mut known.peers),
            Some(at) => self.more.get_mut(id.0 as usize * self.more_each + at),
        }
    }

    /// Keeps so many words beyond the first for each block.
    fn widen(&mut self, more_each: usize) {
        let mut more = Vec::with_capacity(self.blocks.capacity() * more_each);
        more.resize(self.blocks.len() * more_each, 0);
        if self.more_each > 0 {
            let old = self.more.chunks_exact(self.more_each);
            for (to, from) in more.chunks_exact_mut(more_each).zip(old) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
        (self.more, self.more_each) = (more, more_each);
    }

    fn key(&self, hash: &BlockHash) -> u64 {
        key(&self.hasher, hash)
    }
}

/// A block hash is already uniform; four seeded words are enough, and a third of the time of hashing
/// it as a byte string.
pub(crate) fn key(hasher: &FixedState, hash: &BlockHash) -> u64 {
    let mut hasher = hasher.build_hasher();
    for word in hash.0.chunks_exact(8) {
        hasher.write_u64(u64::from_le_bytes(word.try_into().unwrap_or_default()));
    }
    hasher.finish()
}

impl fmt::Debug for KnownBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownBlocks").field("blocks", &self.len()).field("max", &self.max).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const MAX: u32 = 5;

    fn hash(n: u8) -> BlockHash {
        BlockHash::repeat_byte(n)
    }

    fn known() -> KnownBlocks {
        KnownBlocks::new(MAX, FixedState::with_seed(0))
    }

    #[test]
    fn the_oldest_block_goes_first_even_if_it_was_looked_at() {
        let mut known = known();
        for n in 0..5 {
            let id = known.insert(hash(n));
            known.mark(id, PeerSlot::new(3));
        }
        assert!(known.find(&hash(0)).is_some_and(|id| known.holders(id).has(PeerSlot::new(3))));
        let id = known.insert(hash(9));
        assert!(
            !known.holders(id).has(PeerSlot::new(3)),
            "it has the position of the oldest, and not its peers"
        );
        assert_eq!(known.find(&hash(0)), None);
        assert!((1..5).all(|n| known.find(&hash(n)).is_some()));
        assert_eq!(known.len(), 5);
    }

    #[derive(Clone, Debug)]
    enum Change {
        Insert(u8),
        Remove(u8),
        Mark(u8, usize),
        Forget(usize),
    }

    fn change() -> impl Strategy<Value = Change> {
        let (block, slot) = (0..8_u8, prop_oneof![0..3_usize, 62..67_usize, 190..194_usize]);
        prop_oneof![
            block.clone().prop_map(Change::Insert),
            block.clone().prop_map(Change::Remove),
            (block, slot.clone()).prop_map(|(block, slot)| Change::Mark(block, slot)),
            slot.prop_map(Change::Forget),
        ]
    }

    proptest! {
        /// Against sets: each block has just the peers it was marked with.
        #[test]
        fn agrees_with_sets(changes in prop::collection::vec(change(), 0..200)) {
            let mut known = known();
            let mut model: Vec<(u8, BTreeSet<usize>)> = Vec::new();
            for change in changes {
                match change {
                    Change::Insert(n) => {
                        known.insert(hash(n));
                        if !model.iter().any(|(other, _)| *other == n) {
                            model.push((n, BTreeSet::new()));
                        }
                        // The position of one that was removed is used again in its turn: so one may go
                        // before there are as many as allowed, but it is the oldest.
                        if model.first().is_some_and(|(oldest, _)| known.find(&hash(*oldest)).is_none()) {
                            model.remove(0);
                        }
                    }
                    Change::Remove(n) => {
                        known.remove(&hash(n));
                        model.retain(|(other, _)| *other != n);
                    }
                    Change::Mark(n, slot) => {
                        let of_block = model.iter_mut().find(|(other, _)| *other == n);
                        prop_assert_eq!(of_block.is_some(), known.find(&hash(n)).is_some());
                        if let (Some((_, peers)), Some(id)) = (of_block, known.find(&hash(n))) {
                            peers.insert(slot);
                            known.mark(id, PeerSlot::new(slot));
                        }
                    }
                    Change::Forget(slot) => {
                        known.forget_peer(PeerSlot::new(slot));
                        model.iter_mut().for_each(|(_, peers)| { peers.remove(&slot); });
                    }
                }
                prop_assert_eq!(known.len(), model.len());
                prop_assert!(known.len() <= MAX as usize);
                prop_assert!(known.allocated_bytes() as u64 <= KnownBlocks::bytes_max(MAX, 194));
                for (n, peers) in &model {
                    let id = known.find(&hash(*n));
                    let found = (0..200).filter(|slot| id.is_some_and(|id| known.holders(id).has(PeerSlot::new(*slot))));
                    prop_assert_eq!(&found.collect::<BTreeSet<_>>(), peers);
                    prop_assert_eq!(id.map(|id| known.holders(id).count()), Some(peers.len()));
                }
            }
        }
    }
}
