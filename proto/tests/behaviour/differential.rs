//! Our decoder held against alloy's, which shares no code with it: the same bytes are accepted,
//! with the same hash, roots and fields.
//!
//! Two differences are meant. Header fields that alloy does not know are kept here and refused
//! there; transaction types that it does not know are kept here, so blocks are compared with a
//! transaction type whose only rules are those of EIP-2718, written over alloy-rlp.

use alloy_consensus::transaction::Transaction as _;
use alloy_consensus::{EthereumTxEnvelope, TxEip4844, proofs};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{B256, keccak256};
use alloy_rlp::{Decodable, Encodable};
use alloy_trie::root::ordered_trie_root_with_encoder;
use herald_proto::rlp::{Item, List};
use herald_proto::transaction::Fees;
use herald_proto::{Block, BlockExt as _, Body, DecodeErrorKind, Header, Transaction};
use proptest::prelude::*;

use crate::mutation::{apply, changes};
use crate::{data, samples};

/// A transaction as EIP-2718 has it, unopened: the bare bytes.
#[derive(Clone, Debug)]
struct Opaque(Vec<u8>);

impl Decodable for Opaque {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let whole = *buf;
        let head = alloy_rlp::Header::decode(buf)?;
        let (payload, rest) = buf.split_at(head.payload_length);
        *buf = rest;
        if head.list {
            let mut items = payload;
            let mut fields = 0;
            while !items.is_empty() {
                walk(&mut items, 0)?;
                fields += 1;
            }
            if fields < 9 {
                return Err(alloy_rlp::Error::InputTooShort);
            }
            return Ok(Self(whole[..whole.len() - rest.len()].to_vec()));
        }
        match payload {
            [0x00..=0x7f, _, ..] => Ok(Self(payload.to_vec())),
            _ => Err(alloy_rlp::Error::Custom("no EIP-2718 envelope")),
        }
    }
}

fn walk(items: &mut &[u8], depth: usize) -> alloy_rlp::Result<()> {
    if depth > 16 {
        return Err(alloy_rlp::Error::Custom("too deep"));
    }
    let head = alloy_rlp::Header::decode(items)?;
    let (mut payload, rest) = items.split_at(head.payload_length);
    *items = rest;
    if head.list {
        if depth == 16 {
            return Err(alloy_rlp::Error::Custom("too deep"));
        }
        while !payload.is_empty() {
            walk(&mut payload, depth + 1)?;
        }
    }
    Ok(())
}

fn exactly<T: Decodable>(mut bytes: &[u8]) -> Option<T> {
    let value = T::decode(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}

fn compare_headers(bytes: &[u8]) {
    let ours = Header::decode(bytes);
    let theirs = exactly::<alloy_consensus::Header>(bytes);
    match (&ours, &theirs) {
        (Ok(ours), Some(theirs)) => {
            assert_eq!(ours.hash(), keccak256(bytes));
            assert_eq!(ours.hash(), theirs.hash_slow());
            assert_eq!(alloy_consensus::Header::try_from(ours).as_ref(), Ok(theirs));
            assert_eq!(Header::try_from(theirs).unwrap().raw(), bytes);
        }
        (Ok(ours), None) => assert!(alloy_consensus::Header::try_from(ours).is_err()),
        (Err(ours), Some(_)) => panic!("only alloy takes it: {ours}"),
        (Err(_), None) => {}
    }
}

fn has_further_fields(block: &Block) -> bool {
    let uncles = block.body.uncles().iter();
    uncles.chain([&block.header]).any(|header| !header.further_fields.is_empty())
}

fn compare_blocks(bytes: &[u8]) {
    let ours = Block::decode(bytes);
    let theirs = exactly::<alloy_consensus::Block<Opaque>>(bytes);
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Some(theirs)) => (ours, theirs),
        (Ok(ours), None) => return assert!(has_further_fields(&ours), "only we take it"),
        (Err(ours), Some(_)) => panic!("only alloy takes it: {ours}"),
        (Err(_), None) => return,
    };
    assert_eq!(ours.encode(), bytes);
    assert_eq!(ours.hash(), theirs.header.hash_slow());
    let transactions = &theirs.body.transactions;
    assert_eq!(ours.body.transactions().len(), transactions.len());
    for (ours, theirs) in ours.body.transactions().zip(transactions) {
        assert_eq!(ours.raw(), theirs.0);
        assert_eq!(ours.hash(), keccak256(&theirs.0));
    }
    let commitment = ours.body.commitment();
    let root = ordered_trie_root_with_encoder(transactions, |tx, out| {
        out.extend_from_slice(&tx.0);
    });
    assert_eq!(commitment.transactions_root, root);
    assert_eq!(commitment.uncles_hash, proofs::calculate_ommers_root(&theirs.body.ommers));
    let withdrawals = theirs.body.withdrawals.as_ref();
    let root = withdrawals.map(|withdrawals| proofs::calculate_withdrawals_root(withdrawals));
    assert_eq!(commitment.withdrawals_root, root);
}

fn compare_transactions(bytes: &[u8]) {
    let theirs = EthereumTxEnvelope::<TxEip4844>::decode_2718_exact(bytes);
    let envelope = Transaction::from_bare(bytes);
    let ours = envelope.as_ref().map(|transaction| transaction.parse());
    let (fields, theirs) = match (ours, theirs) {
        (Ok(Ok(ours)), Ok(theirs)) => (ours, theirs),
        (Ok(Ok(_)), Err(theirs)) => panic!("only we take it: {theirs}"),
        (Err(ours), Ok(_)) => panic!("only alloy takes it: {ours}"),
        (Ok(Err(ours)), Ok(_)) => panic!("only alloy takes it: {ours}"),
        (Err(_), Err(_)) | (Ok(Err(_)), Err(_)) => return,
    };
    assert_eq!(envelope.as_ref().unwrap().hash(), *theirs.tx_hash());
    assert_eq!(fields.chain_id, theirs.chain_id());
    assert_eq!(fields.nonce, theirs.nonce());
    assert_eq!(fields.gas_limit, theirs.gas_limit());
    assert_eq!(fields.to, theirs.to());
    assert_eq!(fields.value, theirs.value());
    assert_eq!(fields.input, theirs.input().as_ref());
    match fields.fees {
        Fees::GasPrice(price) => assert_eq!(Some(price), theirs.gas_price()),
        Fees::Dynamic { max_priority_fee, max_fee } => {
            assert_eq!(max_fee, theirs.max_fee_per_gas());
            assert_eq!(Some(max_priority_fee), theirs.max_priority_fee_per_gas());
        }
    }
    let slots = fields
        .access_list
        .as_ref()
        .map(|list| list.iter().map(|entry| (entry.address, entry.storage_keys.clone())).collect::<Vec<_>>());
    let their_slots = theirs
        .access_list()
        .map(|list| list.iter().map(|entry| (entry.address, entry.storage_keys.clone())).collect::<Vec<_>>());
    assert_eq!(slots, their_slots);
    let hashes: Option<&[B256]> = fields.blobs.as_ref().map(|blobs| &*blobs.versioned_hashes);
    assert_eq!(hashes, theirs.blob_versioned_hashes());
    let count = fields.authorizations.as_ref().map(Vec::len);
    assert_eq!(count.map(|count| count as u64), theirs.authorization_count());
    assert_eq!(fields.signature.y_parity(), Some(theirs.signature().v()));
    assert_eq!(fields.signature.r, theirs.signature().r());
    assert_eq!(fields.signature.s, theirs.signature().s());
}

/// The samples, and where it is here a block of each fork of a real chain.
fn blocks() -> Vec<Vec<u8>> {
    let real = data::blocks("execution-apis-2025-02/chain.rlp").into_iter().step_by(3);
    samples::blocks().iter().map(|(_, block)| block.encode()).chain(real).collect()
}

fn headers() -> Vec<Vec<u8>> {
    let real = data::blocks("execution-apis-2025-02/chain.rlp").into_iter().step_by(5);
    let real = real.map(|block| List::decode(&block).unwrap().item("header").unwrap().raw().to_vec());
    samples::headers().iter().map(|(_, header)| header.raw().to_vec()).chain(real).collect()
}

/// Headers in alloy's own words, optional fields a prefix.
fn alloy_header() -> impl Strategy<Value = alloy_consensus::Header> {
    let hash = || any::<[u8; 32]>().prop_map(B256::from);
    let hashes = (hash(), hash(), hash(), hash(), hash());
    let numbers = prop::array::uniform8(prop_oneof![Just(0), any::<u64>(), 0..300_u64]);
    let extra = prop::collection::vec(any::<u8>(), 0..70);
    let rest = (any::<[u8; 32]>(), any::<[u8; 20]>(), any::<[u8; 8]>(), 0..=8_usize);
    (hashes, numbers, extra, rest).prop_map(|(hashes, numbers, extra, rest)| {
        let (parent_hash, ommers_hash, state_root, transactions_root, mix_hash) = hashes;
        let (difficulty, beneficiary, nonce, optional) = rest;
        alloy_consensus::Header {
            parent_hash,
            ommers_hash,
            beneficiary: beneficiary.into(),
            state_root,
            transactions_root,
            difficulty: alloy_primitives::U256::from_be_bytes(difficulty),
            number: numbers[0],
            gas_limit: numbers[1],
            gas_used: numbers[2],
            timestamp: numbers[3],
            extra_data: extra.into(),
            mix_hash,
            nonce: nonce.into(),
            base_fee_per_gas: (optional > 0).then_some(numbers[4]),
            withdrawals_root: (optional > 1).then_some(state_root),
            blob_gas_used: (optional > 2).then_some(numbers[5]),
            excess_blob_gas: (optional > 3).then_some(numbers[6]),
            parent_beacon_block_root: (optional > 4).then_some(mix_hash),
            requests_hash: (optional > 5).then_some(ommers_hash),
            block_access_list_hash: (optional > 6).then_some(parent_hash),
            slot_number: (optional > 7).then_some(numbers[7]),
            ..alloy_consensus::Header::default()
        }
    })
}

proptest! {
    #[test]
    fn headers_that_alloy_encodes(header in alloy_header()) {
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        prop_assert!(Header::decode(&bytes).is_ok());
        compare_headers(&bytes);
    }

    #[test]
    fn headers_nearly_right(
        header in prop::sample::select(headers()),
        changes in changes(),
    ) {
        compare_headers(&apply(header, &changes));
    }

    #[test]
    fn blocks_nearly_right(block in prop::sample::select(blocks()), changes in changes()) {
        compare_blocks(&apply(block, &changes));
    }

    #[test]
    fn transactions_nearly_right(
        transaction in prop::sample::select(samples::transactions()),
        changes in changes(),
    ) {
        // The changes are for RLP: behind a typed transaction's first byte.
        let raw = transaction.raw();
        let (tx_type, payload) = raw.split_at(usize::from(raw[0] < 0xc0));
        let payload = apply(payload.to_vec(), &changes);
        compare_transactions(&[tx_type, payload.as_slice()].concat());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        compare_headers(&bytes);
        compare_blocks(&bytes);
        compare_transactions(&bytes);
        let _ = Body::decode(&bytes);
        let canonical = Item::decode(&bytes).and_then(|item| item.check_canonical());
        let mut rest = bytes.as_slice();
        let theirs = walk(&mut rest, 0);
        prop_assert_eq!(canonical.is_ok(), theirs.is_ok() && rest.is_empty());
    }
}

#[test]
fn real_transactions() {
    for name in data::CHAINS {
        for block in data::blocks(name) {
            for transaction in Block::decode(&block).unwrap().body.transactions() {
                compare_transactions(transaction.raw());
            }
        }
    }
}

#[test]
fn samples_are_what_alloy_says() {
    for (_, header) in samples::headers() {
        compare_headers(header.raw());
    }
    for (_, block) in samples::blocks() {
        compare_blocks(&block.encode());
    }
    let parsed = samples::transactions().iter().filter(|tx| tx.parse().is_ok()).count();
    assert_eq!(parsed, 5);
    for transaction in samples::transactions() {
        compare_transactions(transaction.raw());
    }
    let unknown = samples::transactions().pop().unwrap();
    let kind = unknown.parse().unwrap_err().kind();
    assert_eq!(kind, DecodeErrorKind::UnknownTransactionType(0x7e));
}
