//! Which peers have which recent block.

use core::fmt;

use lru::LruCache;
use smallvec::SmallVec;

use crate::table::PeerSlot;
use crate::types::BlockHash;

/// A set of peers' places. 128 fit without a heap allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PeerSet {
    words: SmallVec<[u64; 2]>,
}

impl PeerSet {
    pub(crate) fn insert(&mut self, slot: PeerSlot) {
        let (word, bit) = (slot.index() / 64, slot.index() % 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    pub(crate) fn remove(&mut self, slot: PeerSlot) {
        if let Some(word) = self.words.get_mut(slot.index() / 64) {
            *word &= !(1 << (slot.index() % 64));
        }
    }

    pub(crate) fn contains(&self, slot: PeerSlot) -> bool {
        self.words.get(slot.index() / 64).is_some_and(|word| word >> (slot.index() % 64) & 1 == 1)
    }
}

/// The recent blocks, oldest forgotten first, each with the peers that are known to have it.
///
/// Only verified blocks come in, so that made-up hashes push none out.
pub(crate) struct KnownBlocks {
    // Unbounded, since a bounded one allocates its whole capacity ahead; `insert` keeps the bound.
    blocks: LruCache<BlockHash, PeerSet, foldhash::fast::FixedState>,
    max: usize,
}

impl KnownBlocks {
    pub(crate) fn new(max: u32, hasher: foldhash::fast::FixedState) -> Self {
        Self { blocks: LruCache::unbounded_with_hasher(hasher), max: max as usize }
    }

    /// The peers that have a block; `None` where the block is not known. Looking does not make a
    /// block any younger.
    pub(crate) fn peers_mut(&mut self, hash: &BlockHash) -> Option<&mut PeerSet> {
        self.blocks.peek_mut(hash)
    }

    /// Adds a block, if it is not there, and gives its peers.
    pub(crate) fn insert(&mut self, hash: BlockHash) -> &mut PeerSet {
        if !self.blocks.contains(&hash) && self.blocks.len() >= self.max {
            self.blocks.pop_lru();
        }
        self.blocks.get_or_insert_mut(hash, PeerSet::default)
    }

    pub(crate) fn remove(&mut self, hash: &BlockHash) {
        self.blocks.pop(hash);
    }

    /// Forgets a peer, so that the next one in its place is not taken for it.
    pub(crate) fn forget_peer(&mut self, slot: PeerSlot) {
        for (_, peers) in self.blocks.iter_mut() {
            peers.remove(slot);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        let spilled: usize = self
            .blocks
            .iter()
            .filter(|(_, peers)| peers.words.spilled())
            .map(|(_, peers)| peers.words.capacity() * 8)
            .sum();
        self.blocks.len() * Self::BLOCK_BYTES + spilled
    }

    /// One block's node in the cache, and its part of the map of a load between 7/16 and 7/8.
    pub(crate) const BLOCK_BYTES: usize =
        size_of::<(BlockHash, PeerSet, usize, usize)>() + 3 * (2 * size_of::<usize>() + 1);
}

impl fmt::Debug for KnownBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownBlocks").field("blocks", &self.blocks.len()).field("max", &self.max).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> BlockHash {
        BlockHash::repeat_byte(n)
    }

    #[test]
    fn the_oldest_block_goes_first_even_if_it_was_looked_at() {
        let mut known = KnownBlocks::new(2, foldhash::fast::FixedState::with_seed(0));
        known.insert(hash(1)).insert(PeerSlot::new(3));
        known.insert(hash(2));
        assert!(known.peers_mut(&hash(1)).is_some_and(|peers| peers.contains(PeerSlot::new(3))));
        known.insert(hash(3));
        assert!(
            !known.blocks.contains(&hash(1))
                && known.blocks.contains(&hash(2))
                && known.blocks.contains(&hash(3))
        );
        assert_eq!(known.len(), 2);
    }

    #[test]
    fn a_peer_that_left_is_not_taken_for_the_next_in_its_place() {
        let mut known = KnownBlocks::new(2, foldhash::fast::FixedState::with_seed(0));
        let slot = PeerSlot::new(200);
        known.insert(hash(1)).insert(slot);
        known.forget_peer(slot);
        assert!(known.peers_mut(&hash(1)).is_some_and(|peers| !peers.contains(slot)));
    }
}
