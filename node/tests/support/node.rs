//! A network on loopback with its events.

use std::sync::Arc;

use herald_node::network::{
    Keypair, Multiaddr, NetworkConfig, NetworkEvent, NetworkEvents, NetworkHandle, PeerId, Serve, start,
};

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
