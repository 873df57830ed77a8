//! Toy blocks: whatever a test says of them is true.

use herald_fetcher::{BlockHash, BlockNumber, Body, Header, Types};

#[derive(Debug)]
pub(crate) struct Toy;

impl Types for Toy {
    type PeerId = u8;
    type Commitment = u64;
    type Header = ToyHeader;
    type Body = ToyBody;

    fn empty_body(header: &ToyHeader) -> Option<ToyBody> {
        (header.commitment == 0).then_some(ToyBody { commitment: 0, bytes: 0 })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToyHeader {
    pub(crate) hash: BlockHash,
    pub(crate) number: BlockNumber,
    pub(crate) parent: BlockHash,
    /// 0 for an empty body.
    pub(crate) commitment: u64,
}

impl Header for ToyHeader {
    type Commitment = u64;

    fn hash(&self) -> BlockHash {
        self.hash
    }
    fn number(&self) -> BlockNumber {
        self.number
    }
    fn parent_hash(&self) -> BlockHash {
        self.parent
    }
    fn body_commitment(&self) -> u64 {
        self.commitment
    }
    fn retained_bytes(&self) -> usize {
        500
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ToyBody {
    pub(crate) commitment: u64,
    pub(crate) bytes: usize,
}

impl Body for ToyBody {
    type Commitment = u64;

    fn commitment(&self) -> u64 {
        self.commitment
    }
    fn retained_bytes(&self) -> usize {
        self.bytes
    }
}

/// A hash that stands for a number.
pub(crate) fn hash(n: u64) -> BlockHash {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    bytes[24..].copy_from_slice(&n.to_be_bytes());
    BlockHash::from(bytes)
}
