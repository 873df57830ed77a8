//! Every block of real chains decodes, hashes, proves its body, and encodes to the same bytes.

use herald_proto::{Block, BlockExt as _, Body, Header, HeaderFields};

use crate::data;

fn check(bytes: &[u8]) -> Block {
    let block = Block::decode(bytes).unwrap();
    assert!(block.body_matches(), "block {}", block.number());
    assert_eq!(block.encode(), bytes);
    assert_eq!(block.encoded_len(), bytes.len());

    // The same from the fields, without the bytes that arrived.
    let fields = HeaderFields::clone(&block.header);
    let header = Header::new(fields).unwrap();
    assert_eq!(header.raw(), block.header.raw());
    assert_eq!(header.hash(), block.hash());
    let body = Body::new(
        block.body.transactions().collect(),
        block.body.uncles().to_vec(),
        block.body.withdrawals().map(<[_]>::to_vec),
    );
    assert_eq!(body.encode(), block.body.encode());
    assert_eq!(body.commitment(), block.body.commitment());
    assert_eq!(Body::decode(&body.encode()).unwrap(), block.body);

    // RPC reads every transaction.
    for transaction in block.body.transactions() {
        let fields = transaction.parse().unwrap();
        assert!(fields.signature.y_parity().is_some());
    }
    block
}

fn check_links(blocks: &[Block]) {
    for pair in blocks.windows(2) {
        assert_eq!(pair[1].header.parent_hash, pair[0].hash());
        assert_eq!(pair[1].number(), pair[0].number() + 1);
    }
}

#[test]
fn chains() {
    for name in data::CHAINS {
        let blocks: Vec<Block> = data::blocks(name).iter().map(|bytes| check(bytes)).collect();
        check_links(&blocks);
    }
}

#[test]
fn single_blocks() {
    for name in data::SINGLE_BLOCKS {
        for bytes in data::blocks(name) {
            check(&bytes);
        }
    }
}

#[test]
fn execution_apis_chain_has_every_shape() {
    let blocks = data::blocks("execution-apis-2025-02/chain.rlp");
    if blocks.is_empty() {
        return;
    }
    let blocks: Vec<Block> = blocks.iter().map(|bytes| Block::decode(bytes).unwrap()).collect();
    assert_eq!(blocks.len(), 45);
    let genesis = data::read("execution-apis-2025-02/genesis_block.rlp").unwrap();
    let genesis = Block::decode(&genesis).unwrap();
    assert_eq!(blocks[0].header.parent_hash, genesis.hash());
    let uncles: usize = blocks.iter().map(|block| block.body.uncles().len()).sum();
    assert_eq!(uncles, 19);
    for tx_type in 0..=4 {
        let of_type = |block: &Block| block.body.transactions().any(|tx| tx.tx_type() == tx_type);
        assert!(blocks.iter().any(of_type), "type {tx_type}");
    }
    let forks = [
        blocks.iter().any(|block| block.header.base_fee.is_none()),
        blocks.iter().any(|block| block.header.withdrawals_root.is_some()),
        blocks.iter().any(|block| block.header.blob_gas_used.is_some()),
        blocks.iter().any(|block| block.header.requests_hash.is_some()),
    ];
    assert_eq!(forks, [true; 4]);
}

#[test]
fn era1_archive() {
    let blocks: Vec<Block> = data::era1()
        .into_iter()
        .map(|(header, body)| {
            let block = Block::new(Header::decode(&header).unwrap(), Body::decode(&body).unwrap());
            assert_eq!(block.header.raw(), header);
            assert_eq!(block.body.encode(), body);
            check(&block.encode())
        })
        .collect();
    check_links(&blocks);
    if let Some(genesis) = blocks.first() {
        assert_eq!(blocks.len(), 8192);
        let mainnet = "0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";
        assert_eq!(genesis.hash().to_string(), mainnet);
    }
}
