//! What came of an import.

use alloy_primitives::B256;

use crate::head::Head;

/// A block by number and hash.
///
/// Closed on purpose: a number and a hash are all that it takes to name a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockNumHash {
    /// Its number, 0 for genesis.
    pub number: u64,
    /// Its header's hash.
    pub hash: B256,
}

/// The chain moved onto another branch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reorg {
    /// The last block that both branches have.
    pub ancestor: BlockNumHash,
    /// The head that was left.
    pub old_head: BlockNumHash,
    /// The head now.
    pub new_head: BlockNumHash,
    /// Blocks that are canonical no more.
    pub depth: u64,
    /// Which they are, ascending.
    pub removed: Vec<BlockNumHash>,
}

/// What came of a batch. By the time one holds it, all of it is on disk.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportReport {
    /// New blocks taken, on whatever branch.
    pub imported: usize,
    /// Blocks that were here already.
    pub known: usize,
    /// New blocks that are not on the canonical chain.
    pub side: Vec<BlockNumHash>,
    /// Blocks that became canonical, ascending. The last is the new head.
    pub canonical: Vec<BlockNumHash>,
    /// The head, when it changed.
    pub head: Option<Head>,
    /// The reorganisation, when the new head is not a descendant of the old one.
    pub reorg: Option<Reorg>,
}

/// What listeners hear of: an import that took at least one new block.
pub type ChainEvent = ImportReport;

impl BlockNumHash {
    pub(super) fn of(head: &Head) -> Self {
        Self { number: head.header.number, hash: head.header.hash() }
    }
}
