//! The calls of a handle that never wait, for hosts that are not async.

use crate::fetcher::{Counters, FetcherStatus};
use crate::input::{Failure, Input};
use crate::output::{Admission, Connection, RequestId};
use crate::types::{BlockHash, BlockNumber, BlockOf, Types};

use super::answer::{Answer, Filtered};
use super::call::{self, Call};
use super::error::{HandleError, Refused};
use super::handle::Handle;
use super::share::Payer;

/// # Calls that never wait
/// One for each of the async methods above, for hosts that have no async code of their own: nothing
/// but the driver's task needs the runtime. What is handed in is handled soon after; where something
/// comes of it, it is in an [`Answer`].
///
/// Each is [`HandleError::Busy`] where its async namesake would wait for capacity. What must not be
/// lost then comes back in a [`Refused`].
impl<T: Types> Handle<T> {
    /// As [`announce`](Self::announce).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where there is no capacity for this peer in the queue.
    pub fn try_announce(
        &self,
        peer: T::PeerId,
        hash: BlockHash,
        number: BlockNumber,
    ) -> Result<Answer<Admission>, HandleError> {
        self.try_admit(Input::Announced { peer, hash, number })
    }

    /// As [`announce_many`](Self::announce_many).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where there is no capacity for this peer in the queue.
    pub fn try_announce_many(
        &self,
        peer: T::PeerId,
        blocks: Vec<(BlockHash, BlockNumber)>,
    ) -> Result<Answer<Vec<Admission>>, HandleError> {
        let (payer, bytes) = (Payer::Peer(peer.clone()), call::list_bytes(&blocks));
        let (answer, admissions) = Answer::new();
        let call = |blocks| Call::AnnounceMany { peer, blocks, answer };
        self.queue.try_send(payer, bytes, blocks, call)?;
        Ok(admissions)
    }

    /// As [`push_block`](Self::push_block).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where there is no capacity for this peer in the queue.
    pub fn try_push_block(
        &self,
        peer: T::PeerId,
        block: BlockOf<T>,
    ) -> Result<Answer<Admission>, HandleError> {
        let (hash, number) = (block.hash(), block.number());
        match self.try_admit(Input::Pushed { peer: peer.clone(), block }) {
            // A peer's share of calls is never used by others, its share of bytes may be less than a block.
            Err(HandleError::Busy) => {
                tracing::debug!(?peer, block = %hash, number, "no capacity for a pushed block, only for its hash");
                self.try_announce(peer, hash, number)
            }
            admission => admission,
        }
    }

    /// As [`filter_headers`](Self::filter_headers), but for this: a reply that is refused has not
    /// arrived, and its request can run out until it is handed in again.
    ///
    /// # Errors
    /// [`Refused`] with the headers, where there is no capacity for this peer in the queue, or the
    /// driver has ended.
    pub fn try_filter_headers(
        &self,
        peer: T::PeerId,
        request: RequestId,
        headers: Vec<T::Header>,
    ) -> Filtered<T::Header> {
        let (payer, bytes) = (Payer::Peer(peer.clone()), call::headers_bytes::<T>(&headers));
        let (answer, rest) = Answer::new();
        let call = |headers| Call::Headers { peer, request, headers, answer };
        self.queue.try_send(payer, bytes, headers, call)?;
        Ok(rest)
    }

    /// As [`filter_bodies`](Self::filter_bodies), with the difference that
    /// [`try_filter_headers`](Self::try_filter_headers) names.
    ///
    /// # Errors
    /// [`Refused`] with the bodies, where there is no capacity for this peer in the queue, or the
    /// driver has ended.
    pub fn try_filter_bodies(
        &self,
        peer: T::PeerId,
        request: RequestId,
        bodies: Vec<T::Body>,
    ) -> Filtered<T::Body> {
        let (payer, bytes) = (Payer::Peer(peer.clone()), call::bodies_bytes::<T>(&bodies));
        let (answer, rest) = Answer::new();
        let call = |bodies| Call::Bodies { peer, request, bodies, answer };
        self.queue.try_send(payer, bytes, bodies, call)?;
        Ok(rest)
    }

    /// As [`request_failed`](Self::request_failed).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where there is no capacity for this peer in the queue. The request then
    /// ends by its deadline, unless it is reported again.
    pub fn try_request_failed(
        &self,
        peer: T::PeerId,
        request: RequestId,
        failure: Failure,
    ) -> Result<(), HandleError> {
        self.try_tell(Input::RequestFailed { peer, request, failure })
    }

    /// So many bytes of a reply have come, in all; see [`Input::Progress`]. Not waited with: where the
    /// peer's share of the queue is full, the next call says as much.
    ///
    /// # Errors
    /// [`HandleError::Busy`] where there is no capacity for this peer in the queue.
    pub fn try_progress(&self, peer: T::PeerId, request: RequestId, bytes: u64) -> Result<(), HandleError> {
        self.try_tell(Input::Progress { peer, request, bytes })
    }

    /// As [`forget`](Self::forget).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where the host's own calls fill their share, and others what is common.
    pub fn try_forget(&self, hash: BlockHash) -> Result<(), HandleError> {
        self.try_tell(Input::Forget { hash })
    }

    /// As [`peer_connected`](Self::peer_connected).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where the host's own calls fill their share, and others what is common.
    pub fn try_peer_connected(&self, peer: T::PeerId) -> Result<Answer<Connection>, HandleError> {
        let (answer, connection) = Answer::new();
        self.queue.try_send(Payer::Host, 0, peer, |peer| Call::Connect { peer, answer })?;
        Ok(connection)
    }

    /// As [`peer_gone`](Self::peer_gone).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where the host's own calls fill their share, and others what is common.
    /// It must be reported again, or the peer keeps its slot.
    pub fn try_peer_gone(&self, peer: T::PeerId) -> Result<(), HandleError> {
        self.try_tell(Input::PeerGone { peer })
    }

    /// As [`chain_advanced`](Self::chain_advanced).
    ///
    /// # Errors
    /// [`Refused`] with the list, where the host's own calls fill their share, and others what is
    /// common, or where the driver has ended.
    pub fn try_chain_advanced(
        &self,
        blocks: Vec<(BlockHash, BlockNumber)>,
    ) -> Result<(), Refused<Vec<(BlockHash, BlockNumber)>>> {
        let bytes = call::list_bytes(&blocks);
        let call = |blocks| Call::Tell { input: Input::ChainAdvanced { blocks }, handled: None };
        self.queue.try_send(Payer::Host, bytes, blocks, call)
    }

    /// As [`sealed`](Self::sealed).
    ///
    /// # Errors
    /// [`Refused`] with the block, where the host's own calls fill their share, and others what is
    /// common, or where the driver has ended.
    pub fn try_sealed(&self, block: BlockOf<T>) -> Result<(), Refused<BlockOf<T>>> {
        let bytes = block.retained_bytes();
        let call = |block| Call::Tell { input: Input::Sealed { block }, handled: None };
        self.queue.try_send(Payer::Host, bytes, block, call)
    }

    /// As [`status`](Self::status).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where the host's own calls fill their share, and others what is common.
    pub fn try_status(&self) -> Result<Answer<FetcherStatus<T::PeerId>>, HandleError> {
        let (answer, status) = Answer::new();
        self.queue.try_send(Payer::Host, 0, (), |()| Call::Status { answer })?;
        Ok(status)
    }

    /// As [`counters`](Self::counters).
    ///
    /// # Errors
    /// [`HandleError::Busy`] where the host's own calls fill their share, and others what is common.
    pub fn try_counters(&self) -> Result<Answer<Counters>, HandleError> {
        let (answer, counters) = Answer::new();
        self.queue.try_send(Payer::Host, 0, (), |()| Call::Counters { answer })?;
        Ok(counters)
    }

    /// As [`shutdown`](Self::shutdown), without waiting for the end, which
    /// [`Driver::has_stopped`](super::Driver::has_stopped) tells. It needs no capacity, and is named so
    /// because it cannot fail.
    pub fn start_shutdown(&self) {
        self.queue.close();
    }

    fn try_admit(&self, input: Input<T>) -> Result<Answer<Admission>, HandleError> {
        let (payer, bytes) = (call::payer(&input), call::input_bytes(&input));
        let (answer, admission) = Answer::new();
        self.queue.try_send(payer, bytes, input, |input| Call::Admit { input, answer })?;
        Ok(admission)
    }

    fn try_tell(&self, input: Input<T>) -> Result<(), HandleError> {
        let (payer, bytes) = (call::payer(&input), call::input_bytes(&input));
        self.queue.try_send(payer, bytes, input, |input| Call::Tell { input, handled: None })?;
        Ok(())
    }
}
