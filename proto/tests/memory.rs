//! `retained_bytes` held against the allocator. One test, alone in its process, so that nothing
//! else allocates meanwhile.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::alloc::System;

use alloy_primitives::{Address, B256};
use herald_proto::rlp::ListEncoder;
use herald_proto::{Block, BlockExt as _, Body, Header, HeaderFields, Transaction, Withdrawal};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What `bytes` keeps beside itself while it is not yet shared is counted as if it were.
const NOT_YET_SHARED: usize = 3 * size_of::<usize>();

fn header(extra_data: Vec<u8>) -> Header {
    let fields = HeaderFields { extra_data: extra_data.into(), ..HeaderFields::default() };
    Header::new(fields).unwrap()
}

fn transaction(input: usize) -> Transaction {
    let mut list = ListEncoder::new();
    list.u64(1).u64(2).u64(21_000).bytes(&[7; 20]).u64(3).bytes(&vec![1; input]).u64(27);
    list.bytes(&[1; 32]).bytes(&[2; 32]);
    Transaction::from_bare(&list.finish()).unwrap()
}

/// The value, with what it counts and what the allocator counts for it.
fn decoded<T>(decode: impl Fn() -> T, retained: impl Fn(&T) -> usize) -> (T, usize, usize) {
    // The first time may allocate what stays for ever, as the name of a thread.
    drop(decode());
    let region = Region::new(ALLOCATOR);
    let value = decode();
    let change = region.change();
    // `bytes_reallocated` is already in the other two.
    let held = change.bytes_allocated - change.bytes_deallocated;
    let counted = retained(&value);
    (value, counted, held)
}

#[test]
fn retained_bytes_are_what_the_allocator_holds() {
    for extra in [0, 32, 4096] {
        let raw = header(vec![9; extra]).raw().to_vec();
        let (_, counted, held) = decoded(|| Header::decode(&raw).unwrap(), Header::retained_bytes);
        assert!(counted >= held, "header, extra {extra}: {counted} counted, {held} held");
        assert!(counted <= held + NOT_YET_SHARED, "header, extra {extra}: {counted}, {held}");
    }
    let withdrawal = Withdrawal { index: 1, validator_index: 2, address: Address::ZERO, amount: 3 };
    for (transactions, uncles, withdrawals) in
        [(0, 0, None), (1, 0, Some(0)), (200, 2, None), (33, 1, Some(16))]
    {
        let body = Body::new(
            (0..transactions).map(transaction).collect(),
            vec![header(vec![1; 32]); uncles],
            withdrawals.map(|count| vec![withdrawal; count]),
        );
        let fields = HeaderFields { parent_hash: B256::repeat_byte(1), ..header(vec![]).fields().clone() };
        let bytes = Block::new(Header::new(fields).unwrap(), body).encode();
        let (block, counted, held) = decoded(|| Block::decode(&bytes).unwrap(), Block::retained_bytes);
        let slack = (2 + block.body.uncles().len()) * NOT_YET_SHARED;
        assert!(counted >= held, "{transactions} transactions: {counted} counted, {held} held");
        assert!(counted <= held + slack, "{transactions} transactions: {counted}, {held}");
    }
}
