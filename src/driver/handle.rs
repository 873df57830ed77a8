//! The host's side of the queue.

use core::fmt;

use crate::fetcher::{Counters, FetcherStatus};
use crate::input::{Failure, Input};
use crate::output::{Admission, Connection, RequestId};
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

use super::answer::Answer;
use super::call::{self, Call};
use super::error::{Closed, HandleError};
use super::queue::{Sender, Sent};
use super::share::Payer;

/// Reports to a driver what happens. Clones are cheap and report to the same one.
///
/// Calls of one task are taken in their order. Every method may be called from any task of any
/// runtime. For hosts that are not async there is a call that never waits for each of them, with
/// `try_` before its name.
///
/// Each peer has a share of the [queue](super::QueueLimits), from the time when it is connected: what
/// others send in excess does not make its calls [`HandleError::Busy`].
pub struct Handle<T: Types> {
    pub(super) queue: Sender<T>,
}

impl<T: Types> Handle<T> {
    pub(super) fn new(queue: Sender<T>) -> Self {
        Self { queue }
    }

    /// A peer says that it has a block.
    ///
    /// Cancel-safe: from its first poll on it is handed in; only the outcome can be missed.
    ///
    /// # Errors
    /// [`HandleError::Busy`] at once where there is no capacity for this peer in the queue.
    pub async fn announce(
        &self,
        peer: T::PeerId,
        hash: BlockHash,
        number: BlockNumber,
    ) -> Result<Admission, HandleError> {
        Ok(self.try_announce(peer, hash, number)?.await?)
    }

    /// A peer says that it has these blocks. One outcome for each, in their order; all or none of
    /// them are handed in.
    ///
    /// Cancel-safe: from its first poll on they are handed in; only the outcomes can be missed.
    ///
    /// # Errors
    /// [`HandleError::Busy`] at once where there is no capacity for this peer in the queue.
    pub async fn announce_many(
        &self,
        peer: T::PeerId,
        blocks: Vec<(BlockHash, BlockNumber)>,
    ) -> Result<Vec<Admission>, HandleError> {
        Ok(self.try_announce_many(peer, blocks)?.await?)
    }

    /// A peer has sent a whole block unasked. Where there is capacity for a call of this peer but not
    /// for its bytes, the block is taken as announced by the peer, and can be asked of it.
    ///
    /// Cancel-safe: from its first poll on it is handed in; only the outcome can be missed.
    ///
    /// # Errors
    /// [`HandleError::Busy`] at once where there is no capacity for this peer in the queue.
    pub async fn push_block(&self, peer: T::PeerId, block: BlockOf<T>) -> Result<Admission, HandleError> {
        Ok(self.try_push_block(peer, block)?.await?)
    }

    /// A reply with headers has come. Gives back what the fetcher did not ask for, for the host's
    /// downloader: all of it where the request is not the fetcher's, is cancelled, or the driver has
    /// ended. Only a reply that the task is handling when it is cut short is lost.
    ///
    /// From its first poll on it has arrived: its request does not run out, whether or not there is
    /// capacity for it in the queue.
    ///
    /// Not cancel-safe: dropped while it waits for capacity, the reply is not handed in; dropped later,
    /// what would come back is lost.
    #[must_use = "headers that are not the fetcher's belong to the host's downloader"]
    pub async fn filter_headers(
        &self,
        peer: T::PeerId,
        request: RequestId,
        headers: Vec<T::Header>,
    ) -> Vec<T::Header> {
        let (payer, bytes) = (Payer::Peer(peer.clone()), call::headers_bytes::<T>(&headers));
        let (answer, rest) = Answer::new();
        let call = |headers| Call::Headers { peer, request, headers, answer };
        // Kept until the answer is there: while it waits for capacity, the call is this caller's.
        let _sent = match self.queue.send(payer, bytes, headers, call) {
            Ok(sent) => sent,
            Err(headers) => return headers,
        };
        // No answer: the task was cut short with the reply in its hands.
        rest.await.unwrap_or_default()
    }

    /// A reply with bodies has come; as for [`filter_headers`](Self::filter_headers).
    ///
    /// Not cancel-safe, as [`filter_headers`](Self::filter_headers).
    #[must_use = "bodies that are not the fetcher's belong to the host's downloader"]
    pub async fn filter_bodies(
        &self,
        peer: T::PeerId,
        request: RequestId,
        bodies: Vec<T::Body>,
    ) -> Vec<T::Body> {
        let (payer, bytes) = (Payer::Peer(peer.clone()), call::bodies_bytes::<T>(&bodies));
        let (answer, rest) = Answer::new();
        let call = |bodies| Call::Bodies { peer, request, bodies, answer };
        let _sent = match self.queue.send(payer, bytes, bodies, call) {
            Ok(sent) => sent,
            Err(bodies) => return bodies,
        };
        rest.await.unwrap_or_default()
    }

    /// A request will get no reply. Waits for capacity in the queue.
    ///
    /// Cancel-safe: until it is ready, it has done nothing, or may have been handed in already; to call
    /// it again does no harm.
    ///
    /// # Errors
    /// [`Closed`], in which case there is nobody to tell.
    pub async fn request_failed(
        &self,
        peer: T::PeerId,
        request: RequestId,
        failure: Failure,
    ) -> Result<(), Closed> {
        self.tell(Input::RequestFailed { peer, request, failure }).await
    }

    /// A peer is there, and may announce from now on. Waits for capacity in the queue.
    ///
    /// Not cancel-safe: dropped before it is ready, the peer may or may not be connected; a host
    /// that does so reports [`peer_gone`](Self::peer_gone).
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn peer_connected(&self, peer: T::PeerId) -> Result<Connection, Closed> {
        let (answer, connection) = Answer::new();
        let call = |peer| Call::Connect { peer, answer };
        let _sent = self.queue.send(Payer::Host, 0, peer, call).map_err(|_| Closed)?;
        connection.await
    }

    /// A peer is gone: all that rests on it alone is released. Waits for capacity in the queue.
    ///
    /// Cancel-safe: dropped before it is ready, it may or may not have been handed in. Then it must be
    /// called again, which does no harm, or the peer keeps its slot.
    ///
    /// # Errors
    /// [`Closed`], in which case nothing is held for the peer any more.
    pub async fn peer_gone(&self, peer: T::PeerId) -> Result<(), Closed> {
        self.tell(Input::PeerGone { peer }).await
    }

    /// Blocks are now in the chain by another way than this driver: sync, own sealing, a file. Hash
    /// and number of each, in order, the head or what is nearest to it last. Waits for capacity in the queue.
    ///
    /// Cancel-safe: dropped before it is ready, it may or may not have been handed in; to call it again
    /// does no harm.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn chain_advanced(&self, blocks: Vec<(BlockHash, BlockNumber)>) -> Result<(), Closed> {
        self.tell(Input::ChainAdvanced { blocks }).await
    }

    /// A block was made here and is in the chain: relay it and announce it. Waits for capacity in the queue.
    ///
    /// Cancel-safe: dropped before it is ready, it may or may not have been handed in; to call it again
    /// does no harm.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn sealed(&self, block: BlockOf<T>) -> Result<(), Closed> {
        self.tell(Input::Sealed { block }).await
    }

    /// What is remembered of a hash is to be forgotten; see [`Input::Forget`]. Waits for capacity in the
    /// queue.
    ///
    /// Cancel-safe: until it is ready, it has done nothing.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn forget(&self, hash: BlockHash) -> Result<(), Closed> {
        self.tell(Input::Forget { hash }).await
    }

    /// What the fetcher holds now. Waits for capacity in the queue.
    ///
    /// Cancel-safe: it only reads.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn status(&self) -> Result<FetcherStatus<T::PeerId>, Closed> {
        let (answer, status) = Answer::new();
        let call = |()| Call::Status { answer };
        let _sent = self.queue.send(Payer::Host, 0, (), call).map_err(|()| Closed)?;
        status.await
    }

    /// What has happened since the start. Waits for capacity in the queue.
    ///
    /// Cancel-safe: it only reads.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn counters(&self) -> Result<Counters, Closed> {
        let (answer, counters) = Answer::new();
        let call = |()| Call::Counters { answer };
        let _sent = self.queue.send(Payer::Host, 0, (), call).map_err(|()| Closed)?;
        counters.await
    }

    /// Ends the driver, for all handles. What was handed in before is handled first; later calls are
    /// [`Closed`]. Verifications and imports that are running are aborted. Returns when the task has
    /// ended and has dropped the host's chain, network and observer.
    ///
    /// Cancel-safe: from its first poll on the driver ends. Calling it again waits again.
    pub async fn shutdown(&self) {
        self.start_shutdown();
        self.queue.ended().await;
    }

    async fn tell(&self, input: Input<T>) -> Result<(), Closed> {
        let (payer, bytes) = (call::payer(&input), call::input_bytes(&input));
        let (done, handled) = Answer::new();
        let call = |input| Call::Tell { input, handled: Some(done) };
        match self.queue.send(payer, bytes, input, call).map_err(|_| Closed)? {
            Sent::Charged => Ok(()),
            Sent::Waiting(_waiting) => handled.await,
        }
    }
}

// Derived, this would ask for `T: Clone`, and `T` is only a name.
impl<T: Types> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T: Types> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("queue", &self.queue).finish_non_exhaustive()
    }
}
