//! The smallest blocks that a fetcher can tell apart, and a chain in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use herald_fetcher::{Block, BlockHash, BlockNumber, BlockOf, ChainView, Types};

/// A peer's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub u32);

pub const ALICE: Peer = Peer(1);
pub const BOB: Peer = Peer(2);
pub const CAROL: Peer = Peer(3);
/// The one who does wrong.
pub const MALLORY: Peer = Peer(666);

/// What toy blocks are made of. Every header takes 100 bytes, every body its payload.
#[derive(Clone, Copy, Debug)]
pub struct Toy;

pub const HEADER_BYTES: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header(Arc<HeaderData>);

#[derive(Debug, PartialEq, Eq)]
struct HeaderData {
    hash: BlockHash,
    parent: BlockHash,
    number: BlockNumber,
    body: B256,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(Arc<BodyData>);

#[derive(Debug, PartialEq, Eq)]
struct BodyData {
    payload: Vec<u8>,
    commitment: B256,
}

impl Types for Toy {
    type PeerId = Peer;
    type Commitment = B256;
    type Header = Header;
    type Body = Body;

    fn empty_body(header: &Header) -> Option<Body> {
        let empty = body(b"");
        (header.0.body == empty.0.commitment).then_some(empty)
    }
}

impl herald_fetcher::Header for Header {
    type Commitment = B256;

    fn hash(&self) -> BlockHash {
        self.0.hash
    }
    fn number(&self) -> BlockNumber {
        self.0.number
    }
    fn parent_hash(&self) -> BlockHash {
        self.0.parent
    }
    fn body_commitment(&self) -> B256 {
        self.0.body
    }
    fn retained_bytes(&self) -> usize {
        HEADER_BYTES
    }
}

impl herald_fetcher::Body for Body {
    type Commitment = B256;

    fn commitment(&self) -> B256 {
        self.0.commitment
    }
    fn retained_bytes(&self) -> usize {
        self.0.payload.len()
    }
}

/// A body with this payload.
pub fn body(payload: &[u8]) -> Body {
    Body(Arc::new(BodyData { payload: payload.to_vec(), commitment: keccak256(payload) }))
}

/// A block of this parent and number. `salt` tells siblings with equal bodies apart.
pub fn block(parent: BlockHash, number: BlockNumber, payload: &[u8], salt: u64) -> BlockOf<Toy> {
    let body = body(payload);
    let mut bytes = parent.to_vec();
    bytes.extend(number.to_be_bytes());
    bytes.extend(body.0.commitment);
    bytes.extend(salt.to_be_bytes());
    let data = HeaderData { hash: keccak256(bytes), parent, number, body: body.0.commitment };
    Block { header: Header(Arc::new(data)), body }
}

/// The block that every toy chain starts with.
pub fn genesis() -> BlockOf<Toy> {
    block(B256::ZERO, 0, b"", 0)
}

/// A child with a body of its own.
pub fn child(parent: &BlockOf<Toy>) -> BlockOf<Toy> {
    let number = parent.number() + 1;
    block(parent.hash(), number, format!("the body of block {number}").as_bytes(), 0)
}

/// A child with an empty body.
pub fn empty_child(parent: &BlockOf<Toy>) -> BlockOf<Toy> {
    block(parent.hash(), parent.number() + 1, b"", 0)
}

/// A child with a body of so many bytes.
pub fn large_child(parent: &BlockOf<Toy>, bytes: usize) -> BlockOf<Toy> {
    block(parent.hash(), parent.number() + 1, &vec![7; bytes], 0)
}

/// So many blocks on top of `parent`, each with a body of its own.
pub fn blocks_on(parent: &BlockOf<Toy>, count: usize) -> Vec<BlockOf<Toy>> {
    let next = |block: &BlockOf<Toy>| Some(child(block));
    std::iter::successors(next(parent), next).take(count).collect()
}

/// So many siblings on top of `parent`, each with a body of its own.
pub fn siblings_on(parent: &BlockOf<Toy>, count: u64) -> Vec<BlockOf<Toy>> {
    let number = parent.number() + 1;
    (0..count).map(|n| block(parent.hash(), number, format!("sibling {n}").as_bytes(), n)).collect()
}

/// A hash that is no block's.
pub fn made_up_hash(seed: u64) -> BlockHash {
    keccak256([b"made up".as_slice(), &seed.to_be_bytes()].concat())
}

/// A chain in memory. The head is the highest block.
#[derive(Debug)]
pub struct Chain {
    blocks: BTreeMap<BlockNumber, BTreeSet<BlockHash>>,
    pub finalized: BlockNumber,
}

impl Chain {
    /// Of the genesis block alone.
    pub fn new() -> Self {
        let mut chain = Self { blocks: BTreeMap::new(), finalized: 0 };
        chain.insert(&genesis());
        chain
    }

    pub fn insert(&mut self, block: &BlockOf<Toy>) {
        self.blocks.entry(block.number()).or_default().insert(block.hash());
    }
}

impl ChainView for Chain {
    fn contains(&self, hash: &BlockHash) -> bool {
        self.blocks.values().any(|hashes| hashes.contains(hash))
    }
    fn head(&self) -> BlockNumber {
        self.blocks.keys().next_back().copied().unwrap_or(0)
    }
    fn finalized(&self) -> BlockNumber {
        self.finalized
    }
}
