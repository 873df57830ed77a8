//! Frames on streams: read within limits of size, time and memory; written with a time limit.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::io::BufReader;
use futures::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _};
use herald_proto::Message;
use herald_proto::frame::{Frame, FrameDecoder, FrameError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::context::Context;
use super::reason::Violation;

/// What is read ahead on a stream.
const READ_AHEAD: usize = 16 << 10;

/// A message's code and payload.
#[derive(Debug)]
pub(super) struct BufferedFrame {
    pub(super) code: u8,
    pub(super) payload: Vec<u8>,
    /// The frame's share of its peer's buffer, given back on drop.
    pub(super) permit: BufferPermit,
}

/// Bytes of a peer's buffer in use.
pub(super) type BufferPermit = OwnedSemaphorePermit;

/// Why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The peer's fault.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The stream broke, or ended inside a frame: a connection that fails does that too.
    #[error("the stream broke: {0}")]
    Broken(#[from] io::Error),
}

/// Reads frames from one stream.
#[derive(Debug)]
pub(super) struct FrameReader<R> {
    stream: BufReader<R>,
    decoder: FrameDecoder,
    /// Bytes that this peer's frames may still take.
    buffer: Arc<Semaphore>,
    /// From a frame's first byte to its last.
    frame_time: Duration,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads frames of at most `frame_bytes`, whatever their code.
    pub(super) fn new(stream: R, frame_bytes: usize, buffer: Arc<Semaphore>, frame_time: Duration) -> Self {
        let stream = BufReader::with_capacity(READ_AHEAD, stream);
        Self { stream, decoder: FrameDecoder::new(frame_bytes), buffer, frame_time }
    }

    /// The next frame, or `None` when the stream ended before one began. `limit` gives the most
    /// bytes of a frame that carries this code, code included, or why the code does not belong here.
    ///
    /// Waits without limit for the first byte, and for capacity in the peer's buffer: that is held
    /// up by our own host, not by the peer.
    pub(super) async fn next(
        &mut self,
        limit: &(impl Fn(u8) -> Result<usize, Violation> + Sync),
    ) -> Result<Option<BufferedFrame>, ReadError> {
        let mut deadline = None;
        let mut permit = None;
        loop {
            let bytes = match deadline {
                None => self.stream.fill_buf().await?,
                Some(deadline) => timeout_at(deadline, self.stream.fill_buf())
                    .await
                    .map_err(|_| Violation::FrameTooSlow)??,
            };
            if bytes.is_empty() {
                if self.decoder.in_frame() {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                return Ok(None);
            }
            let (available, mut rest) = (bytes.len(), bytes);
            let fed = self.decoder.feed(&mut rest);
            let used = available - rest.len();
            self.stream.consume_unpin(used);
            let whole = fed.map_err(Violation::from)?;
            let begun = Instant::now();
            let announced = match &whole {
                Some(frame) => Some((frame.code, frame.payload.len())),
                None => self.decoder.announced(),
            };
            if let (None, Some((code, payload_len))) = (&permit, announced) {
                permit = Some(admit(code, payload_len, limit, Arc::clone(&self.buffer)).await?);
            }
            if let Some(Frame { code, payload }) = whole
                && let Some(permit) = permit.take()
            {
                return Ok(Some(BufferedFrame { code, payload, permit }));
            }
            let waited = begun.elapsed();
            deadline = Some(deadline.unwrap_or(begun + self.frame_time) + waited);
        }
    }

    /// Reads and forgets all that comes until the stream ends.
    pub(super) async fn drain(&mut self) {
        while let Ok(bytes) = self.stream.fill_buf().await {
            let count = bytes.len();
            if count == 0 {
                return;
            }
            self.stream.consume_unpin(count);
        }
    }
}

/// Checks a frame by what stands before its payload, and takes its share of the buffer.
async fn admit(
    code: u8,
    payload_len: usize,
    limit: &(impl Fn(u8) -> Result<usize, Violation> + Sync),
    buffer: Arc<Semaphore>,
) -> Result<BufferPermit, ReadError> {
    let limit = limit(code)?;
    let length = payload_len.saturating_add(1);
    if length > limit {
        return Err(Violation::from(FrameError::TooLong { limit }).into());
    }
    let share = u32::try_from(length).unwrap_or(u32::MAX);
    let permit = buffer.acquire_many_owned(share).await;
    permit.map_err(|_| ReadError::Broken(io::ErrorKind::ConnectionAborted.into()))
}

/// A payload longer than this is decoded, hashes and roots included, on a blocking thread: at some
/// 5 ns a byte it would hold up an async one for more than 300 µs.
const INLINE_BYTES: usize = 64 << 10;

/// Decodes a message, off the async threads when it is long.
pub(super) async fn decode(context: &Context, code: u8, payload: Vec<u8>) -> Result<Message, ReadError> {
    let limits = context.limits.messages.clone();
    let short = payload.len() <= INLINE_BYTES;
    let decode = move || Message::decode(code, &payload, &limits).map_err(Violation::Malformed);
    let decoded = if short {
        decode()
    } else {
        let blocking = context.blocking.spawn_blocking(decode).await;
        // Fails only when the runtime stops.
        blocking.map_err(io::Error::from)?
    };
    Ok(decoded?)
}

/// Writes and flushes one frame and closes the stream, within `limit`.
pub(super) async fn write_last<W: AsyncWrite + Unpin>(
    stream: &mut W,
    frame: &[u8],
    limit: Duration,
) -> io::Result<()> {
    let write = async {
        stream.write_all(frame).await?;
        stream.close().await
    };
    timeout(limit, write).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use futures::io::Cursor;

    use super::*;

    const FRAME_TIME: Duration = Duration::from_secs(15);
    const LIMIT: usize = 10;

    fn reader(bytes: &[u8], capacity: usize) -> FrameReader<Cursor<Vec<u8>>> {
        FrameReader::new(Cursor::new(bytes.to_vec()), LIMIT, Arc::new(Semaphore::new(capacity)), FRAME_TIME)
    }

    fn ten(_: u8) -> Result<usize, Violation> {
        Ok(LIMIT)
    }

    async fn violation(bytes: &[u8]) -> Violation {
        match reader(bytes, 100).next(&ten).await {
            Err(ReadError::Violation(violation)) => violation,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn frames_follow_each_other_and_end_with_the_stream() {
        let mut reader = reader(&[3, 7, 1, 2, 1, 0], 100);
        let first = reader.next(&ten).await.unwrap().unwrap();
        assert_eq!((first.code, first.payload), (7, vec![1, 2]));
        let second = reader.next(&ten).await.unwrap().unwrap();
        assert_eq!((second.code, second.payload), (0, vec![]));
        assert!(reader.next(&ten).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn four_gibibytes_are_refused_by_their_length() {
        let bytes = [0x80, 0x80, 0x80, 0x80, 0x10, 7];
        let too_long = Violation::Frame(FrameError::TooLong { limit: LIMIT });
        assert_eq!(violation(&bytes).await, too_long);
    }

    #[tokio::test]
    async fn a_code_may_have_a_tighter_limit_than_its_stream() {
        let bytes = [9, 1];
        let limit = |code| if code == 1 { Ok(8) } else { Ok(LIMIT) };
        let error = reader(&bytes, 100).next(&limit).await.unwrap_err();
        let ReadError::Violation(violation) = error else { panic!("{error:?}") };
        assert_eq!(violation, Violation::Frame(FrameError::TooLong { limit: 8 }));
    }

    #[tokio::test]
    async fn lengths_that_no_frame_has_are_refused() {
        assert_eq!(violation(&[0, 7]).await, Violation::Frame(FrameError::Empty));
        let padded = Violation::Frame(FrameError::NonCanonicalLength);
        assert_eq!(violation(&[0x81, 0x00, 7]).await, padded);
    }

    #[tokio::test]
    async fn a_stream_cut_inside_a_frame_is_broken_not_a_violation() {
        for bytes in [&[3, 7, 1][..], &[3], &[0x80]] {
            let error = reader(bytes, 100).next(&ten).await.unwrap_err();
            assert!(matches!(error, ReadError::Broken(_)), "{error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_begun_must_be_whole_in_time() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut theirs, &[3, 7, 1]).await.unwrap();
        let stream = tokio_util::compat::TokioAsyncReadCompatExt::compat(ours);
        let mut reader = FrameReader::new(stream, LIMIT, Arc::new(Semaphore::new(100)), FRAME_TIME);
        let error = reader.next(&ten).await.unwrap_err();
        assert!(matches!(error, ReadError::Violation(Violation::FrameTooSlow)), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_buffer_holds_the_stream_until_something_is_taken() {
        let mut reader = reader(&[3, 7, 1, 2, 3, 7, 1, 2], 5);
        let first = reader.next(&ten).await.unwrap().unwrap();
        let waiting = timeout(Duration::from_secs(60), admit(7, 2, &ten, Arc::clone(&reader.buffer))).await;
        assert!(waiting.is_err(), "three of five bytes are held");
        drop(first.permit);
        assert!(reader.next(&ten).await.unwrap().is_some());
    }
}
