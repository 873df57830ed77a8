//! What goes into the fetcher.

use core::time::Duration;

use crate::RequestId;
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

/// What the fetcher reads of the host's chain during a call. Answers are taken as facts of that
/// moment; a recorder can wrap an implementation and write them down.
pub trait ChainView {
    /// Whether this block is in the chain, canonical or not. Asked once for each announcement of
    /// an unknown hash, so a look-up in memory is expected near the head.
    fn contains(&self, hash: &BlockHash) -> bool;
    /// The number of the canonical head.
    fn head(&self) -> BlockNumber;
    /// The number of the last block that can no longer be replaced; 0 where there is no finality.
    fn finalized(&self) -> BlockNumber;
}

impl<C: ChainView + ?Sized> ChainView for &C {
    fn contains(&self, hash: &BlockHash) -> bool {
        (**self).contains(hash)
    }
    fn head(&self) -> BlockNumber {
        (**self).head()
    }
    fn finalized(&self) -> BlockNumber {
        (**self).finalized()
    }
}

impl<C: ChainView + ?Sized> ChainView for std::sync::Arc<C> {
    fn contains(&self, hash: &BlockHash) -> bool {
        (**self).contains(hash)
    }
    fn head(&self) -> BlockNumber {
        (**self).head()
    }
    fn finalized(&self) -> BlockNumber {
        (**self).finalized()
    }
}

/// Everything that can happen to a fetcher, as a plain value: [`Fetcher::handle`] takes it, a
/// recorder writes it, a property test draws it. Each has a method of its own on the fetcher too.
///
/// Closed on purpose: what replays or stands in for a fetcher must know every input, or what it
/// shows is not what the fetcher does.
///
/// [`Fetcher::handle`]: crate::Fetcher::handle
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
pub enum Input<T: Types> {
    /// A peer is connected, and may announce from now on.
    PeerConnected {
        /// The host's name for it, until it is gone.
        peer: T::PeerId,
    },
    /// A peer is gone. All that rests on it alone is released.
    PeerGone {
        /// As it was named when it connected.
        peer: T::PeerId,
    },
    /// A peer says that it has a block.
    Announced {
        /// The announcer, who can be asked for the block.
        peer: T::PeerId,
        /// The block, which nothing is known of but this.
        hash: BlockHash,
        /// Its number, as the peer claims.
        number: BlockNumber,
    },
    /// A peer sent a whole block unasked.
    Pushed {
        /// The provider.
        peer: T::PeerId,
        /// Header and body as they came; whether they match is found out here.
        block: BlockOf<T>,
    },
    /// A reply to a request for headers.
    Headers {
        /// The peer that replied, which need not be the one that was asked.
        peer: T::PeerId,
        /// The request that the reply names; a downloader's, or none at all, is fine.
        request: RequestId,
        /// What the reply holds; may be empty.
        headers: Vec<T::Header>,
    },
    /// A reply to a request for bodies.
    Bodies {
        /// The peer that replied, which need not be the one that was asked.
        peer: T::PeerId,
        /// The request that the reply names; a downloader's, or none at all, is fine.
        request: RequestId,
        /// What the reply holds; may be empty.
        bodies: Vec<T::Body>,
    },
    /// A part of a reply has come. For hosts that set
    /// [`ReplyProgress::Reported`](crate::ReplyProgress::Reported): as often as they like, best each
    /// time that they have read something, and before they tick.
    Progress {
        /// The peer that was asked.
        peer: T::PeerId,
        /// The request that is being answered.
        request: RequestId,
        /// Bytes of the reply so far, in all.
        bytes: u64,
    },
    /// A request will get no reply.
    RequestFailed {
        /// The peer that was asked.
        peer: T::PeerId,
        /// As in the output that made it.
        request: RequestId,
        /// Tells a peer's fault from the network's.
        failure: Failure,
    },
    /// The host's answer to [`Output::VerifyHeader`](crate::Output::VerifyHeader).
    Verdict {
        /// The header's.
        hash: BlockHash,
        /// What the host found of it.
        verdict: Verdict,
    },
    /// The host's answer to [`Output::Import`](crate::Output::Import) or
    /// [`Output::ImportHeader`](crate::Output::ImportHeader).
    Imported {
        /// The block's.
        hash: BlockHash,
        /// What came of the import.
        verdict: Verdict,
    },
    /// Blocks are now in the chain, by whatever way: sync, own sealing, a file, this fetcher. The
    /// last one is the head's or nearest to it.
    ChainAdvanced {
        /// Hash and number of each, in order.
        blocks: Vec<(BlockHash, BlockNumber)>,
    },
    /// A block was made here and is in the chain.
    Sealed {
        /// To be relayed and announced as it is.
        block: BlockOf<T>,
    },
    /// What is remembered of a hash is to be forgotten: that it was found invalid, with all that were
    /// refused for an ancestor, and who has it. For a host that was wrong, or that took blocks back.
    Forget {
        /// The block's. One that is followed goes on.
        hash: BlockHash,
    },
    /// Time has passed: waits that are over run out. No other input lets them.
    Tick,
    /// Release everything and be silent from now on.
    Shutdown,
}

/// Why a request gets no reply. Closed on purpose, as [`Input`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Failure {
    /// The peer closed the stream without a reply.
    Refused,
    /// The network's own time limit passed.
    TimedOut,
    /// What came could not be decoded, or was not a reply to this request.
    Malformed,
    /// What came was larger than a reply may be.
    Oversized,
    /// The connection is lost, or the request could not be sent. Nobody's fault.
    Disconnected,
}

/// What the host finds of a header, or of a whole block: the answer to
/// [`Output::VerifyHeader`](crate::Output::VerifyHeader), [`Output::Import`](crate::Output::Import)
/// and [`Output::ImportHeader`](crate::Output::ImportHeader).
///
/// Closed on purpose: these are all that a check can come to as far as the fetcher is concerned. A
/// host with finer ones (an execution that failed, a store that is full) says here who is to blame:
/// the block, or itself.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Verdict {
    /// A header: it may be relayed, and its block imported. An import: the block is in the chain,
    /// and [`ChainView`] shows it from now on.
    Valid,
    /// It breaks a rule of the chain, and always will. Whoever provided it is penalised, and it is
    /// not fetched again.
    Invalid,
    /// It breaks no rule, but our clock says that its time has not come. Nobody is to blame; the
    /// block is kept, and its header handed out for verification again when the time has come. Said
    /// of the same block again, its wait is 10 ms at least, and twice as long each time.
    ///
    /// Said of headers. Of an import, whose header was found valid before, it counts as a
    /// [`LocalFault`](Self::LocalFault): the clock was set back.
    Future {
        /// How long it is until then, counted from the time of the call that hands this in. A span
        /// and not a point, since a host's wall clock and the fetcher's [`Time`](crate::Time) have
        /// nothing in common but that they go equally fast. More than
        /// [`Config::future_max`](crate::Config::future_max) ends the block.
        wait: Duration,
    },
    /// The host is not ready for it: an engine that is still syncing. Nobody is to blame; the block is
    /// kept, its header verified and its relay done, and handed out for import again. It keeps its turn
    /// among [`Config::importing`](crate::Config::importing).
    ///
    /// Said of imports. The wait counts against the block's lifetime, the host's own time with it does
    /// not; a block whose life is over first ends as by a [`LocalFault`](Self::LocalFault). Of a header
    /// it counts as one at once: a host that cannot verify headers has nothing to relay.
    Retry {
        /// How long it is until then, counted from the call that hands this in; 100 ms at least.
        after: Duration,
    },
    /// Its body is bad where no commitment of the header covers it; the header, and so the hash, is
    /// not. Whoever provided it is penalised, unless it only relayed the block. The block ends, and is
    /// fetched anew when it is announced again.
    ///
    /// Said of imports. Of a header, which has no body, it counts as a [`LocalFault`](Self::LocalFault).
    BadBody,
    /// It could not be checked, for a reason on our side: a full disk, a task that was aborted. The
    /// block ends, and nobody is to blame; it is fetched anew when it is announced again.
    LocalFault,
}
