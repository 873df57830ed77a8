//! What a peer asks of us: one request a stream, one answer, within the peer's permits and rate.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::AsyncReadExt as _;
use herald_proto::message::Reply;
use herald_proto::{Limits, Message, MessageCode, frame};
use libp2p::Stream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use super::context::Context;
use super::frames::{BufferedFrame, FrameReader, ReadError, decode, write_last};
use super::peer::Question;
use super::rate::RateLimiter;
use super::reason::Violation;
use super::tasks::Tasks;

/// Bytes of a hash in a list.
const HASH_BYTES: usize = 33;

/// Bytes in a frame for what stands around a list's items, or for all of a request for headers.
const AROUND_ITEMS: usize = 64;

/// The requests of one peer, from the stream that it opens to the end of our answer.
pub(super) struct Serving {
    context: Arc<Context>,
    /// Bytes that this peer's frames may still take in our memory.
    buffer: Arc<Semaphore>,
    access: Access,
    /// Streams without a permit, oldest first; the next one that is given back serves the first.
    waiting: VecDeque<Stream>,
    /// One permit each, of [`served_at_once`](super::NetworkLimits::served_at_once).
    in_service: Tasks<Result<(), Violation>>,
    served: RateLimiter,
    refused: RateLimiter,
}

/// Whether the peer may ask yet.
enum Access {
    /// Its Status is on its way, and these requests were faster; ends by [`Serving::open`].
    Held(Vec<Stream>),
    /// Both Statuses were accepted.
    Open,
}

impl Serving {
    pub(super) fn new(context: Arc<Context>, buffer: Arc<Semaphore>) -> Self {
        let limits = &context.limits;
        Self {
            served: RateLimiter::new(limits.served_per_second, limits.served_burst),
            refused: RateLimiter::new(1, limits.refusals),
            context,
            buffer,
            access: Access::Held(Vec::new()),
            waiting: VecDeque::new(),
            in_service: Tasks::new(),
        }
    }

    /// Takes a stream that the peer opened to ask on. The error is one refusal too many.
    pub(super) fn on_stream(&mut self, stream: Stream) -> Result<(), Violation> {
        let limits = &self.context.limits;
        match &mut self.access {
            Access::Held(held) => {
                if held.len() < limits.held_before_status {
                    held.push(stream);
                    return Ok(());
                }
            }
            Access::Open => {
                if self.has_permit() || self.waiting.len() < limits.served_waiting {
                    self.serve_or_wait(stream);
                    return Ok(());
                }
            }
        }
        // Dropped without an answer; again and again is a fault.
        self.refused.take(Instant::now()).map_err(|_| Violation::RequestFlood)
    }

    /// Both Statuses were accepted: what the peer asked before is served first.
    pub(super) fn open(&mut self) {
        match std::mem::replace(&mut self.access, Access::Open) {
            Access::Held(held) => held.into_iter().for_each(|stream| self.serve_or_wait(stream)),
            Access::Open => {}
        }
    }

    /// Waits for the end of a request in service, and gives its permit to the next. The error is
    /// the peer's fault. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<(), Violation> {
        let served = self.in_service.next().await;
        if let Some(next) = self.waiting.pop_front() {
            self.serve_or_wait(next);
        }
        served
    }

    /// Aborts what is in service.
    pub(super) async fn shutdown(&mut self) {
        self.in_service.shutdown().await;
    }

    fn has_permit(&self) -> bool {
        self.in_service.len() < self.context.limits.served_at_once
    }

    fn serve_or_wait(&mut self, stream: Stream) {
        if self.has_permit() {
            let at = self.served.book(Instant::now());
            let served = serve(Arc::clone(&self.context), stream, Arc::clone(&self.buffer), at);
            self.in_service.spawn(served);
        } else {
            self.waiting.push_back(stream);
        }
    }
}

/// Serves one request from `at` on. The error is the peer's fault; a peer that gives its own
/// request up commits none.
async fn serve(
    context: Arc<Context>,
    stream: Stream,
    buffer: Arc<Semaphore>,
    at: Instant,
) -> Result<(), Violation> {
    sleep_until(at).await;
    match serve_one(&context, stream, buffer).await {
        Ok(()) | Err(ReadError::Broken(_)) => Ok(()),
        Err(ReadError::Violation(violation)) => Err(violation),
    }
}

async fn serve_one(context: &Arc<Context>, stream: Stream, buffer: Arc<Semaphore>) -> Result<(), ReadError> {
    let (read, mut write) = stream.split();
    let frame_bytes = request_bytes(&context.limits.messages);
    let mut frames = FrameReader::new(read, frame_bytes, buffer, context.times.frame);
    let limit = |code| request_limit(code, frame_bytes);
    // The asker opened this stream to say something: the time runs from here, first byte or not.
    let request = timeout(context.times.frame, frames.next(&limit)).await;
    let request = request.map_err(|_| Violation::FrameTooSlow)??;
    let Some(BufferedFrame { code, payload, permit }) = request else { return Ok(()) };
    let message = decode(context, code, payload).await?;
    drop(permit);
    let (request_id, question, answer_code) = match message {
        Message::GetBlockHeaders { request_id, request } => {
            (request_id, Question::Headers(request), MessageCode::BlockHeaders)
        }
        Message::GetBlockBodies { request_id, hashes } => {
            (request_id, Question::Bodies(hashes), MessageCode::BlockBodies)
        }
        Message::Status(_)
        | Message::NewBlockHashes(_)
        | Message::Transactions(_)
        | Message::BlockHeaders { .. }
        | Message::BlockBodies { .. }
        | Message::NewBlock { .. } => return Err(Violation::UnexpectedCode { code }.into()),
    };
    if let Some(answer) = answer(context, request_id, question).await {
        let frame = frame::encode(answer_code, &answer);
        // An asker that stopped reading has given up; that is its right.
        let _given_up = write_last(&mut write, &frame, context.times.frame).await;
    }
    Ok(())
}

/// The longest request: as many hashes as may be asked for.
fn request_bytes(limits: &Limits) -> usize {
    limits.bodies.saturating_mul(HASH_BYTES).saturating_add(AROUND_ITEMS)
}

fn request_limit(code: u8, frame_bytes: usize) -> Result<usize, Violation> {
    match MessageCode::from_byte(code) {
        Some(MessageCode::GetBlockHeaders) => Ok(AROUND_ITEMS),
        Some(MessageCode::GetBlockBodies) => Ok(frame_bytes),
        Some(
            MessageCode::Status
            | MessageCode::NewBlockHashes
            | MessageCode::Transactions
            | MessageCode::BlockHeaders
            | MessageCode::BlockBodies
            | MessageCode::NewBlock,
        )
        | None => Err(Violation::UnexpectedCode { code }),
    }
}

/// Reads the answer's payload from the chain, where blocking is allowed. None when the host
/// failed, which costs the asker an answer and us nothing.
async fn answer(context: &Arc<Context>, request_id: u64, question: Question) -> Option<Vec<u8>> {
    let shared = Arc::clone(context);
    let read = move || {
        let limits = &shared.limits.messages;
        match question {
            Question::Headers(request) => {
                let mut reply = Reply::headers(request_id, limits);
                shared.host.headers(&request, &mut reply);
                reply.finish()
            }
            Question::Bodies(hashes) => {
                let mut reply = Reply::bodies(request_id, limits);
                shared.host.bodies(&hashes, &mut reply);
                reply.finish()
            }
        }
    };
    context.blocking.spawn_blocking(read).await.ok()
}
