//! The host's side of the queue.

use core::fmt;

use thiserror::Error;
use tokio::sync::{oneshot, watch};

use crate::fetcher::{Counters, Status};
use crate::input::{Failure, Input};
use crate::output::{Admission, Connection, Outcome, RequestId};
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

use super::QueueLimits;
use super::queue::{self, Command, Place, Queue};
use super::task::{Ending, Inlet};

/// Reports to a driver what happens. Clones are cheap and report to the same one.
///
/// Calls of one task are taken in their order. Every method may be called from any task of any
/// runtime.
pub struct Handle<T: Types> {
    queue: Queue<T>,
    /// Closed when the task has ended and all that it owned is dropped.
    alive: watch::Receiver<()>,
}

/// Why an announcement or a block was not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HandleError {
    /// The queue is full. The peer can send it again, and others have it too: drop it.
    #[error("the fetcher's queue is full; drop this, or try again later")]
    Busy,
    /// The driver has ended.
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// The driver has ended.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the fetcher's driver has ended; start another, or drop this handle")]
pub struct Closed;

impl<T: Types> Handle<T> {
    pub(super) fn pair(limits: QueueLimits) -> (Self, Inlet<T>) {
        let (queue, commands) = Queue::new(limits);
        let (ending, alive) = watch::channel(());
        let ending = Ending { bytes: queue.bytes(), _alive: ending };
        (Self { queue, alive }, Inlet { commands, _ending: ending })
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
        let place = self.queue.try_place(queue::list_bytes(&blocks))?;
        let (reply, admissions) = oneshot::channel();
        place.fill(Command::AnnounceMany { peer, blocks, reply });
        Ok(self.answer(admissions).await?)
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
    /// ended; only a reply that crosses the driver's end can be lost. Waits for room.
    ///
    /// Not cancel-safe: dropped while it waits for room, the reply is not handed in; dropped later,
    /// what would come back is lost.
    #[must_use = "headers that are not the fetcher's belong to the host's downloader"]
    pub async fn filter_headers(
        &self,
        peer: T::PeerId,
        request: RequestId,
        headers: Vec<T::Header>,
    ) -> Vec<T::Header> {
        let Ok(place) = self.queue.place(queue::headers_bytes::<T>(&headers)).await else { return headers };
        match self.ask(place, Input::Headers { peer, request, headers }).await {
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
        let Ok(place) = self.queue.place(queue::bodies_bytes::<T>(&bodies)).await else { return bodies };
        match self.ask(place, Input::Bodies { peer, request, bodies }).await {
            Ok(Outcome::Bodies(rest)) => rest,
            Err(Closed) => Vec::new(),
            Ok(Outcome::Done | Outcome::Connection(_) | Outcome::Admission(_) | Outcome::Headers(_)) => {
                unreachable!("the outcome of bodies is bodies")
            }
        }
    }

    /// A request will get no reply. Waits for room.
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

    /// A peer is there, and may announce from now on. Waits for room.
    ///
    /// Not cancel-safe: dropped before it is ready, the peer may or may not have its place; a host
    /// that does so reports [`peer_gone`](Self::peer_gone).
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn peer_connected(&self, peer: T::PeerId) -> Result<Connection, Closed> {
        let place = self.queue.place(0).await?;
        match self.ask(place, Input::PeerConnected { peer }).await? {
            Outcome::Connection(connection) => Ok(connection),
            Outcome::Done | Outcome::Admission(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of a connection is a connection")
            }
        }
    }

    /// A peer is gone: all that rests on it alone is released. Waits for room.
    ///
    /// Cancel-safe: until it is ready, it has done nothing. Then it must be called again, or the
    /// peer keeps its place.
    ///
    /// # Errors
    /// [`Closed`], in which case nothing is held for the peer any more.
    pub async fn peer_gone(&self, peer: T::PeerId) -> Result<(), Closed> {
        self.tell(Input::PeerGone { peer }).await
    }

    /// Blocks are now in the chain by another way than this driver: sync, own sealing, a file. Hash
    /// and number of each, in order, the head or what is nearest to it last. Waits for room.
    ///
    /// Cancel-safe: until it is ready, it has done nothing.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn chain_advanced(&self, blocks: Vec<(BlockHash, BlockNumber)>) -> Result<(), Closed> {
        self.tell(Input::ChainAdvanced { blocks }).await
    }

    /// A block was made here and is in the chain: relay it and announce it. Waits for room.
    ///
    /// Cancel-safe: until it is ready, it has done nothing.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn sealed(&self, block: BlockOf<T>) -> Result<(), Closed> {
        self.tell(Input::Sealed { block }).await
    }

    /// What the fetcher holds now. Waits for room.
    ///
    /// Cancel-safe: it only reads.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn status(&self) -> Result<Status<T::PeerId>, Closed> {
        let place = self.queue.place(0).await?;
        let (reply, status) = oneshot::channel();
        place.fill(Command::Status { reply });
        self.answer(status).await
    }

    /// What has happened since the start. Waits for room.
    ///
    /// Cancel-safe: it only reads.
    ///
    /// # Errors
    /// [`Closed`] where the driver has ended.
    pub async fn counters(&self) -> Result<Counters, Closed> {
        let place = self.queue.place(0).await?;
        let (reply, counters) = oneshot::channel();
        place.fill(Command::Counters { reply });
        self.answer(counters).await
    }

    /// Ends the driver, for all handles. What was handed in before is handled first; verifications
    /// and imports that are running are aborted. Returns when the task has ended and has dropped the
    /// host's chain, network and observer.
    ///
    /// Cancel-safe: dropped while it waits for room it has done nothing; dropped later, the driver
    /// ends all the same. Calling it again waits again.
    pub async fn shutdown(&self) {
        if let Ok(place) = self.queue.place(0).await {
            place.fill(Command::Shutdown);
        }
        let mut alive = self.alive.clone();
        // Nothing is ever sent: an error says that the other side is dropped.
        while alive.changed().await.is_ok() {}
    }

    async fn tell(&self, input: Input<T>) -> Result<(), Closed> {
        self.queue.place(queue::input_bytes(&input)).await?.fill(Command::Tell(input));
        Ok(())
    }

    async fn try_admit(&self, input: Input<T>) -> Result<Admission, HandleError> {
        let place = self.queue.try_place(queue::input_bytes(&input))?;
        match self.ask(place, input).await? {
            Outcome::Admission(admission) => Ok(admission),
            Outcome::Done | Outcome::Connection(_) | Outcome::Headers(_) | Outcome::Bodies(_) => {
                unreachable!("the outcome of an announcement or a block is an admission")
            }
        }
    }

    async fn ask(&self, place: Place<'_, T>, input: Input<T>) -> Result<Outcome<T>, Closed> {
        let (reply, outcome) = oneshot::channel();
        place.fill(Command::Ask { input, reply });
        self.answer(outcome).await
    }

    /// The task's answer. A call whose place was given out just before the task ended comes into a
    /// queue that nobody reads, and that lives as long as the handles: so the end is waited for too.
    async fn answer<A>(&self, mut answer: oneshot::Receiver<A>) -> Result<A, Closed> {
        let mut alive = self.alive.clone();
        tokio::select! {
            biased;
            answer = &mut answer => answer.map_err(|_| Closed),
            _ = alive.changed() => answer.try_recv().map_err(|_| Closed),
        }
    }
}

// Derived, this would ask for `T: Clone`, and `T` is only a name.
impl<T: Types> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), alive: self.alive.clone() }
    }
}

impl<T: Types> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("queue", &self.queue).finish_non_exhaustive()
    }
}
