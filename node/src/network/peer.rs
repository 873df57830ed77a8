//! What is shared about a peer between its session and those who speak to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use alloy_primitives::{B256, U256};
use herald_proto::{Body, Header, HeadersRequest, Status};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::NetworkLimits;
use super::outbox::Outbox;
use super::reason::{DisconnectReason, RequestFailure};

/// Which side dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer dialed us.
    Inbound,
    /// We dialed the peer.
    Outbound,
}

/// A ready peer, as of now.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// Who.
    pub peer_id: PeerId,
    /// Where its first connection leads.
    pub address: Multiaddr,
    /// Who dialed that connection.
    pub direction: Direction,
    /// The newest head that the peer named, in its Status or by a pushed block.
    pub head: B256,
    /// Its claim of the total difficulty there.
    pub total_difficulty: U256,
    /// Since when it has been ready.
    pub connected_since: Instant,
    /// Frames for it that were dropped because it does not read fast enough.
    pub dropped_frames: u64,
}

/// What is asked in one request.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Headers(HeadersRequest),
    Bodies(Vec<B256>),
}

/// What came back, of the kind that was asked for.
#[derive(Debug)]
pub(super) enum Answer {
    Headers(Vec<Header>),
    Bodies(Vec<Body>),
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) enum Asker {
    /// To the host's event queue.
    Events,
    /// To an `async fn` that waits for it.
    Caller(oneshot::Sender<Result<Answer, RequestFailure>>),
}

/// A question on its way to the session.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) request: u64,
    pub(super) question: Question,
    pub(super) cancelled: CancellationToken,
}

/// A peer for as long as its session lasts.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    pub(super) outbox: Outbox,
    asks: mpsc::Sender<Ask>,
    /// Requests without an outcome yet. Whoever takes one out reports its outcome, so each has
    /// exactly one.
    open_requests: Mutex<BTreeMap<u64, (CancellationToken, Asker)>>,
    requests_max: usize,
    kick: watch::Sender<Option<DisconnectReason>>,
    head: Mutex<Option<Head>>,
    announced_to_host: AtomicBool,
}

#[derive(Clone, Debug)]
struct Head {
    hash: B256,
    total_difficulty: U256,
    since: Instant,
    address: Multiaddr,
    direction: Direction,
}

impl Peer {
    /// The shared part, and the session's ends of its queues.
    pub(super) fn new(
        id: PeerId,
        limits: &NetworkLimits,
    ) -> (Arc<Self>, mpsc::Receiver<Ask>, watch::Receiver<Option<DisconnectReason>>) {
        let requests_max = limits.asked_at_once.saturating_add(limits.asked_waiting).max(1);
        let (asks, asked) = mpsc::channel(requests_max);
        let (kick, kicked) = watch::channel(None);
        let peer = Self {
            id,
            outbox: Outbox::new(limits.outbox_hashes, limits.outbox_blocks),
            asks,
            open_requests: Mutex::new(BTreeMap::new()),
            requests_max,
            kick,
            head: Mutex::new(None),
            announced_to_host: AtomicBool::new(false),
        };
        (Arc::new(peer), asked, kicked)
    }

    /// Ends the session; the first reason stays.
    pub(super) fn kick(&self, reason: DisconnectReason) {
        self.kick.send_if_modified(|kicked| {
            let first = kicked.is_none();
            if first {
                *kicked = Some(reason);
            }
            first
        });
    }

    /// Hands a question to the session.
    pub(super) fn ask(&self, request: u64, question: Question, asker: Asker) -> Result<(), RequestFailure> {
        let cancelled = CancellationToken::new();
        let ask = Ask { request, question, cancelled: cancelled.clone() };
        let mut open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.requests_max {
            return Err(RequestFailure::Busy);
        }
        if open.contains_key(&request) {
            return Err(RequestFailure::DuplicateId);
        }
        self.asks.try_send(ask).map_err(|error| match error {
            // Cancelled ones that the session has not seen yet take places as well.
            mpsc::error::TrySendError::Full(_) => RequestFailure::Busy,
            mpsc::error::TrySendError::Closed(_) => RequestFailure::NotConnected,
        })?;
        open.insert(request, (cancelled, asker));
        Ok(())
    }

    /// Takes a request out, with the duty to report its outcome.
    pub(super) fn take_request(&self, request: u64) -> Option<Asker> {
        let mut open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&request).map(|(_, asker)| asker)
    }

    /// Whether the outcome of an open request goes to the event queue.
    pub(super) fn is_event_awaited(&self, request: u64) -> bool {
        let open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(open.get(&request), Some((_, Asker::Events)))
    }

    /// Takes a request out for which no outcome is wanted any more.
    pub(super) fn cancel(&self, request: u64) {
        let mut open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((cancelled, _)) = open.remove(&request) {
            cancelled.cancel();
        }
    }

    /// The requests that have no outcome yet.
    pub(super) fn open_requests(&self) -> Vec<u64> {
        let open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        open.keys().copied().collect()
    }

    /// Both have seen the other's Status.
    pub(super) fn set_ready(&self, status: &Status, address: Multiaddr, direction: Direction, now: Instant) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        *head = Some(Head {
            hash: status.head,
            total_difficulty: status.total_difficulty,
            since: head.as_ref().map_or(now, |head| head.since),
            address,
            direction,
        });
    }

    /// The peer has a newer head. One of less difficulty is an older block, pushed late.
    pub(super) fn raise_head(&self, hash: B256, total_difficulty: U256) {
        let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = head.as_mut()
            && total_difficulty >= head.total_difficulty
        {
            head.hash = hash;
            head.total_difficulty = total_difficulty;
        }
    }

    pub(super) fn info(&self) -> Option<PeerInfo> {
        let head = self.head.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(PeerInfo {
            peer_id: self.id,
            address: head.address,
            direction: head.direction,
            head: head.hash,
            total_difficulty: head.total_difficulty,
            connected_since: head.since,
            dropped_frames: self.outbox.dropped(),
        })
    }

    /// The host was told that this peer is ready, and must be told when it is gone.
    pub(super) fn set_announced_to_host(&self) {
        self.announced_to_host.store(true, Ordering::Release);
    }

    pub(super) fn announced_to_host(&self) -> bool {
        self.announced_to_host.load(Ordering::Acquire)
    }
}

/// The ready peers, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct PeerTable(RwLock<BTreeMap<PeerId, Arc<Peer>>>);

impl PeerTable {
    pub(super) fn insert(&self, peer: Arc<Peer>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(peer.id, peer);
    }

    pub(super) fn remove(&self, peer: &PeerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(peer);
    }

    pub(super) fn find(&self, peer: &PeerId) -> Option<Arc<Peer>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(peer).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
