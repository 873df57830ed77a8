//! A process that is killed loses nothing that it has acknowledged.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use herald_chain::STORE_DIRECTORY;
use herald_chain::store::Store;
use herald_proto::Block;

use crate::kit::{chain, herald, run_well, text, write};

/// Enough for eight commits, so that kills fall before, between and within them.
const BLOCKS: usize = 4_000;

/// Imports, and kills the process with SIGKILL when it has acknowledged `batches` of them, and
/// some spins later. Returns the number of the last block that it acknowledged.
fn import_and_kill(datadir: &Path, genesis: &Path, file: &Path, batches: usize, spins: u64) -> u64 {
    let mut child = herald(["import", "--datadir", text(datadir), "--genesis", text(genesis)])
        .arg(file)
        .env("RUST_LOG", "herald_node=debug")
        .env("NO_COLOR", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut acknowledged = 0;
    let number = |line: &str| -> Option<u64> {
        let (_, rest) = line.contains("batch on disk").then(|| line.split_once("number="))??;
        rest.split_whitespace().next()?.parse().ok()
    };
    for _ in 0..batches {
        match lines.by_ref().find_map(|line| number(&line.unwrap())) {
            Some(number) => acknowledged = number,
            None => break,
        }
    }
    for _ in 0..spins {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    // What it said before it died counts as well.
    for line in lines.map_while(Result::ok) {
        acknowledged = number(&line).unwrap_or(acknowledged);
    }
    child.wait().unwrap();
    acknowledged
}

/// Every block up to the head is there, whole; returns the head's number.
fn check(datadir: &Path, blocks: &[Block], acknowledged: u64) -> u64 {
    let store = match Store::open_existing(&datadir.join(STORE_DIRECTORY)) {
        Ok(store) => store,
        // Killed before there was a store: then nothing was acknowledged.
        Err(error) => {
            assert_eq!(acknowledged, 0, "{error}");
            return 0;
        }
    };
    let (head, _) = store.locate(&store.head().unwrap()).unwrap().unwrap();
    assert!(head >= acknowledged, "head {head}, acknowledged {acknowledged}");
    for block in &blocks[..usize::try_from(head).unwrap()] {
        let (number, hash) = (block.number(), block.hash());
        assert_eq!(store.canonical(number).unwrap(), Some(hash));
        assert_eq!(store.header(number, &hash).unwrap().unwrap(), block.header.raw());
        assert_eq!(store.body(number, &hash).unwrap().unwrap(), block.body.encode());
    }
    // A commit is there whole or not at all.
    assert_eq!(store.canonical(head + 1).unwrap(), None);
    head
}

#[test]
fn kill_9_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let (genesis, blocks) = chain(directory.path(), BLOCKS);
    let file = directory.path().join("chain.rlp");
    write(&file, &blocks);
    let datadir = directory.path().join("data");
    // The same directory again and again, so that each kill falls on what others left.
    let mut head = 0;
    for (batches, spins) in [(0, 0), (0, 2_000), (1, 0), (1, 3_000), (2, 500), (4, 20_000)] {
        let acknowledged = import_and_kill(&datadir, &genesis, &file, batches, spins);
        let found = check(&datadir, &blocks, acknowledged);
        assert!(found >= head, "{found} after {head}");
        head = found;
    }
    let said = run_well(["import", "--datadir", text(&datadir), "--genesis", text(&genesis), text(&file)]);
    assert!(said.contains(&format!("head: block {BLOCKS} ")), "{said}");
    assert_eq!(check(&datadir, &blocks, BLOCKS as u64), BLOCKS as u64);
}
