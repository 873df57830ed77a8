//! Which chain is followed, and what is kept of it.

use alloy_primitives::{B256, U256};
use herald_proto::{Block, Header};

use crate::chain::{BlockError, BlockNumHash, Chain, ChainOptions, Reorg};
use crate::engine::EngineChoice;
use crate::testkit::{child, clock, data, line, open, trusted_genesis};

fn id(block: &Block) -> BlockNumHash {
    BlockNumHash { number: block.number(), hash: block.hash() }
}

fn assert_canonical(chain: &Chain, blocks: &[&Block]) {
    for block in blocks {
        let hash = block.hash();
        assert_eq!(chain.canonical_hash(block.number()).unwrap(), Some(hash));
        let header = chain.header_by_number(block.number()).unwrap().unwrap();
        assert_eq!(header, block.header);
        assert_eq!(chain.raw_header(&hash).unwrap().unwrap(), block.header.raw());
        assert_eq!(chain.raw_body(&hash).unwrap().unwrap(), block.body.encode());
        assert_eq!(chain.block(&hash).unwrap().unwrap(), **block);
    }
    let last = blocks.last().unwrap();
    assert_eq!(chain.head().header, last.header);
    assert_eq!(chain.canonical_hash(last.number() + 1).unwrap(), None);
}

#[test]
fn a_line_of_blocks_becomes_the_chain_and_stays_it() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let blocks = line(genesis.header(), 5, 1);
    {
        let chain = open(directory.path(), &genesis, &clock());
        let mut events = chain.events();
        let report = chain.import(&blocks).unwrap();
        assert_eq!((report.imported, report.known, report.side.len()), (5, 0, 0));
        assert_eq!(report.canonical, blocks.iter().map(id).collect::<Vec<_>>());
        assert_eq!(report.reorg, None);
        let event = events.try_recv().unwrap();
        assert_eq!(event.canonical, report.canonical);
        assert_eq!(event.head.as_ref().unwrap().header, blocks[4].header);
        // Again: known, and nobody hears of it.
        let again = chain.import(&blocks).unwrap();
        assert_eq!((again.imported, again.known), (0, 5));
        assert!(events.try_recv().is_err());
    }
    let chain = open(directory.path(), &genesis, &clock());
    assert_canonical(&chain, &blocks.iter().collect::<Vec<_>>());
    assert_eq!(chain.head().total_difficulty, U256::from(16 * 6));
    assert_eq!(chain.total_difficulty(&blocks[1].hash()).unwrap(), Some(U256::from(16 * 3)));
    assert!(chain.contains(&blocks[4].hash()).unwrap());
    assert!(!chain.contains(&B256::repeat_byte(9)).unwrap());
    assert_eq!(chain.genesis_hash(), genesis.hash());
}

#[test]
fn a_heavier_branch_takes_over_in_one_commit() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let old = line(genesis.header(), 4, 1);
    chain.import(&old).unwrap();
    // Shorter and heavier: what was above its head is canonical no more.
    let fork = child(&old[0].header, |fields| fields.difficulty = U256::from(1000));
    let mut events = chain.events();
    let report = chain.import(std::slice::from_ref(&fork)).unwrap();
    let reorg = Reorg {
        ancestor: id(&old[0]),
        old_head: id(&old[3]),
        new_head: id(&fork),
        depth: 3,
        removed: old[1..].iter().map(id).collect(),
    };
    assert_eq!(report.reorg, Some(reorg.clone()));
    assert_eq!(report.canonical, [id(&fork)]);
    assert_eq!(events.try_recv().unwrap().reorg, Some(reorg));
    assert_canonical(&chain, &[&old[0], &fork]);
    assert_eq!(chain.canonical_hash(4).unwrap(), None);
    // The old branch is still there, for those who ask by hash.
    assert!(chain.contains(&old[3].hash()).unwrap());
    drop(chain);
    assert_canonical(&open(directory.path(), &genesis, &clock()), &[&old[0], &fork]);
}

#[test]
fn both_branches_of_a_reorganisation_can_come_in_one_batch() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let old = line(genesis.header(), 3, 1);
    let new = line(genesis.header(), 4, 2);
    let both: Vec<Block> = old.iter().chain(&new).cloned().collect();
    let report = chain.import(&both).unwrap();
    assert_eq!(report.side, old.iter().map(id).collect::<Vec<_>>());
    // Nothing of the first branch was ever on disk as canonical.
    assert_eq!(report.reorg, None);
    assert_canonical(&chain, &new.iter().collect::<Vec<_>>());
}

#[test]
fn at_equal_weight_the_first_seen_stays() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let [one, two] = [line(genesis.header(), 2, 1), line(genesis.header(), 2, 2)];
    chain.import(&one).unwrap();
    let report = chain.import(&two).unwrap();
    assert!(report.head.is_none());
    assert_eq!(report.side.len(), 2);
    assert_canonical(&chain, &one.iter().collect::<Vec<_>>());
}

#[test]
fn after_the_merge_the_higher_block_leads_then_the_lower_hash() {
    let merged = |parent: &Header, mark: u8| {
        child(parent, |fields| {
            fields.difficulty = U256::ZERO;
            fields.extra_data = vec![mark].into();
        })
    };
    let genesis = trusted_genesis("");
    let mut rivals = [merged(genesis.header(), 1), merged(genesis.header(), 2)];
    rivals.sort_by_key(Block::hash);
    let [low, high] = rivals;
    for order in [[&low, &high], [&high, &low]] {
        let directory = tempfile::tempdir().unwrap();
        let chain = open(directory.path(), &genesis, &clock());
        for block in order {
            chain.import(std::slice::from_ref(block)).unwrap();
        }
        assert_canonical(&chain, &[&low]);
        let above = merged(&high.header, 3);
        let report = chain.import(std::slice::from_ref(&above)).unwrap();
        assert_eq!(report.reorg.unwrap().depth, 1);
        assert_canonical(&chain, &[&high, &above]);
    }
}

#[test]
fn a_bad_block_keeps_those_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let mut blocks = line(genesis.header(), 5, 1);
    blocks[3] = child(&blocks[2].header, |fields| fields.gas_used = u64::MAX);
    let stopped = chain.import(&blocks).unwrap_err();
    assert_eq!((stopped.index, stopped.number, stopped.report.imported), (3, 4, 3));
    assert_eq!(stopped.hash, blocks[3].hash());
    assert!(matches!(stopped.error, BlockError::Broken(_)), "{stopped}");
    assert_canonical(&chain, &[&blocks[0], &blocks[1], &blocks[2]]);
    // What comes after it has no parent here.
    let orphan = chain.import(&blocks[4..]).unwrap_err();
    assert!(matches!(orphan.error, BlockError::UnknownParent { .. }), "{orphan}");
}

#[test]
fn finality_trails_the_head() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let options = ChainOptions { finality_depth: 3, clock: clock(), ..ChainOptions::default() };
    let chain = Chain::open(directory.path(), genesis.clone(), EngineChoice::Auto, options).unwrap();
    assert_eq!(chain.finalized(), 0);
    chain.import(&line(genesis.header(), 5, 1)).unwrap();
    assert_eq!(chain.finalized(), 2);
    assert_eq!(ChainOptions::default().finality_depth, 128);
}

#[test]
fn readers_and_importers_share_a_chain() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let chain = open(directory.path(), &genesis, &clock());
    let blocks = line(genesis.header(), 64, 1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for block in &blocks {
                    // All three import the same line; each block is taken once.
                    chain.import(std::slice::from_ref(block)).unwrap();
                    assert!(chain.contains(&block.hash()).unwrap());
                    assert!(chain.head().header.number >= block.number());
                }
            });
        }
    });
    assert_canonical(&chain, &blocks.iter().collect::<Vec<_>>());
}

#[test]
fn besu_branches_reorganise() {
    let Some(upgraded) = data("besu/fork-upgraded.blocks") else { return };
    let read = |path: &std::path::Path| -> Vec<Block> {
        let file = std::fs::File::open(path).unwrap();
        let blocks = crate::chainfile::Reader::new(file).unwrap();
        blocks.map(|entry| entry.unwrap().block).collect()
    };
    let outdated = read(&upgraded.with_file_name("fork-outdated.blocks"));
    let upgraded = read(&upgraded);
    let directory = tempfile::tempdir().unwrap();
    let genesis = crate::genesis::Genesis::from_block(upgraded[0].clone()).unwrap();
    let chain = open(directory.path(), &genesis, &clock());
    chain.import(&outdated[..10]).unwrap();
    assert_eq!(chain.head().header, outdated[9].header);
    let report = chain.import(&upgraded).unwrap();
    let reorg = report.reorg.unwrap();
    assert_eq!((reorg.ancestor, reorg.depth), (id(&upgraded[6]), 3));
    assert_canonical(&chain, &upgraded.iter().collect::<Vec<_>>());
    // As heavy, and later: it stays a side branch.
    let report = chain.import(&outdated).unwrap();
    assert!(report.head.is_none());
    assert_eq!(report.side, [id(&outdated[10])]);
}

#[test]
fn the_weight_of_a_verified_header_s_parent_is_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let genesis = trusted_genesis("");
    let blocks = line(genesis.header(), 3, 1);
    open(directory.path(), &genesis, &clock()).import(&blocks).unwrap();
    let chain = open(directory.path(), &genesis, &clock());
    let parent = blocks[1].hash();
    assert_eq!(chain.recent_total_difficulty(&parent), None, "nobody has asked for it");
    let beside = child(&blocks[1].header, |fields| fields.extra_data = vec![9].into());
    chain.verify_header(&beside.header).unwrap();
    assert_eq!(chain.recent_total_difficulty(&parent), chain.total_difficulty(&parent).unwrap());
    assert_eq!(chain.recent_total_difficulty(&beside.hash()), None, "verified is not imported");
}
