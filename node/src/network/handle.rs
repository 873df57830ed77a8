//! What the host may ask of the network.

use std::sync::{Arc, PoisonError, RwLock};

use alloy_primitives::{B256, U256};
use bytes::Bytes;
use herald_proto::{Announcement, Block, HeadersRequest, Message};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::config::NetworkLimits;
use super::dialer::AddPeer;
use super::outbox::FrameKind;
use super::peer::{PeerInfo, PeerTable, Question};
use super::reason::{DisconnectReason, RequestFailure};

/// The network has shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network has shut down")]
pub struct NetworkClosed;

/// A command to the swarm.
#[derive(Debug)]
pub(super) enum SwarmCommand {
    AddPeer(Multiaddr, oneshot::Sender<AddPeer>),
}

/// The host's side of a running network. Clones share it; when the last is dropped, the network
/// shuts down.
///
/// Nothing here waits for a peer unless it says so.
#[derive(Clone, Debug)]
pub struct NetworkHandle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<SwarmCommand>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) local: PeerId,
    pub(super) listen: RwLock<Vec<Multiaddr>>,
    pub(super) peers: Arc<PeerTable>,
    pub(super) limits: NetworkLimits,
    pub(super) shutdown: CancellationToken,
    pub(super) done: CancellationToken,
}

impl Shared {
    pub(super) fn new(
        local: PeerId,
        limits: NetworkLimits,
        peers: Arc<PeerTable>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            local,
            listen: RwLock::new(Vec::new()),
            peers,
            limits,
            shutdown,
            done: CancellationToken::new(),
        }
    }
}

impl NetworkHandle {
    pub(super) fn new(shared: Arc<Shared>, commands: mpsc::Sender<SwarmCommand>) -> Self {
        Self { shared, commands }
    }

    /// This node's identity.
    #[must_use]
    pub fn local_peer_id(&self) -> PeerId {
        self.shared.local
    }

    /// Where the node listens now, with the ports that it took and its peer id at the end: an
    /// address that others can dial as it stands.
    #[must_use]
    pub fn listen_addrs(&self) -> Vec<Multiaddr> {
        self.shared.listen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ready peers, in the order of their ids.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.shared.peers.all().iter().filter_map(|peer| peer.info()).collect()
    }

    /// Announces a block to those of `peers` that are ready, and says how many they are.
    pub fn announce(&self, peers: &[PeerId], hash: B256, number: u64) -> usize {
        let announcement = Announcement { hash, number };
        let frame = Message::NewBlockHashes(vec![announcement]).to_frame();
        self.send(peers, FrameKind::Hashes, frame.into())
    }

    /// Sends a whole block to those of `peers` that are ready, and says how many they are. Encoded
    /// once and shared. A block over the frame limit goes to nobody: they would have to refuse it.
    pub fn send_block(&self, peers: &[PeerId], block: &Block, total_difficulty: U256) -> usize {
        let frame = Message::NewBlock { block: block.clone(), total_difficulty }.to_frame();
        if frame.len() > self.shared.limits.messages.frame_bytes {
            tracing::debug!(block = %block.hash(), bytes = frame.len(), "block too large to push");
            return 0;
        }
        self.send(peers, FrameKind::Block, frame.into())
    }

    fn send(&self, peers: &[PeerId], kind: FrameKind, frame: Bytes) -> usize {
        let ready = peers.iter().filter_map(|peer| self.shared.peers.find(peer));
        ready.map(|peer| peer.outbox.push(kind, frame.clone())).count()
    }

    /// Asks for headers; the answer comes as an event that carries `request`. The caller chooses
    /// the number, which goes over the wire: one that is not open with this peer.
    ///
    /// # Errors
    /// When the request cannot be made at all; then no event comes.
    pub fn send_headers_request(
        &self,
        request: u64,
        peer: PeerId,
        headers: HeadersRequest,
    ) -> Result<(), RequestFailure> {
        self.ask(request, peer, Question::Headers(headers))
    }

    /// As [`send_headers_request`](Self::send_headers_request), for bodies.
    ///
    /// # Errors
    /// When the request cannot be made at all; then no event comes.
    pub fn send_bodies_request(
        &self,
        request: u64,
        peer: PeerId,
        hashes: Vec<B256>,
    ) -> Result<(), RequestFailure> {
        self.ask(request, peer, Question::Bodies(hashes))
    }

    /// Gives up a request. No event of it comes, unless one is in the queue already.
    pub fn cancel(&self, peer: PeerId, request: u64) {
        if let Some(peer) = self.shared.peers.find(&peer) {
            peer.cancel(request);
        }
    }

    fn ask(&self, request: u64, peer: PeerId, question: Question) -> Result<(), RequestFailure> {
        let asked = question.items();
        let limit = match &question {
            Question::Headers(_) => self.shared.limits.messages.headers,
            Question::Bodies(_) => self.shared.limits.messages.bodies,
        };
        if asked == 0 || usize::try_from(asked).map_or(true, |asked| asked > limit) {
            return Err(RequestFailure::BadRequest { asked, limit });
        }
        let peer = self.shared.peers.find(&peer).ok_or(RequestFailure::NotConnected)?;
        peer.ask(request, question)
    }

    /// Ends the connections with a ready peer. Its [`PeerGone`](super::NetworkEvent::PeerGone)
    /// carries the reason.
    pub fn disconnect(&self, peer: PeerId, reason: DisconnectReason) {
        if let Some(peer) = self.shared.peers.find(&peer) {
            peer.kick(reason);
        }
    }

    /// Keeps a connection to the peer at this address: dialed now, and again whenever it is lost.
    ///
    /// # Errors
    /// When the network has shut down.
    pub async fn add_peer(&self, address: Multiaddr) -> Result<AddPeer, NetworkClosed> {
        let (reply, added) = oneshot::channel();
        let command = SwarmCommand::AddPeer(address, reply);
        self.commands.send(command).await.map_err(|_| NetworkClosed)?;
        added.await.map_err(|_| NetworkClosed)
    }

    /// Ends the network: every peer is told goodbye, every task has ended when this returns.
    /// Cancel-safe; calling it again waits for the same end.
    pub async fn shutdown(&self) {
        self.shared.shutdown.cancel();
        self.shared.done.cancelled().await;
    }
}
