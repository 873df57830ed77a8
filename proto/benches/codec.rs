//! What decoding and encoding cost, in CPU time of the measuring thread. The workloads are those of the go-ethereum baseline: London
//! headers of 547 bytes, bodies of 200 legacy transactions of 150 bytes.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

#[path = "../../benches/fetcher/cpu.rs"]
mod cpu;

use std::hint::black_box;

use alloy_primitives::{Address, B64, B256, U256};
use criterion::{Criterion, criterion_group, criterion_main};
use herald_proto::rlp::ListEncoder;
use herald_proto::roots::ordered_root;
use herald_proto::{
    BODY_ENTRIES_MAX, Block, BlockExt as _, Body, Header, HeaderFields, Limits, Message, Transaction,
    keccak256,
};

use cpu::CpuTime;

const TRANSACTIONS: u64 = 200;

/// Bytes without a pattern, the same on each run.
fn noise<const N: usize>(seed: u64) -> [u8; N] {
    let mut bytes = [0; N];
    for (index, chunk) in bytes.chunks_mut(32).enumerate() {
        let index = index as u64;
        let hash = keccak256(&[seed.to_be_bytes(), index.to_be_bytes()].concat());
        for (to, from) in chunk.iter_mut().zip(hash) {
            *to = from | 1;
        }
    }
    bytes
}

fn transaction(nonce: u64) -> Transaction {
    let mut list = ListEncoder::new();
    list.u64(100_000 + nonce)
        .u64(30_000_000_000)
        .u64(90_000)
        .bytes(&noise::<20>(nonce))
        .u64(1_000_000_000_000_000_000)
        .bytes(&noise::<36>(nonce + 1))
        .u64(38)
        .u256(U256::from_be_bytes(noise::<32>(nonce + 2)))
        .u256(U256::from_be_bytes(noise::<32>(nonce + 3)));
    Transaction::from_bare(&list.finish()).unwrap()
}

fn header(body: &Body) -> Header {
    let header = Header::new(HeaderFields {
        parent_hash: B256::from(noise(1)),
        uncles_hash: body.commitment().uncles_hash,
        beneficiary: Address::from(noise(2)),
        state_root: B256::from(noise(3)),
        transactions_root: body.commitment().transactions_root,
        receipts_root: B256::from(noise(4)),
        difficulty: U256::from(131_072),
        number: 12_965_000,
        gas_limit: 30_000_000,
        gas_used: 18_000_000,
        timestamp: 1_628_166_822,
        extra_data: noise::<32>(5).into(),
        mix_hash: B256::from(noise(6)),
        nonce: B64::from(noise(7)),
        base_fee: Some(7),
        ..HeaderFields::default()
    });
    header.unwrap()
}

fn codec(criterion: &mut Criterion<CpuTime>) {
    let transactions: Vec<Transaction> = (0..TRANSACTIONS).map(transaction).collect();
    assert!(transactions.iter().all(|transaction| transaction.raw().len() == 150));
    let body = Body::new(transactions, vec![], None);
    let header = header(&body);
    assert_eq!(header.raw().len(), 547);
    let block = Block::new(header.clone(), body.clone());

    let raw = header.raw().to_vec();
    criterion.bench_function("header/hash alone", |bench| {
        bench.iter(|| keccak256(black_box(&raw)));
    });
    criterion.bench_function("header/decode and hash", |bench| {
        bench.iter(|| Header::decode(black_box(&raw)).unwrap());
    });

    let encoded = body.encode();
    let values: Vec<&[u8]> = body.raw_transactions().collect();
    criterion.bench_function("body of 200/transactions root alone", |bench| {
        bench.iter(|| ordered_root(black_box(&values)));
    });
    criterion.bench_function("body of 200/decode and roots", |bench| {
        bench.iter(|| Body::decode(black_box(&encoded)).unwrap());
    });
    criterion.bench_function("body of 200/iterate transactions", |bench| {
        bench.iter(|| black_box(&body).raw_transactions().map(<[u8]>::len).sum::<usize>());
    });

    criterion.bench_function("block of 200/encode", |bench| {
        bench.iter(|| black_box(&block).encode());
    });
    let message = Message::NewBlock { block, total_difficulty: U256::from(1) };
    criterion.bench_function("block of 200/NewBlock frame", |bench| {
        bench.iter(|| black_box(&message).to_frame());
    });

    let headers = Message::BlockHeaders { request_id: 1, headers: vec![header; 192] }.encode();
    let limits = Limits::default();
    criterion.bench_function("192 headers/decode and hash", |bench| {
        bench.iter(|| Message::decode(4, black_box(&headers), &limits).unwrap());
    });
}

/// The most work that a body can make for its bytes: as many of the smallest transactions as pass.
fn worst_case(criterion: &mut Criterion<CpuTime>) {
    let smallest = Transaction::from_bare(&[0x7f, 0x7f]).unwrap();
    let body = Body::new(vec![smallest; BODY_ENTRIES_MAX], vec![], None).encode();
    let mut group = criterion.benchmark_group("body of smallest transactions");
    group.sample_size(10);
    group.bench_function("decode and roots", |bench| {
        bench.iter(|| Body::decode(black_box(&body)).unwrap());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime).without_plots();
    targets = codec, worst_case
}
criterion_main!(benches);
