//! What comes out of the fetcher: actions for the host, blame, and events for observers.

use smallvec::{SmallVec, smallvec};

use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

/// The name of a request; its reply must bring it back.
///
/// Never 0, and never used twice while a late reply could come. Always below 2^61: a host that
/// shares one space of identifiers with a downloader gives that one the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestId(u64);

impl RequestId {
    /// The request with this number, as it came back over the wire.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number for the wire.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

/// Hashes of blocks; a single one, the usual case, takes no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashes(SmallVec<[BlockHash; 1]>);

impl core::ops::Deref for Hashes {
    type Target = [BlockHash];

    fn deref(&self) -> &[BlockHash] {
        &self.0
    }
}

impl From<BlockHash> for Hashes {
    fn from(hash: BlockHash) -> Self {
        Self(smallvec![hash])
    }
}

impl FromIterator<BlockHash> for Hashes {
    fn from_iter<I: IntoIterator<Item = BlockHash>>(hashes: I) -> Self {
        Self(hashes.into_iter().collect())
    }
}

impl From<Hashes> for Vec<BlockHash> {
    fn from(hashes: Hashes) -> Self {
        hashes.0.into_vec()
    }
}

impl<'a> IntoIterator for &'a Hashes {
    type Item = &'a BlockHash;
    type IntoIter = core::slice::Iter<'a, BlockHash>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// What the host is to do. Drained with [`Fetcher::poll_output`](crate::Fetcher::poll_output)
/// after every call, in order.
#[derive(Debug)]
pub enum Output<T: Types> {
    /// Ask `peer` for the header of `hash`. The answer is `Headers` or `RequestFailed`.
    RequestHeader {
        /// To be brought back by the reply.
        request: RequestId,
        /// Whom to ask.
        peer: T::PeerId,
        /// For which block.
        hash: BlockHash,
    },
    /// Ask `peer` for the bodies of `hashes`. The answer is `Bodies` or `RequestFailed`.
    RequestBodies {
        /// To be brought back by the reply.
        request: RequestId,
        /// Whom to ask.
        peer: T::PeerId,
        /// For which blocks.
        hashes: Hashes,
    },
    /// The reply to this request is no longer of use.
    Cancel {
        /// Which request.
        request: RequestId,
        /// Who was asked.
        peer: T::PeerId,
    },
    /// Verify this header; its parent is in the chain. The answer is `Verdict`.
    VerifyHeader {
        /// The header.
        header: T::Header,
    },
    /// Import this block; its header is verified and its body matches. The answer is `Imported`.
    Import {
        /// The block.
        block: BlockOf<T>,
    },
    /// Import this header ([`Mode::HeadersOnly`](crate::Mode::HeadersOnly)). The answer is
    /// `Imported`.
    ImportHeader {
        /// The header.
        header: T::Header,
    },
    /// Send the whole block to these peers.
    Relay {
        /// The block.
        block: BlockOf<T>,
        /// Who lacks it.
        peers: Vec<T::PeerId>,
    },
    /// Announce a block to these peers.
    Announce {
        /// Which block.
        hash: BlockHash,
        /// Its number.
        number: BlockNumber,
        /// Who lacks it.
        peers: Vec<T::PeerId>,
    },
    /// A peer did wrong. The fetcher names it; whether to disconnect is for the host.
    Penalise {
        /// Who.
        peer: T::PeerId,
        /// What for.
        reason: Reason,
    },
    /// A block's parent is missing and lies outside the window. The fetcher does not follow it; a
    /// host's range sync may.
    OutOfReach {
        /// The child.
        hash: BlockHash,
        /// Its number.
        number: BlockNumber,
        /// Who gave it.
        peer: T::PeerId,
    },
    /// For observers; only with [`Events::On`](crate::Events::On).
    Event(Event<T::PeerId>),
}

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Reason {
    /// It announced a hash with another number than the header has.
    WrongNumber,
    /// It answered a request for a header with one of another hash.
    WrongHeader,
    /// It gave a body that does not match the header's commitments.
    WrongBody,
    /// It gave a header that breaks a rule of the chain.
    InvalidHeader,
    /// It gave a block that breaks a rule of the chain.
    InvalidBlock,
    /// It gave a block that stands on an invalid one.
    InvalidAncestor,
    /// It did not answer in time.
    Silence,
    /// It answered that it does not have what it announced.
    EmptyReply,
    /// It closed a request without an answer.
    Refusal,
    /// It answered with more than was asked for, or more than a reply may hold.
    OversizedReply,
    /// It answered with what is no reply.
    MalformedReply,
    /// It goes on announcing or pushing beyond its limits.
    Flooding,
}

impl Reason {
    /// All of them, for metrics and tables.
    pub const ALL: [Self; 12] = [
        Self::WrongNumber,
        Self::WrongHeader,
        Self::WrongBody,
        Self::InvalidHeader,
        Self::InvalidBlock,
        Self::InvalidAncestor,
        Self::Silence,
        Self::EmptyReply,
        Self::Refusal,
        Self::OversizedReply,
        Self::MalformedReply,
        Self::Flooding,
    ];

    /// How much it weighs; 100 is what a host should disconnect at.
    ///
    /// What an honest peer cannot do weighs 100. What may befall an honest peer under load, or
    /// after a reorganisation, takes several.
    pub const fn weight(self) -> u32 {
        match self {
            Self::WrongNumber
            | Self::WrongHeader
            | Self::WrongBody
            | Self::InvalidHeader
            | Self::InvalidBlock
            | Self::InvalidAncestor
            | Self::OversizedReply
            | Self::MalformedReply => 100,
            Self::Silence | Self::EmptyReply => 20,
            Self::Refusal | Self::Flooding => 10,
        }
    }

    /// A short name for metrics and logs.
    pub const fn label(self) -> &'static str {
        match self {
            Self::WrongNumber => "wrong_number",
            Self::WrongHeader => "wrong_header",
            Self::WrongBody => "wrong_body",
            Self::InvalidHeader => "invalid_header",
            Self::InvalidBlock => "invalid_block",
            Self::InvalidAncestor => "invalid_ancestor",
            Self::Silence => "silence",
            Self::EmptyReply => "empty_reply",
            Self::Refusal => "refusal",
            Self::OversizedReply => "oversized_reply",
            Self::MalformedReply => "malformed_reply",
            Self::Flooding => "flooding",
        }
    }
}

/// What became of an announcement or a pushed block.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Admission {
    /// It is followed.
    Accepted,
    /// It lies above the window, and is kept until the window reaches it.
    Deferred,
    /// This peer has announced it before, or the block is already whole here.
    Duplicate,
    /// The block is in the chain.
    Known,
    /// The peer has used up its allowance of announcements, blocks or bytes.
    PeerLimit,
    /// All peers together have used up the bytes.
    TotalLimit,
    /// It lies below the window, or too far above it.
    TooFar,
    /// It lies at or below the finalized block.
    BelowFinality,
    /// The hash, or that of its parent, is known to be invalid.
    BadBlock,
    /// The body does not match the header.
    WrongBody,
    /// The number is not that of the header.
    WrongNumber,
    /// The peer was never connected, or is gone.
    UnknownPeer,
    /// The fetcher is shut down.
    Stopped,
}

impl Admission {
    /// All of them, in order.
    pub const ALL: [Self; 13] = [
        Self::Accepted,
        Self::Deferred,
        Self::Duplicate,
        Self::Known,
        Self::PeerLimit,
        Self::TotalLimit,
        Self::TooFar,
        Self::BelowFinality,
        Self::BadBlock,
        Self::WrongBody,
        Self::WrongNumber,
        Self::UnknownPeer,
        Self::Stopped,
    ];

    /// Whether the fetcher will do something about it.
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::Deferred)
    }

    /// A short name for metrics and logs.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Duplicate => "duplicate",
            Self::Known => "known",
            Self::PeerLimit => "peer_limit",
            Self::TotalLimit => "total_limit",
            Self::TooFar => "too_far",
            Self::BelowFinality => "below_finality",
            Self::BadBlock => "bad_block",
            Self::WrongBody => "wrong_body",
            Self::WrongNumber => "wrong_number",
            Self::UnknownPeer => "unknown_peer",
            Self::Stopped => "stopped",
        }
    }
}

/// What became of a connection.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The peer has a place.
    Accepted,
    /// It had one already.
    Duplicate,
    /// [`Config::peers`](crate::Config::peers) places are taken.
    TooMany,
    /// The fetcher is shut down.
    Stopped,
}

/// What [`Fetcher::handle`](crate::Fetcher::handle) did with an input.
#[must_use]
#[derive(Debug)]
pub enum Outcome<T: Types> {
    /// Nothing to report.
    Done,
    /// Of a connection.
    Connection(Connection),
    /// Of an announcement or a pushed block.
    Admission(Admission),
    /// Headers that the fetcher did not ask for, for the host's downloader.
    Headers(Vec<T::Header>),
    /// Bodies that the fetcher did not ask for, for the host's downloader.
    Bodies(Vec<T::Body>),
}

/// A stage of an entry, for observers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StageName {
    /// Hash and number known.
    Announced,
    /// Header asked for.
    Fetching,
    /// Header here, body not yet asked for.
    Fetched,
    /// Body asked for.
    Completing,
    /// Whole, waiting for its parent, its height, its time or its turn.
    Queued,
    /// With the host.
    Importing,
}

impl StageName {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::Announced, Self::Fetching, Self::Fetched, Self::Completing, Self::Queued, Self::Importing];

    /// A short name for metrics and logs.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Fetching => "fetching",
            Self::Fetched => "fetched",
            Self::Completing => "completing",
            Self::Queued => "queued",
            Self::Importing => "importing",
        }
    }
}

/// How a hash ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum End {
    /// Imported through the fetcher.
    Imported,
    /// It came into the chain by another way.
    InChain,
    /// Nobody is left to ask.
    NobodyLeft,
    /// Its lifetime is over.
    Expired,
    /// The window or the finalized block has passed it.
    Passed,
    /// It, or one of its ancestors, is invalid.
    Invalid,
    /// It lies too far in the future.
    TooFarInFuture,
    /// There is no room for its bytes.
    NoRoom,
    /// The host could not verify or import it, for a reason of its own.
    LocalFault,
    /// The fetcher was shut down.
    Shutdown,
}

impl End {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Imported,
        Self::InChain,
        Self::NobodyLeft,
        Self::Expired,
        Self::Passed,
        Self::Invalid,
        Self::TooFarInFuture,
        Self::NoRoom,
        Self::LocalFault,
        Self::Shutdown,
    ];

    /// A short name for metrics and logs.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::InChain => "in_chain",
            Self::NobodyLeft => "nobody_left",
            Self::Expired => "expired",
            Self::Passed => "passed",
            Self::Invalid => "invalid",
            Self::TooFarInFuture => "too_far_in_future",
            Self::NoRoom => "no_room",
            Self::LocalFault => "local_fault",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A step of a hash, for observers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<P> {
    /// It entered a stage. With `from`, the peer that caused it where one did.
    Entered {
        /// Which block.
        hash: BlockHash,
        /// The stage.
        stage: StageName,
        /// The announcer, the one asked, or the giver.
        from: Option<P>,
    },
    /// It ended.
    Ended {
        /// Which block.
        hash: BlockHash,
        /// How.
        end: End,
    },
}
