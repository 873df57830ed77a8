//! Where the data are, and chains opened under `ethash`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use herald_chain::clock::Clock;
use herald_chain::engine::EngineChoice;
use herald_chain::genesis::Genesis;
use herald_chain::{Chain, ChainOptions};

/// A file or directory of `shared/data`, or `None` and a word about it when the data are not here.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/data/{name} is not here");
    None
}

/// A chain under `ethash`, with a clock that no block is ahead of.
pub(crate) fn open(directory: &Path, genesis: Genesis) -> Chain {
    let clock = Clock::manual(Duration::from_secs(u64::MAX));
    let options = ChainOptions::default().with(|options| options.clock = clock);
    Chain::open(directory, genesis, "ethash".parse::<EngineChoice>().unwrap(), options).unwrap()
}

/// geth's names of the block forks, in their order.
const BLOCK_FORKS: [&str; 13] = [
    "homesteadBlock",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "muirGlacierBlock",
    "berlinBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
];

/// A `config` whose block forks up to `last` come with the first block.
pub(crate) fn config_up_to(last: &str) -> serde_json::Map<String, serde_json::Value> {
    let mut config = serde_json::Map::new();
    config.insert("chainId".into(), 1.into());
    if last.is_empty() {
        return config;
    }
    let end = BLOCK_FORKS.iter().position(|name| *name == last).unwrap();
    for name in &BLOCK_FORKS[..=end] {
        config.insert((*name).into(), 0.into());
    }
    config
}
