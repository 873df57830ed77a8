//! The two announce streams of a peer: ours, written, and its own, read.

use std::io;
use std::sync::Arc;

use futures::io::{BufWriter, ReadHalf};
use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use herald_proto::{Message, MessageCode, Status};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::config::NetworkLimits;
use super::context::Context;
use super::events::NetworkEvent;
use super::frames::{BufferPermit, BufferedFrame, FrameReader, ReadError, decode};
use super::link::{OpenStreamError, Opener, StreamKind};
use super::peer::PeerShared;
use super::reason::Violation;

/// What is gathered before it is handed to the connection. Each write of Yamux is a frame of its
/// own, 10 to 15 µs on TCP.
const WRITE_BUFFER: usize = 16 << 10;

/// Bytes in a frame for what stands around a list's items.
const AROUND_ITEMS: usize = 64;

/// Most bytes of a Status frame: the values are 140, and RLP adds little.
const STATUS_BYTES: usize = 256;

/// Most bytes of an announcement: a hash, a u64, and their prefixes.
const ANNOUNCEMENT_BYTES: usize = 33 + 9 + 1;

/// What the tasks of the two streams tell while they go on.
#[derive(Debug)]
pub(super) enum Notice {
    /// Our Status is on its way.
    StatusSent,
    /// The peer's Status came on the stream of this generation; the reader waits for the answer.
    StatusRead { generation: u64, status: Box<Status>, answer: oneshot::Sender<AfterStatus> },
}

/// What a reader does after the Status.
#[derive(Debug)]
pub(super) enum AfterStatus {
    /// Tell the host and read on.
    Accept(Box<NetworkEvent>),
    /// The peer is not ours: read to the end of the stream, so that it has time to find out.
    Refuse,
}

/// Why a reader stopped.
#[derive(Debug)]
pub(super) enum ReaderEnd {
    /// The stream ended or broke; the peer may open another.
    Ended,
    /// The peer's fault.
    Violation(Violation),
    /// The host listens no more.
    NobodyListens,
}

/// Why a writer stopped.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriterEnd {
    /// The stream could not be opened.
    #[error("not opened: {0}")]
    NotOpened(#[from] OpenStreamError),
    /// The stream broke, or the peer does not read; a new one may do better.
    #[error("broken: {0}")]
    Broken(#[from] io::Error),
    /// Closed because another replaced it, or because the session is parting.
    #[error("closed")]
    Closed,
}

/// Opens our announce stream and writes to it until it breaks or `parting` is dropped or used.
pub(super) async fn write_announcements(
    context: Arc<Context>,
    peer: Arc<PeerShared>,
    mut opener: Opener,
    notices: mpsc::Sender<Notice>,
    mut parting: oneshot::Receiver<()>,
) -> WriterEnd {
    let stream = match opener.open(StreamKind::Announce, context.times.open_stream).await {
        Ok(stream) => stream,
        Err(error) => return WriterEnd::NotOpened(error),
    };
    let (end, stream) = stream.split();
    let mut stream = BufWriter::with_capacity(WRITE_BUFFER, stream);
    let status = Message::Status(context.host.status()).to_frame();
    let greet = async {
        stream.write_all(&status).await?;
        stream.flush().await
    };
    if let Err(error) = timed(context.times.frame, greet).await {
        return WriterEnd::Broken(error);
    }
    // The session outlives its tasks.
    let _heard = notices.send(Notice::StatusSent).await;
    let ended = watch_end(end);
    tokio::pin!(ended);
    tokio::select! {
        biased;
        _ = &mut parting => {}
        broken = write_news(&context, &peer, &mut stream) => return WriterEnd::Broken(broken),
        broken = &mut ended => return WriterEnd::Broken(broken),
    }
    // Dropped before the peer has answered the negotiation, the stream would be reset, and our
    // Status lost with it: so the peer ends it.
    let close = async {
        stream.close().await?;
        ended.await;
        Ok(())
    };
    match timed(context.times.farewell, close).await {
        Ok(()) => WriterEnd::Closed,
        Err(error) => WriterEnd::Broken(error),
    }
}

/// Nothing comes back on our announce stream, but a read tells at once when the peer drops it, or
/// does not speak the protocol.
async fn watch_end(mut end: ReadHalf<libp2p::Stream>) -> io::Error {
    match end.read(&mut [0]).await {
        Ok(_) => io::ErrorKind::ConnectionReset.into(),
        Err(error) => error,
    }
}

/// Empties the outbox for ever, and flushes whenever it is empty; ends by an error only.
async fn write_news(
    context: &Context,
    peer: &PeerShared,
    stream: &mut (impl AsyncWrite + Unpin),
) -> io::Error {
    loop {
        let burst = async {
            while let Some(frame) = peer.outbox.try_next() {
                timed(context.times.frame, stream.write_all(&frame)).await?;
            }
            timed(context.times.frame, stream.flush()).await
        };
        if let Err(error) = burst.await {
            return error;
        }
        peer.outbox.changed().await;
    }
}

async fn timed(limit: std::time::Duration, write: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    timeout(limit, write).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Reads a peer's announce stream: its Status, and after the session's answer all that follows.
pub(super) async fn read_announcements(
    context: Arc<Context>,
    peer: Arc<PeerShared>,
    stream: impl AsyncRead + Unpin,
    buffer: Arc<Semaphore>,
    generation: u64,
    notices: mpsc::Sender<Notice>,
) -> ReaderEnd {
    let frame_bytes = context.limits.messages.frame_bytes;
    let mut frames = FrameReader::new(stream, frame_bytes, buffer, context.times.frame);
    match read(&context, &peer, &mut frames, generation, notices).await {
        Ok(end) => end,
        Err(ReadError::Violation(violation)) => ReaderEnd::Violation(violation),
        Err(ReadError::Broken(error)) => {
            tracing::debug!(peer = %peer.id, %error, "the peer's announce stream broke");
            ReaderEnd::Ended
        }
    }
}

async fn read(
    context: &Context,
    peer: &PeerShared,
    frames: &mut FrameReader<impl AsyncRead + Unpin>,
    generation: u64,
    notices: mpsc::Sender<Notice>,
) -> Result<ReaderEnd, ReadError> {
    let Some(first) = frames.next(&status_limit).await? else { return Ok(ReaderEnd::Ended) };
    let status = decode_status(context, &first)?;
    drop(first);
    let (answer, answered) = oneshot::channel();
    let _heard = notices.send(Notice::StatusRead { generation, status, answer }).await;
    let event = match answered.await {
        Ok(AfterStatus::Accept(event)) => event,
        Ok(AfterStatus::Refuse) => {
            frames.drain().await;
            return Ok(ReaderEnd::Ended);
        }
        // The session has replaced this stream or is over.
        Err(_) => return Ok(ReaderEnd::Ended),
    };
    let Ok(slot) = context.events.reserve().await else { return Ok(ReaderEnd::NobodyListens) };
    // No await between the two: a task is only ever stopped where it waits.
    slot.send((*event, None));
    peer.set_announced_to_host();

    let limits = context.limits.clone();
    let limit = move |code| news_limit(&limits, code);
    while let Some(frame) = frames.next(&limit).await? {
        if let Some((event, permit)) = read_news(context, peer, frame).await?
            && context.events.send(event, Some(permit)).await.is_err()
        {
            return Ok(ReaderEnd::NobodyListens);
        }
    }
    Ok(ReaderEnd::Ended)
}

fn status_limit(code: u8) -> Result<usize, Violation> {
    if MessageCode::from_byte(code) == Some(MessageCode::Status) {
        Ok(STATUS_BYTES)
    } else {
        Err(Violation::StatusExpected { code })
    }
}

fn decode_status(context: &Context, frame: &BufferedFrame) -> Result<Box<Status>, Violation> {
    let message = Message::decode(frame.code, &frame.payload, &context.limits.messages)
        .map_err(Violation::Malformed)?;
    if let Message::Status(status) = message {
        Ok(Box::new(status))
    } else {
        Err(Violation::StatusExpected { code: frame.code })
    }
}

/// What may follow the Status, and how long it may be.
fn news_limit(limits: &NetworkLimits, code: u8) -> Result<usize, Violation> {
    match MessageCode::from_byte(code) {
        Some(MessageCode::NewBlock | MessageCode::Transactions) => Ok(limits.messages.frame_bytes),
        Some(MessageCode::NewBlockHashes) => {
            let list = limits.messages.announcements.saturating_mul(ANNOUNCEMENT_BYTES);
            Ok(list.saturating_add(AROUND_ITEMS))
        }
        Some(MessageCode::Status) => Err(Violation::SecondStatus),
        Some(
            MessageCode::GetBlockHeaders
            | MessageCode::BlockHeaders
            | MessageCode::GetBlockBodies
            | MessageCode::BlockBodies,
        )
        | None => Err(Violation::UnexpectedCode { code }),
    }
}

/// The event in a frame; none for transactions, which a node without a pool has no use for.
async fn read_news(
    context: &Context,
    peer: &PeerShared,
    frame: BufferedFrame,
) -> Result<Option<(NetworkEvent, BufferPermit)>, ReadError> {
    let BufferedFrame { code, payload, permit } = frame;
    if MessageCode::from_byte(code) == Some(MessageCode::Transactions) {
        return Ok(None);
    }
    match decode(context, code, payload).await? {
        Message::NewBlockHashes(hashes) => {
            Ok(Some((NetworkEvent::Announced { peer: peer.id, hashes }, permit)))
        }
        Message::NewBlock { block, total_difficulty } => {
            peer.raise_head(block.hash(), total_difficulty);
            Ok(Some((NetworkEvent::NewBlock { peer: peer.id, block, total_difficulty }, permit)))
        }
        Message::Status(_)
        | Message::Transactions(_)
        | Message::GetBlockHeaders { .. }
        | Message::BlockHeaders { .. }
        | Message::GetBlockBodies { .. }
        | Message::BlockBodies { .. } => Err(Violation::UnexpectedCode { code }.into()),
    }
}
