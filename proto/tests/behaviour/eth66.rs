//! The vectors of EIP-2481: messages with request ids, byte for byte.

use alloy_primitives::{B256, Bytes, hex};
use herald_proto::{HashOrNumber, HeadersRequest, Limits, Message, MessageCode};

use crate::data;

fn decode(code: MessageCode, payload: &[u8]) -> Message {
    let message = Message::decode(code.to_byte(), payload, &Limits::default()).unwrap();
    assert_eq!(message.code(), code);
    assert_eq!(Bytes::from(message.encode()), Bytes::copy_from_slice(payload));
    message
}

#[test]
fn every_vector_of_a_message_we_speak_round_trips() {
    let Some(vectors) = data::json("vectors/eip2481_vectors.json") else {
        return;
    };
    let mut spoken = Vec::new();
    for vector in vectors["vectors"].as_array().unwrap() {
        let name = vector["message"].as_str().unwrap();
        let Some(code) = MessageCode::ALL.iter().copied().find(|code| code.name() == name) else {
            continue;
        };
        let payload = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
        let message = decode(code, &payload);
        let request_id = vector["request_id"].as_u64().unwrap();
        match message {
            Message::GetBlockHeaders { request_id: id, .. }
            | Message::BlockHeaders { request_id: id, .. }
            | Message::GetBlockBodies { request_id: id, .. }
            | Message::BlockBodies { request_id: id, .. } => assert_eq!(id, request_id),
            Message::Status(_)
            | Message::NewBlockHashes(_)
            | Message::Transactions(_)
            | Message::NewBlock { .. } => panic!("{name} has no request id"),
        }
        spoken.push(code);
    }
    for code in [
        MessageCode::GetBlockHeaders,
        MessageCode::BlockHeaders,
        MessageCode::GetBlockBodies,
        MessageCode::BlockBodies,
    ] {
        assert!(spoken.contains(&code), "{}", code.name());
    }
}

#[test]
fn headers_asked_by_hash() {
    let payload = hex!("e8820457e4a000000000000000000000000000000000000000000000000000000000deadc0de050580");
    let request = HeadersRequest {
        start: HashOrNumber::Hash(B256::left_padding_from(&[0xde, 0xad, 0xc0, 0xde])),
        limit: 5,
        skip: 5,
        reverse: false,
    };
    let message = decode(MessageCode::GetBlockHeaders, &payload);
    assert_eq!(message, Message::GetBlockHeaders { request_id: 1111, request });
}

#[test]
fn headers_asked_by_number() {
    let payload = hex!("ca820457c682270f050580");
    let request = HeadersRequest { start: HashOrNumber::Number(9999), limit: 5, skip: 5, reverse: false };
    let message = decode(MessageCode::GetBlockHeaders, &payload);
    assert_eq!(message, Message::GetBlockHeaders { request_id: 1111, request });
}
