//! Each rule, broken once.

use std::time::Duration;

use alloy_primitives::{B64, B256, U256};
use herald_proto::rlp::ListEncoder;
use herald_proto::{Block, Body, Header, HeaderFields, Transaction, Withdrawal};

use crate::chain::{BlockError, BodyRoot, Chain, Rule, UncleFault};
use crate::chainfile::read_genesis;
use crate::engine::{MergeFault, Trusted};
use crate::genesis::{Genesis, Strictness};
use crate::testkit::{START, child, child_with, clock, data, line, open, transaction, trusted_genesis};

/// The rule that a block breaks as a child of genesis.
fn broken(genesis: &Genesis, block: &Block) -> Option<Rule> {
    let directory = tempfile::tempdir().unwrap();
    let chain = open(directory.path(), genesis, &clock());
    let by_header = rule(chain.verify_header(&block.header).err());
    let by_import = rule(chain.import(std::slice::from_ref(block)).err().map(|stopped| stopped.error));
    if by_header.is_some() {
        assert_eq!(by_header, by_import);
    }
    by_import
}

fn rule(error: Option<BlockError>) -> Option<Rule> {
    error.map(|error| match error {
        BlockError::Broken(rule) => *rule,
        other => panic!("{other}"),
    })
}

fn changed(genesis: &Genesis, change: impl FnOnce(&mut HeaderFields)) -> Option<Rule> {
    broken(genesis, &child(genesis.header(), change))
}

#[test]
fn header_rules() {
    let genesis = trusted_genesis("");
    assert_eq!(changed(&genesis, |_| {}), None);
    assert_eq!(changed(&genesis, |f| f.number = 2), Some(Rule::Number { found: 2, parent: 0 }));
    assert_eq!(changed(&genesis, |f| f.timestamp = 0), Some(Rule::Time { found: 0, parent: 0 }));
    assert_eq!(
        changed(&genesis, |f| f.extra_data = vec![0; 33].into()),
        Some(Rule::ExtraData { found: 33, max: 32 })
    );
    assert_eq!(
        changed(&genesis, |f| f.gas_used = 30_000_001),
        Some(Rule::GasUsed { used: 30_000_001, limit: 30_000_000 })
    );
    assert_eq!(
        changed(&genesis, |f| f.base_fee = Some(1)),
        Some(Rule::BaseFee { found: 1, expected: 875_000_000 })
    );
    assert_eq!(
        changed(&genesis, |f| f.base_fee = None),
        Some(Rule::ForkField { field: "baseFeePerGas", expected: true })
    );
    assert_eq!(
        changed(&genesis, |f| {
            f.difficulty = U256::ZERO;
            f.nonce = B64::with_last_byte(1);
        }),
        Some(Rule::Engine(MergeFault::Nonce.into()))
    );
}

#[test]
fn gas_limits_move_by_less_than_a_1024th() {
    let genesis = trusted_genesis("");
    let bound = 30_000_000 / 1024;
    for (limit, good) in [
        (30_000_000 + bound - 1, true),
        (30_000_000 + bound, false),
        (30_000_000 - bound + 1, true),
        (30_000_000 - bound, false),
    ] {
        let rule = changed(&genesis, |fields| fields.gas_limit = limit);
        let expected = Rule::GasLimit { found: limit, parent: 30_000_000 };
        assert_eq!(rule, (!good).then_some(expected), "{limit}");
    }
    let json = r#"{"config": {"chainId": 1}, "difficulty": 16, "gasLimit": 5001, "alloc": {}}"#;
    let low = Genesis::from_json(json).unwrap();
    assert_eq!(changed(&low, |fields| fields.gas_limit = 5000), None);
    let under = changed(&low, |fields| fields.gas_limit = 4999);
    assert_eq!(under, Some(Rule::GasLimit { found: 4999, parent: 5001 }));
}

#[test]
fn the_first_london_block_doubles_the_limit_and_sets_the_base_fee() {
    let json = r#"{"config": {"chainId": 1, "londonBlock": 1}, "difficulty": 16,
        "gasLimit": 1000000, "alloc": {}}"#;
    let genesis = Genesis::from_json(json).unwrap();
    let london = |fields: &mut HeaderFields| {
        fields.gas_limit = 2_000_000;
        fields.base_fee = Some(1_000_000_000);
    };
    assert_eq!(changed(&genesis, london), None);
    let single = changed(&genesis, |fields| fields.base_fee = Some(1_000_000_000));
    assert_eq!(single, Some(Rule::GasLimit { found: 1_000_000, parent: 2_000_000 }));
    let other = changed(&genesis, |fields| {
        london(fields);
        fields.base_fee = Some(1_000_000_001);
    });
    assert_eq!(other, Some(Rule::BaseFee { found: 1_000_000_001, expected: 1_000_000_000 }));
}

#[test]
fn base_fees_follow_the_parents_gas() {
    // Known from EIP-1559's tests: limit 20 million, fee 1 gwei.
    for (used, expected) in [
        (10_000_000, 1_000_000_000),
        (9_000_000, 987_500_000),
        (11_000_000, 1_012_500_000),
        (20_000_000, 1_125_000_000),
        (0, 875_000_000),
    ] {
        let parent = HeaderFields {
            gas_limit: 20_000_000,
            gas_used: used,
            base_fee: Some(1_000_000_000),
            ..HeaderFields::default()
        };
        assert_eq!(crate::chain::rules::next_base_fee(&parent), expected, "{used}");
    }
    // It rises by at least one, and no figure makes it overflow or divide by zero.
    let least = HeaderFields { gas_limit: 2, gas_used: 2, base_fee: Some(1), ..HeaderFields::default() };
    assert_eq!(crate::chain::rules::next_base_fee(&least), 2);
    let most = HeaderFields {
        gas_limit: u64::MAX,
        gas_used: u64::MAX,
        base_fee: Some(u64::MAX),
        ..HeaderFields::default()
    };
    assert_eq!(crate::chain::rules::next_base_fee(&most), u64::MAX);
    let none = HeaderFields { base_fee: Some(7), gas_used: 1, ..HeaderFields::default() };
    assert_eq!(crate::chain::rules::next_base_fee(&none), 8);
}

const CANCUN: &str = r#", "shanghaiTime": 0, "cancunTime": 10, "pragueTime": 20"#;

fn cancun(fields: &mut HeaderFields) {
    fields.blob_gas_used = Some(0);
    fields.excess_blob_gas = Some(0);
    fields.parent_beacon_root = Some(B256::ZERO);
}

#[test]
fn fields_of_a_fork_are_there_exactly_when_it_is_active() {
    let genesis = trusted_genesis(CANCUN);
    let body = Body::new(Vec::new(), Vec::new(), Some(Vec::new()));
    let check =
        |change: fn(&mut HeaderFields)| broken(&genesis, &child_with(genesis.header(), &body, change));
    assert_eq!(check(cancun), None);
    assert_eq!(check(|_| {}), Some(Rule::ForkField { field: "blobGasUsed", expected: true }));
    let early = check(|fields| {
        cancun(fields);
        fields.requests_hash = Some(B256::ZERO);
    });
    assert_eq!(early, Some(Rule::ForkField { field: "requestsHash", expected: false }));
    let partial = check(|fields| fields.blob_gas_used = Some(0));
    assert_eq!(partial, Some(Rule::ForkField { field: "excessBlobGas", expected: true }));
    let blob = check(|fields| {
        cancun(fields);
        fields.blob_gas_used = Some(131_073);
    });
    assert_eq!(blob, Some(Rule::BlobGas { found: 131_073 }));
    let late = check(|fields| {
        cancun(fields);
        fields.timestamp = 20;
    });
    assert_eq!(late, Some(Rule::ForkField { field: "requestsHash", expected: true }));
}

const BLOB: u64 = 131_072;

/// A header on one of these blobs and this excess, both counted in blobs, at this time.
fn blobs(forks: &str, timestamp: u64, parent: (u64, u64), header: (u64, u64)) -> Option<Rule> {
    let genesis = trusted_genesis(forks);
    let body = Body::new(Vec::new(), Vec::new(), Some(Vec::new()));
    let at = |(used, excess): (u64, u64)| {
        move |fields: &mut HeaderFields| {
            fields.blob_gas_used = Some(used * BLOB);
            fields.excess_blob_gas = Some(excess * BLOB);
            fields.parent_beacon_root = Some(B256::ZERO);
            fields.timestamp = timestamp;
            let prague = forks.contains("prague") && timestamp >= 20;
            fields.requests_hash = prague.then_some(B256::ZERO);
        }
    };
    let parent = child_with(genesis.header(), &body, |fields| {
        at(parent)(fields);
        fields.timestamp -= 1;
    });
    let header = child_with(&parent.header, &body, at(header)).header;
    let engine = Trusted::new(genesis.header());
    crate::chain::rules::check_header(&header, &parent.header, genesis.config(), &engine).err()
}

/// EIP-4844: at most 6 blobs, and what is over 3 is carried on. EIP-7691: 9 and 6.
#[test]
fn blob_gas_has_a_most_and_leaves_an_excess() {
    let cancun = r#", "shanghaiTime": 0, "cancunTime": 0"#;
    let prague = r#", "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 20"#;
    let given = r#", "shanghaiTime": 0, "cancunTime": 0, "blobSchedule": {"cancun": {"target": 1, "max": 2,
            "baseFeeUpdateFraction": 3338477}}"#;
    let osaka = r#", "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 20, "osakaTime": 20"#;
    let excess = |found: u64, expected: u64| {
        Some(Rule::ExcessBlobGas { found: found * BLOB, expected: expected * BLOB })
    };
    let used = |found: u64, max: u64| Some(Rule::BlobGasUsed { found: found * BLOB, max: max * BLOB });
    for (forks, time, parent, header, expected) in [
        (cancun, 15, (0, 0), (6, 0), None),
        (cancun, 15, (0, 0), (7, 0), used(7, 6)),
        (cancun, 15, (3, 0), (0, 0), None),
        (cancun, 15, (6, 0), (0, 3), None),
        (cancun, 15, (6, 0), (0, 2), excess(2, 3)),
        (cancun, 15, (1, 4), (0, 2), None),
        (cancun, 15, (0, 2), (0, 2), excess(2, 0)),
        // By the fork of the block itself: the first one of Prague leaves less.
        (prague, 21, (6, 2), (9, 2), None),
        (prague, 21, (6, 2), (10, 2), used(10, 9)),
        (prague, 21, (6, 2), (0, 5), excess(5, 2)),
        (given, 15, (2, 0), (2, 1), None),
        (given, 15, (2, 0), (3, 1), used(3, 2)),
        // Not known here, so not held against anybody.
        (osaka, 21, (6, 0), (12, 1), None),
    ] {
        assert_eq!(blobs(forks, time, parent, header), expected, "{forks} {parent:?} {header:?}");
    }
}

/// What a header says of its blobs is held to the transactions of its body (EIP-4844).
#[test]
fn blob_gas_is_that_of_the_transactions() {
    let genesis = trusted_genesis(r#", "shanghaiTime": 0, "cancunTime": 0"#);
    let blobs = |count: u8| {
        let mut fields = ListEncoder::new();
        fields.u64(1).u64(0).u64(1).u64(2).u64(21_000).bytes(&[0x11; 20]).u64(0).bytes(&[]);
        fields.raw(&ListEncoder::new().finish()).u64(3);
        let mut hashes = ListEncoder::new();
        for n in 0..count {
            hashes.bytes(&[n; 32]);
        }
        fields.raw(&hashes.finish()).u64(0).u64(7).u64(9);
        Transaction::from_bare(&[&[3], fields.finish().as_slice()].concat()).unwrap()
    };
    let broken_by = |transactions: Vec<Transaction>, said: u64| {
        let body = Body::new(transactions, Vec::new(), Some(Vec::new()));
        let block = child_with(genesis.header(), &body, |fields| {
            cancun(fields);
            fields.blob_gas_used = Some(said * BLOB);
        });
        broken(&genesis, &block)
    };
    assert_eq!(broken_by(vec![transaction(1)], 0), None);
    assert_eq!(broken_by(vec![blobs(2), transaction(1), blobs(1)], 3), None);
    let wrong = broken_by(vec![blobs(2), blobs(1)], 2);
    assert_eq!(wrong, Some(Rule::BlobGasOfBody { found: 2 * BLOB, expected: 3 * BLOB }));
    let none = broken_by(vec![transaction(1)], 1);
    assert_eq!(none, Some(Rule::BlobGasOfBody { found: BLOB, expected: 0 }));
    let unreadable = Transaction::from_bare(&[3, 0xc0]).unwrap();
    assert_eq!(broken_by(vec![unreadable], 0).unwrap().label(), "blob gas");
}

#[test]
fn without_a_config_a_fork_that_has_come_stays() {
    let with_rules = trusted_genesis(r#", "shanghaiTime": 0"#);
    let genesis = Genesis::from_block(with_rules.block().clone()).unwrap();
    let body = Body::new(Vec::new(), Vec::new(), Some(Vec::new()));
    assert_eq!(broken(&genesis, &child_with(genesis.header(), &body, |_| {})), None);
    // A later fork may come with any block, and brings all its fields.
    assert_eq!(broken(&genesis, &child_with(genesis.header(), &body, cancun)), None);
    let gone = changed(&genesis, |_| {});
    assert_eq!(gone, Some(Rule::ForkField { field: "withdrawalsRoot", expected: true }));
}

#[test]
fn a_body_must_be_its_headers() {
    let genesis = trusted_genesis("");
    let body = Body::new(vec![transaction(1)], Vec::new(), None);
    assert_eq!(broken(&genesis, &child_with(genesis.header(), &body, |_| {})), None);
    let other = Body::new(vec![transaction(2)], Vec::new(), None);
    let block = child_with(genesis.header(), &body, |_| {});
    let rule = broken(&genesis, &Block::new(block.header.clone(), other.clone())).unwrap();
    let expected = Rule::BodyRoot {
        root: BodyRoot::Transactions,
        header: body.commitment().transactions_root,
        body: other.commitment().transactions_root,
    };
    assert_eq!(rule, expected);
    let uncle = Body::new(vec![transaction(1)], vec![genesis.header().clone()], None);
    let rule = broken(&genesis, &Block::new(block.header.clone(), uncle)).unwrap();
    assert!(matches!(rule, Rule::BodyRoot { root: BodyRoot::Uncles, .. }), "{rule}");
    let paid = Body::new(vec![transaction(1)], Vec::new(), Some(Vec::new()));
    let rule = broken(&genesis, &Block::new(block.header, paid)).unwrap();
    assert_eq!(rule, Rule::Withdrawals { in_body: true });

    let shanghai = trusted_genesis(r#", "shanghaiTime": 0"#);
    let withdrawal = Withdrawal { index: 1, validator_index: 2, address: [3; 20].into(), amount: 4 };
    let paid = Body::new(Vec::new(), Vec::new(), Some(vec![withdrawal]));
    let block = child_with(shanghai.header(), &paid, |_| {});
    assert_eq!(broken(&shanghai, &block), None);
    let none = Body::new(Vec::new(), Vec::new(), Some(Vec::new()));
    let rule = broken(&shanghai, &Block::new(block.header.clone(), none)).unwrap();
    assert!(matches!(rule, Rule::BodyRoot { root: BodyRoot::Withdrawals, .. }), "{rule}");
    let without = Body::new(Vec::new(), Vec::new(), None);
    let rule = broken(&shanghai, &Block::new(block.header, without)).unwrap();
    assert_eq!(rule, Rule::Withdrawals { in_body: false });
}

#[test]
fn a_block_of_the_future_waits() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let clock = clock();
    let chain = open(directory.path(), &genesis, &clock);
    let block = child(genesis.header(), |fields| fields.timestamp = START + 3);
    let error = chain.verify_header(&block.header).unwrap_err();
    // A second of drift is allowed.
    let BlockError::Future { timestamp, wait } = error else { panic!("{error}") };
    assert_eq!((timestamp, wait), (START + 3, Duration::from_secs(2)));
    let stopped = chain.import(std::slice::from_ref(&block)).unwrap_err();
    assert!(matches!(stopped.error, BlockError::Future { .. }));
    clock.set(Duration::from_secs(START) + wait);
    chain.verify_header(&block.header).unwrap();
    chain.import(&[block]).unwrap();
}

#[test]
fn after_the_merge_difficulty_stays_0() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let merged = child(genesis.header(), |fields| fields.difficulty = U256::ZERO);
    chain.import(std::slice::from_ref(&merged)).unwrap();
    let back = child(&merged.header, |_| {});
    let rule = rule(chain.verify_header(&back.header).err()).unwrap();
    assert_eq!(rule, Rule::Engine(MergeFault::Difficulty { found: U256::from(16) }.into()));
}

#[test]
fn total_difficulty_does_not_overflow() {
    let genesis = trusted_genesis("");
    let rule = changed(&genesis, |fields| fields.difficulty = U256::MAX);
    assert_eq!(rule, Some(Rule::TotalDifficulty));
}

fn with_uncles(parent: &Header, uncles: &[&Header]) -> Block {
    let uncles = uncles.iter().map(|uncle| (*uncle).clone()).collect();
    child_with(parent, &Body::new(Vec::new(), uncles, None), |_| {})
}

fn import_rule(chain: &Chain, block: &Block) -> Rule {
    let stopped = chain.import(std::slice::from_ref(block)).unwrap_err();
    rule(Some(stopped.error)).unwrap()
}

#[test]
fn uncles() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let blocks = line(genesis.header(), 9, 1);
    chain.import(&blocks).unwrap();
    let parent = &blocks[8].header;
    // Children of block 7, 6 and so on that lost.
    let lost = |number: usize, mark: u8| {
        child(&blocks[number - 2].header, |f| f.extra_data = vec![mark].into()).header
    };
    let (one, two, three) = (lost(9, 2), lost(9, 3), lost(9, 4));
    let block = with_uncles(parent, &[&one, &two, &three]);
    assert_eq!(import_rule(&chain, &block), Rule::UncleCount { found: 3, max: 2 });
    let fault = |uncles: &[&Header]| match import_rule(&chain, &with_uncles(parent, uncles)) {
        Rule::Uncle { what, .. } => what,
        other => panic!("{other}"),
    };
    assert_eq!(fault(&[&one, &one]), UncleFault::Duplicate);
    assert_eq!(fault(&[&blocks[7].header]), UncleFault::Ancestor);
    // The parent's own child is a brother, and eight generations are too many.
    let brother = child(parent, |f| f.extra_data = vec![9].into()).header;
    assert_eq!(fault(&[&brother]), UncleFault::Dangling);
    assert_eq!(fault(&[&lost(3, 2)]), UncleFault::Dangling);
    let bad = child(&blocks[7].header, |f| f.gas_used = u64::MAX).header;
    let rule = import_rule(&chain, &with_uncles(parent, &[&bad]));
    assert!(matches!(rule, Rule::UncleHeader { .. }), "{rule}");
    // Oldest and youngest that count.
    let good = with_uncles(parent, &[&lost(4, 2), &one]);
    chain.import(std::slice::from_ref(&good)).unwrap();
    // Named by an ancestor already, in the store and in the same batch.
    let again = with_uncles(&good.header, &[&one]);
    let rule = import_rule(&chain, &again);
    assert!(matches!(rule, Rule::Uncle { what: UncleFault::Duplicate, .. }), "{rule}");
    let first = with_uncles(&good.header, &[&two]);
    let second = with_uncles(&first.header, &[&two]);
    let stopped = chain.import(&[first, second]).unwrap_err();
    assert_eq!(stopped.index, 1);
}

#[test]
fn real_chains_break_no_rule() {
    let Some(hive) = data("execution-apis-2025-02/chain.rlp") else { return };
    let genesis = read_genesis(&hive.with_file_name("genesis.json"), Strictness::Strict).unwrap();
    let mainnet = hive.parent().unwrap().with_file_name("mainnet");
    let directory = tempfile::tempdir().unwrap();
    let chain = open(&directory.path().join("hive"), &genesis, &clock());
    let import = crate::chainfile::import_file(&chain, &hive, |_| {}).unwrap();
    assert_eq!((import.imported, chain.head().header.number), (45, 45));

    // Mainnet's blocks 46350 to 46399, and both sides of the Merge.
    let read = |name: &str| -> Vec<Block> {
        let file = std::fs::File::open(mainnet.join(name)).unwrap();
        crate::chainfile::Reader::new(file).unwrap().map(|entry| entry.unwrap().block).collect()
    };
    let blocks = read("46350-46399.blocks");
    let merge = [read("15537393.rlp"), read("15537394.rlp")].concat();
    for pair in blocks.windows(2).chain(merge.windows(2)) {
        let [parent, block] = pair else { unreachable!() };
        let engine = Trusted::new(genesis.header());
        crate::chain::rules::check_header(&block.header, &parent.header, None, &engine).unwrap();
        crate::chain::rules::check_body(block).unwrap();
    }
}
