//! Making a genesis for a Clique chain.

use alloy_primitives::{Address, Bytes, U256, hex};
use serde_json::{Map, Value, json};

use super::{CliqueConfig, SEAL_BYTES, VANITY_BYTES};
use crate::genesis::BlockFork;

/// The forks that are active from the first block on, as on a development chain of geth's.
const FORKS: [BlockFork; 10] = [
    BlockFork::Homestead,
    BlockFork::Eip150,
    BlockFork::Eip155,
    BlockFork::Eip158,
    BlockFork::Byzantium,
    BlockFork::Constantinople,
    BlockFork::Petersburg,
    BlockFork::Istanbul,
    BlockFork::Berlin,
    BlockFork::London,
];

/// A Clique genesis at London, in the making. Clique ends before Shanghai, as in geth.
///
/// Closed on purpose: each field goes into the hash of block 0, so whoever writes all of them must
/// see a new one.
#[derive(Clone, Debug)]
pub struct DevGenesis {
    /// What transactions are signed for. Default 1337, which wallets know as a development chain.
    pub chain_id: u64,
    /// Period and epoch. Default 2 s and 30,000 blocks.
    pub clique: CliqueConfig,
    /// Seconds since 1970. Default 0: two makers of the same genesis get the same hash.
    pub timestamp: u64,
    /// Default 30 million, mainnet's for years.
    pub gas_limit: u64,
    /// Who may seal, in any order.
    pub signers: Vec<Address>,
    /// Accounts and their balances in wei.
    pub funded: Vec<(Address, U256)>,
}

impl Default for DevGenesis {
    fn default() -> Self {
        Self {
            chain_id: 1337,
            clique: CliqueConfig { period: 2, ..CliqueConfig::default() },
            timestamp: 0,
            gas_limit: 30_000_000,
            signers: Vec::new(),
            funded: Vec::new(),
        }
    }
}

impl DevGenesis {
    /// The genesis in geth's format: what [`Genesis::from_json`](crate::genesis::Genesis::from_json) and
    /// `geth init` read.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut config = Map::new();
        config.insert("chainId".into(), self.chain_id.into());
        for fork in FORKS {
            config.insert(fork.key().into(), 0.into());
        }
        config.insert("clique".into(), json!({ "period": self.clique.period, "epoch": self.clique.epoch }));
        let alloc: Map<String, Value> = self
            .funded
            .iter()
            .map(|(address, wei)| (hex::encode(address), json!({ "balance": quantity(*wei) })))
            .collect();
        let genesis = json!({
            "config": config,
            "nonce": "0x0",
            "timestamp": quantity(U256::from(self.timestamp)),
            "extraData": clique_extra_data(&self.signers),
            "gasLimit": quantity(U256::from(self.gas_limit)),
            "difficulty": "0x1",
            "mixHash": alloy_primitives::B256::ZERO,
            "coinbase": format!("{:#x}", Address::ZERO),
            "alloc": alloc,
        });
        let mut text = serde_json::to_string_pretty(&genesis)
            .expect("strings, numbers and maps with string keys always have JSON");
        text.push('\n');
        text
    }
}

/// The extra data of a Clique checkpoint: vanity, signers in ascending order, zeros for a seal.
#[must_use]
pub fn clique_extra_data(signers: &[Address]) -> Bytes {
    let mut signers = signers.to_vec();
    signers.sort_unstable();
    signers.dedup();
    let mut extra = vec![0; VANITY_BYTES];
    extra.extend(signers.iter().flatten());
    extra.resize(extra.len() + SEAL_BYTES, 0);
    extra.into()
}

/// A number in JSON as geth writes it.
fn quantity(value: U256) -> String {
    format!("{value:#x}")
}
