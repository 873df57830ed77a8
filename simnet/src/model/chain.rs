//! One node's chain: which of the world's blocks it has, and which is its head.

use herald_fetcher::{BlockHash, BlockNumber, ChainView};
use smallvec::{SmallVec, smallvec};

use super::block::{BlockData, BlockIndex, Blocks};

/// A node's index in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The node with this index.
    pub const fn new(index: u32) -> Self {
        Self(index)
    }

    /// As an index into a list.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The block tree of one node: a bit for each block of the world. A block comes in only after its
/// parent, so that the bits are always a tree from genesis.
#[derive(Clone, Debug)]
pub struct NodeChain {
    words: SmallVec<[u64; 2]>,
    head: BlockIndex,
    head_number: BlockNumber,
}

impl Default for NodeChain {
    fn default() -> Self {
        Self { words: smallvec![1], head: BlockIndex::GENESIS, head_number: 0 }
    }
}

/// What a block's coming in did to the head.
///
/// Closed: a head stays, is extended, or goes to another branch.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadChange {
    /// Nothing: the chain with it is not preferred.
    None,
    /// It is the new head, on top of the old one.
    Extended,
    /// It is the new head, on another branch.
    Reorganised,
}

impl NodeChain {
    /// Whether it has this block.
    pub fn has(&self, id: BlockIndex) -> bool {
        self.words.get(id.index() / 64).is_some_and(|word| word >> (id.index() % 64) & 1 == 1)
    }

    /// The preferred block.
    pub fn head(&self) -> BlockIndex {
        self.head
    }

    /// How far the head is from genesis.
    pub fn head_number(&self) -> BlockNumber {
        self.head_number
    }

    /// Takes a block in; its parent must be there.
    pub fn insert(&mut self, block: &BlockData, blocks: &Blocks) -> HeadChange {
        debug_assert!(self.has(block.parent), "a block comes in after its parent");
        let (word, bit) = (block.id.index() / 64, block.id.index() % 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << bit;
        }
        if !block.beats(blocks.get(self.head)) {
            return HeadChange::None;
        }
        let extended = block.parent == self.head;
        self.head = block.id;
        self.head_number = block.number;
        if extended { HeadChange::Extended } else { HeadChange::Reorganised }
    }
}

/// A node's chain as its fetcher reads it.
#[derive(Debug)]
pub struct NodeView<'a> {
    /// Which blocks the node has.
    pub chain: &'a NodeChain,
    /// The world's blocks.
    pub blocks: &'a Blocks,
    /// How far below the head a block is final; 0 where none ever is.
    pub finality_depth: u64,
}

impl ChainView for NodeView<'_> {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.blocks.find(hash).is_some_and(|id| self.chain.has(id))
    }

    fn head(&self) -> BlockNumber {
        self.chain.head_number
    }

    fn finalized(&self) -> BlockNumber {
        if self.finality_depth == 0 { 0 } else { self.chain.head_number.saturating_sub(self.finality_depth) }
    }
}
