//! Blocks found invalid.

use foldhash::fast::FixedState;
use lru::LruCache;

use crate::output::Reason;
use crate::types::BlockHash;

type Cache = LruCache<BlockHash, Reason, FixedState>;

/// The last blocks found invalid, each with what was found first. Most fetchers never see one.
#[derive(Debug, Default)]
pub(crate) struct BadBlocks(Option<Box<Cache>>);

impl BadBlocks {
    pub(crate) fn reason(&self, hash: &BlockHash) -> Option<Reason> {
        self.0.as_ref()?.peek(hash).copied()
    }

    pub(crate) fn contains(&self, hash: &BlockHash) -> bool {
        self.reason(hash).is_some()
    }

    /// Remembers a block, and forgets the one longest not found again beyond `max`.
    pub(crate) fn insert(&mut self, hash: BlockHash, reason: Reason, max: u32, hasher: &FixedState) {
        // Unbounded, since a bounded one allocates its whole capacity ahead.
        let cache = self.0.get_or_insert_with(|| Box::new(LruCache::unbounded_with_hasher(hasher.clone())));
        cache.put(hash, reason);
        if cache.len() > max as usize {
            cache.pop_lru();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |cache| cache.len())
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |cache| EMPTY_BYTES + cache.len() * BLOCK_BYTES)
    }

    /// The most that [`allocated_bytes`](Self::allocated_bytes) can be.
    pub(crate) fn bytes_max(blocks: u32) -> u64 {
        EMPTY_BYTES as u64 + u64::from(blocks) * BLOCK_BYTES as u64
    }
}

/// A node of the cache.
const NODE_BYTES: usize = size_of::<(BlockHash, Reason, usize, usize)>();
/// One block: a node, and its part of a map of a load between 7/16 and 7/8.
const BLOCK_BYTES: usize = NODE_BYTES + 3 * (2 * size_of::<usize>() + 1);
/// The cache itself, with the nodes at its ends.
const EMPTY_BYTES: usize = size_of::<Cache>() + 2 * NODE_BYTES;
