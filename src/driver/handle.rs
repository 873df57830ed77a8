//! The host's side of the queue.

use core::fmt;

use tokio::sync::oneshot;

use crate::fetcher::{Counters, FetcherStatus};
use crate::input::{Failure, Input};
use crate::output::{Admission, Connection, Outcome, RequestId};
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

use super::call::{self, Call};
use super::error::{Closed, HandleError};
use super::queue::{Permit, Sender};

/// Reports to a driver what happens. Clones are cheap and report to the same one.
///
/// Calls of one task are taken in their order. Every method may be called from any task of any
/// runtime.
pub struct Handle<T: Types> {
    queue: Sender<T>,
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
    /// [`HandleError::Busy`] at once where the queue is full.
    pub async fn announce(
        &self,
        peer: T::PeerId,
        hash: BlockHash,
        number: BlockNumber,
    ) -> Result<Admission, HandleError> {
        self.try_admit(Input::Announced { peer, hash, number }).await
    }

    /// A peer says that it has these blocks. One outcome for each, in their order; all or none of
    /// them are handed in.
    ///
    /// Cancel-safe: from its first poll on they are handed in; only the outcomes can be missed.
    ///
    /// # Errors
    /// [`HandleError::Busy`] at once where the queue is full.
    pub async fn announce_many(
        &self,
        peer: T::PeerId,
        blocks: Vec<(BlockHash, BlockNumber)>,
    ) -> Result<Vec<Admission>, HandleError> {
        let permit = self.queue.try_reserve(call::list_bytes(&blocks))?;
        let (answer, admissions) = oneshot::channel();
        permit.send(Call::AnnounceMany { peer, blocks, answer });
        Ok(self.queue.answer(admissions).await?)
    }

    /// A peer has sent a whole block unasked.
    ///
    /// Cancel-safe: from its first poll on it is handed in; only the outcome can be missed.
    ///
    /// # Errors
    /// [`HandleError::Busy`] at once where the queue is full.
    pub async fn push_block(&self, peer: T::PeerId, block: BlockOf<T>) -> Result<Admission, HandleError> {
        self.try_admit(Input::Pushed { peer, block }).await
    }

    /// A reply with headers has come. Gives back what the fetcher did not ask for, for the host's
    /// downloader: all of it where the request is not the fetcher's, is cancelled, or the driver has
    /// ended; only a reply that crosses the driver's end can be lost. Waits for capacity in the queue.
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
        let Ok(permit) = self.queue.reserve(call::headers_bytes::<T>(&headers)).await else {
            return headers;
        };
        match self.ask(permit, Input::Headers { peer, request, headers }).await {
            Ok(Outcome::Headers(rest)) => rest,
            // The task was cut short with the reply in its hands.
            Err(Closed) => Vec::new(),
            Ok(Outcome::Done | Outcome::Connection(_) | Outcome::Admission(_) | Outcome::Bodies(_)) => {
                unreachable!("the outcome of headers is headers")
            }
        }
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
        let Ok(permit) = self.queue.reserve(call::bodies_bytes::<T>(&bodies)).await else {
            return bodies;
        };
        match self.ask(permit, Input::Bodies { peer, request, bodies }).await {
            Ok(Outcome::Bodies(rest)) => rest,
            Err(Closed) => Vec::new(),
            Ok(Outcome::Done | Outcome::Connection(_) | Outcome::Admission(_) | Outcome::Headers(_)) => {
                unreachable!("the outcome of bodies is bodies")
            }
        }
    }

    /// So many bytes of a reply have come, in all. Not waited with: where the queue is full, the next
    /// call says as much.
    ///
    /// # Errors
    /// [`HandleError::Busy`] at once where the queue is full.
    pub fn progress(&self, peer: T::PeerId, request: RequestId, bytes: u64) -> Result<(), HandleError> {
        self.queue.try_reserve(0)?.send(Call::Tell(Input::Progress { peer, request, bytes }));
        Ok(())
    }

    /// A request will get no reply. Waits for capacity in the queue.
    ///
    /// Cancel-safe: until it is ready, it has done nothing.
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
        let permit = self.queue.reserve(0).await?;
        match self.ask(permit, Input::PeerConnected { peer }).await? {
            Outcome::Connection(connection) => Ok(connection),
            Outcome::Done | Outcome::Admission(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of a connection is a connection")
            }
        }
    }

    /// A peer is gone: all that rests on it alone is released. Waits for capacity in the queue.
    ///
    /// Cancel-safe: until it is ready, it has done nothing. Then it must be called again, or the
    /// peer keeps its slot.
    ///
    /// # Errors
    /// [`Closed`], in which case nothing is held for the peer any more.
    pub async fn peer_gone(&self, peer: T::PeerId) -> Result<(), Closed> {
        self.tell(Input::PeerGone { peer }).await
    }

    /// Blocks are now in the chain by another way than this driver: sync, own sealing, a file. Hash
    /// and number of each, in order, the head or what is nearest to it last. Waits for capacity in the queue.
    ///
    /// Cancel-safe: until it is ready, it has done nothing.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn chain_advanced(&self, blocks: Vec<(BlockHash, BlockNumber)>) -> Result<(), Closed> {
        self.tell(Input::ChainAdvanced { blocks }).await
    }

    /// A block was made here and is in the chain: relay it and announce it. Waits for capacity in the queue.
    ///
    /// Cancel-safe: until it is ready, it has done nothing.
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
        let permit = self.queue.reserve(0).await?;
        let (answer, status) = oneshot::channel();
        permit.send(Call::Status { answer });
        self.queue.answer(status).await
    }

    /// What has happened since the start. Waits for capacity in the queue.
    ///
    /// Cancel-safe: it only reads.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn counters(&self) -> Result<Counters, Closed> {
        let permit = self.queue.reserve(0).await?;
        let (answer, counters) = oneshot::channel();
        permit.send(Call::Counters { answer });
        self.queue.answer(counters).await
    }

    /// Ends the driver, for all handles. What was handed in before is handled first; verifications
    /// and imports that are running are aborted. Returns when the task has ended and has dropped the
    /// host's chain, network and observer.
    ///
    /// Cancel-safe: dropped while it waits for capacity it has done nothing; dropped later, the driver
    /// ends all the same. Calling it again waits again.
    pub async fn shutdown(&self) {
        if let Ok(permit) = self.queue.reserve(0).await {
            permit.send(Call::Shutdown);
        }
        self.queue.ended().await;
    }

    async fn tell(&self, input: Input<T>) -> Result<(), Closed> {
        self.queue.reserve(call::input_bytes(&input)).await?.send(Call::Tell(input));
        Ok(())
    }

    async fn try_admit(&self, input: Input<T>) -> Result<Admission, HandleError> {
        let permit = self.queue.try_reserve(call::input_bytes(&input))?;
        match self.ask(permit, input).await? {
            Outcome::Admission(admission) => Ok(admission),
            Outcome::Done | Outcome::Connection(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of an announcement or a block is an admission")
            }
        }
    }

    async fn ask(&self, permit: Permit<'_, T>, input: Input<T>) -> Result<Outcome<T>, Closed> {
        let (answer, outcome) = oneshot::channel();
        permit.send(Call::Ask { input, answer });
        self.queue.answer(outcome).await
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
