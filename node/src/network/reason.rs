//! Why a peer leaves, and why a request fails: one typed reason for each cause.

use alloy_primitives::B256;
use herald_proto::frame::FrameError;
use herald_proto::{DecodeError, ForkId};

/// Why a peer is no longer, or never became, ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The last connection ended: the other side closed it, or the path broke.
    #[error("the connection ended")]
    ConnectionLost,
    /// The peer sent no Status in time, or none again after its announce stream ended.
    #[error("no Status in time")]
    NoStatus,
    /// Our announce stream could not be opened or kept: the peer speaks another protocol, or does
    /// not read.
    #[error("our announce stream could not be kept open")]
    AnnounceStreamFailed,
    /// The peer follows another chain. Not a fault: two networks met.
    #[error("the peer's Status does not fit: {0}")]
    Unfit(#[from] StatusMismatch),
    /// The peer broke the wire protocol; it is kept out for a while.
    #[error("protocol violation: {0}")]
    Violation(#[from] Violation),
    /// The host judged the peer's data; `0` is the label of its typed reason. The peer is kept out
    /// for a while.
    #[error("penalised by the host: {0}")]
    Penalised(&'static str),
    /// The host has no use for the peer: it does not answer, or follows a branch that we cannot.
    /// `0` is the label of the typed reason. It may come back.
    #[error("of no use to the host: {0}")]
    Unhelpful(&'static str),
    /// Somebody here asked for it; the peer may come back at once.
    #[error("disconnected on request")]
    Requested,
    /// This node is shutting down.
    #[error("this node is shutting down")]
    Shutdown,
}

impl DisconnectReason {
    /// Whether the peer is to blame, and so kept out for a while.
    #[must_use]
    pub fn keeps_out(&self) -> bool {
        match self {
            Self::Violation(_) | Self::Penalised(_) => true,
            Self::ConnectionLost
            | Self::NoStatus
            | Self::AnnounceStreamFailed
            | Self::Unfit(_)
            | Self::Unhelpful(_)
            | Self::Requested
            | Self::Shutdown => false,
        }
    }
}

/// Where a peer's Status differs from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatusMismatch {
    /// Another protocol version than 68.
    #[error("protocol version {theirs}, ours is {ours}")]
    Version {
        /// Ours.
        ours: u64,
        /// What the peer said.
        theirs: u64,
    },
    /// Another network.
    #[error("network id {theirs}, ours is {ours}")]
    NetworkId {
        /// Ours.
        ours: u64,
        /// What the peer said.
        theirs: u64,
    },
    /// Another genesis block.
    #[error("genesis {theirs}, ours is {ours}")]
    Genesis {
        /// Ours.
        ours: B256,
        /// What the peer said.
        theirs: B256,
    },
    /// Forks that cannot be ours at any height (EIP-2124).
    #[error("fork id {theirs:?} does not fit ours, {ours:?}")]
    ForkId {
        /// Ours.
        ours: ForkId,
        /// What the peer said.
        theirs: ForkId,
    },
}

/// A breach of the wire protocol. Each ends the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A frame that breaks the framing, or is longer than its stream or its code allows. Its length
    /// is refused before anything is set aside for it.
    #[error("malformed frame: {0}")]
    Frame(#[from] FrameError),
    /// A frame, or the first frame of a request stream, that was not whole in time.
    #[error("a frame was not delivered in time")]
    FrameTooSlow,
    /// A message that does not decode.
    #[error("malformed message: {0}")]
    Malformed(DecodeError),
    /// The announce stream began with something else than Status.
    #[error("the announce stream began with code {code:#04x} instead of Status")]
    StatusExpected {
        /// The code that came.
        code: u8,
    },
    /// A second Status on one announce stream.
    #[error("a second Status on one announce stream")]
    SecondStatus,
    /// A message code that its stream does not carry.
    #[error("code {code:#04x} does not belong on this stream")]
    UnexpectedCode {
        /// The code that came.
        code: u8,
    },
    /// A reply that carries another request's id.
    #[error("a reply to request {asked} came with id {answered}")]
    WrongRequestId {
        /// The id that we sent.
        asked: u64,
        /// The id that came back.
        answered: u64,
    },
    /// A reply with more items than were asked for.
    #[error("{given} items in a reply to a request for {asked}")]
    ReplyTooLong {
        /// Items asked for.
        asked: u64,
        /// Items that came.
        given: usize,
    },
    /// More requests at once than are served, again and again.
    #[error("too many requests at once")]
    RequestFlood,
    /// More announce streams opened than replacing a lost one explains.
    #[error("too many announce streams")]
    StreamFlood,
}

/// Why a request got no answer. None of them says anything about the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFailure {
    /// The peer is not connected, or no Status has been exchanged with it yet.
    #[error("the peer is not connected")]
    NotConnected,
    /// Too many requests to this peer wait already: ask another, or later.
    #[error("too many requests to this peer are waiting")]
    Busy,
    /// A request with this id is waiting already.
    #[error("a request with this id is waiting already")]
    DuplicateId,
    /// More items asked for than one request may carry, or none.
    #[error("a request for {asked} items; between 1 and {limit} are allowed")]
    BadRequest {
        /// Items asked for.
        asked: u64,
        /// The most that one request may carry.
        limit: usize,
    },
    /// The peer closed the stream without an answer.
    #[error("the peer refused the request")]
    Refused,
    /// No whole answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The peer broke the protocol in its answer and is disconnected.
    #[error("the answer broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// The peer left before it answered.
    #[error("the peer left before it answered")]
    Disconnected,
}
