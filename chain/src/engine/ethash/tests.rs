#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::wildcard_enum_match_arm, reason = "tests")]

use alloy_primitives::{Address, B64, B256, Bytes};
use herald_proto::roots::EMPTY_UNCLES_HASH;
use herald_proto::{Body, HeaderFields};
use proptest::prelude::*;

use super::*;
use crate::chain::{BlockError, Chain, Rule, UncleFault};
use crate::store::StoreError;
use crate::testkit::{child_with, clock, open as open_chain};

struct NoAncestry;

impl Ancestry for NoAncestry {
    fn header(&self, _: &B256) -> Result<Option<Header>, StoreError> {
        Ok(None)
    }

    fn engine_state(&self, _: &B256) -> Result<Option<bytes::Bytes>, StoreError> {
        Ok(None)
    }
}

fn genesis(forks: &str) -> Genesis {
    let json = format!(
        r#"{{"config": {{"chainId": 1, "ethash": {{}}{forks}}}, "difficulty": "0x100000",
            "gasLimit": 5000000, "alloc": {{}}}}"#
    );
    Genesis::from_json(&json).unwrap()
}

fn config(forks: &str) -> ChainConfig {
    genesis(forks).config().unwrap().clone()
}

/// The difficulty of block `number`, `since` seconds after a parent of that difficulty.
fn difficulty(forks: &str, number: u64, parent: u64, since: u64, uncles: bool) -> U256 {
    let parent = HeaderFields {
        number: number - 1,
        difficulty: U256::from(parent),
        timestamp: 1000,
        uncles_hash: if uncles { B256::ZERO } else { EMPTY_UNCLES_HASH },
        ..HeaderFields::default()
    };
    next_difficulty(&config(forks), &parent, 1000 + since)
}

const BYZANTIUM: &str = r#", "byzantiumBlock": 0"#;

/// By the formulas of the EIPs, each worked out by hand.
#[test]
fn difficulty_follows_the_time_since_the_parent() {
    let parent = 2_048_000;
    for (forks, since, uncles, expected) in [
        // Frontier: a step up below 13 s, a step down from there on, however long.
        ("", 1, false, 2_049_000),
        ("", 12, false, 2_049_000),
        ("", 13, false, 2_047_000),
        ("", 10_000, false, 2_047_000),
        // EIP-2: 1 - since / 10, at least -99.
        (r#", "homesteadBlock": 0"#, 9, false, 2_049_000),
        (r#", "homesteadBlock": 0"#, 10, false, 2_048_000),
        (r#", "homesteadBlock": 0"#, 20, false, 2_047_000),
        (r#", "homesteadBlock": 0"#, 999, false, 1_950_000),
        (r#", "homesteadBlock": 0"#, 1009, false, 1_949_000),
        (r#", "homesteadBlock": 0"#, 1_000_000, false, 1_949_000),
        // EIP-100: 1, or 2 with uncles, less since / 9.
        (BYZANTIUM, 8, false, 2_049_000),
        (BYZANTIUM, 8, true, 2_050_000),
        (BYZANTIUM, 9, false, 2_048_000),
        (BYZANTIUM, 18, true, 2_048_000),
        (BYZANTIUM, 1_000_000, true, 1_949_000),
        // The latest fork that has come counts, whether those before it are named or not.
        (r#", "grayGlacierBlock": 0"#, 9, false, 2_048_000),
        (r#", "homesteadBlock": 0, "byzantiumBlock": 101"#, 10, false, 2_048_000),
    ] {
        let found = difficulty(forks, 100, parent, since, uncles);
        assert_eq!(found, U256::from(expected), "{forks} {since} {uncles}");
    }
    // The floor.
    assert_eq!(difficulty("", 100, 131_072, 13, false), U256::from(131_072));
    assert_eq!(difficulty(BYZANTIUM, 100, 131_100, 10_000, false), U256::from(131_072));
}

/// EIP-649, 1234, 2384, 3554, 4345 and 5133: each fork counts the bomb from a later block.
#[test]
fn each_fork_puts_the_bomb_off() {
    // Homestead's eleventh second neither raises nor lowers, Byzantium's tenth.
    let bomb = |forks: &str, number: u64| {
        let flat = if forks.contains("byzantium") { 9 } else { 10 };
        difficulty(forks, number, 2_048_000, flat, false) - U256::from(2_048_000)
    };
    let homestead = r#", "homesteadBlock": 0"#;
    for (number, expected) in
        [(199_999, 0), (200_000, 1), (299_999, 1), (300_000, 2), (400_000, 4), (4_000_000, 1_u64 << 38)]
    {
        assert_eq!(bomb(homestead, number), U256::from(expected), "{number}");
    }
    let delays = [
        ("byzantiumBlock", 3_000_000),
        ("constantinopleBlock", 5_000_000),
        ("muirGlacierBlock", 9_000_000),
        ("londonBlock", 9_700_000),
        ("arrowGlacierBlock", 10_700_000),
        ("grayGlacierBlock", 11_400_000),
    ];
    let mut forks = String::new();
    for (name, delay) in delays {
        forks.push_str(&format!(r#", "{name}": 1"#));
        for (number, expected) in [
            (delay - 1, 0),
            (delay + 199_999, 0),
            (delay + 200_000, 1),
            (delay + 300_000, 2),
            (delay + 2_000_000, 1_u64 << 18),
        ] {
            assert_eq!(bomb(&forks, number), U256::from(expected), "{name} {number}");
        }
    }
    // No number makes it overflow.
    assert_eq!(difficulty("", u64::MAX, 2_048_000, 13, false), U256::MAX);
}

#[test]
fn mainnets_first_blocks_are_a_step_easier_each() {
    let mainnet = r#", "homesteadBlock": 1150000, "byzantiumBlock": 4370000"#;
    // Genesis is at time 0, block 1 in July 2015, block 2 15 s after that.
    for (number, parent, since, expected) in
        [(1, 17_179_869_184, 1_438_269_988, 17_171_480_576_u64), (2, 17_171_480_576, 15, 17_163_096_064)]
    {
        assert_eq!(difficulty(mainnet, number, parent, since, false), U256::from(expected));
    }
}

fn verify(engine: &Ethash, header: HeaderFields, parent: &Head) -> Option<(&'static str, String)> {
    let header = Header::new(header).unwrap();
    match engine.verify_header(&header, parent, &NoAncestry) {
        Ok(()) => None,
        Err(VerifyError::Fault(fault)) => Some((fault.label(), fault.to_string())),
        Err(VerifyError::Store(error)) => panic!("{error}"),
    }
}

fn dao_blocks(forks: &str, number: u64, extra: &'static [u8]) -> Option<&'static str> {
    let engine = Ethash::new(config(forks));
    let fields =
        HeaderFields { number: number - 1, difficulty: U256::from(2_048_000), ..HeaderFields::default() };
    let parent = Head { header: Header::new(fields).unwrap(), total_difficulty: U256::from(1) };
    let mut header = HeaderFields {
        number,
        timestamp: 5,
        extra_data: Bytes::from_static(extra),
        ..HeaderFields::default()
    };
    header.difficulty = next_difficulty(&engine.config, &parent.header, header.timestamp);
    verify(&engine, header, &parent).map(|(label, _)| label)
}

#[test]
fn ten_blocks_tell_the_sides_of_the_dao_fork_apart() {
    let supported = r#", "homesteadBlock": 0, "daoForkBlock": 20, "daoForkSupport": true"#;
    let opposed = r#", "homesteadBlock": 0, "daoForkBlock": 20, "daoForkSupport": false"#;
    let unsaid = r#", "homesteadBlock": 0, "daoForkBlock": 20"#;
    for number in [20, 21, 29] {
        assert_eq!(dao_blocks(supported, number, b"dao-hard-fork"), None, "{number}");
        assert_eq!(dao_blocks(supported, number, b""), Some("dao extra data"), "{number}");
        assert_eq!(dao_blocks(supported, number, b"dao-hard-fork "), Some("dao extra data"), "{number}");
        for other in [opposed, unsaid] {
            assert_eq!(dao_blocks(other, number, b"dao-hard-fork"), Some("dao extra data"), "{number}");
            assert_eq!(dao_blocks(other, number, b"anything"), None, "{number}");
        }
    }
    for number in [19, 30, 1_000_000] {
        for forks in [supported, opposed, ""] {
            assert_eq!(dao_blocks(forks, number, b"dao-hard-fork"), None, "{number}");
            assert_eq!(dao_blocks(forks, number, b""), None, "{number}");
        }
    }
}

#[test]
fn the_parents_total_difficulty_ends_proof_of_work() {
    let engine = Ethash::new(config(r#", "byzantiumBlock": 0, "terminalTotalDifficulty": 3000000"#));
    let fields = HeaderFields {
        number: 5,
        difficulty: U256::from(2_048_000),
        uncles_hash: EMPTY_UNCLES_HASH,
        ..HeaderFields::default()
    };
    let header = Header::new(fields).unwrap();
    let on = |total: u64| Head { header: header.clone(), total_difficulty: U256::from(total) };
    let work = HeaderFields {
        number: 6,
        timestamp: 9,
        uncles_hash: EMPTY_UNCLES_HASH,
        nonce: B64::repeat_byte(7),
        difficulty: next_difficulty(&engine.config, &header, 9),
        ..HeaderFields::default()
    };
    let stake = HeaderFields { difficulty: U256::ZERO, nonce: B64::ZERO, ..work.clone() };
    let label =
        |header: &HeaderFields, total| verify(&engine, header.clone(), &on(total)).map(|(label, _)| label);
    assert_eq!(label(&work, 2_999_999), None);
    assert_eq!(label(&stake, 2_999_999), Some("merge"));
    assert_eq!(label(&work, 3_000_000), Some("difficulty"));
    assert_eq!(label(&stake, 3_000_000), None);
    let with_uncles = HeaderFields { uncles_hash: B256::ZERO, ..stake.clone() };
    assert_eq!(label(&with_uncles, 3_000_000), Some("merge"));
    let with_nonce = HeaderFields { nonce: B64::with_last_byte(1), ..stake.clone() };
    assert_eq!(label(&with_nonce, 3_000_000), Some("merge"));
    let stake = Header::new(stake).unwrap();
    assert!(!engine.is_paris(&stake, &on(2_999_999)) && engine.is_paris(&stake, &on(3_000_000)));
    // A chain to which the Merge never comes takes no 0.
    let never = Ethash::new(config(BYZANTIUM));
    let found = verify(&never, stake.fields().clone(), &on(u64::MAX)).unwrap();
    assert_eq!(found, ("difficulty", "0, and 2048000 follows from the parent".into()));
}

#[test]
fn rewards_are_shared_with_uncles_and_end_with_the_merge() {
    let forks = r#", "byzantiumBlock": 10, "constantinopleBlock": 20, "terminalTotalDifficulty": 100"#;
    let engine = Ethash::new(config(forks));
    let ether = U256::from(ETHER);
    for (number, reward) in [(9, 5), (10, 3), (19, 3), (20, 2)] {
        assert_eq!(engine.block_reward(number), ether * U256::from(reward));
    }
    let header = |number, account: u8| {
        let beneficiary = Address::repeat_byte(account);
        Header::new(HeaderFields { number, beneficiary, ..HeaderFields::default() }).unwrap()
    };
    let uncles = vec![header(8, 2), header(3, 3)];
    let block = Block::new(header(9, 1), Body::new(Vec::new(), uncles, None));
    let parent = |total: u64| Head { header: header(8, 9), total_difficulty: U256::from(total) };
    let credit = |account: u8, wei: U256| Credit { account: Address::repeat_byte(account), wei };
    let expected = [
        // (8 - 1) / 8 of 5 ether, (8 - 6) / 8, and 5 and two 32nds of it.
        credit(2, ether * U256::from(35) / U256::from(8)),
        credit(3, ether * U256::from(10) / U256::from(8)),
        credit(1, ether * U256::from(5 * 34) / U256::from(32)),
    ];
    assert_eq!(engine.credits(&block, &parent(99)), expected);
    assert_eq!(engine.credits(&block, &parent(100)), []);
    assert_eq!(engine.fee_recipient(&block.header).unwrap(), Address::repeat_byte(1));
}

/// A child with the right difficulty, changed by `change` before that is worked out.
fn child(
    config: &ChainConfig,
    parent: &Header,
    body: &Body,
    change: impl FnOnce(&mut HeaderFields),
) -> Block {
    child_with(parent, body, |fields| {
        change(fields);
        fields.difficulty = next_difficulty(config, parent, fields.timestamp);
    })
}

/// `count` children, each of the one before.
fn line(config: &ChainConfig, parent: &Header, count: usize) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for _ in 0..count {
        let parent = blocks.last().map_or(parent, |block| &block.header).clone();
        blocks.push(child(config, &parent, &Body::new(Vec::new(), Vec::new(), None), |_| {}));
    }
    blocks
}

#[test]
fn uncles_are_checked_by_the_rules_of_headers() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = genesis(BYZANTIUM);
    let config = genesis.config().unwrap();
    let chain: Chain = open_chain(directory.path(), &genesis, &clock());
    assert_eq!(chain.engine().name(), "ethash");
    let empty = Body::new(Vec::new(), Vec::new(), None);
    let blocks = line(config, genesis.header(), 9);
    chain.import(&blocks).unwrap();
    let lost = |number: usize, mark: u8| {
        child(config, &blocks[number - 2].header, &empty, |f| f.extra_data = vec![mark].into()).header
    };
    let naming = |uncles: &[&Header]| {
        let uncles = uncles.iter().map(|uncle| (*uncle).clone()).collect();
        child(config, &blocks[8].header, &Body::new(Vec::new(), uncles, None), |_| {})
    };
    let rule = |uncles: &[&Header]| match chain.import(&[naming(uncles)]).unwrap_err().error {
        BlockError::Broken(rule) => *rule,
        other => panic!("{other}"),
    };
    // An uncle whose difficulty does not follow from its own parent.
    let easy = child_with(&blocks[7].header, &empty, |f| f.difficulty = U256::from(131_072)).header;
    let Rule::UncleHeader { rule: inner, .. } = rule(&[&easy]) else { panic!() };
    assert_eq!(inner.label(), "difficulty");
    // One with too much extra data, one that is not later than its parent.
    let long = child(config, &blocks[7].header, &empty, |f| f.extra_data = vec![0; 33].into()).header;
    let Rule::UncleHeader { rule: inner, .. } = rule(&[&long]) else { panic!() };
    assert_eq!(inner.label(), "extra data");
    let early = child(config, &blocks[7].header, &empty, |f| f.timestamp -= 10).header;
    let Rule::UncleHeader { rule: inner, .. } = rule(&[&early]) else { panic!() };
    assert_eq!(inner.label(), "time");
    assert_eq!(rule(&[&lost(9, 1), &lost(9, 2), &lost(9, 3)]), Rule::UncleCount { found: 3, max: 2 });
    let what = |uncles: &[&Header]| match rule(uncles) {
        Rule::Uncle { what, .. } => what,
        other => panic!("{other}"),
    };
    assert_eq!(what(&[&lost(9, 1), &lost(9, 1)]), UncleFault::Duplicate);
    assert_eq!(what(&[&blocks[5].header]), UncleFault::Ancestor);
    assert_eq!(what(&[&lost(3, 1)]), UncleFault::Dangling);
    let brother = child(config, &blocks[8].header, &empty, |f| f.extra_data = vec![1].into()).header;
    assert_eq!(what(&[&brother]), UncleFault::Dangling);
    let good = naming(&[&lost(9, 1), &lost(4, 1)]);
    chain.import(std::slice::from_ref(&good)).unwrap();
    // From Byzantium on its child is a step harder.
    let next = child(config, &good.header, &empty, |_| {});
    assert_eq!(next.header.difficulty, good.header.difficulty + good.header.difficulty / U256::from(2048));
    chain.import(&[next]).unwrap();
}

#[test]
fn the_section_of_a_genesis_has_nothing_in_it() {
    let json = r#"{"config": {"chainId": 1, "ethash": {"fixedDifficulty": 1000}}, "difficulty": 1,
        "gasLimit": 5000, "alloc": {}}"#;
    let error = open(&Genesis::from_json(json).unwrap()).unwrap_err();
    assert!(error.to_string().contains("config.ethash.fixedDifficulty"), "{error}");
}

proptest! {
    /// No header that a peer can make overflows the formula, and the floor holds.
    #[test]
    fn no_figures_break_the_formula(
        number in any::<u64>(), time in any::<u64>(), child in any::<u64>(),
        limbs in any::<[u64; 4]>(), last in 0_usize..6, uncles in any::<bool>(),
    ) {
        let fork = ["homesteadBlock", "byzantiumBlock", "londonBlock", "grayGlacierBlock", "x", "muirGlacierBlock"][last];
        let parent = HeaderFields {
            number, timestamp: time, difficulty: U256::from_limbs(limbs),
            uncles_hash: if uncles { B256::ZERO } else { EMPTY_UNCLES_HASH },
            ..HeaderFields::default()
        };
        let forks = if fork == "x" { String::new() } else { format!(r#", "{fork}": 0"#) };
        prop_assert!(next_difficulty(&config(&forks), &parent, child) >= U256::from(131_072));
    }
}
