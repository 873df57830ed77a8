//! The two announce streams of a peer as its session follows them: replaced when lost, and what
//! their tasks report told apart from what replaced ones still say.

use std::sync::Arc;

use herald_proto::Status;
use libp2p::Stream;
use libp2p::swarm::ConnectionId;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::announce::{AfterStatus, Notice, ReaderEnd, WriterEnd, read_announcements, write_announcements};
use super::context::Context;
use super::link::{OpenStreamError, Opener};
use super::peer::PeerShared;
use super::rate::RateLimiter;
use super::reason::Violation;
use super::tasks::Tasks;

/// How often in a row our announce stream may fail before the peer is given up. With the wait
/// doubling from 100 ms, six tries take three seconds.
const OPEN_ATTEMPTS: u32 = 6;

/// Notices that wait for the session: two tasks, each of which sends one and goes on.
const NOTICES_WAITING: usize = 4;

/// Our announce stream and the peer's.
pub(super) struct AnnounceStreams {
    context: Arc<Context>,
    peer: Arc<PeerShared>,
    /// Bytes that this peer's frames may still take in our memory.
    buffer: Arc<Semaphore>,
    tasks: Tasks<TaskEnd>,
    notices: mpsc::Receiver<Notice>,
    notice_sender: mpsc::Sender<Notice>,
    /// Counts both sides' streams, so that news of a replaced one are known as such.
    generation: u64,
    writer: Option<CurrentWriter>,
    writer_failures: u32,
    reader: Option<CurrentReader>,
    /// How fast the peer may replace its stream.
    opened: RateLimiter,
}

/// Our stream.
struct CurrentWriter {
    generation: u64,
    connection: ConnectionId,
    /// Dropping it closes the stream in good order.
    _parting: oneshot::Sender<()>,
}

/// The peer's stream.
struct CurrentReader {
    generation: u64,
    task: AbortHandle,
}

#[derive(Debug)]
enum TaskEnd {
    Writer { generation: u64, end: WriterEnd },
    Reader { generation: u64, end: ReaderEnd },
}

/// What the session hears of the streams.
pub(super) enum StreamEvent {
    /// Our Status is on its way.
    StatusSent,
    /// The peer's Status is here; its reader waits for the answer.
    StatusRead { status: Box<Status>, answer: oneshot::Sender<AfterStatus> },
    /// Our stream failed: open another at this time.
    Reopen(Instant),
    /// Our stream failed too often, or the peer does not speak the protocol.
    WriterFailed,
    /// The peer's stream ended; it may open another.
    ReaderEnded,
    /// The peer broke the protocol on its stream.
    Violation(Violation),
    /// The host listens no more.
    NobodyListens,
}

impl AnnounceStreams {
    pub(super) fn new(context: Arc<Context>, peer: Arc<PeerShared>, buffer: Arc<Semaphore>) -> Self {
        let (notice_sender, notices) = mpsc::channel(NOTICES_WAITING);
        Self {
            opened: RateLimiter::new(1, context.limits.announce_streams),
            context,
            peer,
            buffer,
            tasks: Tasks::new(),
            notices,
            notice_sender,
            generation: 0,
            writer: None,
            writer_failures: 0,
            reader: None,
        }
    }

    /// Which connection carries our stream; none while there is no stream.
    pub(super) fn writer_connection(&self) -> Option<ConnectionId> {
        self.writer.as_ref().map(|writer| writer.connection)
    }

    /// Opens our stream on this connection at `at`. An older one closes: the new one replaces it on
    /// the other side.
    pub(super) fn open_writer(&mut self, connection: ConnectionId, opener: Opener, at: Instant) {
        let generation = self.next_generation();
        let (parting, parted) = oneshot::channel();
        self.writer = Some(CurrentWriter { generation, connection, _parting: parting });
        let (context, peer) = (Arc::clone(&self.context), Arc::clone(&self.peer));
        let notices = self.notice_sender.clone();
        self.tasks.spawn(async move {
            sleep_until(at).await;
            let end = write_announcements(context, peer, opener, notices, parted).await;
            TaskEnd::Writer { generation, end }
        });
    }

    /// Closes our stream in good order.
    pub(super) fn close_writer(&mut self) {
        self.writer = None;
    }

    /// Reads a stream that the peer opened; it replaces the one before. The error is one stream too
    /// many.
    pub(super) fn open_reader(&mut self, stream: Stream, now: Instant) -> Result<(), Violation> {
        self.opened.take(now).map_err(|_| Violation::StreamFlood)?;
        if let Some(old) = self.reader.take() {
            old.task.abort();
        }
        let generation = self.next_generation();
        let read = read_announcements(
            Arc::clone(&self.context),
            Arc::clone(&self.peer),
            stream,
            Arc::clone(&self.buffer),
            generation,
            self.notice_sender.clone(),
        );
        let task = self.tasks.spawn(async move { TaskEnd::Reader { generation, end: read.await } });
        self.reader = Some(CurrentReader { generation, task });
        Ok(())
    }

    /// Waits for news of the current streams. Cancel-safe.
    pub(super) async fn next(&mut self) -> StreamEvent {
        loop {
            let event = tokio::select! {
                biased;
                Some(notice) = self.notices.recv() => self.on_notice(notice),
                end = self.tasks.next() => self.on_end(end),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    /// Aborts both.
    pub(super) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    fn is_current_reader(&self, generation: u64) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.generation == generation)
    }

    fn on_notice(&mut self, notice: Notice) -> Option<StreamEvent> {
        match notice {
            Notice::StatusSent => {
                self.writer_failures = 0;
                Some(StreamEvent::StatusSent)
            }
            Notice::StatusRead { generation, status, answer } => {
                self.is_current_reader(generation).then_some(StreamEvent::StatusRead { status, answer })
            }
        }
    }

    fn on_end(&mut self, end: TaskEnd) -> Option<StreamEvent> {
        match end {
            TaskEnd::Writer { generation, end } => self.on_writer_end(generation, &end),
            TaskEnd::Reader { end: ReaderEnd::Violation(violation), .. } => {
                Some(StreamEvent::Violation(violation))
            }
            TaskEnd::Reader { end: ReaderEnd::NobodyListens, .. } => Some(StreamEvent::NobodyListens),
            TaskEnd::Reader { generation, end: ReaderEnd::Ended } => {
                self.is_current_reader(generation).then(|| {
                    self.reader = None;
                    StreamEvent::ReaderEnded
                })
            }
        }
    }

    fn on_writer_end(&mut self, generation: u64, end: &WriterEnd) -> Option<StreamEvent> {
        if self.writer.as_ref().is_none_or(|writer| writer.generation != generation) {
            return None;
        }
        tracing::debug!(peer = %self.peer.id, %end, "our announce stream failed");
        self.writer_failures = self.writer_failures.saturating_add(1);
        let hopeless = matches!(end, WriterEnd::NotOpened(OpenStreamError::Unsupported));
        if hopeless || self.writer_failures >= OPEN_ATTEMPTS {
            return Some(StreamEvent::WriterFailed);
        }
        let doubled = 1_u32.checked_shl(self.writer_failures - 1).unwrap_or(u32::MAX);
        let wait = self.context.times.reopen_first.saturating_mul(doubled);
        Some(StreamEvent::Reopen(Instant::now() + wait))
    }
}
