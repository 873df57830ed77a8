//! Genesis files of real networks and of other clients, which are too many and too large to be kept
//! here. The directory that the environment variable `GENESIS_FILES` names has them; `.ci/slow genesis`
//! asks for it:
//!
//! - the files of [`KNOWN`] must be there;
//! - every `.json` file in it must be accepted strictly, but for those named in [`REFUSED`]; those named in [`KNOWN`] have their known
//!   hashes, and every one has the hash that [`oracle`](super::oracle) computes from it;
//! - every `.json` file in its folder `refused` must be refused.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, b256};

use super::{Strictness, oracle};
use crate::chainfile::read_genesis;
use crate::engine::EngineChoice;

/// Networks by the name of their file, with the hash that everybody knows.
const KNOWN: [(&str, B256); 5] = [
    ("mainnet", b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3")),
    ("goerli", b256!("bf7e331f7f7c1dd2e05159666b3bf8bc7a8a3a9eb1d518969eab529dd9b88c1a")),
    ("sepolia", b256!("25a5cc106eea7138acab33231d7160d69cb777ee0c2c553fcddf5138993e6dd9")),
    ("holesky", b256!("b5f7f912443c940f21fd611f12828d75b534364ed9e95ca4e307729a4661bde4")),
    ("hoodi", b256!("bbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b")),
];

/// Files that other clients take and that are refused here, with what is said of them.
const REFUSED: [(&str, &str); 1] = [
    // reth's development chain gives Sepolia's state root, which reth does not read.
    ("reth-dev", "genesis field `stateRoot`: is 0x5eb6e371"),
];

/// The directory with the files, or `None` and a word about it.
fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("GENESIS_FILES").map(PathBuf::from);
    if directory.is_none() {
        eprintln!("skipped: GENESIS_FILES names no directory with genesis files");
    }
    directory
}

fn json_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        eprintln!("skipped: {} is not there", directory.display());
        return Vec::new();
    };
    let entries = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn real_files_are_accepted_with_their_hashes() {
    let Some(directory) = directory() else { return };
    let mut failed = Vec::new();
    for (network, _) in KNOWN {
        if !directory.join(format!("{network}.json")).exists() {
            failed.push(format!("{network}.json is not in {}", directory.display()));
        }
    }
    for path in json_files(&directory) {
        let name = name(&path);
        let genesis = match read_genesis(&path, Strictness::Strict) {
            Ok(genesis) => genesis,
            Err(error) => {
                let error = error.to_string();
                if REFUSED.iter().any(|(refused, why)| *refused == name && error.starts_with(why)) {
                    eprintln!("{name}: refused, as it should be: {error}");
                } else {
                    failed.push(format!("{name}: {error}"));
                }
                continue;
            }
        };
        if REFUSED.iter().any(|(refused, _)| *refused == name) {
            failed.push(format!("{name}: is accepted, and should be refused"));
        }
        let opened = match EngineChoice::Auto.open(&genesis) {
            Ok(engine) => engine.name().to_owned(),
            Err(error) => error.to_string(),
        };
        match KNOWN.iter().find(|(network, _)| *network == name) {
            Some((_, hash)) if *hash == genesis.hash() => eprintln!("{name}: the hash that is known"),
            Some((_, hash)) => failed.push(format!("{name}: {} here, {hash} is known", genesis.hash())),
            None => {}
        }
        let other = oracle::hash(&std::fs::read_to_string(&path).unwrap());
        match other {
            Ok(other) if other == genesis.hash() => eprintln!("{name}: {other}, alloy's too; {opened}"),
            Ok(other) => failed.push(format!("{name}: {} here, {other} by alloy", genesis.hash())),
            Err(error) => eprintln!("{name}: {}; alloy: {error}; {opened}", genesis.hash()),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn files_for_others_are_refused() {
    let Some(directory) = directory() else { return };
    for path in json_files(&directory.join("refused")) {
        let name = name(&path);
        let error = match read_genesis(&path, Strictness::Strict) {
            Err(error) => error.to_string(),
            Ok(genesis) => match EngineChoice::Auto.open(&genesis) {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{name} is accepted"),
            },
        };
        eprintln!("{name}: {error}");
    }
}
