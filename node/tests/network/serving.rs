//! What a node answers, as eth/68 does.

use alloy_primitives::B256;
use bytes::Bytes;
use herald_node::network::{ChainReader, serve_bodies, serve_headers};
use herald_proto::message::Reply;
use herald_proto::{Block, HashOrNumber, HeadersRequest, Limits, Message, MessageCode};

use crate::support::chain::{MemoryChain, chain, child, extend};

/// A canonical chain and one branch beside it.
struct Branched {
    canonical: std::sync::Arc<MemoryChain>,
    side: std::sync::Arc<MemoryChain>,
}

impl ChainReader for Branched {
    fn canonical_hash(&self, number: u64) -> Option<B256> {
        self.canonical.canonical_hash(number)
    }

    fn number(&self, hash: &B256) -> Option<u64> {
        ChainReader::number(&*self.canonical, hash).or_else(|| self.side.number(hash))
    }

    fn raw_header(&self, hash: &B256) -> Option<Bytes> {
        self.canonical.raw_header(hash).or_else(|| self.side.raw_header(hash))
    }

    fn raw_body(&self, hash: &B256) -> Option<Bytes> {
        self.canonical.raw_body(hash)
    }
}

fn ask(chain: &impl ChainReader, request: HeadersRequest) -> Vec<u64> {
    ask_within(chain, request, &Limits::default())
}

fn ask_within(chain: &impl ChainReader, request: HeadersRequest, limits: &Limits) -> Vec<u64> {
    let mut reply = Reply::headers(1, limits);
    serve_headers(chain, &request, &mut reply);
    let code = MessageCode::BlockHeaders.to_byte();
    match Message::decode(code, &reply.finish(), &Limits::default()) {
        Ok(Message::BlockHeaders { headers, .. }) => {
            headers.iter().map(|header| header.fields().number).collect()
        }
        other => panic!("{other:?}"),
    }
}

const fn request(start: HashOrNumber, limit: u64, skip: u64, reverse: bool) -> HeadersRequest {
    HeadersRequest { start, limit, skip, reverse }
}

fn number(number: u64) -> HashOrNumber {
    HashOrNumber::Number(number)
}

fn hash(blocks: &[Block], at: usize) -> HashOrNumber {
    HashOrNumber::Hash(blocks[at].hash())
}

#[test]
fn walks_by_number_and_by_hash_in_both_directions() {
    let blocks = chain(20, 0);
    let chain = MemoryChain::new(blocks.clone());
    for start in [number(10), hash(&blocks, 10)] {
        assert_eq!(ask(&*chain, request(start, 1, 0, false)), [10]);
        assert_eq!(ask(&*chain, request(start, 3, 0, false)), [10, 11, 12]);
        assert_eq!(ask(&*chain, request(start, 3, 0, true)), [10, 9, 8]);
        assert_eq!(ask(&*chain, request(start, 3, 3, false)), [10, 14, 18]);
        assert_eq!(ask(&*chain, request(start, 3, 3, true)), [10, 6, 2]);
        assert_eq!(ask(&*chain, request(start, 0, 0, false)), [0_u64; 0]);
    }
}

#[test]
fn the_ends_of_the_chain_end_the_walk() {
    let blocks = chain(20, 0);
    let chain = MemoryChain::new(blocks.clone());
    for (near_head, near_genesis) in [(number(18), number(2)), (hash(&blocks, 18), hash(&blocks, 2))] {
        assert_eq!(ask(&*chain, request(near_head, 9, 0, false)), [18, 19, 20]);
        assert_eq!(ask(&*chain, request(near_head, 9, 2, false)), [18]);
        assert_eq!(ask(&*chain, request(near_genesis, 9, 0, true)), [2, 1, 0]);
        assert_eq!(ask(&*chain, request(near_genesis, 9, 1, true)), [2, 0]);
        assert_eq!(ask(&*chain, request(near_genesis, 9, 2, true)), [2]);
    }
}

#[test]
fn an_unknown_start_gives_nothing() {
    let chain = MemoryChain::new(chain(20, 0));
    assert_eq!(ask(&*chain, request(number(21), 9, 0, true)), [0_u64; 0]);
    assert_eq!(ask(&*chain, request(number(u64::MAX), 9, 0, false)), [0_u64; 0]);
    let unknown = HashOrNumber::Hash(B256::repeat_byte(9));
    assert_eq!(ask(&*chain, request(unknown, 9, 0, false)), [0_u64; 0]);
}

#[test]
fn steps_that_overflow_give_what_came_before() {
    let blocks = chain(20, 0);
    let chain = MemoryChain::new(blocks.clone());
    for start in [number(5), hash(&blocks, 5)] {
        for skip in [u64::MAX, u64::MAX - 1, u64::MAX - 5] {
            assert_eq!(ask(&*chain, request(start, 9, skip, false)), [5]);
            assert_eq!(ask(&*chain, request(start, 9, skip, true)), [5]);
        }
        assert_eq!(ask(&*chain, request(start, u64::MAX, 0, false)).len(), 16);
    }
}

#[test]
fn a_block_beside_the_chain_leads_back_and_not_forth() {
    let trunk = chain(10, 0);
    let canonical = extend(trunk.clone(), 10, 1, child);
    let side = extend(trunk, 5, 2, child);
    let start = hash(&side, 15);
    let chain = Branched { canonical: MemoryChain::new(canonical), side: MemoryChain::new(side) };
    assert_eq!(ask(&chain, request(start, 9, 0, false)), [15]);
    assert_eq!(ask(&chain, request(start, 8, 0, true)), [15, 14, 13, 12, 11, 10, 9, 8]);
    assert_eq!(ask(&chain, request(start, 4, 3, true)), [15, 11, 7, 3]);
}

#[test]
fn skipping_beside_the_chain_is_bounded() {
    let trunk = chain(1, 0);
    let canonical = MemoryChain::new(extend(trunk.clone(), 1, 1, child));
    let side = extend(trunk, 300, 2, child);
    let start = hash(&side, 301);
    let chain = Branched { canonical, side: MemoryChain::new(side) };
    // Each stride of 30 costs 30 steps, and there are 100.
    assert_eq!(ask(&chain, request(start, 9, 29, true)), [301, 271, 241, 211]);
    assert_eq!(ask(&chain, request(start, 300, 0, true)).len(), 300, "without skipping, none");
}

#[test]
fn replies_stop_at_the_count_and_at_the_item_that_passes_the_bytes() {
    let blocks = chain(1100, 0);
    let chain = MemoryChain::new(blocks.clone());
    assert_eq!(ask(&*chain, request(number(0), 2000, 0, false)).len(), 1024);
    let bytes = blocks[1].header.raw().len();
    let mut limits = Limits::default();
    limits.reply_bytes = 3 * bytes + 1;
    assert_eq!(ask_within(&*chain, request(number(1), 9, 0, false), &limits), [1, 2, 3, 4]);
}

#[test]
fn bodies_come_in_order_and_the_unknown_are_left_out() {
    let blocks = extend(chain(0, 0), 3, 1, crate::support::chain::full_child);
    let chain = MemoryChain::new(blocks.clone());
    let hashes = [blocks[3].hash(), B256::repeat_byte(9), blocks[1].hash()];
    let mut reply = Reply::bodies(7, &Limits::default());
    serve_bodies(&*chain, &hashes, &mut reply);
    let code = MessageCode::BlockBodies.to_byte();
    let Ok(Message::BlockBodies { request_id: 7, bodies }) =
        Message::decode(code, &reply.finish(), &Limits::default())
    else {
        panic!("bodies to request 7")
    };
    assert_eq!(bodies, [blocks[3].body.clone(), blocks[1].body.clone()]);
}
