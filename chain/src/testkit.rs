//! Chains and data for tests, here and in the node. Not for hosts.
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use herald_proto::{Block, Body, Header, HeaderFields, Transaction};

use crate::chain::{Chain, ChainOptions};
use crate::clock::Clock;
use crate::engine::EngineChoice;
use crate::engine::clique::{CliqueConfig, DevGenesis};
use crate::genesis::Genesis;
use crate::key::AccountKey;

/// When the clocks of tests start: some day in 2020.
pub const START: u64 = 1_600_000_000;

/// A file or directory of `shared/data`, or `None` and a word about it when the data are not here.
pub fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    let found = path.exists().then_some(path);
    if found.is_none() {
        eprintln!("skipped: ../shared/data/{name} is not here");
    }
    found
}

pub fn clock() -> Clock {
    Clock::manual(Duration::from_secs(START))
}

/// The keys of `count` signers, in the ascending order of their addresses.
pub fn signers(count: u8) -> Vec<AccountKey> {
    let mut keys: Vec<AccountKey> =
        (1..=count).map(|n| AccountKey::from_bytes(B256::repeat_byte(n)).unwrap()).collect();
    keys.sort_by_key(AccountKey::address);
    keys
}

pub fn clique_genesis(signers: &[AccountKey], clique: CliqueConfig) -> Genesis {
    Genesis::from_json(&clique_json(signers, clique)).unwrap()
}

/// The file of that genesis.
pub fn clique_json(signers: &[AccountKey], clique: CliqueConfig) -> String {
    let genesis = DevGenesis {
        clique,
        signers: signers.iter().map(AccountKey::address).collect(),
        funded: vec![(Address::repeat_byte(0xaa), U256::from(1))],
        ..DevGenesis::default()
    };
    genesis.to_json()
}

/// A chain without seals, at London or, with `forks`, with more of geth's config.
pub fn trusted_genesis(forks: &str) -> Genesis {
    let json = format!(
        r#"{{"config": {{"chainId": 1, "londonBlock": 0{forks}}}, "difficulty": "0x10",
            "gasLimit": "0x1c9c380", "alloc": {{}}}}"#
    );
    Genesis::from_json(&json).unwrap()
}

pub fn open(datadir: &Path, genesis: &Genesis, clock: &Clock) -> Chain {
    let options = ChainOptions { clock: clock.clone(), ..ChainOptions::default() };
    Chain::open(datadir, genesis.clone(), EngineChoice::Auto, options).unwrap()
}

/// A child of `parent` that breaks no rule of a chain without seals, changed by `change`.
pub fn child(parent: &Header, change: impl FnOnce(&mut HeaderFields)) -> Block {
    child_with(parent, &Body::new(Vec::new(), Vec::new(), None), change)
}

pub fn child_with(parent: &Header, body: &Body, change: impl FnOnce(&mut HeaderFields)) -> Block {
    let commitment = body.commitment();
    // An unused block at half its limit's target: the base fee falls by an eighth.
    let base_fee = parent.base_fee.map(|fee| {
        let change = u128::from(fee) * u128::from(parent.gas_limit / 2 - parent.gas_used)
            / u128::from(parent.gas_limit / 2)
            / 8;
        fee - u64::try_from(change).unwrap()
    });
    let mut fields = HeaderFields {
        parent_hash: parent.hash(),
        uncles_hash: commitment.uncles_hash,
        transactions_root: commitment.transactions_root,
        withdrawals_root: commitment.withdrawals_root,
        difficulty: U256::from(16),
        number: parent.number + 1,
        gas_limit: parent.gas_limit,
        timestamp: parent.timestamp + 10,
        base_fee,
        ..HeaderFields::default()
    };
    change(&mut fields);
    Block::new(Header::new(fields).unwrap(), body.clone())
}

/// `count` children, each of the one before.
pub fn line(parent: &Header, count: usize, mark: u8) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for _ in 0..count {
        let parent = blocks.last().map_or(parent, |block| &block.header).clone();
        blocks.push(child(&parent, |fields| fields.extra_data = vec![mark].into()));
    }
    blocks
}

/// A legacy transaction. Nobody recovers its sender here.
pub fn transaction(nonce: u64) -> Transaction {
    let mut list = herald_proto::rlp::ListEncoder::new();
    list.u64(nonce).u64(1).u64(21_000).bytes(&[0x11; 20]).u64(5).bytes(&[]);
    list.u64(27).u64(7).u64(9);
    Transaction::from_bare(&list.finish()).unwrap()
}
