//! One libp2p connection as the rest of the network sees it: what opens our streams and what hands out
//! the other side's.
//!
//! The handler runs in the connection's own task and hands streams straight to the peer's session;
//! the swarm task sees connections come and go, never a stream. Own handler rather than
//! `libp2p-stream`: that one drops streams that arrive together, after their opener saw success.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::{mpsc, oneshot};
use herald_proto::message::{ANNOUNCE_PROTOCOL, REQUEST_PROTOCOL};
use libp2p::core::transport::PortUse;
use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::handler::{ConnectionEvent, ConnectionHandler, ConnectionHandlerEvent};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, Stream, StreamProtocol, StreamUpgradeError,
    SubstreamProtocol, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};

/// The two protocols that a stream can speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamKind {
    /// One long-lived stream for each direction: Status, then announcements and blocks.
    Announce,
    /// One stream for each request.
    Request,
}

impl StreamKind {
    pub(super) const fn name(self) -> StreamProtocol {
        match self {
            Self::Announce => StreamProtocol::new(ANNOUNCE_PROTOCOL),
            Self::Request => StreamProtocol::new(REQUEST_PROTOCOL),
        }
    }
}

/// A stream that the other side opened.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) kind: StreamKind,
    pub(super) stream: Stream,
}

/// Why a stream could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OpenStreamError {
    #[error("the connection is closed")]
    Closed,
    #[error("the other side does not speak the protocol")]
    Unsupported,
    #[error("the stream was not opened in time")]
    Timeout,
    #[error("the stream was reset")]
    Reset,
}

type OpenReply = oneshot::Sender<Result<Stream, OpenStreamError>>;

struct OpenRequest {
    kind: StreamKind,
    reply: OpenReply,
}

/// A connection that stands.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) connection: ConnectionId,
    pub(super) endpoint: ConnectedPoint,
    pub(super) opener: Opener,
    /// Ends when the connection does.
    pub(super) inbound: mpsc::Receiver<Inbound>,
}

/// Opens streams on one connection.
#[derive(Clone, Debug)]
pub(super) struct Opener(mpsc::Sender<OpenRequest>);

impl Opener {
    /// Opens a stream, or says within `limit` why it cannot be had.
    ///
    /// Cancel-safe: a stream that comes too late is closed.
    pub(super) async fn open(
        &mut self,
        kind: StreamKind,
        limit: Duration,
    ) -> Result<Stream, OpenStreamError> {
        let (reply, answer) = oneshot::channel();
        let open = async {
            let request = OpenRequest { kind, reply };
            futures::SinkExt::send(&mut self.0, request).await.map_err(|_| OpenStreamError::Closed)?;
            answer.await.map_err(|_| OpenStreamError::Closed)?
        };
        tokio::time::timeout(limit, open).await.map_err(|_| OpenStreamError::Timeout)?
    }
}

/// Hands out a [`Link`] for each connection that is established.
pub(super) struct LinkBehaviour {
    /// Most streams of one connection that wait for its session; more are reset.
    inbound_waiting: usize,
    /// Made with the handler, handed out once no other behaviour denied the connection.
    made: BTreeMap<ConnectionId, (Opener, mpsc::Receiver<Inbound>)>,
    ready: VecDeque<(PeerId, Link)>,
}

impl LinkBehaviour {
    pub(super) fn new(inbound_waiting: usize) -> Self {
        Self { inbound_waiting, made: BTreeMap::new(), ready: VecDeque::new() }
    }

    fn make(&mut self, connection: ConnectionId) -> LinkHandler {
        let (inbound, inbound_end) = mpsc::channel(self.inbound_waiting);
        let (opener, opens) = mpsc::channel(0);
        self.made.insert(connection, (Opener(opener), inbound_end));
        LinkHandler { inbound, opens }
    }
}

impl NetworkBehaviour for LinkBehaviour {
    type ConnectionHandler = LinkHandler;
    type ToSwarm = (PeerId, Link);

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _peer: PeerId,
        _local: &Multiaddr,
        _remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.make(connection))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        _peer: PeerId,
        _address: &Multiaddr,
        _role: Endpoint,
        _port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.make(connection))
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "libp2p's enum is non-exhaustive; only begin and end of connections matter here"
    )]
    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) => {
                if let Some((opener, inbound)) = self.made.remove(&established.connection_id) {
                    let link = Link {
                        connection: established.connection_id,
                        endpoint: established.endpoint.clone(),
                        opener,
                        inbound,
                    };
                    self.ready.push_back((established.peer_id, link));
                }
            }
            FromSwarm::DialFailure(failure) => drop(self.made.remove(&failure.connection_id)),
            FromSwarm::ListenFailure(failure) => drop(self.made.remove(&failure.connection_id)),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        _peer: PeerId,
        _connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        match self.ready.pop_front() {
            Some(ready) => Poll::Ready(ToSwarm::GenerateEvent(ready)),
            None => Poll::Pending,
        }
    }
}

/// A connection's side of a [`Link`].
pub(super) struct LinkHandler {
    inbound: mpsc::Sender<Inbound>,
    opens: mpsc::Receiver<OpenRequest>,
}

impl ConnectionHandler for LinkHandler {
    type FromBehaviour = Infallible;
    type ToBehaviour = Infallible;
    type InboundProtocol = AnyOf;
    type OutboundProtocol = AnyOf;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = OpenReply;

    fn listen_protocol(&self) -> SubstreamProtocol<AnyOf> {
        SubstreamProtocol::new(AnyOf(&[StreamKind::Announce, StreamKind::Request]), ())
    }

    /// The session decides when a connection ends, not the number of its streams.
    fn connection_keep_alive(&self) -> bool {
        true
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectionHandlerEvent<AnyOf, OpenReply, Infallible>> {
        match self.opens.poll_next_unpin(cx) {
            Poll::Ready(Some(OpenRequest { kind, reply })) => {
                let upgrade = match kind {
                    StreamKind::Announce => AnyOf(&[StreamKind::Announce]),
                    StreamKind::Request => AnyOf(&[StreamKind::Request]),
                };
                let protocol = SubstreamProtocol::new(upgrade, reply);
                Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
            }
            // None: the session is gone, and the connection about to be closed.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn on_behaviour_event(&mut self, event: Infallible) {
        match event {}
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "libp2p's enum is non-exhaustive; only streams that open or fail matter here"
    )]
    fn on_connection_event(&mut self, event: ConnectionEvent<'_, AnyOf, AnyOf, (), OpenReply>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(negotiated) => {
                let (kind, stream) = negotiated.protocol;
                // Full: the session is behind. Dropping the stream resets it, which its opener
                // sees, and costs nothing here.
                let _reset = self.inbound.try_send(Inbound { kind, stream });
            }
            ConnectionEvent::FullyNegotiatedOutbound(negotiated) => {
                let (_, stream) = negotiated.protocol;
                let _late = negotiated.info.send(Ok(stream));
            }
            ConnectionEvent::DialUpgradeError(failed) => {
                let error = match failed.error {
                    StreamUpgradeError::Timeout => OpenStreamError::Timeout,
                    StreamUpgradeError::NegotiationFailed => OpenStreamError::Unsupported,
                    StreamUpgradeError::Io(_) => OpenStreamError::Reset,
                    StreamUpgradeError::Apply(never) => match never {},
                };
                let _late = failed.info.send(Err(error));
            }
            _ => {}
        }
    }
}

/// Any of some protocols; yields the bare stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnyOf(&'static [StreamKind]);

/// A protocol together with its name, so that nothing is looked up after the negotiation.
#[derive(Clone, Debug)]
pub(super) struct NamedStream(StreamKind, StreamProtocol);

impl AsRef<str> for NamedStream {
    fn as_ref(&self) -> &str {
        self.1.as_ref()
    }
}

impl UpgradeInfo for AnyOf {
    type Info = NamedStream;
    type InfoIter = std::iter::Map<std::slice::Iter<'static, StreamKind>, fn(&StreamKind) -> NamedStream>;

    fn protocol_info(&self) -> Self::InfoIter {
        self.0.iter().map(|kind| NamedStream(*kind, kind.name()))
    }
}

impl InboundUpgrade<Stream> for AnyOf {
    type Output = (StreamKind, Stream);
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, stream: Stream, info: NamedStream) -> Self::Future {
        std::future::ready(Ok((info.0, stream)))
    }
}

impl OutboundUpgrade<Stream> for AnyOf {
    type Output = (StreamKind, Stream);
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_outbound(self, stream: Stream, info: NamedStream) -> Self::Future {
        std::future::ready(Ok((info.0, stream)))
    }
}
