//! What headers, bodies and blocks promise beside their bytes.

use alloy_consensus::{EthereumTxEnvelope, TxEip4844, proofs};
use alloy_primitives::{B256, Bytes};
use herald_fetcher::Types as _;
use herald_proto::DecodeErrorKind as Kind;
use herald_proto::rlp::ListEncoder;
use herald_proto::roots::{EMPTY_ROOT, EMPTY_UNCLES_HASH};
use herald_proto::{
    Block, BlockExt as _, Body, BodyCommitment, EthTypes, Header, HeaderFields, HeaderFieldsError,
    Transaction,
};

use crate::{data, samples};

type Types = EthTypes<u64>;

fn header_of(commitment: BodyCommitment) -> Header {
    Header::new(HeaderFields {
        transactions_root: commitment.transactions_root,
        uncles_hash: commitment.uncles_hash,
        withdrawals_root: commitment.withdrawals_root,
        base_fee: commitment.withdrawals_root.map(|_| 7),
        ..HeaderFields::default()
    })
    .unwrap()
}

#[test]
fn further_fields_are_kept_and_encoded_again() {
    let (_, header) = samples::headers().pop().unwrap();
    let again = Header::decode(header.raw()).unwrap();
    assert_eq!(again.further_fields.len(), 1 + 33 + 3);
    assert_eq!(again.fields(), header.fields());
    assert_eq!(again.raw(), header.raw());
    // And they are canonical, inside too.
    let mut fields = header.fields().clone();
    fields.further_fields = vec![0xc2, 0x81, 0x01].into();
    let error = Header::new(fields).unwrap_err();
    assert!(matches!(error, HeaderFieldsError::FurtherFields(_)));
}

#[test]
fn optional_fields_are_a_prefix() {
    let fields = HeaderFields { withdrawals_root: Some(B256::ZERO), ..HeaderFields::default() };
    let gap = HeaderFieldsError::Gap { missing: "base_fee", present: "withdrawals_root" };
    assert_eq!(Header::new(fields), Err(gap));
    let fields = HeaderFields { further_fields: vec![0x01].into(), ..HeaderFields::default() };
    let gap = HeaderFieldsError::Gap { missing: "base_fee", present: "further_fields" };
    assert_eq!(Header::new(fields), Err(gap));
}

#[test]
fn empty_bodies_are_known_by_their_commitment() {
    for (commitment, withdrawals) in
        [(BodyCommitment::EMPTY, None), (BodyCommitment::EMPTY_WITH_WITHDRAWALS, Some(vec![]))]
    {
        let body = Types::empty_body(&header_of(commitment)).unwrap();
        assert_eq!(body, Body::new(vec![], vec![], withdrawals.clone()));
        assert_eq!(body.withdrawals().map(<[_]>::to_vec), withdrawals);
        assert_eq!(body.commitment(), commitment);
        assert!(body.is_empty());
    }
    assert_eq!(BodyCommitment::EMPTY.transactions_root, EMPTY_ROOT);
    assert_eq!(BodyCommitment::EMPTY.uncles_hash, EMPTY_UNCLES_HASH);
    for wrong in [
        BodyCommitment { transactions_root: B256::ZERO, ..BodyCommitment::EMPTY },
        BodyCommitment { uncles_hash: B256::ZERO, ..BodyCommitment::EMPTY },
        BodyCommitment { withdrawals_root: Some(B256::ZERO), ..BodyCommitment::EMPTY },
    ] {
        assert_eq!(Types::empty_body(&header_of(wrong)), None);
    }
}

#[test]
fn a_body_of_another_block_does_not_match() {
    let body = samples::bodies().pop().unwrap().1;
    let block = Block::new(header_of(body.commitment()), body.clone());
    assert!(block.body_matches());
    let other = Block::new(header_of(BodyCommitment::EMPTY_WITH_WITHDRAWALS), body);
    assert!(!other.body_matches());
    assert!(!Block::decode(&other.encode()).unwrap().body_matches());
}

#[test]
fn transactions_are_reached_by_index_and_stand_alone_when_asked() {
    let body = samples::bodies().pop().unwrap().1;
    let transactions: Vec<Transaction> = body.transactions().collect();
    assert_eq!(transactions, samples::transactions());
    assert_eq!(transactions.iter().map(Transaction::tx_type).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 0x7e]);
    assert_eq!(body.transaction(3), Some(transactions[3].clone()));
    assert_eq!(body.transaction(6), None);
    assert_eq!(transactions[3].detach(), transactions[3]);
    let within = |bytes: &[u8]| body.raw_lists().as_ptr_range().contains(&bytes.as_ptr());
    assert!(within(transactions[3].raw()));
    assert!(!within(transactions[3].detach().raw()));
}

#[test]
fn transactions_that_are_none() {
    let kind = |bytes: &[u8]| Transaction::from_bare(bytes).unwrap_err().kind();
    assert_eq!(kind(&[]), Kind::EmptyTransaction);
    assert_eq!(kind(&[0x02]), Kind::EmptyTransaction);
    assert_eq!(kind(&[0x80, 0x01]), Kind::BadTransactionType(0x80));
    assert_eq!(kind(&[0xc0]), Kind::Missing);
    assert_eq!(
        kind(&[0xca, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x01]),
        Kind::NonCanonicalByte
    );
    let nine = [0xc9, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80];
    let legacy = Transaction::from_bare(&nine).unwrap();
    let error = legacy.parse().unwrap_err();
    assert_eq!((error.kind(), error.field()), (Kind::BadSignatureV, "v"));
    // A typed transaction in a list is a byte string; unwrapped it would be a list of its own.
    let mut body = ListEncoder::new();
    body.list(|transactions| {
        transactions.raw(&[0x01]);
    });
    body.list(|_| ());
    let error = Body::decode(&body.finish()).unwrap_err();
    assert_eq!((error.kind(), error.path().as_str()), (Kind::EmptyTransaction, "transactions[0]"));
}

#[test]
fn retained_bytes_cover_what_is_kept_and_little_more() {
    for (name, block) in samples::blocks() {
        let encoded = block.encode();
        // The buffer that it arrived in is far larger, and is not kept.
        let mut buffer = encoded.clone();
        buffer.resize(1 << 20, 0);
        let again = Block::decode(&buffer[..encoded.len()]).unwrap();
        let retained = again.retained_bytes();
        assert!(retained > encoded.len(), "{name}");
        assert!(retained < 4 * encoded.len() + 2048, "{name}: {retained} for {}", encoded.len());
        let range = buffer.as_ptr_range();
        for bytes in [again.header.raw(), &again.header.extra_data, again.body.raw_lists()] {
            assert!(!range.contains(&bytes.as_ptr()));
        }
    }
}

#[test]
fn a_header_made_from_a_slice_does_not_pin_its_buffer() {
    let buffer = Bytes::from(vec![7; 1 << 20]);
    let fields = HeaderFields { extra_data: buffer.slice(..32), ..HeaderFields::default() };
    let header = Header::new(fields).unwrap();
    assert!(!buffer.as_ptr_range().contains(&header.extra_data.as_ptr()));
    assert!(header.retained_bytes() < 4096);
}

#[test]
fn blocks_are_the_fetchers() {
    let block: herald_fetcher::BlockOf<Types> = samples::blocks().pop().unwrap().1;
    assert_eq!(herald_fetcher::Header::hash(&block.header), block.hash());
    assert_eq!(herald_fetcher::Header::number(&block.header), block.header.number);
    assert_eq!(herald_fetcher::Header::parent_hash(&block.header), block.header.parent_hash);
    assert_eq!(herald_fetcher::Body::commitment(&block.body), block.body.commitment());
    assert_eq!(block.parent_hash(), block.header.parent_hash);
    assert_eq!(block.number(), block.header.number);
}

#[test]
fn serde_writes_hex_and_checks_what_it_reads() {
    let block = samples::blocks().pop().unwrap().1;
    let json = serde_json::to_string(&block).unwrap();
    let (header, body) = (Bytes::copy_from_slice(block.header.raw()), Bytes::from(block.body.encode()));
    assert_eq!(json, format!("{{\"header\":\"{header}\",\"body\":\"{body}\"}}"));
    assert_eq!(serde_json::from_str::<Block>(&json).unwrap(), block);
    let header = serde_json::to_string(&block.header).unwrap();
    assert_eq!(serde_json::from_str::<Header>(&header).unwrap(), block.header);
    let body = serde_json::to_string(&block.body).unwrap();
    assert_eq!(serde_json::from_str::<Body>(&body).unwrap(), block.body);
    let transaction = serde_json::to_string(&samples::transactions()[4]).unwrap();
    let again: Transaction = serde_json::from_str(&transaction).unwrap();
    assert_eq!(again, samples::transactions()[4]);
    let error = serde_json::from_str::<Header>("\"0xc0\"").unwrap_err();
    assert!(error.to_string().contains("parent_hash"), "{error}");
}

#[test]
fn blocks_of_real_chains_become_alloys_and_back() {
    type Alloy = alloy_consensus::Block<EthereumTxEnvelope<TxEip4844>>;
    for name in data::CHAINS {
        for bytes in data::blocks(name) {
            let block = Block::decode(&bytes).unwrap();
            let theirs: Alloy = block.to_alloy().unwrap();
            assert_eq!(theirs.header.hash_slow(), block.hash());
            let root = proofs::calculate_transaction_root(&theirs.body.transactions);
            assert_eq!(root, block.body.commitment().transactions_root);
            assert_eq!(Block::from_alloy(&theirs).unwrap().encode(), bytes);
        }
    }
    let unknown = samples::blocks().pop().unwrap().1;
    assert!(unknown.to_alloy::<EthereumTxEnvelope<TxEip4844>>().is_err());
}
