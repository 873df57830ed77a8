//! What we ask of a peer: one stream for each request, and one outcome for each.

use std::io;
use std::sync::Arc;

use futures::AsyncReadExt as _;
use herald_proto::{Message, MessageCode};
use libp2p::PeerId;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::context::Context;
use super::events::NetworkEvent;
use super::frames::{BufferPermit, BufferedFrame, FrameReader, ReadError, decode, write_last};
use super::link::{Opener, StreamKind};
use super::peer::{Ask, PeerShared, Question, ReplyItems};
use super::reason::{RequestFailure, Violation};
use super::tasks::Tasks;

/// Our requests to one peer, from the queue to their outcome.
pub(super) struct Asking {
    context: Arc<Context>,
    peer: Arc<PeerShared>,
    /// Bytes that this peer's frames may still take in our memory.
    buffer: Arc<Semaphore>,
    asks: mpsc::Receiver<Ask>,
    in_flight: Tasks<Result<(), Violation>>,
}

/// What [`Asking::next`] waits for.
pub(super) enum AskingEvent {
    /// There is capacity for this request: [`Asking::send`] it.
    Wanted(Ask),
    /// A request has its outcome; the error is the peer's fault.
    Ended(Result<(), Violation>),
}

impl Asking {
    pub(super) fn new(
        context: Arc<Context>,
        peer: Arc<PeerShared>,
        buffer: Arc<Semaphore>,
        asks: mpsc::Receiver<Ask>,
    ) -> Self {
        Self { context, peer, buffer, asks, in_flight: Tasks::new() }
    }

    /// Waits for an outcome, or for a request that may be sent. None is there before the peer is
    /// ready, because nobody finds the peer before. Cancel-safe.
    pub(super) async fn next(&mut self) -> AskingEvent {
        let has_capacity = self.in_flight.len() < self.context.limits.asked_at_once;
        tokio::select! {
            biased;
            ended = self.in_flight.next() => AskingEvent::Ended(ended),
            Some(ask) = self.asks.recv(), if has_capacity => AskingEvent::Wanted(ask),
        }
    }

    /// Puts a question to the peer, on a stream of this connection.
    pub(super) fn send(&mut self, ask: Ask, opener: Opener) {
        let (context, peer) = (Arc::clone(&self.context), Arc::clone(&self.peer));
        self.in_flight.spawn(send(context, peer, opener, Arc::clone(&self.buffer), ask));
    }

    /// Aborts what is in flight. What has no outcome then stays open, for the session to report.
    pub(super) async fn shutdown(&mut self) {
        self.in_flight.shutdown().await;
    }
}

/// Puts one question to a peer and reports the outcome, unless it was cancelled. The error is the
/// peer's fault.
async fn send(
    context: Arc<Context>,
    peer: Arc<PeerShared>,
    opener: Opener,
    buffer: Arc<Semaphore>,
    ask: Ask,
) -> Result<(), Violation> {
    let Ask { request, question, cancelled } = ask;
    let asked = timeout(context.times.request, exchange(&context, opener, buffer, request, question));
    let outcome = tokio::select! {
        biased;
        () = cancelled.cancelled() => return Ok(()),
        outcome = asked => outcome.unwrap_or(Err(RequestFailure::Timeout)),
    };
    let violation = match &outcome {
        Err(RequestFailure::Violation(violation)) => Some(violation.clone()),
        Ok(_) | Err(_) => None,
    };
    report(&context, &peer, request, outcome).await;
    violation.map_or(Ok(()), Err)
}

async fn exchange(
    context: &Context,
    mut opener: Opener,
    buffer: Arc<Semaphore>,
    request: u64,
    question: Question,
) -> Result<(ReplyItems, BufferPermit), RequestFailure> {
    let asked = question.items();
    let (code, message) = match question {
        Question::Headers(request_fields) => (
            MessageCode::BlockHeaders,
            Message::GetBlockHeaders { request_id: request, request: request_fields },
        ),
        Question::Bodies(hashes) => {
            (MessageCode::BlockBodies, Message::GetBlockBodies { request_id: request, hashes })
        }
    };
    let stream = opener
        .open(StreamKind::Request, context.times.open_stream)
        .await
        .map_err(|_| RequestFailure::Refused)?;
    let (read, mut write) = stream.split();
    let sent = write_last(&mut write, &message.to_frame(), context.times.frame).await;
    sent.map_err(|_: io::Error| RequestFailure::Refused)?;

    let limits = &context.limits.messages;
    let mut frames = FrameReader::new(read, limits.frame_bytes, buffer, context.times.frame);
    let frame_bytes = limits.frame_bytes;
    let only_the_answer = move |given| match given == code.to_byte() {
        true => Ok(frame_bytes),
        false => Err(Violation::UnexpectedCode { code: given }),
    };
    let answer = async {
        match frames.next(&only_the_answer).await? {
            Some(frame) => check_answer(context, request, asked, frame).await,
            None => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
    };
    answer.await.map_err(|error| match error {
        ReadError::Broken(_) => RequestFailure::Refused,
        ReadError::Violation(violation) => violation.into(),
    })
}

async fn check_answer(
    context: &Context,
    asked_id: u64,
    asked: u64,
    frame: BufferedFrame,
) -> Result<(ReplyItems, BufferPermit), ReadError> {
    let BufferedFrame { code, payload, permit } = frame;
    let (answered, given, answer) = match decode(context, code, payload).await? {
        Message::BlockHeaders { request_id, headers } => {
            (request_id, headers.len(), ReplyItems::Headers(headers))
        }
        Message::BlockBodies { request_id, bodies } => (request_id, bodies.len(), ReplyItems::Bodies(bodies)),
        Message::Status(_)
        | Message::NewBlockHashes(_)
        | Message::Transactions(_)
        | Message::GetBlockHeaders { .. }
        | Message::GetBlockBodies { .. }
        | Message::NewBlock { .. } => return Err(Violation::UnexpectedCode { code }.into()),
    };
    if answered != asked_id {
        return Err(Violation::WrongRequestId { asked: asked_id, answered }.into());
    }
    if u64::try_from(given).unwrap_or(u64::MAX) > asked {
        return Err(Violation::ReplyTooLong { asked, given }.into());
    }
    Ok((answer, permit))
}

/// Tells the host the outcome of a request, once, unless it was cancelled.
pub(super) async fn report(
    context: &Context,
    peer: &PeerShared,
    request: u64,
    outcome: Result<(ReplyItems, BufferPermit), RequestFailure>,
) {
    if !peer.is_open(request) {
        return;
    }
    // The slot in the queue first: nothing may wait between closing the request and sending, or a
    // session that ends in between would lose the outcome.
    let slot = context.events.reserve().await;
    if peer.close_request(request)
        && let Ok(slot) = slot
    {
        slot.send(event(peer.id, request, outcome));
    }
}

fn event(
    peer: PeerId,
    request: u64,
    outcome: Result<(ReplyItems, BufferPermit), RequestFailure>,
) -> (NetworkEvent, Option<BufferPermit>) {
    match outcome {
        Ok((ReplyItems::Headers(headers), permit)) => {
            (NetworkEvent::HeadersReply { peer, request, headers }, Some(permit))
        }
        Ok((ReplyItems::Bodies(bodies), permit)) => {
            (NetworkEvent::BodiesReply { peer, request, bodies }, Some(permit))
        }
        Err(reason) => (NetworkEvent::RequestFailed { peer, request, reason }, None),
    }
}
