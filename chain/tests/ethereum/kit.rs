//! Chains opened under `ethash`.

use std::path::Path;
use std::time::Duration;

use herald_chain::clock::Clock;
use herald_chain::engine::EngineChoice;
use herald_chain::genesis::{BlockFork, Genesis};
use herald_chain::{Chain, ChainOptions};

/// A chain under `ethash`, with a clock that no block is ahead of.
pub(crate) fn open(directory: &Path, genesis: Genesis) -> Chain {
    let clock = Clock::manual(Duration::from_secs(u64::MAX));
    let options = ChainOptions::default().with(|options| options.clock = clock);
    Chain::open(directory, genesis, "ethash".parse::<EngineChoice>().unwrap(), options).unwrap()
}

/// A `config` whose block forks up to `last` come with the first block, but for the DAO's. Without
/// `last` it has no fork.
pub(crate) fn config_up_to(last: Option<BlockFork>) -> serde_json::Map<String, serde_json::Value> {
    let mut config = serde_json::Map::new();
    config.insert("chainId".into(), 1.into());
    let has_come = |fork: &&BlockFork| **fork != BlockFork::Dao && last.is_some_and(|last| **fork <= last);
    for fork in BlockFork::all().iter().filter(has_come) {
        config.insert(fork.key().into(), 0.into());
    }
    config
}
