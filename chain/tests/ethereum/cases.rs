//! Ethereum's BlockchainTests, without execution: every valid chain is followed to its last block,
//! and every refusal that a header, an uncle or the format explains is made for that reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, Bytes};
use herald_chain::genesis::{BlockFork, Genesis, TimeFork};
use herald_chain::testkit;
use herald_chain::{BlockError, Chain, Rule};
use herald_proto::{Block, BlockExt as _};
use serde_json::{Value, json};

use crate::exceptions::{Expected, expected};
use crate::kit;

/// What came of the cases.
#[derive(Debug, Default)]
struct Counts {
    files: usize,
    cases: usize,
    imported: usize,
    refused: BTreeMap<String, usize>,
    by_execution: BTreeMap<String, usize>,
}

#[test]
fn blockchain_tests_hold_at_header_level() {
    let Some(root) = testkit::data("blockchain-tests") else { return };
    let mut files = Vec::new();
    gather(&root, &mut files);
    files.sort();
    // Each case waits for the disk most of the time.
    let chunk = files.len().div_ceil(WORKERS).max(1);
    let counts = std::thread::scope(|scope| {
        let workers: Vec<_> = files.chunks(chunk).map(|files| scope.spawn(|| run_files(files))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Counts::default(), Counts::and)
    });
    println!("{counts:#?}");
    assert!(counts.imported > 0 && !counts.refused.is_empty(), "the data have both: {counts:?}");
}

/// Files that are worked through at once.
const WORKERS: usize = 8;

impl Counts {
    fn and(mut self, other: Self) -> Self {
        self.files += other.files;
        self.cases += other.cases;
        self.imported += other.imported;
        for (sum, part) in [(&mut self.refused, other.refused), (&mut self.by_execution, other.by_execution)]
        {
            for (name, count) in part {
                *sum.entry(name).or_default() += count;
            }
        }
        self
    }
}

fn run_files(files: &[PathBuf]) -> Counts {
    let mut counts = Counts::default();
    for file in files {
        counts.files += 1;
        let cases: BTreeMap<String, Value> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for (name, case) in cases {
            counts.cases += 1;
            run(&name, &case, &mut counts);
        }
    }
    counts
}

fn gather(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
}

fn run(name: &str, case: &Value, counts: &mut Counts) {
    let directory = tempfile::tempdir().unwrap();
    let chain = kit::open(directory.path(), genesis(name, case));
    for (index, block) in case["blocks"].as_array().unwrap().iter().enumerate() {
        let what = format!("{name}, block {index}");
        let bytes: Bytes = block["rlp"].as_str().unwrap().parse().unwrap();
        let Some(exception) = block["expectException"].as_str() else {
            let block = Block::decode(&bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            let report = chain.import(&[block]).unwrap_or_else(|error| panic!("{what}: {error}"));
            counts.imported += report.imported;
            continue;
        };
        match expected(exception) {
            Expected::ByExecution => *counts.by_execution.entry(exception.into()).or_default() += 1,
            Expected::Refused(labels) => {
                let (label, said) = refusal(&chain, &bytes).unwrap_or_else(|| panic!("{what}: {exception}"));
                assert!(labels.contains(&label.as_str()), "{what}: {exception}, not {label} ({said})");
                *counts.refused.entry(format!("{exception}: {label}")).or_default() += 1;
            }
        }
    }
    let last: B256 = case["lastblockhash"].as_str().unwrap().parse().unwrap();
    assert_eq!(chain.head().header.hash(), last, "{name}");
}

/// What a refusal is called, and what it says; `None` when the block is taken.
fn refusal(chain: &Chain, bytes: &[u8]) -> Option<(String, String)> {
    let block = match Block::decode(bytes) {
        Ok(block) => block,
        Err(error) => return Some(("format".into(), error.to_string())),
    };
    let error = chain.import(&[block]).err()?.error;
    let label = match &error {
        BlockError::UnknownParent { .. } => "unknown parent".into(),
        BlockError::Broken(rule) => match &**rule {
            Rule::UncleHeader { rule, .. } => format!("uncles: {}", rule.label()),
            rule => rule.label().into(),
        },
        other => panic!("{other}"),
    };
    Some((label, error.to_string()))
}

fn genesis(name: &str, case: &Value) -> Genesis {
    let header = &case["genesisBlockHeader"];
    let mut genesis = json!({ "config": config(case["network"].as_str().unwrap()), "alloc": case["pre"] });
    for (ours, theirs) in [
        ("nonce", "nonce"),
        ("timestamp", "timestamp"),
        ("extraData", "extraData"),
        ("gasLimit", "gasLimit"),
        ("gasUsed", "gasUsed"),
        ("difficulty", "difficulty"),
        ("mixHash", "mixHash"),
        ("coinbase", "coinbase"),
        ("baseFeePerGas", "baseFeePerGas"),
        ("blobGasUsed", "blobGasUsed"),
        ("excessBlobGas", "excessBlobGas"),
    ] {
        if let Some(value) = header.get(theirs) {
            genesis[ours] = value.clone();
        }
    }
    let genesis = Genesis::from_json(&genesis.to_string()).unwrap();
    assert_eq!(genesis.hash().to_string(), header["hash"].as_str().unwrap(), "{name}");
    genesis
}

/// The forks of a `network`, as the tests name them.
fn config(network: &str) -> Value {
    let with = |last: Option<BlockFork>, more: &[(&str, u64)]| {
        let mut config = kit::config_up_to(last);
        config.extend(more.iter().map(|(name, at)| ((*name).to_owned(), Value::from(*at))));
        Value::Object(config)
    };
    let paris = ("terminalTotalDifficulty", 0);
    let shanghai = TimeFork::Shanghai.key();
    match network {
        "Cancun" => with(Some(BlockFork::GrayGlacier), &[paris, (shanghai, 0), (TimeFork::Cancun.key(), 0)]),
        "FrontierToHomesteadAt5" => with(None, &[(BlockFork::Homestead.key(), 5)]),
        "ByzantiumToConstantinopleFixAt5" => {
            let fix = [(BlockFork::Constantinople.key(), 5), (BlockFork::Petersburg.key(), 5)];
            with(Some(BlockFork::Byzantium), &fix)
        }
        "BerlinToLondonAt5" => with(Some(BlockFork::Berlin), &[(BlockFork::London.key(), 5)]),
        "ArrowGlacierToParisAtDiffC0000" => {
            with(Some(BlockFork::ArrowGlacier), &[("terminalTotalDifficulty", 0xc0000)])
        }
        "ParisToShanghaiAtTime15k" => with(Some(BlockFork::GrayGlacier), &[paris, (shanghai, 15_000)]),
        other => panic!("the forks of {other} are not known here"),
    }
}
