//! Running the binary, and making chains for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use alloy_primitives::U256;
use herald_chain::genesis::Genesis;
use herald_proto::roots::{EMPTY_ROOT, EMPTY_UNCLES_HASH};
use herald_proto::{Block, BlockExt as _, Body, Header, HeaderFields};

/// The binary, with arguments.
pub(crate) fn herald<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

pub(crate) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    herald(arguments).output().unwrap()
}

/// Standard output of a run that must go well.
pub(crate) fn run_well<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The one line that a run which fails says, and its exit code.
pub(crate) fn run_badly<'a>(arguments: impl IntoIterator<Item = &'a str>) -> (i32, String) {
    let output = run(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    (output.status.code().unwrap(), error)
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A genesis in a file, and `count` blocks that follow it.
pub(crate) fn chain(directory: &Path, count: usize) -> (PathBuf, Vec<Block>) {
    let json = r#"{"config": {"chainId": 1}, "difficulty": "0x10", "gasLimit": "0x1c9c380",
        "alloc": {}}"#;
    let path = directory.join("genesis.json");
    std::fs::write(&path, json).unwrap();
    let mut parent = Genesis::from_json(json).unwrap().header().clone();
    let body = Body::new(Vec::new(), Vec::new(), None);
    let mut blocks = Vec::with_capacity(count);
    for _ in 0..count {
        let header = Header::new(HeaderFields {
            parent_hash: parent.hash(),
            uncles_hash: EMPTY_UNCLES_HASH,
            transactions_root: EMPTY_ROOT,
            receipts_root: EMPTY_ROOT,
            difficulty: U256::from(16),
            number: parent.number + 1,
            gas_limit: parent.gas_limit,
            timestamp: parent.timestamp + 10,
            ..HeaderFields::default()
        });
        parent = header.unwrap();
        blocks.push(Block::new(parent.clone(), body.clone()));
    }
    (path, blocks)
}

pub(crate) fn write(path: &Path, blocks: &[Block]) {
    let bytes: Vec<u8> = blocks.iter().flat_map(Block::encode).collect();
    std::fs::write(path, bytes).unwrap();
}
