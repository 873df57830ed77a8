//! What comes out of the fetcher: actions for the host, blame, and events for observers.

use smallvec::{SmallVec, smallvec};

use crate::labels::labelled_enum;
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

/// Identifies a request; the reply has to carry it too.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "Vec<BlockHash>", into = "Vec<BlockHash>"))]
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

impl From<Vec<BlockHash>> for Hashes {
    fn from(hashes: Vec<BlockHash>) -> Self {
        hashes.into_iter().collect()
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
///
/// Closed on purpose: a host that lets an output fall breaks the contract, and what waits for its
/// answer waits for ever. A new one is a breaking change, so that the compiler shows where it has to
/// be carried out.
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "T::PeerId: serde::Serialize, T::Header: serde::Serialize, T::Body: serde::Serialize",
        deserialize = "T::PeerId: serde::Deserialize<'de>, T::Header: serde::Deserialize<'de>, \
                       T::Body: serde::Deserialize<'de>"
    ))
)]
pub enum Output<T: Types> {
    /// Ask `peer` for the header of `hash`. The answer is `Headers` or `RequestFailed`.
    RequestHeader {
        /// To be repeated by the answer.
        request: RequestId,
        /// Who is asked.
        peer: T::PeerId,
        /// The block, as the peer announced it.
        hash: BlockHash,
    },
    /// Ask `peer` for the bodies of `hashes`. The answer is `Bodies` or `RequestFailed`.
    RequestBodies {
        /// To be repeated by the answer.
        request: RequestId,
        /// Who is asked.
        peer: T::PeerId,
        /// The blocks, at most [`Config::bodies_per_request`](crate::Config::bodies_per_request).
        hashes: Hashes,
    },
    /// The reply to this request is no longer of use.
    Cancel {
        /// As in the output that made it.
        request: RequestId,
        /// Who was asked.
        peer: T::PeerId,
    },
    /// Verify this header; its parent is in the chain. The answer is
    /// [`Input::Verdict`](crate::Input::Verdict).
    VerifyHeader {
        /// Checked only for being the one that was announced.
        header: T::Header,
    },
    /// Import this block. The answer is [`Input::Imported`](crate::Input::Imported).
    Import {
        /// Its header is verified, and its body is the header's.
        block: BlockOf<T>,
    },
    /// Import this header ([`Mode::HeadersOnly`](crate::Mode::HeadersOnly)). The answer is
    /// [`Input::Imported`](crate::Input::Imported).
    ImportHeader {
        /// It is verified.
        header: T::Header,
    },
    /// Send the whole block to these peers, before its import.
    Relay {
        /// Its header is verified, and its body is the header's.
        block: BlockOf<T>,
        /// Those chosen among the peers that lack it; never empty.
        peers: Vec<T::PeerId>,
    },
    /// Announce a block that is in the chain to these peers.
    Announce {
        /// The block.
        hash: BlockHash,
        /// Its height, which an announcement carries.
        number: BlockNumber,
        /// All that lack it; never empty.
        peers: Vec<T::PeerId>,
    },
    /// A peer did wrong. [`PenaltyScores`](crate::PenaltyScores) adds up what a peer did; whether to
    /// disconnect it is for the host.
    Penalise {
        /// As it was named when it connected.
        peer: T::PeerId,
        /// [`Reason::weight`] says how bad it is.
        reason: Reason,
        /// Whether it is still there. What a peer left with the host is judged after it has gone, or
        /// leaving in time would cost nothing: its score can be kept by its key or address, and a
        /// peer that comes again refused.
        presence: Presence,
    },
    /// A block's parent is missing and lies outside the window. The fetcher does not follow it; a
    /// host's range sync may.
    OutOfReach {
        /// The child, which is here.
        hash: BlockHash,
        /// The child's.
        number: BlockNumber,
        /// Who provided it, and can be asked for what lies below.
        peer: T::PeerId,
    },
    /// For observers; only with [`Events::On`](crate::Events::On).
    Event(Event<T::PeerId>),
}

/// Whether a peer is connected.
///
/// Closed on purpose: one can be disconnected, of the other only the name is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Presence {
    /// It is.
    Connected,
    /// The connection of which this is said has ended. The peer may have come again since; a host that
    /// gives the names of those that are gone to others must not take it for one of them.
    Gone,
}

/// The weight of what no honest peer does: once is enough.
const PROOF: u32 = Reason::DISCONNECT_AT;

labelled_enum! {
    /// What a peer did wrong. A host goes by [`weight`](Self::weight), and reports the
    /// [`label`](Self::label); it need not know each of them, and there will be more.
    #[non_exhaustive]
    pub enum Reason {
        /// It announced a hash with another number than the header has.
        WrongNumber => "wrong_number", PROOF;
        /// It answered a request for a header with one of another hash.
        WrongHeader => "wrong_header", PROOF;
        /// It provided a body that does not match the header's commitments, or that the host found bad
        /// where these do not reach.
        WrongBody => "wrong_body", PROOF;
        /// It provided a header that breaks a rule of the chain.
        InvalidHeader => "invalid_header", PROOF;
        /// It provided a block that breaks a rule of the chain.
        InvalidBlock => "invalid_block", PROOF;
        /// It provided a block that stands on an invalid one.
        InvalidAncestor => "invalid_ancestor", PROOF;
        /// It did not answer in time.
        Silence => "silence", 20;
        /// It answered that it does not have what it announced.
        EmptyReply => "empty_reply", 20;
        /// It closed a request without an answer.
        Refusal => "refusal", 10;
        /// It answered with more than was asked for, or more than a reply may hold.
        OversizedReply => "oversized_reply", PROOF;
        /// It answered with what is no reply.
        MalformedReply => "malformed_reply", PROOF;
        /// It goes on announcing or pushing beyond its limits.
        Flooding => "flooding", 10;
    }
    /// What it adds to a peer's score; at [`DISCONNECT_AT`](Self::DISCONNECT_AT) a host should
    /// disconnect it. [`PenaltyScores`](crate::PenaltyScores) keeps such scores.
    ///
    /// What an honest peer cannot do weighs that much at once. What may befall an honest peer under
    /// load, or after a reorganisation, takes several.
    pub const fn weight(self) -> u32;
}

impl Reason {
    /// The score at which a host should disconnect a peer.
    pub const DISCONNECT_AT: u32 = 100;

    /// Whether an honest peer can earn this by being slow, cut off or restarted.
    pub const fn befalls_honest_peers(self) -> bool {
        match self {
            Self::Silence | Self::EmptyReply | Self::Refusal => true,
            Self::WrongNumber
            | Self::WrongHeader
            | Self::WrongBody
            | Self::InvalidHeader
            | Self::InvalidBlock
            | Self::InvalidAncestor
            | Self::OversizedReply
            | Self::MalformedReply
            | Self::Flooding => false,
        }
    }
}

labelled_enum! {
    /// What became of an announcement or a pushed block. [`is_taken`](Self::is_taken) says whether
    /// it counts; a host may single out the reasons that it knows, and there will be more.
    #[must_use]
    #[non_exhaustive]
    pub enum Admission {
        /// It is followed.
        Accepted => "accepted";
        /// It lies above the window, and is kept until the window reaches it.
        Deferred => "deferred";
        /// This peer has announced it before, or the block is already whole here.
        Duplicate => "duplicate";
        /// The block is in the chain.
        Known => "known";
        /// The peer has used up its allowance of announcements, blocks or bytes.
        PeerLimit => "peer_limit";
        /// All peers together have used up the bytes.
        TotalLimit => "total_limit";
        /// It lies below the window, or too far above it.
        TooFar => "too_far";
        /// It lies at or below the finalized block.
        BelowFinality => "below_finality";
        /// The hash, or that of its parent, is known to be invalid.
        BadBlock => "bad_block";
        /// The body does not match the header.
        WrongBody => "wrong_body";
        /// The number is not that of the header.
        WrongNumber => "wrong_number";
        /// The peer was never connected, or is gone.
        UnknownPeer => "unknown_peer";
        /// The fetcher is shut down.
        Stopped => "stopped";
    }
}

impl Admission {
    /// Whether the fetcher will do something about it.
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::Deferred)
    }
}

/// What became of a connection.
///
/// Closed on purpose: a peer that is not accepted is never heard, so a host must decide for each
/// case whether to keep it.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Connection {
    /// The peer is heard from now on.
    Accepted,
    /// It was connected already; nothing changes.
    Duplicate,
    /// [`Config::peers`](crate::Config::peers) are connected already.
    TooMany,
    /// The fetcher is shut down.
    Stopped,
}

/// What [`Fetcher::handle`](crate::Fetcher::handle) did with an input.
///
/// Closed on purpose: what comes back must be passed on, or a downloader's replies are lost.
#[must_use]
#[derive(Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "T::Header: serde::Serialize, T::Body: serde::Serialize",
        deserialize = "T::Header: serde::Deserialize<'de>, T::Body: serde::Deserialize<'de>"
    ))
)]
pub enum Outcome<T: Types> {
    /// Nothing to report.
    Done,
    /// What [`Input::PeerConnected`](crate::Input::PeerConnected) came to.
    Connection(Connection),
    /// What [`Input::Announced`](crate::Input::Announced) or [`Input::Pushed`](crate::Input::Pushed)
    /// came to.
    Admission(Admission),
    /// Headers that the fetcher did not ask for, for the host's downloader.
    Headers(Vec<T::Header>),
    /// Bodies that the fetcher did not ask for, for the host's downloader.
    Bodies(Vec<T::Body>),
}

labelled_enum! {
    /// A stage of a hash, for observers.
    ///
    /// Closed on purpose: observers that measure or check a hash's way have to know each of them.
    pub enum StageName {
        /// Hash and number known.
        Announced => "announced";
        /// Header asked for.
        Fetching => "fetching";
        /// Header here, body not yet asked for.
        Fetched => "fetched";
        /// Body asked for.
        Completing => "completing";
        /// Whole, waiting for its parent, its height, its time or its turn.
        Queued => "queued";
        /// With the host.
        Importing => "importing";
    }
}

labelled_enum! {
    /// How a hash ended.
    ///
    /// Closed on purpose, as [`StageName`]: whether a block was lost, and by whose fault, has to be
    /// judged for each.
    pub enum End {
        /// Imported through the fetcher.
        Imported => "imported";
        /// It came into the chain by another way.
        InChain => "in_chain";
        /// Nobody is left to ask.
        NobodyLeft => "nobody_left";
        /// Its lifetime is over.
        Expired => "expired";
        /// The window or the finalized block has passed it.
        Passed => "passed";
        /// It, or one of its ancestors, is invalid.
        Invalid => "invalid";
        /// Its body is bad where no commitment of its header covers it: that of another may be good.
        BadBody => "bad_body";
        /// It lies too far in the future.
        TooFarInFuture => "too_far_in_future";
        /// The byte limits leave no capacity for it.
        NoCapacity => "no_capacity";
        /// The host could not verify or import it, for a reason of its own.
        LocalFault => "local_fault";
        /// The fetcher was shut down.
        Shutdown => "shutdown";
    }
}

/// A step of a hash, for observers.
///
/// Closed on purpose: who follows a hash relies on its being in the stage that it entered last until
/// it ends, which further kinds of steps would make untrue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event<P> {
    /// The hash entered a stage.
    Entered {
        /// The block's.
        hash: BlockHash,
        /// Where it is now.
        stage: StageName,
        /// The peer behind it, where there is one: the announcer, the one asked, or the provider.
        from: Option<P>,
    },
    /// The hash is followed no more.
    Ended {
        /// The block's.
        hash: BlockHash,
        /// Why.
        end: End,
    },
}
