//! Values with every shape, made here: the seeds of the fuzz corpus, and the start of mutations.

use alloy_primitives::{Address, B64, B256, Bloom, U256};
use herald_proto::frame;
use herald_proto::rlp::ListEncoder;
use herald_proto::{
    Announcement, Block, BlockExt as _, Body, ForkId, HashOrNumber, Header, HeaderFields, HeadersRequest,
    Message, MessageCode, Status, Transaction, Withdrawal,
};

/// Headers as each fork has them, from 15 fields to one more than is known.
pub(crate) fn headers() -> Vec<(&'static str, Header)> {
    let mut fields = HeaderFields {
        parent_hash: B256::repeat_byte(0x11),
        uncles_hash: B256::repeat_byte(0x22),
        beneficiary: Address::repeat_byte(0x33),
        state_root: B256::repeat_byte(0x44),
        transactions_root: B256::repeat_byte(0x55),
        receipts_root: B256::repeat_byte(0x66),
        logs_bloom: Bloom::repeat_byte(0x77),
        difficulty: U256::from(0x0002_0000),
        number: 12_965_000,
        gas_limit: 30_000_000,
        gas_used: 21_000,
        timestamp: 1_628_166_822,
        extra_data: b"herald".into(),
        mix_hash: B256::repeat_byte(0x88),
        nonce: B64::repeat_byte(0x99),
        ..HeaderFields::default()
    };
    let mut headers = Vec::new();
    let mut add = |name, fields: &HeaderFields| {
        headers.push((name, Header::new(fields.clone()).unwrap()));
    };
    add("frontier", &fields);
    fields.base_fee = Some(1_000_000_000);
    add("london", &fields);
    fields.difficulty = U256::ZERO;
    fields.withdrawals_root = Some(B256::repeat_byte(0xaa));
    add("shanghai", &fields);
    fields.blob_gas_used = Some(0x20000);
    fields.excess_blob_gas = Some(0);
    fields.parent_beacon_root = Some(B256::repeat_byte(0xbb));
    add("cancun", &fields);
    fields.requests_hash = Some(B256::repeat_byte(0xcc));
    add("prague", &fields);
    // A byte, a hash and a list with a list in it.
    let mut further = vec![0x07, 0xa0];
    further.extend([0xdd; 32]);
    further.extend([0xc2, 0xc1, 0x80]);
    fields.further_fields = further.into();
    add("further", &fields);
    headers
}

fn signature(list: &mut ListEncoder) {
    list.u256(U256::from_be_bytes([0xe1; 32])).u256(U256::from_be_bytes([0x1e; 32]));
}

fn to(list: &mut ListEncoder) {
    list.bytes(&[0xfe; 20]);
}

fn typed(tx_type: u8, fields: impl FnOnce(&mut ListEncoder)) -> Transaction {
    let mut list = ListEncoder::new();
    fields(&mut list);
    let mut bytes = vec![tx_type];
    bytes.extend(list.finish());
    Transaction::from_bare(&bytes).unwrap()
}

fn access_list(list: &mut ListEncoder) {
    list.list(|entries| {
        entries.list(|entry| {
            entry.bytes(&[0xac; 20]).list(|keys| {
                keys.bytes(&[1; 32]).bytes(&[2; 32]);
            });
        });
    });
}

/// Transactions of types 0 to 4, and of one that nobody knows.
pub(crate) fn transactions() -> Vec<Transaction> {
    let mut legacy = ListEncoder::new();
    legacy.u64(0).u128(1_000_000_000).u64(21_000);
    to(&mut legacy);
    legacy.u64(1).bytes(&[]).u64(38);
    signature(&mut legacy);
    vec![
        Transaction::from_bare(&legacy.finish()).unwrap(),
        typed(1, |list| {
            list.u64(1).u64(2).u64(3).u64(50_000).bytes(&[]).u64(5).bytes(&[0x60; 60]);
            access_list(list);
            list.bool(true);
            signature(list);
        }),
        typed(2, |list| {
            list.u64(1).u64(2).u64(3).u64(4).u64(50_000);
            to(list);
            list.u64(5).bytes(&[0x01]).list(|_| ()).bool(false);
            signature(list);
        }),
        typed(3, |list| {
            list.u64(1).u64(2).u64(3).u64(4).u64(50_000);
            to(list);
            list.u64(5).bytes(&[]);
            access_list(list);
            list.u64(6).list(|hashes| {
                hashes.bytes(&[0x01; 32]);
            });
            list.bool(true);
            signature(list);
        }),
        typed(4, |list| {
            list.u64(1).u64(2).u64(3).u64(4).u64(50_000);
            to(list);
            list.u64(5).bytes(&[]).list(|_| ());
            list.list(|entries| {
                entries.list(|entry| {
                    entry.u64(0).bytes(&[0xde; 20]).u64(9).u64(1);
                    signature(entry);
                });
            });
            list.bool(false);
            signature(list);
        }),
        Transaction::from_bare(&[0x7e, 0xff, 0x00]).unwrap(),
    ]
}

pub(crate) fn bodies() -> Vec<(&'static str, Body)> {
    let uncles = || headers().into_iter().map(|(_, header)| header).take(2).collect();
    let withdrawals = (0..3).map(|index| Withdrawal {
        index,
        validator_index: 1000 + index,
        address: Address::repeat_byte(0x77),
        amount: 32_000_000_000,
    });
    vec![
        ("empty", Body::new(vec![], vec![], None)),
        ("empty_shanghai", Body::new(vec![], vec![], Some(vec![]))),
        ("uncles", Body::new(transactions()[..1].to_vec(), uncles(), None)),
        ("every_type", Body::new(transactions(), vec![], Some(withdrawals.collect()))),
    ]
}

pub(crate) fn blocks() -> Vec<(&'static str, Block)> {
    let headers = headers();
    let shape = |header: usize, body: usize| {
        let (name, body) = bodies().swap_remove(body);
        (name, Block::new(headers[header].1.clone(), body))
    };
    vec![shape(0, 0), shape(2, 1), shape(1, 2), shape(4, 3)]
}

pub(crate) fn messages() -> Vec<(&'static str, Message)> {
    let mut messages = announce_messages();
    messages.extend(request_messages());
    messages
}

fn announce_messages() -> Vec<(&'static str, Message)> {
    let status = Status {
        version: 68,
        network_id: 1,
        total_difficulty: U256::from_be_slice(&[0xc7, 0x0d, 0x81, 0x5d, 0x56]),
        head: B256::repeat_byte(0x12),
        genesis: B256::repeat_byte(0x34),
        fork_id: ForkId { hash: [0xfc, 0x64, 0xec, 0x04], next: 1_150_000 },
    };
    let announcements = (0..3).map(|number| Announcement {
        hash: B256::repeat_byte(0xa0 + number),
        number: u64::from(number) * 200,
    });
    let block = blocks().swap_remove(3).1;
    vec![
        ("mainnet", Message::Status(status)),
        ("empty", Message::NewBlockHashes(vec![])),
        ("three", Message::NewBlockHashes(announcements.collect())),
        ("every_type", Message::Transactions(transactions())),
        ("prague", Message::NewBlock { block, total_difficulty: U256::from(17_u64) }),
    ]
}

fn request_messages() -> Vec<(&'static str, Message)> {
    let by_hash = HeadersRequest {
        start: HashOrNumber::Hash(B256::repeat_byte(0xab)),
        limit: 192,
        skip: 0,
        reverse: true,
    };
    let by_number =
        HeadersRequest { start: HashOrNumber::Number(9_999), limit: 1, skip: u64::MAX, reverse: false };
    let every_fork = headers().into_iter().map(|(_, header)| header).collect();
    let every_shape = bodies().into_iter().map(|(_, body)| body).collect();
    let hashes = vec![B256::repeat_byte(1), B256::repeat_byte(2)];
    vec![
        ("by_hash", Message::GetBlockHeaders { request_id: 1, request: by_hash }),
        ("by_number", Message::GetBlockHeaders { request_id: u64::MAX, request: by_number }),
        ("none", Message::BlockHeaders { request_id: 2, headers: vec![] }),
        ("every_fork", Message::BlockHeaders { request_id: 300, headers: every_fork }),
        ("two", Message::GetBlockBodies { request_id: 3, hashes }),
        ("every_shape", Message::BlockBodies { request_id: 4, bodies: every_shape }),
    ]
}

/// The fuzz target of a message.
pub(crate) fn target(code: MessageCode) -> &'static str {
    match code {
        MessageCode::Status => "status",
        MessageCode::NewBlockHashes => "new_block_hashes",
        MessageCode::Transactions => "transactions",
        MessageCode::GetBlockHeaders => "get_block_headers",
        MessageCode::BlockHeaders => "block_headers",
        MessageCode::GetBlockBodies => "get_block_bodies",
        MessageCode::BlockBodies => "block_bodies",
        MessageCode::NewBlock => "new_block",
    }
}

/// Fuzz target, name and bytes of every seed.
pub(crate) fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, header) in headers() {
        seeds.push(("header", name, header.raw().to_vec()));
    }
    for (name, block) in blocks() {
        seeds.push(("block", name, block.encode()));
    }
    for (name, message) in messages() {
        seeds.push((target(message.code()), name, message.encode()));
    }
    let status = messages().swap_remove(0).1.to_frame();
    let announcements = messages().swap_remove(2).1.to_frame();
    seeds.push(("frame", "two_frames", [status, announcements].concat()));
    seeds.push(("frame", "four_gib", vec![0x80, 0x80, 0x80, 0x80, 0x10]));
    let mut cut = frame::encode(MessageCode::NewBlock, &[0; 200]);
    cut.truncate(100);
    seeds.push(("frame", "cut", cut));
    seeds
}
