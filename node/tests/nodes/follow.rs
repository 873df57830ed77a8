//! Nodes that follow each other: through the fetcher near the head, by range sync from behind.

use std::path::Path;

use herald_chain::testkit::data;
use herald_proto::Block;
use serde_json::{Value, json};

use crate::kit::{Herald, blocks, chain, genesis, import, quantity, wait_for, write};

fn hash(block: &Block) -> String {
    block.hash().to_string()
}

/// A node whose chain is `blocks`, with its data in a directory of its own below `directory`.
fn node_with(directory: &Path, name: &str, genesis: &Path, blocks: &[Block], more: &[&str]) -> Herald {
    let directory = directory.join(name);
    std::fs::create_dir(&directory).unwrap();
    if !blocks.is_empty() {
        let file = directory.join("chain.rlp");
        write(&file, blocks);
        import(&directory, genesis, &file);
    }
    Herald::node(&directory, genesis, more)
}

/// How many blocks ended as imported by the fetcher.
fn imported(node: &Herald) -> u64 {
    let fetcher = node.ask(0, "herald_fetcher", json!([]));
    quantity(&fetcher["counters"]["ends"]["imported"])
}

/// A has the first blocks, B none; then A is given five more while both run.
fn five_more_blocks_come_through_the_fetcher(genesis: &Path, blocks: &[Block]) {
    let directory = tempfile::tempdir().unwrap();
    let (first, more) = blocks.split_at(blocks.len() - 5);
    let a = node_with(directory.path(), "a", genesis, first, &[]);
    let b = node_with(directory.path(), "b", genesis, &[], &["--bootnode", a.address(0)]);
    b.wait_for_head(0, &hash(first.last().unwrap()));
    assert_eq!(imported(&b), 0, "what lies far behind is the range sync's");
    // The fetcher counts each reply that answers none of its requests: it was shown no reply to sync.
    let fetcher = b.ask(0, "herald_fetcher", json!([]));
    assert_eq!(quantity(&fetcher["counters"]["repliesUnmatched"]), 0, "{fetcher}");
    wait_for("the first peer", || (quantity(&a.ask(0, "net_peerCount", json!([]))) == 1).then_some(()));

    let file = directory.path().join("more.rlp");
    write(&file, blocks);
    assert_eq!(a.ask(0, "admin_importChain", json!([file.to_str().unwrap()])), true);
    b.wait_for_head(0, &hash(more.last().unwrap()));
    wait_for("the fetcher's last outcome", || (imported(&b) == 5).then_some(()));
    let fetcher = b.ask(0, "herald_fetcher", json!([]));
    for stage in ["announced", "fetching", "queued", "importing"] {
        assert!(quantity(&fetcher["stages"][stage]["entered"]) > 0, "{stage}: {fetcher}");
    }
    assert_eq!(quantity(&fetcher["entries"]), 0, "{fetcher}");
    let log = b.log(0);
    for block in more {
        let of_block: Vec<&str> = log.lines().filter(|line| line.contains(&hash(block))).collect();
        for stage in ["fetching", "importing"] {
            let entered = format!("stage=\"{stage}\"");
            assert!(of_block.iter().any(|line| line.contains(&entered)), "{stage}: {of_block:#?}");
        }
    }
    let peers = b.ask(0, "admin_peers", json!([]));
    assert_eq!(peers[0]["peerId"], a.info["nodes"][0]["peer_id"]);
    assert_eq!(peers[0]["direction"], "outbound");
}

#[test]
fn new_blocks_come_through_the_fetcher() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, block_0) = genesis(directory.path());
    five_more_blocks_come_through_the_fetcher(&genesis, &chain(&block_0, 45, 0));
}

#[test]
fn blocks_of_every_fork_come_through_the_fetcher() {
    let Some(file) = data("execution-apis-2025-02/chain.rlp") else { return };
    five_more_blocks_come_through_the_fetcher(&file.with_file_name("genesis.json"), &blocks(&file));
}

#[test]
fn a_node_behind_catches_up_on_connecting_although_nothing_is_announced() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, block_0) = genesis(directory.path());
    let blocks = chain(&block_0, 60, 0);
    let a = node_with(directory.path(), "a", &genesis, &blocks, &[]);
    for behind in [1, 7, 32, 33] {
        let name = format!("behind-{behind}");
        let b = node_with(directory.path(), &name, &genesis, &blocks[..60 - behind], &[]);
        assert_eq!(b.ask(0, "admin_addPeer", json!([a.address(0)])), true);
        b.wait_for_head(0, &hash(&blocks[59]));
    }
}

#[test]
fn a_node_on_a_lighter_branch_moves_over_in_one_step() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, block_0) = genesis(directory.path());
    let trunk = chain(&block_0, 6, 0);
    let heavy = chain(&trunk[5].header, 4, 1);
    let light = chain(&trunk[5].header, 3, 2);
    let a = node_with(directory.path(), "a", &genesis, &[&trunk[..], &heavy].concat(), &[]);
    let b = node_with(directory.path(), "b", &genesis, &[&trunk[..], &light].concat(), &[]);
    assert_eq!(b.hash(0, 9).as_deref(), Some(hash(&light[2]).as_str()));
    assert_eq!(b.ask(0, "admin_addPeer", json!([a.address(0)])), true);
    b.wait_for_head(0, &hash(&heavy[3]));
    assert_eq!(b.hash(0, 9).as_deref(), Some(hash(&heavy[2]).as_str()));
    // It was one step, and is said once.
    wait_for("the word of it", || b.log(0).contains("reorganised onto another branch").then_some(()));
    let log = b.log(0);
    let said: Vec<&str> =
        log.lines().filter(|line| line.contains("reorganised onto another branch")).collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("depth=3") && said[0].contains("ancestor=6"), "{said:#?}");
    // The other branch is still known.
    let left = b.ask(0, "eth_getBlockByHash", json!([hash(&light[2]), false]));
    assert_eq!(left["hash"], hash(&light[2]));
}

/// Blocks without block 0, and a file with block 0 alone.
fn split_genesis(directory: &Path, file: &Path) -> (std::path::PathBuf, Vec<Block>) {
    let mut blocks = blocks(file);
    let genesis = directory.join("genesis.rlp");
    write(&genesis, &[blocks.remove(0)]);
    (genesis, blocks)
}

#[test]
fn the_outdated_fork_moves_onto_the_upgraded_one() {
    let (Some(upgraded), Some(outdated)) =
        (data("besu/fork-upgraded.blocks"), data("besu/fork-outdated.blocks"))
    else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let (genesis, upgraded) = split_genesis(directory.path(), &upgraded);
    let (_, outdated) = split_genesis(directory.path(), &outdated);
    assert_eq!(upgraded[5], outdated[5]);
    let a = node_with(directory.path(), "a", &genesis, &upgraded, &[]);
    let b = node_with(directory.path(), "b", &genesis, &outdated[..9], &["--bootnode", a.address(0)]);
    b.wait_for_head(0, &hash(&upgraded[9]));
    for block in &upgraded {
        assert_eq!(b.hash(0, block.number()), Some(hash(block)));
    }
    wait_for("the word of it", || b.log(0).contains("reorganised onto another branch").then_some(()));
    assert!(b.log(0).contains("depth=3"), "blocks 7 to 9 were left");
}

#[test]
fn a_node_that_was_away_catches_up_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, block_0) = genesis(directory.path());
    let blocks = chain(&block_0, 50, 0);
    let a = node_with(directory.path(), "a", &genesis, &blocks[..10], &[]);
    let bootnode = ["--bootnode", a.address(0)];
    let mut b = node_with(directory.path(), "b", &genesis, &[], &bootnode);
    b.wait_for_head(0, &hash(&blocks[9]));
    assert_eq!(b.interrupt().code(), Some(0));
    let file = directory.path().join("more.rlp");
    write(&file, &blocks);
    assert_eq!(a.ask(0, "admin_importChain", json!([file.to_str().unwrap()])), true);
    let b = Herald::node(&directory.path().join("b"), &genesis, &bootnode);
    b.wait_for_head(0, &hash(&blocks[49]));
    let peers = b.ask(0, "admin_peers", json!([]));
    assert_ne!(peers, Value::Null);
}
