//! What is shared about a peer between its session and those who speak to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use alloy_primitives::{B256, U256};
use herald_proto::{Body, Header, HeadersRequest, Status};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::NetworkLimits;
use super::outbox::Outbox;
use super::reason::{DisconnectReason, RequestFailure};

/// Which side dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ConnectionDirection {
    /// The peer dialed us.
    Inbound,
    /// We dialed the peer.
    Outbound,
}

/// A ready peer, as of now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Who.
    pub peer_id: PeerId,
    /// Where its first connection leads.
    pub address: Multiaddr,
    /// Who dialed that connection.
    pub direction: ConnectionDirection,
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

impl Question {
    /// How many items it asks for.
    pub(super) fn items(&self) -> u64 {
        match self {
            Self::Headers(HeadersRequest { limit, .. }) => *limit,
            Self::Bodies(hashes) => u64::try_from(hashes.len()).unwrap_or(u64::MAX),
        }
    }
}

/// What came back, of the kind that was asked for.
#[derive(Debug)]
pub(super) enum ReplyItems {
    Headers(Vec<Header>),
    Bodies(Vec<Body>),
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
pub(super) struct PeerShared {
    pub(super) id: PeerId,
    pub(super) outbox: Outbox,
    asks: mpsc::Sender<Ask>,
    /// Requests without an outcome yet. Whoever closes one reports its outcome, so each has exactly
    /// one.
    open_requests: Mutex<BTreeMap<u64, CancellationToken>>,
    requests_max: usize,
    kick: watch::Sender<Option<DisconnectReason>>,
    state: Mutex<Option<PeerState>>,
    announced_to_host: AtomicBool,
}

#[derive(Clone, Debug)]
struct PeerState {
    head: B256,
    total_difficulty: U256,
    since: Instant,
    address: Multiaddr,
    direction: ConnectionDirection,
}

impl PeerShared {
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
            state: Mutex::new(None),
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
    pub(super) fn ask(&self, request: u64, question: Question) -> Result<(), RequestFailure> {
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
            // Cancelled ones that the session has not seen yet count as well.
            mpsc::error::TrySendError::Full(_) => RequestFailure::Busy,
            mpsc::error::TrySendError::Closed(_) => RequestFailure::NotConnected,
        })?;
        open.insert(request, cancelled);
        Ok(())
    }

    /// Whether a request has no outcome yet.
    pub(super) fn is_open(&self, request: u64) -> bool {
        self.open_requests.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&request)
    }

    /// Closes a request, and says whether it was open: then its outcome is the caller's to report.
    #[must_use]
    pub(super) fn close_request(&self, request: u64) -> bool {
        self.open_requests.lock().unwrap_or_else(PoisonError::into_inner).remove(&request).is_some()
    }

    /// Closes a request whose outcome is not wanted any more.
    pub(super) fn cancel(&self, request: u64) {
        let mut open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cancelled) = open.remove(&request) {
            cancelled.cancel();
        }
    }

    /// The requests that have no outcome yet.
    pub(super) fn open_requests(&self) -> Vec<u64> {
        let open = self.open_requests.lock().unwrap_or_else(PoisonError::into_inner);
        open.keys().copied().collect()
    }

    /// Both have seen the other's Status.
    pub(super) fn set_ready(
        &self,
        status: &Status,
        address: Multiaddr,
        direction: ConnectionDirection,
        now: Instant,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = Some(PeerState {
            head: status.head,
            total_difficulty: status.total_difficulty,
            since: state.as_ref().map_or(now, |state| state.since),
            address,
            direction,
        });
    }

    /// The peer has a newer head. One of less difficulty is an older block, pushed late.
    pub(super) fn raise_head(&self, hash: B256, total_difficulty: U256) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = state.as_mut()
            && total_difficulty >= state.total_difficulty
        {
            state.head = hash;
            state.total_difficulty = total_difficulty;
        }
    }

    pub(super) fn info(&self) -> Option<PeerInfo> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(PeerInfo {
            peer_id: self.id,
            address: state.address,
            direction: state.direction,
            head: state.head,
            total_difficulty: state.total_difficulty,
            connected_since: state.since,
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
pub(super) struct PeerTable(RwLock<BTreeMap<PeerId, Arc<PeerShared>>>);

impl PeerTable {
    pub(super) fn insert(&self, peer: Arc<PeerShared>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(peer.id, peer);
    }

    pub(super) fn remove(&self, peer: &PeerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(peer);
    }

    pub(super) fn find(&self, peer: &PeerId) -> Option<Arc<PeerShared>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(peer).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<PeerShared>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
