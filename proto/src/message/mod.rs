//! The messages: those of `eth/68` that carry blocks, byte for byte.

mod decode;
mod encode;
mod reply;

use alloy_primitives::{B256, U256};
use strum::{IntoStaticStr, VariantArray};

pub use reply::{PushOutcome, Reply};

use crate::block::Block;
use crate::body::Body;
use crate::fork_id::ForkId;
use crate::header::Header;
use crate::transaction::Transaction;

/// The version of `eth` whose messages these are, and that Status names.
pub const ETH_VERSION: u64 = 68;

/// The libp2p protocol of the announce stream: Status, then announcements and whole blocks.
pub const ANNOUNCE_PROTOCOL: &str = "/herald/eth/68/announce/1";

/// The libp2p protocol of a request stream: one request, one answer.
pub const REQUEST_PROTOCOL: &str = "/herald/eth/68/request/1";

/// A message's kind; its value is the code on the wire.
///
/// Closed on purpose: each stream decides about every kind, so a new one must be seen there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[repr(u8)]
pub enum MessageCode {
    /// Who the sender is: first on the announce stream.
    Status = 0x00,
    /// Blocks that the sender has: announce stream.
    NewBlockHashes = 0x01,
    /// Whole transactions, so that pools hear of them: announce stream.
    Transactions = 0x02,
    /// Asks for headers: request stream.
    GetBlockHeaders = 0x03,
    /// Answers GetBlockHeaders.
    BlockHeaders = 0x04,
    /// Asks for bodies: request stream.
    GetBlockBodies = 0x05,
    /// Answers GetBlockBodies.
    BlockBodies = 0x06,
    /// A whole block, pushed before anybody asks for it: announce stream.
    NewBlock = 0x07,
}

impl MessageCode {
    /// All kinds, in the order of their codes.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The kind that has `code`.
    #[must_use]
    pub fn from_byte(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.to_byte() == code)
    }

    /// The code on the wire.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self as u8
    }

    /// The name in the `eth` specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A message, decoded. Closed on purpose, as [`MessageCode`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who the sender is.
    Status(Status),
    /// Blocks that the sender has.
    NewBlockHashes(Vec<Announcement>),
    /// Transactions for the receiver's pool. Each keeps its own bytes alive, not the frame's.
    Transactions(Vec<Transaction>),
    /// Asks for headers.
    GetBlockHeaders {
        /// What the answer must repeat.
        request_id: u64,
        /// Where to start, how many, and in which direction.
        request: HeadersRequest,
    },
    /// Answers with headers.
    BlockHeaders {
        /// That of the request which is answered.
        request_id: u64,
        /// In the order asked for; as many as the sender has, up to its limits.
        headers: Vec<Header>,
    },
    /// Asks for the bodies of blocks.
    GetBlockBodies {
        /// What the answer must repeat.
        request_id: u64,
        /// Hashes of those blocks.
        hashes: Vec<B256>,
    },
    /// Answers with bodies.
    BlockBodies {
        /// That of the request which is answered.
        request_id: u64,
        /// Those known, in the order asked for.
        bodies: Vec<Body>,
    },
    /// A whole block, pushed before anybody asks for it.
    NewBlock {
        /// Header and body; that they belong together is not checked yet.
        block: Block,
        /// The sender's claim of the total difficulty up to and with this block.
        total_difficulty: U256,
    },
}

impl Message {
    /// The message's kind.
    #[must_use]
    pub fn code(&self) -> MessageCode {
        match self {
            Self::Status(_) => MessageCode::Status,
            Self::NewBlockHashes(_) => MessageCode::NewBlockHashes,
            Self::Transactions(_) => MessageCode::Transactions,
            Self::GetBlockHeaders { .. } => MessageCode::GetBlockHeaders,
            Self::BlockHeaders { .. } => MessageCode::BlockHeaders,
            Self::GetBlockBodies { .. } => MessageCode::GetBlockBodies,
            Self::BlockBodies { .. } => MessageCode::BlockBodies,
            Self::NewBlock { .. } => MessageCode::NewBlock,
        }
    }
}

/// Who a node is. Two nodes that do not agree on network, genesis and forks part.
// This and the structs below are closed: the wire fixes their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The version of `eth`; [`ETH_VERSION`] here.
    pub version: u64,
    /// Tells networks with the same genesis apart; 1 is mainnet.
    pub network_id: u64,
    /// The sender's claim of its chain's total difficulty.
    pub total_difficulty: U256,
    /// Hash of the sender's head.
    pub head: B256,
    /// Hash of the genesis block.
    pub genesis: B256,
    /// Which forks the sender knows of (EIP-2124).
    pub fork_id: ForkId,
}

/// A block that a peer says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Announcement {
    /// Hash of its header.
    pub hash: B256,
    /// Its number, as the peer says: not to be trusted before the header is here.
    pub number: u64,
}

/// Names a block by its hash or by its number, as GetBlockHeaders does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashOrNumber {
    /// The block with this hash, on whatever branch.
    Hash(B256),
    /// The block of the canonical chain at this height.
    Number(u64),
}

/// Which headers are asked for: from one block on, at equal distances, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeadersRequest {
    /// The block whose header comes first.
    pub start: HashOrNumber,
    /// Most headers wanted.
    pub limit: u64,
    /// How many blocks to leave out between two.
    pub skip: u64,
    /// Towards genesis instead of towards the head. (A `bool` because the wire has one.)
    pub reverse: bool,
}
