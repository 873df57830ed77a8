//! One peer, from its first connection to its last: who it is, its streams, its requests.
//!
//! A session is a task of its own. It waits for nothing but news: whatever takes time (reading,
//! writing, answering, asking) runs in tasks that it owns and that end with it.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream, SelectAll};
use herald_proto::Status;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{PeerId, Stream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::announce::{Notice, ReaderEnd, Verdict, WriterEnd, read_announcements, write_announcements};
use super::context::Context;
use super::events::NetworkEvent;
use super::link::{Inbound, Link, OpenError, Opener, Protocol};
use super::peer::{Ask, Direction, Peer};
use super::rate::Rate;
use super::reason::{DisconnectReason, RequestFailure, Violation};
use super::{handshake, requests};

/// How often in a row our announce stream may fail before the peer is given up. With the wait
/// doubling from 100 ms, six tries take three seconds.
const OPEN_ATTEMPTS: u32 = 6;

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
    pub(super) peer: Arc<Peer>,
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
    let was_ready = session.phase == Phase::Ready;
    context.peers.remove(&peer.id);
    session.tasks.shutdown().await;
    let unused = session.unused_links();
    drop(session);
    tracing::debug!(peer = %peer.id, %reason, "peer gone");
    tell_host(&context, &peer, &reason).await;
    SessionEnd { peer: peer.id, reason, was_ready, unused }
}

async fn tell_host(context: &Context, peer: &Peer, reason: &DisconnectReason) {
    for request in peer.open_requests() {
        requests::report(context, peer, request, Err(RequestFailure::Disconnected)).await;
    }
    let (id, reason) = (peer.id, reason.clone());
    let event = if peer.announced_to_host() {
        NetworkEvent::PeerGone { peer: id, reason }
    } else {
        NetworkEvent::PeerRefused { peer: id, reason }
    };
    let _nobody = context.events.send(event, None).await;
}

/// How far the two have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Statuses are on their way; ends by both, or by the deadline.
    Greeting,
    /// Both were accepted.
    Ready,
}

/// A task's result.
#[derive(Debug)]
enum Ended {
    Writer { generation: u64, end: WriterEnd },
    Reader { generation: u64, end: ReaderEnd },
    Served(Result<(), Violation>),
    Asked(Result<(), Violation>),
}

enum FromLink {
    Stream(ConnectionId, Inbound),
    Closed(ConnectionId),
}

struct Connection {
    id: ConnectionId,
    endpoint: ConnectedPoint,
    opener: Opener,
}

/// The peer's announce stream as far as the session follows it.
struct Reader {
    generation: u64,
    task: AbortHandle,
}

/// Our announce stream.
struct Writer {
    generation: u64,
    connection: ConnectionId,
    /// Dropping it closes the stream in good order.
    _parting: oneshot::Sender<()>,
}

struct Session {
    context: Arc<Context>,
    peer: Arc<Peer>,
    new_links: mpsc::Receiver<Link>,
    asks: mpsc::Receiver<Ask>,
    kicked: watch::Receiver<Option<DisconnectReason>>,
    /// Oldest first; the newest carries what is opened next.
    connections: Vec<Connection>,
    inbound: SelectAll<BoxStream<'static, FromLink>>,
    tasks: JoinSet<Ended>,
    notices: mpsc::Receiver<Notice>,
    notice_sender: mpsc::Sender<Notice>,
    /// Bytes that this peer's frames may still take in our memory.
    buffer: Arc<Semaphore>,

    phase: Phase,
    sent_status: bool,
    has_read_status: bool,
    /// Accepted, but not answered while ours is not sent.
    their_status: Option<(Box<Status>, oneshot::Sender<Verdict>)>,
    /// By when a Status must be here; none while an accepted announce stream stands.
    status_due: Option<Instant>,
    reader: Option<Reader>,
    streams_rate: Rate,
    writer: Option<Writer>,
    /// Counts our and the peer's announce streams, so that news of a replaced one is known as such.
    generation: u64,
    writer_failures: u32,

    held: Vec<Stream>,
    waiting: VecDeque<Stream>,
    serving: usize,
    serve_rate: Rate,
    refusal_rate: Rate,
    asking: usize,
}

impl Session {
    fn new(context: Arc<Context>, wiring: Wiring) -> Self {
        let limits = &context.limits;
        let (notice_sender, notices) = mpsc::channel(4);
        Self {
            streams_rate: Rate::new(1, limits.announce_streams),
            serve_rate: Rate::new(limits.served_per_second, limits.served_burst),
            refusal_rate: Rate::new(1, limits.refusals),
            buffer: Arc::new(Semaphore::new(limits.peer_buffer.min(Semaphore::MAX_PERMITS))),
            status_due: Some(Instant::now() + context.times.status),
            context,
            peer: wiring.peer,
            new_links: wiring.links,
            asks: wiring.asks,
            kicked: wiring.kicked,
            connections: Vec::new(),
            inbound: SelectAll::new(),
            tasks: JoinSet::new(),
            notices,
            notice_sender,
            phase: Phase::Greeting,
            sent_status: false,
            has_read_status: false,
            their_status: None,
            reader: None,
            generation: 0,
            writer: None,
            writer_failures: 0,
            held: Vec::new(),
            waiting: VecDeque::new(),
            serving: 0,
            asking: 0,
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
        let status_due = self.status_due.unwrap_or_else(Instant::now);
        let may_ask = self.phase == Phase::Ready && self.asking < self.context.limits.asked_at_once;
        tokio::select! {
            biased;
            reason = kicked(&mut self.kicked) => Err(reason),
            Some(link) = self.new_links.recv() => self.on_link(link),
            Some(notice) = self.notices.recv() => self.on_notice(notice),
            Some(ended) = self.tasks.join_next() => match ended {
                Ok(ended) => self.on_ended(ended),
                Err(failed) => resume(failed),
            },
            Some(from_link) = self.inbound.next() => self.on_inbound(from_link),
            Some(ask) = self.asks.recv(), if may_ask => {
                self.ask(ask);
                Ok(())
            }
            () = sleep_until(status_due), if self.status_due.is_some() => {
                Err(self.late_status())
            }
        }
    }

    fn late_status(&self) -> DisconnectReason {
        if self.their_status.is_some() {
            // The peer has said who it is; we could not.
            DisconnectReason::AnnounceStreamFailed
        } else {
            DisconnectReason::NoStatus
        }
    }

    // --- connections ---

    fn on_link(&mut self, link: Link) -> Result<(), DisconnectReason> {
        let Link { connection: id, endpoint, opener, inbound } = link;
        tracing::debug!(peer = %self.peer.id, connection = %id, ?endpoint, "connected");
        let streams = inbound.map(move |inbound| FromLink::Stream(id, inbound));
        let closed = stream::once(std::future::ready(FromLink::Closed(id)));
        self.inbound.push(streams.chain(closed).boxed());
        self.connections.push(Connection { id, endpoint, opener });
        if self.writer.is_none() {
            self.open_writer(Instant::now());
        }
        Ok(())
    }

    fn on_inbound(&mut self, from_link: FromLink) -> Result<(), DisconnectReason> {
        match from_link {
            FromLink::Stream(connection, Inbound { protocol: Protocol::Announce, stream }) => {
                self.on_announce_stream(connection, stream)
            }
            FromLink::Stream(_, Inbound { protocol: Protocol::Request, stream }) => {
                self.on_request_stream(stream)
            }
            FromLink::Closed(id) => {
                self.connections.retain(|connection| connection.id != id);
                if self.connections.is_empty() {
                    return Err(DisconnectReason::ConnectionLost);
                }
                Ok(())
            }
        }
    }

    // --- announce streams ---

    /// Opens our announce stream at `at`, on the newest connection. An older stream closes: the
    /// new one replaces it on the other side.
    fn open_writer(&mut self, at: Instant) {
        let Some(newest) = self.connections.last() else { return };
        let (connection, opener) = (newest.id, newest.opener.clone());
        self.generation += 1;
        let generation = self.generation;
        let (parting, parted) = oneshot::channel();
        self.writer = Some(Writer { generation, connection, _parting: parting });
        let (context, peer) = (Arc::clone(&self.context), Arc::clone(&self.peer));
        let notices = self.notice_sender.clone();
        self.tasks.spawn(async move {
            sleep_until(at).await;
            let end = write_announcements(context, peer, opener, notices, parted).await;
            Ended::Writer { generation, end }
        });
    }

    fn on_writer_end(&mut self, generation: u64, end: &WriterEnd) -> Result<(), DisconnectReason> {
        if self.writer.as_ref().is_none_or(|writer| writer.generation != generation) {
            return Ok(());
        }
        tracing::debug!(peer = %self.peer.id, %end, "our announce stream failed");
        self.writer_failures = self.writer_failures.saturating_add(1);
        let hopeless = matches!(end, WriterEnd::NotOpened(OpenError::Unsupported));
        if hopeless || self.writer_failures >= OPEN_ATTEMPTS {
            return Err(DisconnectReason::AnnounceStreamFailed);
        }
        let doubled = 1_u32.checked_shl(self.writer_failures - 1).unwrap_or(u32::MAX);
        self.open_writer(Instant::now() + self.context.times.reopen_first.saturating_mul(doubled));
        Ok(())
    }

    fn on_announce_stream(
        &mut self,
        connection: ConnectionId,
        stream: Stream,
    ) -> Result<(), DisconnectReason> {
        let now = Instant::now();
        self.streams_rate.take(now).map_err(|_| Violation::StreamFlood)?;
        // A peer that was restarted comes back on a new connection before the old one has broken:
        // there it waits for our Status.
        let elsewhere = self.writer.as_ref().is_some_and(|writer| writer.connection != connection);
        if self.has_read_status && elsewhere {
            self.open_writer(now);
        }
        if let Some(old) = self.reader.take() {
            old.task.abort();
        }
        self.their_status = None;
        self.status_due.get_or_insert(now + self.context.times.status);
        self.generation += 1;
        let generation = self.generation;
        let read = read_announcements(
            Arc::clone(&self.context),
            Arc::clone(&self.peer),
            stream,
            Arc::clone(&self.buffer),
            generation,
            self.notice_sender.clone(),
        );
        let task = self.tasks.spawn(async move { Ended::Reader { generation, end: read.await } });
        self.reader = Some(Reader { generation, task });
        Ok(())
    }

    fn on_reader_end(&mut self, generation: u64, end: ReaderEnd) -> Result<(), DisconnectReason> {
        match end {
            ReaderEnd::Violation(violation) => return Err(violation.into()),
            ReaderEnd::NobodyListens => return Err(DisconnectReason::Shutdown),
            ReaderEnd::Ended => {}
        }
        if self.reader.as_ref().is_some_and(|reader| reader.generation == generation) {
            self.reader = None;
            // It may open another one, soon.
            self.status_due.get_or_insert(Instant::now() + self.context.times.status);
        }
        Ok(())
    }

    // --- Status ---

    fn on_notice(&mut self, notice: Notice) -> Result<(), DisconnectReason> {
        match notice {
            Notice::StatusSent => {
                self.sent_status = true;
                self.writer_failures = 0;
            }
            Notice::StatusRead { generation, status, verdict } => {
                if self.reader.as_ref().is_none_or(|reader| reader.generation != generation) {
                    return Ok(());
                }
                if let Err(mismatch) = handshake::check(&*self.context.host, &status) {
                    let _ended = verdict.send(Verdict::Refuse);
                    return Err(mismatch.into());
                }
                self.has_read_status = true;
                self.their_status = Some((status, verdict));
            }
        }
        self.accept_if_complete();
        Ok(())
    }

    /// Once ours is sent and theirs accepted, the peer is ready and the reader goes on.
    fn accept_if_complete(&mut self) {
        if !self.sent_status {
            return;
        }
        let Some((status, verdict)) = self.their_status.take() else { return };
        self.status_due = None;
        let peer = self.peer.id;
        if let Some(first) = self.connections.first() {
            let (direction, address) = match &first.endpoint {
                ConnectedPoint::Dialer { address, .. } => (Direction::Outbound, address),
                ConnectedPoint::Listener { send_back_addr, .. } => (Direction::Inbound, send_back_addr),
            };
            self.peer.set_ready(&status, address.clone(), direction, Instant::now());
        }
        self.phase = Phase::Ready;
        self.context.peers.insert(Arc::clone(&self.peer));
        let status = *status;
        let event = if self.peer.announced_to_host() {
            NetworkEvent::StatusRenewed { peer, status }
        } else {
            tracing::debug!(%peer, head = %status.head, "peer ready");
            NetworkEvent::PeerReady { peer, status }
        };
        let _ended = verdict.send(Verdict::Accept(Box::new(event)));
        for stream in std::mem::take(&mut self.held) {
            self.serve_or_wait(stream);
        }
    }

    /// After a Status that does not fit: closes our announce stream once our Status is out, and
    /// gives the other side time to read it and to judge as well. It has done so when its own
    /// announce stream ends.
    async fn part(&mut self) {
        let farewell = self.context.times.farewell;
        let wait = async {
            let mut theirs_ended = false;
            while !(self.sent_status && theirs_ended) {
                if self.sent_status {
                    self.writer = None;
                }
                tokio::select! {
                    Some(notice) = self.notices.recv() => match notice {
                        Notice::StatusSent => self.sent_status = true,
                        Notice::StatusRead { verdict, .. } => drop(verdict.send(Verdict::Refuse)),
                    },
                    Some(ended) = self.tasks.join_next() => match ended {
                        Ok(Ended::Reader { .. }) => theirs_ended = true,
                        Ok(Ended::Writer { .. } | Ended::Served(_) | Ended::Asked(_)) | Err(_) => {}
                    },
                    else => return,
                }
            }
        };
        let _too_slow = timeout(farewell, wait).await;
    }

    // --- requests of the peer ---

    fn on_request_stream(&mut self, stream: Stream) -> Result<(), DisconnectReason> {
        match self.phase {
            Phase::Ready => {
                if self.waiting.len() < self.context.limits.served_waiting
                    || self.serving < self.context.limits.served_at_once
                {
                    self.serve_or_wait(stream);
                    return Ok(());
                }
            }
            Phase::Greeting => {
                if self.held.len() < self.context.limits.held_before_status {
                    self.held.push(stream);
                    return Ok(());
                }
            }
        }
        // Dropped without an answer; again and again is a fault.
        self.refusal_rate.take(Instant::now()).map_err(|_| Violation::RequestFlood)?;
        Ok(())
    }

    fn serve_or_wait(&mut self, stream: Stream) {
        if self.serving >= self.context.limits.served_at_once {
            self.waiting.push_back(stream);
            return;
        }
        self.serving += 1;
        let at = self.serve_rate.book(Instant::now());
        let served = requests::serve(Arc::clone(&self.context), stream, Arc::clone(&self.buffer), at);
        self.tasks.spawn(async move { Ended::Served(served.await) });
    }

    // --- our requests ---

    fn ask(&mut self, ask: Ask) {
        let Some(newest) = self.connections.last() else { return };
        let opener = newest.opener.clone();
        self.asking += 1;
        let asked = requests::ask(
            Arc::clone(&self.context),
            Arc::clone(&self.peer),
            opener,
            Arc::clone(&self.buffer),
            ask,
        );
        self.tasks.spawn(async move { Ended::Asked(asked.await) });
    }

    // --- tasks ---

    fn on_ended(&mut self, ended: Ended) -> Result<(), DisconnectReason> {
        match ended {
            Ended::Writer { generation, end } => self.on_writer_end(generation, &end),
            Ended::Reader { generation, end } => self.on_reader_end(generation, end),
            Ended::Served(served) => {
                self.serving = self.serving.saturating_sub(1);
                if let Some(next) = self.waiting.pop_front() {
                    self.serve_or_wait(next);
                }
                served.map_err(DisconnectReason::from)
            }
            Ended::Asked(asked) => {
                self.asking = self.asking.saturating_sub(1);
                asked.map_err(DisconnectReason::from)
            }
        }
    }

    fn unused_links(&mut self) -> Vec<Link> {
        self.new_links.close();
        std::iter::from_fn(|| self.new_links.try_recv().ok()).collect()
    }
}

async fn kicked(kicks: &mut watch::Receiver<Option<DisconnectReason>>) -> DisconnectReason {
    let kick = kicks.wait_for(Option::is_some).await;
    kick.ok().and_then(|reason| reason.clone()).unwrap_or(DisconnectReason::Shutdown)
}

/// A task that panicked is a bug of ours, to be seen and not swallowed; one that was aborted was
/// replaced.
fn resume(failed: tokio::task::JoinError) -> Result<(), DisconnectReason> {
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_aborted) => Ok(()),
    }
}
