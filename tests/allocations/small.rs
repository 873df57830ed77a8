//! The smallest types that a host of many fetchers uses: short names for peers, blocks behind a
//! reference count.

use std::sync::Arc;

use herald_fetcher::{Block, BlockHash, BlockNumber, BlockOf, ChainView, Types};

#[derive(Debug)]
pub(crate) enum Small {}

#[derive(Clone, Debug)]
pub(crate) struct Header(Arc<(BlockHash, BlockHash, BlockNumber)>);

#[derive(Clone, Debug)]
pub(crate) struct Body(Arc<u64>);

impl Types for Small {
    type PeerId = u32;
    type Commitment = u64;
    type Header = Header;
    type Body = Body;

    fn empty_body(_: &Header) -> Option<Body> {
        None
    }
}

impl herald_fetcher::Header for Header {
    type Commitment = u64;

    fn hash(&self) -> BlockHash {
        self.0.0
    }
    fn number(&self) -> BlockNumber {
        self.0.2
    }
    fn parent_hash(&self) -> BlockHash {
        self.0.1
    }
    fn body_commitment(&self) -> u64 {
        self.0.2
    }
    fn retained_bytes(&self) -> usize {
        600
    }
}

impl herald_fetcher::Body for Body {
    type Commitment = u64;

    fn commitment(&self) -> u64 {
        *self.0
    }
    fn retained_bytes(&self) -> usize {
        60_000
    }
}

/// A chain whose head is the parent of the block that is under way.
pub(crate) struct Tip(pub(crate) BlockHash, pub(crate) BlockNumber);

impl ChainView for Tip {
    fn contains(&self, hash: &BlockHash) -> bool {
        *hash == self.0
    }
    fn head(&self) -> BlockNumber {
        self.1
    }
    fn finalized(&self) -> BlockNumber {
        0
    }
}

/// A block on this tip, with a body of its own.
pub(crate) fn block(hash: BlockHash, tip: &Tip) -> BlockOf<Small> {
    let number = tip.1 + 1;
    Block { header: Header(Arc::new((hash, tip.0, number))), body: Body(Arc::new(number)) }
}
