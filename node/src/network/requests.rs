//! Request streams: one question, one answer, one stream.

use std::io;
use std::sync::Arc;

use futures::AsyncReadExt as _;
use herald_proto::message::Reply;
use herald_proto::{HeadersRequest, Limits, Message, MessageCode, frame};
use libp2p::{PeerId, Stream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use super::context::Context;
use super::events::NetworkEvent;
use super::frames::{FrameReader, Held, HeldFrame, ReadError, decode, write_last};
use super::link::{Opener, Protocol};
use super::peer::{Answer, Ask, Asker, Peer, Question};
use super::reason::{RequestFailure, Violation};

/// Bytes of a hash in a list.
const HASH_BYTES: usize = 33;

/// Room in a frame for what stands around a list's items, or for all of a request for headers.
const AROUND_ITEMS: usize = 64;

/// Serves one request from `at` on. The error is the peer's fault; a peer that gives its own
/// request up commits none.
pub(super) async fn serve(
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
    let Some(HeldFrame { code, payload, held }) = request else { return Ok(()) };
    let message = decode(context, code, payload).await?;
    drop(held);
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

/// Puts one question to a peer and reports the outcome, unless it was cancelled. The error is the
/// peer's fault.
pub(super) async fn ask(
    context: Arc<Context>,
    peer: Arc<Peer>,
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
) -> Result<(Answer, Held), RequestFailure> {
    let asked = items_asked(&question);
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
        .open(Protocol::Request, context.times.open_stream)
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
    frame: HeldFrame,
) -> Result<(Answer, Held), ReadError> {
    let HeldFrame { code, payload, held } = frame;
    let (answered, given, answer) = match decode(context, code, payload).await? {
        Message::BlockHeaders { request_id, headers } => {
            (request_id, headers.len(), Answer::Headers(headers))
        }
        Message::BlockBodies { request_id, bodies } => (request_id, bodies.len(), Answer::Bodies(bodies)),
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
    Ok((answer, held))
}

/// Items that a question asks for.
pub(super) fn items_asked(question: &Question) -> u64 {
    match question {
        Question::Headers(HeadersRequest { limit, .. }) => *limit,
        Question::Bodies(hashes) => u64::try_from(hashes.len()).unwrap_or(u64::MAX),
    }
}

/// Tells whoever asked, exactly once.
pub(super) async fn report(
    context: &Context,
    peer: &Peer,
    request: u64,
    outcome: Result<(Answer, Held), RequestFailure>,
) {
    // The place first: between taking the request out and sending nothing may wait, or a session
    // that ends in between would lose the outcome.
    let place = if peer.is_event_awaited(request) { context.events.place().await.ok() } else { None };
    match peer.take_request(request) {
        Some(Asker::Caller(caller)) => {
            let _gone = caller.send(outcome.map(|(answer, _held)| answer));
        }
        Some(Asker::Events) => {
            let (event, held) = event(peer.id, request, outcome);
            if let Some(place) = place {
                place.send((event, held));
            }
        }
        None => {}
    }
}

fn event(
    peer: PeerId,
    request: u64,
    outcome: Result<(Answer, Held), RequestFailure>,
) -> (NetworkEvent, Option<Held>) {
    match outcome {
        Ok((Answer::Headers(headers), held)) => {
            (NetworkEvent::HeadersReply { peer, request, headers }, Some(held))
        }
        Ok((Answer::Bodies(bodies), held)) => {
            (NetworkEvent::BodiesReply { peer, request, bodies }, Some(held))
        }
        Err(reason) => (NetworkEvent::RequestFailed { peer, request, reason }, None),
    }
}
