//! A libp2p peer that writes whatever a test tells it to.

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use herald_node::network::{Multiaddr, PeerId};
use herald_proto::message::{ANNOUNCE_PROTOCOL, REQUEST_PROTOCOL};
use herald_proto::{Header, Limits, Message, Status};
use libp2p::swarm::{NetworkBehaviour, Stream, StreamProtocol, SwarmEvent};
use libp2p::{SwarmBuilder, noise, ping, tcp, yamux};
use libp2p_stream::{Control, IncomingStreams};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::unless_hung;

#[derive(NetworkBehaviour)]
struct Behaviour {
    streams: libp2p_stream::Behaviour,
    ping: ping::Behaviour,
}

/// A raw peer that is connected to one node. Its end is the end of its connection.
pub struct Hostile {
    pub id: PeerId,
    node: PeerId,
    control: Control,
    /// Streams that the node opens to announce.
    pub announces: IncomingStreams,
    /// Streams that the node opens to ask.
    pub requests: IncomingStreams,
    connections: watch::Receiver<u32>,
    task: JoinHandle<()>,
}

impl Hostile {
    /// Connects to a node, whose address must end with its peer id.
    pub async fn connect(address: Multiaddr) -> Self {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| Behaviour {
                streams: libp2p_stream::Behaviour::new(),
                ping: ping::Behaviour::default(),
            })
            .unwrap()
            .with_swarm_config(|config| {
                config.with_idle_connection_timeout(std::time::Duration::from_secs(3600))
            })
            .build();
        let id = *swarm.local_peer_id();
        let mut control = swarm.behaviour().streams.new_control();
        let announces = control.accept(StreamProtocol::new(ANNOUNCE_PROTOCOL)).unwrap();
        let requests = control.accept(StreamProtocol::new(REQUEST_PROTOCOL)).unwrap();
        swarm.dial(address).unwrap();
        let (sender, mut connections) = watch::channel(0);
        let (node_sender, node) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut node_sender = Some(node_sender);
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } => {
                        if let Some(sender) = node_sender.take() {
                            sender.send(peer_id).unwrap();
                        }
                        sender.send_replace(num_established.get());
                    }
                    SwarmEvent::ConnectionClosed { num_established, .. } => {
                        sender.send_replace(num_established);
                    }
                    _ => {}
                }
            }
        });
        let node = unless_hung("connecting", node).await.unwrap();
        unless_hung("connecting", connections.wait_for(|count| *count > 0)).await.unwrap();
        Self { id, node, control, announces, requests, connections, task }
    }

    /// Opens a stream to announce on.
    pub async fn announce(&mut self) -> Raw {
        self.open(ANNOUNCE_PROTOCOL).await
    }

    /// Opens a stream to ask on.
    pub async fn request(&mut self) -> Raw {
        self.open(REQUEST_PROTOCOL).await
    }

    async fn open(&mut self, protocol: &'static str) -> Raw {
        self.try_open(protocol).await.expect("the node lets streams in")
    }

    /// Opens a stream, if the node does not close the connection meanwhile.
    pub async fn try_open(&mut self, protocol: &'static str) -> Option<Raw> {
        let open = self.control.open_stream(self.node, StreamProtocol::new(protocol));
        unless_hung("opening a stream", open).await.ok().map(Raw)
    }

    /// Opens an announce stream and states `status` on it, as an honest peer would.
    pub async fn greet(&mut self, status: Status) -> Raw {
        let mut stream = self.announce().await;
        stream.write(&Message::Status(status).to_frame()).await;
        stream
    }

    /// The next stream that the node opens to ask on.
    pub async fn asked(&mut self) -> Raw {
        let (_, stream) = unless_hung("a request", self.requests.next()).await.unwrap();
        Raw(stream)
    }

    /// Answers every request for headers with `header`, and leaves those for bodies open, until the
    /// node has closed every connection.
    pub async fn answer_until_closed(&mut self, header: &Header) {
        let closed = unless_hung("being dropped", self.connections.wait_for(|count| *count == 0));
        tokio::pin!(closed);
        loop {
            tokio::select! {
                Some((_, stream)) = self.requests.next() => {
                    // At once in a task: a stream that comes while none is awaited is lost.
                    tokio::spawn(Raw(stream).answer_with(header.clone()));
                }
                gone = &mut closed => {
                    gone.unwrap();
                    return;
                }
            }
        }
    }

    /// Waits until the node has closed every connection.
    pub async fn closed(&mut self) {
        unless_hung("being dropped", self.connections.wait_for(|count| *count == 0)).await.unwrap();
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A stream of bytes.
pub struct Raw(pub Stream);

impl Raw {
    /// Writes and flushes; a stream that the node has closed by now is no matter.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _refused = self.0.write_all(bytes).await;
        let _refused = self.0.flush().await;
    }

    /// All that comes until the stream ends, cleanly or not.
    pub async fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _broken = unless_hung("the end of a stream", self.0.read_to_end(&mut bytes)).await;
        bytes
    }

    /// The next message, of a frame shorter than 128 bytes.
    pub async fn read_message(&mut self) -> Message {
        let mut length = [0];
        unless_hung("a frame", self.0.read_exact(&mut length)).await.unwrap();
        assert!(length[0] < 0x80, "a short frame");
        let mut frame = vec![0; usize::from(length[0])];
        unless_hung("a frame", self.0.read_exact(&mut frame)).await.unwrap();
        Message::decode(frame[0], &frame[1..], &Limits::default()).unwrap()
    }

    async fn answer_with(mut self, header: Header) {
        if let Message::GetBlockHeaders { request_id, .. } = self.read_message().await {
            let reply = Message::BlockHeaders { request_id, headers: vec![header] };
            self.write(&reply.to_frame()).await;
            self.close().await;
        } else {
            // Until the test ends: closing it would be an answer.
            std::future::pending().await
        }
    }

    /// Closes our half.
    pub async fn close(&mut self) {
        let _closed = self.0.close().await;
    }
}
