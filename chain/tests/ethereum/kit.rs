//! Chains opened under `ethash`.

use std::path::Path;
use std::time::Duration;

use herald_chain::clock::Clock;
use herald_chain::engine::EngineChoice;
use herald_chain::genesis::Genesis;
use herald_chain::{Chain, ChainOptions};

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
