//! A network on loopback with its events.

use std::sync::Arc;

use alloy_primitives::B256;
use herald_node::network::{
    Keypair, Multiaddr, NetworkConfig, NetworkEvent, NetworkEvents, NetworkHandle, PeerId, RequestFailure,
    Serve, start,
};
use herald_proto::{Body, Header, HeadersRequest};

use super::unless_hung;

/// The transports to test over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Tcp,
    Quic,
}

impl Over {
    pub fn any_port(self) -> Multiaddr {
        let address = match self {
            Self::Tcp => "/ip4/127.0.0.1/tcp/0",
            Self::Quic => "/ip4/127.0.0.1/udp/0/quic-v1",
        };
        address.parse().unwrap()
    }
}

/// The number of requests that [`Node`] makes by itself, one at a time; tests count from 0.
const ASKED_HERE: u64 = u64::MAX;

pub struct Node {
    pub handle: NetworkHandle,
    pub events: NetworkEvents,
}

/// A configuration with a fresh identity that listens on loopback.
pub fn config(over: Over) -> NetworkConfig {
    let mut config = NetworkConfig::new(Keypair::generate_ed25519());
    config.listen = vec![over.any_port()];
    config
}

impl Node {
    pub async fn start(over: Over, host: Arc<dyn Serve>) -> Self {
        Self::start_with(config(over), host).await
    }

    pub async fn start_with(config: NetworkConfig, host: Arc<dyn Serve>) -> Self {
        let (handle, events) = start(config, host).await.unwrap();
        Self { handle, events }
    }

    pub fn id(&self) -> PeerId {
        self.handle.local_peer_id()
    }

    pub fn address(&self) -> Multiaddr {
        self.handle.listen_addrs().into_iter().next().unwrap()
    }

    /// Dials `other` and keeps it.
    pub async fn keep(&self, other: &Self) {
        let _added = self.handle.add_peer(other.address()).await.unwrap();
    }

    /// The next event that `wanted` takes; others are passed over.
    pub async fn event<T>(&mut self, what: &str, mut wanted: impl FnMut(NetworkEvent) -> Option<T>) -> T {
        unless_hung(what, async {
            loop {
                let event = self.events.recv().await.expect("the network runs");
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        })
        .await
    }

    /// Asks for headers and waits for the outcome; other events are passed over.
    pub async fn ask_headers(
        &mut self,
        peer: PeerId,
        headers: HeadersRequest,
    ) -> Result<Vec<Header>, RequestFailure> {
        self.handle.send_headers_request(ASKED_HERE, peer, headers)?;
        self.headers(ASKED_HERE).await
    }

    /// Asks for bodies and waits for the outcome; other events are passed over.
    pub async fn ask_bodies(&mut self, peer: PeerId, hashes: Vec<B256>) -> Result<Vec<Body>, RequestFailure> {
        self.handle.send_bodies_request(ASKED_HERE, peer, hashes)?;
        self.event("bodies", |event| match event {
            NetworkEvent::BodiesReply { request: ASKED_HERE, bodies, .. } => Some(Ok(bodies)),
            NetworkEvent::RequestFailed { request: ASKED_HERE, reason, .. } => Some(Err(reason)),
            _ => None,
        })
        .await
    }

    /// The outcome of a request for headers that was sent.
    pub async fn headers(&mut self, request: u64) -> Result<Vec<Header>, RequestFailure> {
        self.event("headers", |event| match event {
            NetworkEvent::HeadersReply { request: answered, headers, .. } if answered == request => {
                Some(Ok(headers))
            }
            NetworkEvent::RequestFailed { request: failed, reason, .. } if failed == request => {
                Some(Err(reason))
            }
            _ => None,
        })
        .await
    }

    /// Waits until a peer is ready and says which.
    pub async fn ready(&mut self) -> PeerId {
        self.event("a ready peer", |event| match event {
            NetworkEvent::PeerReady { peer, .. } => Some(peer),
            _ => None,
        })
        .await
    }

    /// Why a peer is gone, or was refused.
    pub async fn gone(&mut self) -> herald_node::network::DisconnectReason {
        self.event("a peer that goes", |event| match event {
            NetworkEvent::PeerGone { reason, .. } | NetworkEvent::PeerRefused { reason, .. } => Some(reason),
            _ => None,
        })
        .await
    }

    pub async fn shutdown(self) {
        unless_hung("shutdown", self.handle.shutdown()).await;
    }
}

/// Two nodes of one chain that are ready for each other; the second dialed the first.
pub async fn pair(over: Over, host: Arc<dyn Serve>) -> (Node, Node) {
    let mut first = Node::start(over, Arc::clone(&host)).await;
    let mut second = Node::start(over, host).await;
    second.keep(&first).await;
    assert_eq!(first.ready().await, second.id());
    assert_eq!(second.ready().await, first.id());
    (first, second)
}
