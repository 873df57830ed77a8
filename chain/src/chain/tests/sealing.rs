//! Chains that are sealed by Clique.

use std::time::Duration;

use alloy_primitives::{Address, U256};
use herald_proto::{Block, Header};

use crate::chain::{BlockError, Chain, PrepareError, Rule};
use crate::clock::Clock;
use crate::engine::clique::{CliqueConfig, CliqueFault, clique_extra_data, sealed, vote_fields};
use crate::engine::{NotNow, SealTurn, Turn, Vote, VoteKind};
use crate::genesis::Genesis;
use crate::key::AccountKey;
use crate::testkit::{START, child, clique_genesis, clique_json, clock, open, signers, transaction};

const CONFIG: CliqueConfig = CliqueConfig { period: 2, epoch: 30_000 };

/// Seals the next block, when its time has come.
fn seal(chain: &Chain, clock: &Clock, parent: &Header, key: &AccountKey) -> Block {
    seal_with(chain, clock, parent, key, None)
}

fn seal_with(chain: &Chain, clock: &Clock, parent: &Header, key: &AccountKey, vote: Option<Vote>) -> Block {
    clock.set(clock.now().max(Duration::from_secs(parent.timestamp + 2)));
    let unsealed = chain.prepare(parent, key.address(), Vec::new(), vote).unwrap();
    let block = unsealed.seal(key).unwrap();
    chain.import(std::slice::from_ref(&block)).unwrap();
    block
}

#[test]
fn signers_seal_in_turn_and_others_verify() {
    let keys = signers(3);
    let genesis = clique_genesis(&keys, CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let chain = open(&directory.path().join("one"), &genesis, &clock);
    let mut blocks: Vec<Block> = Vec::new();
    for number in 1..=12_usize {
        let parent = chain.head().header;
        let block = seal(&chain, &clock, &parent, &keys[number % 3]);
        assert_eq!(block.header.difficulty, U256::from(2));
        assert_eq!(chain.sealer(&block.header), Some(keys[number % 3].address()));
        assert_eq!(chain.turn(&block.header), Some(Turn::InTurn));
        blocks.push(block);
    }
    assert_eq!(chain.head().header.number, 12);
    // Another node, in one batch.
    let other = open(&directory.path().join("two"), &genesis, &clock);
    assert_eq!(other.import(&blocks).unwrap().imported, 12);
    assert_eq!(other.head().header.hash(), chain.head().header.hash());
    let addresses: Vec<Address> = keys.iter().map(AccountKey::address).collect();
    assert_eq!(other.sealers(&other.head().header).unwrap(), Some(addresses));
}

#[test]
fn a_sealed_block_says_of_execution_what_is_true_of_none() {
    let keys = signers(1);
    let genesis = clique_genesis(&keys, CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let chain = open(directory.path(), &genesis, &clock());
    let transactions = vec![transaction(1), transaction(2)];
    let block = chain
        .prepare(genesis.header(), keys[0].address(), transactions.clone(), None)
        .unwrap()
        .seal(&keys[0])
        .unwrap();
    assert_eq!(block.header.state_root, genesis.header().state_root);
    assert_eq!(block.header.receipts_root, herald_proto::roots::EMPTY_ROOT);
    assert!(block.header.logs_bloom.is_zero());
    assert_eq!(block.header.gas_used, 0);
    assert_eq!(block.header.gas_limit, genesis.header().gas_limit);
    assert_eq!(block.header.base_fee, Some(875_000_000));
    assert_eq!(block.header.timestamp, START);
    assert_eq!(block.body.transactions().count(), 2);
    chain.import(&[block]).unwrap();
}

#[test]
fn each_signer_knows_when_it_may_seal() {
    let keys = signers(3);
    let genesis = clique_genesis(&keys, CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let chain = open(directory.path(), &genesis, &clock);
    let one = seal(&chain, &clock, genesis.header(), &keys[1]);
    let at = one.header.timestamp + 2;
    let turn = |key: &AccountKey| chain.seal_turn(&one.header, key.address()).unwrap();
    assert_eq!(turn(&keys[2]), SealTurn::InTurn { at });
    assert_eq!(turn(&keys[0]), SealTurn::OutOfTurn { at, spread: Duration::from_secs(1) });
    assert_eq!(turn(&keys[1]), SealTurn::NotNow(NotNow::RecentlySigned { until: 3 }));
    let stranger =
        &signers(4).into_iter().find(|key| !keys.iter().any(|k| k.address() == key.address())).unwrap();
    assert_eq!(turn(stranger), SealTurn::NotNow(NotNow::NotASigner));
    // Later than the period: now.
    clock.set(Duration::from_secs(at + 100));
    assert_eq!(turn(&keys[2]), SealTurn::InTurn { at: at + 100 });

    let refused = chain.prepare(&one.header, keys[1].address(), Vec::new(), None).unwrap_err();
    let PrepareError::Signer(fault) = refused else { panic!("{refused}") };
    assert!(matches!(fault.downcast_ref(), Some(CliqueFault::RecentlySigned { .. })), "{fault}");
    let unsealed = chain.prepare(&one.header, keys[2].address(), Vec::new(), None).unwrap();
    let other = unsealed.seal(&keys[0]).unwrap_err();
    assert!(matches!(other, PrepareError::OtherKey { .. }));
}

#[test]
fn a_wrong_seal_is_refused() {
    let keys = signers(3);
    let genesis = clique_genesis(&keys[..2], CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let chain = open(directory.path(), &genesis, &clock);
    let unsealed = chain.prepare(genesis.header(), keys[0].address(), Vec::new(), None).unwrap();
    // Sealed by one who is no signer.
    let header = sealed(unsealed.header, &keys[2]).unwrap();
    let error = chain.verify_header(&header).unwrap_err();
    let BlockError::Broken(rule) = error else { panic!("{error}") };
    let fault = CliqueFault::Unauthorised { signer: keys[2].address() };
    assert_eq!(*rule, Rule::Engine(fault.into()));
    assert_eq!(rule.label(), "clique signer");
    assert!(rule.to_string().starts_with("clique signer: signer 0x"), "{rule}");
}

#[test]
fn votes_checkpoints_and_epochs_work_through_the_chain() {
    let keys = signers(3);
    let config = CliqueConfig { period: 2, epoch: 5 };
    let genesis = clique_genesis(&keys[..2], config);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let chain = open(directory.path(), &genesis, &clock);
    let add = Vote { subject: keys[2].address(), kind: VoteKind::Add };
    for number in 1..=2_usize {
        let parent = chain.head().header;
        seal_with(&chain, &clock, &parent, &keys[number % 2], Some(add));
    }
    let head = chain.head().header;
    assert_eq!(chain.sealers(&head).unwrap().unwrap().len(), 3);
    // What is already so is not voted for; at the checkpoint nobody votes.
    let mut parent = head;
    for (number, key) in [(3, &keys[2]), (4, &keys[0]), (5, &keys[1])] {
        let drop = Vote { subject: keys[0].address(), kind: VoteKind::Drop };
        let vote = if number == 5 { drop } else { add };
        parent = seal_with(&chain, &clock, &parent, key, Some(vote)).header;
        assert!(parent.beneficiary.is_zero(), "{number}");
    }
    assert_eq!(parent.extra_data.len(), 32 + 3 * 20 + 65);
    // A fresh node that saw only the blocks agrees.
    let blocks: Vec<Block> =
        (1..=5).map(|n| chain.block(&chain.canonical_hash(n).unwrap().unwrap()).unwrap().unwrap()).collect();
    let other = open(&directory.path().join("other"), &genesis, &clock);
    other.import(&blocks).unwrap();
    assert_eq!(other.sealers(&parent).unwrap(), chain.sealers(&parent).unwrap());
}

#[test]
fn of_two_equal_blocks_all_follow_the_same() {
    // Five signers; on top of block 1 two out of turn seal at once.
    let keys = signers(5);
    let genesis = clique_genesis(&keys, CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let maker = open(&directory.path().join("maker"), &genesis, &clock);
    let one = seal(&maker, &clock, genesis.header(), &keys[1]);
    // Turn 2 is signer 2's. Signer 4's turn is 3 blocks ago, signer 0's 2.
    let rivals = [&keys[0], &keys[4]].map(|key| {
        let fresh = maker.prepare(&one.header, key.address(), Vec::new(), None);
        let mut unsealed = fresh.unwrap();
        unsealed.header.timestamp = one.header.timestamp + 2;
        unsealed.seal(key).unwrap()
    });
    clock.set(Duration::from_secs(one.header.timestamp + 2));
    for (name, order) in [("ab", [0, 1]), ("ba", [1, 0])] {
        let chain = open(&directory.path().join(name), &genesis, &clock);
        chain.import(std::slice::from_ref(&one)).unwrap();
        for index in order {
            chain.import(std::slice::from_ref(&rivals[index])).unwrap();
        }
        assert_eq!(chain.head().header.hash(), rivals[1].hash(), "{name}");
    }
}

#[test]
fn equal_weight_prefers_the_shorter_chain() {
    let keys = signers(3);
    let genesis = clique_genesis(&keys, CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    clock.set(Duration::from_secs(START + 100));
    let maker = open(&directory.path().join("maker"), &genesis, &clock);
    // Block 1 is signer 1's turn: weight 2. Signers 0 and 1 out of turn: weight 1 each.
    let short = seal(&maker, &clock, genesis.header(), &keys[1]);
    let long_one = seal(&maker, &clock, genesis.header(), &keys[0]);
    let long_two = seal(&maker, &clock, &long_one.header, &keys[1]);
    assert_eq!(long_two.header.difficulty, U256::from(1));
    let chain = open(&directory.path().join("other"), &genesis, &clock);
    chain.import(&[long_one, long_two]).unwrap();
    let report = chain.import(std::slice::from_ref(&short)).unwrap();
    assert_eq!(report.reorg.unwrap().depth, 2);
    assert_eq!(chain.head().header, short.header);
    assert_eq!(chain.canonical_hash(2).unwrap(), None);
    assert_eq!(maker.head().header, short.header);
}

#[test]
fn a_restart_finds_the_signers_again() {
    let keys = signers(2);
    let genesis = clique_genesis(&keys[..1], CONFIG);
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let add = Vote { subject: keys[1].address(), kind: VoteKind::Add };
    // Beyond one snapshot on disk. A lone signer may sign every block; the last votes another in.
    let mut blocks: Vec<Block> = Vec::new();
    for number in 1..=1029_u64 {
        let parent = blocks.last().map_or(genesis.header(), |block| &block.header);
        let unsealed = child(parent, |fields| {
            fields.difficulty = U256::from(2);
            fields.extra_data = clique_extra_data(&[]);
            if number == 1029 {
                (fields.beneficiary, fields.nonce) = vote_fields(add);
            }
        });
        let header = sealed(unsealed.header.fields().clone(), &keys[0]).unwrap();
        blocks.push(Block::new(header, unsealed.body));
    }
    let head = {
        let chain = open(directory.path(), &genesis, &clock);
        chain.import(&blocks).unwrap();
        chain.head().header
    };
    assert_eq!(head.number, 1029);
    let chain = open(directory.path(), &genesis, &clock);
    assert_eq!(chain.sealers(&head).unwrap().unwrap().len(), 2);
    seal(&chain, &clock, &head, &keys[1]);
    // The snapshot of block 1024 was on disk.
    let at = chain.canonical_hash(1024).unwrap().unwrap();
    assert!(chain.0.store.engine_state(&at).unwrap().is_some());
}

/// A chain that is to merge is Clique's before Shanghai and nobody's to seal after it.
#[test]
fn who_would_seal_after_shanghai_hears_so_at_once() {
    let keys = signers(1);
    let json = clique_json(&keys, CONFIG);
    let json = json.replacen(
        r#""londonBlock": 0"#,
        &format!(r#""londonBlock": 0, "terminalTotalDifficulty": 1000, "shanghaiTime": {}"#, START + 10),
        1,
    );
    let genesis = Genesis::from_json(&json).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let chain = open(directory.path(), &genesis, &clock);
    let turn = || chain.seal_turn(genesis.header(), keys[0].address());
    clock.set(Duration::from_secs(START + 9));
    assert_eq!(turn().unwrap(), SealTurn::InTurn { at: START + 9 });
    clock.set(Duration::from_secs(START + 10));
    let error = turn().unwrap_err();
    assert!(matches!(error, PrepareError::Signer(_)), "{error}");
    assert!(error.to_string().contains("`config.shanghaiTime`"), "{error}");
}

/// One that reaches the terminal total difficulty leaves Clique: nobody seals on it, and no block is
/// taken on top of it.
#[test]
fn clique_ends_at_the_terminal_total_difficulty() {
    let keys = signers(1);
    let forks = r#""londonBlock": 0, "terminalTotalDifficulty": 5"#;
    let merging = clique_json(&keys, CONFIG).replacen(r#""londonBlock": 0"#, forks, 1);
    let merging = Genesis::from_json(&merging).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let chain = open(&directory.path().join("merging"), &merging, &clock);
    // Block 0 weighs 1, and each block in turn 2.
    let one = seal(&chain, &clock, merging.header(), &keys[0]);
    let two = seal(&chain, &clock, &one.header, &keys[0]);
    for error in [
        chain.seal_turn(&two.header, keys[0].address()).unwrap_err(),
        chain.prepare(&two.header, keys[0].address(), Vec::new(), None).unwrap_err(),
    ] {
        assert!(error.to_string().contains("terminal total difficulty, 5,"), "{error}");
    }
    // The same chain without a Merge goes on; its third block is not taken by the one that merges.
    let endless = clique_genesis(&keys, CONFIG);
    assert_eq!(endless.hash(), merging.hash());
    let other = open(&directory.path().join("endless"), &endless, &clock);
    other.import(&[one, two.clone()]).unwrap();
    let three = seal(&other, &clock, &two.header, &keys[0]);
    let error = chain.import(&[three]).unwrap_err().error;
    let BlockError::Broken(rule) = &error else { panic!("{error}") };
    assert_eq!(rule.label(), "clique fork", "{error}");
}

#[test]
fn trusted_chains_are_not_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = crate::testkit::trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let error = chain.seal_turn(genesis.header(), Address::ZERO).unwrap_err();
    assert!(matches!(error, PrepareError::NotSealable { engine: "trusted" }), "{error}");
}
