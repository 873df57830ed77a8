//! What must hold for any bytes. The fuzz targets call these, and so does a test over their
//! committed corpus.
//!
//! A check panics when something does not hold; that is its answer.

use crate::block::{Block, BlockExt as _};
use crate::body::Body;
use crate::frame::{self, FrameDecoder};
use crate::header::Header;
use crate::keccak::keccak256;
use crate::limits::Limits;
use crate::message::{Message, MessageCode};

/// A fuzz target: its name, which is also that of its corpus, and its check.
pub type FuzzTarget = (&'static str, fn(&[u8]));

/// All targets; `fuzz/Cargo.toml` has a binary for each.
pub const TARGETS: [FuzzTarget; 11] = [
    ("header", header),
    ("block", block),
    ("frame", frame),
    ("status", status),
    ("new_block_hashes", new_block_hashes),
    ("transactions", transactions),
    ("get_block_headers", get_block_headers),
    ("block_headers", block_headers),
    ("get_block_bodies", get_block_bodies),
    ("block_bodies", block_bodies),
    ("new_block", new_block),
];

/// A header that decodes is its bytes.
pub fn header(bytes: &[u8]) {
    let Ok(header) = Header::decode(bytes) else {
        return;
    };
    assert_eq!(header.raw(), bytes);
    check_header(&header);
}

/// A block that decodes is its bytes, and so are its parts.
pub fn block(bytes: &[u8]) {
    let Ok(block) = Block::decode(bytes) else {
        return;
    };
    assert_eq!(block.encode(), bytes);
    check_block(&block);
}

/// The same frames come out in whatever pieces the bytes go in; whole frames with a known code
/// encode to the same bytes.
pub fn frame(bytes: &[u8]) {
    const LIMIT: usize = 4096;
    let mut whole = FrameDecoder::new(LIMIT);
    let mut pieces = FrameDecoder::new(LIMIT);
    let mut piecewise = Vec::new();
    let mut end = Ok(());
    'bytes: for mut piece in bytes.chunks(1) {
        loop {
            match pieces.feed(&mut piece) {
                Ok(Some(frame)) => piecewise.push(frame),
                Ok(None) => break,
                Err(error) => {
                    end = Err(error);
                    break 'bytes;
                }
            }
        }
    }
    let mut rest = bytes;
    for expected in piecewise {
        let before = rest;
        let frame = whole.feed(&mut rest).ok().flatten();
        assert_eq!(frame.as_ref(), Some(&expected));
        assert!(expected.payload.len() < LIMIT);
        if let Some(code) = MessageCode::from_byte(expected.code) {
            let encoded = frame::encode(code, &expected.payload);
            assert_eq!(before.get(..before.len() - rest.len()), Some(encoded.as_slice()));
        }
    }
    assert_eq!(whole.feed(&mut rest).map(|frame| assert_eq!(frame, None)), end);
    assert_eq!(whole.in_frame(), pieces.in_frame());
}

/// A Status that decodes is within the limits, and is its bytes.
pub fn status(bytes: &[u8]) {
    message(MessageCode::Status, bytes);
}

/// A NewBlockHashes that decodes is within the limits, and is its bytes.
pub fn new_block_hashes(bytes: &[u8]) {
    message(MessageCode::NewBlockHashes, bytes);
}

/// A Transactions that decodes is within the limits, and is its bytes.
pub fn transactions(bytes: &[u8]) {
    message(MessageCode::Transactions, bytes);
}

/// A GetBlockHeaders that decodes is within the limits, and is its bytes.
pub fn get_block_headers(bytes: &[u8]) {
    message(MessageCode::GetBlockHeaders, bytes);
}

/// A BlockHeaders that decodes is within the limits, and is its bytes.
pub fn block_headers(bytes: &[u8]) {
    message(MessageCode::BlockHeaders, bytes);
}

/// A GetBlockBodies that decodes is within the limits, and is its bytes.
pub fn get_block_bodies(bytes: &[u8]) {
    message(MessageCode::GetBlockBodies, bytes);
}

/// A BlockBodies that decodes is within the limits, and is its bytes.
pub fn block_bodies(bytes: &[u8]) {
    message(MessageCode::BlockBodies, bytes);
}

/// A NewBlock that decodes is within the limits, and is its bytes.
pub fn new_block(bytes: &[u8]) {
    message(MessageCode::NewBlock, bytes);
}

/// What holds for a payload under any code.
fn message(code: MessageCode, bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(message) = Message::decode(code.to_byte(), bytes, &limits) else {
        return;
    };
    assert_eq!(message.code(), code);
    assert_eq!(message.encode(), bytes);
    match &message {
        Message::Status(_) => {}
        Message::NewBlockHashes(entries) => assert!(entries.len() <= limits.announcements),
        Message::Transactions(entries) => {
            assert!(entries.len() <= limits.transactions);
            for transaction in entries {
                // Any outcome but a panic.
                let _ = transaction.parse();
            }
        }
        Message::GetBlockHeaders { request, .. } => {
            assert!(request.limit <= limits.headers as u64);
        }
        Message::BlockHeaders { headers, .. } => {
            assert!(headers.len() <= limits.headers);
            headers.iter().for_each(check_header);
        }
        Message::GetBlockBodies { hashes, .. } => assert!(hashes.len() <= limits.bodies),
        Message::BlockBodies { bodies, .. } => {
            assert!(bodies.len() <= limits.bodies);
            bodies.iter().for_each(check_body);
        }
        Message::NewBlock { block, .. } => check_block(block),
    }
}

fn check_header(header: &Header) {
    assert_eq!(header.hash(), keccak256(header.raw()));
    let again = Header::new(header.fields().clone()).expect("decoded fields have an encoding");
    assert_eq!(again.raw(), header.raw());
    assert!(header.retained_bytes() > header.raw().len());
}

fn check_body(body: &Body) {
    let transactions: Vec<_> = body.transactions().collect();
    for transaction in &transactions {
        // Any outcome but a panic.
        let _ = transaction.parse();
    }
    body.uncles().iter().for_each(check_header);
    let again = Body::new(transactions, body.uncles().to_vec(), body.withdrawals().map(<[_]>::to_vec));
    assert_eq!(again.encode(), body.encode());
    assert_eq!(again.commitment(), body.commitment());
    assert!(body.retained_bytes() > body.raw_lists().len());
}

fn check_block(block: &Block) {
    check_header(&block.header);
    check_body(&block.body);
    assert_eq!(block.encoded_len(), block.encode().len());
}
