//! One peer, from its first connection to its last: the connections, and what runs on them.
//!
//! A session is a task of its own. It waits for nothing but news: whatever takes time (reading,
//! writing, answering, asking) runs in tasks that its parts own and that end with it.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream, SelectAll};
use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{PeerId, Stream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::announce::AfterStatus;
use super::asking::{self, Asking, AskingEvent};
use super::context::Context;
use super::events::NetworkEvent;
use super::handshake::{self, Handshake, HandshakePhase, ReadStatus};
use super::link::{Inbound, Link, Opener, StreamKind};
use super::peer::{Ask, ConnectionDirection, PeerShared};
use super::reason::{DisconnectReason, RequestFailure};
use super::serving::Serving;
use super::streams::{AnnounceStreams, StreamEvent};

/// What is left of a session.
#[derive(Debug)]
pub(super) struct SessionEnd {
    pub(super) peer: PeerId,
    pub(super) reason: DisconnectReason,
    /// Whether both Statuses were accepted.
    pub(super) was_ready: bool,
    /// Connections that came while the session was ending.
    pub(super) unused: Vec<Link>,
}

/// The swarm's ends of a session's queues.
pub(super) struct Wiring {
    pub(super) peer: Arc<PeerShared>,
    pub(super) links: mpsc::Receiver<Link>,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) kicked: watch::Receiver<Option<DisconnectReason>>,
}

/// Runs a session to its end and tells the host.
pub(super) async fn run(context: Arc<Context>, wiring: Wiring) -> SessionEnd {
    let peer = Arc::clone(&wiring.peer);
    let mut session = Session::new(Arc::clone(&context), wiring);
    let reason = session.live().await;
    if let DisconnectReason::Unfit(_) = &reason {
        session.part().await;
    }
    let was_ready = session.handshake.phase() == HandshakePhase::Ready;
    context.peers.remove(&peer.id);
    let unused = session.shutdown().await;
    tracing::debug!(peer = %peer.id, %reason, "peer gone");
    tell_host(&context, &peer, &reason).await;
    SessionEnd { peer: peer.id, reason, was_ready, unused }
}

async fn tell_host(context: &Context, peer: &PeerShared, reason: &DisconnectReason) {
    for request in peer.open_requests() {
        asking::report(context, peer, request, Err(RequestFailure::Disconnected)).await;
    }
    let (id, reason) = (peer.id, reason.clone());
    let event = if peer.announced_to_host() {
        NetworkEvent::PeerGone { peer: id, reason }
    } else {
        NetworkEvent::PeerRefused { peer: id, reason }
    };
    let _nobody = context.events.send(event, None).await;
}

/// The peer's connections, and the streams that it opens on them.
struct Connections {
    /// Oldest first; the newest carries what is opened next.
    open: Vec<OpenConnection>,
    inbound: SelectAll<BoxStream<'static, FromLink>>,
}

struct OpenConnection {
    id: ConnectionId,
    endpoint: ConnectedPoint,
    opener: Opener,
}

enum FromLink {
    Stream(ConnectionId, Inbound),
    Closed(ConnectionId),
}

impl Connections {
    fn add(&mut self, link: Link) {
        let Link { connection: id, endpoint, opener, inbound } = link;
        let streams = inbound.map(move |inbound| FromLink::Stream(id, inbound));
        let closed = stream::once(std::future::ready(FromLink::Closed(id)));
        self.inbound.push(streams.chain(closed).boxed());
        self.open.push(OpenConnection { id, endpoint, opener });
    }

    fn newest(&self) -> Option<(ConnectionId, Opener)> {
        self.open.last().map(|newest| (newest.id, newest.opener.clone()))
    }

    fn closed(&mut self, id: ConnectionId) -> Result<(), DisconnectReason> {
        self.open.retain(|connection| connection.id != id);
        if self.open.is_empty() { Err(DisconnectReason::ConnectionLost) } else { Ok(()) }
    }
}

struct Session {
    context: Arc<Context>,
    peer: Arc<PeerShared>,
    kicked: watch::Receiver<Option<DisconnectReason>>,
    new_links: mpsc::Receiver<Link>,
    connections: Connections,
    handshake: Handshake,
    streams: AnnounceStreams,
    serving: Serving,
    asking: Asking,
}

impl Session {
    fn new(context: Arc<Context>, wiring: Wiring) -> Self {
        let Wiring { peer, links, asks, kicked } = wiring;
        let bytes = context.limits.peer_buffer.min(Semaphore::MAX_PERMITS);
        // What the peer's frames take in our memory, whichever stream they come on.
        let buffer = Arc::new(Semaphore::new(bytes));
        let [for_streams, for_serving, for_asking] = std::array::from_fn(|_| Arc::clone(&context));
        Self {
            handshake: Handshake::new(context.times.status, Instant::now()),
            streams: AnnounceStreams::new(for_streams, Arc::clone(&peer), Arc::clone(&buffer)),
            serving: Serving::new(for_serving, Arc::clone(&buffer)),
            asking: Asking::new(for_asking, Arc::clone(&peer), buffer, asks),
            connections: Connections { open: Vec::new(), inbound: SelectAll::new() },
            context,
            peer,
            kicked,
            new_links: links,
        }
    }

    /// Goes on until there is a reason to end.
    async fn live(&mut self) -> DisconnectReason {
        loop {
            match self.step().await {
                Ok(()) => {}
                Err(reason) => return reason,
            }
        }
    }

    async fn step(&mut self) -> Result<(), DisconnectReason> {
        let status_due = self.handshake.due();
        tokio::select! {
            biased;
            reason = kicked(&mut self.kicked) => Err(reason),
            Some(link) = self.new_links.recv() => {
                self.on_link(link);
                Ok(())
            }
            event = self.streams.next() => self.on_stream_event(event),
            served = self.serving.next() => served.map_err(Into::into),
            event = self.asking.next() => self.on_asking_event(event),
            Some(from_link) = self.connections.inbound.next() => self.on_inbound(from_link),
            () = sleep_until(status_due.unwrap_or_else(Instant::now)), if status_due.is_some() => {
                Err(self.handshake.late())
            }
        }
    }

    /// Ends all tasks, and gives back the connections that came meanwhile.
    async fn shutdown(mut self) -> Vec<Link> {
        self.streams.shutdown().await;
        self.serving.shutdown().await;
        self.asking.shutdown().await;
        self.new_links.close();
        std::iter::from_fn(|| self.new_links.try_recv().ok()).collect()
    }

    fn on_link(&mut self, link: Link) {
        let Link { connection, endpoint, .. } = &link;
        tracing::debug!(peer = %self.peer.id, %connection, ?endpoint, "connected");
        self.connections.add(link);
        if self.streams.writer_connection().is_none() {
            self.open_writer(Instant::now());
        }
    }

    fn open_writer(&mut self, at: Instant) {
        if let Some((connection, opener)) = self.connections.newest() {
            self.streams.open_writer(connection, opener, at);
        }
    }

    fn on_inbound(&mut self, from_link: FromLink) -> Result<(), DisconnectReason> {
        match from_link {
            FromLink::Stream(connection, Inbound { kind: StreamKind::Announce, stream }) => {
                self.on_announce_stream(connection, stream)
            }
            FromLink::Stream(_, Inbound { kind: StreamKind::Request, stream }) => {
                Ok(self.serving.on_stream(stream)?)
            }
            FromLink::Closed(id) => self.connections.closed(id),
        }
    }

    fn on_announce_stream(
        &mut self,
        connection: ConnectionId,
        stream: Stream,
    ) -> Result<(), DisconnectReason> {
        let now = Instant::now();
        self.streams.open_reader(stream, now)?;
        // A peer that was restarted comes back on a new connection before the old one has broken:
        // there it waits for our Status.
        let elsewhere = self.streams.writer_connection().is_some_and(|ours| ours != connection);
        if self.handshake.has_read() && elsewhere {
            self.open_writer(now);
        }
        self.handshake.stream_opened(now);
        Ok(())
    }

    fn on_stream_event(&mut self, event: StreamEvent) -> Result<(), DisconnectReason> {
        match event {
            StreamEvent::StatusSent => self.handshake.sent(),
            StreamEvent::StatusRead { status, answer } => {
                if let Err(mismatch) = handshake::check(&*self.context.host, &status) {
                    let _ended = answer.send(AfterStatus::Refuse);
                    return Err(mismatch.into());
                }
                self.handshake.read(ReadStatus { status, answer });
            }
            StreamEvent::Reopen(at) => self.open_writer(at),
            StreamEvent::WriterFailed => return Err(DisconnectReason::AnnounceStreamFailed),
            StreamEvent::ReaderEnded => self.handshake.stream_ended(Instant::now()),
            StreamEvent::Violation(violation) => return Err(violation.into()),
            StreamEvent::NobodyListens => return Err(DisconnectReason::Shutdown),
        }
        if let Some(theirs) = self.handshake.complete() {
            self.on_ready(theirs);
        }
        Ok(())
    }

    fn on_ready(&mut self, theirs: ReadStatus) {
        let (peer, status) = (self.peer.id, *theirs.status);
        if let Some(first) = self.connections.open.first() {
            let (direction, address) = match &first.endpoint {
                ConnectedPoint::Dialer { address, .. } => (ConnectionDirection::Outbound, address),
                ConnectedPoint::Listener { send_back_addr, .. } => {
                    (ConnectionDirection::Inbound, send_back_addr)
                }
            };
            self.peer.set_ready(&status, address.clone(), direction, Instant::now());
        }
        self.context.peers.insert(Arc::clone(&self.peer));
        let event = if self.peer.announced_to_host() {
            NetworkEvent::StatusRenewed { peer, status }
        } else {
            tracing::debug!(%peer, head = %status.head, "peer ready");
            NetworkEvent::PeerReady { peer, status }
        };
        let _ended = theirs.answer.send(AfterStatus::Accept(Box::new(event)));
        self.serving.open();
    }

    fn on_asking_event(&mut self, event: AskingEvent) -> Result<(), DisconnectReason> {
        match event {
            AskingEvent::Wanted(ask) => {
                if let Some((_, opener)) = self.connections.newest() {
                    self.asking.send(ask, opener);
                }
                Ok(())
            }
            AskingEvent::Ended(ended) => ended.map_err(Into::into),
        }
    }

    /// After a Status that does not fit: closes our announce stream once our Status is out, and
    /// gives the other side time to read it and to judge as well. It has done so when its own
    /// announce stream ends.
    async fn part(&mut self) {
        let farewell = self.context.times.farewell;
        let wait = async {
            let mut theirs_ended = false;
            while !(self.handshake.has_sent() && theirs_ended) {
                if self.handshake.has_sent() {
                    self.streams.close_writer();
                }
                match self.streams.next().await {
                    StreamEvent::StatusSent => self.handshake.sent(),
                    StreamEvent::StatusRead { answer, .. } => drop(answer.send(AfterStatus::Refuse)),
                    StreamEvent::ReaderEnded | StreamEvent::Violation(_) | StreamEvent::NobodyListens => {
                        theirs_ended = true;
                    }
                    StreamEvent::Reopen(_) | StreamEvent::WriterFailed => {}
                }
            }
        };
        let _too_slow = timeout(farewell, wait).await;
    }
}

async fn kicked(kicks: &mut watch::Receiver<Option<DisconnectReason>>) -> DisconnectReason {
    let kick = kicks.wait_for(Option::is_some).await;
    kick.ok().and_then(|reason| reason.clone()).unwrap_or(DisconnectReason::Shutdown)
}
