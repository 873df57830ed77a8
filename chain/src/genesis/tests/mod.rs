#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, clippy::print_stderr, reason = "tests")]

mod any;
mod dialects;
mod oracle;
mod real;
mod strict;

use alloy_primitives::{B256, U256, address, b256};

use super::*;
use crate::chainfile::read_genesis;
use crate::engine::clique::{CliqueConfig, DevGenesis};
use crate::testkit;

/// Goerli's genesis: 256 addresses with 1 wei, four funded ones, one signer. Its hash is known.
fn goerli() -> String {
    let mut alloc: Vec<String> = (0..256).map(|n| format!(r#""{n:040x}": {{"balance": "0x1"}}"#)).collect();
    for (address, balance) in [
        ("0x4c2ae482593505f0163cdefc073e81c63cda4107", "0x152d02c7e14af6800000"),
        ("a8e8f14732658e4b51e8711931053a8a69baf2b1", "100000000000000000000000"),
        ("0xD9A5179F091d85051d3C982785Efd1455CEc8699", "0x84595161401484a000000"),
        ("0xe0a2bd4258d2768837baa26a28fe71dc079f84c7", "0x4a47e3c12448f4ad000000"),
    ] {
        // The decimal one stands bare, beyond what 64 bits and floats hold.
        let balance = if balance.starts_with("0x") { format!("\"{balance}\"") } else { balance.into() };
        alloc.push(format!(r#""{address}": {{"balance": {balance}}}"#));
    }
    let extra = concat!(
        "0x22466c6578692069732061207468696e6722202d204166726900000000000000",
        "e0a2bd4258d2768837baa26a28fe71dc079f84c7",
    );
    format!(
        r#"{{
            "config": {{"chainId": 5, "homesteadBlock": 0, "byzantiumBlock": 0,
                "istanbulBlock": 1561651, "berlinBlock": 4460644, "londonBlock": 5062605,
                "shanghaiTime": 1678832736, "cancunTime": 1705473120,
                "terminalTotalDifficulty": 10790000, "clique": {{"period": 15, "epoch": 30000}}}},
            "timestamp": "0x5c51a607", "extraData": "{extra}{}", "gasLimit": "0xa00000",
            "difficulty": "0x1", "alloc": {{{}}}
        }}"#,
        "00".repeat(65),
        alloc.join(",")
    )
}

#[test]
fn goerli_has_its_hash() {
    let genesis = Genesis::from_json(&goerli()).unwrap();
    let expected = b256!("bf7e331f7f7c1dd2e05159666b3bf8bc7a8a3a9eb1d518969eab529dd9b88c1a");
    assert_eq!(genesis.hash(), expected);
    let config = genesis.config().unwrap();
    assert_eq!(config.chain_id, 5);
    let clique = CliqueConfig::read(genesis.section("clique").unwrap()).unwrap();
    assert_eq!(clique, CliqueConfig { period: 15, epoch: 30_000 });
    assert_eq!(config.terminal_total_difficulty(), Some(U256::from(10_790_000)));
    assert_eq!(config.block_forks(), [0, 1_561_651, 4_460_644, 5_062_605]);
    assert_eq!(config.time_forks(), [1_678_832_736, 1_705_473_120]);
}

#[test]
fn hive_chain_begins_with_its_genesis() {
    let Some(json) = testkit::data("execution-apis-2025-02/genesis.json") else { return };
    let chain = json.with_file_name("chain.rlp");
    let block_file = json.with_file_name("genesis_block.rlp");
    let from_json = read_genesis(&json, Strictness::Strict).unwrap();
    let from_rlp = read_genesis(&block_file, Strictness::Strict).unwrap();
    let file = std::fs::File::open(chain).unwrap();
    let first = crate::chainfile::Reader::new(file).unwrap().next().unwrap().unwrap();
    assert_eq!(from_json.hash(), first.block.header.parent_hash);
    assert_eq!(from_rlp.hash(), first.block.header.parent_hash);
    assert!(from_rlp.config().is_none());
    assert_eq!(from_json.config().unwrap().time_forks(), [390, 420, 450]);
}

fn with_forks(forks: &str) -> Genesis {
    let json = format!(
        r#"{{"config": {{"chainId": 1{forks}}}, "difficulty": "0", "gasLimit": "0", "alloc": {{}},
            "timestamp": "100"}}"#
    );
    Genesis::from_json(&json).unwrap()
}

#[test]
fn forks_that_are_active_at_genesis_add_their_fields() {
    let header = with_forks("").header().clone();
    assert_eq!((header.base_fee, header.gas_limit), (None, 4_712_388));
    let london = r#", "londonBlock": 0"#;
    let shanghai = format!(r#"{london}, "shanghaiTime": 100"#);
    let cancun = format!(r#"{shanghai}, "cancunTime": 100"#);
    let prague = format!(r#"{cancun}, "pragueTime": 100"#);
    assert_eq!(with_forks(london).header().base_fee, Some(1_000_000_000));
    assert_eq!(with_forks(london).header().withdrawals_root, None);
    let header = with_forks(&shanghai).header().clone();
    assert_eq!(header.withdrawals_root, Some(herald_proto::roots::EMPTY_ROOT));
    assert!(with_forks(&shanghai).block().body_matches());
    let header = with_forks(&cancun).header().clone();
    assert_eq!((header.blob_gas_used, header.excess_blob_gas), (Some(0), Some(0)));
    assert_eq!((header.parent_beacon_root, header.requests_hash), (Some(B256::ZERO), None));
    let nothing = b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(with_forks(&prague).header().requests_hash, Some(nothing));
    // A fork after genesis adds nothing to it.
    let later = format!(r#"{london}, "shanghaiTime": 101"#);
    assert_eq!(with_forks(&later).header().withdrawals_root, None);
}

#[test]
fn code_storage_and_nonce_count() {
    let root = |account: &str| {
        let json = format!(
            r#"{{"difficulty": "1", "gasLimit": "5000",
                "alloc": {{"{:040x}": {{{account}}}}}}}"#,
            7
        );
        Genesis::from_json(&json).unwrap().header().state_root
    };
    let plain = root(r#""balance": "1""#);
    assert_ne!(plain, root(r#""balance": "1", "nonce": "1""#));
    assert_ne!(plain, root(r#""balance": "1", "code": "0x00""#));
    let stored = root(r#""balance": "1", "storage": {"0x01": "0x02"}"#);
    assert_ne!(plain, stored);
    let (key, value) = (B256::with_last_byte(1), B256::with_last_byte(2));
    assert_eq!(stored, root(&format!(r#""balance": "1", "storage": {{"{key}": "{value}"}}"#)));
    // Zero is the same as nothing.
    assert_eq!(plain, root(r#""balance": "1", "storage": {"0x01": "0x00"}"#));
}

#[test]
fn errors_name_the_field_and_what_to_do() {
    let base = |rest: &str| format!(r#"{{"gasLimit": "5000", "alloc": {{}}{rest}}}"#);
    let one = format!("{:040x}", 1);
    for (json, expected) in [
        (base(""), "genesis field `difficulty`: is missing; add it"),
        (
            base(r#", "difficulty": "ten""#),
            "genesis field `difficulty`: `ten` is no number; write it in decimal, or in hex after 0x",
        ),
        (
            base(r#", "difficulty": "1", "timestamp": "0x10000000000000000""#),
            "genesis field `timestamp`: `0x10000000000000000` does not fit 64 bits",
        ),
        (
            base(r#", "difficulty": "1", "mixHash": "0x12""#),
            "genesis field `mixHash`: must have 32 bytes, not 1",
        ),
        (
            base(r#", "difficulty": "1", "extraData": "0x123""#),
            "genesis field `extraData`: `0x123` is not hexadecimal with whole bytes",
        ),
        (
            base(r#", "difficulty": "1", "config": {"shanghaiTime": 1}"#),
            "genesis field `config.shanghaiTime`: needs `londonBlock`, which is not set; set that as well",
        ),
        (base(r#", "difficulty": "1", "config": []"#), "genesis field `config`: must be an object, not []"),
        (
            format!(r#"{{"gasLimit": 1, "difficulty": 1, "alloc": {{"{one}": {{}}}}}}"#),
            "genesis field `alloc.0000000000000000000000000000000000000001.balance`: is missing; add it",
        ),
        (
            format!(
                r#"{{"gasLimit": 1, "difficulty": 1,
                    "alloc": {{"{one}": {{"balance": 1}}, "0x{one}": {{"balance": 1}}}}}}"#
            ),
            "genesis field `alloc.0x0000000000000000000000000000000000000001`: is there twice, the other time as `0000000000000000000000000000000000000001`; keep one",
        ),
        (
            base(r#", "difficulty": "1", "number": "0x1""#),
            "the genesis file begins with block 1; a genesis is block 0",
        ),
    ] {
        let error = Genesis::from_json(&json).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
    let error = Genesis::from_json("{ nonsense").unwrap_err();
    assert!(matches!(error, GenesisError::Json { .. }), "{error}");
}

#[test]
fn a_made_genesis_reads_back() {
    let (one, two) = (
        address!("00000000000000000000000000000000000000a1"),
        address!("00000000000000000000000000000000000000b2"),
    );
    let made = DevGenesis {
        chain_id: 42,
        signers: vec![two, one, two],
        funded: vec![(one, U256::MAX)],
        ..DevGenesis::default()
    };
    let genesis = Genesis::from_json(&made.to_json()).unwrap();
    let extra = &genesis.header().extra_data;
    assert_eq!(extra.len(), 32 + 2 * 20 + 65);
    assert_eq!(&extra[32..72], [one.as_slice(), two.as_slice()].concat());
    assert_eq!(genesis.header().base_fee, Some(1_000_000_000));
    assert_eq!(CliqueConfig::read(genesis.section("clique").unwrap()).unwrap(), made.clique);
    assert_eq!(genesis.config().unwrap().chain_id, 42);
    assert_eq!(Genesis::from_json(&made.to_json()).unwrap().hash(), genesis.hash());
}
