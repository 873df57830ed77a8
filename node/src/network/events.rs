//! What the host is told.

use alloy_primitives::U256;
use herald_proto::{Announcement, Block, Body, Header, Status};
use libp2p::PeerId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::frames::BufferPermit;
use super::reason::{DisconnectReason, RequestFailure};

/// What happened on the network, in order for each peer.
///
/// Closed on purpose: a host that passes over an event loses track of a peer, or loses a block. It
/// has to decide about each.
#[derive(Debug)]
pub enum NetworkEvent {
    /// Both sides have sent and accepted a Status: the peer may be spoken to.
    PeerReady {
        /// Who.
        peer: PeerId,
        /// What the peer said of itself.
        status: Status,
    },
    /// A ready peer opened its announce stream anew and stated its head again.
    StatusRenewed {
        /// Who.
        peer: PeerId,
        /// What the peer says now.
        status: Status,
    },
    /// A ready peer is gone. The last event of this peer until it is ready again; its open
    /// requests have failed before.
    PeerGone {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A peer connected and never became ready.
    PeerRefused {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A peer announced blocks.
    Announced {
        /// Who.
        peer: PeerId,
        /// Hash and number of each, as the peer says.
        hashes: Vec<Announcement>,
    },
    /// A peer pushed a whole block. Whether its body belongs to its header is not checked.
    NewBlock {
        /// Who.
        peer: PeerId,
        /// The block.
        block: Block,
        /// The peer's claim of the total difficulty up to and with the block.
        total_difficulty: U256,
    },
    /// The answer to a request for headers: at most as many as were asked for, else unchecked.
    HeadersReply {
        /// Who.
        peer: PeerId,
        /// The caller's number for the request.
        request: u64,
        /// In the peer's order.
        headers: Vec<Header>,
    },
    /// The answer to a request for bodies: at most as many as were asked for, else unchecked.
    BodiesReply {
        /// Who.
        peer: PeerId,
        /// The caller's number for the request.
        request: u64,
        /// In the peer's order; those that it lacks are left out.
        bodies: Vec<Body>,
    },
    /// A request has no answer. Comes once for each request without a reply that was not cancelled.
    RequestFailed {
        /// Who.
        peer: PeerId,
        /// The caller's number for the request.
        request: u64,
        /// Why.
        reason: RequestFailure,
    },
}

/// The host's end of the events.
///
/// The queue is bounded in events, and in bytes by each peer's share
/// ([`peer_buffer`](super::NetworkLimits::peer_buffer)). When it is full, a stream that has
/// something to say is no longer read, and its peer feels that by its flow control; the swarm,
/// other streams and our own sending go on. Slots go to waiting streams in turn, so that a peer
/// that floods delays others by one event at most for each of theirs.
#[derive(Debug)]
pub struct NetworkEvents(mpsc::Receiver<(NetworkEvent, Option<BufferPermit>)>);

impl NetworkEvents {
    /// The next event; `None` once the network has shut down. Cancel-safe.
    pub async fn recv(&mut self) -> Option<NetworkEvent> {
        // What the host holds from here on is the host's to count.
        self.0.recv().await.map(|(event, _permit)| event)
    }

    /// How many events wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.len()
    }
}

/// The network's end of the events.
#[derive(Clone, Debug)]
pub(super) struct EventSender {
    queue: mpsc::Sender<(NetworkEvent, Option<BufferPermit>)>,
    shutdown: CancellationToken,
}

/// The host no longer listens, or the network is shutting down.
#[derive(Clone, Copy, Debug)]
pub(super) struct NobodyListens;

/// A slot in the queue that is ours to fill.
pub(super) type EventSlot<'a> = mpsc::Permit<'a, (NetworkEvent, Option<BufferPermit>)>;

impl EventSender {
    pub(super) fn new(limit: usize, shutdown: CancellationToken) -> (Self, NetworkEvents) {
        let (queue, events) = mpsc::channel(limit.max(1));
        (Self { queue, shutdown }, NetworkEvents(events))
    }

    /// Waits for a slot. Cancel-safe, though the turn is lost.
    pub(super) async fn reserve(&self) -> Result<EventSlot<'_>, NobodyListens> {
        // A host that shuts down may have stopped listening without saying so.
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => self.queue.try_reserve().map_err(|_| NobodyListens),
            slot = self.queue.reserve() => slot.map_err(|_| NobodyListens),
        }
    }

    /// Sends once there is a slot.
    pub(super) async fn send(
        &self,
        event: NetworkEvent,
        permit: Option<BufferPermit>,
    ) -> Result<(), NobodyListens> {
        self.reserve().await?.send((event, permit));
        Ok(())
    }
}
