//! Blocks, made once and shared by all nodes, and the block types that the fetcher sees.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use herald_fetcher::{BlockHash, BlockNumber, Time, Types};

use super::chain::NodeId;

/// A block's index in [`Blocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockIndex(pub(crate) u32);

impl BlockIndex {
    /// Genesis, which every node has.
    pub const GENESIS: Self = Self(0);

    /// As an index into a list.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// Nothing.
    None,
    /// Its header breaks a rule: the header check finds it.
    Header,
    /// Its body breaks a rule: only the import finds it.
    Body,
    /// Nobody has it: a hash that was made up.
    Phantom,
}

/// Everything about a block. There is one for each block in the world, however many nodes have it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BlockData {
    /// Its own index.
    pub id: BlockIndex,
    /// Its hash: pseudo-random, the same for the same seed and slot whatever its parent.
    pub hash: BlockHash,
    /// Its distance from genesis.
    pub number: BlockNumber,
    /// Its parent; genesis is its own.
    pub parent: BlockIndex,
    /// Its parent's hash.
    pub parent_hash: BlockHash,
    /// What its header says of its body.
    pub commitment: u64,
    /// Bytes of its header on the wire.
    pub header_bytes: u32,
    /// Bytes of its body on the wire; 0 is an empty body.
    pub body_bytes: u32,
    /// Total difficulty: the sum of its weight and its ancestors'.
    pub total_difficulty: u64,
    /// When it was sealed.
    pub sealed_at: Time,
    /// Who sealed it.
    pub sealer: NodeId,
    /// What is wrong with it.
    pub flaw: Flaw,
    /// The slot of the schedule that it fills, where it does.
    pub slot: Option<u32>,
}

impl BlockData {
    /// Bytes of the whole block on the wire.
    pub fn bytes(&self) -> u64 {
        u64::from(self.header_bytes) + u64::from(self.body_bytes)
    }

    /// Whether a chain with this head is preferred to one with `other`: by total difficulty, then
    /// the smaller hash, so that nodes that know the same blocks agree.
    pub fn beats(&self, other: &Self) -> bool {
        (self.total_difficulty, core::cmp::Reverse(self.hash))
            > (other.total_difficulty, core::cmp::Reverse(other.hash))
    }
}

/// The types that the simulator names to the fetcher.
#[derive(Debug)]
pub enum Sim {}

/// A header: a share of its block.
#[derive(Clone, Debug)]
pub struct SimHeader(pub(crate) Arc<BlockData>);

/// A body: a share of its block.
#[derive(Clone, Debug)]
pub struct SimBody(pub(crate) Arc<BlockData>);

impl SimHeader {
    /// The block that it heads.
    pub fn block(&self) -> &BlockData {
        &self.0
    }
}

impl SimBody {
    /// The block that it belongs to.
    pub fn block(&self) -> &BlockData {
        &self.0
    }
}

/// A peer as a node sees it: the link on which it talks to it.
///
/// Links are numbered over the whole world, so that what a fetcher says of a peer leads to the link
/// without a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub(crate) u32);

impl PeerId {
    /// The link's index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Types for Sim {
    type PeerId = PeerId;
    type Commitment = u64;
    type Header = SimHeader;
    type Body = SimBody;

    fn empty_body(header: &SimHeader) -> Option<SimBody> {
        (header.0.body_bytes == 0).then(|| SimBody(Arc::clone(&header.0)))
    }
}

impl herald_fetcher::Header for SimHeader {
    type Commitment = u64;

    fn hash(&self) -> BlockHash {
        self.0.hash
    }
    fn number(&self) -> BlockNumber {
        self.0.number
    }
    fn parent_hash(&self) -> BlockHash {
        self.0.parent_hash
    }
    fn body_commitment(&self) -> u64 {
        self.0.commitment
    }
    fn retained_bytes(&self) -> usize {
        self.0.header_bytes as usize
    }
}

impl herald_fetcher::Body for SimBody {
    type Commitment = u64;

    fn commitment(&self) -> u64 {
        self.0.commitment
    }
    fn retained_bytes(&self) -> usize {
        self.0.body_bytes as usize
    }
}

/// All blocks of a world, genesis first.
#[derive(Debug)]
pub struct Blocks {
    list: Vec<Arc<BlockData>>,
    by_hash: HashMap<BlockHash, BlockIndex, FixedState>,
}

impl Blocks {
    /// A world with nothing but genesis.
    pub fn new(genesis_hash: BlockHash) -> Self {
        let mut blocks = Self { list: Vec::new(), by_hash: HashMap::with_hasher(FixedState::with_seed(0)) };
        blocks.add(BlockData {
            id: BlockIndex::GENESIS,
            hash: genesis_hash,
            number: 0,
            parent: BlockIndex::GENESIS,
            parent_hash: BlockHash::ZERO,
            commitment: 0,
            header_bytes: 0,
            body_bytes: 0,
            total_difficulty: 0,
            sealed_at: Time::ZERO,
            sealer: NodeId(0),
            flaw: Flaw::None,
            slot: None,
        });
        blocks
    }

    /// Adds a block; its `id` is set here.
    pub fn add(&mut self, mut block: BlockData) -> BlockIndex {
        let id =
            BlockIndex(u32::try_from(self.list.len()).expect("four billion blocks do not fit into memory"));
        block.id = id;
        self.by_hash.insert(block.hash, id);
        self.list.push(Arc::new(block));
        id
    }

    /// A block by its index.
    pub fn get(&self, id: BlockIndex) -> &Arc<BlockData> {
        self.list.get(id.index()).expect("block ids come from this list alone")
    }

    /// A block by its hash.
    pub fn find(&self, hash: &BlockHash) -> Option<BlockIndex> {
        self.by_hash.get(hash).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Never: there is genesis.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The header of a block.
    pub fn header(&self, id: BlockIndex) -> SimHeader {
        SimHeader(Arc::clone(self.get(id)))
    }

    /// The body of a block.
    pub fn body(&self, id: BlockIndex) -> SimBody {
        SimBody(Arc::clone(self.get(id)))
    }
}
