//! What a host brings to the driver.

use core::future::Future;
use std::sync::Arc;

use crate::Time;
use crate::input::{ChainView, Failure, Input, Verdict};
use crate::output::{Event, Hashes, Outcome, Output, Presence, Reason, RequestId};
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

/// The host's chain.
///
/// The answers of [`ChainView`] are read in the driver's task, so they must come from memory, or
/// nearly so. The async methods run in tasks of their own, up to
/// [`Config::importing`](crate::Config::importing) at once; work that blocks belongs into
/// `spawn_blocking` there. Where one panics, the driver takes it for a [`Verdict::LocalFault`].
///
/// When the driver ends, a future that is still running is dropped at its next `await`. What it had
/// moved to a blocking thread goes on there; a host that must know waits for it itself.
pub trait Chain<T: Types>: ChainView + Send + Sync + 'static {
    /// Verifies a header whose parent is in the chain: all that can be said without its body.
    fn verify_header(&self, header: T::Header) -> impl Future<Output = Verdict> + Send;

    /// Imports a block whose header was found valid and whose body matches it.
    ///
    /// [`Verdict::Valid`] says that [`ChainView`] shows it from now on. The driver then
    /// tells the fetcher that the chain has advanced; the host need not.
    fn import(&self, block: BlockOf<T>) -> impl Future<Output = Verdict> + Send;

    /// Imports a header that was found valid. Called only with
    /// [`Mode::HeadersOnly`](crate::Mode::HeadersOnly), where [`import`](Self::import) is not; the
    /// provided one, for hosts of whole blocks, answers [`Verdict::LocalFault`].
    fn import_header(&self, header: T::Header) -> impl Future<Output = Verdict> + Send {
        let _ = header;
        core::future::ready(Verdict::LocalFault)
    }
}

impl<T: Types, C: Chain<T>> Chain<T> for Arc<C> {
    fn verify_header(&self, header: T::Header) -> impl Future<Output = Verdict> + Send {
        (**self).verify_header(header)
    }
    fn import(&self, block: BlockOf<T>) -> impl Future<Output = Verdict> + Send {
        (**self).import(block)
    }
    fn import_header(&self, header: T::Header) -> impl Future<Output = Verdict> + Send {
        (**self).import_header(header)
    }
}

/// The host's network.
///
/// Called in the driver's task, in order: a call must not block. Usually each sends a message to the
/// network's own task, through a bounded channel. It should not keep a [`Handle`](super::Handle):
/// the driver ends by itself only when all handles are dropped, and this one would keep itself
/// alive.
pub trait Network<T: Types>: Send + 'static {
    /// Asks `peer` for the header of `hash`. The answer goes to
    /// [`Handle::filter_headers`](super::Handle::filter_headers) or
    /// [`Handle::request_failed`](super::Handle::request_failed), with this id.
    ///
    /// # Errors
    /// Why it could not even be sent, [`Failure::Disconnected`] as a rule; the fetcher goes on with
    /// another peer at once.
    fn request_header(
        &mut self,
        request: RequestId,
        peer: &T::PeerId,
        hash: BlockHash,
    ) -> Result<(), Failure>;

    /// Asks `peer` for the bodies of `hashes`. The answer goes to
    /// [`Handle::filter_bodies`](super::Handle::filter_bodies) or
    /// [`Handle::request_failed`](super::Handle::request_failed), with this id.
    ///
    /// # Errors
    /// As for [`request_header`](Self::request_header).
    fn request_bodies(&mut self, request: RequestId, peer: &T::PeerId, hashes: Hashes)
    -> Result<(), Failure>;

    /// The reply to this request is no longer of use. One that comes all the same does no harm.
    fn cancel(&mut self, request: RequestId, peer: &T::PeerId);

    /// Sends the whole block to these peers. What cannot be sent is dropped.
    fn relay(&mut self, block: BlockOf<T>, peers: Vec<T::PeerId>);

    /// Announces a block to these peers. What cannot be sent is dropped.
    fn announce(&mut self, hash: BlockHash, number: BlockNumber, peers: Vec<T::PeerId>);

    /// A peer did wrong; [`Reason::weight`] says how much it weighs. Whether to disconnect is for
    /// the host, and whether to remember one that is gone.
    fn penalise(&mut self, peer: &T::PeerId, reason: Reason, presence: Presence);

    /// The parent of a block of `peer` lies outside the window: a range sync may fetch the gap. The
    /// provided one does nothing.
    fn out_of_reach(&mut self, hash: BlockHash, number: BlockNumber, peer: &T::PeerId) {
        let _ = (hash, number, peer);
    }
}

/// Sees what goes into the fetcher and what comes out, with the fetcher's time: for
/// recorders and metrics. Called in the driver's task; it must not block.
///
/// What the chain answers in between is seen by wrapping the [`Chain`]: it is read in the same task,
/// after `on_input` and before `on_outcome`. With the feature `serde`, all that is seen here can be
/// written.
///
/// `()` observes nothing and costs nothing.
pub trait Observer<T: Types>: Send + 'static {
    /// This is about to be handed to the fetcher. The first input of all comes at time zero or
    /// later; times never go back.
    fn on_input(&mut self, now: Time, input: &Input<T>) {
        let _ = (now, input);
    }

    /// This came of the input, and is about to be given to whoever handed it in.
    fn on_outcome(&mut self, now: Time, outcome: &Outcome<T>) {
        let _ = (now, outcome);
    }

    /// This has come out, and is about to be carried out.
    fn on_output(&mut self, now: Time, output: &Output<T>) {
        let _ = (now, output);
    }

    /// A step of a hash; only with [`Events::On`](crate::Events::On). It is not repeated by
    /// [`on_output`](Self::on_output).
    fn on_event(&mut self, now: Time, event: &Event<T::PeerId>) {
        let _ = (now, event);
    }
}

impl<T: Types> Observer<T> for () {}
