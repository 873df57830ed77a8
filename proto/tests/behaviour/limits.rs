//! The limits of each message: exactly so many, and not one more.

use alloy_primitives::B256;
use herald_proto::DecodeErrorKind as Kind;
use herald_proto::message::{ANNOUNCE_PROTOCOL, PushOutcome, REQUEST_PROTOCOL, Reply};
use herald_proto::rlp::{ListEncoder, MAX_DEPTH};
use herald_proto::{
    Announcement, BODY_ENTRIES_MAX, Body, DecodeError, HashOrNumber, HeadersRequest, Limits, Message,
    MessageCode,
};

use crate::samples;

fn decode(code: MessageCode, payload: &[u8]) -> Result<Message, DecodeError> {
    Message::decode(code.to_byte(), payload, &Limits::default())
}

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    set(&mut limits);
    limits
}

fn round_trip(message: &Message) -> Result<Message, DecodeError> {
    decode(message.code(), &message.encode())
}

fn accepts_and_refuses(limit: usize, path: &str, message: impl Fn(usize) -> Message) {
    assert_eq!(round_trip(&message(limit)).unwrap(), message(limit));
    let error = round_trip(&message(limit + 1)).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (Kind::TooMany { limit }, path));
}

#[test]
fn defaults() {
    let limits = Limits::default();
    assert_eq!(limits.frame_bytes, 10 * 1024 * 1024);
    assert_eq!(limits.announcements, 256);
    assert_eq!((limits.headers, limits.bodies), (1024, 1024));
    assert_eq!(limits.reply_bytes, 2 * 1024 * 1024);
    assert!(limits.reply_bytes < limits.frame_bytes);
    // A reply of the most headers that fit a reply is within a frame, whatever the last one.
    assert!(limits.headers * 600 < limits.reply_bytes);
}

#[test]
fn announcements() {
    accepts_and_refuses(256, "NewBlockHashes", |count| {
        let one = Announcement { hash: B256::repeat_byte(7), number: 7 };
        Message::NewBlockHashes(vec![one; count])
    });
    // One hundred thousand.
    let error =
        round_trip(&Message::NewBlockHashes(vec![Announcement { hash: B256::ZERO, number: 0 }; 100_000]));
    assert_eq!(error.unwrap_err().kind(), Kind::TooMany { limit: 256 });
}

#[test]
fn transactions() {
    let transaction = samples::transactions().swap_remove(0);
    accepts_and_refuses(4096, "Transactions", |count| {
        Message::Transactions(vec![transaction.clone(); count])
    });
}

#[test]
fn headers_asked() {
    accepts_and_refuses(1024, "GetBlockHeaders.limit", |limit| Message::GetBlockHeaders {
        request_id: 1,
        request: HeadersRequest {
            start: HashOrNumber::Number(1),
            limit: limit as u64,
            skip: 0,
            reverse: false,
        },
    });
    let request = HeadersRequest { start: HashOrNumber::Number(1), limit: u64::MAX, skip: 0, reverse: false };
    assert!(round_trip(&Message::GetBlockHeaders { request_id: 1, request }).is_err());
}

#[test]
fn headers_given() {
    let header = samples::headers().swap_remove(1).1;
    accepts_and_refuses(1024, "BlockHeaders.headers", |count| Message::BlockHeaders {
        request_id: 1,
        headers: vec![header.clone(); count],
    });
}

#[test]
fn bodies_asked() {
    accepts_and_refuses(1024, "GetBlockBodies.hashes", |count| Message::GetBlockBodies {
        request_id: 1,
        hashes: vec![B256::ZERO; count],
    });
}

#[test]
fn bodies_given() {
    let body = samples::bodies().swap_remove(0).1;
    accepts_and_refuses(1024, "BlockBodies.bodies", |count| Message::BlockBodies {
        request_id: 1,
        bodies: vec![body.clone(); count],
    });
}

#[test]
fn entries_of_a_body() {
    let body = |transactions: usize, withdrawals: usize| {
        let mut body = ListEncoder::new();
        body.list(|list| {
            list.raw(&[0x82, 0x7f, 0x7f].repeat(transactions));
        });
        body.list(|_| ()).list(|list| {
            let mut withdrawal = ListEncoder::new();
            withdrawal.u64(0).u64(0).bytes(&[0; 20]).u64(0);
            list.raw(&withdrawal.finish().repeat(withdrawals));
        });
        Body::decode(&body.finish())
    };
    let limit = BODY_ENTRIES_MAX;
    assert_eq!(body(limit, 0).unwrap().transactions().len(), limit);
    for (refused, path) in [(body(limit + 1, 0), "transactions"), (body(0, limit + 1), "withdrawals")] {
        let error = refused.unwrap_err();
        assert_eq!((error.kind(), error.path().as_str()), (Kind::TooMany { limit }, path));
    }
}

#[test]
fn too_many_entries_are_counted_before_any_is_read() {
    // Each entry is wrong too, but the count is what is seen.
    let mut list = ListEncoder::new();
    for _ in 0..257 {
        list.u64(1);
    }
    let error = decode(MessageCode::NewBlockHashes, &list.finish()).unwrap_err();
    assert_eq!(error.kind(), Kind::TooMany { limit: 256 });
}

#[test]
fn unknown_codes_and_what_follows_a_message() {
    let error = Message::decode(0x08, &[0xc0], &Limits::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::UnknownMessage(8));
    for (_, message) in samples::messages() {
        let mut payload = message.encode();
        assert_eq!(decode(message.code(), &payload).unwrap(), message);
        payload.push(0x80);
        let error = decode(message.code(), &payload).unwrap_err();
        assert_eq!(error.kind(), Kind::TrailingBytes { count: 1 });
        payload.truncate(payload.len() - 2);
        assert!(decode(message.code(), &payload).is_err());
        assert!(decode(message.code(), &[]).is_err());
    }
}

#[test]
fn new_block_errors_name_the_field() {
    let (_, message) = samples::messages().swap_remove(4);
    let Message::NewBlock { block, .. } = &message else { panic!("{message:?}") };
    // The gas limit is written with a leading zero.
    let mut fields = ListEncoder::new();
    let mut list = herald_proto::rlp::List::decode(block.header.raw()).unwrap();
    for index in 0.. {
        let Some(item) = list.next_item().unwrap() else {
            break;
        };
        match index {
            9 => fields.bytes(&[0, 1]),
            _ => fields.raw(item.raw()),
        };
    }
    let mut payload = ListEncoder::new();
    payload.list(|parts| {
        parts.raw(&fields.finish()).raw(block.body.raw_lists());
    });
    payload.u64(1);
    let error = decode(MessageCode::NewBlock, &payload.finish()).unwrap_err();
    assert_eq!(error.to_string(), "NewBlock.block.header.gas_limit: the integer has a leading zero byte");
}

#[test]
fn replies_stop_at_the_item_that_passes_their_size() {
    let limits = limits(|limits| (limits.reply_bytes, limits.frame_bytes) = (1000, 2000));
    let item = [&[0xb9, 0x01, 0x8d][..], &[7; 397]].concat();
    let mut reply = Reply::bodies(9, &limits);
    assert!(reply.is_empty());
    assert_eq!(reply.push(&item), PushOutcome::Added);
    assert_eq!(reply.push(&item), PushOutcome::Added);
    assert_eq!(reply.push(&item), PushOutcome::AddedLast);
    assert_eq!(reply.len(), 3);
    assert_eq!(reply.finish().len(), 3 * item.len() + 3 + 3 + 1);
}

#[test]
fn replies_stop_before_the_frame_limit_and_at_their_count() {
    let limits = limits(|limits| {
        (limits.reply_bytes, limits.frame_bytes, limits.headers) = (1000, 1500, 2);
    });
    let mut reply = Reply::headers(u64::MAX, &limits);
    assert_eq!(reply.push(&[0x80; 900]), PushOutcome::Added);
    assert_eq!(reply.push(&[0x80; 700]), PushOutcome::Refused);
    assert_eq!(reply.push(&[0x80; 50]), PushOutcome::AddedLast);
    assert_eq!(reply.push(&[0x80; 1]), PushOutcome::Refused);
    assert_eq!(reply.len(), 2);
    let framed = herald_proto::frame::encode(MessageCode::BlockHeaders, &reply.finish());
    assert!(framed.len() < limits.frame_bytes);
}

#[test]
fn replies_are_what_the_message_encodes() {
    let headers: Vec<_> = samples::headers().into_iter().map(|(_, header)| header).collect();
    let mut reply = Reply::headers(77, &Limits::default());
    for header in &headers {
        assert_eq!(reply.push(header.raw()), PushOutcome::Added);
    }
    assert_eq!(reply.finish(), Message::BlockHeaders { request_id: 77, headers }.encode());
}

#[test]
fn the_written_protocol_has_the_same_codes_and_limits() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire.md");
    let page = std::fs::read_to_string(page).unwrap();
    let row = |code: MessageCode| {
        let start = format!("| 0x{:02x} | {} |", code.to_byte(), code.name());
        page.lines().find(|line| line.starts_with(&start)).expect(&start).to_owned()
    };
    let limits = Limits::default();
    for (code, limit) in [
        (MessageCode::Status, None),
        (MessageCode::NewBlockHashes, Some(limits.announcements)),
        (MessageCode::Transactions, Some(limits.transactions)),
        (MessageCode::GetBlockHeaders, Some(limits.headers)),
        (MessageCode::BlockHeaders, Some(limits.headers)),
        (MessageCode::GetBlockBodies, Some(limits.bodies)),
        (MessageCode::BlockBodies, Some(limits.bodies)),
        (MessageCode::NewBlock, None),
    ] {
        let row = row(code);
        match limit {
            Some(limit) => assert!(row.contains(&limit.to_string()), "{row}"),
            None => assert!(row.ends_with("| |"), "{row}"),
        }
    }
    for text in [ANNOUNCE_PROTOCOL, REQUEST_PROTOCOL, "10 MiB", "2 MiB"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.contains(&format!("at most {BODY_ENTRIES_MAX} transactions")));
    assert!(page.contains(&format!("at most {MAX_DEPTH} deep")));
}
