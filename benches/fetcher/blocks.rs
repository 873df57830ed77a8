//! Blocks as geth's own measurement used them: London headers of 547 bytes, legacy transactions of
//! 150 bytes with random contents.

use alloy_primitives::{Address, B64, B256, Bytes, U256};
use herald_proto::{Block, Body, BodyCommitment, EthTypes, Header, HeaderFields, Transaction};
use rand_xoshiro::Xoshiro128PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Bytes of each transaction, in its encoding.
const TRANSACTION_BYTES: usize = 150;

/// A peer's name as long as libp2p's.
pub(crate) type PeerId = [u8; 38];
pub(crate) type Eth = EthTypes<PeerId>;

pub(crate) fn peer(n: usize) -> PeerId {
    let mut id = [7; 38];
    id[20..28].copy_from_slice(&(n as u64).to_be_bytes());
    id
}

pub(crate) struct Maker(Xoshiro128PlusPlus);

impl Maker {
    pub(crate) fn new() -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(7))
    }

    pub(crate) fn hash(&mut self) -> B256 {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        B256::from(bytes)
    }

    pub(crate) fn header(&mut self, number: u64, parent: B256, body: BodyCommitment) -> Header {
        let fields = HeaderFields {
            parent_hash: parent,
            uncles_hash: body.uncles_hash,
            beneficiary: Address::from_slice(&self.hash()[..20]),
            state_root: self.hash(),
            transactions_root: body.transactions_root,
            receipts_root: self.hash(),
            difficulty: U256::from(2),
            number,
            gas_limit: 30_000_000,
            gas_used: 15_000_000,
            timestamp: 1_700_000_000 + number,
            extra_data: Bytes::copy_from_slice(self.hash().as_slice()),
            mix_hash: self.hash(),
            nonce: B64::from_slice(&self.hash()[..8]),
            base_fee: Some(1_000_000_000),
            ..HeaderFields::default()
        };
        Header::new(fields).expect("the fields are a London header's")
    }

    /// A body of so many transactions.
    pub(crate) fn body(&mut self, transactions: usize) -> Body {
        let transactions = (0..transactions).map(|_| self.transaction()).collect();
        Body::new(transactions, Vec::new(), None)
    }

    fn transaction(&mut self) -> Transaction {
        let mut item = rlp::RlpStream::new_list(9);
        item.append(&7_u64).append(&20_000_000_000_u64).append(&100_000_u64);
        item.append(&self.hash()[..20].to_vec()).append(&1_000_000_u64);
        let call = [self.hash(), self.hash()].concat();
        item.append(&call[..44].to_vec()).append(&37_u64);
        item.append(&self.word()).append(&self.word());
        let encoded = item.out();
        assert_eq!(encoded.len(), TRANSACTION_BYTES);
        Transaction::from_bare(&encoded).expect("a legacy transaction")
    }

    /// 32 bytes without a leading zero, as an integer has none.
    fn word(&mut self) -> Vec<u8> {
        let mut word = self.hash().to_vec();
        word[0] |= 1;
        word
    }

    /// A chain of blocks on genesis, each with so many transactions; 64 different bodies in turn.
    pub(crate) fn chain(&mut self, genesis: B256, blocks: u64, transactions: usize) -> Vec<Block> {
        let bodies: Vec<Body> = (0..64).map(|_| self.body(transactions)).collect();
        let mut parent = genesis;
        (1..=blocks)
            .map(|number| {
                let body = bodies[(number % 64) as usize].clone();
                let header = self.header(number, parent, body.commitment());
                parent = header.hash();
                Block::new(header, body)
            })
            .collect()
    }
}
