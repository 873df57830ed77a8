//! What a host brings: its header, its body and its name for a peer.

use core::fmt::Debug;
use core::hash::Hash;

use alloy_primitives::B256;

/// A block's identity: the Keccak-256 hash of its header.
///
/// The plain alloy type, so that clients built on alloy or reth need no glue.
pub type BlockHash = B256;

/// A block's height above genesis. Numbers that come from peers are only ever used with checked
/// or saturating arithmetic.
pub type BlockNumber = u64;

/// The block and peer types of one host.
///
/// Implemented by an empty type that only names them; [`herald-proto`] does so for Ethereum.
///
/// [`herald-proto`]: https://docs.rs/herald-proto
pub trait Types: Debug + Sized + 'static {
    /// The host's name for a peer. Copied often: at most a few dozen bytes.
    type PeerId: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static;
    /// What a header says of its body, and a body computes of itself.
    type Commitment: Clone + Debug + Eq + Hash + Send + Sync + 'static;
    /// A header. Cloning must be cheap (a reference count).
    type Header: Header<Commitment = Self::Commitment>;
    /// A body. Cloning must be cheap (a reference count).
    type Body: Body<Commitment = Self::Commitment>;

    /// The body of `header` when its commitments say that it is empty; `None` when they do not.
    ///
    /// With a withdrawals root, the empty body has an empty list of withdrawals as well, and that
    /// root must be the empty one.
    fn empty_body(header: &Self::Header) -> Option<Self::Body>;
}

/// What the fetcher needs to know of a header. Every answer is computed once, when the header is
/// decoded, never on call.
pub trait Header: Clone + Debug + Send + Sync + 'static {
    /// What this header says of its body.
    type Commitment;

    /// The hash of the bytes that arrived.
    fn hash(&self) -> BlockHash;
    /// The block's number.
    fn number(&self) -> BlockNumber;
    /// The hash of the block's parent.
    fn parent_hash(&self) -> BlockHash;
    /// What the body must compute to.
    fn body_commitment(&self) -> Self::Commitment;
    /// Bytes of memory that holding this header keeps in use. It must not count, nor keep alive,
    /// the network buffer that the header arrived in.
    fn retained_bytes(&self) -> usize;
}

/// What the fetcher needs to know of a body.
pub trait Body: Clone + Debug + Send + Sync + 'static {
    /// What a header says of this body.
    type Commitment;

    /// Computed once, outside the state machine, from the bytes that arrived.
    fn commitment(&self) -> Self::Commitment;
    /// Bytes of memory that holding this body keeps in use; as for [`Header::retained_bytes`].
    fn retained_bytes(&self) -> usize;
}

/// A header and a body. That both are here does not say that they belong together:
/// [`body_matches`](Self::body_matches) does.
///
/// Closed on purpose: a block is made by writing down its two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Block<H, B> {
    /// The header, which names the block.
    pub header: H,
    /// The body, as it arrived with the header or was found for it.
    pub body: B,
}

/// The block of a host's [`Types`].
pub type BlockOf<T> = Block<<T as Types>::Header, <T as Types>::Body>;

impl<H, B> Block<H, B> {
    /// Puts the two together, whether or not they match.
    #[must_use]
    pub const fn new(header: H, body: B) -> Self {
        Self { header, body }
    }
}

impl<H: Header, B: Body<Commitment = H::Commitment>> Block<H, B> {
    /// The block's identity, which is its header's hash.
    #[must_use]
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }

    /// Height above genesis, as the header has it.
    #[must_use]
    pub fn number(&self) -> BlockNumber {
        self.header.number()
    }

    /// The hash of the block's parent.
    #[must_use]
    pub fn parent_hash(&self) -> BlockHash {
        self.header.parent_hash()
    }

    /// Whether the body is the one that the header commits to. A comparison: nothing is hashed.
    #[must_use]
    pub fn body_matches(&self) -> bool
    where
        H::Commitment: PartialEq,
    {
        self.header.body_commitment() == self.body.commitment()
    }

    /// Bytes of memory that holding this block keeps in use, those of its header and its body.
    #[must_use]
    pub fn retained_bytes(&self) -> usize {
        self.header.retained_bytes().saturating_add(self.body.retained_bytes())
    }
}
